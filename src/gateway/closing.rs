//! The end of a case: its entry, with commitments to the application that it was, before its outcome.

use super::exchange::{ClosedCase, Filing, Unclosed};
use super::{Gateway, receipt, unrecorded};
use crate::audit::AuditError;
use crate::audit::entry::{CaseClosed, Entry, EntryError, Kind};
use crate::query::time::Timestamp;

impl Gateway {
    /// Records a case that has come to its end, committed to the application that it was. Its entry is durable before this
    /// returns.
    ///
    /// # Errors
    /// A case that is too large for an entry, or a log or vault that cannot record: then the case has no outcome.
    pub async fn close_case(
        &self,
        at: Timestamp,
        closed: CaseClosed,
        filing: &Filing,
    ) -> Result<ClosedCase, Unclosed> {
        // Its last question may have come in on the day before.
        self.evidence.ready(at, &self.audit).await?;
        let sealed = self.evidence.seal_filing(at, &closed.case_id, filing)?;
        let commitments = Some(sealed.commitments);
        let kind = Kind::Case(Box::new(CaseClosed { commitments, ..closed }));
        let recorded = self.appended(&self.audit, Entry { at, kind }, sealed.private).await;
        let recorded = recorded.map_err(|error| match error {
            AuditError::Entry(EntryError::TooLarge(bytes)) => Unclosed::TooLarge(bytes),
            error => Unclosed::Refused(unrecorded(&error)),
        })?;
        let receipt = filing.want_receipt.then(|| receipt(&recorded, sealed.openings));
        Ok(ClosedCase { log_index: recorded.index, receipt })
    }
}
