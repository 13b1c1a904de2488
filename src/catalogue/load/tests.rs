use std::fs;

use super::*;

fn sample() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("config-example/catalogue");
    for part in ["facts", "items"] {
        fs::create_dir(folder.path().join(part)).unwrap();
        for file in finding::files_in(&from.join(part), "toml").unwrap() {
            fs::copy(&file, folder.path().join(part).join(file.file_name().unwrap())).unwrap();
        }
    }
    folder
}

/// Changes the sample's text and returns the findings, one a line.
fn findings(file: &str, from: &str, to: &str) -> String {
    let folder = sample();
    let path = folder.path().join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from}");
    fs::write(&path, text.replacen(from, to, 1)).unwrap();
    let found = load(folder.path()).expect_err("a flaw");
    found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_sample_has_every_fact_of_the_six_agencies_and_all_items() {
    let catalogue = load(sample().path()).unwrap();
    assert_eq!(catalogue.facts().count(), 30);
    let codes: Vec<&str> = catalogue.items.keys().map(ItemCode::as_str).collect();
    assert_eq!(codes.len(), 21);
    let rent: Vec<&str> = catalogue
        .items()
        .filter(|item| item.code.as_str() == "W3")
        .map(|item| item.effective_from.as_str())
        .collect();
    assert_eq!(rent.last(), Some(&"2026-09-20"));
    let needless = catalogue.facts().filter(|fact| fact.confirms.is_none());
    assert_eq!(needless.map(|fact| fact.code.as_str()).collect::<Vec<_>>(), ["E4", "P3"]);
}

#[test]
fn the_digest_follows_every_byte() {
    let folder = sample();
    let before = *load(folder.path()).unwrap().digest();
    let path = folder.path().join("facts/tax.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}# one more line\n")).unwrap();
    assert_ne!(*load(folder.path()).unwrap().digest(), before);
}

#[test]
fn flaws_are_named_with_their_line() {
    let cases = [
        (
            "facts/tax.toml",
            "title_zh = \"契税完税\"",
            "titel_zh = \"契税完税\"",
            "did you mean `title_zh`?",
        ),
        (
            "facts/tax.toml",
            "values = [true]",
            "values = [3]",
            "does not fit the attribute: value_type",
        ),
        ("facts/tax.toml", "type = \"truth\"", "type = \"boolean\"", "`type` must be `truth`"),
        ("facts/tax.toml", "kind = \"property\"", "kind = \"home\"", "`kind` must be `person`"),
        ("facts/tax.toml", "code = \"T2\"", "code = \"T1\"", "fact `T1` is there twice"),
        ("items/withdrawal.toml", "\"P1\"", "\"P9\"", "asks for `P9`, which is no fact"),
        (
            "items/withdrawal.toml",
            "effective_to = \"2026-09-20\"",
            "effective_to = \"2026-12-31\"",
            "are in force on the same days",
        ),
        ("items/withdrawal.toml", "2026-09-20", "2026-13-20", "must be a day such as"),
    ];
    for (file, from, to, expected) in cases {
        let found = findings(file, from, to);
        assert!(found.contains(expected), "{expected}: {found}");
        assert!(found.contains(&format!("{file}:")), "no line: {found}");
    }
}
