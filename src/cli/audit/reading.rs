//! How every command reads a log: whole, checked on the way, with a bar; and what a command does with a damaged one.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use thiserror::Error;

use super::progress::Progress;
use crate::audit::AuditError;
use crate::audit::entry::{Entry, KeyChange, KeyPurpose, Kind};
use crate::audit::file::Description;
use crate::audit::note::{NoteError, VerifierKey};
use crate::audit::tree::Head;
use crate::audit::verify::{Expected, Verified};
use crate::audit::walk::{Seen, walk, walk_entries};

/// The log is not whole. The commands say so and report nothing from it: exit 1.
#[derive(Debug, Error)]
#[error(
    "nothing is reported from this log, which is not whole: {0}\nRun `heyan audit verify` on it, and on your copies"
)]
pub(in crate::cli) struct Damaged(String);

/// One log to read.
#[derive(Clone, Copy)]
pub(in crate::cli) struct Reading<'a> {
    pub(in crate::cli) folder: &'a Path,
    /// What the bar says.
    pub(in crate::cli) what: &'static str,
    /// No bar.
    pub(in crate::cli) is_quiet: bool,
    pub(in crate::cli) expected: Expected<'a>,
}

impl<'a> Reading<'a> {
    pub(in crate::cli) fn new(folder: &'a Path, what: &'static str, is_quiet: bool) -> Self {
        Self { folder, what, is_quiet, expected: Expected::default() }
    }

    /// Shows every entry, decoded. The first error of `visit` ends the showing and is given back.
    ///
    /// # Errors
    /// [`Damaged`] when the log is at fault; others when it could not be looked at.
    pub(in crate::cli) fn entries(
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

/// The checkpoint that the log last published, not verified yet.
pub(in crate::cli) fn published(folder: &Path) -> anyhow::Result<String> {
    if Description::read(folder)?.is_none() {
        return Err(AuditError::Missing(folder.to_owned()).into());
    }
    read_text(&folder.join("checkpoint"))
}

/// Size and root that the text of a checkpoint states. Not verified: reading the log with it in `since` does that, also
/// for a checkpoint that an earlier key of the log has signed.
pub(in crate::cli) fn head_of(checkpoint: &str) -> anyhow::Result<Head> {
    let mut lines = checkpoint.lines().skip(1);
    let size = lines.next().and_then(|line| line.parse().ok());
    let root = lines.next().and_then(|line| BASE64_STANDARD.decode(line).ok());
    let root = root.and_then(|root| root.try_into().ok());
    let head = size.zip(root).map(|(size, root)| Head { size, root });
    head.context("the file is no signed checkpoint: name, size and root, a line each")
}

/// The text of a checkpoint that somebody kept. Not verified, but a checkpoint by its form.
pub(in crate::cli) fn checkpoint_in(path: &Path) -> anyhow::Result<String> {
    let text = read_text(path)?;
    head_of(&text).with_context(|| format!("`{}` cannot be used", path.display()))?;
    Ok(text)
}

/// The same, and of the log in `folder` by its name: of another log it could prove nothing.
pub(in crate::cli) fn checkpoint_of(folder: &Path, path: &Path) -> anyhow::Result<String> {
    let text = checkpoint_in(path)?;
    let Some(description) = Description::read(folder)? else {
        return Err(AuditError::Missing(folder.to_owned()).into());
    };
    let (own, origin) = (description.origin, text.lines().next().unwrap_or_default());
    if origin != own {
        bail!("`{}` is a checkpoint of the log `{origin}`, not of `{own}`", path.display());
    }
    Ok(text)
}

/// A key of the log in its text form.
pub(in crate::cli) fn key_in(text: &str) -> anyhow::Result<VerifierKey> {
    let key = VerifierKey::parse(text.trim());
    key.context("--vkey must be the log's key, such as `heyan.example.gov.cn/2026+1a2b3c4d+AX…`")
}

/// Keys of one log, of which any may have signed: its first, and those it went over to.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct LogKeys(Vec<VerifierKey>);

impl LogKeys {
    /// From the text forms.
    pub(super) fn parse(texts: &[String]) -> anyhow::Result<Self> {
        Ok(Self(texts.iter().map(|text| key_in(text)).collect::<Result<_, _>>()?))
    }

    /// Of the log in this folder, before it is read: its first key.
    pub(in crate::cli) fn first_of(folder: &Path) -> anyhow::Result<Self> {
        let missing = || AuditError::Missing(folder.to_owned());
        let description = Description::read(folder)?.ok_or_else(missing)?;
        Ok(Self(vec![description.key().context("the log's description has no key")?]))
    }

    /// Takes in the key that an entry of the log announces; whether it may is for whoever verifies the log.
    pub(in crate::cli) fn see(&mut self, entry: &Entry) {
        let Kind::Key(event) = &entry.kind else { return };
        if event.purpose != KeyPurpose::Log || event.change != KeyChange::Begun {
            return;
        }
        if let Ok(key) = VerifierKey::parse(&event.name)
            && !self.0.contains(&key)
        {
            self.0.push(key);
        }
    }

    pub(in crate::cli) fn texts(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }

    /// Applies the check with each key in turn, until one has signed at all.
    pub(super) fn check<T>(
        &self,
        check: impl Fn(&VerifierKey) -> Result<T, NoteError>,
    ) -> Result<T, NoteError> {
        let mut unsigned = NoteError::Malformed("list of keys: it is empty");
        for key in &self.0 {
            match check(key) {
                Err(error @ NoteError::Unsigned(_)) => unsigned = error,
                checked => return checked,
            }
        }
        Err(unsigned)
    }
}

pub(super) fn read_text(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))
}
