//! The thread that publishes checkpoints, beside the writer so that no answer waits for it.
//!
//! A published checkpoint is derived again from what is stored: a bit that flipped in memory must not be signed for
//! all the world to see and then never be proved.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::AuditError;
use super::shared::{Shared, StopOnPanic};
use super::tree::{self, Frontier};
use super::witness::Witness;

/// Entries read at once.
const CHUNK: usize = 1024;

/// What the publisher works with.
pub(super) struct Publisher {
    pub(super) shared: Arc<Shared>,
    /// The tree as it was last read back.
    pub(super) read_back: Frontier,
    /// At most one checkpoint in this time.
    pub(super) every: Duration,
    /// Never sent anything; ends when the writer has ended.
    pub(super) until: Receiver<()>,
    /// Told of every checkpoint that was published.
    pub(super) witness: Option<Arc<Witness>>,
}

impl Publisher {
    /// Runs until the writer has ended, publishes what it left, and ends too.
    pub(super) fn run(mut self) {
        let _guard = StopOnPanic(Arc::clone(&self.shared));
        let mut is_last = false;
        while !is_last {
            is_last = match self.until.recv_timeout(self.every) {
                Err(RecvTimeoutError::Timeout) => false,
                Ok(()) | Err(RecvTimeoutError::Disconnected) => true,
            };
            if self.shared.has_stopped() {
                return;
            }
            if let Err(error) = self.publish() {
                self.shared.stop();
                tracing::error!(error = &error as &dyn std::error::Error, "the log has stopped");
                return;
            }
        }
    }

    /// Reads back what was added since, and publishes the checkpoint over it.
    pub(super) fn publish(&mut self) -> Result<(), AuditError> {
        let latest = self.shared.latest();
        let tree = latest.growth.after();
        if tree.size() == self.read_back.size() {
            if let Some(witness) = self.witness.as_ref().filter(|witness| witness.is_behind()) {
                witness.see(&latest.checkpoint);
            }
            return Ok(());
        }
        while self.read_back.size() < tree.size() {
            let missing = usize::try_from(tree.size() - self.read_back.size()).unwrap_or(CHUNK);
            let entries = self.shared.store.read(self.read_back.size(), missing.min(CHUNK))?;
            if entries.is_empty() {
                break;
            }
            for entry in entries {
                self.read_back.push(tree::leaf_hash(&entry), |_, _| {});
            }
        }
        if &self.read_back != tree {
            return Err(AuditError::ReadBack { size: tree.size() });
        }
        self.shared.store.publish(&latest.checkpoint)?;
        if let Some(witness) = &self.witness {
            witness.see(&latest.checkpoint);
        }
        Ok(())
    }
}
