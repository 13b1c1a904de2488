//! Checks a log's folder without holding it: every byte, hash, root and signature, in order. Changes nothing.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::AuditError;
use super::entry::Entry;
use super::file;
use super::file::disk::{Disk, Local};
use super::keys::Keys;
use super::store::StoreError;
use super::walk::walk_entries_on;
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
    /// The key that signed the published checkpoint.
    pub published_vkey: String,
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
    verify_on(&Local, folder, expected, visit)
}

/// Reads the log from that disk.
pub(super) fn verify_on(
    disk: &dyn Disk,
    folder: &Path,
    expected: Expected<'_>,
    visit: &mut dyn FnMut(u64, &Entry),
) -> Result<Verified, AuditError> {
    walk_entries_on(disk, folder, expected, &mut |seen, entry| visit(seen.index, entry))
}

/// Whether the key has itself signed for this log: as the first one, by announcing the next, or under the published
/// checkpoint. That another announced it says nothing of what its owner knows.
pub(super) fn vouches(expected: &str, keys: &Keys, published: u64) -> bool {
    let is_first = keys.all().next().is_some_and(|first| first.to_string() == expected);
    let known = keys.all().find(|key| key.to_string() == expected);
    is_first || known.is_some_and(|key| keys.is_replaced(key) || keys.at(published) == key)
}

/// False when a writer was at work there: what looked torn has changed since.
pub(super) fn stays(disk: &dyn Disk, torn: &file::scan::Torn) -> Result<bool, StoreError> {
    thread::sleep(SETTLES_IN);
    file::scan::still_ends_with(disk, torn)
}
