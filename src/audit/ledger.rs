//! A log in one thread's hands: opened against what was published, grown batch by batch. The writer drives it.

use std::sync::Arc;

use super::AuditError;
use super::chain::Chain;
use super::checkpoint;
use super::entry::{self, Entry};
use super::file::Description;
use super::frame::{Content, Frame};
use super::history::History;
use super::note::VerifierKey;
use super::store::{Damage, Store};
use super::tree::{Growth, Head};
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
        let vkey = VerifierKey::new(&description.origin, key.public()).map_err(AuditError::Note)?;
        if Some(&vkey) != description.key().as_ref() {
            return Err(AuditError::OtherKey);
        }
        let published = store.published()?.ok_or(AuditError::Unpublished)?;
        let mut promise =
            Promise::new(checkpoint::open(&published, &vkey).map_err(AuditError::Note)?);

        let mut chain = Chain::new(description.epoch);
        let mut history = History::default();
        let mut last = None;
        store.load(&mut |frame| {
            let growth = chain.accept(frame)?;
            visit_entries(frame, visit)?;
            promise.see(&growth);
            history.extend(&growth);
            last = Some(growth);
            Ok(())
        })?;
        promise.kept(chain.tree().size())?;
        let growth = last.ok_or(AuditError::Behind { published: promise.head.size, found: 0 })?;

        let mut ledger = Self { chain, store, key, origin: description.origin.clone() };
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

    /// Signs only what is durable: a signature over a tree that a crash takes back would be a fork.
    fn sign(&mut self, growth: Growth) -> Result<Batch, AuditError> {
        let head = Head { size: growth.after().size(), root: growth.after().root() };
        let checkpoint =
            checkpoint::sign(&self.origin, &head, &self.key).map_err(AuditError::Note)?;
        Ok(Batch { growth, checkpoint })
    }
}

/// Decodes every entry of the frame.
pub(super) fn visit_entries(
    frame: &Frame,
    visit: &mut dyn FnMut(u64, &Entry),
) -> Result<(), Damage> {
    for (index, bytes) in (frame.header().first_index..).zip(frame.entries()) {
        let entry = entry::decode(&bytes).map_err(|source| Damage::Entry { index, source })?;
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
    pub(super) fn new(head: Head) -> Self {
        Self { head, is_seen: false }
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
