//! What a draft would have done: the questions of a past log, decided as if the draft had been in force. Pure: entries
//! in, a report out.
//!
//! The rules are those of [`decide`]. What was permitted then is what the log says; what the draft permits is decided
//! anew, with its quota counted from its own permits. What the log cannot tell is counted apart and never guessed: the
//! values of questions are not in it, nor what a caller would have sent along had the draft demanded it.

mod demands;
mod load;
mod report;
mod under;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use self::load::Load;
pub use self::load::{Peak, Peaks};
pub use self::report::{Attribute, Report, Row, Tally};
use self::under::{Judged, Views};
use crate::audit::entry::{Entry, Intent, Kind, NodeChange, Outcome};
use crate::decision::agreement::Agreement;
use crate::decision::facts::Facts;
use crate::decision::{self, PermitRef};
use crate::query::SystemId;
use crate::query::time::Timestamp;
use crate::replay::{Following, VerifyAgreement};

/// Questions that were denied for a quota wait this long for those that were permitted meanwhile: which of two came
/// first is not in the log. No question is under way longer.
const WAITS: Duration = Duration::from_secs(120);

/// Questions that wait at a time. Beyond it the oldest is decided at once.
const MOST_WAITING: usize = 65_536;

/// Codes of spent quotas begin so.
const QUOTA: &str = "QUOTA_";

/// What is rehearsed, and over which questions.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The draft.
    pub draft: Agreement,
    /// Whether it is taken as in force throughout, whatever dates it states.
    pub ignores_dates: bool,
    /// First moment of the questions that are reported; those before are only counted against the quota.
    pub from: Option<Timestamp>,
    /// First moment after them.
    pub until: Option<Timestamp>,
}

/// A rehearsal in progress. Memory grows with what is in flight and with the facts and items in use, not with the log.
pub struct Rehearsal {
    plan: Plan,
    following: Following,
    views: Views,
    load: Load,
    /// What the draft makes of questions whose outcome has not come, by system and number.
    open: HashMap<(SystemId, u64), Judged>,
    waiting: VecDeque<Waiting>,
    report: Report,
}

/// A question that was denied for a quota.
struct Waiting {
    index: u64,
    facts: Facts,
    code: String,
}

/// What the log says became of a question.
#[derive(Clone, Copy)]
enum Then<'a> {
    Permitted(&'a PermitRef),
    Denied(&'a str),
}

impl Rehearsal {
    /// Of this plan.
    pub fn new(plan: Plan) -> Self {
        Self::following(plan, Following::default())
    }

    /// With another way to verify the log's agreements.
    pub fn with(plan: Plan, verify: VerifyAgreement) -> Self {
        Self::following(plan, Following::with(verify))
    }

    fn following(plan: Plan, following: Following) -> Self {
        let draft = Arc::new(under::dated(&plan));
        Self {
            views: Views::new(draft, plan.ignores_dates),
            plan,
            following,
            load: Load::default(),
            open: HashMap::new(),
            waiting: VecDeque::new(),
            report: Report::default(),
        }
    }

    /// The next entry. All of the log's entries are shown, in order.
    pub fn entry(&mut self, index: u64, entry: &Entry) {
        self.report.entries += 1;
        if self.following.entry(index, entry) {
            // Whatever waits was asked under what was in force before.
            self.settle(None);
            self.views.turn_over(self.following.agreements(), entry.at);
        }
        match &entry.kind {
            Kind::Intent(intent) => self.intent(index, intent),
            Kind::Outcome(outcome) => self.outcome(index, outcome),
            Kind::Denial(denied) => self.denial(index, &denied.facts, &denied.code),
            // What was in flight when the gateway ended has no outcome any more.
            Kind::Node(event) if event.change == NodeChange::Started => self.open.clear(),
            _ => {}
        }
        self.settle(Some(entry.at));
    }

    /// What came of it.
    pub fn finish(mut self) -> Report {
        self.settle(None);
        self.report.peaks = self.load.peaks();
        self.report.findings = self.following.findings().to_vec();
        self.report
    }

    fn intent(&mut self, index: u64, intent: &Intent) {
        let (facts, then) = (&intent.facts, Then::Permitted(&intent.permit));
        if self.is_concerned(facts, then) {
            let judged = self.question(index, facts, then);
            self.open.insert((facts.caller.system.clone(), facts.caller_sequence), judged);
        }
    }

    fn outcome(&mut self, index: u64, outcome: &Outcome) {
        let (facts, then) = (&outcome.facts, Then::Permitted(&outcome.permit));
        if !self.is_concerned(facts, then) {
            self.report.unconcerned += u64::from(self.is_reported(facts));
            return;
        }
        let asked = self.open.remove(&(facts.caller.system.clone(), facts.caller_sequence));
        let judged = asked.unwrap_or_else(|| self.question(index, facts, then));
        if self.is_reported(facts) {
            self.report.left(outcome, &judged);
        }
    }

    fn denial(&mut self, index: u64, facts: &Facts, code: &str) {
        if !self.is_concerned(facts, Then::Denied(code)) {
            self.report.unconcerned += u64::from(self.is_reported(facts));
        } else if code.starts_with(QUOTA) {
            let (facts, code) = (facts.clone(), code.to_owned());
            self.waiting.push_back(Waiting { index, facts, code });
        } else {
            self.question(index, facts, Then::Denied(code));
        }
    }

    /// Decides what has waited long enough by `at`; everything without it.
    fn settle(&mut self, at: Option<Timestamp>) {
        while let Some(first) = self.waiting.front() {
            let is_due = at.is_none_or(|at| at.since(first.facts.received_at) > WAITS);
            if !is_due && self.waiting.len() <= MOST_WAITING {
                return;
            }
            let Some(Waiting { index, facts, code }) = self.waiting.pop_front() else { return };
            self.question(index, &facts, Then::Denied(&code));
        }
    }

    /// Decides one question under the draft, and counts it.
    fn question(&mut self, index: u64, facts: &Facts, then: Then<'_>) -> Judged {
        let is_reported = self.is_reported(facts);
        let judged = if decision::knows(facts.rules) {
            self.views.judge(facts, then, &self.load)
        } else {
            Judged::Untold("RULES")
        };
        self.load.note(&judged, facts.received_at, &self.plan.draft.id, is_reported);
        if is_reported {
            self.report.count(index, facts, then, &judged, &self.plan.draft.id);
        }
        judged
    }

    fn is_of_the_two(&self, facts: &Facts) -> bool {
        let draft = &self.plan.draft;
        facts.caller.organisation == draft.consumer
            && facts.provider.as_ref() == Some(&draft.provider)
    }

    /// Whether the draft, or what it replaces, has to do with the question.
    fn is_concerned(&self, facts: &Facts, then: Then<'_>) -> bool {
        let draft = &self.plan.draft;
        let names_fact =
            || draft.clauses.iter().any(|clause| Some(&clause.fact) == facts.fact.as_ref());
        let was_granted = match then {
            Then::Permitted(by) => by.agreement == draft.id,
            Then::Denied(_) => false,
        };
        self.is_of_the_two(facts) && (was_granted || names_fact())
    }

    fn is_reported(&self, facts: &Facts) -> bool {
        let at = facts.received_at;
        self.plan.from.is_none_or(|from| from <= at)
            && self.plan.until.is_none_or(|until| at < until)
    }
}

#[cfg(test)]
mod tests;
