//! What writer, publisher and readers have in common: only what is durable, and whether the log still runs.

use std::collections::hash_map;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use arc_swap::ArcSwap;

use super::error::AuditError;
use super::history::{self, Blocks, History};
use super::ledger::Batch;
use super::store::Store;
use super::tree::{self, OutOfRange};
use crate::crypto::Digest;

/// A checkpoint that was shown to all the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The signed note, as it stands in the log's folder.
    pub checkpoint: String,
    /// Entries that it covers.
    pub size: u64,
}

/// What writer, publisher and readers share. Everything in it is durable.
pub(super) struct Shared {
    pub(super) store: Arc<dyn Store>,
    history: RwLock<History>,
    latest: ArcSwap<Batch>,
    published: ArcSwap<Published>,
    state: AtomicU8,
}

const OPEN: u8 = 0;
const CLOSED: u8 = 1;
const STOPPED: u8 = 2;

impl Shared {
    /// Of a log just opened.
    pub(super) fn new(
        store: Arc<dyn Store>,
        history: History,
        latest: Batch,
        published: Published,
    ) -> Self {
        Self {
            store,
            history: RwLock::new(history),
            published: ArcSwap::from_pointee(published),
            latest: ArcSwap::from_pointee(latest),
            state: AtomicU8::new(OPEN),
        }
    }

    pub(super) fn publish(&self, batch: Arc<Batch>) {
        self.history.write().unwrap_or_else(PoisonError::into_inner).extend(&batch.growth);
        self.latest.store(batch);
    }

    pub(super) fn latest(&self) -> Arc<Batch> {
        self.latest.load_full()
    }

    /// The checkpoint last published.
    pub(super) fn published(&self) -> Arc<Published> {
        self.published.load_full()
    }

    /// Shows it to readers, once it is durable.
    pub(super) fn set_published(&self, published: Published) {
        self.published.store(Arc::new(published));
    }

    pub(super) fn close(&self) {
        let _ = self.state.compare_exchange(OPEN, CLOSED, Ordering::SeqCst, Ordering::SeqCst);
    }

    pub(super) fn stop(&self) {
        self.state.store(STOPPED, Ordering::SeqCst);
    }

    pub(super) fn is_open(&self) -> bool {
        self.state.load(Ordering::SeqCst) == OPEN
    }

    pub(super) fn has_stopped(&self) -> bool {
        self.state.load(Ordering::SeqCst) == STOPPED
    }

    /// Number of durable entries.
    pub(super) fn size(&self) -> u64 {
        self.latest.load().growth.after().size()
    }

    pub(super) fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Digest>, AuditError> {
        if index >= size || size > self.size() {
            return Err(OutOfRange.into());
        }
        // Read before the history is locked: a proof must not keep the writer waiting for a disk.
        let blocks = blocks(&*self.store, [index, size - 1])?;
        let history = self.history.read().unwrap_or_else(PoisonError::into_inner);
        Ok(history.inclusion(index, size, &blocks)?)
    }

    /// Leaf hashes from `first` on, as far as there are any.
    pub(super) fn leaves(&self, first: u64, count: usize) -> Result<Vec<Digest>, AuditError> {
        let durable = usize::try_from(self.size().saturating_sub(first)).unwrap_or(usize::MAX);
        let entries = self.store.read(first, durable.min(count))?;
        Ok(entries.iter().map(|entry| tree::leaf_hash(entry)).collect())
    }

    /// Hashes of complete subtrees of `1 << level` leaves, from `first` on, as far as there are any.
    pub(super) fn rows(&self, level: u32, first: u64, count: usize) -> Vec<Digest> {
        let history = self.history.read().unwrap_or_else(PoisonError::into_inner);
        history.row(level, first, count).to_vec()
    }

    pub(super) fn consistency(&self, from: u64, to: u64) -> Result<Vec<Digest>, AuditError> {
        if from > to || to > self.size() {
            return Err(OutOfRange.into());
        }
        let indices = [from.saturating_sub(1), to.saturating_sub(1)];
        let blocks = blocks(&*self.store, indices)?;
        let history = self.history.read().unwrap_or_else(PoisonError::into_inner);
        Ok(history.consistency(from, to, &blocks)?)
    }
}

/// Leaf hashes of the blocks that hold these entries.
pub(super) fn blocks<const N: usize>(
    store: &dyn Store,
    indices: [u64; N],
) -> Result<Blocks, AuditError> {
    let mut blocks = Blocks::new();
    for index in indices {
        if let hash_map::Entry::Vacant(block) = blocks.entry(index - index % history::BLOCK) {
            let entries = store.read(*block.key(), history::BLOCK as usize)?;
            block.insert(entries.iter().map(|entry| tree::leaf_hash(entry)).collect());
        }
    }
    Ok(blocks)
}

/// Held by each of the log's threads: one that panics leaves nobody to write or to publish, so the log has stopped.
pub(super) struct StopOnPanic(pub(super) Arc<Shared>);

impl Drop for StopOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop();
        }
    }
}
