//! Where a command's result goes. It is kept back until the whole log has proved sound, so that nothing unverified is
//! ever printed; on disk, not in memory.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use tempfile::NamedTempFile;

/// A result in the making.
pub(super) struct Output {
    kept: BufWriter<Kept>,
    target: Option<PathBuf>,
}

enum Kept {
    /// Without a name; for standard output.
    Unnamed(File),
    /// Beside the file it is to become.
    Named(NamedTempFile),
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Unnamed(file) => file.write(bytes),
            Self::Named(file) => file.as_file_mut().write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Unnamed(file) => file.flush(),
            Self::Named(file) => file.as_file_mut().flush(),
        }
    }
}

impl Output {
    /// For this file, or for standard output.
    pub(super) fn new(target: Option<&Path>) -> anyhow::Result<Self> {
        let kept = match target {
            None => Kept::Unnamed(tempfile::tempfile().context("cannot make a temporary file")?),
            Some(path) => {
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                let made = NamedTempFile::new_in(folder.unwrap_or_else(|| Path::new(".")));
                let made = made.map_err(without_path);
                Kept::Named(made.with_context(|| format!("cannot write `{}`", path.display()))?)
            }
        };
        Ok(Self { kept: BufWriter::new(kept), target: target.map(Path::to_owned) })
    }

    /// Shows what was written.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        let kept = self.kept.into_inner().map_err(io::IntoInnerError::into_error);
        match kept.context("cannot keep the result")? {
            Kept::Unnamed(mut file) => {
                file.seek(SeekFrom::Start(0))?;
                match io::copy(&mut file, &mut io::stdout().lock()) {
                    // Whoever reads has seen enough.
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                    copied => copied.map(drop).context("cannot print the result"),
                }
            }
            Kept::Named(file) => {
                let target = self.target.unwrap_or_default();
                let kept = file.persist(&target);
                kept.map(drop).with_context(|| format!("cannot write `{}`", target.display()))
            }
        }
    }
}

/// The same error without the name of a temporary file, which tells nobody anything.
fn without_path(error: io::Error) -> io::Error {
    error.kind().into()
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.kept.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.kept.flush()
    }
}
