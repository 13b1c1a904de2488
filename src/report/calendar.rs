//! Days and months as agencies count them: China time, whatever the auditor's machine says.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::civil::{Date, DateTime};
use jiff::tz::{TimeZone, offset};

use crate::query::time::Timestamp;

const SECONDS_PER_DAY: u64 = 86_400;

/// The clock on the wall in China.
pub fn in_china(at: Timestamp) -> DateTime {
    let micros = i64::try_from(at.0).unwrap_or(i64::MAX);
    let at = jiff::Timestamp::from_microsecond(micros).unwrap_or(jiff::Timestamp::MAX);
    at.to_zoned(TimeZone::fixed(offset(8))).datetime()
}

/// `2026-11-23 14:03:05.123`, China time.
pub fn moment(at: Timestamp) -> String {
    in_china(at).strftime("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

/// `2026-11-23T14:03:05.123456+08:00`, for programs.
pub fn exact(at: Timestamp) -> String {
    in_china(at).strftime("%Y-%m-%dT%H:%M:%S%.6f+08:00").to_string()
}

/// `2026-11-23` of a day's number as [`Timestamp::china_day`] counts.
pub fn day(number: u64) -> String {
    let noon = number.saturating_mul(SECONDS_PER_DAY).saturating_add(SECONDS_PER_DAY / 6);
    in_china(Timestamp::from_seconds(noon)).date().to_string()
}

/// A calendar month in China.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    year: i16,
    month: i8,
}

impl Month {
    /// The month of a moment.
    pub fn of(at: Timestamp) -> Self {
        let date = in_china(at).date();
        Self { year: date.year(), month: date.month() }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl FromStr for Month {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no month: write it like 2026-11");
        let date: Date = format!("{text}-01").parse().map_err(|_| wrong())?;
        let month = Self { year: date.year(), month: date.month() };
        if month.to_string() == text { Ok(month) } else { Err(wrong()) }
    }
}

/// A span of time, open where nothing is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// First moment inside.
    pub from: Option<Timestamp>,
    /// First moment after.
    pub until: Option<Timestamp>,
}

impl Range {
    /// True when the moment is inside.
    pub fn holds(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at < until)
    }
}

/// A day `2026-11-23`, from its beginning in China, or a moment `2026-11-23T14:30`.
///
/// # Errors
/// What to write instead.
pub fn beginning(text: &str) -> Result<Timestamp, String> {
    instant(text).map(|(at, _)| at)
}

/// The end of a day `2026-11-23`, which is inside, or a moment `2026-11-23T14:30`, which is not.
///
/// # Errors
/// What to write instead.
pub fn end(text: &str) -> Result<Timestamp, String> {
    let (at, is_day) = instant(text)?;
    let day = Duration::from_secs(if is_day { SECONDS_PER_DAY } else { 0 });
    Ok(at.plus(day))
}

/// Whether the text named a whole day is the second part.
fn instant(text: &str) -> Result<(Timestamp, bool), String> {
    let wrong =
        || format!("`{text}` is no day such as 2026-11-23 and no moment such as 2026-11-23T14:30");
    let is_day = !text.contains(['T', ' ']);
    let civil: DateTime = match is_day {
        true => {
            text.parse::<Date>().map_err(|_| wrong())?.to_datetime(jiff::civil::Time::midnight())
        }
        false => text.parse().map_err(|_| wrong())?,
    };
    let zoned = civil.to_zoned(TimeZone::fixed(offset(8))).map_err(|_| wrong())?;
    let micros = u64::try_from(zoned.timestamp().as_microsecond()).map_err(|_| wrong())?;
    Ok((Timestamp(micros), is_day))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-01T00:00:00 in China.
    const NOVEMBER: u64 = 1_793_462_400;

    #[test]
    fn months_turn_over_at_midnight_in_china() {
        let november = Timestamp::from_seconds(NOVEMBER);
        assert_eq!(Month::of(november).to_string(), "2026-11");
        assert_eq!(Month::of(Timestamp(november.0 - 1)).to_string(), "2026-10");
        assert_eq!(moment(Timestamp(november.0 - 1)), "2026-10-31 23:59:59.999");
        assert_eq!(exact(november), "2026-11-01T00:00:00.000000+08:00");
        assert_eq!(day(november.china_day()), "2026-11-01");
        assert_eq!("2026-11".parse::<Month>().unwrap(), Month::of(november));
        for wrong in ["2026-13", "2026-1", "2026", "2026-11-01", ""] {
            assert!(wrong.parse::<Month>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_range_holds_its_last_day() {
        let november = Timestamp::from_seconds(NOVEMBER);
        assert_eq!(beginning("2026-11-01").unwrap(), november);
        assert_eq!(beginning("2026-11-01T08:00").unwrap().0 - november.0, 8 * 3_600_000_000);
        assert_eq!(end("2026-11-01").unwrap().0 - november.0, 86_400_000_000);
        assert_eq!(end("2026-11-01T00:00:00").unwrap(), november);
        for wrong in ["yesterday", "2026-11", "2026-02-30", "2026-11-01T25:00", "1969-01-01"] {
            assert!(beginning(wrong).is_err(), "{wrong}");
        }
        let range = Range { from: Some(november), until: end("2026-11-01").ok() };
        assert!(range.holds(november) && !range.holds(Timestamp(november.0 - 1)));
        assert!(!range.holds(end("2026-11-01").unwrap()));
        assert!(Range::default().holds(november));
    }
}
