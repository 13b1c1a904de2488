//! Numbers that are right in form and nobody's: each real one has one invented one, in every form it is written in.

use std::collections::{BTreeMap, BTreeSet};

use crate::crypto::sha256_parts;
use crate::query::identifier;

/// Characters that may stand at the end of a number as its check.
const CHECKS: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";
/// Characters of names, in the order in which they are given out: the beginning of the thousand-character classic.
const CHARACTERS: &str = "天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏闰余成岁律吕调阳云腾致雨露结为霜金生丽水玉出昆冈剑号巨阙珠称夜光果珍李柰菜重芥姜海咸河淡鳞潜羽翔龙师火帝鸟官人皇始制文字乃服衣裳推位让国有虞陶唐吊民伐罪周发殷汤坐朝问道垂拱平章爱育黎首臣伏戎羌遐迩一体率宾归王鸣凤在竹白驹食场化被草木赖及万方";

/// How often a text is drawn before it is left to the last check of the recording.
const DRAWS: u32 = 64;

/// What kind of number a run of letters and digits is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Person,
    PersonOld,
    Foreigner,
    Organisation,
    Home,
    Phone,
    Card,
}

/// What the run of letters and digits is, by its form and its check.
pub(super) fn kind(run: &str) -> Option<Kind> {
    let is_digits = run.bytes().all(|byte| byte.is_ascii_digit());
    match run.len() {
        15 if is_digits && identifier::citizen_id(run).is_ok() => Some(Kind::PersonOld),
        15 if !is_digits && identifier::permanent_residence(run).is_ok() => Some(Kind::Foreigner),
        18 if identifier::citizen_id(run).is_ok() => Some(Kind::Person),
        18 if identifier::permanent_residence(run).is_ok() => Some(Kind::Foreigner),
        18 if identifier::uscc(run).is_ok() => Some(Kind::Organisation),
        28 if identifier::unit_number(run).is_ok() => Some(Kind::Home),
        11 if is_digits && is_phone(run) => Some(Kind::Phone),
        16..=19 if is_digits && !is_moment(run) && is_card(run) => Some(Kind::Card),
        _ => None,
    }
}

fn is_phone(run: &str) -> bool {
    run.starts_with('1') && run.get(1..2).is_some_and(|second| ("3"..="9").contains(&second))
}

/// Microseconds of these decades since 1970.
fn is_moment(run: &str) -> bool {
    run.len() == 16 && (run.starts_with("16") || run.starts_with("17") || run.starts_with("18"))
}

/// The check of ISO/IEC 7812.
fn is_card(run: &str) -> bool {
    let sum: u32 = run
        .chars()
        .rev()
        .enumerate()
        .filter_map(|(position, digit)| digit.to_digit(10).map(|digit| (position, digit)))
        .map(|(position, digit)| match (position % 2, digit) {
            (0, digit) => digit,
            (_, digit) if digit > 4 => digit * 2 - 9,
            (_, digit) => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Gives out invented numbers, always the same for one real one, and never one that was seen.
pub(super) struct Inventor {
    seen: BTreeSet<String>,
    given: BTreeMap<String, String>,
    characters: BTreeMap<char, char>,
    next: u32,
    /// Known to nobody afterwards: what is given out cannot be told back by trying.
    salt: [u8; 16],
}

impl Default for Inventor {
    fn default() -> Self {
        Self {
            seen: BTreeSet::new(),
            given: BTreeMap::new(),
            characters: BTreeMap::new(),
            next: 0,
            salt: *uuid::Uuid::new_v4().as_bytes(),
        }
    }
}

impl Inventor {
    /// A number or a text that is somebody's: it will not be given out.
    pub(super) fn see(&mut self, real: &str) {
        self.seen.insert(real.to_owned());
    }

    /// True when the character is somewhere in what was seen.
    fn is_seen(&self, character: char) -> bool {
        self.seen.iter().any(|text| text.contains(character))
    }

    /// The invented number for a real one.
    pub(super) fn number(&mut self, kind: Kind, real: &str) -> String {
        if kind == Kind::PersonOld {
            let whole = identifier::citizen_id(real).unwrap_or_default();
            let invented = self.number(Kind::Person, &whole);
            return identifier::id15(&invented).unwrap_or_default();
        }
        let upper = real.to_ascii_uppercase();
        if let Some(given) = self.given.get(&upper) {
            return given.clone();
        }
        let invented = loop {
            self.next += 1;
            let candidate = candidate(kind, &upper, self.next);
            if let Some(candidate) = candidate.filter(|candidate| {
                !self.seen.contains(candidate) && (kind != Kind::Card || !is_card(candidate))
            }) {
                break candidate;
            }
            if self.next > 100_000 {
                break String::new();
            }
        };
        self.given.insert(upper, invented.clone());
        invented
    }

    /// A text with other digits in it and other Chinese characters; letters stay, or change where there is nothing else.
    pub(super) fn text(&mut self, real: &str) -> String {
        let has_others = real.chars().any(|one| one.is_ascii_digit() || is_han(one));
        self.nobodys(real, |inventor, noise| {
            let invented = real.chars().map(|character| match character {
                '0'..='9' => other_digit(character, noise.byte()),
                han if is_han(han) => inventor.character(han),
                'A'..='Z' if !has_others => other_letter(character, b'A'),
                'a'..='z' if !has_others => other_letter(character, b'a'),
                other => other,
            });
            invented.collect()
        })
    }

    /// A text of which nothing is left but its length and its signs: what nobody reads.
    pub(super) fn other(&mut self, real: &str) -> String {
        self.nobodys(real, |_, noise| {
            let invented = real.chars().map(|character| match character {
                '0'..='9' => other_digit(character, noise.byte()),
                'A'..='Z' => char::from(b'A' + noise.byte() % 26),
                'a'..='z' => char::from(b'a' + noise.byte() % 26),
                other => other,
            });
            invented.collect()
        })
    }

    /// The first text of these in which no run of digits is by chance the number of somebody: one in ten long ones has the check
    /// of a bank card.
    fn nobodys(&mut self, real: &str, draw: impl Fn(&mut Self, &mut Noise) -> String) -> String {
        let mut drawn = String::new();
        for draws in 0..DRAWS {
            let mut noise = Noise::new(&self.salt, real, draws);
            drawn = draw(self, &mut noise);
            if !has_somebody(&drawn) {
                break;
            }
        }
        drawn
    }

    /// Another Chinese character for this one: names that are equal, or equal but for a dot, stay so.
    pub(super) fn character(&mut self, real: char) -> char {
        if let Some(given) = self.characters.get(&real) {
            return *given;
        }
        let usual = CHARACTERS.chars();
        let mut free = usual.chain('\u{4e00}'..='\u{9fa5}').filter(|candidate| {
            !self.characters.values().any(|given| given == candidate) && !self.is_seen(*candidate)
        });
        let given = free.next().unwrap_or('某');
        self.characters.insert(real, given);
        given
    }
}

/// Bytes without end that tell nobody the text they are drawn for; the same for the same text.
struct Noise {
    seed: [u8; 32],
    count: u32,
    bytes: Vec<u8>,
}

impl Noise {
    fn new(salt: &[u8; 16], real: &str, draws: u32) -> Self {
        let upper = real.to_ascii_uppercase();
        let parts: [&[u8]; 4] =
            [b"heyan recorded text", salt, &draws.to_be_bytes(), upper.as_bytes()];
        Self { seed: sha256_parts(&parts), count: 0, bytes: Vec::new() }
    }

    fn byte(&mut self) -> u8 {
        if self.bytes.is_empty() {
            self.count += 1;
            self.bytes.extend(sha256_parts(&[&self.seed, &self.count.to_be_bytes()]));
        }
        self.bytes.pop().unwrap_or_default()
    }
}

/// True when a run of digits in the text has the form of a number that people have.
fn has_somebody(text: &str) -> bool {
    let runs = text.split(|one: char| !one.is_ascii_alphanumeric());
    runs.filter_map(kind).any(|kind| !matches!(kind, Kind::Organisation | Kind::Home))
}

/// A Chinese character, of any plane.
pub(super) fn is_han(character: char) -> bool {
    matches!(character, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}' | '〇')
}

fn other_digit(digit: char, noise: u8) -> char {
    let value = digit.to_digit(10).unwrap_or(0) + 1 + u32::from(noise) % 9;
    char::from_digit(value % 10, 10).unwrap_or('0')
}

/// Upper and lower case go together, so that texts that differ in case only still do.
fn other_letter(letter: char, first: u8) -> char {
    let place = u8::try_from(letter).unwrap_or(first).saturating_sub(first);
    char::from(first + (place + 11) % 26)
}

fn candidate(kind: Kind, real: &str, next: u32) -> Option<String> {
    let part = |from: usize, to: usize| real.get(from..to).unwrap_or_default();
    match kind {
        Kind::Person | Kind::PersonOld => {
            // The century and the sex stay: rules read both.
            let is_odd = part(16, 17).parse::<u32>().unwrap_or(0) % 2;
            let sequence = next * 2 % 998 + is_odd;
            let area = if part(0, 1) == "8" { part(0, 6) } else { "430000" };
            let body = format!("{area}{}0101{sequence:03}", part(6, 10));
            checked(&body, identifier::citizen_id)
        }
        Kind::Foreigner if real.len() == 15 => Some(format!("ZZZ{next:012}")),
        Kind::Foreigner => {
            let is_odd = part(16, 17).parse::<u32>().unwrap_or(0) % 2;
            let body = format!("911999{}0101{:03}", part(6, 10), next * 2 % 998 + is_odd);
            checked(&body, identifier::permanent_residence)
        }
        Kind::Organisation => {
            let body = format!("{}430000{:08}", part(0, 2), 90_000_000 + next);
            CHECKS.chars().find_map(|inner| checked(&format!("{body}{inner}"), identifier::uscc))
        }
        Kind::Home => Some(format!("430000000000GB00000F{:08}", 90_000_000 + next)),
        Kind::Phone => Some(format!("10{next:09}")),
        Kind::Card => Some(format!("{next:0width$}", width = real.len())),
    }
}

fn checked(body: &str, check: impl Fn(&str) -> Result<String, &'static str>) -> Option<String> {
    CHECKS.chars().find_map(|last| check(&format!("{body}{last}")).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_by_their_form_and_check() {
        for (run, expected) in [
            ("11010519491231002X", Some(Kind::Person)),
            ("110105491231002", Some(Kind::PersonOld)),
            ("911124198108030024", Some(Kind::Foreigner)),
            ("91430000000000027J", Some(Kind::Organisation)),
            ("430102000000GB00000F00000012", Some(Kind::Home)),
            ("13800138000", Some(Kind::Phone)),
            ("6222020000000000006", None),
            ("4111111111111111", Some(Kind::Card)),
            ("1795395600000", None),
            ("110105194912310021", None),
            ("20260101", None),
        ] {
            assert_eq!(kind(run), expected, "{run}");
        }
    }

    #[test]
    fn an_invented_number_is_of_its_kind_and_goes_with_its_other_form() {
        let mut inventor = Inventor::default();
        for real in ["11010519491231002X", "911124198108030024", "91430000000000027J"] {
            let first = kind(real).unwrap();
            let invented = inventor.number(first, real);
            assert_eq!(kind(&invented), Some(first));
            assert_ne!(invented, real);
            assert_eq!(inventor.number(first, real), invented);
        }
        let whole = inventor.number(Kind::Person, "11010519491231002X");
        let old = inventor.number(Kind::PersonOld, "110105491231002");
        assert_eq!(identifier::id15(&whole), Some(old));
        assert_eq!(inventor.text("买买提·艾力").chars().nth(3), Some('·'));
        let (first, second) = (inventor.text("张伟"), inventor.text("张伟"));
        assert!(first == second && !first.contains(['张', '伟']));
        assert_ne!(inventor.text("KIM MINSU"), "KIM MINSU");
    }

    #[test]
    fn an_invented_text_is_by_no_chance_the_number_of_somebody() {
        // Of each length from eleven to nineteen digits, so many that one in ten would be seen.
        for seed in 0..100_u64 {
            let mut inventor = Inventor::default();
            for length in 11..=19 {
                let real = format!("湘建{:0length$}号", seed * 7_919);
                for invented in [inventor.text(&real), inventor.other(&real)] {
                    assert!(!has_somebody(&invented), "{invented}");
                }
                assert_eq!(inventor.text(&real), inventor.text(&real));
            }
        }
    }
}
