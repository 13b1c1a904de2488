//! The commands about the catalogue, by the built program: a check that names every flaw, and the form of a rule.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value as Json;

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config-example/catalogue");

fn heyan(arguments: &[&str]) -> (i32, String) {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_heyan"))
        .arg("catalogue")
        .args(arguments)
        .output()
        .unwrap();
    let text = String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap();
    (status.code().unwrap(), text)
}

/// A copy of the sample catalogue.
fn copy() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for part in ["facts", "items", "rules"] {
        fs::create_dir(folder.path().join(part)).unwrap();
        for file in fs::read_dir(Path::new(SAMPLES).join(part)).unwrap() {
            let file: PathBuf = file.unwrap().path();
            fs::copy(&file, folder.path().join(part).join(file.file_name().unwrap())).unwrap();
        }
    }
    folder
}

#[test]
fn the_sample_catalogue_has_nothing_to_mend() {
    let (code, text) = heyan(&["check", SAMPLES]);
    assert_eq!((code, text.trim_end()), (0, format!("{SAMPLES}: nothing to mend").as_str()));
    let (code, text) = heyan(&["check", SAMPLES, "--json"]);
    assert_eq!((code, text.trim_end()), (0, "{\"findings\":[]}"));
}

#[test]
fn flaws_are_named_with_their_line_and_items_without_a_rule_are_warned_of() {
    let folder = copy();
    let shown = folder.path().to_str().unwrap();
    fs::remove_file(folder.path().join("rules/L6-2026.1.toml")).unwrap();
    let (code, text) = heyan(&["check", shown]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("warning: `L6` version `2026.1` has no rule"), "{text}");
    let rule = folder.path().join("rules/W4-2026.1.toml");
    let whole = fs::read_to_string(&rule).unwrap();
    fs::write(&rule, whole.replace("\"enterprise\", \"public\"", "\"enterprise\", \"army\""))
        .unwrap();
    let (code, text) = heyan(&["check", shown]);
    let line = whole.lines().position(|line| line.contains("\"enterprise\"")).unwrap() + 1;
    assert_eq!(code, 1, "{text}");
    assert!(text.contains(&format!("W4-2026.1.toml:{line}:")), "{text}");
    assert!(text.contains("1 to mend"), "{text}");
    let (code, text) = heyan(&["check", shown, "--json"]);
    let found: Json = serde_json::from_str(&text).unwrap();
    assert_eq!((code, found["findings"][0]["line"].as_u64()), (1, Some(line as u64)));
    assert_eq!(heyan(&["check", "/nowhere"]).0, 1);
}

#[test]
fn the_schemas_are_those_beside_the_samples() {
    for (arguments, file) in [
        (&["schema"][..], "rule.schema.json"),
        (&["schema", "facts"], "facts.schema.json"),
        (&["schema", "items"], "items.schema.json"),
    ] {
        let (code, text) = heyan(arguments);
        let file = fs::read_to_string(Path::new(SAMPLES).join(file)).unwrap();
        assert_eq!((code, text), (0, file));
    }
}
