//! One pass over a log's folder, first entry to last, everything checked on the way: what verifying, replaying,
//! searching and exporting have in common. Needs no hold on the log and changes nothing.

use std::ops::Range;
use std::path::Path;

use bytes::Bytes;

use super::AuditError;
use super::chain::Chain;
use super::checkpoint;
use super::entry::{self, Entry};
use super::file::{self, Description};
use super::ledger::Promise;
use super::store::Damage;
use super::verify::{Expected, LeftOver, Verified, stays};
use crate::query::time::Timestamp;

/// One entry as it lies in the log.
#[derive(Clone, Debug)]
pub struct Seen<'a> {
    /// Its index.
    pub index: u64,
    /// When its frame was written: never earlier than that of an entry before.
    pub written_at: Timestamp,
    /// The entry as hashed.
    pub bytes: &'a Bytes,
    /// Its sealed record beside the tree; empty where none is kept.
    pub private: Bytes,
}

/// Checks every byte, hash, root and signature, and shows each entry as stored. Entries are not decoded: the hashes
/// cover their bytes.
///
/// # Errors
/// The first bad place; [`AuditError::is_finding`] tells it from a log that could not be looked at.
pub fn walk(
    folder: &Path,
    expected: Expected<'_>,
    visit: &mut dyn FnMut(&Seen<'_>),
) -> Result<Verified, AuditError> {
    walk_frames(folder, expected, &mut |seen| {
        visit(seen);
        Ok(())
    })
}

/// The same with each entry decoded. Bytes that are no entry are a bad place.
///
/// # Errors
/// As [`walk`].
pub fn walk_entries(
    folder: &Path,
    expected: Expected<'_>,
    visit: &mut dyn FnMut(&Seen<'_>, &Entry),
) -> Result<Verified, AuditError> {
    walk_frames(folder, expected, &mut |seen| {
        let index = seen.index;
        let entry = entry::decode(seen.bytes).map_err(|source| Damage::Entry { index, source })?;
        visit(seen, &entry);
        Ok(())
    })
}

/// Shows the entries of a range, decoded. What comes before it is passed over where the log's own index allows that,
/// and then not checked: use [`walk`] to know that a log is whole.
///
/// # Errors
/// As [`walk`], of what was read.
pub fn walk_range(
    folder: &Path,
    range: Range<u64>,
    visit: &mut dyn FnMut(&Seen<'_>, &Entry),
) -> Result<(), AuditError> {
    walk_entries(folder, Expected::default(), &mut |seen, entry| {
        if range.contains(&seen.index) {
            visit(seen, entry);
        }
    })?;
    Ok(())
}

fn walk_frames(
    folder: &Path,
    expected: Expected<'_>,
    visit: &mut dyn FnMut(&Seen<'_>) -> Result<(), Damage>,
) -> Result<Verified, AuditError> {
    let description =
        Description::read(folder)?.ok_or_else(|| AuditError::Missing(folder.to_owned()))?;
    let vkey = description.key().ok_or(AuditError::OtherKey)?;
    if expected.vkey.is_some_and(|expected| expected.trim() != description.vkey) {
        return Err(AuditError::OtherKey);
    }
    let open = |text: &str| checkpoint::open(text, &vkey).map_err(AuditError::Note);
    // Read before the entries: a log in use may publish a newer one meanwhile, never an older one.
    let published = open(&file::published(folder)?.ok_or(AuditError::Unpublished)?)?;
    let mut promises = vec![Promise::new(published)];
    if let Some(since) = expected.since {
        promises.push(Promise::new(open(since)?));
    }

    let mut chain = Chain::new(description.epoch);
    let scan = file::scan::scan(folder, &description, &mut |_, frame| -> Result<(), Damage> {
        let growth = chain.accept(frame)?;
        promises.iter_mut().for_each(|promise| promise.see(&growth));
        let written_at = frame.header().at;
        let stored = frame.entries().zip(frame.private());
        for (index, (bytes, private)) in (frame.header().first_index..).zip(stored) {
            visit(&Seen { index, written_at, bytes: &bytes, private })?;
        }
        Ok(())
    })?;
    let tree = chain.tree();
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
        entries: tree.size(),
        frames: chain.frames(),
        root: tree.root(),
        published: published.size,
        left_over,
    })
}
