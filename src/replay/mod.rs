//! Takes every recorded decision again and compares. Pure: entries in, findings out.
//!
//! There are no rules of deciding here: [`decide`] is the one that answered. What is checked beside it is what no
//! single decision can see: that numbers are dense, that intents precede outcomes, that quotas were counted.

mod asked;
mod callers;
mod case_day;
mod cases;
mod disputes;
mod follow;
mod freezes;
mod in_force;
mod intents;
mod quotas;
mod released;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use self::callers::{CallerId, Callers};
use self::cases::Cases;
use self::disputes::Disputes;
pub use self::follow::Following;
use self::in_force::InForce;
pub use self::in_force::VerifyAgreement;
use self::intents::{Asked, Intents};
use self::quotas::Quotas;
use crate::agreements::document;
use crate::audit::entry::{self, Entry, Intent, Kind, NodeChange, Outcome, Source};
use crate::decision::facts::Facts;
use crate::decision::{self, Decision, Permit, PermitRef, decide};
use crate::parties::Register;
use crate::query::time::Timestamp;
use crate::query::value::Verdict;

/// How far an entry's time may lie before that of an entry in front of it: an answer is recorded with the time of its
/// question, and no deadline is longer than this.
const BACKWARDS_MICROS: u64 = 10 * 60 * 1_000_000;

/// How long after the entry of a change what was in force before may still have decided.
pub const TURNS_OVER_IN: Duration = in_force::TURNS_OVER_IN;

/// Findings kept; beyond it they are only counted. A log with more than that has one cause, not many.
const MOST_FINDINGS: usize = 10_000;

/// One difference between what the log says and what must be so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The entry.
    pub index: u64,
    /// Stable name of the rule that it breaks.
    pub rule: &'static str,
    /// What is wrong, for people. No personal data: there is none in a log.
    pub text: String,
}

/// What a replay saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Entries of all kinds.
    pub entries: u64,
    /// Questions put to agencies.
    pub intents: u64,
    /// Questions answered.
    pub outcomes: u64,
    /// Of those, from the cache.
    pub cached: u64,
    /// Questions denied.
    pub denials: u64,
    /// Answers by verdict.
    pub verdicts: BTreeMap<&'static str, u64>,
    /// Denials by code.
    pub denied: BTreeMap<String, u64>,
    /// Intents that no outcome followed: the gateway ended in between, or has not answered yet.
    pub unanswered: u64,
    /// Numbers of questions that never reached the log because the gateway ended without saying so.
    pub lost: u64,
    /// Cases that were concluded.
    pub cases: u64,
    /// Comparisons with what an application states that were made again.
    pub retaken: u64,
    /// Those that were not: they look at amounts, days or texts, which only the opened application has.
    pub on_word: u64,
    /// What is wrong, in the order it was noticed.
    pub findings: Vec<Finding>,
    /// Findings beyond those kept.
    pub more_findings: u64,
}

impl Report {
    /// True when nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    fn find(&mut self, index: u64, rule: &'static str, text: impl Into<String>) {
        if self.findings.len() < MOST_FINDINGS {
            self.findings.push(Finding { index, rule, text: text.into() });
        } else {
            self.more_findings += 1;
        }
    }
}

/// A replay in progress. Memory grows with callers, agreements and what is in flight, not with the log.
pub struct Replay {
    report: Report,
    in_force: InForce,
    callers: Callers,
    intents: Intents,
    quotas: Quotas,
    cases: Cases,
    disputes: Disputes,
    latest: Timestamp,
    /// Trust anchors held by the auditor.
    anchors: Option<Register>,
    /// Entries are left out on purpose: what only all of them can show is not looked for.
    is_excerpt: bool,
}

/// Replays a whole log, given as index and stored bytes.
pub fn replay<B: AsRef<[u8]>>(
    entries: impl IntoIterator<Item = (u64, B)>,
    anchors: Option<Register>,
) -> Report {
    let mut replay = Replay::new(anchors);
    let entries: Vec<(u64, B)> = entries.into_iter().collect();
    for (index, bytes) in &entries {
        match entry::decode(bytes.as_ref()) {
            Ok(entry) => replay.entry(*index, &entry),
            Err(error) => replay.undecodable(*index, &error),
        }
    }
    let wanted = replay.wanted();
    for (index, bytes) in entries.iter().filter(|(index, _)| wanted.contains(index)) {
        if let Ok(entry) = entry::decode(bytes.as_ref()) {
            replay.shown(*index, &entry);
        }
    }
    replay.finish()
}

impl Replay {
    /// A replay that trusts the party register in the log, or, with `anchors`, demands that it be this one.
    pub fn new(anchors: Option<Register>) -> Self {
        Self::with(anchors, document::verify)
    }

    /// The same with another way to verify agreements.
    pub fn with(anchors: Option<Register>, verify: VerifyAgreement) -> Self {
        Self {
            report: Report::default(),
            in_force: InForce::new(verify),
            callers: Callers::default(),
            intents: Intents::default(),
            quotas: Quotas::default(),
            cases: Cases::default(),
            disputes: Disputes::default(),
            latest: Timestamp::default(),
            anchors,
            is_excerpt: false,
        }
    }

    /// A replay of some entries of a log, in their order. Nothing is said of numbers that are dense, quotas that were
    /// counted and intents that lie elsewhere: of these a part of a log cannot tell.
    pub fn of_excerpt(anchors: Option<Register>) -> Self {
        Self { is_excerpt: true, ..Self::new(anchors) }
    }

    /// Bytes that are no entry.
    pub fn undecodable(&mut self, index: u64, error: &entry::EntryError) {
        self.report.entries += 1;
        self.report.find(index, "entry", error.to_string());
    }

    /// What the case in the entry of that index commits to as its subjects and its application, opened by whoever can.
    /// Shown before the entry.
    pub fn filed(&mut self, index: u64, subject: &str, request: &str) {
        self.cases.filed(index, (subject.to_owned(), request.to_owned()));
    }

    /// The next entry.
    pub fn entry(&mut self, index: u64, entry: &Entry) {
        self.report.entries += 1;
        self.time(index, entry);
        let is_creation =
            matches!(&entry.kind, Kind::Node(event) if event.change == NodeChange::Created);
        if is_creation != (index == 0) && !self.is_excerpt {
            self.report.find(index, "creation", "the creation of the log is entry 0 and no other");
        }
        self.cases.answered(index, &entry.kind);
        self.cases.forget(self.latest);
        match &entry.kind {
            Kind::Rule(event) => self.cases.rule(index, event, &mut self.report),
            Kind::Case(closed) => {
                if let Some(problem) = case_day::problem(closed, entry.at) {
                    self.report.find(index, "case", problem);
                }
                self.cases.closed(index, entry.at, closed, &mut self.report);
            }
            Kind::Dispute(dispute) => {
                self.disputes.step((index, entry.at), dispute, &mut self.report);
            }
            Kind::Intent(intent) => self.intent(index, intent),
            Kind::Outcome(outcome) => self.outcome(index, outcome),
            Kind::Denial(denied) => self.denial(index, &denied.facts, &denied.code),
            Kind::Agreement(event) => {
                self.in_force.agreement(index, event, entry.at, &mut self.report);
                self.intents.keep_for(self.in_force.longest_kept());
            }
            Kind::Party(event) => self.in_force.party(index, event, entry.at),
            Kind::Node(event) => {
                self.node(event.change);
                self.cases.node(event.change);
            }
            Kind::Freeze(event) => {
                self.in_force.freeze(index, event, entry.at, &mut self.report);
            }
            Kind::Catalogue(_) => self.cases.catalogue(entry.at),
            Kind::Adapter(_) | Kind::Key(_) | Kind::Erasure(_) => {}
        }
    }

    /// Entries that must be [shown](Self::shown) again before the end: a verdict may be contested long after it was
    /// given, and what disputes say of it is held against it.
    pub fn wanted(&self) -> BTreeSet<u64> {
        self.disputes.wanted()
    }

    /// One of those entries.
    pub fn shown(&mut self, index: u64, entry: &Entry) {
        self.disputes.shown(index, entry);
    }

    /// What was seen.
    pub fn finish(mut self) -> Report {
        self.callers.close(&mut self.report);
        self.quotas.close(&mut self.report);
        self.disputes.close(self.in_force.workdays(), self.is_excerpt, &mut self.report);
        self.report.unanswered += self.intents.open();
        if let Some(anchors) = &self.anchors {
            self.in_force.compare(anchors, &mut self.report);
        }
        self.report
    }

    fn time(&mut self, index: u64, entry: &Entry) {
        if entry.at.0.saturating_add(BACKWARDS_MICROS) < self.latest.0 {
            self.report.find(index, "time", "the entry is far older than entries before it");
        }
        self.latest = self.latest.max(entry.at);
        let Some(facts) = entry.kind.facts() else { return };
        if facts.received_at != entry.at {
            self.report.find(index, "time", "the entry's time is not that of its question");
        }
    }

    fn node(&mut self, change: NodeChange) {
        match change {
            NodeChange::Created => {}
            // Whatever was in flight when it ended is explained by that, and by nothing later.
            NodeChange::Started => {
                self.report.lost += self.callers.lost();
                self.report.unanswered += self.intents.forget_open();
            }
            NodeChange::Stopped => self.callers.close(&mut self.report),
        }
    }

    fn intent(&mut self, index: u64, intent: &Intent) {
        self.report.intents += 1;
        let caller = self.callers.of(&intent.facts);
        self.numbered(index, caller, &intent.facts);
        self.in_force.standing(index, &intent.facts, &mut self.report);
        let permit = self.permitted(index, &intent.facts, &intent.permit);
        self.intents.add(index, caller, intent, permit);
    }

    fn outcome(&mut self, index: u64, outcome: &Outcome) {
        self.report.outcomes += 1;
        self.report.cached += u64::from(outcome.source == Source::Cache);
        *self.report.verdicts.entry(outcome.verdict.name()).or_default() += 1;
        let caller = self.callers.of(&outcome.facts);
        let permit = match self.intents.take(caller, &outcome.facts) {
            // The question was decided when its intent was recorded, perhaps under agreements that have gone since.
            Some(asked) => {
                self.same_question(index, outcome, &asked);
                asked.permit
            }
            None => {
                self.numbered(index, caller, &outcome.facts);
                self.in_force.standing(index, &outcome.facts, &mut self.report);
                self.permitted(index, &outcome.facts, &outcome.permit)
            }
        };
        if let Some(permit) = permit {
            released::hold(index, outcome, &permit, &mut self.report);
        }
        self.origin(index, outcome);
    }

    fn numbered(&mut self, index: u64, caller: CallerId, facts: &Facts) {
        if !self.is_excerpt {
            self.callers.question(index, caller, facts, &mut self.report);
        }
    }

    fn same_question(&mut self, index: u64, outcome: &Outcome, asked: &Asked) {
        if asked.question != self.intents.digest(&outcome.facts, &outcome.permit) {
            let text = format!("the facts or the permit are not those of intent {}", asked.index);
            self.report.find(index, "intent-differs", text);
        }
    }

    /// An answer must come from a question that was recorded before it was put.
    fn origin(&mut self, index: u64, outcome: &Outcome) {
        let Some(intent) = outcome.intent else {
            if outcome.verdict != Verdict::Unavailable {
                self.report.find(index, "intent-missing", "an answer that no intent led to");
            }
            return;
        };
        let same = self.intents.is_for(intent, &outcome.facts, &outcome.permit.agreement);
        let text = match same {
            Some(true) if intent < index => return,
            None if self.is_excerpt => return,
            Some(_) => format!("entry {intent} is no intent for this fact under this agreement"),
            None => format!("entry {intent} is no intent young enough to answer from"),
        };
        self.report.find(index, "intent-missing", text);
    }

    fn denial(&mut self, index: u64, facts: &Facts, code: &str) {
        self.report.denials += 1;
        match self.report.denied.get_mut(code) {
            Some(count) => *count += 1,
            None => drop(self.report.denied.insert(code.to_owned(), 1)),
        }
        let caller = self.callers.of(facts);
        self.numbered(index, caller, facts);
        self.in_force.standing(index, facts, &mut self.report);
        if !self.same_rules(index, facts) {
            return;
        }
        let (mut found, mut freezes) = (None, None);
        for view in self.in_force.admissible(facts.received_at) {
            match decide(facts, &view.agreements) {
                Decision::Deny(denial) if denial.code() == code => {
                    let Some(other) = view.other_freezes(facts) else { return };
                    freezes = Some(other);
                }
                Decision::Deny(denial) => found = Some(denial.code()),
                Decision::Permit(_) => found = Some("a permit"),
            }
        }
        if let Some(freezes) = freezes {
            return self.report.find(index, "freeze", freezes);
        }
        let text = format!("denied with {code}; decided again it is {}", found.unwrap_or_default());
        self.report.find(index, "denial", text);
    }

    /// Decides again what was recorded as permitted, and counts it.
    fn permitted(&mut self, index: u64, facts: &Facts, recorded: &PermitRef) -> Option<Permit> {
        if !self.is_excerpt {
            self.quotas.permit(index, facts, &recorded.agreement, &mut self.report);
        }
        self.shown_by(index, facts);
        if !self.same_rules(index, facts) {
            return None;
        }
        let (mut last, mut frozen) = (None, None);
        for view in self.in_force.admissible(facts.received_at) {
            match decide(facts, &view.agreements) {
                Decision::Permit(permit) if permit.is(recorded) => {
                    let Some(other) = view.other_freezes(facts) else { return Some(permit) };
                    frozen = Some((permit, other));
                }
                other => last = Some(other),
            }
        }
        if let Some((permit, freezes)) = frozen {
            self.report.find(index, "freeze", freezes);
            return Some(permit);
        }
        let (rule, text) = match last {
            Some(Decision::Permit(permit)) => {
                let PermitRef { agreement, version, clause } = permit.reference();
                let again = format!("agreement `{agreement}` version {version} clause {clause}");
                let PermitRef { agreement, version, clause } = recorded;
                let before = format!("agreement `{agreement}` version {version} clause {clause}");
                (
                    "permit",
                    format!("permitted by {before}; decided again it is permitted by {again}"),
                )
            }
            Some(Decision::Deny(denial)) => (
                "decision",
                format!("permitted; decided again it is denied with {}", denial.code()),
            ),
            None => ("decision", "nothing to decide with".to_owned()),
        };
        self.report.find(index, rule, text);
        None
    }

    /// What an earlier answer has shown was shown by an entry before this one.
    fn shown_by(&mut self, index: u64, facts: &Facts) {
        for role in facts.roles.iter().filter(|role| role.shown_by > 0 && role.shown_by >= index) {
            let text = format!(
                "the relation of the subject in the role `{}` is said to be shown by entry {}, which did not exist yet",
                role.role, role.shown_by
            );
            self.report.find(index, "relation", text);
        }
    }

    /// Deciding under today's rules what other rules decided would prove nothing.
    fn same_rules(&mut self, index: u64, facts: &Facts) -> bool {
        let is_same = decision::knows(facts.rules);
        if !is_same {
            let text = format!("decided under rules {}, which this program has not", facts.rules);
            self.report.find(index, "rules", text);
        }
        is_same
    }
}
