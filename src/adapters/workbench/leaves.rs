//! The texts inside a text: JSON in a string, XML in XML, forms, base64 and hexadecimal digits, opened to the innermost and
//! closed again.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use encoding_rs::GB18030;
use serde_json::{Map, Value as Json};

use super::mask::percent_encoded;
use crate::crypto;

/// Layers that are opened. Agencies have been seen with four.
const DEPTH: usize = 8;
/// Characters from which a text may be base64: shorter ones are words.
const SHORTEST_BASE64: usize = 16;
/// Hexadecimal digits from which a text may be another one: shorter ones are numbers and codes.
const SHORTEST_HEX: usize = 20;
/// Bytes of base64 or hexadecimal digits that are no text, and no digest or signature either: a picture, a document.
const LONGEST_BINARY: usize = 96;

/// What becomes of an innermost text.
type Change<'a> = &'a mut dyn FnMut(&str) -> String;

/// The text with every innermost text changed.
pub(super) fn changed(text: &str, change: Change<'_>) -> String {
    layer(text, DEPTH, &mut Opening { change, digits: true })
}

/// The document with every innermost text changed, and what does not look like a name of a field among those names.
pub(super) fn changed_json(value: &Json, change: Change<'_>) -> Json {
    json(value, DEPTH, &mut Opening { change, digits: true })
}

/// As [`changed`], with base64 and hexadecimal digits left closed: in sixteen random bytes there is a text of GB18030 now and
/// then, and whoever hides them must hide them whole.
pub(super) fn closed(text: &str, change: Change<'_>) -> String {
    layer(text, DEPTH, &mut Opening { change, digits: false })
}

/// As [`closed`], of a document.
pub(super) fn closed_json(value: &Json, change: Change<'_>) -> Json {
    json(value, DEPTH, &mut Opening { change, digits: false })
}

/// How far texts are opened, and what becomes of the innermost.
struct Opening<'a> {
    change: Change<'a>,
    /// Whether base64 and hexadecimal digits are.
    digits: bool,
}

fn layer(text: &str, depth: usize, opening: &mut Opening<'_>) -> String {
    let Some(depth) = depth.checked_sub(1) else { return (opening.change)(text) };
    let core = text.trim();
    if core.is_empty() {
        return text.to_owned();
    }
    if core.starts_with(['{', '[', '"'])
        && let Ok(value) = serde_json::from_str::<Json>(core)
    {
        let after = json(&value, depth, opening);
        return if after == value { text.to_owned() } else { after.to_string() };
    }
    if core.starts_with('<') && core.contains('>') {
        return xml(text, depth, opening);
    }
    if is_form(core) {
        return form(core, depth, opening);
    }
    // Hexadecimal digits are base64 in form.
    if let Some(inner) = hex_text(core).filter(|_| opening.digits) {
        let after = layer(&inner, depth, opening);
        return if after == inner { text.to_owned() } else { crypto::hex(after.as_bytes()) };
    }
    if let Some((inner, engine)) = base64_inside(core).filter(|_| opening.digits) {
        let after = layer(&inner, depth, opening);
        return if after == inner { text.to_owned() } else { engine.encode(after) };
    }
    let after = (opening.change)(core);
    if after == core { text.to_owned() } else { after }
}

fn json(value: &Json, depth: usize, opening: &mut Opening<'_>) -> Json {
    match value {
        Json::String(text) => Json::from(layer(text, depth, opening)),
        Json::Number(number) => {
            let text = number.to_string();
            let after = (opening.change)(&text);
            if after == text {
                value.clone()
            } else {
                // A number does not begin with zero.
                let after = match after.strip_prefix('0') {
                    Some(rest) if rest.starts_with(|next: char| next.is_ascii_digit()) => {
                        format!("1{rest}")
                    }
                    _ => after,
                };
                serde_json::from_str(&after).unwrap_or(Json::from(after))
            }
        }
        Json::Array(items) => {
            Json::Array(items.iter().map(|item| json(item, depth, opening)).collect())
        }
        Json::Object(map) => Json::Object(
            map.iter()
                .map(|(key, value)| {
                    let name = if is_name(key) { key.clone() } else { (opening.change)(key) };
                    (name, json(value, depth, opening))
                })
                .collect::<Map<_, _>>(),
        ),
        Json::Null | Json::Bool(_) => value.clone(),
    }
}

/// Texts between tags and in attributes. What is no XML after all is one text to its end.
fn xml(text: &str, depth: usize, opening: &mut Opening<'_>) -> String {
    let mut after = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let Some(start) = rest.find('<') else {
            escaped(rest, depth, opening, &mut after);
            break;
        };
        let (before, tag) = rest.split_at(start);
        escaped(before, depth, opening, &mut after);
        if let Some((inside, behind)) =
            tag.strip_prefix("<![CDATA[").and_then(|tag| tag.split_once("]]>"))
        {
            let _ = write!(after, "<![CDATA[{}]]>", layer(inside, depth, opening));
            rest = behind;
            continue;
        }
        // A comment is for people, and may name some.
        if let Some((_, behind)) = tag.strip_prefix("<!--").and_then(|tag| tag.split_once("-->")) {
            rest = behind;
            continue;
        }
        // So is an instruction, but for the declaration of XML.
        if tag.starts_with("<?")
            && !tag.starts_with("<?xml ")
            && let Some((_, behind)) = tag.split_once("?>")
        {
            rest = behind;
            continue;
        }
        let Some(end) = end_of_tag(tag) else {
            after.push_str(&escape(&layer(&unescape(tag), 0, opening)));
            break;
        };
        let (tag, behind) = tag.split_at(end + 1);
        attributes(tag, depth, opening, &mut after);
        rest = behind;
    }
    after
}

/// Where the `>` stands that ends the tag: one in quotes does not.
fn end_of_tag(tag: &str) -> Option<usize> {
    let mut quote = None;
    for (at, character) in tag.char_indices() {
        match (quote, character) {
            (None, '>') => return Some(at),
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            _ => {}
        }
    }
    tag.find('>')
}

fn attributes(tag: &str, depth: usize, opening: &mut Opening<'_>, into: &mut String) {
    let mut rest = tag;
    while let Some(start) = rest.find(['"', '\'']) {
        let (before, quoted) = rest.split_at(start);
        into.push_str(before);
        let Some(quote) = quoted.chars().next() else { break };
        let inside = quoted.get(1..).unwrap_or_default();
        let (value, behind) = inside.split_once(quote).unwrap_or((inside, ""));
        into.push(quote);
        let name = before.trim_end().trim_end_matches('=').trim_end();
        let name = name.rsplit(char::is_whitespace).next().unwrap_or_default();
        // Namespaces, types and the declaration of XML are the schema's.
        let is_schema = ["xmlns", "xsi:"].iter().any(|start| name.starts_with(start));
        if is_schema || tag.starts_with("<?xml ") {
            into.push_str(value);
        } else {
            escaped(value, depth, opening, into);
        }
        if inside.len() > value.len() {
            into.push(quote);
        }
        rest = behind;
    }
    into.push_str(rest);
}

/// True of what may be the name of a field: nobody is called so.
fn is_name(key: &str) -> bool {
    let digits = key.bytes().filter(u8::is_ascii_digit).count();
    key.len() <= 64
        && digits < 7
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.$@:-".contains(&byte))
}

fn escaped(text: &str, depth: usize, opening: &mut Opening<'_>, into: &mut String) {
    let plain = unescape(text);
    let after = layer(&plain, depth, opening);
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

fn form(text: &str, depth: usize, opening: &mut Opening<'_>) -> String {
    let mut after = String::with_capacity(text.len());
    for part in text.split_inclusive(['&', '=']) {
        let separator = part.chars().last().filter(|last| matches!(last, '&' | '='));
        let part = separator.and_then(|last| part.strip_suffix(last)).unwrap_or(part);
        let plain = percent_decoded(part);
        let changed = plain.as_ref().map(|plain| layer(plain, depth, opening));
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
    base64_inside(text).map(|(inner, _)| inner)
}

/// The same, with the alphabet it is written in.
fn base64_inside(text: &str) -> Option<(String, &'static GeneralPurpose)> {
    if text.len() < SHORTEST_BASE64 {
        return None;
    }
    let compact: String =
        text.chars().filter(|character| !character.is_ascii_whitespace()).collect();
    if let Some(inner) = STANDARD.decode(&compact).ok().and_then(readable) {
        return Some((inner, &STANDARD));
    }
    // Many words are base64 without padding; few of them are UTF-8.
    let others = [&STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD];
    others.into_iter().find_map(|engine| {
        let inner = String::from_utf8(engine.decode(&compact).ok()?).ok()?;
        is_text(&inner).then_some((inner, engine))
    })
}

/// The text written in hexadecimal digits, where there is one.
fn hex_text(text: &str) -> Option<String> {
    if text.len() < SHORTEST_HEX {
        return None;
    }
    readable(hex_bytes(text)?)
}

fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    let is_hex = text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let pairs = text.as_bytes().chunks_exact(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    if is_hex { pairs.map(byte).collect() } else { None }
}

/// True of base64 and hexadecimal digits that hold a picture, a document, or whatever else is no text.
pub(super) fn is_binary(text: &str) -> bool {
    let inside = text.rsplit_once(";base64,").map_or(text, |(_, inside)| inside);
    // Words have spaces between them, and base64 has line breaks only.
    let compact: String =
        inside.chars().filter(|character| !matches!(character, '\r' | '\n')).collect();
    let bytes = [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD]
        .into_iter()
        .find_map(|engine| engine.decode(&compact).ok());
    let bytes = hex_bytes(&compact).or(bytes);
    bytes.is_some_and(|bytes| bytes.len() > LONGEST_BINARY)
}

fn readable(bytes: Vec<u8>) -> Option<String> {
    let text = String::from_utf8(bytes).or_else(|error| {
        let text = GB18030.decode_without_bom_handling_and_without_replacement(error.as_bytes());
        text.map(std::borrow::Cow::into_owned).ok_or(error)
    });
    text.ok().filter(|text| is_text(text))
}

fn is_text(text: &str) -> bool {
    text.chars().all(|character| !character.is_control() || character.is_ascii_whitespace())
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
            ("<a b='secret' c=\"1>0\">1</a>", "<a b='SECRET' c=\"1>0\">1</a>"),
            ("<?xml version='1.0'?><?memo secret?><a/>", "<?xml version='1.0'?><a/>"),
            (r#"{"the secret":1}"#, r#"{"the SECRET":1}"#),
            ("x=secret%2B1&y=%E5%BC%A0", "x=SECRET%2B1&y=%E5%BC%A0"),
        ] {
            assert_eq!(shouted(before), after);
        }
        let sealed = STANDARD.encode(r#"{"a":"the secret"}"#);
        assert_eq!(shouted(&sealed), STANDARD.encode(r#"{"a":"the SECRET"}"#));
        for engine in [&STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD] {
            let sealed = engine.encode("what is it? a secret!?");
            assert_eq!(shouted(&sealed), engine.encode("what is it? a SECRET!?"));
        }
        let digits = crypto::hex("this is a secret".as_bytes());
        assert_eq!(shouted(&digits), crypto::hex("this is a SECRET".as_bytes()));
        let hidden = format!(r#"{{"a":"{digits}","b":"{sealed}"}}"#);
        assert_eq!(closed(&hidden, &mut |_| "(text)".to_owned()), r#"{"a":"(text)","b":"(text)"}"#);
        assert!(is_binary(&STANDARD.encode([0xff; 200])) && !is_binary(&"a".repeat(60)));
        assert_eq!(shouted(r#"{"n": 1.50}"#), r#"{"n": 1.50}"#);
    }
}
