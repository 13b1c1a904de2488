//! The day on which a case ran, by which evidence is fresh or not: it is the day of its entry.

use crate::audit::entry::CaseClosed;
use crate::cases::{Course, LONGEST, day};
use crate::query::time::Timestamp;

/// What is wrong with the days of a case whose entry is of that moment; `None` when nothing is, or when its course cannot be
/// read, which is told elsewhere.
pub(super) fn problem(closed: &CaseClosed, at: Timestamp) -> Option<&'static str> {
    let course: Course = serde_json::from_str(&closed.course).ok()?;
    let Some(run_on) = course.run_on else {
        return Some("it does not say on which day it ran");
    };
    // It may have begun on the day before its entry.
    let began = Timestamp(at.0.saturating_sub(u64::try_from(LONGEST.as_micros()).ok()?));
    if !(began.day_in_china()..=at.day_in_china()).contains(&run_on) {
        return Some("it did not run on the day of its entry");
    }
    if day::read(&course.submitted_on).is_some_and(|submitted_on| submitted_on > run_on) {
        return Some("its application is of a later day");
    }
    let is_to_come = course.evidence.values().any(|attached| attached.issued_on > run_on);
    is_to_come.then_some("it has evidence of a later day")
}
