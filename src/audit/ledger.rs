//! A log in one thread's hands: opened against what was published, grown batch by batch. The writer drives it.

use std::sync::Arc;

use bytes::Bytes;

use super::AuditError;
use super::chain::Chain;
use super::checkpoint;
use super::entry::{self, Entry, KeyChange, KeyEvent, KeyPurpose, Kind};
use super::file::Description;
use super::frame::{Content, Frame};
use super::history::History;
use super::keys::{self, Keys};
use super::note::{self, Note, VerifierKey};
use super::store::{Damage, Store};
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
}

impl Ledger {
    /// Reads the whole log, checks it against its key and what it last published, and shows each entry to `visit`.
    pub(super) fn open(
        store: Arc<dyn Store>,
        description: &Description,
        key: Arc<SigningKey>,
        visit: &mut dyn FnMut(u64, &Entry),
    ) -> Result<Opened, AuditError> {
        let mut keys = Keys::new(description.key().ok_or(AuditError::OtherKey)?);
        let published = store.published()?.ok_or(AuditError::Unpublished)?;
        let mut promise = Promise::of(&published, &description.origin)?;

        let mut chain = Chain::new(description.epoch);
        let mut history = History::default();
        let mut last = None;
        store.load(&mut |frame| {
            let growth = chain.accept(frame)?;
            visit_entries(frame, &mut keys, visit)?;
            promise.see(&growth);
            history.extend(&growth);
            last = Some(growth);
            Ok(())
        })?;
        let vkey = VerifierKey::new(&description.origin, key.public()).map_err(AuditError::Note)?;
        if keys.is_replaced(&vkey) {
            return Err(AuditError::OldKey(keys.current().to_string()));
        }
        if vkey != *keys.current() {
            return Err(AuditError::OtherKey);
        }
        keys.open(&published).map_err(AuditError::Note)?;
        promise.kept(chain.tree().size())?;
        let growth = last.ok_or(AuditError::Behind { published: promise.head.size, found: 0 })?;

        let mut ledger = Self { chain, store, key, keys, origin: description.origin.clone() };
        let latest = ledger.sign(growth)?;
        Ok(Opened { ledger, history, latest })
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

/// Decodes every entry of the frame, and tells `keys` of each.
pub(super) fn visit_entries(
    frame: &Frame,
    keys: &mut Keys,
    visit: &mut dyn FnMut(u64, &Entry),
) -> Result<(), Damage> {
    for (index, bytes) in (frame.header().first_index..).zip(frame.entries()) {
        let entry = entry::decode(&bytes).map_err(|source| Damage::Entry { index, source })?;
        keys.see(index, &entry).map_err(|source| Damage::Key { index, source })?;
        visit(index, &entry);
    }
    Ok(())
}

/// A head that was shown to others: the log must hold it.
pub(super) struct Promise {
    head: Head,
    is_seen: bool,
}

impl Promise {
    /// What a checkpoint of the log of that name states. Whose signature it must have is known only once the log has
    /// been read as far: until [`Keys::open`] has looked at it, nothing is to be made of it.
    pub(super) fn of(checkpoint: &str, log: &str) -> Result<Self, AuditError> {
        let head = Note::parse(checkpoint).and_then(|note| checkpoint::head(note.text, log));
        Ok(Self { head: head.map_err(AuditError::Note)?, is_seen: false })
    }

    /// Heads are signed at the ends of frames only.
    pub(super) fn see(&mut self, growth: &Growth) {
        let tree = growth.after();
        self.is_seen |= tree.size() == self.head.size && tree.root() == self.head.root;
    }

    /// Fails when the log, now of that size, does not hold the head.
    pub(super) fn kept(&self, size: u64) -> Result<(), AuditError> {
        if size < self.head.size {
            return Err(AuditError::Behind { published: self.head.size, found: size });
        }
        if self.is_seen { Ok(()) } else { Err(AuditError::Forked { published: self.head.size }) }
    }
}
