//! Counters that decisions look at: questions per caller, permits per agreement. They go on from the log's summary.
//!
//! A permit counts in the day and second of its question's own stamp, late as it may be counted, so that a replay counts
//! the same.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::audit::summary::{Before, Summary, Usage};
use crate::decision::Decision;
use crate::decision::facts::{CallerFacts, Facts, QuotaUse};
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

    /// Writes into the facts how many permits each of these agreements has given, decides, and counts the permit.
    ///
    /// All of it under the one lock: each question sees every permit given before it and nothing else. So of a quota of
    /// N exactly N are permitted, however many come at once, and what is denied uses nothing, not for a moment.
    /// `decide` is pure and takes about a microsecond.
    pub fn settle<'a>(
        &self,
        facts: &mut Facts,
        agreements: impl Iterator<Item = &'a str>,
        decide: impl FnOnce(&Facts) -> Decision,
    ) -> Decision {
        let mut counts = self.counts();
        facts.quota.clear();
        for agreement in agreements {
            if facts.quota.iter().any(|known| known.agreement == agreement) {
                continue;
            }
            let used = counts.permits.get(agreement).map(|used| used.before(facts.received_at));
            let Before { day, second, month } = used.unwrap_or_default();
            facts.quota.push(QuotaUse { agreement: agreement.to_owned(), day, second, month });
        }
        let decision = decide(facts);
        if let Decision::Permit(permit) = &decision {
            let id = permit.agreement().id.as_str();
            match counts.permits.get_mut(id) {
                Some(used) => used.add(facts.received_at),
                None => counts.permits.entry(id.to_owned()).or_default().add(facts.received_at),
            }
        }
        decision
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // A panic while counting leaves numbers that are at worst too high, which refuses rather than answers.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::audit::entry::{Denied, Entry, Intent, Kind};
    use crate::audit::summary::UNKNOWN;
    use crate::audit::testing::{adapter, commitments, facts, permit};
    use crate::decision::agreement::{Agreement, Clause, Quota};
    use crate::decision::agreements::AgreementSet;
    use crate::decision::facts::Standing;
    use crate::decision::{decide, sample};
    use crate::query::time::Timestamp;

    fn at(second: u64) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000 + second)
    }

    /// Asks under these agreements, of which only the first may permit; what was used of each before.
    fn used(ledger: &Ledger, names: &[&str], at: Timestamp) -> Vec<(u64, u64)> {
        let clause = Clause { items: ["W3".into()].into(), ..sample::clause() };
        let named = |id: &&str| {
            let (id, clauses) = ((*id).to_owned(), vec![clause.clone()]);
            Arc::new(Agreement { id, clauses, quota: Quota::default(), ..sample::agreement() })
        };
        let set = AgreementSet::new(names.iter().take(1).map(named));
        let mut facts = Facts { received_at: at, ..sample::facts() };
        let decision =
            ledger.settle(&mut facts, names.iter().copied(), |facts| decide(facts, &set));
        assert!(matches!(decision, Decision::Permit(_)) || names.is_empty());
        facts.quota.iter().map(|used| (used.day, used.second)).collect()
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
        assert_eq!(used(&ledger, &["hn-gjj-mz", "hn-gjj-mz"], at(0)), [(1, 1)], "each once");
        assert_eq!(used(&ledger, &["hn-gjj-mz"], at(1)), [(2, 0)]);
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
    fn only_the_agreement_that_permits_is_used() {
        let ledger = Ledger::default();
        assert_eq!(used(&ledger, &["a", "b"], at(0)), [(0, 0), (0, 0)]);
        assert_eq!(used(&ledger, &["a", "b"], at(1)), [(1, 0), (0, 0)]);
        assert_eq!(used(&ledger, &["b", "a"], at(1)), [(0, 0), (2, 1)]);
        // A denial uses nothing.
        let mut facts = Facts { received_at: at(1), ..sample::facts() };
        let none = AgreementSet::default();
        ledger.settle(&mut facts, ["a"].into_iter(), |facts| decide(facts, &none));
        assert_eq!(used(&ledger, &["a"], at(1)), [(2, 1)]);
        // Late, and counted in its own second.
        assert_eq!(used(&ledger, &["a"], at(0)), [(3, 1)]);
    }

    #[test]
    fn a_question_stamped_too_long_ago_finds_everything_used() {
        let ledger = Ledger::default();
        used(&ledger, &["a"], at(100));
        assert_eq!(used(&ledger, &["a"], at(90)), [(1, UNKNOWN)]);
    }

    #[test]
    fn of_many_at_once_exactly_the_quota_is_permitted() {
        let quota = Quota { per_day: Some(100), per_month: Some(150), ..Quota::default() };
        let granting = Agreement { quota, ..sample::agreement() };
        let set = AgreementSet::new([Arc::new(granting)]);
        let ledger = Ledger::default();
        let ask = |item: &str| {
            let mut facts = Facts { item: item.into(), ..sample::facts() };
            let decision =
                ledger.settle(&mut facts, ["mz-1"].into_iter(), |facts| decide(facts, &set));
            matches!(decision, Decision::Permit(_))
        };
        // Every second question is denied for its item, whatever is left.
        let permitted = std::thread::scope(|scope| {
            let asking = || (0..200).filter(|turn| ask(["W3", "W9"][turn % 2])).count();
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(asking)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>()
        });
        assert_eq!(permitted, 100);
    }
}
