//! A log changes its key, while nobody else has it.

use std::path::Path;
use std::sync::Arc;

use super::file::disk::Local;
use super::file::{Description, FileStore};
use super::ledger::{Ledger, Opened};
use super::note::VerifierKey;
use super::store::Store;
use super::{Audit, AuditError, Settings};
use crate::crypto::SigningKey;
use crate::query::time::Timestamp;

/// A log whose key was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// The key before.
    pub old: VerifierKey,
    /// The key from here on.
    pub new: VerifierKey,
    /// Index of the entry that announces it.
    pub index: u64,
    /// The checkpoint that was published, signed by both.
    pub checkpoint: String,
}

impl Audit {
    /// Announces the new key in the log, signed by the old one, and publishes a checkpoint that both have signed. From
    /// then on the log opens with the new key only.
    ///
    /// # Errors
    /// As [`Audit::open`]; also when the new key is not Ed25519 or was the log's before. Until the announcement is
    /// durable the old key stays in force; [`AuditError::Announced`] tells that it was, and that the new one is.
    pub fn rotate(
        folder: &Path,
        old: Arc<SigningKey>,
        new: &SigningKey,
        at: Timestamp,
        settings: &Settings,
    ) -> Result<Rotated, AuditError> {
        let description =
            Description::read(folder)?.ok_or_else(|| AuditError::Missing(folder.to_owned()))?;
        let vkey = |key: &SigningKey| VerifierKey::new(&description.origin, key.public());
        let (old_vkey, new_vkey) =
            (vkey(&old).map_err(AuditError::Note)?, vkey(new).map_err(AuditError::Note)?);
        let store =
            FileStore::open(Arc::new(Local), folder, description.clone(), settings.file_bytes())?;
        let store: Arc<dyn Store> = Arc::new(store);
        let reread = settings.reread_at_start;
        let Opened { mut ledger, mut derived, .. } =
            Ledger::open(Arc::clone(&store), &description, old, reread, &mut |_, _| {})?;
        let batch = ledger.announce(new, at)?;
        let size = batch.growth.after().size();
        let index = size.saturating_sub(1);
        let mut publish = || -> Result<(), AuditError> {
            // As for every published checkpoint: derived again from what is stored.
            store.frames(index, size, &mut |place, hashed| {
                derived.frame(place, hashed, |_, _| {})
            })?;
            if derived.chain.tree() != batch.growth.after() {
                return Err(AuditError::ReadBack { size });
            }
            store.publish(&batch.checkpoint)?;
            // What the old key signed of it, the new one does not believe.
            derived.keep(&*store, &description.origin, new)
        };
        let announced = |error| AuditError::Announced { index, source: Box::new(error) };
        publish().map_err(announced)?;
        Ok(Rotated { old: old_vkey, new: new_vkey, index, checkpoint: batch.checkpoint })
    }
}
