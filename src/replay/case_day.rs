//! The day on which a case ran, by which evidence is fresh or not: it is the day of its entry.

use std::time::Duration;

use jiff::civil::date;

use crate::audit::entry::CaseClosed;
use crate::cases::{Course, day};
use crate::query::time::Timestamp;

/// The longest that a case runs: it may have begun on the day before its entry.
const LONGEST: Duration = Duration::from_secs(600);

/// What is wrong with the days of a case whose entry is of that moment; `None` when nothing is, or when its course cannot be
/// read, which is told elsewhere.
pub(super) fn problem(closed: &CaseClosed, at: Timestamp) -> Option<&'static str> {
    let course: Course = serde_json::from_str(&closed.course).ok()?;
    let Some(run_on) = course.run_on else {
        return Some("it does not say on which day it ran");
    };
    let began = Timestamp(at.0.saturating_sub(u64::try_from(LONGEST.as_micros()).ok()?));
    let day =
        run_on.since(date(1970, 1, 1)).ok().and_then(|span| u64::try_from(span.get_days()).ok());
    if !day.is_some_and(|day| (began.china_day()..=at.china_day()).contains(&day)) {
        return Some("it did not run on the day of its entry");
    }
    if day::read(&course.submitted_on).is_some_and(|submitted_on| submitted_on > run_on) {
        return Some("its application is of a later day");
    }
    let is_to_come = course.evidence.values().any(|attached| attached.issued_on > run_on);
    is_to_come.then_some("it has evidence of a later day")
}
