//! `log.toml`: what a log is, written once when it is made.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::disk::{Disk, Local};
use super::whole;
use crate::audit::note::VerifierKey;
use crate::audit::store::{Damage, StoreError};

/// Name of the file.
pub(super) const FILE: &str = "log.toml";

const FORMAT: u32 = 1;

/// What a log is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    format: u32,
    /// Rises when another writer takes the log over.
    pub epoch: u64,
    /// Name of the log in its checkpoints.
    pub origin: String,
    /// The log's public key, as in signed notes.
    pub vkey: String,
}

impl Description {
    /// Of a new log.
    pub fn new(key: &VerifierKey) -> Self {
        let (origin, vkey) = (key.name().to_owned(), key.to_string());
        Self { format: FORMAT, epoch: 1, origin, vkey }
    }

    /// Reads it; `None` when the folder holds no log.
    ///
    /// # Errors
    /// When it is not byte for byte as it was written.
    pub fn read(folder: &Path) -> Result<Option<Self>, StoreError> {
        Self::read_on(&Local, folder)
    }

    /// Reads it from that disk.
    pub(in crate::audit) fn read_on(
        disk: &dyn Disk,
        folder: &Path,
    ) -> Result<Option<Self>, StoreError> {
        let path = folder.join(FILE);
        let damaged =
            |path| Err(StoreError::Damaged { path, offset: 0, source: Damage::Description });
        let text = match whole::text(disk, &path) {
            Ok(None) => return Ok(None),
            Err(StoreError::Damaged { .. }) => return damaged(path),
            text => text?.unwrap_or_default(),
        };
        let description = toml::from_str::<Self>(&text)
            .ok()
            .filter(|read| read.format == FORMAT && read.to_text() == text)
            .filter(|read| read.key().is_some());
        description.map_or_else(|| damaged(path), |description| Ok(Some(description)))
    }

    /// The log's key; `None` when the text is none, or is another log's.
    pub fn key(&self) -> Option<VerifierKey> {
        VerifierKey::parse(&self.vkey).ok().filter(|key| key.name() == self.origin)
    }

    /// The one text form.
    pub(super) fn to_text(&self) -> String {
        toml::to_string(self).unwrap_or_default()
    }
}
