//! Entries in, counts out: what was asked under each agreement in each month, and what came of it.

use std::collections::{BTreeMap, HashMap};

use super::calendar::Month;
use super::known::{Known, Terms};
use super::sketch::Sketch;
use super::unusual::{Question, Unusual, Watch};
use crate::audit::entry::{Entry, Kind, NodeChange, Outcome, Source};
use crate::decision::facts::Facts;
use crate::query::time::Timestamp;

/// What to count; everything where nothing is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Only questions that came in during this month, China time.
    pub month: Option<Month>,
    /// Only this agreement.
    pub agreement: Option<String>,
}

impl Scope {
    fn holds(&self, at: Timestamp, agreement: &str) -> bool {
        self.month.is_none_or(|month| month == Month::of(at))
            && self.agreement.as_ref().is_none_or(|wanted| wanted == agreement)
    }
}

/// Counting in progress. Memory grows with agreements, days, units and what is in flight, not with the log.
#[derive(Debug, Default)]
pub struct Figures {
    scope: Scope,
    known: Known,
    rows: BTreeMap<Key, Row>,
    /// Questions whose intent is recorded and whose answer is not: caller and number.
    open: HashMap<(String, u64), Key>,
    watch: Watch,
    span: Option<(Timestamp, Timestamp)>,
}

/// Month and agreement; the agreement is empty where none could be named.
type Key = (Month, String);

/// The counts of one agreement in one month.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Questions answered, also with UNAVAILABLE.
    pub answered: u64,
    /// Of those, from the cache.
    pub cached: u64,
    /// Answers by verdict.
    pub verdicts: BTreeMap<&'static str, u64>,
    /// Why there was no answer, by code.
    pub unavailable: BTreeMap<&'static str, u64>,
    /// Denials by code.
    pub denials: BTreeMap<String, u64>,
    /// Questions that were put to an agency and have no answer in the log.
    pub unanswered: u64,
    /// From the arrival of a question until its answer was durable and could leave.
    pub latency: Sketch,
    /// How often each attribute's value left.
    pub disclosed: BTreeMap<String, u64>,
    /// Of those, given in part only.
    pub masked: BTreeMap<String, u64>,
    /// Attributes that agencies sent beyond the grant, and that were dropped.
    pub dropped: u64,
    /// Questions by fact.
    pub facts: BTreeMap<String, u64>,
    /// Questions by item.
    pub items: BTreeMap<String, u64>,
    /// By number of the day in China.
    pub days: BTreeMap<u64, Day>,
}

/// The counts of one day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Day {
    /// Permits given: what the agreement's quota counts.
    pub permitted: u64,
    /// Denials.
    pub denied: u64,
    /// Answers by verdict.
    pub verdicts: BTreeMap<&'static str, u64>,
}

impl Row {
    /// Denials in all.
    pub fn denied(&self) -> u64 {
        self.denials.values().sum()
    }

    /// Questions in all: answered, denied, or neither.
    pub fn questions(&self) -> u64 {
        self.answered + self.denied() + self.unanswered
    }

    /// Answers out of the cache, in thousandths of all answers.
    pub fn cache_thousandths(&self) -> u64 {
        (self.cached * 1000).checked_div(self.answered).unwrap_or(0)
    }

    /// The day with most permits, and how many.
    pub fn busiest(&self) -> Option<(u64, u64)> {
        let most =
            self.days.iter().max_by_key(|(day, counts)| (counts.permitted, u64::MAX - **day));
        most.map(|(day, counts)| (*day, counts.permitted))
    }

    /// Permits of the whole month: what the month's quota counts.
    pub fn permitted(&self) -> u64 {
        self.days.values().map(|counts| counts.permitted).sum()
    }

    fn day(&mut self, at: Timestamp) -> &mut Day {
        self.days.entry(at.china_day()).or_default()
    }
}

/// What a log comes to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// What was counted.
    pub scope: Scope,
    /// First and last arrival of a question counted.
    pub span: Option<(Timestamp, Timestamp)>,
    /// By month, then agreement.
    pub rows: Vec<Line>,
    /// Use that someone should ask about.
    pub unusual: Vec<Unusual>,
    /// Cases of unusual use beyond those listed.
    pub more_unusual: u64,
}

/// One agreement in one month.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The month, China time.
    pub month: Month,
    /// The agreement; empty for denials that none could be named for.
    pub agreement: String,
    /// What the newest version says; `None` when the log holds none.
    pub terms: Option<Terms>,
    /// The counts.
    pub row: Row,
}

impl Figures {
    /// Nothing counted yet.
    pub fn new(scope: Scope) -> Self {
        Self { scope, ..Self::default() }
    }

    /// Names met so far.
    pub fn known(&self) -> &Known {
        &self.known
    }

    /// Counts one entry; `written_at` is when it became part of the log. `operator` is known to whoever holds the
    /// vault's key, and to nobody else.
    pub fn entry(&mut self, written_at: Timestamp, entry: &Entry, operator: Option<&str>) {
        self.known.entry(entry);
        let agreement = self.known.agreement_of(&entry.kind).unwrap_or_default().to_owned();
        match &entry.kind {
            Kind::Intent(intent) => {
                if let Some(key) = self.question(&intent.facts, &agreement, true, operator) {
                    self.open.insert(asked(&intent.facts), key);
                }
            }
            Kind::Outcome(outcome) => self.outcome(outcome, &agreement, written_at, operator),
            Kind::Denial(denied) => {
                let at = denied.facts.received_at;
                if let Some(key) = self.question(&denied.facts, &agreement, false, operator) {
                    let row = self.rows.entry(key).or_default();
                    *row.denials.entry(denied.code.clone()).or_default() += 1;
                    row.day(at).denied += 1;
                }
            }
            // What was in flight when the gateway ended is never answered.
            Kind::Node(event) if event.change == NodeChange::Started => self.give_up(),
            _ => {}
        }
    }

    /// The report, with lists no longer than is of use to people.
    pub fn finish(mut self) -> Report {
        self.give_up();
        let Self { scope, known, rows, watch, span, .. } = self;
        let line = |((month, agreement), row): (Key, Row)| {
            let terms = known.agreement(&agreement).cloned();
            Line { month, agreement, terms, row }
        };
        let rows = rows.into_iter().map(line).collect();
        let (unusual, more_unusual) = watch.finish();
        Report { scope, span, rows, unusual, more_unusual }
    }

    /// Counts a question at its first entry. `None` when it is out of scope.
    fn question(
        &mut self,
        facts: &Facts,
        agreement: &str,
        is_permitted: bool,
        operator: Option<&str>,
    ) -> Option<Key> {
        let at = facts.received_at;
        if !self.scope.holds(at, agreement) {
            return None;
        }
        let (first, last) = self.span.unwrap_or((at, at));
        self.span = Some((first.min(at), last.max(at)));
        let key = (Month::of(at), agreement.to_owned());
        let row = self.rows.entry(key.clone()).or_default();
        let fact = facts.fact.as_ref().map_or("?", |fact| fact.as_str());
        *row.facts.entry(fact.to_owned()).or_default() += 1;
        *row.items.entry(facts.item.to_string()).or_default() += 1;
        row.day(at).permitted += u64::from(is_permitted);
        self.watch.question(&Question { facts, is_denied: !is_permitted, operator });
        Some(key)
    }

    fn outcome(
        &mut self,
        outcome: &Outcome,
        agreement: &str,
        written_at: Timestamp,
        operator: Option<&str>,
    ) {
        let facts = &outcome.facts;
        let key = match self.open.remove(&asked(facts)) {
            Some(key) => Some(key),
            None => self.question(facts, agreement, true, operator),
        };
        let Some(key) = key else { return };
        let row = self.rows.entry(key).or_default();
        row.answered += 1;
        row.cached += u64::from(outcome.source == Source::Cache);
        let verdict = outcome.verdict.name();
        *row.verdicts.entry(verdict).or_default() += 1;
        *row.day(facts.received_at).verdicts.entry(verdict).or_default() += 1;
        if let Some(reason) = outcome.unavailable {
            *row.unavailable.entry(reason.code()).or_default() += 1;
        }
        row.latency.add(written_at.since(facts.received_at));
        row.dropped += u64::from(outcome.dropped);
        for name in &outcome.disclosed {
            *row.disclosed.entry(name.clone()).or_default() += 1;
        }
        for name in &outcome.masked {
            *row.masked.entry(name.clone()).or_default() += 1;
        }
    }

    fn give_up(&mut self) {
        for (_, key) in self.open.drain() {
            self.rows.entry(key).or_default().unanswered += 1;
        }
    }
}

fn asked(facts: &Facts) -> (String, u64) {
    let caller = &facts.caller;
    (format!("{}/{}", caller.organisation, caller.system), facts.caller_sequence)
}

#[cfg(test)]
mod tests;
