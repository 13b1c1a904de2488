//! One pass over a log's folder, first entry to last, everything checked on the way: what verifying, replaying,
//! searching and exporting have in common. Needs no hold on the log and changes nothing.

use std::path::Path;

use bytes::Bytes;

use super::AuditError;
use super::chain::Chain;
use super::entry::Entry;
use super::file::disk::{Disk, Local};
use super::file::scan::{Extent, scan};
use super::file::{self, Description};
use super::frame::{Frame, Header};
use super::hashed::{Depth, Hashed};
use super::keys::Keys;
use super::ledger::Promise;
use super::store::Damage;
use super::verify::{Expected, LeftOver, Verified, stays, vouches};
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
    walk_frames(&Local, folder, expected, Depth::Hashes, &mut |hashed| {
        for (index, written_at, bytes, private) in seen(&hashed.frame) {
            visit(&Seen { index, written_at, bytes: &bytes, private });
        }
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
    walk_entries_on(&Local, folder, expected, visit)
}

/// As [`walk_entries`], from that disk.
pub(super) fn walk_entries_on(
    disk: &dyn Disk,
    folder: &Path,
    expected: Expected<'_>,
    visit: &mut dyn FnMut(&Seen<'_>, &Entry),
) -> Result<Verified, AuditError> {
    walk_frames(disk, folder, expected, Depth::Entries, &mut |hashed| {
        let seen = seen(&hashed.frame);
        for ((index, written_at, bytes, private), entry) in seen.zip(&hashed.entries) {
            visit(&Seen { index, written_at, bytes: &bytes, private }, entry);
        }
    })
}

fn seen(frame: &Frame) -> impl Iterator<Item = (u64, Timestamp, Bytes, Bytes)> {
    let Header { first_index, at, .. } = *frame.header();
    let stored = frame.entries().zip(frame.private());
    (first_index..).zip(stored).map(move |(index, (bytes, private))| (index, at, bytes, private))
}

fn walk_frames(
    disk: &dyn Disk,
    folder: &Path,
    expected: Expected<'_>,
    depth: Depth,
    visit: &mut dyn FnMut(&Hashed),
) -> Result<Verified, AuditError> {
    let description = Description::read_on(disk, folder)?
        .ok_or_else(|| AuditError::Missing(folder.to_owned()))?;
    let mut keys = Keys::new(description.key().ok_or(AuditError::OtherKey)?);
    // Read before the entries: a log in use may publish a newer one meanwhile, never an older one.
    let published = file::published(disk, folder)?.ok_or(AuditError::Unpublished)?;
    let checkpoints = [Some(published.as_str()), expected.since].into_iter().flatten();
    let mut promises = checkpoints
        .map(|text| Promise::of(text, &description.origin))
        .collect::<Result<Vec<_>, _>>()?;

    let mut chain = Chain::new(description.epoch);
    let scan = scan(disk, folder, &description, Extent::whole(depth), &mut |_, hashed| {
        chain.advance(hashed.frame.header(), &hashed.leaves, |_, _| {})?;
        let mut flaw = hashed.sound();
        for (index, entry) in &hashed.keys {
            let (index, seen) = (*index, keys.see(*index, entry));
            flaw = flaw.and(seen.map_err(|source| Damage::Key { index, source }));
        }
        promises.iter_mut().for_each(|promise| promise.see(&chain.head()));
        // Of a frame with a flaw those before it.
        visit(hashed);
        flaw
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
        Some(torn) if stays(disk, &torn)? => {
            Some(LeftOver { path: torn.path, offset: torn.offset, bytes: torn.bytes.len() })
        }
        Some(_) | None => None,
    };
    Ok(Verified {
        origin: description.origin,
        vkey: description.vkey,
        current_vkey: keys.current().to_string(),
        published_vkey: keys.at(head.size).to_string(),
        entries: tree.size(),
        frames: chain.frames(),
        root: tree.root(),
        published: head.size,
        left_over,
    })
}
