//! Checks a log's folder without holding it: every byte, hash, root and signature, in order. Changes nothing.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::AuditError;
use super::chain::Chain;
use super::entry::Entry;
use super::file::{self, Description};
use super::keys::Keys;
use super::ledger::{Promise, visit_entries};
use super::store::{Damage, StoreError};
use crate::crypto::Digest;

/// A log that is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The log's name.
    pub origin: String,
    /// The log's first key, as in signed notes.
    pub vkey: String,
    /// The key in force, which the first one vouches for through the log itself.
    pub current_vkey: String,
    /// Number of entries.
    pub entries: u64,
    /// Number of frames.
    pub frames: u64,
    /// Root over all entries.
    pub root: Digest,
    /// Size of the published checkpoint; entries after it rest on the frames' own roots.
    pub published: u64,
    /// Bytes behind the last frame that belong to none.
    pub left_over: Option<LeftOver>,
}

/// Bytes behind the last frame: what a write cut short left, never acknowledged, or a change made later. The next
/// start sets them aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOver {
    /// The file.
    pub path: PathBuf,
    /// Where they begin.
    pub offset: u64,
    /// How many.
    pub bytes: usize,
}

/// What a log is held against.
#[derive(Clone, Copy, Debug, Default)]
pub struct Expected<'a> {
    /// An earlier checkpoint of the log, kept elsewhere.
    pub since: Option<&'a str>,
    /// A key the log must have, as in signed notes: its first, or one that it went over to.
    pub vkey: Option<&'a str>,
}

/// How long a log in use is given to finish the frame that was half there.
const SETTLES_IN: Duration = Duration::from_millis(100);

/// Reads the whole log and shows each entry to `visit`, up to the first bad place.
///
/// # Errors
/// The first bad place; [`AuditError::is_finding`] tells it from a log that could not be looked at.
pub fn verify(
    folder: &Path,
    expected: Expected<'_>,
    visit: &mut dyn FnMut(u64, &Entry),
) -> Result<Verified, AuditError> {
    let description =
        Description::read(folder)?.ok_or_else(|| AuditError::Missing(folder.to_owned()))?;
    let mut keys = Keys::new(description.key().ok_or(AuditError::OtherKey)?);
    // Read before the entries: a log in use may publish a newer one meanwhile, never an older one.
    let published = file::published(folder)?.ok_or(AuditError::Unpublished)?;
    let checkpoints = [Some(published.as_str()), expected.since].into_iter().flatten();
    let mut promises = checkpoints
        .map(|text| Promise::of(text, &description.origin))
        .collect::<Result<Vec<_>, _>>()?;

    let mut chain = Chain::new(description.epoch);
    let scan = file::scan::scan(folder, &description, &mut |_, frame| -> Result<(), Damage> {
        let growth = chain.accept(frame)?;
        promises.iter_mut().for_each(|promise| promise.see(&growth));
        visit_entries(frame, &mut keys, visit)
    })?;
    let tree = chain.tree();
    let head = keys.open(&published).map_err(AuditError::Note)?;
    if let Some(since) = expected.since {
        keys.open(since).map_err(AuditError::Note)?;
    }
    if expected.vkey.is_some_and(|expected| !vouches(expected.trim(), &keys, head.size)) {
        return Err(AuditError::OtherKey);
    }
    promises.iter().try_for_each(|promise| promise.kept(tree.size()))?;
    let left_over = match scan.torn {
        Some(torn) if stays(&torn)? => {
            Some(LeftOver { path: torn.path, offset: torn.offset, bytes: torn.bytes.len() })
        }
        Some(_) | None => None,
    };
    Ok(Verified {
        origin: description.origin,
        vkey: description.vkey,
        current_vkey: keys.current().to_string(),
        entries: tree.size(),
        frames: chain.frames(),
        root: tree.root(),
        published: head.size,
        left_over,
    })
}

/// Whether the key has itself signed for this log: as the first one, by announcing the next, or under the published
/// checkpoint. That another announced it says nothing of what its owner knows.
fn vouches(expected: &str, keys: &Keys, published: u64) -> bool {
    let is_first = keys.all().next().is_some_and(|first| first.to_string() == expected);
    let known = keys.all().find(|key| key.to_string() == expected);
    is_first || known.is_some_and(|key| keys.is_replaced(key) || keys.at(published) == key)
}

/// False when a writer was at work there: what looked torn has changed since.
fn stays(torn: &file::scan::Torn) -> Result<bool, StoreError> {
    thread::sleep(SETTLES_IN);
    let bytes = file::scan::read(&torn.path)?;
    let offset = usize::try_from(torn.offset).unwrap_or(usize::MAX);
    let now = bytes.get(offset..).unwrap_or_default();
    Ok(now.starts_with(&torn.bytes) && now.iter().skip(torn.bytes.len()).all(|&byte| byte == 0))
}
