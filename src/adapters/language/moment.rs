//! Dates, months, times and amounts in the forms agencies write them. China time is UTC+8 all year.

use jiff::civil::{Date, DateTime};
use jiff::fmt::rfc2822::DateTimePrinter;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};

/// A text is no date in any of the agencies' forms.
pub(super) const NO_DATE: &str = "the text is no date";
/// A text is no amount of yuan.
pub(super) const NO_AMOUNT: &str = "the text is no amount of yuan";
/// A text or a time does not fit its pattern.
pub(super) const NO_MATCH: &str = "the text does not fit the pattern";

const CHINA: Offset = Offset::constant(8);
/// The unit of each letter group of a pattern, with its width.
const GROUPS: [&str; 6] = ["yyyy", "MM", "dd", "HH", "mm", "ss"];
/// What agencies write where there is no date.
const ABSENT: [&str; 6] = ["", "null", "NULL", "无", "—", "——"];

/// Milliseconds since 1970 as China time in `pattern`.
pub(crate) fn write(ms: i64, pattern: &str) -> Result<String, &'static str> {
    let at = Timestamp::from_millisecond(ms).map_err(|_| NO_MATCH)?;
    let at: Zoned = at.to_zoned(TimeZone::fixed(CHINA));
    let fields = [
        i32::from(at.year()),
        at.month().into(),
        at.day().into(),
        at.hour().into(),
        at.minute().into(),
        at.second().into(),
    ];
    let mut written = String::with_capacity(pattern.len());
    for piece in pieces(pattern) {
        match piece {
            Piece::Field(field, width) => {
                let value = fields.get(field).ok_or(NO_MATCH)?;
                written.push_str(&format!("{value:0width$}"));
            }
            Piece::Literal(literal) => written.push(literal),
        }
    }
    Ok(written)
}

/// Milliseconds since 1970 as the date of HTTP, which is that of RFC 1123: `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(super) fn http_date(ms: i64) -> Result<String, &'static str> {
    let at = Timestamp::from_millisecond(ms).map_err(|_| NO_MATCH)?;
    DateTimePrinter::new().timestamp_to_rfc9110_string(&at).map_err(|_| NO_MATCH)
}

/// Milliseconds since 1970 of a China time written in `pattern`.
pub(crate) fn read(text: &str, pattern: &str) -> Result<i64, &'static str> {
    let mut fields = [1970_i16, 1, 1, 0, 0, 0];
    let mut rest = text;
    for piece in pieces(pattern) {
        match piece {
            Piece::Field(field, width) => {
                let (digits, after) = rest.split_at_checked(width).ok_or(NO_MATCH)?;
                let place = fields.get_mut(field).ok_or(NO_MATCH)?;
                *place = number(digits).ok_or(NO_MATCH)?;
                rest = after;
            }
            Piece::Literal(literal) => rest = rest.strip_prefix(literal).ok_or(NO_MATCH)?,
        }
    }
    let [year, month, day, hour, minute, second] = fields;
    let small = |value: i16| i8::try_from(value).map_err(|_| NO_MATCH);
    let civil = DateTime::new(
        year,
        small(month)?,
        small(day)?,
        small(hour)?,
        small(minute)?,
        small(second)?,
        0,
    )
    .map_err(|_| NO_MATCH)?;
    if !rest.is_empty() {
        return Err(NO_MATCH);
    }
    CHINA.to_timestamp(civil).map(Timestamp::as_millisecond).map_err(|_| NO_MATCH)
}

/// `YYYY-MM-DD`, or `None` where the agency has no date.
pub(super) fn date(text: &str) -> Result<Option<String>, &'static str> {
    let text = text.trim();
    if ABSENT.contains(&text) {
        return Ok(None);
    }
    let (year, month, day) = calendar(text).ok_or(NO_DATE)?;
    let date = Date::new(year, month, day.ok_or(NO_DATE)?).map_err(|_| NO_DATE)?;
    // The default of many databases, not a day anything happened.
    if date == Date::constant(1900, 1, 1) {
        return Ok(None);
    }
    Ok(Some(format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day())))
}

/// `YYYY-MM`, or `None` where the agency has no month.
pub(super) fn month(text: &str) -> Result<Option<String>, &'static str> {
    let text = text.trim();
    if ABSENT.contains(&text) {
        return Ok(None);
    }
    let (year, month, day) = calendar(text).ok_or(NO_DATE)?;
    let date = Date::new(year, month, day.unwrap_or(1)).map_err(|_| NO_DATE)?;
    if date == Date::constant(1900, 1, 1) {
        return Ok(None);
    }
    Ok(Some(format!("{:04}-{:02}", date.year(), date.month())))
}

/// Yuan as text to fen. More than two decimals are refused unless they are zeros.
pub(super) fn fen(text: &str) -> Result<i64, &'static str> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (yuan, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    let yuan = ungrouped(yuan).ok_or(NO_AMOUNT)?;
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if yuan.is_empty() || !all_digits(&yuan) || !all_digits(decimals) {
        return Err(NO_AMOUNT);
    }
    let (cents, beyond) = decimals.split_at(decimals.len().min(2));
    if beyond.bytes().any(|byte| byte != b'0') {
        return Err(NO_AMOUNT);
    }
    let fen: i64 = format!("{yuan}{cents:0<2}").parse().map_err(|_| NO_AMOUNT)?;
    Ok(if negative { -fen } else { fen })
}

/// The digits without the commas between groups of three of them; `None` where a comma stands elsewhere.
fn ungrouped(digits: &str) -> Option<String> {
    let mut groups = digits.split(',');
    let first = groups.next()?;
    let is_grouped = digits.len() > first.len();
    let are_whole = !is_grouped || (1..=3).contains(&first.len());
    (are_whole && groups.all(|group| group.len() == 3)).then(|| digits.replace(',', ""))
}

enum Piece {
    /// Position in [`GROUPS`], and its width.
    Field(usize, usize),
    Literal(char),
}

fn pieces(pattern: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = pattern;
    while let Some(next) = rest.chars().next() {
        let group = GROUPS.iter().enumerate().find(|(_, letters)| rest.starts_with(**letters));
        let width = group.map_or(next.len_utf8(), |(_, letters)| letters.len());
        pieces.push(group.map_or(Piece::Literal(next), |(field, _)| Piece::Field(field, width)));
        rest = rest.get(width..).unwrap_or_default();
    }
    pieces
}

fn number(digits: &str) -> Option<i16> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// Year, month and, when there is one, day of `20180131`, `2018-1-31`, `2018/01/31 09:30:00.0`, `2018年1月31日`,
/// `20180131093000`, `201801` and `2018-01`. What follows the day must be a time of day in China.
fn calendar(text: &str) -> Option<(i16, i8, Option<i8>)> {
    let (day_part, time_part) = match text.split_once([' ', 'T']) {
        Some((day_part, time_part)) => (day_part, Some(time_part)),
        None => (text, None),
    };
    let parts = day_of(day_part)?;
    match time_part {
        None => Some(parts),
        // A month, or a time already, with a time after it is neither.
        Some(_) if parts.2.is_none() || day_part.len() == 14 => None,
        Some(time_part) => is_time_in_china(time_part.trim_start()).then_some(parts),
    }
}

fn day_of(day_part: &str) -> Option<(i16, i8, Option<i8>)> {
    if day_part.bytes().all(|byte| byte.is_ascii_digit()) {
        let part = |from: usize, to: usize| number(day_part.get(from..to)?);
        let day = match day_part.len() {
            6 => None,
            8 => Some(i8::try_from(part(6, 8)?).ok()?),
            14 if is_clock(part(8, 10)?, part(10, 12)?, part(12, 14)?) => {
                Some(i8::try_from(part(6, 8)?).ok()?)
            }
            _ => return None,
        };
        return Some((part(0, 4)?, i8::try_from(part(4, 6)?).ok()?, day));
    }
    let day_part = day_part.trim_end_matches(['日', '月']);
    let mut parts = day_part.split(['-', '/', '.', '年', '月']);
    let year = parts.next().filter(|year| year.len() == 4).and_then(number)?;
    let mut small = || -> Option<Option<i8>> {
        let Some(part) = parts.next() else { return Some(None) };
        let value = Some(part).filter(|part| (1..=2).contains(&part.len())).and_then(number)?;
        Some(Some(i8::try_from(value).ok()?))
    };
    let (month, day) = (small()??, small()?);
    parts.next().is_none().then_some((year, month, day))
}

/// `9:30`, `09:30:00`, `09:30:00.000` or `093000`, and after it nothing or China's offset. Any other offset is refused:
/// which day it means depends on the summer times China has had.
fn is_time_in_china(text: &str) -> bool {
    let clock = ["+08:00", "+0800", "+08"].iter().find_map(|offset| text.strip_suffix(offset));
    let clock = clock.unwrap_or(text).trim_end();
    let (clock, fraction) = match clock.split_once('.') {
        Some((clock, fraction)) => (clock, Some(fraction)),
        None => (clock, None),
    };
    let is_fraction = |digits: &str| {
        (1..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !fraction.is_none_or(is_fraction) {
        return false;
    }
    let two = |part: &str| number(part).filter(|_| part.len() == 2);
    let parts: Vec<&str> = match clock.split_at_checked(2) {
        Some((hour, rest)) if clock.len() == 6 && !clock.contains(':') => {
            match rest.split_at_checked(2) {
                Some((minute, second)) => vec![hour, minute, second],
                None => return false,
            }
        }
        _ => clock.split(':').collect(),
    };
    let (hour, minute, second) = match parts.as_slice() {
        [hour, minute] if fraction.is_none() => (*hour, *minute, Some(0)),
        [hour, minute, second] => (*hour, *minute, two(second)),
        _ => return false,
    };
    let hour = number(hour).filter(|_| (1..=2).contains(&hour.len()));
    match (hour, two(minute), second) {
        (Some(hour), Some(minute), Some(second)) => is_clock(hour, minute, second),
        _ => false,
    }
}

fn is_clock(hour: i16, minute: i16, second: i16) -> bool {
    hour < 24 && minute < 60 && second < 60
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_in_the_forms_agencies_write() {
        let same = ["20180131", "2018-01-31", "2018-1-31", "2018/01/31", "2018.1.31"];
        let timed =
            ["2018-01-31 09:30:00.0", "20180131093000", "2018-01-31T09:30:00", "2018年1月31日"];
        for text in same.into_iter().chain(timed) {
            assert_eq!(date(text), Ok(Some("2018-01-31".to_owned())), "{text}");
        }
        for text in ["", " ", "null", "无", "—", "1900-01-01", "19000101", "1900-01-01 00:00:00.0"]
        {
            assert_eq!(date(text), Ok(None), "{text}");
        }
        for text in
            ["2018-02-30", "31.01.2018", "2018", "201801", "yesterday", "2018-01-31-01", "一"]
        {
            assert_eq!(date(text), Err(NO_DATE), "{text}");
        }
    }

    #[test]
    fn what_follows_a_day_is_a_time_in_china_or_the_text_is_no_date() {
        for text in [
            "2018-01-31T00:00:00.000+08:00",
            "2018-01-31T09:30:00+0800",
            "2018-01-31 09:30:00 +08",
            "2018/1/31 0:00:00",
            "2018/1/31 9:30",
            "20180131 093000",
            "20180131235959",
            "2018年1月31日 09:30:00.123456789",
        ] {
            assert_eq!(date(text), Ok(Some("2018-01-31".to_owned())), "{text}");
            assert_eq!(month(text), Ok(Some("2018-01".to_owned())), "{text}");
        }
        for text in [
            "2018-01-30T16:00:00.000+00:00",
            "2018-01-30T16:00:00.000Z",
            "1988-06-15T00:00:00.000+09:00",
            "2018-01-30 16:00:00-08:00",
            "2018-01-30 or thereabouts",
            "2018-01-30 x",
            "2018-01-30T",
            "2018-01-30T24:00:00",
            "2018-01-30T12:60:00",
            "2018-01-30T12:00:00.",
            "2018-01-30T12:00.5",
            "2018-01-30T12",
            "2018-01-30 2018-01-31",
            "20180131999999",
            "20180131093000 09:30:00",
            "20180131Z",
            "2018-01 09:30:00",
            "201801 09:30:00",
        ] {
            assert_eq!(date(text), Err(NO_DATE), "{text}");
            assert_eq!(month(text), Err(NO_DATE), "{text}");
        }
    }

    #[test]
    fn months_in_the_forms_agencies_write() {
        for text in ["201802", "2018-02", "2018年2月", "2018-02-28", "20180228"] {
            assert_eq!(month(text), Ok(Some("2018-02".to_owned())), "{text}");
        }
        assert_eq!(month("201813"), Err(NO_DATE));
        assert_eq!(month("无"), Ok(None));
    }

    #[test]
    fn times_are_china_time() {
        assert_eq!(write(0, "yyyy-MM-dd HH:mm:ss"), Ok("1970-01-01 08:00:00".to_owned()));
        assert_eq!(write(1_700_000_000_000, "yyyyMMddHHmmss"), Ok("20231115061320".to_owned()));
        assert_eq!(read("20231115061320", "yyyyMMddHHmmss"), Ok(1_700_000_000_000));
        assert_eq!(read("2023年11月15日", "yyyy年MM月dd日"), Ok(1_699_977_600_000));
        for wrong in
            ["2023-11-15", "20231115", "20231315061320", "2023111506132x", "202311150613201"]
        {
            assert_eq!(read(wrong, "yyyyMMddHHmmss"), Err(NO_MATCH), "{wrong}");
        }
        assert_eq!(write(i64::MAX, "yyyy"), Err(NO_MATCH));
    }

    #[test]
    fn dates_of_http_are_in_greenwich() {
        assert_eq!(http_date(784_111_777_999), Ok("Sun, 06 Nov 1994 08:49:37 GMT".to_owned()));
        assert_eq!(http_date(1_700_000_000_000), Ok("Tue, 14 Nov 2023 22:13:20 GMT".to_owned()));
        assert_eq!(http_date(i64::MAX), Err(NO_MATCH));
        assert!(http_date(-62_200_000_000_000).is_err(), "before the year 1");
    }

    #[test]
    fn yuan_to_fen_without_a_floating_point_number() {
        for (text, expected) in [
            ("1234.56", 123_456),
            ("0.1", 10),
            ("12", 1_200),
            ("1,234.5000", 123_450),
            ("-3.00", -300),
        ] {
            assert_eq!(fen(text), Ok(expected), "{text}");
        }
        for (text, expected) in
            [("1,234,567", 123_456_700), ("123,456.7", 12_345_670), ("-1,000", -100_000)]
        {
            assert_eq!(fen(text), Ok(expected), "{text}");
        }
        for wrong in
            ["1234,56", "1,23", "1,2345", ",123", "1,,234", "1234,567", "12,34.56", "1,", ","]
        {
            assert_eq!(fen(wrong), Err(NO_AMOUNT), "{wrong}");
        }
        for wrong in ["", "1.234", "1e3", "十", ".", "99999999999999999999", "1.-5"] {
            assert_eq!(fen(wrong), Err(NO_AMOUNT), "{wrong}");
        }
    }
}
