//! Whole files and folders: read, replaced in one step, made so that a crash does not take them back.

use std::io::ErrorKind;
use std::path::Path;

use bytes::Bytes;

use super::disk::{Disk, Mode};
use crate::audit::store::{Damage, StoreError, failed};

/// The whole file.
///
/// # Errors
/// When it cannot be read, or has more than `most` bytes: what is in its place then is not what was written.
pub(in crate::audit) fn read(disk: &dyn Disk, path: &Path, most: u64) -> Result<Bytes, StoreError> {
    let read = || {
        let file = disk.open(path, Mode::Read)?;
        let length = file.length()?;
        if length > most {
            return Err(ErrorKind::FileTooLarge.into());
        }
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        file.read_exact_at(&mut bytes, 0)?;
        Ok(Bytes::from(bytes))
    };
    read().map_err(failed("read", path))
}

/// Longest text read: the longest note.
const MAX_TEXT_BYTES: u64 = 1 << 20;

/// The whole file as text; `None` when there is none.
pub(in crate::audit) fn text(disk: &dyn Disk, path: &Path) -> Result<Option<String>, StoreError> {
    let damaged = || {
        let (path, source) = (path.to_owned(), Damage::NotText);
        StoreError::Damaged { path, offset: 0, source }
    };
    let bytes = match read(disk, path, MAX_TEXT_BYTES) {
        Err(StoreError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
            return Ok(None);
        }
        Err(StoreError::Io { source, .. }) if source.kind() == ErrorKind::FileTooLarge => {
            return Err(damaged());
        }
        read => read?,
    };
    String::from_utf8(bytes.into()).map(Some).map_err(|_| damaged())
}

/// Writes the file anew and swaps it in, durably: a reader sees the old bytes or the new ones.
pub(in crate::audit) fn replace(
    disk: &dyn Disk,
    folder: &Path,
    name: &str,
    bytes: &[u8],
) -> Result<(), StoreError> {
    let (path, unfinished) = (folder.join(name), folder.join(format!("{name}.new")));
    let names = disk.open_folder(folder).map_err(failed("open", folder))?;
    let file = disk.open(&unfinished, Mode::Create).map_err(failed("create", &unfinished))?;
    file.write_all_at(bytes, 0).map_err(failed("write", &unfinished))?;
    file.flush().map_err(failed("flush", &unfinished))?;
    disk.rename(&unfinished, &path).map_err(failed("rename", &unfinished))?;
    names.flush().map_err(failed("flush", folder))
}

/// Makes a folder, and those above it that are missing, durably. One that exists is left as it is.
pub(in crate::audit) fn make_folders(disk: &dyn Disk, folder: &Path) -> Result<(), StoreError> {
    let above = match folder.parent() {
        Some(above) if above.as_os_str().is_empty() => Path::new("."),
        Some(above) => above,
        None => return Ok(()),
    };
    let names = match disk.open_folder(above) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            make_folders(disk, above)?;
            disk.open_folder(above)
        }
        opened => opened,
    };
    let names = names.map_err(failed("open", above))?;
    match disk.make_folder(folder) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()),
        made => made.map_err(failed("create", folder))?,
    }
    names.flush().map_err(failed("flush", above))
}
