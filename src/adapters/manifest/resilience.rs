//! `[resilience]`, `[operation.resilience]` and `[[maintenance]]`: how gently an agency is asked, and when not at all.

use std::num::NonZeroU32;
use std::time::Duration;

use super::section::{Section, Source, Text};
use crate::adapters::limits::{BreakerTerms, Maintenance, RateTerms, Span, Window};
use crate::query::time::Timestamp;

/// Longest time one attempt, a hedge or an open breaker may be given.
const MOST: Duration = Duration::from_secs(600);
const DAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Limits towards the agency.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resilience {
    /// Questions under way at once.
    pub(crate) max_in_flight: usize,
    /// Questions begun; without limit when there is none.
    pub(crate) rate: Option<RateTerms>,
    /// Extra attempts of one question.
    pub(crate) retries: u32,
    /// Extra attempts of all questions together, as a share of the questions.
    pub(crate) retry_budget: f64,
    /// Extra attempts in a second whatever the share.
    pub(crate) retry_floor: u32,
    /// For one attempt with all its exchanges; the transport's own limits when there is none.
    pub(crate) attempt_timeout: Option<Duration>,
    /// When a second question goes beside one that is slow; never when there is none.
    pub(crate) hedge_after: Option<Duration>,
    /// When nobody asks any more.
    pub(crate) breaker: BreakerTerms,
}

impl Default for Resilience {
    fn default() -> Self {
        Self {
            max_in_flight: 32,
            rate: None,
            retries: 1,
            retry_budget: 0.1,
            retry_floor: 1,
            attempt_timeout: None,
            hedge_after: None,
            breaker: BreakerTerms::default(),
        }
    }
}

/// What one operation sets for itself: its places and its rate hold beside the adapter's, the rest in their place.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Narrower {
    pub(crate) max_in_flight: Option<usize>,
    pub(crate) rate: Option<RateTerms>,
    pub(crate) retries: Option<u32>,
    pub(crate) attempt_timeout: Option<Duration>,
    pub(crate) hedge_after: Option<Duration>,
    pub(crate) breaker: Option<BreakerTerms>,
}

/// Reads the adapter's own section, if there is one.
pub(super) fn resilience(source: &Source<'_>, document: &Section<'_>) -> Resilience {
    let own = Resilience::default();
    let Some(section) = document.section("resilience") else { return own };
    let read = narrower(source, &section);
    let floor = section.integer("retry_floor", 0..1_001, i64::from(own.retry_floor));
    let retry_budget = section.share("retry_budget", own.retry_budget);
    section.finish();
    Resilience {
        max_in_flight: read.max_in_flight.unwrap_or(own.max_in_flight),
        rate: read.rate,
        retries: read.retries.unwrap_or(own.retries),
        retry_budget,
        retry_floor: u32::try_from(floor).unwrap_or_default(),
        attempt_timeout: read.attempt_timeout,
        hedge_after: read.hedge_after,
        breaker: read.breaker.unwrap_or_default(),
    }
}

/// Reads an operation's section, if there is one.
pub(super) fn of_operation(
    source: &Source<'_>,
    operation: &Section<'_>,
    idempotent: bool,
) -> Narrower {
    let Some(section) = operation.section("resilience") else { return Narrower::default() };
    for key in ["retries", "hedge_after"] {
        if !idempotent && section.has(key) {
            let problem = format!("`{key}` is for operations with `idempotent = true`");
            source.flaw(section.at_key(key), problem);
        }
    }
    let read = narrower(source, &section);
    section.finish();
    read
}

fn narrower(source: &Source<'_>, section: &Section<'_>) -> Narrower {
    let whole = |key, bounds: std::ops::Range<i64>| {
        let default = bounds.start;
        section.has(key).then(|| section.integer(key, bounds, default))
    };
    let span = |key| section.has(key).then(|| section.span(key, MOST, MOST));
    let number = |whole: i64| u32::try_from(whole).ok();
    let count = |whole: i64| number(whole).and_then(NonZeroU32::new);
    let per_second = whole("rate_per_second", 1..100_001).and_then(count);
    let burst = whole("burst", 1..100_001).and_then(count);
    if burst.is_some() && per_second.is_none() {
        source.flaw(section.at_key("burst"), "`burst` goes with `rate_per_second`");
    }
    let rate =
        per_second.map(|per_second| RateTerms { per_second, burst: burst.unwrap_or(per_second) });
    Narrower {
        max_in_flight: whole("max_in_flight", 1..1_025)
            .and_then(|whole| usize::try_from(whole).ok()),
        rate,
        retries: whole("retries", 0..4).and_then(number),
        attempt_timeout: span("attempt_timeout"),
        hedge_after: span("hedge_after"),
        breaker: section.section("breaker").map(|section| breaker(source, section)),
    }
}

fn breaker(source: &Source<'_>, section: Section<'_>) -> BreakerTerms {
    let own = BreakerTerms::default();
    let failures = section.share("failures", own.failures);
    if failures <= 0.0 {
        source.flaw(section.at_key("failures"), "`failures` is above 0: at 0 it would never close");
    }
    let whole = |key, default: usize| {
        let default = i64::try_from(default).unwrap_or(1);
        usize::try_from(section.integer(key, 1..1_001, default)).unwrap_or(1)
    };
    let window = whole("window", own.window);
    let enough = whole("enough", own.enough.min(window));
    if enough > window {
        let problem = format!("`enough` is at most `window`, which is {window}");
        source.flaw(section.at_key("enough"), problem);
    }
    let probes = whole("probes", own.probes);
    let open_for = section.span("open_for", MOST, own.open_for);
    section.finish();
    BreakerTerms { failures, window, enough, open_for, probes }
}

/// Reads the windows.
pub(super) fn maintenance(source: &Source<'_>, document: &Section<'_>) -> Maintenance {
    let windows = document.sections("maintenance").into_iter();
    Maintenance::new(windows.filter_map(|section| window(source, section)).collect())
}

fn window(source: &Source<'_>, section: Section<'_>) -> Option<Window> {
    let is_weekly = section.has("days");
    let chosen = section.texts("days");
    if is_weekly && chosen.is_empty() {
        source.flaw(section.at_key("days"), "`maintenance.days` names at least one day");
    }
    let (from, to) = (section.required("from"), section.required("to"));
    section.finish();
    let (from, to) = (from?, to?);
    if !is_weekly {
        let (begins, ends) = (moment(source, &from), moment(source, &to));
        let (begins, ends) = (begins?, ends?);
        if ends <= begins {
            source.flaw(to.at, format!("`{}` is after `from`", to.key));
        }
        return Some(Window::Once(Span { from: begins, to: ends }));
    }
    let mut days = [false; 7];
    for text in chosen {
        let known = DAYS.iter().position(|day| *day == text.value);
        match known.and_then(|day| days.get_mut(day)) {
            Some(day) => *day = true,
            None => {
                let problem = format!("`{}` is no day such as \"Sunday\"", text.value);
                source.flaw(text.at, problem);
            }
        }
    }
    let (begins, ends) = (minutes(source, &from), minutes(source, &to));
    let (from_minutes, to_minutes) = (begins?, ends?);
    if from_minutes == to_minutes || from_minutes == 24 * 60 {
        source.flaw(to.at, "a window has a length: from \"00:00\" to \"24:00\" is a whole day");
    }
    Some(Window::Weekly { days, from: from_minutes, to: to_minutes })
}

/// Minutes since midnight of `HH:MM`, to 24:00.
fn minutes(source: &Source<'_>, text: &Text) -> Option<u32> {
    let two = |digits: &str| {
        let is_plain = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_plain.then(|| digits.parse::<u32>().ok()).flatten()
    };
    let read = text.value.split_once(':').and_then(|(hours, minutes)| {
        let minutes = two(minutes).filter(|minutes| *minutes < 60)?;
        Some(two(hours)? * 60 + minutes).filter(|minutes| *minutes <= 24 * 60)
    });
    if read.is_none() {
        let problem = format!("`{}` is a time of day in China such as \"02:00\"", text.key);
        source.flaw(text.at, problem);
    }
    read
}

fn moment(source: &Source<'_>, text: &Text) -> Option<Timestamp> {
    let read: Option<jiff::Timestamp> = text.value.parse().ok();
    let read = read.and_then(|moment| u64::try_from(moment.as_microsecond()).ok());
    if read.is_none() {
        let problem = format!(
            "`{}` is a moment such as \"2027-02-05T18:00:00+08:00\"; with `days` it is a time of day",
            text.key
        );
        source.flaw(text.at, problem);
    }
    read.map(Timestamp)
}
