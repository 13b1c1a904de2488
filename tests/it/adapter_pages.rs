//! `heyan adapter diff` and `heyan adapter docs` as an operator runs them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value as Json;

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config-example");

fn police() -> PathBuf {
    Path::new(SAMPLES).join("adapters/police.toml")
}

fn heyan(words: &[&str], files: &[&Path]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_heyan"));
    command.arg("adapter").args(words).args(files);
    command.arg("--catalogue").arg(Path::new(SAMPLES).join("catalogue"));
    let output = command.output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (output.status.code(), out, err)
}

#[test]
fn a_difference_is_told_in_words_and_in_the_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let new = folder.path().join("police.toml");
    let text = fs::read_to_string(police()).unwrap();
    fs::write(&new, format!("# a remark\n{text}")).unwrap();
    let (code, out, err) = heyan(&["diff"], &[&police(), &new]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.contains("Both mean the same.") && out.contains("(P1, P2, P3, P4)"), "{out}");

    let changed = text.replace("\"1\" = true", "\"1\" = false").replace(":7501", ":7601");
    fs::write(&new, changed).unwrap();
    let (code, out, err) = heyan(&["diff"], &[&police(), &new]);
    assert_eq!(code, Some(1), "{out}{err}");
    for part in [
        "Every question\n    reach    the agency's address (`soap.base`): from",
        "P1  身份核验  Identity: number and name belong together\n  ! answers  code `1` of table `flag`",
        "P1, fixture `match`: ",
        "identity_match: true → false",
    ] {
        assert!(out.contains(part), "{part}\n{out}");
    }
    let (code, out, _) = heyan(&["diff", "--json"], &[&police(), &new]);
    let document: Json = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &document["same"]), (Some(1), &false.into()));
    assert_eq!(document["may_change_answers"], true);
    assert!(document["changes"].as_array().unwrap().iter().any(|one| one["bears_on"] == "reach"));

    fs::write(&new, "schema = 1\n").unwrap();
    let (code, out, err) = heyan(&["diff"], &[&police(), &new]);
    assert!(code == Some(2) && err.contains("cannot be compared"), "{out}{err}");
}

#[test]
fn pages_are_printed_or_written() {
    let (code, out, err) = heyan(&["docs"], &[&police()]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.starts_with("# 查询接口 Adapter police") && out.contains("身份核验"), "{out}");
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("pages");
    let into = pages.to_str().unwrap();
    let adapters = Path::new(SAMPLES).join("adapters");
    let (code, _, err) = heyan(&["docs", "--html", "--output", into], &[&adapters]);
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(fs::read_dir(&pages).unwrap().count(), 6);
    let page = fs::read_to_string(pages.join("police.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));

    let bad = folder.path().join("bad.toml");
    fs::write(&bad, "schema = 1\n").unwrap();
    let (code, out, err) = heyan(&["docs"], &[&police(), &bad]);
    assert!(code == Some(1) && out.contains("police") && err.contains("bad.toml"), "{err}");
}
