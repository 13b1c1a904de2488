//! How every command reads a log: whole, checked on the way, with a bar; and what a command does with a damaged one.

use std::fs;
use std::path::Path;

use anyhow::Context;
use thiserror::Error;

use super::progress::Progress;
use crate::audit::AuditError;
use crate::audit::entry::Entry;
use crate::audit::note::VerifierKey;
use crate::audit::verify::{Expected, Verified};
use crate::audit::walk::{Seen, walk, walk_entries};

/// The log is not whole. The commands say so and report nothing from it: exit 1.
#[derive(Debug, Error)]
#[error(
    "nothing is reported from this log, which is not whole: {0}\nRun `heyan audit verify` on it, and on your copies"
)]
pub(super) struct Damaged(String);

/// One log to read.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) folder: &'a Path,
    /// What the bar says.
    pub(super) what: &'static str,
    /// No bar.
    pub(super) is_quiet: bool,
    pub(super) expected: Expected<'a>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(folder: &'a Path, what: &'static str, is_quiet: bool) -> Self {
        Self { folder, what, is_quiet, expected: Expected::default() }
    }

    /// Shows every entry, decoded. The first error of `visit` ends the showing and is given back.
    ///
    /// # Errors
    /// [`Damaged`] when the log is at fault; others when it could not be looked at.
    pub(super) fn entries(
        &self,
        visit: &mut dyn FnMut(&Seen<'_>, &Entry) -> anyhow::Result<()>,
    ) -> anyhow::Result<Verified> {
        let mut progress = Progress::new(self.what, self.folder, self.is_quiet);
        let mut result = Ok(());
        let verified = walk_entries(self.folder, self.expected, &mut |seen, entry| {
            progress.step();
            if result.is_ok() {
                result = visit(seen, entry);
            }
        });
        progress.end();
        result.and(whole(verified))
    }

    /// The same without decoding.
    ///
    /// # Errors
    /// As [`Reading::entries`].
    pub(super) fn stored(&self, visit: &mut dyn FnMut(&Seen<'_>)) -> anyhow::Result<Verified> {
        let mut progress = Progress::new(self.what, self.folder, self.is_quiet);
        let verified = walk(self.folder, self.expected, &mut |seen| {
            progress.step();
            visit(seen);
        });
        progress.end();
        whole(verified)
    }
}

fn whole(verified: Result<Verified, AuditError>) -> anyhow::Result<Verified> {
    match verified {
        Ok(verified) => Ok(verified),
        Err(error) if error.is_finding() => {
            Err(Damaged(format!("{:#}", anyhow::Error::new(error))).into())
        }
        Err(error) => Err(error.into()),
    }
}

/// The log's key, as found by reading it.
pub(super) fn key_of(verified: &Verified) -> anyhow::Result<VerifierKey> {
    VerifierKey::parse(&verified.vkey).context("the log's description has no key")
}

/// The checkpoint that the log last published, not verified yet.
pub(super) fn published(folder: &Path) -> anyhow::Result<String> {
    if !folder.join("log.toml").exists() {
        return Err(AuditError::Missing(folder.to_owned()).into());
    }
    read_text(&folder.join("checkpoint"))
}

pub(super) fn read_text(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))
}
