//! A document that came over the wire, written into its folder: whoever reads the folder sees all of it or nothing.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Whoever may read the folder may read what came into it: agreements and orders are no secrets.
const MODE: u32 = 0o644;

/// Writes the file durably, in the place of one of that name. What a crash leaves unfinished ends in `.part`, which no
/// folder's reader takes for a document.
///
/// # Errors
/// When the folder does not take it; there is then no file, or the one before.
pub(super) async fn write(file: PathBuf, document: Vec<u8>) -> io::Result<()> {
    let writing = tokio::task::spawn_blocking(move || write_now(&file, &document));
    writing.await.unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
}

fn write_now(file: &Path, document: &[u8]) -> io::Result<()> {
    let folder = file.parent().ok_or(io::ErrorKind::NotFound)?;
    let mut unfinished = tempfile::Builder::new()
        .prefix(".unfinished-")
        .suffix(".part")
        .permissions(fs::Permissions::from_mode(MODE))
        .tempfile_in(folder)?;
    unfinished.write_all(document)?;
    unfinished.as_file().sync_all()?;
    unfinished.persist(file).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}
