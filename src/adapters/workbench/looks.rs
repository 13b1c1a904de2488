//! What a value looks like: a time, an amount or a code, which are nobody's, or a number, a telephone or an address of somebody.

use super::invented::{Kind, kind};

/// Letters and digits of a code.
const CODE_MOST: usize = 6;
/// In the place of every address.
pub(super) const ADDRESS: &str = "somebody@example.cn";
/// Words that replies are full of.
const WORDS: [&str; 16] = [
    "true", "false", "null", "none", "ok", "success", "fail", "failed", "failure", "error", "yes",
    "no", "Server", "Client", "Sender", "Receiver",
];

/// True of times, amounts and short numbers.
pub(super) fn is_harmless(text: &str) -> bool {
    is_time(text) || is_moment(text) || is_amount(text)
}

/// True of a run of letters and digits that is a code by its form: short, and no word of letters but those that replies are
/// full of.
pub(super) fn is_code(run: &str) -> bool {
    let letters = run.bytes().filter(u8::is_ascii_alphabetic).count();
    // The number of a car is a letter and five digits.
    let most = if letters > 0 { CODE_MOST - 1 } else { CODE_MOST };
    let is_short = run.len() <= most && run.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let is_word = WORDS.iter().any(|word| word.eq_ignore_ascii_case(run));
    is_word || (is_short && (letters < run.len() || letters <= 2))
}

/// A date, or a date and a time, of these centuries: `20260131`, `2026-01-31T08:00:00.000+08:00`, `202601`.
fn is_time(text: &str) -> bool {
    let is_sign = |byte: u8| byte.is_ascii_digit() || b"-/:.+TZ ".contains(&byte);
    if text.len() > 32 || !text.bytes().all(is_sign) {
        return false;
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let part =
        |from: usize, to: usize| digits.get(from..to).and_then(|part| part.parse::<u32>().ok());
    let is_within = |part: Option<u32>, first: u32, last: u32| {
        part.is_some_and(|part| (first..=last).contains(&part))
    };
    let is_year = is_within(part(0, 4), 1800, 2199) || part(0, 4) == Some(9999);
    let is_month = is_within(part(4, 6), 1, 12);
    let is_day = digits.len() == 6 || is_within(part(6, 8), 1, 31);
    let is_hour = digits.len() <= 8 || is_within(part(8, 10), 0, 24);
    // With a zone behind it a time has more digits than a number of somebody, and signs between them.
    let has_length = text.contains(':') || matches!(digits.len(), 6 | 8 | 10 | 12 | 14 | 17);
    digits.len() >= 6 && is_year && is_month && is_day && is_hour && has_length
}

/// Milliseconds since 1970, of these decades.
fn is_moment(text: &str) -> bool {
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits && text.len() == 13 && text.starts_with('1')
}

/// A number with a point in it, or a short one.
fn is_amount(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let most = if text.contains('.') { 9 } else { CODE_MOST };
    is_digits(whole) && is_digits(part) && whole.len() <= most && part.len() <= 6
}

/// A number of somebody that is written in groups, at the start of the text: its kind, the number, and its bytes here.
pub(super) fn spaced(text: &str, before: char) -> Option<(Kind, String, usize)> {
    if before.is_ascii_alphanumeric() || !text.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let is_part = |byte: u8| byte.is_ascii_digit() || b"Xx".contains(&byte);
    let bytes = text.as_bytes();
    let mut groups = vec![String::new()];
    let mut found = None;
    for (at, &byte) in bytes.iter().enumerate().take(32) {
        let next = bytes.get(at + 1).copied().unwrap_or(b'.');
        if is_part(byte) {
            groups.last_mut()?.push(char::from(byte));
            let compact = groups.concat();
            if groups.len() > 1
                && !next.is_ascii_alphanumeric()
                && let Some(kind) = kind(&compact)
                && is_grouped(kind, &groups)
            {
                found = Some((kind, compact, at + 1));
            }
        } else if b" -".contains(&byte) && is_part(next) {
            groups.push(String::new());
        } else {
            break;
        }
    }
    found
}

/// Cards are written in fours; otherwise dates beside each other would be cards.
fn is_grouped(kind: Kind, groups: &[String]) -> bool {
    match (kind, groups.split_last()) {
        (Kind::Card, Some((_, first))) => first.iter().all(|group| group.len() == 4),
        _ => true,
    }
}

/// The text with every address of electronic mail replaced.
pub(super) fn without_addresses(text: &str) -> String {
    let mut after = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('@') {
        let is_of = |one: char| one.is_ascii_alphanumeric() || "._%+-".contains(one);
        let name = before.len() - before.trim_end_matches(is_of).len();
        let host = behind.len() - behind.trim_start_matches(is_of).len();
        let host = behind.get(..host).unwrap_or_default().trim_end_matches('.');
        if name > 0 && host.contains('.') {
            after.push_str(before.get(..before.len() - name).unwrap_or_default());
            after.push_str(ADDRESS);
        } else {
            after.push_str(before);
            after.push('@');
            after.push_str(host);
        }
        rest = behind.get(host.len()..).unwrap_or_default();
    }
    after + rest
}

/// What a text that is to be written still looks like, in words; nothing when it is nobody's.
pub(super) fn somebody(text: &str) -> Option<&'static str> {
    if without_addresses(text) != text {
        return Some("an address of electronic mail");
    }
    let mut before = ' ';
    for (at, character) in text.char_indices() {
        let rest = text.get(at..).unwrap_or_default();
        let starts = character.is_ascii_digit() && !before.is_ascii_alphanumeric();
        let end = rest.find(|one: char| !one.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let run = rest.get(..end).unwrap_or_default();
        let found = spaced(rest, before).map(|(kind, compact, _)| (kind, compact));
        let found = found.or_else(|| starts.then(|| Some((kind(run)?, run.to_owned())))?);
        match found {
            Some((Kind::Phone, _)) => return Some("a telephone number"),
            Some((Kind::Card, _)) => return Some("the number of a bank card"),
            Some((Kind::Person | Kind::PersonOld, number))
                if !crate::adapters::fixture::looks_real(&number).is_empty() =>
            {
                return Some("an identity number");
            }
            _ => {}
        }
        before = character;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_amounts_and_codes_are_nobodys() {
        for text in [
            "20260131",
            "202601",
            "2026-01-31 08:00:00",
            "2026-01-31T08:00:00.000+08:00",
            "99991231",
            "1795395600000",
            "430100",
            "-1234.56",
            "0",
        ] {
            assert!(is_harmless(text), "{text}");
        }
        for text in
            ["84731234", "0731-84731234", "20261331", "KIM MINSU", "E12345678", "18001010014"]
        {
            assert!(!is_harmless(text), "{text}");
        }
        for run in ["IA", "12000", "success", "A1", "Server", "CN"] {
            assert!(is_code(run), "{run}");
        }
        for run in ["Maria", "KIM", "E12345678", "A12345"] {
            assert!(!is_code(run), "{run}");
        }
    }

    #[test]
    fn numbers_in_groups_and_addresses_are_somebodys() {
        for (text, expected) in [
            ("110105 19491231 002X", Some(Kind::Person)),
            ("139-1234-5678", Some(Kind::Phone)),
            ("4111 1111 1111 1111", Some(Kind::Card)),
            ("2026-01-31 08", None),
            ("2026-01-31 2026-02-28", None),
            ("13912345678", None),
        ] {
            assert_eq!(spaced(text, ' ').map(|(kind, ..)| kind), expected, "{text}");
        }
        assert_eq!(
            without_addresses("to li.si+1@mail.example.com, @x"),
            "to somebody@example.cn, @x"
        );
        for text in ["ring 139 1234 5678", "13912345678", "a.b@c.de", "ID 110105 19491231 002X"] {
            assert!(somebody(text).is_some(), "{text}");
        }
        for text in
            ["somebody@example.cn", "430000188001010014", "2026-01-31 08:00:00", "10000000012"]
        {
            assert_eq!(somebody(text), None, "{text}");
        }
    }
}
