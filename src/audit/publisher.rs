//! The thread that publishes checkpoints, beside the writer so that no answer waits for it.
//!
//! A published checkpoint is derived again from what is stored: a bit that flipped in memory must not be signed for
//! all the world to see and then never be proved. Since every entry passes here, this is also where they are summed up
//! for the next start.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::AuditError;
use super::cosignature::cosign;
use super::derived::Derived;
use super::shared::{Published, Shared, StopOnPanic};
use super::witness::Witness;
use crate::clock;
use crate::crypto::{CosigningKey, SigningKey};

/// What the publisher works with.
pub(super) struct Publisher {
    pub(super) shared: Arc<Shared>,
    /// The log as it was last read back.
    pub(super) derived: Derived,
    pub(super) origin: String,
    pub(super) key: Arc<SigningKey>,
    /// At most one checkpoint in this time.
    pub(super) every: Duration,
    /// What published checkpoints are cosigned with, where they are.
    pub(super) cosigner: Option<Cosigner>,
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
            if let Err(error) = self.publish().and_then(|()| self.keep(is_last)) {
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
        let first = self.derived.chain.tree().size();
        if tree.size() == first {
            if let Some(witness) = self.witness.as_ref().filter(|witness| witness.is_behind()) {
                witness.see(&self.shared.published().checkpoint);
            }
            return Ok(());
        }
        let derived = &mut self.derived;
        self.shared.store.frames(first, tree.size(), &mut |place, hashed| {
            derived.frame(place, hashed, |_, _| {})
        })?;
        if self.derived.chain.tree() != tree {
            return Err(AuditError::ReadBack { size: tree.size() });
        }
        let published = complete(&latest.checkpoint, tree.size(), self.cosigner.as_ref())?;
        self.shared.store.publish(&published.checkpoint)?;
        if let Some(witness) = &self.witness {
            witness.see(&published.checkpoint);
        }
        self.shared.set_published(published);
        Ok(())
    }

    /// Keeps what the next start goes on from, when a segment has been filled or the log ends.
    ///
    /// No entry depends on it: without room for it the next start only takes longer. But a disk that failed a write or
    /// a flush is not to be relied on for entries either.
    pub(super) fn keep(&mut self, is_last: bool) -> Result<(), AuditError> {
        if !self.derived.is_due() && (!is_last || self.derived.is_kept()) {
            return Ok(());
        }
        match self.derived.keep(&*self.shared.store, &self.origin, &self.key) {
            Err(AuditError::Store(error)) if error.lost_nothing() => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "the next start will read more of the log than it need");
                self.derived.put_off();
                Ok(())
            }
            kept => kept,
        }
    }
}

/// A key for cosignatures and the name it signs under: the log's origin.
pub(super) struct Cosigner {
    pub(super) name: String,
    pub(super) key: Arc<CosigningKey>,
}

/// The checkpoint as it is published, with all its signatures.
pub(super) fn complete(
    checkpoint: &str,
    size: u64,
    cosigner: Option<&Cosigner>,
) -> Result<Published, AuditError> {
    let checkpoint = match cosigner {
        None => checkpoint.to_owned(),
        Some(Cosigner { name, key }) => {
            cosign(checkpoint, name, key, clock::now()).map_err(AuditError::Note)?
        }
    };
    Ok(Published { checkpoint, size })
}
