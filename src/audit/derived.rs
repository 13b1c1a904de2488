//! What spares reading a whole log at a start: the upper hashes of its tree, where its entries lie, what they add up
//! to. Files in a folder of their own, which may be deleted; what they say is signed with the log's key, so that
//! nobody without it can plant them.
//!
//! ```text
//! <segment>.tree   of each full segment: where its frames lie, thinly, and the hashes of the subtrees of 256 leaves
//!                  completed in it
//! summary          how far it goes, digests of those files, the summary; on one line, then its signature
//! ```
//! A `.tree` file is written once and before the summary that names it: a crash leaves the summary before, which holds.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use super::AuditError;
use super::chain::Chain;
use super::checkpoint::decimal;
use super::hashed::Hashed;
use super::history::{History, LOWEST};
use super::keys::Keys;
use super::note::{self, Note, VerifierKey};
use super::store::{Damage, PLACE_EVERY, Place, Store, StoreError};
use super::summary::Summary;
use super::tree::Node;
use crate::crypto::{Digest, SigningKey, sha256};
use crate::query::time::Timestamp;

const SUMMARY: &str = "summary";
const FORMAT: &str = "heyan summary v1";

/// The log as far as it was read, with all that is derived from it.
#[derive(Clone, Debug)]
pub(super) struct Derived {
    /// The log's end.
    pub(super) chain: Chain,
    /// What its entries add up to.
    pub(super) summary: Summary,
    /// The keys it has had.
    pub(super) keys: Keys,
    /// End of the last frame.
    end: Place,
    /// Digest of the `.tree` file of each full segment.
    full: Vec<Digest>,
    /// Of the segment that `end` lies in.
    current: Part,
    /// Files that are not written yet, by segment.
    unwritten: Vec<(u64, Bytes)>,
    /// Entries that the kept files cover; `None` when none are kept that hold.
    kept: Option<u64>,
    /// The segment that they end in.
    kept_segment: u64,
}

/// What is derived from one segment.
#[derive(Clone, Debug, Default)]
struct Part {
    /// First entry of a frame, and its offset.
    places: Vec<(u64, u64)>,
    /// Subtrees of 256 leaves that its entries complete, in order.
    blocks: Vec<Digest>,
}

/// What was kept, read and found to hold together.
pub(super) struct Kept {
    pub(super) derived: Derived,
    pub(super) history: History,
    /// Where entries lie in the full segments.
    pub(super) places: Vec<(u64, Place)>,
}

/// The first line of the file, signed by its digest.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    frames: u64,
    at: Timestamp,
    segment: u64,
    end: u64,
    /// Hashes one after the other, in base64: digests of the files of full segments,
    full: String,
    /// blocks of the segment not full,
    blocks: String,
    /// and the tree's peaks below the blocks.
    below: String,
    summary: Summary,
}

impl Derived {
    /// Of an empty log whose first key this is.
    pub(super) fn new(epoch: u64, first: VerifierKey) -> Self {
        Self {
            chain: Chain::new(epoch),
            summary: Summary::default(),
            keys: Keys::new(first),
            end: Place { segment: 1, offset: 0 },
            full: Vec::new(),
            current: Part::default(),
            unwritten: Vec::new(),
            kept: None,
            kept_segment: 0,
        }
    }

    /// Takes the next frame in, whose entries were decoded when there are any in `hashed`. After an error it is not
    /// to be used again.
    pub(super) fn frame(
        &mut self,
        place: Place,
        hashed: &mut Hashed,
        mut completed: impl FnMut(Node, Digest),
    ) -> Result<(), Damage> {
        while self.end.segment < place.segment {
            self.turn_over();
        }
        let header = hashed.frame.header();
        let blocks = &mut self.current.blocks;
        self.chain.advance(header, &hashed.leaves, |node, hash| {
            if node.level == LOWEST {
                blocks.push(hash);
            }
            completed(node, hash);
        })?;
        let first = header.first_index;
        self.current.place(first, place.offset);
        self.end.offset = place.offset + hashed.frame.bytes().len() as u64;
        hashed.sound()?;
        if hashed.entries.is_empty() {
            for (index, bytes) in (first..).zip(hashed.frame.slices()) {
                let folded = self.summary.fold(index, bytes);
                folded.map_err(|source| Damage::Entry { index, source })?;
            }
        }
        for (index, entry) in (first..).zip(&hashed.entries) {
            self.summary.visit(index, entry);
        }
        for (index, entry) in &hashed.keys {
            let (index, seen) = (*index, self.keys.see(*index, entry));
            seen.map_err(|source| Damage::Key { index, source })?;
        }
        Ok(())
    }

    /// Takes in where a frame lies that the kept files cover, in the segment they end in.
    pub(super) fn known(&mut self, place: Place, first: u64) {
        self.current.place(first, place.offset);
    }

    /// The segment is full: its file can be written.
    fn turn_over(&mut self) {
        let file = std::mem::take(&mut self.current).to_bytes();
        self.full.push(sha256(&file));
        self.unwritten.push((self.end.segment, file));
        self.end = Place { segment: self.end.segment + 1, offset: 0 };
    }

    /// True when a segment was filled since the files were written.
    pub(super) fn is_due(&self) -> bool {
        self.end.segment > self.kept_segment
    }

    /// True when the files that are kept cover everything.
    pub(super) fn is_kept(&self) -> bool {
        self.kept == Some(self.summary.entries)
    }

    /// Writes the files, so that the next start reads only what comes after.
    ///
    /// # Errors
    /// When they cannot be written; those before them hold.
    pub(super) fn keep(
        &mut self,
        store: &dyn Store,
        origin: &str,
        key: &SigningKey,
    ) -> Result<(), AuditError> {
        for (segment, file) in &self.unwritten {
            store.derive(&tree_file(*segment), file)?;
        }
        self.unwritten.clear();
        let head = self.chain.head();
        let above = (head.size >> LOWEST).count_ones() as usize;
        let body = Body {
            frames: self.chain.frames(),
            at: self.chain.at(),
            segment: self.end.segment,
            end: self.end.offset,
            full: join(&self.full),
            blocks: join(&self.current.blocks),
            below: join(self.chain.tree().peaks().get(above..).unwrap_or_default()),
            summary: self.summary.clone(),
        };
        // A value of strings, numbers and maps with names for keys always has a text.
        let mut file = serde_json::to_string(&body).unwrap_or_default();
        let (root, digest) =
            (BASE64_STANDARD.encode(head.root), BASE64_STANDARD.encode(sha256(file.as_bytes())));
        let text = format!("{FORMAT}\n{origin}\n{}\n{root}\n{digest}\n", head.size);
        file.push('\n');
        file.push_str(&note::sign(&text, origin, key).map_err(AuditError::Note)?);
        store.derive(SUMMARY, file.as_bytes())?;
        self.kept = Some(self.summary.entries);
        self.kept_segment = self.end.segment;
        Ok(())
    }

    /// Does not try again before another segment is full.
    pub(super) fn put_off(&mut self) {
        self.kept_segment = self.end.segment;
    }

    /// Place behind the last frame.
    pub(super) fn end(&self) -> Place {
        self.end
    }
}

/// Reads what was kept; `None` when there is nothing, or nothing that holds together under `vkey`, the key that opens
/// the log now. `first` is the one it began with.
///
/// # Errors
/// When it cannot be read.
pub(super) fn read(
    load: &dyn Fn(&str) -> Result<Option<Bytes>, StoreError>,
    epoch: u64,
    first: &VerifierKey,
    vkey: &VerifierKey,
) -> Result<Option<Kept>, AuditError> {
    let Some(file) = load(SUMMARY)? else { return Ok(None) };
    let Some((head, body)) = std::str::from_utf8(&file).ok().and_then(|text| believe(text, vkey))
    else {
        return Ok(None);
    };
    let Some(full) = split(&body.full) else { return Ok(None) };
    if full.len() as u64 + 1 != body.segment {
        return Ok(None);
    }
    let (mut blocks, mut places) = (Vec::new(), Vec::new());
    for (segment, digest) in (1..).zip(&full) {
        let file = load(&tree_file(segment))?;
        let part = file.filter(|file| sha256(file) == *digest).and_then(|file| Part::parse(&file));
        let Some(part) = part else { return Ok(None) };
        blocks.extend(part.blocks);
        let place = |&(index, offset): &(u64, u64)| (index, Place { segment, offset });
        places.extend(part.places.iter().map(place));
    }
    let (Some(last), Some(below)) = (split(&body.blocks), split(&body.below)) else {
        return Ok(None);
    };
    blocks.extend_from_slice(&last);
    let history = History::resume(head.0, &blocks, &below);
    // Whatever the signature says: the hashes must give the root.
    let Some(history) = history.filter(|history| history.tree().root() == head.1) else {
        return Ok(None);
    };
    let Some(keys) = Keys::resume(first.clone(), &body.summary.log_keys) else { return Ok(None) };
    let chain = Chain::resume(epoch, body.frames, body.at, history.tree().clone());
    let derived = Derived {
        chain,
        end: Place { segment: body.segment, offset: body.end },
        full,
        current: Part { places: Vec::new(), blocks: last },
        unwritten: Vec::new(),
        kept: Some(body.summary.entries),
        kept_segment: body.segment,
        summary: body.summary,
        keys,
    };
    Ok(Some(Kept { derived, history, places }))
}

/// Size and root that the file speaks of, and what it says, when the log's key has signed it.
fn believe(file: &str, vkey: &VerifierKey) -> Option<((u64, Digest), Body)> {
    let (body, note) = file.split_once('\n')?;
    let note = Note::parse(note).ok()?;
    note.verify(vkey).ok()?;
    let lines: Vec<&str> = note.text.lines().collect();
    let [format, origin, size, root, digest] = *lines.as_slice() else { return None };
    let decode = |text: &str| Digest::try_from(BASE64_STANDARD.decode(text).ok()?).ok();
    if format != FORMAT || origin != vkey.name() || decode(digest)? != sha256(body.as_bytes()) {
        return None;
    }
    let body: Body = serde_json::from_str(body).ok()?;
    let size = decimal(size).filter(|size| *size == body.summary.entries)?;
    Some(((size, decode(root)?), body))
}

fn tree_file(segment: u64) -> String {
    format!("{segment:016x}.tree")
}

const MAGIC: &[u8; 4] = b"HYT1";

impl Part {
    fn place(&mut self, first: u64, offset: u64) {
        let last = self.places.last();
        if last.is_none_or(|&(index, _)| first.saturating_sub(index) >= PLACE_EVERY) {
            self.places.push((first, offset));
        }
    }

    /// `"HYT1"`, u32 number of places, each u64 entry and u64 offset, then the hashes; big-endian.
    fn to_bytes(&self) -> Bytes {
        let mut bytes =
            BytesMut::with_capacity(8 + 16 * self.places.len() + 32 * self.blocks.len());
        bytes.put_slice(MAGIC);
        bytes.put_u32(u32::try_from(self.places.len()).unwrap_or(u32::MAX));
        for (index, offset) in &self.places {
            bytes.put_u64(*index);
            bytes.put_u64(*offset);
        }
        self.blocks.iter().for_each(|hash| bytes.put_slice(hash));
        bytes.freeze()
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (magic, rest) = bytes.split_first_chunk::<4>()?;
        let (count, rest) = rest.split_first_chunk::<4>()?;
        let count = usize::try_from(u32::from_be_bytes(*count)).ok()?;
        let (places, blocks) = rest.split_at_checked(count.checked_mul(16)?)?;
        let number = |bytes: &[u8]| bytes.try_into().map(u64::from_be_bytes).ok();
        let place = |pair: &[u8]| Some((number(pair.get(..8)?)?, number(pair.get(8..)?)?));
        let places = places.chunks(16).map(place).collect::<Option<_>>()?;
        (magic == MAGIC).then_some(Self { places, blocks: digests(blocks)? })
    }
}

fn join(digests: &[Digest]) -> String {
    BASE64_STANDARD.encode(digests.as_flattened())
}

fn split(text: &str) -> Option<Vec<Digest>> {
    digests(&BASE64_STANDARD.decode(text).ok()?)
}

fn digests(bytes: &[u8]) -> Option<Vec<Digest>> {
    bytes.chunks(32).map(|digest| digest.try_into().ok()).collect()
}
