//! An order that comes over the wire: weighed like one from the folder, in the log before it acts, in force when its
//! giver hears so.
//!
//! Only orders change, so nothing is read again: what this costs does not grow with the agreements.

use thiserror::Error;

use super::in_force::in_words;
use super::orders::Ordered;
use super::turns::Touched;
use super::{Gateway, file};
use crate::agreements::order::directory::{ENDING, Given};
use crate::agreements::order::standing::OrderRefused;
use crate::agreements::order::{self, OrderError};
use crate::audit::AuditError;
use crate::audit::entry::Entry;
use crate::crypto::sha256;
use crate::query::OrganisationId;
use crate::query::time::Timestamp;

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    /// Its id.
    pub id: String,
    /// What it does, in words.
    pub effect: String,
    /// The entry that holds it.
    pub log_index: u64,
    /// It was followed before, and nothing was changed now.
    pub is_known: bool,
    /// It is in force, but this did not go as it should.
    pub warning: Option<String>,
}

/// Why an order was not followed. Nothing has changed then, and no file was left.
#[derive(Debug, Error)]
pub enum NotFollowed {
    /// It is no order whose signature holds.
    #[error("{}", .0.in_full())]
    Document(#[from] OrderError),
    /// Whoever brought it may not bring it.
    #[error(
        "it is an order of `{0}`: only its own systems may bring it, or a system with the right `operate`"
    )]
    NotYours(OrganisationId),
    /// It is good, but not to be followed.
    #[error(transparent)]
    Refused(#[from] OrderRefused),
    /// The log cannot record it.
    #[error("the log cannot record it, so it is not followed")]
    Unrecorded(#[from] AuditError),
}

impl Gateway {
    /// Follows one signed order. When this returns, the next question is decided under it; questions under way keep the
    /// view they began with.
    ///
    /// `may_bring` says whose orders the caller may bring. The clock is looked at when its turn has come. A reload that
    /// reads the folders is not waited for; it finds what this has recorded. Must run to its end even when the caller has gone.
    ///
    /// # Errors
    /// Why it is not followed; then nothing has changed.
    pub async fn give(
        &self,
        document: &[u8],
        may_bring: impl FnOnce(&OrganisationId) -> bool,
        clock: fn() -> Timestamp,
    ) -> Result<Followed, NotFollowed> {
        let said = order::peek(document)?;
        if !may_bring(&said.by) {
            return Err(NotFollowed::NotYours(said.by));
        }
        let mut journal = self.journal.lock().await;
        if let Some(log_index) = journal.entry_of(document) {
            let effect = format!("{} {}", said.by, said.in_words());
            return Ok(Followed { id: said.id, effect, log_index, is_known: true, warning: None });
        }
        let (at, before) = (clock(), self.in_force());
        let order = order::verify(document, &before.register, at)?;
        let (document, digest) = (document.to_owned(), sha256(document));
        let path = self.sources.orders.join(format!("{}.{}{ENDING}", order.by, order.id));
        let given = Given { order, document, digest, file: path.clone() };
        let ordered = Ordered::weighed(given, &before.against(at), journal.standing())?;
        let kind = ordered.kind();
        let entry = Entry { at, kind: kind.clone() };
        let log_index = journal.enter(&self.audit, entry).await?;
        let touched = Touched::by(&kind);
        self.turn_over(&before, before.under(journal.standing()), touched.as_slice());
        let effect = in_words(&kind);
        drop(journal);
        tracing::info!(effect, log_index, "an order was followed");

        // The log has it, and what the log has stands. The file is for people, and for the next log.
        let kept = file::write(path, ordered.given.document).await;
        let warning = kept.err().map(|error| {
            tracing::warn!(%error, id = said.id, "the order's file could not be written; it is in force all the same");
            format!("its file could not be written into the gateway's folder of orders ({error}); it is in force all the same")
        });
        Ok(Followed { id: said.id, effect, log_index, is_known: false, warning })
    }
}
