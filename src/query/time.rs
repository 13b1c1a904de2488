//! Points in time, as values. Nothing here reads a clock.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

/// China Standard Time is UTC+8 all year; agreements, quotas and serving hours are in it.
const CHINA_OFFSET_SECONDS: u64 = 8 * 3600;

const SECONDS_PER_DAY: u64 = 86_400;

impl Timestamp {
    /// The time `seconds` after the epoch.
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// Whole seconds since the epoch.
    pub const fn seconds(self) -> u64 {
        self.0 / 1_000_000
    }

    /// The day that it is in China.
    pub fn day_in_china(self) -> jiff::civil::Date {
        let micros = i64::try_from(self.0).unwrap_or(i64::MAX);
        let at = jiff::Timestamp::from_microsecond(micros).unwrap_or(jiff::Timestamp::MAX);
        jiff::tz::offset(8).to_datetime(at).date()
    }

    /// This much later.
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)))
    }

    /// How much later this is than `earlier`; zero when it is not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// Number of the day in China since 1970-01-01.
    pub const fn china_day(self) -> u64 {
        (self.seconds() + CHINA_OFFSET_SECONDS) / SECONDS_PER_DAY
    }

    /// Number of the month in China since January 1970.
    pub const fn china_month(self) -> u64 {
        // Civil from days, with years that begin in March so that the leap day is the last (H. Hinnant, "chrono-compatible
        // low-level date algorithms").
        let days = self.china_day() + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        // March 1970 is month 2.
        (era * 400 + year_of_era) * 12 + month_from_march + 2 - 1970 * 12
    }

    /// Minutes since midnight in China.
    pub const fn china_minute_of_day(self) -> u32 {
        (((self.seconds() + CHINA_OFFSET_SECONDS) % SECONDS_PER_DAY) / 60) as u32
    }

    /// Day of the week in China, Monday = 0.
    pub const fn china_weekday(self) -> u32 {
        ((self.china_day() + 3) % 7) as u32
    }
}

/// Durations in files: `"500ms"`, `"2s"`, `"1h 30m"`, `"3d"`.
pub mod span {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, de};

    /// Reads one duration.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(deserializer)?;
        humantime::parse_duration(&text).map_err(|error| {
            de::Error::custom(format!("`{text}` is no duration such as \"2s\" or \"3d\": {error}"))
        })
    }

    /// The same where the key may be missing; use with `#[serde(default)]`.
    pub mod optional {
        use super::{Deserializer, Duration};

        /// Reads one duration that is there.
        pub fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<Duration>, D::Error> {
            super::deserialize(deserializer).map(Some)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_those_of_the_calendar() {
        let mut day = jiff::civil::date(1970, 1, 1);
        for number in 0..60_000 {
            let at = Timestamp::from_seconds(number * SECONDS_PER_DAY);
            let month = i64::from(day.year() - 1970) * 12 + i64::from(day.month()) - 1;
            assert_eq!(i64::try_from(at.china_month()), Ok(month), "{day}");
            day = day.tomorrow().unwrap();
        }
        let last = Timestamp::from_seconds(1_790_783_999);
        assert_eq!(
            (last.china_month(), last.plus(Duration::from_secs(1)).china_month()),
            (680, 681)
        );
    }

    #[test]
    fn china_days_turn_over_at_sixteen_hours_utc() {
        let thursday = Timestamp::from_seconds(16 * 3600 - 1);
        assert_eq!((thursday.china_day(), thursday.china_weekday()), (0, 3));
        let friday = Timestamp::from_seconds(16 * 3600);
        assert_eq!((friday.china_day(), friday.china_weekday()), (1, 4));
        assert_eq!(friday.china_minute_of_day(), 0);
        // 2026-11-23T15:59:59Z is a second before midnight in China.
        let before = Timestamp::from_seconds(1_795_449_599);
        assert_eq!(before.day_in_china(), jiff::civil::date(2026, 11, 23));
        let midnight = Timestamp::from_seconds(1_795_449_600);
        assert_eq!(midnight.day_in_china(), jiff::civil::date(2026, 11, 24));
    }
}
