//! A row of a table: an application, what stands in its way, and how it must end.

use heyan::proto::gateway::v1 as wire;
use wire::case_need::State;
use wire::case_outcome::Outcome;

use super::application::Application;

/// What stands in the way of an application, besides itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum InTheWay {
    /// All agreements are signed and all agencies answer.
    Nothing,
    /// There is no agreement with this agency.
    NotAgreed(&'static str),
    /// This agency does not answer at all.
    Down(&'static str),
    /// The police do not answer about the household book of this person; of others they do.
    BookDown(u32),
}

/// One application and how it must end.
#[derive(Clone)]
pub(crate) struct Row {
    pub(super) application: Application,
    pub(super) in_the_way: InTheWay,
    pub(super) outcome: Outcome,
    /// `NEED: WHY` of everything required that is not met, exactly.
    pub(super) because: Vec<String>,
}

impl Row {
    /// There is no agreement with this agency.
    pub(crate) fn not_agreed(self, agency: &'static str) -> Self {
        Self { in_the_way: InTheWay::NotAgreed(agency), ..self }
    }

    /// This agency is down.
    pub(crate) fn down(self, agency: &'static str) -> Self {
        Self { in_the_way: InTheWay::Down(agency), ..self }
    }

    /// The police do not answer about this person's household book.
    pub(crate) fn book_down(self, person: u32) -> Self {
        Self { in_the_way: InTheWay::BookDown(person), ..self }
    }

    /// Not everybody of a family is known, and it goes to the counter for that.
    pub(super) fn is_half_a_family(&self) -> bool {
        let is_half = self.because.iter().any(|why| why.ends_with(": family_incomplete"));
        self.outcome == Outcome::NeedsCounter && is_half
    }

    /// What it is, for people.
    pub(super) fn title(&self) -> String {
        format!("{}, in the way: {:?}", self.application.title(), self.in_the_way)
    }

    /// How the outcome differs from the row.
    pub(super) fn differences(&self, outcome: &wire::CaseOutcome) -> Vec<String> {
        let mut differences = Vec::new();
        if outcome.outcome() != self.outcome {
            differences.push(format!("is {:?}, not {:?}", outcome.outcome(), self.outcome));
        }
        let (mut found, mut expected) = (Vec::new(), self.because.clone());
        for need in outcome.needs.iter().filter(|need| need.required) {
            match need.state() {
                State::Met | State::Provided | State::NotNeeded => {
                    assert!(need.missing.is_empty() && need.bring.is_empty());
                }
                State::Refuted | State::Open => {
                    let whys = need.missing.iter();
                    found.extend(whys.map(|missing| format!("{}: {}", need.name, missing.why)));
                }
                State::Unspecified => differences.push(format!("{} has no state", need.name)),
            }
        }
        for list in [&mut found, &mut expected] {
            list.sort();
            list.dedup();
        }
        if found != expected {
            differences.push(format!("because of {found:?}, not {expected:?}"));
        }
        differences
    }
}
