//! A folder into which an agency drops a table, with one thing wrong in it.

mod faults;

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;
use thiserror::Error;
use tokio::task::JoinSet;
use tokio::time::sleep;

pub(super) use self::faults::faults;

/// Between two changes of a file that changes: shorter than any reading takes.
const CHANGE: Duration = Duration::from_millis(1);
/// Bytes of a file with nothing in it.
const HOLE: u64 = 1 << 30;

/// A table as an agency would drop it, and what its files are called.
#[derive(Clone, Debug)]
pub struct Table {
    /// Name of a file that counts.
    pub name: String,
    /// Name of one that was true after now.
    pub future: String,
    /// Name of one that is older than allowed.
    pub old: String,
    /// What markers hold, in hexadecimal.
    pub digest: fn(&[u8]) -> String,
    /// Another digest of the same length.
    pub other_digest: fn(&[u8]) -> String,
    /// The line that names the columns, where there is one.
    pub head: Option<Vec<u8>>,
    /// The name of the column that is looked up, as it stands in `head`.
    pub key: Vec<u8>,
    /// A line of values.
    pub line: Vec<u8>,
    /// Between the fields of a line.
    pub separator: u8,
}

impl Table {
    /// The bytes of the file.
    fn whole(&self) -> Vec<u8> {
        self.with_line(&self.line)
    }

    fn with_line(&self, line: &[u8]) -> Vec<u8> {
        lines([self.head.as_deref(), Some(&self.line), Some(line)].into_iter().flatten())
    }

    fn with_head(&self, head: &[u8]) -> Vec<u8> {
        lines([head, &self.line].into_iter())
    }
}

fn lines<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    lines.flat_map(|line| [line, b"\n"].concat()).collect()
}

/// What lies under a name.
#[derive(Clone, Debug)]
enum Lies {
    Nothing,
    Bytes(Vec<u8>),
    /// These bytes, which nobody may read.
    Forbidden(Vec<u8>),
    /// A link to these bytes, which lie elsewhere.
    Link(Vec<u8>),
    /// A pipe that nobody writes into.
    Pipe,
    Folder,
    /// A file of one gigabyte that takes no place.
    Hole,
    /// First one, then the other, without end.
    Changing([Vec<u8>; 2]),
}

/// What lies in the folder.
#[derive(Clone, Debug)]
pub(super) struct Mess {
    /// There is a folder at all.
    has_folder: bool,
    things: Vec<(String, Lies)>,
}

impl Mess {
    /// A table and its marker, and nothing wrong with them.
    pub(super) fn none(table: Option<&Table>) -> Self {
        table.map_or_else(Self::nothing, |table| Self::dropped(table, table.whole()))
    }

    fn nothing() -> Self {
        Self { has_folder: true, things: Vec::new() }
    }

    /// These bytes, and the marker that belongs to them.
    fn dropped(table: &Table, bytes: Vec<u8>) -> Self {
        let digest = (table.digest)(&bytes);
        Self::marked(&table.name, Lies::Bytes(bytes), Lies::Bytes(digest.into_bytes()))
    }

    fn marked(name: &str, file: Lies, marker: Lies) -> Self {
        let things = vec![(name.to_owned(), file), (format!("{name}.ok"), marker)];
        Self { has_folder: true, things }
    }
}

/// The folder, and what links in it lead to. Both are gone when it is dropped.
pub(super) struct Shelf {
    place: TempDir,
}

/// Why there is no such folder.
#[derive(Debug, Error)]
#[error("the hostile back end cannot lay out its folder")]
pub struct ShelfError(#[from] io::Error);

impl Shelf {
    /// Lays it out. What changes all the time does so in `tasks`.
    pub(super) fn lay(mess: &Mess, tasks: &mut JoinSet<()>) -> Result<Self, ShelfError> {
        let shelf = Self { place: tempfile::tempdir()? };
        let folder = shelf.folder();
        if mess.has_folder {
            fs::create_dir(&folder)?;
        }
        for (name, lies) in &mess.things {
            // Without a name it is what stands in the folder's place.
            let path = if name.is_empty() { folder.clone() } else { folder.join(name) };
            shelf.put(&path, lies, tasks)?;
        }
        Ok(shelf)
    }

    pub(super) fn folder(&self) -> PathBuf {
        self.place.path().join("dropped")
    }

    fn put(&self, path: &Path, lies: &Lies, tasks: &mut JoinSet<()>) -> io::Result<()> {
        match lies {
            Lies::Nothing => Ok(()),
            Lies::Bytes(bytes) => fs::write(path, bytes),
            Lies::Forbidden(bytes) => {
                fs::write(path, bytes)?;
                fs::set_permissions(path, Permissions::from_mode(0o000))
            }
            Lies::Link(bytes) => {
                let elsewhere = self.place.path().join(path.file_name().unwrap_or_default());
                fs::write(&elsewhere, bytes)?;
                symlink(elsewhere, path)
            }
            Lies::Pipe => Ok(mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?),
            Lies::Folder => fs::create_dir(path),
            Lies::Hole => File::create(path)?.set_len(HOLE),
            Lies::Changing(versions) => {
                let (path, versions) = (path.to_owned(), versions.clone());
                fs::write(&path, versions.first().map_or(&[][..], Vec::as_slice))?;
                tasks.spawn(async move {
                    for version in versions.iter().cycle() {
                        // The folder may be going at this moment.
                        let _gone = fs::write(&path, version);
                        sleep(CHANGE).await;
                    }
                });
                Ok(())
            }
        }
    }
}
