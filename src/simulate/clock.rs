//! The agencies' own clock: the machine's, moved by as much as a test or an operator likes. A skewed clock is one of the
//! faults real agencies have.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::calendar::Day;
use crate::clock;

/// Milliseconds in a day.
const DAY_MS: i64 = 86_400_000;
/// China is eight hours ahead of UTC all year.
const CHINA_MS: i64 = 8 * 3_600_000;

/// A clock that can be moved. Clones share the move.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    moved_ms: Arc<AtomicI64>,
}

impl Clock {
    /// Milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        let real = i64::try_from(clock::now().0 / 1000).unwrap_or(i64::MAX);
        real.saturating_add(self.moved_ms.load(Ordering::Relaxed))
    }

    /// Sets the clock this far ahead of the machine's; may be negative, in milliseconds.
    pub fn move_to(&self, milliseconds: i64) {
        self.moved_ms.store(milliseconds, Ordering::Relaxed);
    }

    /// Lets time pass for the agencies.
    pub fn advance(&self, by: Duration) {
        self.moved_ms.fetch_add(i64::try_from(by.as_millis()).unwrap_or(0), Ordering::Relaxed);
    }

    /// Today in China.
    pub fn today(&self) -> Day {
        Day::from_unix_days((self.now_ms() + CHINA_MS).div_euclid(DAY_MS))
    }

    /// The next midnight in China, milliseconds since 1970.
    pub fn next_midnight_ms(&self) -> i64 {
        ((self.now_ms() + CHINA_MS).div_euclid(DAY_MS) + 1) * DAY_MS - CHINA_MS
    }

    /// `2026-11-23 09:30:00`, China time.
    pub fn text(&self) -> String {
        let local = self.now_ms() + CHINA_MS;
        let seconds = local.rem_euclid(DAY_MS) / 1000;
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        format!("{} {hour:02}:{minute:02}:{second:02}", self.today().iso())
    }

    /// True when a moment (milliseconds since 1970) is no more than `window` away, before or after.
    pub fn is_near(&self, moment_ms: i64, window: Duration) -> bool {
        u128::from(self.now_ms().abs_diff(moment_ms)) <= window.as_millis()
    }
}
