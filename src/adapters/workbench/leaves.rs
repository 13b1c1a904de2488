//! The texts inside a text: JSON in a string, XML in XML, forms and base64, opened to the innermost and closed again.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use encoding_rs::GB18030;
use serde_json::{Map, Value as Json};

use super::mask::percent_encoded;

/// Layers that are opened. Agencies have been seen with four.
const DEPTH: usize = 8;
/// Characters from which a text may be base64: shorter ones are words.
const SHORTEST_BASE64: usize = 16;

/// What becomes of an innermost text.
pub(super) type Change<'a> = &'a mut dyn FnMut(&str) -> String;

/// The text with every innermost text changed.
pub(super) fn changed(text: &str, change: Change<'_>) -> String {
    layer(text, DEPTH, change)
}

/// The document with every innermost text changed; the names of its fields stay.
pub(super) fn changed_json(value: &Json, change: Change<'_>) -> Json {
    json(value, DEPTH, change)
}

fn layer(text: &str, depth: usize, change: Change<'_>) -> String {
    let Some(depth) = depth.checked_sub(1) else { return change(text) };
    let core = text.trim();
    if core.is_empty() {
        return text.to_owned();
    }
    if core.starts_with(['{', '[', '"'])
        && let Ok(value) = serde_json::from_str::<Json>(core)
    {
        let after = json(&value, depth, change);
        return if after == value { text.to_owned() } else { after.to_string() };
    }
    if core.starts_with('<') && core.contains('>') {
        return xml(text, depth, change);
    }
    if is_form(core) {
        return form(core, depth, change);
    }
    if let Some(inner) = base64_text(core) {
        let after = layer(&inner, depth, change);
        return if after == inner { text.to_owned() } else { STANDARD.encode(after) };
    }
    let after = change(core);
    if after == core { text.to_owned() } else { after }
}

fn json(value: &Json, depth: usize, change: Change<'_>) -> Json {
    match value {
        Json::String(text) => Json::from(layer(text, depth, change)),
        Json::Number(number) => {
            let text = number.to_string();
            let after = change(&text);
            if after == text {
                value.clone()
            } else {
                serde_json::from_str(&after).unwrap_or(Json::from(after))
            }
        }
        Json::Array(items) => {
            Json::Array(items.iter().map(|item| json(item, depth, change)).collect())
        }
        Json::Object(map) => Json::Object(
            map.iter()
                .map(|(key, value)| (key.clone(), json(value, depth, change)))
                .collect::<Map<_, _>>(),
        ),
        Json::Null | Json::Bool(_) => value.clone(),
    }
}

/// Texts between tags and in attributes. What is no XML after all is one text to its end.
fn xml(text: &str, depth: usize, change: Change<'_>) -> String {
    let mut after = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let Some(start) = rest.find('<') else {
            escaped(rest, depth, change, &mut after);
            break;
        };
        let (before, tag) = rest.split_at(start);
        escaped(before, depth, change, &mut after);
        if let Some((inside, behind)) =
            tag.strip_prefix("<![CDATA[").and_then(|tag| tag.split_once("]]>"))
        {
            let _ = write!(after, "<![CDATA[{}]]>", layer(inside, depth, change));
            rest = behind;
            continue;
        }
        // A comment is for people, and may name some.
        if let Some((_, behind)) = tag.strip_prefix("<!--").and_then(|tag| tag.split_once("-->")) {
            rest = behind;
            continue;
        }
        let Some(end) = tag.find('>') else {
            after.push_str(&escape(&layer(&unescape(tag), 0, change)));
            break;
        };
        let (tag, behind) = tag.split_at(end + 1);
        attributes(tag, depth, change, &mut after);
        rest = behind;
    }
    after
}

fn attributes(tag: &str, depth: usize, change: Change<'_>, into: &mut String) {
    let mut parts = tag.split('"');
    into.push_str(parts.next().unwrap_or_default());
    let mut is_value = true;
    for part in parts {
        into.push('"');
        if is_value {
            escaped(part, depth, change, into);
        } else {
            into.push_str(part);
        }
        is_value = !is_value;
    }
}

fn escaped(text: &str, depth: usize, change: Change<'_>, into: &mut String) {
    let plain = unescape(text);
    let after = layer(&plain, depth, change);
    if after == plain {
        into.push_str(text);
    } else {
        into.push_str(&escape(&after));
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        plain.push_str(rest.get(..start).unwrap_or_default());
        rest = rest.get(start..).unwrap_or_default();
        let entity = rest.get(1..).and_then(|rest| rest.split_once(';')).map(|(entity, _)| entity);
        match entity.and_then(|entity| entity_of(entity).map(|one| (one, entity.len() + 2))) {
            Some((character, length)) => {
                plain.push(character);
                rest = rest.get(length..).unwrap_or_default();
            }
            None => {
                plain.push('&');
                rest = rest.get(1..).unwrap_or_default();
            }
        }
    }
    plain.push_str(rest);
    plain
}

fn entity_of(entity: &str) -> Option<char> {
    Some(match entity {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        other => {
            let code = other.strip_prefix('#')?;
            let number = match code.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => code.parse(),
            };
            char::from_u32(number.ok()?)?
        }
    })
}

fn is_form(text: &str) -> bool {
    let bytes = text.as_bytes();
    let has_escape = bytes.windows(3).any(|window| {
        matches!(window, [b'%', one, other] if one.is_ascii_hexdigit() && other.is_ascii_hexdigit())
    });
    has_escape && bytes.iter().all(|byte| byte.is_ascii_graphic())
}

fn form(text: &str, depth: usize, change: Change<'_>) -> String {
    let mut after = String::with_capacity(text.len());
    for part in text.split_inclusive(['&', '=']) {
        let separator = part.chars().last().filter(|last| matches!(last, '&' | '='));
        let part = separator.and_then(|last| part.strip_suffix(last)).unwrap_or(part);
        let plain = percent_decoded(part);
        let changed = plain.as_ref().map(|plain| layer(plain, depth, change));
        match changed.filter(|changed| Some(changed) != plain.as_ref()) {
            Some(changed) => after.push_str(&percent_encoded(changed.as_bytes(), true, "+")),
            None => after.push_str(part),
        }
        after.extend(separator);
    }
    after
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    readable(bytes)
}

/// The text inside a text of base64, where there is one.
pub(super) fn base64_text(text: &str) -> Option<String> {
    if text.len() < SHORTEST_BASE64 {
        return None;
    }
    let compact: String =
        text.chars().filter(|character| !character.is_ascii_whitespace()).collect();
    readable(STANDARD.decode(compact).ok()?)
}

fn readable(bytes: Vec<u8>) -> Option<String> {
    let text = String::from_utf8(bytes).or_else(|error| {
        let text = GB18030.decode_without_bom_handling_and_without_replacement(error.as_bytes());
        text.map(std::borrow::Cow::into_owned).ok_or(error)
    });
    let is_text = |text: &String| {
        text.chars().all(|character| !character.is_control() || character.is_ascii_whitespace())
    };
    text.ok().filter(is_text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shouted(text: &str) -> String {
        changed(text, &mut |leaf| leaf.replace("secret", "SECRET"))
    }

    #[test]
    fn every_layer_is_opened_and_closed_again() {
        for (before, after) in [
            ("a secret", "a SECRET"),
            (r#"{"secret":"a secret"}"#, r#"{"secret":"a SECRET"}"#),
            (r#"{"a":"{\"b\":\"secret\"}"}"#, r#"{"a":"{\"b\":\"SECRET\"}"}"#),
            (r#"<a secret="secret">secret</a>"#, r#"<a secret="SECRET">SECRET</a>"#),
            (
                "<a>&lt;b&gt;secret &amp;amp; 1&lt;/b&gt;</a>",
                "<a>&lt;b&gt;SECRET &amp;amp; 1&lt;/b&gt;</a>",
            ),
            ("<a><![CDATA[<b>secret</b>]]></a>", "<a><![CDATA[<b>SECRET</b>]]></a>"),
            ("<a><!-- secret -->1</a>", "<a>1</a>"),
            ("x=secret%2B1&y=%E5%BC%A0", "x=SECRET%2B1&y=%E5%BC%A0"),
        ] {
            assert_eq!(shouted(before), after);
        }
        let sealed = STANDARD.encode(r#"{"a":"the secret"}"#);
        assert_eq!(shouted(&sealed), STANDARD.encode(r#"{"a":"the SECRET"}"#));
        assert_eq!(shouted(r#"{"n": 1.50}"#), r#"{"n": 1.50}"#);
    }
}
