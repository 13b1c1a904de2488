//! Seeds wrapped anew after an erasure: one file per day and version in the log's folder `vault/`.
//!
//! ```text
//! "HYVT", u8 version 1; per entry u64 index, u16 length, its wrap; u64::MAX, u64 count, u32 CRC-32C of all before it
//! ```
//! The newest file that names an entry counts; without one the wrap in the log's frame does.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::VaultError;
use super::day::{Day, KeyName};
use super::error::failed;
use super::master::flush;
use super::record::Wrap;

const MAGIC: &[u8; 5] = b"HYVT\x01";
const FOLDER: &str = "vault";
const TRAILER_BYTES: usize = 8 + 8 + 4;

/// The tables of one log; those of the day last asked for stay in memory.
pub(super) struct Tables {
    folder: PathBuf,
    /// Newest first.
    loaded: Option<(Day, Vec<Table>)>,
}

struct Table {
    bytes: Vec<u8>,
    /// Entry and where its wrap stands; ascending.
    places: Vec<(u64, usize, usize)>,
}

impl Tables {
    pub(super) fn new(log: &Path) -> Self {
        Self { folder: log.join(FOLDER), loaded: None }
    }

    /// The entry's wrap if it was made anew.
    pub(super) fn find(&mut self, day: Day, index: u64) -> Result<Option<Wrap>, VaultError> {
        let tables = match self.loaded.take() {
            Some((loaded, tables)) if loaded == day => tables,
            _ => {
                let mut names: Vec<KeyName> =
                    self.names()?.into_iter().filter(|name| name.day == day).collect();
                names.reverse();
                names.iter().map(|name| self.load(*name)).collect::<Result<_, _>>()?
            }
        };
        let wrap = tables.iter().find_map(|table| table.wrap(index)).transpose();
        self.loaded = Some((day, tables));
        wrap
    }

    /// Every table there is, ascending.
    pub(super) fn names(&self) -> Result<Vec<KeyName>, VaultError> {
        let read = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            read => read.map_err(failed("read", &self.folder))?,
        };
        let mut names = Vec::new();
        for entry in read {
            let file = entry.map_err(failed("read", &self.folder))?.file_name();
            names.extend(file.to_str().and_then(|file| file.parse::<KeyName>().ok()));
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Begins a table; it is there only once it is finished.
    pub(super) fn begin(&self, name: KeyName) -> Result<Unfinished, VaultError> {
        fs::create_dir_all(&self.folder).map_err(failed("make", &self.folder))?;
        if let Some(log) = self.folder.parent() {
            flush(log)?;
        }
        let path = self.folder.join(format!("{name}.unfinished"));
        let file = File::create(&path).map_err(failed("make", &path))?;
        let mut table = Unfinished {
            file: BufWriter::new(file),
            path,
            finished: self.folder.join(name.to_string()),
            checksum: 0,
            count: 0,
        };
        table.write(MAGIC)?;
        Ok(table)
    }

    /// Removes a table whose key is destroyed: tidiness, for it opens nothing any more.
    pub(super) fn remove(&self, name: KeyName) -> Result<(), VaultError> {
        let path = self.folder.join(name.to_string());
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => {
                removed.map_err(failed("remove", &path))?;
                flush(&self.folder)
            }
        }
    }

    fn load(&self, name: KeyName) -> Result<Table, VaultError> {
        let path = self.folder.join(name.to_string());
        let bytes = fs::read(&path).map_err(failed("read", &path))?;
        places(&bytes).map(|places| Table { bytes, places }).ok_or(VaultError::Table(path))
    }
}

impl Table {
    fn wrap(&self, index: u64) -> Option<Result<Wrap, VaultError>> {
        let at = self.places.binary_search_by_key(&index, |place| place.0).ok()?;
        let &(_, from, to) = self.places.get(at)?;
        self.bytes.get(from..to).map(Wrap::decode)
    }
}

fn places(bytes: &[u8]) -> Option<Vec<(u64, usize, usize)>> {
    let (content, trailer) = bytes.split_at_checked(bytes.len().checked_sub(TRAILER_BYTES)?)?;
    let (end, trailer) = trailer.split_first_chunk::<8>()?;
    let (count, checksum) = trailer.split_first_chunk::<8>()?;
    let checked = bytes.get(..bytes.len() - 4)?;
    let whole = u64::from_be_bytes(*end) == u64::MAX
        && crc32c::crc32c(checked).to_be_bytes() == *checksum
        && content.starts_with(MAGIC);
    if !whole {
        return None;
    }
    let mut places = Vec::new();
    let mut at = MAGIC.len();
    while at < content.len() {
        let rest = content.get(at..)?;
        let (index, rest) = rest.split_first_chunk::<8>()?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let (from, length) = (at + 10, usize::from(u16::from_be_bytes(*length)));
        rest.get(..length)?;
        places.push((u64::from_be_bytes(*index), from, from + length));
        at = from + length;
    }
    let ascending = places.is_sorted_by(|one, next| one.0 < next.0);
    (ascending && places.len() as u64 == u64::from_be_bytes(*count)).then_some(places)
}

/// A table being written.
pub(super) struct Unfinished {
    file: BufWriter<File>,
    path: PathBuf,
    finished: PathBuf,
    checksum: u32,
    count: u64,
}

impl Unfinished {
    /// Adds an entry's wrap; entries come in ascending order.
    pub(super) fn add(&mut self, index: u64, wrap: &Wrap) -> Result<(), VaultError> {
        let bytes = wrap.encode();
        let length =
            u16::try_from(bytes.len()).map_err(|_| VaultError::Table(self.path.clone()))?;
        self.write(&index.to_be_bytes())?;
        self.write(&length.to_be_bytes())?;
        self.write(&bytes)?;
        self.count += 1;
        Ok(())
    }

    /// Makes it durable and puts it in place; says how many entries it has.
    pub(super) fn finish(mut self) -> Result<u64, VaultError> {
        self.write(&u64::MAX.to_be_bytes())?;
        self.write(&self.count.to_be_bytes())?;
        let checksum = self.checksum.to_be_bytes();
        self.write(&checksum)?;
        let file = self
            .file
            .into_inner()
            .map_err(|error| failed("write", &self.path)(error.into_error()))?;
        file.sync_all().map_err(failed("flush", &self.path))?;
        fs::rename(&self.path, &self.finished).map_err(failed("rename", &self.path))?;
        flush(self.finished.parent().unwrap_or(Path::new(".")))?;
        Ok(self.count)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), VaultError> {
        self.checksum = crc32c::crc32c_append(self.checksum, bytes);
        self.file.write_all(bytes).map_err(failed("write", &self.path))
    }
}
