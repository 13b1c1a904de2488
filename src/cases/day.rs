//! A day in its one form, `YYYY-MM-DD`.
//!
//! Days go into entries in clear. The library that reads them takes other forms too, some with annotations that may say
//! anything; so a text is a day only when it is what the day is written as.

use jiff::civil::Date;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The day, if this is its form.
pub fn read(text: &str) -> Option<Date> {
    text.parse::<Date>().ok().filter(|day| day.to_string() == text)
}

/// Writes a day, as entries hold it.
pub(super) fn serialize<S: Serializer>(day: &Date, serializer: S) -> Result<S::Ok, S::Error> {
    day.to_string().serialize(serializer)
}

/// Reads a day back from an entry. The error does not repeat what stood there.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    let text = String::deserialize(deserializer)?;
    read(&text).ok_or_else(|| D::Error::custom("not a day, such as 2026-10-12"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::Attached;
    use crate::crypto::Digest;

    const OTHER_FORMS: [&str; 9] = [
        "2026-10-12[Zhang-San-11010519491231002X]",
        "2026-10-12[x=11010519491231002X]",
        "2026-10-12T08:00:00",
        "2026-10-12T00:00:00+08:00",
        "20261012",
        "+002026-10-12",
        " 2026-10-12",
        "2026-02-30",
        "",
    ];

    #[test]
    fn a_day_has_one_form() {
        assert_eq!(read("2026-10-12"), Some(jiff::civil::date(2026, 10, 12)));
        for other in OTHER_FORMS {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[test]
    fn an_entry_holds_a_day_as_it_did_and_nothing_else_in_its_place() {
        let attached = Attached {
            issuer: "bank".to_owned(),
            digest: Digest::default(),
            issued_on: jiff::civil::date(2026, 10, 12),
        };
        let whole = serde_json::to_string(&attached).unwrap();
        assert!(whole.contains(r#""issued_on":"2026-10-12""#), "{whole}");
        assert_eq!(serde_json::from_str::<Attached>(&whole).unwrap(), attached);
        let text = |day: &str| whole.replace("2026-10-12", day);
        for other in OTHER_FORMS {
            let error = serde_json::from_str::<Attached>(&text(other)).unwrap_err().to_string();
            assert!(!error.contains("Zhang") && !error.contains("1101"), "{error}");
        }
    }
}
