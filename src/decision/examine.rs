//! The decision once more, step by step: what each check said of the question and of every clause that might grant it.
//!
//! [`decide`](super::decide) is what answers, and stops at the first reason it has. This is for whoever asks why; both
//! run the same lists of checks, and a test holds one against the other.

use std::sync::Arc;

use super::PermitRef;
use super::agreement::{Agreement, Clause};
use super::agreements::AgreementSet;
use super::checks::{CLAUSE, Check, QUESTION, candidates};
use super::denial::Denial;
use super::facts::Facts;

/// Agreements named as passed over; beyond it they are only counted. More would be a list, not an explanation.
const MOST_PASSED_OVER: usize = 50;

/// Everything a decision came from.
#[derive(Clone, Debug)]
pub struct Examination {
    /// Checks of the question alone.
    pub question: Vec<Step>,
    /// Clauses that might grant it, in the order a decision tries them.
    pub candidates: Vec<Examined>,
    /// Agreements of one or both organisations that a decision does not look at: those of both first.
    pub passed_over: Vec<PassedOver>,
    /// Agreements that are not named here: of other organisations, or too many to name.
    pub others: usize,
    /// What it comes to: the same as [`decide`](super::decide).
    pub conclusion: Result<PermitRef, Denial>,
}

/// One check and what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Stable name of the check.
    pub check: &'static str,
    /// What it said.
    pub outcome: Outcome,
}

/// What one check said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Yes.
    Passed,
    /// No, for this reason.
    Failed(Denial),
    /// Nothing: an earlier check had said no.
    NotReached,
}

/// One clause held against the question.
#[derive(Clone, Debug)]
pub struct Examined {
    /// Its agreement.
    pub agreement: Arc<Agreement>,
    /// Its position in the agreement, from 0.
    pub position: usize,
    /// Every check, in order.
    pub steps: Vec<Step>,
}

impl Examined {
    /// The clause.
    pub fn clause(&self) -> Option<&Clause> {
        self.agreement.clauses.get(self.position)
    }

    /// Its name in entries.
    pub fn reference(&self) -> PermitRef {
        PermitRef::to(&self.agreement, self.position)
    }

    /// True when it passed every check.
    pub fn permits(&self) -> bool {
        self.steps.iter().all(|step| step.outcome == Outcome::Passed)
    }
}

/// An agreement that cannot grant the question.
#[derive(Clone, Debug)]
pub struct PassedOver {
    /// The agreement.
    pub agreement: Arc<Agreement>,
    /// Why a decision does not look at it.
    pub why: Aside,
}

/// Why an agreement cannot grant a question, whatever its clauses say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aside {
    /// Between the two, but no clause is about the fact.
    OtherFacts,
    /// Another organisation answers.
    OtherProvider,
    /// Another organisation asks.
    OtherConsumer,
}

/// Holds the question against every check. Costs a look at every agreement there is, where a decision looks at few.
pub fn examine(facts: &Facts, agreements: &AgreementSet) -> Examination {
    let (question, stopped) = run(QUESTION, true, |check| check(facts).err());
    let is_good = stopped.is_none();
    let mut tried = Vec::new();
    let mut permitted = None;
    let mut furthest: Option<(usize, Denial)> = None;
    for candidate in candidates(facts, agreements) {
        let (agreement, position) = (candidate.agreement, candidate.position);
        let (steps, stopped) =
            run(CLAUSE, is_good, |check| check(&candidate).err().map(|why| why.denial()));
        match stopped {
            Some(stopped) if furthest.as_ref().is_none_or(|known| stopped.0 > known.0) => {
                furthest = Some(stopped);
            }
            Some(_) => {}
            None if is_good && permitted.is_none() => {
                permitted = Some(PermitRef::to(agreement, position));
            }
            None => {}
        }
        tried.push(Examined { agreement: Arc::clone(agreement), position, steps });
    }
    let conclusion = match (stopped, permitted, furthest) {
        (Some((_, denial)), _, _) | (None, None, Some((_, denial))) => Err(denial),
        (None, Some(permit), _) => Ok(permit),
        (None, None, None) => Err(nothing_to_look_at(facts, agreements)),
    };
    let (passed_over, others) = passed_over(facts, agreements, &tried);
    Examination { question, candidates: tried, passed_over, others, conclusion }
}

/// Runs the checks up to the first that fails: every step, and how many passed before what stopped them.
fn run<R>(
    checks: &[Check<R>],
    is_reached: bool,
    failure: impl Fn(&R) -> Option<Denial>,
) -> (Vec<Step>, Option<(usize, Denial)>) {
    let mut stopped = None;
    let mut steps = Vec::with_capacity(checks.len());
    for (passed, check) in checks.iter().enumerate() {
        let outcome = if !is_reached || stopped.is_some() {
            Outcome::NotReached
        } else if let Some(denial) = failure(&check.run) {
            stopped = Some((passed, denial.clone()));
            Outcome::Failed(denial)
        } else {
            Outcome::Passed
        };
        steps.push(Step { check: check.name, outcome });
    }
    (steps, stopped)
}

fn nothing_to_look_at(facts: &Facts, agreements: &AgreementSet) -> Denial {
    let (Some(fact), Some(provider)) = (&facts.fact, &facts.provider) else {
        return Denial::UnknownFact;
    };
    if agreements.has_pair(&facts.caller.organisation, provider) {
        Denial::FactNotGranted(fact.clone())
    } else {
        Denial::NoAgreement(provider.clone())
    }
}

/// Agreements that share an organisation with the question and grant it nothing; how many more there are.
fn passed_over(
    facts: &Facts,
    agreements: &AgreementSet,
    candidates: &[Examined],
) -> (Vec<PassedOver>, usize) {
    let is_candidate = |one: &Arc<Agreement>| {
        candidates.iter().any(|candidate| Arc::ptr_eq(&candidate.agreement, one))
    };
    let (mut named, mut others) = (Vec::new(), 0);
    for agreement in agreements.all().iter().filter(|agreement| !is_candidate(agreement)) {
        let asks = agreement.consumer == facts.caller.organisation;
        let answers = Some(&agreement.provider) == facts.provider.as_ref();
        let why = match (asks, answers) {
            (true, true) => Aside::OtherFacts,
            (true, false) => Aside::OtherProvider,
            (false, true) => Aside::OtherConsumer,
            (false, false) => {
                others += 1;
                continue;
            }
        };
        named.push(PassedOver { agreement: Arc::clone(agreement), why });
    }
    named.sort_by(|one, other| {
        let key = |it: &PassedOver| (it.why, it.agreement.version);
        key(one).cmp(&key(other)).then_with(|| one.agreement.id.cmp(&other.agreement.id))
    });
    let more = named.len().saturating_sub(MOST_PASSED_OVER);
    named.truncate(MOST_PASSED_OVER);
    (named, others + more)
}

#[cfg(test)]
mod tests;
