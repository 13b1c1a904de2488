//! Days in China, and the names of a vault's keys: a day and a version. Pure.

use std::fmt;
use std::str::FromStr;

use jiff::Span;
use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

use crate::query::time::Timestamp;

/// A day in China, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub u32);

/// The day's key of that version; versions count from 1 and rise whenever one is destroyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName {
    /// The day whose entries it serves.
    pub day: Day,
    /// From 1.
    pub version: u32,
}

/// Why a text is no day and no key.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is no day such as `2026-11-23`, and no day's key such as `2026-11-23.1`")]
pub struct NoDay(String);

impl Day {
    /// The day of that moment.
    pub fn of(at: Timestamp) -> Self {
        Self(u32::try_from(at.china_day()).unwrap_or(u32::MAX))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = Span::new().try_days(i64::from(self.0));
        match days.and_then(|days| Date::constant(1970, 1, 1).checked_add(days)) {
            Ok(date) => write!(f, "{date}"),
            // Beyond the year 9999 there are only numbers.
            Err(_) => write!(f, "day-{}", self.0),
        }
    }
}

impl FromStr for Day {
    type Err = NoDay;

    fn from_str(text: &str) -> Result<Self, NoDay> {
        let wrong = || NoDay(text.to_owned());
        let date: Date = text.parse().map_err(|_| wrong())?;
        let days = Date::constant(1970, 1, 1).until(date).map_err(|_| wrong())?.get_days();
        let day = Self(u32::try_from(days).map_err(|_| wrong())?);
        // One form only: it becomes part of an entry and of file names.
        if day.to_string() == text { Ok(day) } else { Err(wrong()) }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.day, self.version)
    }
}

impl FromStr for KeyName {
    type Err = NoDay;

    fn from_str(text: &str) -> Result<Self, NoDay> {
        let wrong = || NoDay(text.to_owned());
        let (day, version) = text.split_once('.').ok_or_else(wrong)?;
        let name = Self { day: day.parse()?, version: version.parse().map_err(|_| wrong())? };
        if name.version > 0 && name.to_string() == text { Ok(name) } else { Err(wrong()) }
    }
}

/// Written as text, so that both can be keys of a map.
macro_rules! as_text {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

as_text!(Day);
as_text!(KeyName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn have_one_name_each() {
        let at = Timestamp::from_seconds(1_795_392_000 + 16 * 3600);
        assert_eq!(Day::of(at).to_string(), "2026-11-24");
        let name: KeyName = "2026-11-24.2".parse().unwrap();
        assert_eq!((name.day, name.version), (Day::of(at), 2));
        assert_eq!(name.to_string(), "2026-11-24.2");
        for wrong in
            ["2026-11-24", "2026-11-24.0", "2026-11-24.01", "20261124.1", "x.1", "1969-12-31.1"]
        {
            assert!(wrong.parse::<KeyName>().is_err(), "{wrong}");
        }
    }
}
