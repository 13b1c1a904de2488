//! What was in force at each entry of a log, for those who ask of it other questions than a replay does.

use super::in_force::InForce;
use super::{Finding, Report, VerifyAgreement};
use crate::agreements::document;
use crate::audit::entry::{Entry, Kind};
use crate::decision::agreements::AgreementSet;
use crate::query::time::Timestamp;

/// Follows the agreements, orders and parties of one log. Entries are shown to it in order, all of them.
pub struct Following {
    in_force: InForce,
    report: Report,
}

impl Default for Following {
    fn default() -> Self {
        Self::with(document::verify)
    }
}

impl Following {
    /// With another way to verify agreements.
    pub fn with(verify: VerifyAgreement) -> Self {
        Self { in_force: InForce::new(verify), report: Report::default() }
    }

    /// The next entry. True when it may have changed which agreements grant what.
    pub fn entry(&mut self, index: u64, entry: &Entry) -> bool {
        match &entry.kind {
            Kind::Agreement(event) => {
                self.in_force.agreement(index, event, entry.at, &mut self.report);
                true
            }
            Kind::Freeze(event) => {
                self.in_force.freeze(index, event, entry.at, &mut self.report);
                false
            }
            Kind::Party(event) => {
                self.in_force.party(index, event, entry.at);
                false
            }
            _ => false,
        }
    }

    /// The agreements in force after the entries so far.
    pub fn agreements(&self) -> &AgreementSet {
        &self.in_force.current().agreements
    }

    /// Those under which a question of that time may have been decided: the present ones first, then those just over.
    pub fn admissible(&self, received_at: Timestamp) -> impl Iterator<Item = &AgreementSet> {
        self.in_force.admissible(received_at).map(|view| &view.agreements)
    }

    /// Agreements and orders of the log that are not what they should be; `heyan audit replay` says the rest.
    pub fn findings(&self) -> &[Finding] {
        &self.report.findings
    }
}
