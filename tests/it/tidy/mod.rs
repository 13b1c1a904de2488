//! House rules as tests: what taste forbids, a test forbids. Each failure lists every place at once.

mod layering;
mod source;

use std::collections::BTreeSet;
use std::fs;

use self::source::{Source, root, sources};

/// Folders and files of `src/` that decide, verify or encode: values in, values out.
const PURE: [&str; 32] = [
    "src/query/",
    "src/decision/",
    "src/cases/",
    "src/replay",
    "src/rehearse",
    "src/report",
    "src/readiness",
    "src/evidence",
    "src/agreements/document/",
    "src/agreements/json.rs",
    "src/agreements/moment.rs",
    "src/agreements/terms/reading/",
    "src/agreements/terms/difference/",
    "src/adapters/comparison/difference.rs",
    "src/audit/entry/",
    "src/audit/tree.rs",
    "src/audit/checkpoint.rs",
    "src/audit/note.rs",
    "src/audit/cosignature.rs",
    "src/audit/bundle.rs",
    "src/audit/tiles/mod.rs",
    "src/audit/committed.rs",
    "src/audit/receipt.rs",
    "src/audit/commitment.rs",
    "src/audit/prover.rs",
    "src/audit/consistency.rs",
    "src/audit/beside.rs",
    "src/audit/frame.rs",
    "src/audit/day.rs",
    "src/audit/vaulting.rs",
    "src/vault/record.rs",
    "src/vault/subject.rs",
];

/// What a pure file may not name: waiting, the world outside, clocks, chance.
const IMPURE: [&str; 8] =
    ["async", "await", "tokio", "tonic", "SystemTime", "Instant", "rand", "SystemRandom"];
const IMPURE_STD: [&str; 4] = ["fs", "net", "env", "thread"];

/// Words that hide what a type or a file does.
const BANNED: [&str; 10] =
    ["Manager", "Handler", "Helper", "Util", "Processor", "Base", "Impl", "Common", "Data", "Info"];

/// Every trait of our own: a seam with two real implementations.
const TRAITS: [(&str, &str); 7] = [
    ("src/audit/store.rs", "Store"),
    ("src/audit/file/disk.rs", "Disk"),
    ("src/audit/file/disk.rs", "DiskFile"),
    ("src/cache/mod.rs", "Cache"),
    ("src/adapters/transport/mod.rs", "Transport"),
    ("src/adapters/line/mod.rs", "Line"),
    ("src/adapters/line/front.rs", "Dialect"),
];

/// Agencies are data. Only what plays them, or makes their test certificates, knows them by name.
const AGENCIES: [&str; 7] = [
    "police",
    "civil-affairs",
    "social-security",
    "housing",
    "tax",
    "market-regulation",
    "institution-register",
];
const KNOW_AGENCIES: [&str; 4] = ["src/simulate", "src/cli/demo", "src/cli/simulate", "src/pki.rs"];

/// Lines of a file and of a function, test code apart.
const FILE_LINES: usize = 500;
const FUNCTION_LINES: usize = 70;

/// Everything that is compiled.
const EVERYTHING: [&str; 4] = ["src", "tests", "benches", "examples"];

fn report(wrong: BTreeSet<String>) {
    let count = wrong.len();
    let lines: Vec<String> = wrong.into_iter().collect();
    assert!(lines.is_empty(), "{count} to put right:\n  {}\n", lines.join("\n  "));
}

fn production() -> Vec<Source> {
    sources(&["src"]).into_iter().filter(|source| !source.is_test).collect()
}

#[test]
fn pure_files_name_nothing_impure() {
    let mut wrong = BTreeSet::new();
    for source in production() {
        if !PURE.iter().any(|pure| source.path.starts_with(pure)) {
            continue;
        }
        let mut refuse = |at: usize, word: &str| {
            let line = source.line_of(at);
            wrong.insert(format!("{}:{line}: `{word}` in a file that must be pure", source.path));
        };
        for (at, word) in source.words().filter(|(_, word)| IMPURE.contains(word)) {
            refuse(at, word);
        }
        for (at, _) in source.code.match_indices("std::") {
            let rest = source.code[at + 5..].trim_start_matches('{');
            let path = rest.split(['}', ';', '(']).next().unwrap_or(rest);
            let names = path.split(|c: char| !c.is_alphanumeric() && c != '_');
            for word in names.filter(|name| IMPURE_STD.contains(name)) {
                refuse(at, &format!("std::{word}"));
            }
        }
    }
    report(wrong);
}

#[test]
fn every_file_says_its_one_idea_first() {
    let unexplained =
        sources(&EVERYTHING).into_iter().filter(|file| !file.whole.starts_with("//! "));
    report(unexplained.map(|file| format!("{}: does not begin with `//! `", file.path)).collect());
}

#[test]
fn files_and_functions_fit_in_a_head() {
    let mut wrong = BTreeSet::new();
    for source in production() {
        let lines = source.whole.lines().count() - blanked_lines(&source);
        if lines > FILE_LINES {
            wrong.insert(format!("{}: {lines} lines, at most {FILE_LINES}", source.path));
        }
        for function in source.functions() {
            if function.lines > FUNCTION_LINES {
                let (name, line, lines) = (function.name, function.line, function.lines);
                let path = &source.path;
                wrong.insert(format!(
                    "{path}:{line}: `{name}` has {lines} lines, at most {FUNCTION_LINES}"
                ));
            }
        }
    }
    report(wrong);
}

/// Lines of test code inside a file: those with code in the file as it stands and none in its stripped reading, from
/// the first `#[cfg(test)]` on.
fn blanked_lines(source: &Source) -> usize {
    let pairs = source.whole.lines().zip(source.texts.lines());
    let pairs = pairs.skip_while(|(whole, _)| whole.trim() != "#[cfg(test)]");
    pairs.filter(|(_, texts)| texts.trim().is_empty()).count()
}

#[test]
fn names_say_what_a_thing_is() {
    let mut wrong = BTreeSet::new();
    for source in sources(&EVERYTHING) {
        let stem = source.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".rs");
        for word in stem.split('_') {
            if BANNED.iter().any(|banned| is_banned(word, &banned.to_lowercase())) {
                wrong.insert(format!("{}: `{word}` in a file's name", source.path));
            }
        }
        let words: Vec<(usize, &str)> = source.words().collect();
        for pair in words.windows(2) {
            let [(_, keyword), (at, name)] = *pair else { continue };
            // An indented `type` belongs to a trait, which may be somebody else's.
            let line_start = source.code[..at].rfind('\n').map_or(0, |end| end + 1);
            let is_ours = keyword == "type" && !source.code[line_start..].starts_with(' ');
            let declares = is_ours || ["struct", "enum", "trait", "union"].contains(&keyword);
            if declares
                && BANNED.iter().any(|banned| camel_words(name).any(|word| is_banned(word, banned)))
            {
                let line = source.line_of(at);
                wrong.insert(format!("{}:{line}: the name `{name}` hides what it is", source.path));
            }
        }
    }
    report(wrong);
}

fn is_banned(word: &str, banned: &str) -> bool {
    word == banned || word.strip_suffix('s') == Some(banned)
}

fn camel_words(name: &str) -> impl Iterator<Item = &str> {
    let starts: Vec<usize> = name
        .char_indices()
        .filter(|(_, character)| character.is_uppercase())
        .map(|(at, _)| at)
        .chain([name.len()])
        .collect();
    let words: Vec<&str> = starts.windows(2).map(|pair| &name[pair[0]..pair[1]]).collect();
    words.into_iter()
}

#[test]
fn nothing_is_left_to_do() {
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
    let mut wrong = BTreeSet::new();
    let mut texts: Vec<(String, String)> =
        sources(&EVERYTHING).into_iter().map(|source| (source.path, source.whole)).collect();
    for file in ["build.rs", "Cargo.toml", ".ci/run", "config-example/gateway.toml"] {
        texts.push((file.to_owned(), fs::read_to_string(root().join(file)).unwrap()));
    }
    for (path, text) in texts {
        for (number, line) in text.lines().enumerate() {
            let mut words = line.split(|c: char| !c.is_alphanumeric());
            if words.any(|word| marks.contains(&word)) {
                wrong.insert(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    report(wrong);
}

#[test]
fn agencies_are_data() {
    let mut wrong = BTreeSet::new();
    for source in production() {
        if KNOW_AGENCIES.iter().any(|known| source.path.starts_with(known)) {
            continue;
        }
        for (number, line) in source.texts.lines().enumerate() {
            // A whole string: an example in a help text may well name one.
            let written = |agency: &&&str| line.contains(&format!("\"{agency}\""));
            for agency in AGENCIES.iter().filter(written) {
                let place = format!("{}:{}", source.path, number + 1);
                wrong.insert(format!("{place}: the agency `{agency}` is named in code"));
            }
        }
    }
    report(wrong);
}

#[test]
fn traits_are_few_and_known() {
    let mut wrong = BTreeSet::new();
    for source in production() {
        let words: Vec<(usize, &str)> = source.words().collect();
        for pair in words.windows(2) {
            let [(_, "trait"), (at, name)] = *pair else { continue };
            if !TRAITS.contains(&(source.path.as_str(), name)) {
                let place = format!("{}:{}", source.path, source.line_of(at));
                wrong.insert(format!(
                    "{place}: the trait `{name}` is not in the list of {}",
                    file!()
                ));
            }
        }
    }
    report(wrong);
}

#[test]
fn banned_words_are_found_as_words() {
    let is_bad =
        |name| camel_words(name).any(|word| BANNED.iter().any(|banned| is_banned(word, banned)));
    assert!(is_bad("CacheManager") && is_bad("StringUtils") && is_bad("UserData"));
    assert!(!is_bad("Database") && !is_bad("Informed") && !is_bad("Handle"));
}
