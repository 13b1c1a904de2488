//! Identity numbers that are right in form and belong to nobody.
//!
//! - A citizen's number carries area 430000. That is the province itself; numbers are issued by counties only, so the whole
//!   range is free. The births are of our time (a gateway reasons about ages), which is why births alone could not keep the
//!   numbers apart from real people's.
//! - A foreigner's number carries country 999, which ISO 3166 leaves to private use.
//! - An organisation's body is a small number padded with zeros (old codes start far above), so its code was never issued.
//! - A home lies in cadastral district 000, which no county has.

use super::calendar::Day;

/// Weights of GB 11643, positions 1 to 17.
const CITIZEN_WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
/// Characters of GB 32100; the place is the value.
const USCC_ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
/// Weights of GB 11714, the inner organisation code.
const BODY_WEIGHTS: [u32; 8] = [3, 7, 9, 10, 5, 8, 4, 2];

/// Area digits of every citizen here.
pub const CITIZEN_AREA: u64 = 430_000;
/// Leading digits of every foreigner's permanent residence number here.
pub const FOREIGNER_AREA: u64 = 911_999;

/// The first 17 digits of a person's number; the look-up key of the province.
pub fn person_key(foreigner: bool, birth: Day, sequence: u16) -> u64 {
    let area = if foreigner { FOREIGNER_AREA } else { CITIZEN_AREA };
    let (year, month, day) = birth.parts();
    let date = u64::from(year) * 10_000 + u64::from(month) * 100 + u64::from(day);
    (area * 100_000_000 + date) * 1000 + u64::from(sequence)
}

/// All 18 characters: the key and its check (ISO 7064 MOD 11-2).
pub fn with_check(key: u64) -> String {
    let digits = format!("{key:017}");
    let sum: u32 = digits
        .bytes()
        .zip(CITIZEN_WEIGHTS)
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    let check = b"10X98765432".get(sum as usize % 11).copied().unwrap_or(b'1');
    format!("{digits}{}", char::from(check))
}

/// The key of an 18-character number whose check is right.
pub fn key_of(number: &str) -> Option<u64> {
    let key = number.get(..17)?.parse().ok()?;
    (with_check(key) == number).then_some(key)
}

/// The 15-digit form that registers before 1999 used; only births of the 20th century have one.
pub fn old_form(number: &str) -> Option<String> {
    (number.get(6..8)? == "19").then(|| {
        format!("{}{}", &number.get(..6).unwrap_or_default(), number.get(8..17).unwrap_or_default())
    })
}

/// A unified social credit code: two prefix characters (`91`, `12`, …) and a body number below 100,000,000.
pub fn uscc(prefix: &str, body: u32) -> String {
    let digits = format!("{body:08}");
    let sum: u32 = digits
        .bytes()
        .zip(BODY_WEIGHTS)
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    let inner = match 11 - sum % 11 {
        10 => 'X',
        11 => '0',
        check => char::from_digit(check, 10).unwrap_or('0'),
    };
    let code = format!("{prefix}430000{digits}{inner}");
    let mut weight = 1;
    let mut sum = 0;
    for character in code.bytes() {
        let value = USCC_ALPHABET.iter().position(|&known| known == character).unwrap_or(0);
        sum += value as u32 * weight;
        weight = weight * 3 % 31;
    }
    let check = USCC_ALPHABET.get(((31 - sum % 31) % 31) as usize).copied().unwrap_or(b'0');
    format!("{code}{}", char::from(check))
}

/// 28 characters of GB/T 37346: county, cadastral district 000 000, state-owned building land, house, number.
pub fn unit_number(county: u32, index: u32) -> String {
    format!("{county:06}000000GB00000F{index:08}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_agree_with_published_vectors() {
        assert_eq!(with_check(11_010_519_491_231_002), "11010519491231002X");
        assert_eq!(with_check(44_052_418_800_101_001), "440524188001010014");
        assert_eq!(with_check(91_112_419_810_803_002), "911124198108030024");
        for (prefix, code) in [
            ("91", "91430000000000027J"),
            ("92", "92430000000000027F"),
            ("12", "12430000000000027P"),
            ("11", "11430000000000027T"),
            ("52", "52430000000000027K"),
        ] {
            assert_eq!(uscc(prefix, 2), code);
        }
    }

    #[test]
    fn the_old_form_drops_century_and_check() {
        assert_eq!(old_form("430000198001010013").as_deref(), Some("430000800101001"));
        assert_eq!(old_form("430000200401010013"), None);
        assert_eq!(key_of("430000198001010014"), None);
    }
}
