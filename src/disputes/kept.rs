//! What was asked and is contested, as long as the gateway needs it: one file for each dispute, for its owner alone.
//!
//! It lies here before the log has the dispute, so that whatever the log has can be delivered; what the log does not have is
//! cleared away at a start.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use super::DisputeId;

/// What files are called.
const ENDING: &str = "dispute";

/// Bytes of one file. Far above what a question takes: one about a family of ten is kept in some 20 KiB.
const MOST_BYTES: usize = 1 << 20;

/// Of these, what an agency's words may take: the longest text, each character of it escaped.
const ANSWER_BYTES: usize = 12 * super::paper::TEXT_LIMIT;

/// What is kept of one dispute. Personal data: it has no `Debug`.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// What the agency gets.
    pub document: serde_json::Value,
    /// SHA-256 over what was contested, lower-case hex: the same id with something else is an error.
    pub digest: String,
    /// The caller's message in Base64.
    message: String,
    /// The agency's words, once they have come.
    pub answer: Option<String>,
}

impl Kept {
    /// Without an answer yet.
    pub fn new(document: serde_json::Value, digest: String, message: &[u8]) -> Self {
        Self { document, digest, message: BASE64_STANDARD.encode(message), answer: None }
    }

    /// The caller's message.
    pub fn message(&self) -> Option<Vec<u8>> {
        BASE64_STANDARD.decode(&self.message).ok()
    }
}

/// The folder.
#[derive(Clone, Debug)]
pub struct Shelf(PathBuf);

impl Shelf {
    /// In this folder, made when it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(folder: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        Ok(Self(folder.to_owned()))
    }

    /// Puts it there durably, in the place of what was there.
    ///
    /// # Errors
    /// When the folder does not take it; what was there stays. [`io::ErrorKind::FileTooLarge`] where it could not be read again,
    /// or leaves no room for an answer.
    pub fn put(&self, id: &DisputeId, kept: &Kept) -> io::Result<()> {
        let bytes = serde_json::to_vec(kept)?;
        let room = if kept.answer.is_none() { ANSWER_BYTES } else { 0 };
        if bytes.len() + room > MOST_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let mut unfinished = tempfile::Builder::new()
            .prefix(".unfinished-")
            .permissions(fs::Permissions::from_mode(0o600))
            .tempfile_in(&self.0)?;
        unfinished.write_all(&bytes)?;
        unfinished.as_file().sync_all()?;
        unfinished.persist(self.file(id)).map_err(|error| error.error)?;
        File::open(&self.0)?.sync_all()
    }

    /// What is there; `None` when nothing is.
    ///
    /// # Errors
    /// When it cannot be read, or is not what was put there.
    pub fn get(&self, id: &DisputeId) -> io::Result<Option<Kept>> {
        let file = match File::open(self.file(id)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let mut bytes = Vec::new();
        file.take(MOST_BYTES as u64).read_to_end(&mut bytes)?;
        Ok(Some(serde_json::from_slice(&bytes)?))
    }

    /// Clears it away.
    ///
    /// # Errors
    /// When it is there and cannot be removed.
    pub fn remove(&self, id: &DisputeId) -> io::Result<()> {
        match fs::remove_file(self.file(id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Clears away everything that is not wanted, and what a crash left unfinished.
    ///
    /// # Errors
    /// When the folder cannot be read, or something cannot be removed.
    pub fn clear(&self, is_wanted: impl Fn(&DisputeId) -> bool) -> io::Result<()> {
        for found in fs::read_dir(&self.0)? {
            let path = found?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let id = name.strip_suffix(&format!(".{ENDING}"));
            let id = id.and_then(|id| uuid::Uuid::try_parse(id).ok());
            let is_over = match id {
                Some(id) => !is_wanted(id.as_bytes()),
                None => name.starts_with(".unfinished-"),
            };
            if is_over {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    fn file(&self, id: &DisputeId) -> PathBuf {
        self.0.join(format!("{}.{ENDING}", uuid::Uuid::from_bytes(*id)))
    }
}
