//! Where frames are kept: the contract, and what can go wrong.

use std::io::{self, ErrorKind};
use std::path::PathBuf;

use bytes::Bytes;
use thiserror::Error;

use super::chain::Break;
use super::entry::EntryError;
use super::frame::{Frame, FrameError};
use super::hashed::{Depth, Hashed};
use super::keys::KeyError;

/// A place that keeps frames. One writer calls `load` once and then `append`; anyone may `read` meanwhile.
pub(super) trait Store: Send + Sync {
    /// Visits every frame that is not known. When it returns, the last segment is durable even if the machine had lied
    /// about it before, and the store is ready for `append`. What a write cut short left at the end is not visited;
    /// any other flaw is an error. `visit` fails on a frame that does not join, which ends the load.
    ///
    /// # Errors
    /// When the frames cannot be read, cannot be trusted, or cannot be made durable again.
    fn load(&self, known: Known, visit: &mut Visit<'_>) -> Result<(), StoreError>;

    /// Visits the frames that hold the entries from `first` to before `end`, as far as their append has returned.
    ///
    /// # Errors
    /// When they cannot be read or are not as they were written.
    fn frames(&self, first: u64, end: u64, visit: &mut Visit<'_>) -> Result<(), StoreError>;

    /// What was derived from the entries and kept under that name; `None` when it is not there.
    ///
    /// # Errors
    /// When it cannot be read.
    fn derived(&self, name: &str) -> Result<Option<Bytes>, StoreError>;

    /// Keeps something derived from the entries, durably and at once: after a crash there is the old or the new one.
    ///
    /// # Errors
    /// After an error it is unknown which of the two is there; no entry is the worse for it.
    fn derive(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError>;

    /// Makes one frame durable before it returns.
    ///
    /// # Errors
    /// After any error it is unknown whether the frame is stored: the caller never tries again and never appends to
    /// this store any more; the next `load` finds the truth.
    fn append(&self, frame: &Frame) -> Result<(), StoreError>;

    /// Entries from `first` on, at most `limit`, of those whose append has returned.
    ///
    /// # Errors
    /// When they cannot be read or are not as they were written.
    fn read(&self, first: u64, limit: usize) -> Result<Vec<Bytes>, StoreError>;

    /// The checkpoint last published; `None` when there never was one.
    ///
    /// # Errors
    /// When it cannot be read.
    fn published(&self) -> Result<Option<String>, StoreError>;

    /// Replaces the published checkpoint, durably and at once: a reader sees the old one or the new one.
    ///
    /// # Errors
    /// After an error it is unknown which of the two is there.
    fn publish(&self, checkpoint: &str) -> Result<(), StoreError>;
}

/// Called with each frame of a log in order, and where it lies.
pub(super) type Visit<'a> = dyn FnMut(Place, &mut Hashed) -> Result<(), Damage> + 'a;

/// Where a frame lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Number of the segment, from 1.
    pub(super) segment: u64,
    /// Bytes from its beginning.
    pub(super) offset: u64,
}

/// At least one place is remembered per this many entries: 24 bytes of memory each, at most so many frames to skip.
pub(super) const PLACE_EVERY: u64 = 256;

/// What need not be read again.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// Whole segments at the beginning.
    pub(super) segments: u64,
    /// First entries of some frames in them, and where those lie; ascending.
    pub(super) places: Vec<(u64, Place)>,
    /// How much is made of the frames that are read.
    pub(super) depth: Depth,
}

impl Known {
    /// Nothing: everything is read.
    pub(super) fn nothing(depth: Depth) -> Self {
        Self { segments: 0, places: Vec::new(), depth }
    }
}

/// Why a store failed.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The system refused.
    #[error("cannot {attempt} `{path}`", path = .path.display())]
    Io {
        /// What was attempted: `read`, `write`, …
        attempt: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// What is stored is not what was written.
    #[error("`{path}` is damaged at byte {offset}", path = .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// What is wrong there.
        source: Damage,
    },
    /// Another process has the log.
    #[error("the log in `{path}` is in use by another process", path = .0.display())]
    InUse(PathBuf),
}

impl StoreError {
    /// True when the disk refused to begin, or had no room: all that it had taken before is as it was. After any other
    /// error of writing nobody knows what else it has lost.
    pub(super) fn lost_nothing(&self) -> bool {
        match self {
            Self::Io { attempt: "open" | "create", .. } => true,
            Self::Io { attempt: "write", source, .. } => {
                matches!(source.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
            }
            // A folder stands where the file belongs.
            Self::Io { attempt: "rename", source, .. } => source.kind() == ErrorKind::IsADirectory,
            Self::Io { .. } | Self::Damaged { .. } | Self::InUse(_) => false,
        }
    }
}

/// What is wrong at one place of a log.
#[derive(Debug, Error)]
pub enum Damage {
    /// A frame is not as it was written, and this is not the log's end.
    #[error("{0}, although the log goes on after it")]
    Frame(FrameError),
    /// The last frame is not as it was written, nor as a write cut short leaves one.
    #[error("{0}, and a write cut short would have left zeros in it")]
    Changed(FrameError),
    /// A frame does not join the frame before.
    #[error(transparent)]
    Break(#[from] Break),
    /// An entry is none.
    #[error("entry {index} cannot be read")]
    Entry {
        /// Its index.
        index: u64,
        /// Why.
        source: EntryError,
    },
    /// A sealed record is missing, is not the one that its entry commits to, or lies where none belongs.
    #[error("the sealed record of entry {0} is not the one that the entry commits to")]
    Unsealed(u64),
    /// An entry gives the log a key that is not to be believed.
    #[error("entry {index} gives the log a key that cannot be trusted")]
    Key {
        /// Its index.
        index: u64,
        /// Why.
        source: KeyError,
    },
    /// The beginning of a segment is not as it was written.
    #[error("the segment's header is not as it was written for this log")]
    SegmentHeader,
    /// A segment is missing.
    #[error("segment {0} is missing")]
    SegmentMissing(u64),
    /// Bytes where there should be zeros, or where a shorter write cannot have left them.
    #[error("there are bytes after the last frame that no write can have left")]
    Stray,
    /// `log.toml` is not as it was written.
    #[error("the log's description is not as it was written")]
    Description,
    /// The file holds no text, or far more than was written.
    #[error("the file is no text that the log wrote")]
    NotText,
}

/// Shortens the making of an [`StoreError::Io`].
pub(super) fn failed(
    attempt: &'static str,
    path: impl Into<PathBuf>,
) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.into();
    move |source| StoreError::Io { attempt, path, source }
}
