//! JSON that says each thing once and shows all that it says.
//!
//! Two readers of one signed text must not come to different terms. The JSON of many programs takes the last of two
//! members of one name, that of others the first; and a character that does not show, or turns the writing round, lets
//! people read one thing where programs read another. Neither is read here.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeOwned, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// The longest name of a member, bytes: those of the forms read here are words. It bounds what an error repeats.
const NAME_LIMIT: usize = 128;

/// How much of a text an error repeats, in characters.
const SHOWN: usize = 40;

/// Reads a value of this form.
///
/// # Errors
/// When it is no JSON of the form, a member stands twice anywhere in it, or a text has a character that does not show.
pub(super) fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, serde_json::Error> {
    let Plain = serde_json::from_slice(json)?;
    serde_json::from_slice(json)
}

/// What hides in a text of this JSON, which somebody has written in another form; `None` when nothing does.
pub(super) fn flaw(json: &[u8]) -> Option<String> {
    let flaw = serde_json::from_slice::<Plain>(json).err()?.to_string();
    // The place would be one in a text that the author never saw.
    Some(flaw.rsplit_once(" at line ").map_or(flaw.as_str(), |(flaw, _)| flaw).to_owned())
}

/// Any JSON in which nothing hides.
struct Plain;

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Walk)
    }
}

struct Walk;

impl<'de> Visitor<'de> for Walk {
    type Value = Plain;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Plain, E> {
        Ok(Plain)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Plain, E> {
        Ok(Plain)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Plain, E> {
        Ok(Plain)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Plain, E> {
        Ok(Plain)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Plain, E> {
        Ok(Plain)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Plain, E> {
        match text.chars().find(|&character| does_not_show(character)) {
            None => Ok(Plain),
            Some(hidden) => Err(E::custom(format!(
                "the text `{}` has the character U+{:04X}, which does not show: take it out",
                shown(text),
                u32::from(hidden)
            ))),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Plain, A::Error> {
        while let Some(Plain) = list.next_element()? {}
        Ok(Plain)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Plain, A::Error> {
        let mut names = BTreeSet::new();
        while let Some(name) = members.next_key::<String>()? {
            let Plain = self::Walk.visit_str(&name)?;
            if name.len() > NAME_LIMIT {
                return Err(A::Error::custom(format!(
                    "the name of the member `{}…` is longer than {NAME_LIMIT} bytes",
                    shown(&name)
                )));
            }
            if names.contains(&name) {
                return Err(A::Error::custom(format!("the member `{name}` stands twice")));
            }
            names.insert(name);
            let Plain = members.next_value()?;
        }
        Ok(Plain)
    }
}

/// Control characters, the line breaks among them: a text must not look like more than one. Marks of direction, which
/// show a text in another order than it has. Spaces, joiners and fillers without a shape, and invisible tags.
fn does_not_show(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

fn shown(text: &str) -> String {
    text.chars().filter(|&character| !does_not_show(character)).take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn refused(json: &str) -> String {
        read::<Value>(json.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn what_stands_twice_is_refused_at_every_depth() {
        for json in [
            r#"{"a": 1, "a": 1}"#,
            r#"{"b": {"a": 1, "c": 2, "a": 3}}"#,
            r#"[0, [{"x": [{"a": null, "a": null}]}]]"#,
            r#"{"a": 1, "\u0061": 2}"#,
        ] {
            assert!(refused(json).starts_with("the member `a` stands twice at line"), "{json}");
        }
        assert!(read::<Value>(br#"{"a": {"a": 1}, "b": [{"a": 1}, {"a": -1.5e3}]}"#).is_ok());
    }

    #[test]
    fn what_does_not_show_is_refused_and_not_repeated() {
        for hidden in ['\0', '\u{1b}', '\n', '\u{85}', '\u{ad}', '\u{61c}', '\u{200b}', '\u{200e}']
            .into_iter()
            .chain(['\u{2028}', '\u{202e}', '\u{2066}', '\u{feff}', '\u{fffb}', '\u{e0041}'])
            .chain(['\u{34f}', '\u{115f}', '\u{180e}', '\u{3164}', '\u{ffa0}'])
        {
            let text = format!("agency {hidden}wen");
            for json in [serde_json::json!([text]), serde_json::json!({ text.clone(): 1 })] {
                let refused = refused(&json.to_string());
                let named = format!("U+{:04X}", u32::from(hidden));
                assert!(refused.contains(&named) && refused.contains("`agency wen`"), "{refused}");
                assert!(!refused.contains(hidden), "{refused:?}");
                assert!(flaw(json.to_string().as_bytes()).unwrap().ends_with("take it out"));
            }
        }
        let wide = "住房公积金　管理中心（试行）—€ 𠮷 葛󠄀";
        assert!(read::<String>(serde_json::json!(wide).to_string().as_bytes()).is_ok());
    }

    #[test]
    fn long_names_and_deep_nesting_are_refused() {
        let long = "a".repeat(5000);
        assert!(refused(&format!("{{\"{long}\": 1}}")).len() < 200);
        let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        assert!(refused(&deep).starts_with("recursion limit exceeded"));
    }
}
