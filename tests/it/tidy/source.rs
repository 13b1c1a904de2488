//! The tree's Rust files, taken apart just far enough: comments, strings, test code, functions.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// One file, in three readings of equal length in lines.
pub(super) struct Source {
    /// Relative to the repository, with `/`.
    pub(super) path: String,
    /// As it stands.
    pub(super) whole: String,
    /// Without comments; strings are kept.
    pub(super) texts: String,
    /// Without comments and without what strings say.
    pub(super) code: String,
    /// The whole file is compiled for tests only.
    pub(super) is_test: bool,
}

/// A function with a body.
pub(super) struct Function {
    pub(super) name: String,
    /// From 1.
    pub(super) line: usize,
    /// Lines of code: neither blank nor comment.
    pub(super) lines: usize,
}

/// The repository's root.
pub(super) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file under these folders of the repository. Code under `#[cfg(test)]` is blanked out of `texts` and
/// `code`, and files that such a line declares are marked.
pub(super) fn sources(folders: &[&str]) -> Vec<Source> {
    let mut paths = Vec::new();
    for folder in folders {
        collect(&root().join(folder), &mut paths);
    }
    paths.sort();
    let mut test_modules = BTreeSet::new();
    let mut sources: Vec<Source> = paths.iter().map(|path| read(path, &mut test_modules)).collect();
    for source in &mut sources {
        let module = source.path.trim_end_matches("/mod.rs").trim_end_matches(".rs");
        source.is_test = !source.path.starts_with("src/")
            || Path::new(module).ancestors().any(|path| test_modules.contains(path));
    }
    sources
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            paths.push(path);
        }
    }
}

fn read(path: &Path, test_modules: &mut BTreeSet<PathBuf>) -> Source {
    let whole = fs::read_to_string(path).unwrap();
    let relative = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
    let (mut texts, mut code) = strip(&whole);
    let folder = match relative.strip_suffix("/mod.rs") {
        Some(folder) => PathBuf::from(folder),
        None if ["src/lib.rs", "src/main.rs"].contains(&relative.as_str()) => "src".into(),
        None => PathBuf::from(relative.trim_end_matches(".rs")),
    };
    for (start, end) in test_items(&code) {
        let item = &code[start..end];
        if let Some(name) = item.trim_end().strip_suffix(';').and_then(module_name) {
            test_modules.insert(folder.join(name));
        }
        blank(&mut texts, start, end);
        blank(&mut code, start, end);
    }
    Source { path: relative, whole, texts, code, is_test: false }
}

fn module_name(item: &str) -> Option<&str> {
    let (before, name) = item.rsplit_once(' ')?;
    before.ends_with("mod").then_some(name)
}

/// Byte ranges of items under `#[cfg(test)]`.
fn test_items(code: &str) -> Vec<(usize, usize)> {
    code.match_indices("#[cfg(test)]")
        .map(|(start, attribute)| {
            let from = start + attribute.len();
            let rest = &code[from..];
            let end = match (rest.find(';'), rest.find('{')) {
                (Some(semicolon), Some(brace)) if semicolon < brace => from + semicolon + 1,
                (Some(semicolon), None) => from + semicolon + 1,
                (_, Some(brace)) => closing(code, from + brace),
                (None, None) => code.len(),
            };
            (start, end)
        })
        .collect()
}

/// The byte after the brace that closes the one at `open`.
fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0;
    for (position, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return position + 1;
        }
    }
    code.len()
}

fn blank(text: &mut String, start: usize, end: usize) {
    let blanked: String =
        text[start..end].bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect();
    text.replace_range(start..end, &blanked);
}

/// `(without comments, without comments and strings)`; both as long in bytes as the original.
fn strip(whole: &str) -> (String, String) {
    let bytes = whole.as_bytes();
    let (mut texts, mut code) = (bytes.to_vec(), bytes.to_vec());
    let hide = |bytes: &mut [u8]| {
        bytes.iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
    };
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let is_word = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
        let end = at + token_length(rest, is_word);
        if rest.starts_with(b"//") || rest.starts_with(b"/*") {
            hide(&mut texts[at..end]);
            hide(&mut code[at..end]);
        } else if end > at + 1 {
            hide(&mut code[at + 1..end - 1]);
        }
        at = end;
    }
    (String::from_utf8(texts).unwrap(), String::from_utf8(code).unwrap())
}

/// Length of the comment, string or character at the start; 1 for anything else.
fn token_length(rest: &[u8], after_word: bool) -> usize {
    let find = |from: usize, end: &[u8]| {
        rest[from..].windows(end.len()).position(|window| window == end).map(|at| from + at)
    };
    let raw = rest.strip_prefix(b"b").unwrap_or(rest);
    match rest {
        [b'/', b'/', ..] => find(0, b"\n").unwrap_or(rest.len()),
        [b'/', b'*', ..] => find(2, b"*/").map_or(rest.len(), |at| at + 2),
        [b'"', ..] => {
            let mut at = 1;
            while at < rest.len() && rest[at] != b'"' {
                at += if rest[at] == b'\\' { 2 } else { 1 };
            }
            (at + 1).min(rest.len())
        }
        [b'\'', b'\\', ..] => find(3, b"'").map_or(1, |at| at + 1),
        // A character, not a lifetime: it is closed after one character of at most four bytes.
        [b'\'', ..] => {
            find(2, b"'").filter(|&at| closes_character(&rest[1..at])).map_or(1, |at| at + 1)
        }
        _ if !after_word && raw.starts_with(b"r") => {
            let hashes = raw[1..].iter().take_while(|&&byte| byte == b'#').count();
            if raw.get(1 + hashes) != Some(&b'"') {
                return 1;
            }
            let end = [b"\"".as_slice(), &raw[1..=hashes]].concat();
            let open = rest.len() - raw.len() + hashes + 2;
            find(open, &end).map_or(rest.len(), |at| at + end.len())
        }
        _ => 1,
    }
}

fn closes_character(inner: &[u8]) -> bool {
    std::str::from_utf8(inner).is_ok_and(|text| text.chars().count() == 1)
}

impl Source {
    /// Every function with a body.
    pub(super) fn functions(&self) -> Vec<Function> {
        let words = self.code.match_indices("fn ").filter(|(at, _)| {
            !self.code[..*at].ends_with(|before: char| before.is_alphanumeric() || before == '_')
        });
        words
            .filter_map(|(at, _)| {
                let rest = &self.code[at + 3..];
                let name: String =
                    rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let brace = rest.find('{')?;
                let declared_only = rest[..brace].contains(';') && !rest[..brace].contains('[');
                if name.is_empty() || declared_only {
                    return None;
                }
                let open = at + 3 + brace;
                let body = &self.code[open..closing(&self.code, open)];
                let lines = body.lines().filter(|line| !line.trim().is_empty()).count();
                Some(Function { name, line: self.line_of(at), lines: lines.saturating_sub(2) })
            })
            .collect()
    }

    /// Line of a byte, from 1.
    pub(super) fn line_of(&self, at: usize) -> usize {
        self.code[..at].matches('\n').count() + 1
    }

    /// The identifiers of the code, with their positions.
    pub(super) fn words(&self) -> impl Iterator<Item = (usize, &str)> {
        let is_word = |character: char| character.is_alphanumeric() || character == '_';
        let mut at = 0;
        self.code.split(move |character| !is_word(character)).filter_map(move |word| {
            let start = at;
            at +=
                word.len() + self.code[at + word.len()..].chars().next().map_or(0, char::len_utf8);
            (!word.is_empty()).then_some((start, word))
        })
    }
}

#[test]
fn comments_strings_and_test_code_are_told_from_the_rest() {
    let whole = "let a = \"x // y\"; // z\nlet b = 'q'; let c: &'a str = r#\"w\"#; /* v */ d";
    let (texts, code) = strip(whole);
    assert_eq!(texts.trim_end(), whole.replace("// z", "    ").replace("/* v */", "       "));
    let expected = "let a = \"      \";     \nlet b = ' '; let c: &'a str = r    #;         d";
    assert_eq!(code, expected);

    let code = "fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() {}\n}\nfn c() {}";
    let (start, end) = test_items(code)[0];
    assert_eq!(&code[end..], "\nfn c() {}");
    assert_eq!(&code[start..start + 12], "#[cfg(test)]");
    assert_eq!(module_name("\nmod sample"), Some("sample"));
}
