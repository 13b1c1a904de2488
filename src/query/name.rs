//! Names of people and employers, folded for comparison only.
//!
//! Two names are equal when their folded forms are. Folding unites ways of writing the same characters: widths, middle
//! dots, private-use glyphs of old police systems, padding. It never turns traditional into simplified characters nor
//! one variant into another (吕 and 呂 stay two names), and a folded name is never shown or sent.

use super::identifier::half_width;

/// The form of a name that comparisons use.
pub fn fold(name: &str) -> String {
    let characters: Vec<char> = name.chars().map(fold_character).collect();
    let mut folded = String::with_capacity(name.len());
    let spaces_are_dots = spaces_are_dots(&characters);
    let words = characters.split(|character| *character == ' ').filter(|word| !word.is_empty());
    for (position, word) in words.enumerate() {
        let (before, after) = (folded.chars().next_back(), word.first().copied());
        if position > 0 {
            folded.push_str(separator(before, after, spaces_are_dots));
        }
        folded.extend(word.iter().flat_map(|character| character.to_uppercase()));
    }
    // A dot at either end, or two in a row, is a slip of the keyboard.
    let parts: Vec<&str> = folded.split(DOT).filter(|part| !part.is_empty()).collect();
    parts.join("·")
}

/// True when part of the text was blotted out by whoever sent it: such a value can neither confirm nor refute.
pub fn is_masked(text: &str) -> bool {
    text.chars().any(|character| matches!(half_width(character), '*' | '?' | '□' | '\u{fffd}'))
}

/// True of a name that everybody writes in one way: two to four common Chinese characters (GB 2312), and not 零, which is typed
/// for 〇.
///
/// Of any other name a comparison by somebody else may have failed over the writing alone: dots, blanks, widths, the order of
/// foreign names, characters that old systems lack. That it failed says nothing then.
pub fn has_one_writing(name: &str) -> bool {
    (2..=4).contains(&name.chars().count())
        && name.chars().all(|character| character != '零' && is_in_gb_2312(character))
}

/// Whether the character is among the 6,763 Chinese ones of GB 2312-1980, which every system has.
fn is_in_gb_2312(character: char) -> bool {
    let mut text = [0; 4];
    let (bytes, _, is_lost) = encoding_rs::GBK.encode(character.encode_utf8(&mut text));
    !is_lost && matches!(*bytes, [0xb0..=0xf7, 0xa1..=0xfe])
}

/// The correct middle dot, U+00B7.
const DOT: char = '\u{b7}';

fn fold_character(character: char) -> char {
    match half_width(character) {
        '•' | '‧' | '・' | '･' | '⋅' | '∙' | '.' | '。' | '｡' => DOT,
        '〔' | '【' | '[' => '(',
        '〕' | '】' | ']' => ')',
        '‐' | '‑' | '–' | '—' => '-',
        '’' | '‘' | '`' | '´' => '\'',
        // White circles typed for the character zero.
        '○' | '◯' => '〇',
        space if space.is_whitespace() => ' ',
        other => private_use(other),
    }
}

/// What stands where a name had white space. Between Latin words it separates; beside Chinese it is padding
/// (「张　三」) unless the name is long enough to be a transliteration written without its dot.
fn separator(before: Option<char>, after: Option<char>, spaces_are_dots: bool) -> &'static str {
    let latin =
        |side: Option<char>| side.is_some_and(|side| side.is_alphanumeric() && !is_han(side));
    let han = |side: Option<char>| side.is_some_and(is_han);
    if latin(before) && latin(after) {
        " "
    } else if spaces_are_dots && han(before) && han(after) {
        "·"
    } else {
        ""
    }
}

/// Names of Han people have at most four characters; five and a space is a transliteration.
fn spaces_are_dots(name: &[char]) -> bool {
    name.iter().filter(|character| is_han(**character)).count() >= 5
        && name.iter().all(|character| is_han(*character) || matches!(*character, ' ' | DOT))
}

fn is_han(character: char) -> bool {
    matches!(character, '〇' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// GB 18030-2022's characters for the private-use code points that GB 18030-2000 and 2005 gave the same bytes.
fn private_use(character: char) -> char {
    match character {
        '\u{e78d}' => '\u{fe10}',
        '\u{e78e}' => '\u{fe12}',
        '\u{e78f}' => '\u{fe11}',
        '\u{e790}' => '\u{fe13}',
        '\u{e791}' => '\u{fe14}',
        '\u{e792}' => '\u{fe15}',
        '\u{e793}' => '\u{fe16}',
        '\u{e794}' => '\u{fe17}',
        '\u{e795}' => '\u{fe18}',
        '\u{e796}' => '\u{fe19}',
        '\u{e7c7}' => '\u{1e3f}',
        '\u{e816}' => '\u{20087}',
        '\u{e817}' => '\u{20089}',
        '\u{e818}' => '\u{200cc}',
        '\u{e81e}' => '\u{9fb4}',
        '\u{e826}' => '\u{9fb5}',
        '\u{e82b}' => '\u{9fb6}',
        '\u{e82c}' => '\u{9fb7}',
        '\u{e831}' => '\u{215d7}',
        '\u{e832}' => '\u{9fb8}',
        '\u{e83b}' => '\u{2298f}',
        '\u{e843}' => '\u{9fb9}',
        '\u{e854}' => '\u{9fba}',
        '\u{e855}' => '\u{241fe}',
        '\u{e864}' => '\u{9fbb}',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_written_in_many_ways() {
        let dotted = "买买提·艾力";
        for written in [
            "买买提•艾力",
            "买买提‧艾力",
            "买买提・艾力",
            "买买提･艾力",
            "买买提⋅艾力",
            "买买提∙艾力",
            "买买提．艾力",
            "买买提.艾力",
            "买买提。艾力",
            "买买提 艾力",
            "买买提　艾力",
            " 买买提 · 艾力 ",
            "买买提··艾力",
        ] {
            assert_eq!(fold(written), dotted, "{written}");
        }
        // Without its dot it is another writing, which only a second question could settle.
        assert_ne!(fold("买买提艾力"), dotted);
        for (one, other) in [
            ("张　三", "张三"),
            ("欧阳 娜娜", "欧阳娜娜"),
            ("Anna  Smith", "ANNA SMITH"),
            ("Ａｎｎａ Smith", "Anna Smith"),
            ("湖南某某（集团）有限公司", "湖南某某(集团)有限公司"),
            ("湖南某某 (集团) 有限公司", "湖南某某〔集团〕有限公司"),
            ("王○", "王〇"),
            ("李\u{e81e}", "李\u{9fb4}"),
            ("李\u{e816}", "李\u{20087}"),
        ] {
            assert_eq!(fold(one), fold(other), "{one} {other}");
        }
    }

    #[test]
    fn different_names_stay_different() {
        for (one, other) in [
            ("吕某", "呂某"),
            ("锺某", "钟某"),
            ("王堃", "王坤"),
            ("王〇", "王零"),
            ("Anna Smith", "Smith Anna"),
            ("某某有限公司", "某某有限责任公司"),
            ("张三", "张三丰"),
            ("䶮", "龑"),
        ] {
            assert_ne!(fold(one), fold(other), "{one} {other}");
        }
        assert_eq!(fold(""), "");
    }

    #[test]
    fn a_mismatch_of_a_name_with_many_writings_says_nothing() {
        for name in ["张三", "欧阳娜娜", "李雷", "王丽华"] {
            assert!(has_one_writing(name), "{name}");
        }
        for name in [
            "王〇",
            "王○",
            "王零",
            "王O",
            "王0",
            "张 三",
            "张　三",
            "买买提·艾力",
            "买买提艾力",
            "阿·丽",
            "Anna Smith",
            "Ａｎｎ",
            "李堃",
            "吕龘",
            "呂某",
            "李\u{e81e}",
            "𠅤",
            "张*",
            "张",
            "",
            "李䶮",
        ] {
            assert!(!has_one_writing(name), "{name}");
        }
    }

    #[test]
    fn blotted_values_are_recognised() {
        for text in ["张*", "430***", "张＊", "李□", "王?"] {
            assert!(is_masked(text), "{text}");
        }
        assert!(!is_masked("买买提·艾力"));
    }
}
