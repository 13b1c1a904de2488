//! Counters that decisions look at: questions per caller, permits per agreement. Rebuilt from the log at start.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::audit::entry::{Entry, Kind};
use crate::decision::PermitRef;
use crate::decision::facts::{CallerFacts, Facts, QuotaUse};
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
    permits: HashMap<String, Permits>,
}

/// Permits of one agreement in its current day and second.
#[derive(Default)]
struct Permits {
    day: (u64, u64),
    second: (u64, u64),
}

impl Ledger {
    /// The next number among the caller's questions, from 1.
    pub fn number(&self, caller: &CallerFacts) -> u64 {
        let mut counts = self.counts();
        let count = counts
            .questions
            .entry((caller.organisation.clone(), caller.system.clone()))
            .or_default();
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
            let (day, second) = permits.add(at);
            used.push(QuotaUse { agreement: agreement.to_owned(), day, second });
        }
        used
    }

    /// Gives back what was reserved under every agreement but the one that permitted.
    pub fn give_back(&self, reserved: &[QuotaUse], used: Option<&str>, at: Timestamp) {
        let mut counts = self.counts();
        for quota in reserved.iter().filter(|quota| Some(quota.agreement.as_str()) != used) {
            if let Some(permits) = counts.permits.get_mut(&quota.agreement) {
                permits.subtract(at);
            }
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // A panic while counting leaves numbers that are at worst too high, which refuses rather than answers.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permits {
    fn add(&mut self, at: Timestamp) -> (u64, u64) {
        (bump(&mut self.day, at.china_day()), bump(&mut self.second, at.seconds()))
    }

    fn subtract(&mut self, at: Timestamp) {
        for (slot, period) in [(&mut self.day, at.china_day()), (&mut self.second, at.seconds())] {
            if slot.0 == period {
                slot.1 = slot.1.saturating_sub(1);
            }
        }
    }
}

/// Adds one to the count of the period, starting anew in a later one; returns the count before.
///
/// Requests are stamped before they are counted, so one of the second just past may come late: it counts in the
/// current one.
fn bump(slot: &mut (u64, u64), period: u64) -> u64 {
    if period > slot.0 {
        *slot = (period, 0);
    }
    let before = slot.1;
    slot.1 += 1;
    before
}

/// Rebuilds a ledger from a log's entries, visited in order.
#[derive(Default)]
pub struct LedgerFromLog {
    counts: Counts,
    /// Questions whose intent was counted and whose outcome has not come, so that it is not counted again. Of a whole
    /// log only the questions that a crash cut off stay.
    counted: HashSet<(CallerId, u64)>,
}

impl LedgerFromLog {
    /// Takes one entry into account.
    pub fn visit(&mut self, entry: &Entry) {
        match &entry.kind {
            Kind::Intent(intent) => {
                let question = self.number(&intent.facts);
                self.permit(&intent.facts, &intent.permit);
                self.counted.insert(question);
            }
            Kind::Outcome(outcome) => {
                let question = self.number(&outcome.facts);
                // The last entry of its question: an answer from the cache has no intent before it, and nothing
                // comes after either.
                if !self.counted.remove(&question) {
                    self.permit(&outcome.facts, &outcome.permit);
                }
            }
            Kind::Denial(denial) => {
                self.number(&denial.facts);
            }
            Kind::Agreement(_)
            | Kind::Party(_)
            | Kind::Node(_)
            | Kind::Catalogue(_)
            | Kind::Adapter(_)
            | Kind::Freeze(_)
            | Kind::Key(_)
            | Kind::Erasure(_) => {}
        }
    }

    /// Counts the question among its caller's, and names it.
    fn number(&mut self, facts: &Facts) -> (CallerId, u64) {
        let caller = (facts.caller.organisation.clone(), facts.caller.system.clone());
        let highest = self.counts.questions.entry(caller.clone()).or_default();
        *highest = (*highest).max(facts.caller_sequence);
        (caller, facts.caller_sequence)
    }

    fn permit(&mut self, facts: &Facts, permit: &PermitRef) {
        self.counts.permits.entry(permit.agreement.clone()).or_default().add(facts.received_at);
    }

    /// The ledger as of the last entry.
    pub fn finish(self) -> Ledger {
        Ledger(Mutex::new(self.counts))
    }
}
