//! The witness file: the newest published checkpoint once more, on another medium, so that a log put back to an
//! earlier day does not pass for the whole one. Keeping it never stops the log; contradicting it stops the start.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::AuditError;
use super::file::disk::{Disk, Local};
use super::file::whole;
use super::keys::Keys;
use super::store::{StoreError, failed};
use super::tree::Head;

/// The file, written by the publisher.
pub(super) struct Witness {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    is_behind: AtomicBool,
}

impl Witness {
    pub(super) fn new(disk: Arc<dyn Disk>, path: &Path) -> Self {
        Self { disk, path: path.to_owned(), is_behind: AtomicBool::new(false) }
    }

    /// What it saw last; `None` when it was never written, or was taken away.
    ///
    /// # Errors
    /// When it is there and tells nothing that can be believed.
    pub(super) fn seen(&self, keys: &Keys) -> Result<Option<Head>, AuditError> {
        let Some(text) = whole::text(&*self.disk, &self.path)? else {
            let path = self.path.display();
            tracing::warn!(
                %path,
                "there is no witness file; it is made now. If there was one, this log may not be the newest"
            );
            return Ok(None);
        };
        let opened = keys.open(&text);
        opened.map(Some).map_err(|error| self.contradicts(AuditError::Note(error)))
    }

    /// What it saw is not what the log is.
    pub(super) fn contradicts(&self, source: AuditError) -> AuditError {
        AuditError::Witness { path: self.path.clone(), source: Box::new(source) }
    }

    /// Takes the checkpoint over, durably. A failure is told once, and tried again with the next checkpoint.
    pub(super) fn see(&self, checkpoint: &str) {
        let written = self.write(checkpoint);
        let was_behind = self.is_behind.swap(written.is_err(), Ordering::Relaxed);
        match written {
            Ok(()) if was_behind => {
                tracing::info!(path = %self.path.display(), "the witness file is written again");
            }
            Err(error) if !was_behind => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "the witness file is behind; answers go on");
            }
            Ok(()) | Err(_) => {}
        }
    }

    fn write(&self, checkpoint: &str) -> Result<(), StoreError> {
        let (folder, name) = split(&self.path)?;
        whole::replace(&*self.disk, folder, name, checkpoint.as_bytes())
    }

    /// True while its last replacement failed.
    pub(super) fn is_behind(&self) -> bool {
        self.is_behind.load(Ordering::Relaxed)
    }
}

/// The checkpoint in a witness file; `None` when there is none, or the path is empty. Nothing is verified here.
///
/// # Errors
/// When it is there and cannot be read, or is no text.
pub fn read(path: &Path) -> Result<Option<String>, StoreError> {
    if path.as_os_str().is_empty() { Ok(None) } else { whole::text(&Local, path) }
}

/// Looks whether the witness file could be replaced; changes nothing.
///
/// # Errors
/// When its folder is missing, or cannot be written by this user.
pub fn check(path: &Path) -> Result<(), StoreError> {
    use rustix::fs::{Access, access};

    let (folder, _) = split(path)?;
    let allowed = access(folder, Access::WRITE_OK | Access::EXEC_OK);
    allowed.map_err(|error| failed("write the witness file to", folder)(error.into()))
}

/// Folder and name.
fn split(path: &Path) -> Result<(&Path, &str), StoreError> {
    let named = path.file_name().and_then(OsStr::to_str).zip(path.parent());
    let (name, folder) = named.ok_or_else(|| {
        failed("write the witness file", path)(std::io::ErrorKind::InvalidFilename.into())
    })?;
    Ok((if folder.as_os_str().is_empty() { Path::new(".") } else { folder }, name))
}
