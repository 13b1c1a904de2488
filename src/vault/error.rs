//! Why the vault did not do what was asked. No message holds a key or personal data.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::day::KeyName;
use crate::audit::AuditError;
use crate::audit::entry::EntryError;
use crate::audit::records::RecordsError;
use crate::crypto::CryptoError;

/// Why the vault did not do what was asked.
#[derive(Debug, Error)]
pub enum VaultError {
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
    /// A master key file is missing or open to others.
    #[error("the vault's master key cannot be used")]
    Master(#[from] CryptoError),
    /// The file is no master key, or the one of the other power.
    #[error("`{path}` is not the vault's {wanted}; `heyan audit vault init` makes both keys", path = .path.display())]
    NotMaster {
        /// The file.
        path: PathBuf,
        /// What it should be.
        wanted: &'static str,
    },
    /// There is no log.
    #[error("there is no log in `{path}`", path = .0.display())]
    NoLog(PathBuf),
    /// The log could not be read or written.
    #[error("the log failed")]
    Audit(#[from] AuditError),
    /// The log's frames could not be read.
    #[error("the log's records cannot be read")]
    Records(#[from] RecordsError),
    /// An entry of the log is none.
    #[error("entry {0} cannot be read")]
    Entry(u64, #[source] EntryError),
    /// The key folder's file is not as it was written, or another master key made it.
    #[error(
        "the key of {0} does not open with this master key: it is another vault's, or its file is damaged"
    )]
    WrongKey(KeyName),
    /// The log says that this key is in use, and it is not there.
    #[error(
        "the key of {0} is in use by the log but not in the key folder: is its medium mounted? If it is lost for good, \
         `heyan audit erase --day` records that"
    )]
    KeyMissing(KeyName),
    /// The record's key is not in the folder.
    #[error(
        "the key of {0} is not in the key folder: destroyed by an erasure, or this is not the right folder"
    )]
    Gone(KeyName),
    /// The entry was made without a sealed record.
    #[error(
        "no record was kept of this entry: it is of a kind that has none, or the vault was off"
    )]
    NoRecord,
    /// The log's copy holds no record where one was kept.
    #[error("a record was kept of this entry, but this copy of the log does not hold it")]
    Stripped,
    /// The record is not the one that was written.
    #[error("the sealed record is not as it was written: {0}")]
    Damaged(&'static str),
    /// A file of seeds wrapped anew is not as it was written.
    #[error("`{path}` is not as it was written", path = .0.display())]
    Table(PathBuf),
    /// The field was not sealed, or the entry does not commit to it.
    #[error("this entry holds no `{0}`")]
    NoField(&'static str),
    /// The log holds no such entry.
    #[error("the log has no entry {0}")]
    OutOfRange(u64),
    /// Nothing of what is to be erased is there.
    #[error("nothing was kept of {0}, or it was erased before")]
    NothingKept(String),
    /// One of the day's other records cannot be kept, so nothing was destroyed.
    #[error("entry {0}, of the same day, could not be kept: nothing was destroyed")]
    CannotKeep(u64, #[source] Box<VaultError>),
    /// No ground.
    #[error(
        "the ground must be a code of 1 to 64 letters, digits, `-`, `_` or `.`, and hold no identity number"
    )]
    Ground,
    /// No identifier.
    #[error(
        "this is no identifier such as `citizen_id:NUMBER`; kinds: citizen_id, residence_permit, permanent_residence, \
         passport, military, other, uscc, unit, certificate, document (failed check: {0})"
    )]
    Identifier(&'static str),
    /// A task of the program ended early.
    #[error("the vault was interrupted")]
    Interrupted,
}

/// Shortens the making of [`VaultError::Io`].
pub(super) fn failed(
    attempt: &'static str,
    path: impl Into<PathBuf>,
) -> impl FnOnce(io::Error) -> VaultError {
    let path = path.into();
    move |source| VaultError::Io { attempt, path, source }
}
