//! Secrets blotted out of whatever is shown: by value, in every form they travel in.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use encoding_rs::GB18030;
use serde_json::Value as Json;

use crate::crypto;

/// What stands where a secret was.
pub(super) const BLOT: &str = "•••";
/// Characters of an encoded form. A shorter one is part of many texts.
const SHORTEST: usize = 5;

/// Every form of every secret, the longest first.
pub(super) struct Mask {
    forms: Vec<String>,
}

impl Mask {
    /// Of these values. Empty ones hide nothing.
    pub(super) fn of<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut forms: Vec<String> = secrets
            .into_iter()
            .map(str::trim)
            .filter(|secret| !secret.is_empty())
            .flat_map(forms)
            .collect();
        forms.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        forms.dedup();
        Self { forms }
    }

    /// The text without them.
    pub(super) fn text(&self, text: &str) -> String {
        let mut masked = text.to_owned();
        for form in &self.forms {
            if masked.contains(form.as_str()) {
                masked = masked.replace(form.as_str(), BLOT);
            }
        }
        masked
    }

    /// The document without them, in keys and in values.
    pub(super) fn json(&self, value: &Json) -> Json {
        match value {
            Json::String(text) => Json::from(self.text(text)),
            Json::Number(number) => {
                let text = number.to_string();
                if self.forms.contains(&text) { Json::from(BLOT) } else { value.clone() }
            }
            Json::Array(items) => Json::Array(items.iter().map(|item| self.json(item)).collect()),
            Json::Object(map) => Json::Object(
                map.iter().map(|(key, value)| (self.text(key), self.json(value))).collect(),
            ),
            Json::Null | Json::Bool(_) => value.clone(),
        }
    }
}

/// One secret as it may stand in a request, a reply or a value.
pub(super) fn forms(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned()];
    let json = Json::from(secret).to_string();
    let json = json.trim_matches('"').to_owned();
    let json_twice = Json::from(json.as_str()).to_string();
    let once = xml_escaped(secret);
    let twice = xml_escaped(&once);
    let mut bytes = vec![secret.as_bytes().to_vec()];
    let gb18030 = GB18030.encode(secret).0.into_owned();
    if gb18030 != secret.as_bytes() {
        bytes.push(gb18030);
    }
    let mut encoded =
        vec![json, json_twice.trim_matches('"').to_owned(), code_points(secret), once, twice];
    for bytes in &bytes {
        let hex = crypto::hex(bytes);
        encoded.push(hex.to_ascii_uppercase());
        encoded.push(hex);
        encoded.extend([true, false].map(|upper| percent_encoded(bytes, upper, "%20")));
        encoded.extend([true, false].map(|upper| percent_encoded(bytes, upper, "+")));
        encoded.push(STANDARD.encode(bytes));
        encoded.extend(inside_base64(bytes));
    }
    forms.extend(encoded.into_iter().filter(|form| form.len() >= SHORTEST));
    forms
}

/// What base64 makes of the bytes wherever they begin in a longer text: the characters that hold nothing else.
fn inside_base64(bytes: &[u8]) -> Vec<String> {
    let mut cores = Vec::new();
    for offset in 0..3_usize {
        let mut padded = vec![0; offset];
        padded.extend_from_slice(bytes);
        let first = (offset * 8).div_ceil(6);
        let last = padded.len() * 8 / 6;
        for encoded in [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)] {
            cores.extend(encoded.get(first..last).map(str::to_owned));
        }
    }
    cores
}

/// As forms and addresses write them.
pub(super) fn percent_encoded(bytes: &[u8], upper: bool, space: &str) -> String {
    let mut text = String::new();
    for &byte in bytes {
        match byte {
            b' ' => text.push_str(space),
            _ if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                text.push(char::from(byte));
            }
            _ if upper => text.push_str(&format!("%{byte:02X}")),
            _ => text.push_str(&format!("%{byte:02x}")),
        }
    }
    text
}

/// As JSON writers that keep to ASCII write it.
fn code_points(text: &str) -> String {
    let mut written = String::new();
    for character in text.chars() {
        if character.is_ascii() {
            written.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                written.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    written
}

fn xml_escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&apos;")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SECRET: &str = "k3y<&>'\"/密 钥+1";

    fn percent(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("%{byte:02x}")).collect()
    }

    #[test]
    fn a_secret_is_hidden_in_every_form() {
        let mask = Mask::of([SECRET]);
        let gb = GB18030.encode(SECRET).0.into_owned();
        let inner = json!({ "a": { "b": SECRET } }).to_string();
        let texts = [
            format!("before{SECRET}after"),
            inner.clone(),
            json!({ "wrapped": inner }).to_string(),
            format!("<p>{}</p>", xml_escaped(SECRET)),
            format!("<p>{}</p>", xml_escaped(&xml_escaped(SECRET))),
            format!("x={}&y=1", percent_encoded(SECRET.as_bytes(), true, "+")),
            format!("x={}&y=1", percent_encoded(&gb, false, "%20")),
            crypto::hex(SECRET.as_bytes()),
            crypto::hex(&gb).to_ascii_uppercase(),
            STANDARD.encode(SECRET),
            STANDARD.encode(format!("a{SECRET}b")),
            URL_SAFE_NO_PAD.encode(format!("ab{SECRET}cd")),
            STANDARD.encode(format!("abc{SECRET}")),
        ];
        for text in texts {
            let masked = mask.text(&text);
            assert!(masked.contains(BLOT), "{text}");
            for form in forms(SECRET) {
                assert!(!masked.contains(&form), "{form} in {masked}");
            }
        }
        // A form nobody writes: every byte escaped. It is not claimed, and must not be shown to be hidden by accident.
        assert_eq!(mask.text(&percent(b"other")), percent(b"other"));
    }

    #[test]
    fn documents_are_masked_in_keys_values_and_numbers() {
        let mask = Mask::of(["4711", "token-0815"]);
        let masked = mask.json(&json!({ "token-0815": [4711, "a 4711 b", 12, null, true] }));
        assert_eq!(masked, json!({ "•••": ["•••", "a ••• b", 12, null, true] }));
    }

    #[test]
    fn what_is_no_secret_stays() {
        let mask = Mask::of(["", " ", "abcdefgh"]);
        assert_eq!(mask.text("{\"XM\":\"张三\"}"), "{\"XM\":\"张三\"}");
        let none = Mask::of([]);
        assert_eq!(none.text("anything"), "anything");
    }
}
