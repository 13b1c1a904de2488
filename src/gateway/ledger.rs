//! Counters that decisions look at: questions per caller, permits per agreement. They go on from the log's summary.
//!
//! A permit counts in the day and second of its question's own stamp, late as it may be counted, so that a replay counts
//! the same.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::audit::summary::{Before, Summary, Usage};
use crate::decision::facts::{CallerFacts, QuotaUse};
use crate::query::time::Timestamp;
use crate::query::{OrganisationId, SystemId};

/// Who counts as one caller.
type CallerId = (OrganisationId, SystemId);

/// The counters, behind one short lock: a few additions per question, never held across an await.
#[derive(Default)]
pub struct Ledger(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    questions: HashMap<CallerId, u64>,
    permits: HashMap<String, Usage>,
}

impl Ledger {
    /// A ledger that goes on from what a log's entries add up to.
    pub fn resume(summary: &Summary) -> Self {
        let mut questions = HashMap::new();
        for (organisation, systems) in &summary.callers {
            for (system, caller) in systems {
                let id = (OrganisationId::new(organisation), SystemId::new(system));
                questions.insert(id, caller.highest);
            }
        }
        let permits = summary.permits.clone().into_iter().collect();
        Self(Mutex::new(Counts { questions, permits }))
    }

    /// The next number among the caller's questions, from 1.
    pub fn number(&self, caller: &CallerFacts) -> u64 {
        let mut counts = self.counts();
        let count = counts.questions.entry(caller.numbered_as()).or_default();
        *count += 1;
        *count
    }

    /// Reserves a permit under each agreement and says how many were given before.
    ///
    /// Reserving before deciding keeps concurrent questions from sharing the last permit; what the decision does not
    /// use must be given back.
    pub fn reserve<'a>(
        &self,
        agreements: impl Iterator<Item = &'a str>,
        at: Timestamp,
    ) -> Vec<QuotaUse> {
        let mut counts = self.counts();
        let mut used: Vec<QuotaUse> = Vec::new();
        for agreement in agreements {
            if used.iter().any(|known| known.agreement == agreement) {
                continue;
            }
            let permits = counts.permits.entry(agreement.to_owned()).or_default();
            let Before { day, second, month } = permits.add(at);
            used.push(QuotaUse { agreement: agreement.to_owned(), day, second, month });
        }
        used
    }

    /// Gives back what was reserved under every agreement but the one that permitted.
    pub fn give_back(&self, reserved: &[QuotaUse], used: Option<&str>, at: Timestamp) {
        let mut counts = self.counts();
        for quota in reserved.iter().filter(|quota| Some(quota.agreement.as_str()) != used) {
            if let Some(permits) = counts.permits.get_mut(&quota.agreement) {
                permits.take_back(at);
            }
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // A panic while counting leaves numbers that are at worst too high, which refuses rather than answers.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::entry::{Denied, Entry, Intent, Kind};
    use crate::audit::summary::UNKNOWN;
    use crate::audit::testing::{adapter, commitments, facts, permit};
    use crate::decision::facts::Standing;

    fn at(second: u64) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000 + second)
    }

    fn used(ledger: &Ledger, at: Timestamp) -> (u64, u64) {
        let used = ledger.reserve(["hn-gjj-mz", "hn-gjj-mz"].into_iter(), at);
        assert_eq!(used.len(), 1, "each agreement once");
        (used[0].day, used[0].second)
    }

    #[test]
    fn goes_on_from_what_the_log_adds_up_to() {
        let mut summary = Summary::default();
        let facts = |sequence| facts("fund-centre/approval", sequence, at(0));
        let (permit, commitments) = (permit(), commitments());
        let denial = Denied { facts: facts(2), code: "X".into(), commitments: commitments.clone() };
        let intent = Intent { facts: facts(1), permit, commitments, adapter: adapter() };
        summary.visit(0, &Entry { at: at(0), kind: Kind::Denial(Box::new(denial)) });
        summary.visit(1, &Entry { at: at(0), kind: Kind::Intent(Box::new(intent)) });
        let ledger = Ledger::resume(&summary);
        assert_eq!(ledger.number(&facts(0).caller), 3);
        assert_eq!(ledger.number(&facts(0).caller), 4);
        assert_eq!(used(&ledger, at(0)), (1, 1));
        assert_eq!(used(&ledger, at(1)), (2, 0));
    }

    #[test]
    fn who_claims_a_name_takes_none_of_its_numbers() {
        let ledger = Ledger::default();
        let caller = facts("fund-centre/approval", 0, at(0)).caller;
        let claims = |certificate| CallerFacts {
            standing: Standing::ForeignAuthority,
            certificate,
            ..caller.clone()
        };
        assert_eq!(ledger.number(&caller), 1);
        assert_eq!(ledger.number(&claims([7; 32])), 1);
        assert_eq!(ledger.number(&claims([7; 32])), 2);
        assert_eq!(ledger.number(&claims([8; 32])), 1);
        assert_eq!(ledger.number(&caller), 2);

        // A restart goes on with the same numbers.
        let mut summary = Summary::default();
        for (index, caller) in (0..).zip([caller.clone(), claims([7; 32])]) {
            let mut facts = facts("fund-centre/approval", 5 + index, at(0));
            facts.caller = caller;
            let denied = Denied { facts, code: "X".into(), commitments: commitments() };
            let entry = Entry { at: at(0), kind: Kind::Denial(Box::new(denied)) };
            summary.fold(index, &crate::audit::entry::encode(&entry).unwrap()).unwrap();
        }
        let ledger = Ledger::resume(&summary);
        assert_eq!(ledger.number(&caller), 6);
        assert_eq!(ledger.number(&claims([7; 32])), 7);
        assert_eq!(ledger.number(&claims([8; 32])), 1);
    }

    #[test]
    fn what_is_given_back_is_counted_where_it_was_taken() {
        let ledger = Ledger::default();
        let reserved = ledger.reserve(["a", "b"].into_iter(), at(0));
        ledger.reserve(["a", "b"].into_iter(), at(1));
        // The second has passed, the day has not.
        ledger.give_back(&reserved, Some("b"), at(0));
        let now = ledger.reserve(["a", "b"].into_iter(), at(1));
        assert_eq!(
            now.iter().map(|used| (used.day, used.second)).collect::<Vec<_>>(),
            [(1, 1), (2, 1)]
        );
        let late = ledger.reserve(["a"].into_iter(), at(0));
        assert_eq!((late[0].day, late[0].second), (2, 0));
    }

    #[test]
    fn a_question_stamped_too_long_ago_finds_everything_used() {
        let ledger = Ledger::default();
        used(&ledger, at(100));
        assert_eq!(used(&ledger, at(90)), (1, UNKNOWN));
    }
}
