//! Standard output that may be full or gone: `println!` would end the program with a trace instead of an exit code.

use std::fmt;
use std::io::{self, Write};
use std::sync::OnceLock;

use anyhow::bail;

/// The first error that printing met, other than a reader who has seen enough.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// Prints a line; [`heard`] says whether all lines came through.
macro_rules! say {
    ($($text:tt)*) => { $crate::cli::say::line(format_args!($($text)*)) };
}

/// What `say!` calls.
pub(super) fn line(text: fmt::Arguments<'_>) {
    if let Err(error) = writeln!(io::stdout().lock(), "{text}")
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        // Only the first matters: the others follow from it.
        let _ = LOST.set(error);
    }
}

/// # Errors
/// When a line was lost: what the exit code would say, nobody could read.
pub(super) fn heard() -> anyhow::Result<()> {
    match LOST.get() {
        Some(error) => bail!("cannot print the result: {error}"),
        None => Ok(()),
    }
}
