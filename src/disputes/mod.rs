//! Contested verdicts: what the log says of each, the paper that goes to the agency, and the answer that comes back.
//!
//! Between opening and the second asking the gateway must hold what was asked, for nobody else does; it lies in a folder of
//! its own ([`kept`]) and goes when it is no longer needed.

pub mod kept;
pub mod paper;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use crate::audit::entry::{
    Dispute, DisputeAnswered, DisputeOpened, DisputeRechecked, DisputeStep, Entry, Kind, Way,
};
use crate::query::OrganisationId;
use crate::query::time::Timestamp;
pub use crate::query::workdays as due;

/// The failure of a dispute whose question the gateway does not hold any more: nobody can be told of it.
pub const GONE: &str = "question_gone";

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
    /// Why a delivery failed that was recorded last.
    pub failure: Option<String>,
    /// Why deliveries failed, each reason once.
    pub failures: BTreeSet<String>,
    /// When the last of them was recorded.
    pub failed_at: Option<Timestamp>,
    /// The agency's answer.
    pub answered: Option<DisputeAnswered>,
    /// The second asking.
    pub rechecked: Option<DisputeRechecked>,
}

impl Course {
    /// True while the agency must still be told of it, and can be.
    pub fn is_waiting(&self) -> bool {
        self.delivered.is_none()
            && self.answered.is_none()
            && self.rechecked.is_none()
            && self.failure.as_deref() != Some(GONE)
    }

    /// Whether the log should have this failure: its reason is new for this dispute, or no other was recorded that day. An
    /// agency that fails in turns for months does not fill the log.
    pub fn is_news(&self, failure: &str, at: Timestamp) -> bool {
        let is_of_another_day = |last: Timestamp| last.china_day() != at.china_day();
        !self.failures.contains(failure) || self.failed_at.is_none_or(is_of_another_day)
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
    /// By the entry that opened each: ids are the callers' own, and say nothing about what came first.
    by_entry: BTreeMap<u64, DisputeId>,
    /// By the outcome that is contested.
    by_outcome: BTreeMap<u64, DisputeId>,
    /// Those that an agency must still be told of, by their first entry.
    waiting: BTreeMap<u64, DisputeId>,
    /// How many an organisation opened on a day.
    opened: BTreeMap<(OrganisationId, Date), usize>,
}

impl Book {
    /// Takes the next entry into account.
    pub fn visit(&mut self, index: u64, entry: &Entry) {
        let Kind::Dispute(Dispute { id, step }) = &entry.kind else { return };
        if let DisputeStep::Opened(opened) = step {
            self.by_outcome.insert(opened.contested, *id);
            self.by_entry.insert(index, *id);
            self.waiting.insert(index, *id);
            let day = (opened.caller.organisation.clone(), entry.at.day_in_china());
            *self.opened.entry(day).or_default() += 1;
            let course = Course {
                id: *id,
                at: entry.at,
                index,
                opened: DisputeOpened::clone(opened),
                delivered: None,
                failure: None,
                failures: BTreeSet::new(),
                failed_at: None,
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
                Err(failure) => {
                    course.failure = Some(failure.clone());
                    course.failures.insert(failure.clone());
                    course.failed_at = Some(entry.at);
                }
            },
            DisputeStep::Answered(answered) => {
                course.answered = Some(DisputeAnswered::clone(answered));
            }
            DisputeStep::Rechecked(rechecked) => course.rechecked = Some(rechecked.clone()),
        }
        if !course.is_waiting() {
            self.waiting.remove(&course.index);
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

    /// Those that were opened before that entry, the newest first.
    pub fn before(&self, entry: u64) -> impl Iterator<Item = &Course> {
        let ids = self.by_entry.range(..entry).rev();
        ids.filter_map(|(_, id)| self.courses.get(id))
    }

    /// Those that an agency must still be told of, the oldest first.
    pub fn waiting(&self) -> impl Iterator<Item = &Course> {
        self.waiting.values().filter_map(|id| self.courses.get(id))
    }

    /// How many the organisation opened on that day, China time.
    pub fn opened_on(&self, organisation: &OrganisationId, day: Date) -> usize {
        self.opened.get(&(organisation.clone(), day)).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
