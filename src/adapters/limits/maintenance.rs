//! When an agency is not there because it said so. Values in, values out; times of day are China's.

use std::time::Duration;

use crate::query::time::Timestamp;

const DAY: u64 = 86_400;
/// China is eight hours ahead of UTC all year.
const CHINA_AHEAD: u64 = 8 * 3_600;
/// Windows that may follow one another without a gap, at the most.
const CHAINED: usize = 32;

/// One window of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Window {
    /// Every week.
    Weekly {
        /// Days on which it begins, Monday first.
        days: [bool; 7],
        /// Minutes since midnight.
        from: u32,
        /// Minutes since midnight of the same day, or of the next one when that is not after `from`.
        to: u32,
    },
    /// Once.
    Once(Span),
}

/// A stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub to: Timestamp,
}

/// All windows of an agency.
#[derive(Clone, Debug, Default)]
pub(crate) struct Maintenance(Vec<Window>);

impl Maintenance {
    /// Of these windows.
    pub(crate) fn new(windows: Vec<Window>) -> Self {
        Self(windows)
    }

    /// The windows, as the manifest has them.
    pub(crate) fn windows(&self) -> &[Window] {
        &self.0
    }

    /// The window that `at` is in, to the end of those that follow without a gap.
    pub(crate) fn covering(&self, at: Timestamp) -> Option<Span> {
        let mut span = self.next(at).filter(|span| span.from <= at)?;
        for _ in 0..CHAINED {
            match self.next(span.to).filter(|next| next.from <= span.to) {
                Some(next) => span.to = next.to,
                None => break,
            }
        }
        Some(span)
    }

    /// The window that `at` is in, else the next one.
    pub(crate) fn next(&self, at: Timestamp) -> Option<Span> {
        let spans = self.0.iter().filter_map(|window| window.next(at));
        // Of several that have begun, the one that ends last.
        spans.min_by_key(|span| (span.from.max(at), u64::MAX - span.to.0))
    }
}

impl Window {
    fn next(&self, at: Timestamp) -> Option<Span> {
        match self {
            Self::Once(span) => Some(*span).filter(|span| span.to > at),
            Self::Weekly { days, from, to } => {
                let length = if to > from { to - from } else { to + 24 * 60 - from };
                // One that began yesterday may go on today.
                let today = at.china_day();
                let begins = (today.saturating_sub(1)..=today + 7).filter_map(|day| {
                    let seconds = (day * DAY + u64::from(*from) * 60).checked_sub(CHINA_AHEAD)?;
                    let begins = Timestamp::from_seconds(seconds);
                    let weekday = usize::try_from((day + 3) % 7).ok()?;
                    days.get(weekday).copied().unwrap_or_default().then_some(begins)
                });
                let length = Duration::from_secs(u64::from(length) * 60);
                let mut spans = begins.map(|from| Span { from, to: from.plus(length) });
                spans.find(|span| span.to > at)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        let time: jiff::Timestamp = text.parse().unwrap();
        Timestamp(u64::try_from(time.as_microsecond()).unwrap())
    }

    fn weekly(days: &[usize], from: (u32, u32), to: (u32, u32)) -> Window {
        let mut chosen = [false; 7];
        days.iter().for_each(|day| chosen[*day] = true);
        Window::Weekly { days: chosen, from: from.0 * 60 + from.1, to: to.0 * 60 + to.1 }
    }

    fn told(span: Option<Span>) -> Option<(String, String)> {
        let text = |at: Timestamp| {
            jiff::Timestamp::from_microsecond(i64::try_from(at.0).unwrap()).unwrap().to_string()
        };
        span.map(|span| (text(span.from), text(span.to)))
    }

    fn span(from: &str, to: &str) -> Option<(String, String)> {
        Some((from.to_owned(), to.to_owned()))
    }

    #[test]
    fn a_weekly_window_is_in_china_time() {
        // Sunday, 22 November 2026, 02:00 in China is Saturday 18:00 UTC.
        let windows = Maintenance::new(vec![weekly(&[6], (2, 0), (4, 0))]);
        let this = span("2026-11-21T18:00:00Z", "2026-11-21T20:00:00Z");
        assert_eq!(told(windows.covering(at("2026-11-21T17:59:59Z"))), None);
        assert_eq!(told(windows.next(at("2026-11-21T17:59:59Z"))), this);
        assert_eq!(told(windows.covering(at("2026-11-21T18:00:00Z"))), this);
        assert_eq!(told(windows.covering(at("2026-11-21T19:59:59Z"))), this);
        assert_eq!(told(windows.covering(at("2026-11-21T20:00:00Z"))), None);
        let next = span("2026-11-28T18:00:00Z", "2026-11-28T20:00:00Z");
        assert_eq!(told(windows.next(at("2026-11-21T20:00:00Z"))), next);
    }

    #[test]
    fn a_window_may_go_over_midnight_and_others_may_follow_it() {
        let over = Maintenance::new(vec![weekly(&[6], (23, 0), (1, 30))]);
        let window = span("2026-11-22T15:00:00Z", "2026-11-22T17:30:00Z");
        assert_eq!(told(over.covering(at("2026-11-22T16:30:00Z"))), window);
        let whole = weekly(&[6], (0, 0), (24, 0));
        let once = Span { from: at("2026-11-22T15:30:00Z"), to: at("2026-11-23T00:00:00Z") };
        let chained =
            Maintenance::new(vec![whole, Window::Once(once), weekly(&[0], (8, 0), (9, 0))]);
        let all = span("2026-11-21T16:00:00Z", "2026-11-23T01:00:00Z");
        assert_eq!(told(chained.covering(at("2026-11-22T10:00:00Z"))), all);
    }

    #[test]
    fn a_single_window_happens_once() {
        let once = Span { from: at("2026-11-22T15:30:00Z"), to: at("2026-11-23T00:00:00Z") };
        let windows = Maintenance::new(vec![Window::Once(once)]);
        assert_eq!(windows.next(at("2026-01-01T00:00:00Z")), Some(once));
        assert_eq!(windows.covering(at("2026-11-22T20:00:00Z")), Some(once));
        assert_eq!(windows.next(once.to), None);
        assert_eq!(Maintenance::default().next(once.from), None);
    }

    #[test]
    fn of_windows_that_have_begun_the_one_that_ends_last_is_told() {
        let day = |from: &str, to: &str| Window::Once(Span { from: at(from), to: at(to) });
        let short = day("2026-11-22T00:00:00Z", "2026-11-22T12:00:00Z");
        let long = day("2026-11-21T00:00:00Z", "2026-11-23T00:00:00Z");
        let expected = span("2026-11-21T00:00:00Z", "2026-11-23T00:00:00Z");
        for windows in [vec![short.clone(), long.clone()], vec![long, short]] {
            let windows = Maintenance::new(windows);
            assert_eq!(told(windows.next(at("2026-11-22T06:00:00Z"))), expected);
        }
    }

    #[test]
    fn a_window_all_week_has_an_end_that_is_told() {
        let always = Maintenance::new(vec![weekly(&[0, 1, 2, 3, 4, 5, 6], (0, 0), (24, 0))]);
        let now = at("2026-11-22T10:00:00Z");
        assert!(always.covering(now).is_some_and(|span| span.to > now));
    }
}
