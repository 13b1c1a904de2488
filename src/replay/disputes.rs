//! Disputes: their steps in order, and what they say of outcomes held against the outcomes.
//!
//! A verdict may be contested long after it was given, and a replay does not keep every outcome that long. It says which
//! entries it must see again, and is shown them at the end.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::Report;
use crate::audit::entry::{Dispute, DisputeOpened, DisputeRechecked, DisputeStep, Entry, Kind};
use crate::decision::PermitRef;
use crate::decision::agreement::Agreement;
use crate::query::OrganisationId;
use crate::query::time::Timestamp;
use crate::query::value::{Comparison, Verdict};
use crate::query::workdays::{WORKDAYS, last_day};

/// How many working days agencies have for their answers, by agreement and version.
#[derive(Default)]
pub(super) struct Workdays(BTreeMap<(String, u32), Term>);

struct Term {
    days: u32,
    /// It has been out of force, and the gateway went by the regulation's own term then.
    was_gone: bool,
}

impl Workdays {
    pub(super) fn adopted(&mut self, agreement: &Agreement) {
        let days = agreement.quality.as_ref().map_or(WORKDAYS, |quality| quality.response_workdays);
        let key = (agreement.id.clone(), agreement.version);
        let was_gone = self.0.get(&key).is_some_and(|known| known.was_gone);
        self.0.insert(key, Term { days, was_gone });
    }

    pub(super) fn withdrawn(&mut self, id: &str, version: u32) {
        if let Some(term) = self.0.get_mut(&(id.to_owned(), version)) {
            term.was_gone = true;
        }
    }

    /// Whether that day can be the last for an answer about what was permitted so. In an excerpt withdrawals are not seen.
    fn admit(&self, permit: &PermitRef, (from, due): (Date, Date), is_excerpt: bool) -> bool {
        let term = self.0.get(&(permit.agreement.clone(), permit.version));
        let by_terms = term.map(|term| term.days);
        let by_law = term.is_none_or(|term| term.was_gone) || is_excerpt;
        let mut terms = by_terms.into_iter().chain(by_law.then_some(WORKDAYS));
        terms.any(|days| last_day(from, days) == due)
    }
}

/// What is known of the disputes so far.
#[derive(Default)]
pub(super) struct Disputes {
    open: BTreeMap<[u8; 16], Course>,
    /// By outcome: the entry that opened its dispute.
    contested: BTreeMap<u64, u64>,
    checks: Vec<Check>,
    /// Entries that were shown again.
    seen: BTreeMap<u64, Option<Outcome>>,
}

/// How far one has come.
struct Course {
    /// Its first entry.
    index: u64,
    contested: u64,
    organisation: OrganisationId,
    provider: String,
    delivered: bool,
    answered: bool,
    rechecked: bool,
}

/// What an entry of a dispute says of outcomes.
struct Check {
    index: u64,
    of: u64,
    organisation: OrganisationId,
    verdict: Verdict,
    /// Fact, agency and request id, where the entry says them.
    question: Option<(String, String, [u8; 16])>,
    /// The day on which it was contested, and the last for the agency's answer.
    term: Option<(Date, Date)>,
    /// The outcome whose question this one's must be.
    same_as: Option<u64>,
}

/// An outcome, as far as a dispute is about it.
struct Outcome {
    request_id: [u8; 16],
    verdict: Verdict,
    permit: PermitRef,
    shape: Shape,
}

/// What the entries of one question that is put twice have in common, as far as they show it.
#[derive(PartialEq, Eq)]
struct Shape {
    organisation: OrganisationId,
    fact: String,
    provider: String,
    item: String,
    case_number: String,
    roles: Vec<(String, String)>,
    assertions: Vec<(String, Comparison)>,
    disclose: Vec<String>,
}

impl Disputes {
    /// The next step of one.
    pub(super) fn step(
        &mut self,
        (index, at): (u64, Timestamp),
        dispute: &Dispute,
        report: &mut Report,
    ) {
        let mut find = |text: &str| report.find(index, "dispute", text);
        if let DisputeStep::Opened(opened) = &dispute.step {
            if self.open.contains_key(&dispute.id) {
                return find("it was opened before");
            }
            if opened.contested >= index {
                return find("it contests an outcome that did not exist yet");
            }
            if let Some(first) = self.contested.insert(opened.contested, index) {
                find(&format!("the same outcome was contested before, in entry {first}"));
            }
            return self.opened((index, at), dispute.id, opened);
        }
        let Some(course) = self.open.get_mut(&dispute.id) else {
            return find("it was never opened");
        };
        match &dispute.step {
            DisputeStep::Opened(_) => {}
            DisputeStep::Delivery(_) if course.delivered => find("it had been delivered before"),
            DisputeStep::Delivery(delivery) => course.delivered = delivery.result.is_ok(),
            DisputeStep::Answered(_) if course.answered => find("it had been answered before"),
            DisputeStep::Answered(answered) => {
                course.answered = true;
                let by = answered.caller.as_ref();
                if by.is_some_and(|by| by.organisation.as_str() != course.provider) {
                    find("it was answered by another organisation than the one it went to");
                }
            }
            DisputeStep::Rechecked(_) if course.rechecked => find("it was asked again before"),
            DisputeStep::Rechecked(rechecked) => {
                course.rechecked = true;
                if rechecked.caller.organisation != course.organisation {
                    find("another organisation asked again than the one that contested");
                }
                // An outcome of before the dispute is no second asking.
                let asked_since = (course.index..index).contains(&rechecked.outcome);
                if rechecked.contested != course.contested || !asked_since {
                    return find("it names other outcomes than it can be about");
                }
                self.rechecked(index, rechecked);
            }
        }
    }

    fn opened(&mut self, (index, at): (u64, Timestamp), id: [u8; 16], opened: &DisputeOpened) {
        let question = (opened.fact.clone(), opened.provider.clone(), opened.request_id);
        self.checks.push(Check {
            index,
            of: opened.contested,
            organisation: opened.caller.organisation.clone(),
            verdict: opened.verdict,
            question: Some(question),
            term: Some((at.day_in_china(), opened.due)),
            same_as: None,
        });
        let course = Course {
            index,
            contested: opened.contested,
            organisation: opened.caller.organisation.clone(),
            provider: opened.provider.clone(),
            delivered: false,
            answered: false,
            rechecked: false,
        };
        self.open.insert(id, course);
    }

    fn rechecked(&mut self, index: u64, rechecked: &DisputeRechecked) {
        let check = |of, verdict, same_as| Check {
            index,
            of,
            organisation: rechecked.caller.organisation.clone(),
            verdict,
            question: None,
            term: None,
            same_as,
        };
        let first = rechecked.contested;
        self.checks.push(check(first, rechecked.before, None));
        self.checks.push(check(rechecked.outcome, rechecked.after, Some(first)));
    }

    /// The entries that must be shown again.
    pub(super) fn wanted(&self) -> BTreeSet<u64> {
        self.checks.iter().map(|check| check.of).collect()
    }

    /// One of them.
    pub(super) fn shown(&mut self, index: u64, entry: &Entry) {
        let outcome = match &entry.kind {
            Kind::Outcome(outcome) => {
                let facts = &outcome.facts;
                let text = |code: Option<&str>| code.unwrap_or_default().to_owned();
                let roles = facts.roles.iter().map(|role| (role.role.clone(), role.kind.clone()));
                let asserted = facts.assertions.iter();
                let shape = Shape {
                    organisation: facts.caller.organisation.clone(),
                    fact: text(facts.fact.as_ref().map(|fact| fact.as_str())),
                    provider: text(facts.provider.as_ref().map(|provider| provider.as_str())),
                    item: facts.item.as_str().to_owned(),
                    case_number: facts.case_number.clone(),
                    roles: roles.collect(),
                    assertions: asserted
                        .map(|one| (one.attribute.clone(), one.comparison))
                        .collect(),
                    disclose: facts.disclose.clone(),
                };
                let (request_id, verdict) = (facts.request_id, outcome.verdict);
                let permit = outcome.permit.clone();
                Some(Outcome { request_id, verdict, permit, shape })
            }
            _ => None,
        };
        self.seen.insert(index, outcome);
    }

    /// Holds everything that was said against what was shown. Of an excerpt, not every outcome is.
    pub(super) fn close(&self, workdays: &Workdays, is_excerpt: bool, report: &mut Report) {
        for check in &self.checks {
            if is_excerpt && !self.seen.contains_key(&check.of) {
                continue;
            }
            if let Err(text) = self.hold(check, (workdays, is_excerpt)) {
                report.find(check.index, "dispute", format!("entry {}: {text}", check.of));
            }
        }
    }

    fn hold(
        &self,
        check: &Check,
        (workdays, is_excerpt): (&Workdays, bool),
    ) -> Result<(), &'static str> {
        let outcome = self.seen.get(&check.of).ok_or("it was not looked at again")?;
        let outcome = outcome.as_ref().ok_or("it is no outcome")?;
        let shape = &outcome.shape;
        if shape.organisation != check.organisation {
            return Err("another organisation asked");
        }
        if outcome.verdict != check.verdict {
            return Err("its verdict is another");
        }
        if outcome.verdict == Verdict::Unavailable {
            return Err("it says nothing that could be contested");
        }
        if let Some((fact, provider, request_id)) = &check.question
            && (&shape.fact, &shape.provider, &outcome.request_id) != (fact, provider, request_id)
        {
            return Err("its question is another");
        }
        if check.term.is_some_and(|term| !workdays.admit(&outcome.permit, term, is_excerpt)) {
            return Err("the agreement gives the agency another day for its answer");
        }
        let first = check.same_as.and_then(|first| self.seen.get(&first)?.as_ref());
        if first.is_some_and(|first| first.shape != *shape) {
            return Err("its question is another than the one that was contested");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
