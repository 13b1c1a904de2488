//! A log in one thread's hands: opened against what was published, grown batch by batch. The writer drives it.

use std::sync::Arc;

use bytes::Bytes;

use super::AuditError;
use super::chain::Chain;
use super::checkpoint;
use super::derived::{self, Derived, Kept};
use super::entry::{self, Entry, KeyChange, KeyEvent, KeyPurpose, Kind};
use super::file::Description;
use super::frame::Content;
use super::hashed::{Depth, Hashed};
use super::history::History;
use super::keys::{self, Keys};
use super::note::{self, Note, VerifierKey};
use super::shared::blocks;
use super::store::{Damage, Known, Place, Store};
use super::tree::{self, Growth, Head};
use crate::crypto::{Digest, SigningKey};
use crate::query::time::Timestamp;

/// A batch that is durable: how it grew the tree, and the checkpoint that says so.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) growth: Growth,
    pub(super) checkpoint: String,
}

/// The log's end, ready to grow.
pub(super) struct Ledger {
    chain: Chain,
    store: Arc<dyn Store>,
    key: Arc<SigningKey>,
    keys: Keys,
    origin: String,
}

/// A log that was read and found whole.
pub(super) struct Opened {
    pub(super) ledger: Ledger,
    pub(super) history: History,
    /// The last batch, signed anew.
    pub(super) latest: Batch,
    /// What is derived from all of it.
    pub(super) derived: Derived,
}

/// The frames of a log, joined.
struct Read {
    derived: Derived,
    history: History,
}

impl Ledger {
    /// Reads the log, checks it against its key and what it last published, and shows each entry read to `visit`: those
    /// that the kept summary does not cover, or with `reread` all of them.
    pub(super) fn open(
        store: Arc<dyn Store>,
        description: &Description,
        key: Arc<SigningKey>,
        reread: bool,
        visit: &mut dyn FnMut(u64, &Entry),
    ) -> Result<Opened, AuditError> {
        let first = description.key().ok_or(AuditError::OtherKey)?;
        let published = store.published()?.ok_or(AuditError::Unpublished)?;
        let head = stated(&published, &description.origin)?;
        let vkey = VerifierKey::new(&description.origin, key.public()).map_err(AuditError::Note)?;

        let kept = match reread {
            true => None,
            false => derived::read(&|name| store.derived(name), description.epoch, &first, &vkey)
                .unwrap_or_else(ignored),
        };
        let read = match kept.map(|kept| resume(&*store, kept, visit)) {
            Some(Ok(read)) => read,
            // Reading everything tells whether it is the log or only what was derived from it. After a disk that failed
            // nothing is tried again.
            Some(Err(error)) if !error.is_finding() => return Err(error),
            Some(Err(error)) => {
                ignored::<()>(error);
                read(&*store, description.epoch, first, visit)?
            }
            None => read(&*store, description.epoch, first, visit)?,
        };
        let Read { derived, history } = read;
        let keys = derived.keys.clone();
        if keys.is_replaced(&vkey) {
            return Err(AuditError::OldKey(keys.current().to_string()));
        }
        if vkey != *keys.current() {
            return Err(AuditError::OtherKey);
        }
        keys.open(&published).map_err(AuditError::Note)?;
        keeps(&*store, &history, &head)?;

        let chain = derived.chain.clone();
        let growth = Growth::new(chain.tree().clone(), []);
        let mut ledger = Self { chain, store, key, keys, origin: description.origin.clone() };
        let latest = ledger.sign(growth)?;
        Ok(Opened { ledger, history, latest, derived })
    }

    /// Makes the entries durable and signs the tree they are in. After an error the ledger is not to be used again.
    pub(super) fn commit(
        &mut self,
        contents: &[Content],
        leaves: Vec<Digest>,
        now: Timestamp,
    ) -> Result<Batch, AuditError> {
        let (frame, growth) = self.chain.next(contents, leaves, now).map_err(AuditError::Frame)?;
        self.store.append(&frame)?;
        self.chain.follow(&frame, &growth);
        self.sign(growth)
    }

    /// Records that another key is the log's from here on, and signs that with both. The ledger is then done with: the
    /// log opens again with the new key.
    pub(super) fn announce(
        &mut self,
        new: &SigningKey,
        now: Timestamp,
    ) -> Result<Batch, AuditError> {
        let vkey = VerifierKey::new(&self.origin, new.public()).map_err(AuditError::Note)?;
        let document = keys::announce(&vkey, &self.key).map_err(AuditError::Note)?.into_bytes();
        let (purpose, change, name) = (KeyPurpose::Log, KeyChange::Begun, vkey.to_string());
        let kind = Kind::Key(KeyEvent { purpose, change, name, document });
        let entry = Entry { at: now, kind };
        // Held against the rule that every later reader holds it against, before it can no longer be taken back.
        self.keys.see(self.chain.tree().size(), &entry).map_err(AuditError::NewKey)?;
        let bytes = Bytes::from(entry::encode(&entry)?);
        let leaves = vec![tree::leaf_hash(&bytes)];
        let batch = self.commit(&[Content::bare(bytes)], leaves, now)?;
        let checkpoint =
            note::cosign(&batch.checkpoint, &self.origin, new).map_err(AuditError::Note)?;
        Ok(Batch { checkpoint, ..batch })
    }

    /// Signs only what is durable: a signature over a tree that a crash takes back would be a fork.
    fn sign(&mut self, growth: Growth) -> Result<Batch, AuditError> {
        let head = Head { size: growth.after().size(), root: growth.after().root() };
        let checkpoint =
            checkpoint::sign(&self.origin, &head, &self.key).map_err(AuditError::Note)?;
        Ok(Batch { growth, checkpoint })
    }
}

fn ignored<T>(error: impl std::error::Error + 'static) -> Option<T> {
    let error = &error as &dyn std::error::Error;
    tracing::warn!(error, "what was derived from the log is not used; the whole log is read");
    None
}

/// Reads everything.
fn read(
    store: &dyn Store,
    epoch: u64,
    first: VerifierKey,
    visit: &mut dyn FnMut(u64, &Entry),
) -> Result<Read, AuditError> {
    let mut read = Read { derived: Derived::new(epoch, first), history: History::default() };
    store.load(Known::nothing(Depth::Entries), &mut |place, hashed| {
        read.frame(place, hashed, visit)
    })?;
    Ok(read)
}

/// Reads what the kept files do not cover, and the segment in which they end.
fn resume(
    store: &dyn Store,
    kept: Kept,
    visit: &mut dyn FnMut(u64, &Entry),
) -> Result<Read, AuditError> {
    let Kept { derived, history, places } = kept;
    let (end, head) = (derived.end(), derived.chain.head());
    let known = Known { segments: end.segment - 1, places, depth: Depth::Entries };
    let mut read = Read { derived, history };
    let mut is_joined = false;
    store.load(known, &mut |place, hashed| {
        if place.segment > end.segment || place.offset >= end.offset {
            return read.frame(place, hashed, visit);
        }
        let (header, next) =
            (hashed.frame.header(), place.offset + hashed.frame.bytes().len() as u64);
        read.derived.known(place, header.first_index);
        // The last frame that they cover must be there, and be the one they speak of.
        let size = header.first_index + u64::from(hashed.frame.count());
        is_joined |= next == end.offset && size == head.size && header.root_after == head.root;
        Ok(())
    })?;
    if is_joined { Ok(read) } else { Err(AuditError::Behind { published: head.size, found: 0 }) }
}

impl Read {
    fn frame(
        &mut self,
        place: Place,
        hashed: &mut Hashed,
        visit: &mut dyn FnMut(u64, &Entry),
    ) -> Result<(), Damage> {
        let history = &mut self.history;
        self.derived.frame(place, hashed, |node, hash| history.complete(node, hash))?;
        history.grown(self.derived.chain.tree());
        for (index, entry) in (hashed.frame.header().first_index..).zip(&hashed.entries) {
            visit(index, entry);
        }
        Ok(())
    }
}

/// Fails when the log does not hold a head that was shown to others.
fn keeps(store: &dyn Store, history: &History, promise: &Head) -> Result<(), AuditError> {
    let size = history.tree().size();
    if size < promise.size {
        return Err(AuditError::Behind { published: promise.size, found: size });
    }
    let blocks = blocks(store, [promise.size.saturating_sub(1)])?;
    match history.root(promise.size, &blocks) {
        Ok(root) if root == promise.root => Ok(()),
        _ => Err(AuditError::Forked { published: promise.size }),
    }
}

/// What a checkpoint of the log of that name states. Whose signature it must have is known only once the log has been
/// read as far: until [`Keys::open`] has looked at it, nothing is to be made of it.
fn stated(checkpoint: &str, log: &str) -> Result<Head, AuditError> {
    let head = Note::parse(checkpoint).and_then(|note| checkpoint::head(note.text, log));
    head.map_err(AuditError::Note)
}

/// A head that was shown to others: a log that is read from its beginning must come by it.
pub(super) struct Promise {
    head: Head,
    is_seen: bool,
}

impl Promise {
    /// The head that a checkpoint of the log of that name states, whoever signed it.
    pub(super) fn of(checkpoint: &str, log: &str) -> Result<Self, AuditError> {
        Ok(Self { head: stated(checkpoint, log)?, is_seen: false })
    }

    /// Heads are signed at the ends of frames only.
    pub(super) fn see(&mut self, head: &Head) {
        self.is_seen |= *head == self.head;
    }

    /// Fails when the log, now of that size, does not hold the head.
    pub(super) fn kept(&self, size: u64) -> Result<(), AuditError> {
        if size < self.head.size {
            return Err(AuditError::Behind { published: self.head.size, found: size });
        }
        if self.is_seen { Ok(()) } else { Err(AuditError::Forked { published: self.head.size }) }
    }
}
