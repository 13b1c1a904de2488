//! Why the log did not do what was asked.

use std::path::PathBuf;

use thiserror::Error;

use super::entry::EntryError;
use super::frame::FrameError;
use super::keys::KeyError;
use super::note::NoteError;
use super::store::StoreError;
use super::tree::OutOfRange;

/// Why the log did not do what was asked.
#[derive(Debug, Error)]
pub enum AuditError {
    /// The entry cannot be written as it is.
    #[error("the entry cannot be recorded")]
    Entry(#[from] EntryError),
    /// The sealed record is larger than the log takes.
    #[error("the sealed record takes {0} bytes; the log takes at most 262144")]
    Record(usize),
    /// The sealed record is missing, or is not the one that the entry commits to.
    #[error("the sealed record is not the one that the entry commits to")]
    Unsealed,
    /// A batch makes no frame.
    #[error("the entries cannot be recorded")]
    Frame(#[source] FrameError),
    /// Reading, writing or trusting the files failed.
    #[error("the log's store failed")]
    Store(#[from] StoreError),
    /// The checkpoint is not to be believed or cannot be made.
    #[error("the log's checkpoint failed")]
    Note(#[source] NoteError),
    /// There is no log in the folder.
    #[error("there is no log in `{path}`: run `heyan audit init {path} --key FILE --origin NAME`", path = .0.display())]
    Missing(PathBuf),
    /// The key is not the one the log was made with.
    #[error("the key is not this log's")]
    OtherKey,
    /// The key was the log's until another replaced it.
    #[error("the key has been replaced: this log's key is now `{0}`; name the file of that one")]
    OldKey(String),
    /// The new key cannot become the log's.
    #[error("the log cannot take the new key")]
    NewKey(#[source] KeyError),
    /// The new key is the log's, and what should have followed failed.
    #[error(
        "the new key is the log's from entry {index} on, but not all of the change was finished; name the new key's file and start: that finishes it"
    )]
    Announced {
        /// The entry that announces it.
        index: u64,
        /// What failed.
        source: Box<AuditError>,
    },
    /// The published checkpoint has gone.
    #[error(
        "the log's published checkpoint is missing; without it nobody can tell whether entries are"
    )]
    Unpublished,
    /// The log is shorter than what it published.
    #[error(
        "the log has {found} entries but published a checkpoint over {published}: entries are missing"
    )]
    Behind {
        /// Size that was published.
        published: u64,
        /// Size that was found.
        found: u64,
    },
    /// The log is not the one it published.
    #[error("the log's first {published} entries are not those of its published checkpoint")]
    Forked {
        /// Size that was published.
        published: u64,
    },
    /// The log is not the one that the witness file saw.
    #[error(
        "the witness file `{path}` saw another log, or a longer one; put the right log back, or take the file away if it is the wrong one",
        path = .path.display()
    )]
    Witness {
        /// The witness file.
        path: PathBuf,
        /// What it saw, and what the log is.
        source: Box<AuditError>,
    },
    /// What was read back is not what was written.
    #[error("the entries read back do not give the root over {size} entries")]
    ReadBack {
        /// Size of the tree.
        size: u64,
    },
    /// Too many entries wait.
    #[error("too many entries wait to be written")]
    Overloaded,
    /// The log has stopped, or was closed; the entry may or may not be stored.
    #[error("the log has stopped")]
    Stopped,
    /// The log has no such entry or size.
    #[error(transparent)]
    OutOfRange(#[from] OutOfRange),
    /// Opened outside a Tokio runtime.
    #[error("the log needs a running Tokio runtime")]
    NoRuntime,
    /// The system gave no thread.
    #[error("cannot start the log's threads")]
    Thread(#[source] std::io::Error),
}

impl AuditError {
    /// True when the log itself is at fault, false when it could not be looked at.
    pub fn is_finding(&self) -> bool {
        match self {
            Self::Store(StoreError::Damaged { .. })
            | Self::Note(_)
            | Self::OtherKey
            | Self::OldKey(_)
            | Self::Unpublished
            | Self::Behind { .. }
            | Self::Forked { .. }
            | Self::Witness { .. }
            | Self::ReadBack { .. } => true,
            Self::Store(StoreError::Io { .. } | StoreError::InUse(_))
            | Self::Entry(_)
            | Self::Announced { .. }
            | Self::Record(_)
            | Self::Unsealed
            | Self::Frame(_)
            | Self::NewKey(_)
            | Self::Missing(_)
            | Self::Overloaded
            | Self::Stopped
            | Self::OutOfRange(_)
            | Self::NoRuntime
            | Self::Thread(_) => false,
        }
    }
}
