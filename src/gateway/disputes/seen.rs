//! Disputes as their own people may see them.

use super::{Gateway, held};
use crate::disputes::{Course, DisputeId};
use crate::query::OrganisationId;
use crate::query::time::Timestamp;

/// One dispute as its own people may see it.
pub struct Seen {
    /// What the log says.
    pub course: Course,
    /// Whether its agency is told here, sooner or later.
    pub has_queue: bool,
    /// How the agency is told otherwise, as the agreement says; empty when it says nothing.
    pub channel: String,
    /// The agency's words, for the organisation that contests.
    pub answer: Option<String>,
    /// Why it has not been delivered, as of the last look at it.
    pub failure: Option<String>,
    /// Whether its day is over without an answer.
    pub is_overdue: bool,
}

/// A part of a list.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// Disputes opened before this entry.
    pub before: u64,
    /// So many of them.
    pub most: usize,
    /// Of all of them this one alone, which is found without a look at the others.
    pub only: Option<DisputeId>,
}

impl Gateway {
    /// Disputes that `may_see` lets through, as `own` may see them, the newest first, and where the next page begins: `None`
    /// when this is the last.
    pub async fn disputes(
        &self,
        may_see: impl Fn(&Course) -> bool,
        page: Page,
        (own, at): (&OrganisationId, Timestamp),
    ) -> (Vec<Seen>, Option<u64>) {
        let mut courses: Vec<Course> = {
            let memory = self.disputes.memory();
            let most = page.most.saturating_add(1);
            match page.only {
                Some(id) => {
                    let found = memory.book.get(&id).filter(|course| course.index < page.before);
                    found.into_iter().filter(|course| may_see(course)).cloned().collect()
                }
                None => {
                    let found = memory.book.before(page.before).filter(|course| may_see(course));
                    found.take(most).cloned().collect()
                }
            }
        };
        let is_last = courses.len() <= page.most;
        courses.truncate(page.most);
        let next = courses.last().filter(|_| !is_last).map(|course| course.index);
        let mut seen = Vec::with_capacity(courses.len());
        for course in courses {
            seen.push(self.seen(course, own, at).await);
        }
        (seen, next)
    }

    pub(super) async fn seen(&self, course: Course, own: &OrganisationId, at: Timestamp) -> Seen {
        let in_force = self.in_force();
        let adapter = in_force.adapters.for_fact(&course.opened.fact.as_str().into());
        let provider = OrganisationId::new(course.opened.provider.as_str());
        // Read for those only who may see it, and while it is kept.
        let has_words = course.answered.is_some() && course.rechecked.is_none();
        let answer = match has_words && course.opened.caller.organisation == *own {
            true => self.kept(course.id).await.ok().flatten().and_then(|kept| kept.answer),
            false => None,
        };
        let failure = match course.is_waiting() {
            true => self.disputes.memory().reason(&course.id).map(str::to_owned),
            false => None,
        };
        let failure = failure.or_else(|| course.failure.clone());
        let has_queue = adapter
            .is_some_and(|adapter| adapter.takes_disputes() && *adapter.agency() == provider);
        Seen {
            has_queue: has_queue && failure.as_deref() != Some(held::REVOKED),
            channel: in_force.dispute_channel(&course.opened.caller.organisation, &provider),
            answer,
            failure,
            is_overdue: course.is_overdue(at),
            course,
        }
    }
}
