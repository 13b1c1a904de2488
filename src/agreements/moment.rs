//! Moments in signed texts: RFC 3339 and nothing beyond it.
//!
//! The library reads more: annotations such as `[Europe/Paris]` that it then ignores, a 61st second that it takes for
//! the 60th, more digits than are kept. Each would be one thing on paper and another in force.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// The largest distance from UTC that any clock on earth keeps, hours.
const FARTHEST_HOURS: u32 = 14;

/// Reads one; for `#[serde(deserialize_with)]`.
///
/// # Errors
/// When it is not of the form `2026-01-01T00:00:00+08:00`, at most with a fraction of six digits.
pub(super) fn read<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<jiff::Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    let read = if is_plain(&text) { text.parse().ok() } else { None };
    read.ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        D::Error::custom(format!("`{shown}` is no time such as `2026-01-01T00:00:00+08:00`"))
    })
}

/// The same of one that may be left out.
///
/// # Errors
/// When it is there in another form, `null` among them.
pub(super) fn read_some<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<jiff::Timestamp>, D::Error> {
    read(deserializer).map(Some)
}

fn is_plain(text: &str) -> bool {
    let Some((clock, rest)) = text.split_at_checked("2026-01-01T00:00:00".len()) else {
        return false;
    };
    let is_clock = clock
        .bytes()
        .zip("dddd-dd-ddTdd:dd:dd".bytes())
        .all(|(byte, form)| if form == b'd' { byte.is_ascii_digit() } else { byte == form });
    let offset = match rest.strip_prefix('.') {
        None => rest,
        Some(rest) => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            if !(1..=6).contains(&digits) {
                return false;
            }
            rest.get(digits..).unwrap_or_default()
        }
    };
    is_clock && !clock.ends_with(":60") && is_offset(offset)
}

/// `-00:00` is none: it stands for "somewhere".
fn is_offset(text: &str) -> bool {
    if text == "Z" {
        return true;
    }
    let two = |text: &str| -> Option<u32> {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        if digits { text.parse().ok() } else { None }
    };
    let Some((hours, minutes)) = text.get(1..).and_then(|rest| rest.split_once(':')) else {
        return false;
    };
    let (Some(hours), Some(minutes)) = (two(hours), two(minutes)) else { return false };
    let is_near = minutes < 60 && hours * 60 + minutes <= FARTHEST_HOURS * 60;
    is_near && (text.starts_with('+') || text.starts_with('-') && hours + minutes > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct At(#[serde(deserialize_with = "read")] jiff::Timestamp);

    fn at(text: &str) -> Option<i64> {
        serde_json::from_value::<At>(text.into()).ok().map(|At(at)| at.as_microsecond())
    }

    #[test]
    fn only_what_says_one_moment_is_read() {
        for text in [
            "2026-01-01T08:00:00+08:00",
            "2026-01-01T00:00:00Z",
            "2026-01-01T00:00:00.000000Z",
            "2025-12-31T18:30:00-05:30",
        ] {
            assert_eq!(at(text), Some(1_767_225_600_000_000), "{text}");
        }
        for text in [
            "2026-01-01T08:00:00+08:00[Europe/Paris]",
            "2026-01-01T08:00:00[Asia/Shanghai]",
            "2026-01-01 08:00:00+08:00",
            "2026-01-01t08:00:00z",
            "20260101T080000Z",
            "2026-01-01T08:00Z",
            "2026-01-01T08:00:60Z",
            "2026-01-01T08:00:00.Z",
            "2026-01-01T08:00:00.0000001Z",
            "2026-01-01T08:00:00,5Z",
            "2026-01-01T08:00:00+08",
            "2026-01-01T08:00:00+0800",
            "2026-01-01T08:00:00+08:00:01",
            "2026-01-01T08:00:00+15:00",
            "2026-01-01T08:00:00+08:60",
            "2026-01-01T08:00:00-00:00",
            "2026-01-01T08:00:00−08:00",
            "2026-02-30T08:00:00Z",
            "2026-01-01T25:00:00Z",
            "+002026-01-01T08:00:00Z",
            "２０２６-01-01T08:00:00Z",
            "2026-01-01",
            "",
        ] {
            assert_eq!(at(text), None, "{text}");
        }
    }
}
