//! Text of others, made harmless to look at.

/// The text with every character spelt out, such as `\u{202e}`, that would not be seen as itself: control characters,
/// those that turn the direction of writing, those without width.
pub fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_unseen(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// JSON with such characters written as JSON's own escapes: it stays the same JSON. They can only stand in its strings,
/// but for the line ends between them.
pub fn plain_json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for character in json.chars() {
        if character != '\n' && is_unseen(character) {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                shown.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            shown.push(character);
        }
    }
    shown
}

fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_as_itself_is_spelt_out() {
        for (text, shown) in [
            ("婚姻登记 (M2) <b>", "婚姻登记 (M2) <b>"),
            ("a\u{1b}[2Jb\n", "a\\u{1b}[2Jb\\u{a}"),
            ("pay \u{202e}lla\u{202c}", "pay \\u{202e}lla\\u{202c}"),
            ("W\u{200b}3\u{feff}", "W\\u{200b}3\\u{feff}"),
            ("\u{2066}x\u{2069}\u{85}\u{e0041}", "\\u{2066}x\\u{2069}\\u{85}\\u{e0041}"),
        ] {
            assert_eq!(plain(text), shown);
        }
    }

    #[test]
    fn json_stays_the_same_json() {
        let json = serde_json::json!({ "a": "\u{202e}\u{9b}\u{e0041}\n\"协议" });
        let text = plain_json(&serde_json::to_string_pretty(&json).unwrap());
        assert!(text.contains("\\u202e\\u009b\\udb40\\udc41\\n"), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), json);
    }
}
