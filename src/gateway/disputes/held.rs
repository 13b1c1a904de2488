//! When no dispute is carried: while its agency has stopped such questions, or a party has stopped the agreement behind the answer.
//!
//! The duty to look again does not end with that, nor its day. But a stop is a party's word that nothing goes this way for
//! now, and a paper names persons. So it is held, the caller sees why, and it goes when the stop is lifted; after a revocation,
//! which nobody lifts, the agency is told on paper.

use super::Gateway;
use crate::decision::PermitRef;
use crate::decision::agreements::State;
use crate::decision::halts::Halt;
use crate::disputes::Course;
use crate::gateway::in_force::InForce;
use crate::query::time::Timestamp;
use crate::query::{FactCode, OrganisationId};

/// Why it is held: the agency has frozen questions like it.
pub(super) const FROZEN: &str = "frozen";
/// A party has suspended the agreement.
pub(super) const SUSPENDED: &str = "suspended";
/// A party has revoked the agreement.
pub(super) const REVOKED: &str = "revoked";
/// The contested answer cannot be read in the log, so nobody knows what it was given under.
pub(super) const UNREADABLE: &str = "answer_unreadable";

impl Gateway {
    /// Why this dispute is not carried now; `None` when it may be.
    pub(super) async fn held_up(
        &self,
        course: &Course,
        in_force: &InForce,
        at: Timestamp,
    ) -> Option<&'static str> {
        let provider = OrganisationId::new(course.opened.provider.as_str());
        let fact = FactCode::new(course.opened.fact.as_str());
        let caller = &course.opened.caller.organisation;
        if !in_force.freezes.over(Some(&provider), Some(&fact), caller).is_empty() {
            return Some(FROZEN);
        }
        let Some(granted) = self.granted(course).await else { return Some(UNREADABLE) };
        let halts = in_force.agreements.halts();
        let reason = match halts.of(&granted.agreement, granted.version, at)? {
            Halt::Suspended { .. } => SUSPENDED,
            Halt::Revoked { .. } => REVOKED,
        };
        // Where the two agree anew on the same, their new word stands.
        let anew = in_force.agreements.clauses(caller, &fact).iter().any(|placed| {
            placed.agreement.provider == provider
                && in_force.agreements.state(&placed.agreement, at) == State::InForce
        });
        (!anew).then_some(reason)
    }

    /// The agreement under which the contested answer was given. The dispute's entries do not say; the outcome's does.
    async fn granted(&self, course: &Course) -> Option<PermitRef> {
        if let Some(known) = self.disputes.memory().granted(&course.id) {
            return Some(known);
        }
        let granted = self.outcome(course.opened.contested).await?.permit;
        self.disputes.memory().keep_granted(course.id, granted.clone());
        Some(granted)
    }
}
