//! Contested verdicts: what the log says of each, the paper that goes to the agency, and the answer that comes back.
//!
//! Between opening and the second asking the gateway must hold what was asked, for nobody else does; it lies in a folder of
//! its own ([`kept`]) and goes when it is no longer needed.

pub mod kept;
pub mod paper;

use std::collections::BTreeMap;

use crate::audit::entry::{
    Dispute, DisputeAnswered, DisputeOpened, DisputeRechecked, DisputeStep, Entry, Kind, Way,
};
use crate::query::time::Timestamp;
pub use crate::query::workdays as due;

/// The caller's id of a dispute, UUIDv7.
pub type DisputeId = [u8; 16];

/// One dispute, as far as the log tells it.
#[derive(Clone, Debug)]
pub struct Course {
    /// Its id.
    pub id: DisputeId,
    /// When it was opened.
    pub at: Timestamp,
    /// The entry that says so.
    pub index: u64,
    /// What that entry says.
    pub opened: DisputeOpened,
    /// When and how it reached the agency's queue, and the agency's number of it.
    pub delivered: Option<(Timestamp, Way, String)>,
    /// Why the last delivery failed.
    pub failure: Option<String>,
    /// The agency's answer.
    pub answered: Option<DisputeAnswered>,
    /// The second asking.
    pub rechecked: Option<DisputeRechecked>,
}

impl Course {
    /// True while the agency must still be told of it.
    pub fn is_waiting(&self) -> bool {
        self.delivered.is_none() && self.answered.is_none() && self.rechecked.is_none()
    }

    /// True when its day is over and no answer has come.
    pub fn is_overdue(&self, at: Timestamp) -> bool {
        self.answered.is_none() && self.rechecked.is_none() && at.day_in_china() > self.opened.due
    }
}

/// Every dispute of a log. A pure fold: what a start reads and what is counted as it is written come to the same.
#[derive(Debug, Default)]
pub struct Book {
    courses: BTreeMap<DisputeId, Course>,
    /// By the outcome that is contested.
    by_outcome: BTreeMap<u64, DisputeId>,
}

impl Book {
    /// Takes the next entry into account.
    pub fn visit(&mut self, index: u64, entry: &Entry) {
        let Kind::Dispute(Dispute { id, step }) = &entry.kind else { return };
        if let DisputeStep::Opened(opened) = step {
            self.by_outcome.insert(opened.contested, *id);
            let course = Course {
                id: *id,
                at: entry.at,
                index,
                opened: DisputeOpened::clone(opened),
                delivered: None,
                failure: None,
                answered: None,
                rechecked: None,
            };
            self.courses.insert(*id, course);
            return;
        }
        let Some(course) = self.courses.get_mut(id) else { return };
        match step {
            DisputeStep::Opened(_) => {}
            DisputeStep::Delivery(delivery) => match &delivery.result {
                Ok(ticket) => {
                    course.delivered = Some((entry.at, delivery.way, ticket.clone()));
                    course.failure = None;
                }
                Err(failure) => course.failure = Some(failure.clone()),
            },
            DisputeStep::Answered(answered) => {
                course.answered = Some(DisputeAnswered::clone(answered));
            }
            DisputeStep::Rechecked(rechecked) => course.rechecked = Some(rechecked.clone()),
        }
    }

    /// The dispute of that id.
    pub fn get(&self, id: &DisputeId) -> Option<&Course> {
        self.courses.get(id)
    }

    /// The dispute over that outcome.
    pub fn over(&self, outcome: u64) -> Option<&Course> {
        self.courses.get(self.by_outcome.get(&outcome)?)
    }

    /// All of them, the oldest first: ids begin with their moment.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &Course> {
        self.courses.values()
    }
}

#[cfg(test)]
mod tests;
