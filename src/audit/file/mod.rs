//! The log as files in one folder: segments of frames, the published checkpoint, a description, a lock.
//!
//! ```text
//! log.toml       what the log is            checkpoint   the one last published
//! lock           held by the one writer     wal/         0000000000000001.wal, …
//! set-aside/     what writes cut short left behind, for those who want to look
//! ```

mod description;
pub(super) mod scan;
mod segment;

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock};
use std::thread::{self, JoinHandle};

use bytes::Bytes;

pub use self::description::Description;
use self::scan::{Place, Scan, name, scan};
use super::frame::{BLOCK, Frame, Peeked};
use super::store::{Damage, Store, StoreError, Visit, failed};

const WAL: &str = "wal";
const LOCK: &str = "lock";
const CHECKPOINT: &str = "checkpoint";
const SET_ASIDE: &str = "set-aside";

/// At least one place is remembered per this many entries: 24 bytes of memory each, at most so many frames to skip.
const PLACE_EVERY: u64 = 256;

/// Smallest segment: the largest entry must fit, with the largest sealed record.
pub const MIN_SEGMENT_BYTES: u64 = 640 << 10;

/// A log's folder, held by this process.
pub struct FileStore {
    folder: PathBuf,
    description: Description,
    segment_bytes: u64,
    active: Mutex<Option<Active>>,
    index: RwLock<Index>,
    /// Kept for its lock, which the system gives back when the file is closed.
    _lock: File,
}

/// The segment being written.
struct Active {
    file: File,
    number: u64,
    end: u64,
    size: u64,
    /// The next segment, being made.
    spare: Option<JoinHandle<Result<File, StoreError>>>,
}

/// Where entries lie, thinly.
#[derive(Default)]
struct Index {
    /// First entry of a frame, and where that frame lies; ascending.
    places: Vec<(u64, Place)>,
    /// Entries that are durable.
    size: u64,
}

impl Index {
    fn add(&mut self, frame: &Frame, place: Place) {
        let first = frame.header().first_index;
        let is_due = self.places.last().is_none_or(|&(index, last)| {
            last.segment != place.segment || first - index >= PLACE_EVERY
        });
        if is_due {
            self.places.push((first, place));
        }
        self.size = first + u64::from(frame.count());
    }

    /// The nearest known frame at or before the entry.
    fn before(&self, index: u64) -> Option<(u64, Place)> {
        let after = self.places.partition_point(|&(first, _)| first <= index);
        self.places.get(after.checked_sub(1)?).copied()
    }
}

impl FileStore {
    /// Makes the folder of a new log, with its first frame and checkpoint in it; the description last, because a log
    /// exists only when that is there.
    ///
    /// # Errors
    /// When the folder already holds a log or parts of one, or cannot be written.
    pub fn create(
        folder: &Path,
        description: &Description,
        segment_bytes: u64,
        frame: &Frame,
        checkpoint: &str,
    ) -> Result<(), StoreError> {
        let wal = folder.join(WAL);
        for part in [description::FILE, WAL, CHECKPOINT] {
            let path = folder.join(part);
            if path.exists() {
                let exists = io::Error::from(io::ErrorKind::AlreadyExists);
                return Err(failed("create", path)(exists));
            }
        }
        fs::create_dir_all(&wal).map_err(failed("create", &wal))?;
        let lock = folder.join(LOCK);
        File::create(&lock).map_err(failed("create", &lock))?;
        let size = usable(segment_bytes);
        let header = segment::header(description, 1, size);
        segment::make(&wal, &name(1), &header, size, frame.bytes())?;
        replace(folder, CHECKPOINT, checkpoint)?;
        replace(folder, description::FILE, &description.to_text())?;
        match folder.canonicalize().ok().as_deref().and_then(Path::parent) {
            Some(parent) => flush_folder(parent),
            None => Ok(()),
        }
    }

    /// Takes the folder for this process. [`Store::load`] comes next.
    ///
    /// # Errors
    /// When another process has it.
    pub fn open(
        folder: &Path,
        description: Description,
        segment_bytes: u64,
    ) -> Result<Self, StoreError> {
        let path = folder.join(LOCK);
        let lock = File::options().write(true).create(true).truncate(false).open(&path);
        let lock = lock.map_err(failed("open", &path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::InUse(folder.to_owned())),
            Err(TryLockError::Error(error)) => return Err(failed("lock", path)(error)),
        }
        Ok(Self {
            folder: folder.to_owned(),
            description,
            segment_bytes: usable(segment_bytes),
            active: Mutex::new(None),
            index: RwLock::default(),
            _lock: lock,
        })
    }

    /// Copies the frames of the last segment into a new file that replaces it. What was read may never have reached
    /// the disk: after a failed flush the system can go on showing pages that it did not write.
    fn write_again(&self, scan: &Scan) -> Result<Active, StoreError> {
        let wal = self.folder.join(WAL);
        for number in &scan.ahead {
            let path = wal.join(name(*number));
            fs::remove_file(&path).map_err(failed("remove", &path))?;
        }
        if let Some(torn) = &scan.torn {
            self.set_aside(torn)?;
        }
        let Some(last) = scan.filled.last() else {
            let (path, source) = (wal.join(name(1)), Damage::SegmentMissing(1));
            return Err(StoreError::Damaged { path, offset: 0, source });
        };
        let path = wal.join(name(last.number));
        let bytes = fs::read(&path).map_err(failed("read", &path))?;
        let header = segment::header(&self.description, last.number, last.size as u64);
        let frames = bytes.get(BLOCK..last.end).unwrap_or_default();
        let file = segment::make(&wal, &name(last.number), &header, last.size as u64, frames)?;
        let spare = Some(self.make_ahead(last.number + 1)?);
        let (end, size) = (last.end as u64, last.size as u64);
        Ok(Active { file, number: last.number, end, size, spare })
    }

    fn set_aside(&self, torn: &scan::Torn) -> Result<(), StoreError> {
        let folder = self.folder.join(SET_ASIDE);
        fs::create_dir_all(&folder).map_err(failed("create", &folder))?;
        let segment = torn.path.file_stem().unwrap_or_default().to_string_lossy();
        let path =
            folder.join(format!("{segment}-{}-{:08x}", torn.offset, crc32c::crc32c(&torn.bytes)));
        let mut file = File::create(&path).map_err(failed("create", &path))?;
        file.write_all(&torn.bytes).map_err(failed("write", &path))?;
        file.sync_all().map_err(failed("flush", &path))?;
        flush_folder(&folder)
    }

    fn make_ahead(&self, number: u64) -> Result<JoinHandle<Result<File, StoreError>>, StoreError> {
        let (wal, size) = (self.folder.join(WAL), self.segment_bytes);
        let header = segment::header(&self.description, number, size);
        let make = {
            let wal = wal.clone();
            move || segment::make(&wal, &name(number), &header, size, &[])
        };
        let thread = thread::Builder::new().name("log-segment".to_owned()).spawn(make);
        thread.map_err(failed("start a thread for", wal))
    }

    /// Goes on in the next segment, normally one that is ready.
    fn roll(&self, active: &mut Active) -> Result<(), StoreError> {
        let number = active.number + 1;
        let ready = active.spare.take().and_then(|spare| spare.join().ok()).and_then(Result::ok);
        let file = match ready {
            Some(file) => file,
            // Making it ahead failed, perhaps for want of space that is there by now.
            None => {
                let header = segment::header(&self.description, number, self.segment_bytes);
                let wal = self.folder.join(WAL);
                segment::make(&wal, &name(number), &header, self.segment_bytes, &[])?
            }
        };
        let spare = Some(self.make_ahead(number + 1)?);
        *active = Active { file, number, end: BLOCK as u64, size: self.segment_bytes, spare };
        Ok(())
    }
}

impl Store for FileStore {
    fn load(&self, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        let mut index = Index::default();
        let scan = scan(&self.folder, &self.description, &mut |place, frame| {
            visit(frame)?;
            index.add(frame, place);
            Ok(())
        })?;
        let active = self.write_again(&scan)?;
        *self.active.lock().unwrap_or_else(PoisonError::into_inner) = Some(active);
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = index;
        Ok(())
    }

    fn append(&self, frame: &Frame) -> Result<(), StoreError> {
        let mut active = self.active.lock().unwrap_or_else(PoisonError::into_inner);
        let wal = self.folder.join(WAL);
        let Some(active) = active.as_mut() else {
            return Err(failed("write to", wal)(io::Error::from(io::ErrorKind::NotConnected)));
        };
        let length = frame.bytes().len() as u64;
        if active.end + length > active.size {
            self.roll(active)?;
        }
        let path = || wal.join(name(active.number));
        active
            .file
            .write_all_at(frame.bytes(), active.end)
            .map_err(|e| failed("write", path())(e))?;
        active.file.sync_data().map_err(|error| failed("flush", path())(error))?;
        let place = Place { segment: active.number, offset: active.end };
        active.end += length;
        self.index.write().unwrap_or_else(PoisonError::into_inner).add(frame, place);
        Ok(())
    }

    fn read(&self, first: u64, limit: usize) -> Result<Vec<Bytes>, StoreError> {
        let (start, size) = {
            let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
            (index.before(first), index.size)
        };
        let end = size.min(first.saturating_add(limit as u64));
        let mut entries = Vec::new();
        let Some((mut next, mut place)) = start.filter(|_| first < end) else {
            return Ok(entries);
        };
        let mut reader = Reader::open(&self.folder, place.segment)?;
        while next < end {
            let Some(peeked) = reader.peek(place.offset)? else {
                place = Place { segment: place.segment + 1, offset: BLOCK as u64 };
                reader = Reader::open(&self.folder, place.segment)?;
                continue;
            };
            let count = u64::from(peeked.count);
            if next + count > first {
                let frame = reader.frame(place.offset, peeked)?;
                let skip = usize::try_from(first.saturating_sub(next)).unwrap_or(usize::MAX);
                let room = limit - entries.len();
                entries.extend(frame.entries().skip(skip).take(room));
            }
            next += count;
            place.offset += peeked.bytes as u64;
        }
        Ok(entries)
    }

    fn published(&self) -> Result<Option<String>, StoreError> {
        published(&self.folder)
    }

    fn publish(&self, checkpoint: &str) -> Result<(), StoreError> {
        replace(&self.folder, CHECKPOINT, checkpoint)
    }
}

impl Drop for FileStore {
    fn drop(&mut self) {
        let active = self.active.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        // The lock must not be given back while a thread of ours still makes a file.
        if let Some(spare) = active.and_then(|active| active.spare) {
            drop(spare.join());
        }
    }
}

fn usable(segment_bytes: u64) -> u64 {
    segment_bytes.max(MIN_SEGMENT_BYTES).next_multiple_of(BLOCK as u64)
}

/// Reads single frames of one segment.
struct Reader {
    path: PathBuf,
    file: File,
}

impl Reader {
    fn open(folder: &Path, segment: u64) -> Result<Self, StoreError> {
        let path = folder.join(WAL).join(name(segment));
        let file = File::open(&path).map_err(failed("open", &path))?;
        Ok(Self { path, file })
    }

    /// The frame that begins here; `None` when the segment holds no further one.
    fn peek(&self, offset: u64) -> Result<Option<Peeked>, StoreError> {
        let mut block = [0; BLOCK];
        match self.file.read_exact_at(&mut block, offset) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            read => {
                read.map_err(failed("read", &self.path))?;
                Ok(Frame::peek(&block).ok())
            }
        }
    }

    fn frame(&self, offset: u64, peeked: Peeked) -> Result<Frame, StoreError> {
        let mut bytes = vec![0; peeked.bytes];
        self.file.read_exact_at(&mut bytes, offset).map_err(failed("read", &self.path))?;
        Frame::parse(&Bytes::from(bytes)).map_err(|flaw| StoreError::Damaged {
            path: self.path.clone(),
            offset,
            source: Damage::Frame(flaw),
        })
    }
}

pub(super) fn published(folder: &Path) -> Result<Option<String>, StoreError> {
    let path = folder.join(CHECKPOINT);
    match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => {
            let bytes = read.map_err(failed("read", &path))?;
            let text = String::from_utf8(bytes);
            text.map(Some).map_err(|_| StoreError::Damaged {
                path,
                offset: 0,
                source: Damage::NotText,
            })
        }
    }
}

/// Writes the file anew and swaps it in; a reader sees the old text or the new one.
fn replace(folder: &Path, name: &str, text: &str) -> Result<(), StoreError> {
    let (path, unfinished) = (folder.join(name), folder.join(format!("{name}.new")));
    // Opened before the change: an error of writing back is reported to those who had it open.
    let directory = File::open(folder).map_err(failed("open", folder))?;
    let mut file = File::create(&unfinished).map_err(failed("create", &unfinished))?;
    file.write_all(text.as_bytes()).map_err(failed("write", &unfinished))?;
    file.sync_all().map_err(failed("flush", &unfinished))?;
    fs::rename(&unfinished, &path).map_err(failed("rename", &unfinished))?;
    directory.sync_all().map_err(failed("flush", folder))
}

fn flush_folder(folder: &Path) -> Result<(), StoreError> {
    let directory = File::open(folder).map_err(failed("open", folder))?;
    directory.sync_all().map_err(failed("flush", folder))
}
