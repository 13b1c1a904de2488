//! Identity numbers and their checks: citizen IDs (GB 11643), credit codes (GB 32100), divisions, home units.
//!
//! Every function takes the number as it was typed and gives it back in its one normal form, or the stable code of the
//! first check that failed. A code names the check, never the value.

use super::subject::IdentityDocument;

/// Checks a citizen ID; 15 digits of the old form are upgraded to 18.
///
/// # Errors
/// `length`, `characters`, `province`, `date` or `check_digit`.
pub fn citizen_id(raw: &str) -> Result<String, &'static str> {
    let number = folded(raw);
    match number.chars().count() {
        15 => upgraded(&number),
        18 => person_number(number),
        _ => Err("length"),
    }
}

/// Checks a 港澳台居民居住证 number: built like a citizen ID, in area 810000, 820000 or 830000.
///
/// # Errors
/// As [`citizen_id`], and `area` when it is another place's.
pub fn residence_permit(raw: &str) -> Result<String, &'static str> {
    let number = folded(raw);
    if number.chars().count() != 18 {
        return Err("length");
    }
    let number = person_number(number)?;
    let in_area = ["810000", "820000", "830000"].iter().any(|area| number.starts_with(area));
    if in_area { Ok(number) } else { Err("area") }
}

/// Checks a 外国人永久居留身份证 number: 18 digits from 9 (form of 2023), or 3 letters and 12 digits (form of 2017).
///
/// # Errors
/// `length`, `characters`, `area`, `date` or `check_digit`.
pub fn permanent_residence(raw: &str) -> Result<String, &'static str> {
    let number = folded(raw);
    match number.chars().count() {
        15 => {
            let (country, rest) = number.split_at_checked(3).ok_or("characters")?;
            let formed = country.bytes().all(|byte| byte.is_ascii_uppercase())
                && rest.bytes().all(|byte| byte.is_ascii_digit());
            if formed { Ok(number) } else { Err("characters") }
        }
        18 => {
            refuse_characters(&number)?;
            if !number.starts_with('9') {
                return Err("area");
            }
            refuse_date(&number)?;
            refuse_check_digit(&number)?;
            Ok(number)
        }
        _ => Err("length"),
    }
}

/// Checks the number of an identity document of this kind. Passports and the rest have no common form: only length
/// and characters are looked at.
///
/// # Errors
/// The stable code of the check that failed.
pub fn document(kind: IdentityDocument, raw: &str) -> Result<String, &'static str> {
    match kind {
        IdentityDocument::CitizenId => citizen_id(raw),
        IdentityDocument::ResidencePermit => residence_permit(raw),
        IdentityDocument::PermanentResidence => permanent_residence(raw),
        IdentityDocument::Passport => {
            let number = folded(raw);
            if !(5..=20).contains(&number.chars().count()) {
                return Err("length");
            }
            let formed = number.bytes().all(|byte| byte.is_ascii_alphanumeric());
            if formed { Ok(number) } else { Err("characters") }
        }
        IdentityDocument::Military | IdentityDocument::Other => {
            let number = folded(raw);
            if !(1..=40).contains(&number.chars().count()) {
                return Err("length");
            }
            if number.chars().any(char::is_control) { Err("characters") } else { Ok(number) }
        }
    }
}

/// The 15-digit form that old records may hold, for an 18-digit number of someone born in the 1900s.
pub fn id15(number: &str) -> Option<String> {
    if number.len() != 18 || number.get(6..8)? != "19" {
        return None;
    }
    Some(format!("{}{}", number.get(..6)?, number.get(8..17)?))
}

/// Checks a 统一社会信用代码: 18 characters, its own check character and that of the organisation code inside.
///
/// # Errors
/// `length`, `characters`, `division`, `check_digit` or `organisation_code`.
pub fn uscc(raw: &str) -> Result<String, &'static str> {
    const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
    let code = folded(raw);
    if code.chars().count() != 18 {
        return Err("length");
    }
    let worth = |byte: u8| ALPHABET.iter().position(|&letter| letter == byte);
    let Some(values) = code.bytes().map(worth).collect::<Option<Vec<usize>>>() else {
        return Err("characters");
    };
    if !values.iter().skip(2).take(6).all(|&value| value < 10) {
        return Err("division");
    }
    // The check character weighs 1: the whole sum is then a multiple of 31, and zero needs no special case.
    let mut weight = 1;
    let mut sum = 0;
    for value in values.iter().take(17) {
        sum += value * weight;
        weight = weight * 3 % 31;
    }
    if !values.last().is_some_and(|check| (sum + check).is_multiple_of(31)) {
        return Err("check_digit");
    }
    if is_organisation_code(code.get(8..17).unwrap_or_default()) {
        Ok(code)
    } else {
        Err("organisation_code")
    }
}

/// GB 11714: eight characters of 0-9 A-Z and a check character, `X` for ten.
fn is_organisation_code(code: &str) -> bool {
    const WEIGHTS: [u32; 8] = [3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = code
        .chars()
        .zip(WEIGHTS)
        .map(|(character, weight)| character.to_digit(36).unwrap_or(0) * weight)
        .sum();
    let check = match 11 - sum % 11 {
        10 => 'X',
        11 => '0',
        digit => char::from_digit(digit, 10).unwrap_or('0'),
    };
    code.ends_with(check)
}

/// Checks a 不动产单元号 (GB/T 37346): 28 characters; spaces of the printed form are dropped.
///
/// # Errors
/// `length`, `characters`, `province`, `parcel_code` or `fixture_code`.
pub fn unit_number(raw: &str) -> Result<String, &'static str> {
    let number: String =
        folded(raw).chars().filter(|character| !character.is_whitespace()).collect();
    if number.chars().count() != 28 {
        return Err("length");
    }
    if !number.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()) {
        return Err("characters");
    }
    let part = |from: usize, to: usize| number.get(from..to).unwrap_or_default();
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(part(0, 12)) || !digits(part(14, 19)) || !digits(part(20, 28)) {
        return Err("characters");
    }
    if !is_province(part(0, 2)) {
        return Err("province");
    }
    if !"GJZ".contains(part(12, 13)) || !"ABCDEFGHLNSWXY".contains(part(13, 14)) {
        return Err("parcel_code");
    }
    match part(19, 20) {
        "F" | "L" | "Q" => Ok(number),
        "W" if part(20, 28) == "00000000" => Ok(number),
        _ => Err("fixture_code"),
    }
}

/// Checks a GB/T 2260 division code by form and province: counties come and go, and old codes live on in old numbers.
///
/// # Errors
/// `length`, `characters` or `province`.
pub fn division(raw: &str) -> Result<String, &'static str> {
    let code = folded(raw);
    if code.chars().count() != 6 {
        return Err("length");
    }
    if !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("characters");
    }
    if is_province(code.get(..2).unwrap_or_default()) { Ok(code) } else { Err("province") }
}

/// True when the text carries the number of a person, also with separators in it. Used to keep such numbers out of
/// case numbers, which are recorded in clear.
///
/// Eighteen characters are looked for anywhere, since date and check digit make an accident rare (one in twenty
/// thousand); fifteen only where no digit stands beside them, since nothing but the date speaks for those.
pub fn contains_identity_number(text: &str) -> bool {
    // Every question has several texts to look through, and most have too few digits for any number.
    if text.chars().filter(|character| half_width(*character).is_ascii_digit()).count() < 15 {
        return false;
    }
    let text = folded(text);
    let runs = text.split(|character: char| !character.is_ascii_alphanumeric());
    if runs.into_iter().flat_map(digit_runs).any(|run| run.len() == 15 && upgraded(run).is_ok()) {
        return true;
    }
    let joined: Vec<char> = text.chars().filter(char::is_ascii_alphanumeric).collect();
    joined.windows(18).any(|window| {
        let candidate: String = window.iter().collect();
        citizen_id(&candidate).is_ok() || permanent_residence(&candidate).is_ok()
    })
}

fn digit_runs(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_ascii_digit())
}

/// Outer white space off, full-width forms to half width, upper case. Look-alikes of other scripts stay, and fail.
fn folded(raw: &str) -> String {
    raw.trim().chars().map(half_width).map(|character| character.to_ascii_uppercase()).collect()
}

/// The ASCII character of a full-width one; any other as it is.
pub(super) fn half_width(character: char) -> char {
    match character {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => {
            char::from_u32(u32::from(character) - 0xfee0).unwrap_or(character)
        }
        other => other,
    }
}

/// The 18-digit form of a 15-digit number, all of whose owners were born in the 1900s.
fn upgraded(number: &str) -> Result<String, &'static str> {
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("characters");
    }
    let (area, rest) = number.split_at_checked(6).ok_or("characters")?;
    let body = format!("{area}19{rest}");
    let check = check_character(&body);
    person_number(format!("{body}{check}"))
}

fn person_number(number: String) -> Result<String, &'static str> {
    refuse_characters(&number)?;
    if !is_province(number.get(..2).unwrap_or_default()) {
        return Err("province");
    }
    refuse_date(&number)?;
    refuse_check_digit(&number)?;
    Ok(number)
}

fn refuse_characters(number: &str) -> Result<(), &'static str> {
    let body = number.strip_suffix('X').unwrap_or(number);
    let body_length = if body.len() == number.len() { 18 } else { 17 };
    let formed = body.len() == body_length && body.bytes().all(|byte| byte.is_ascii_digit());
    if formed { Ok(()) } else { Err("characters") }
}

fn refuse_date(number: &str) -> Result<(), &'static str> {
    let part =
        |from: usize, to: usize| number.get(from..to).and_then(|text| text.parse::<i16>().ok());
    let (Some(year), Some(month), Some(day)) = (part(6, 10), part(10, 12), part(12, 14)) else {
        return Err("date");
    };
    let (Ok(month), Ok(day)) = (i8::try_from(month), i8::try_from(day)) else {
        return Err("date");
    };
    // Nobody on record was born before 1800; the clock is not asked, so the future is not excluded.
    let exists = (1800..2200).contains(&year) && jiff::civil::Date::new(year, month, day).is_ok();
    if exists { Ok(()) } else { Err("date") }
}

fn refuse_check_digit(number: &str) -> Result<(), &'static str> {
    let Some((body, check)) = number.split_at_checked(17) else { return Err("check_digit") };
    if check == check_character(body).to_string() { Ok(()) } else { Err("check_digit") }
}

/// ISO 7064 MOD 11-2 over 17 digits.
fn check_character(body: &str) -> char {
    let sum =
        body.chars().fold(0, |sum, character| (sum + character.to_digit(10).unwrap_or(0)) * 2 % 11);
    "10X98765432".chars().nth(sum as usize).unwrap_or('X')
}

/// Provinces of GB/T 2260 that identity numbers begin with; 83 stands for Taiwan in residence permits.
fn is_province(code: &str) -> bool {
    matches!(
        code.parse::<u32>(),
        Ok(11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65 | 71 | 81..=83)
    )
}

#[cfg(test)]
mod tests;
