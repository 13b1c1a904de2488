//! The evidence of a case: exported from the log, checked with heyan and without it, changed in every way.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use heyan::audit::file::Description;
use heyan::audit::note::VerifierKey;
use heyan::evidence::check::{Checked, Expected, check};
use heyan::evidence::{Files, zip};
use heyan::simulate::samples;
use serde_json::{Value, json};
use tokio::process::Command;

use super::application::Renting;
use super::ran;
use crate::support::{ALL, Lab, PATIENCE};

const PROGRAM: &str = concat!("heyan ", env!("CARGO_PKG_VERSION"));

/// The key of an installation's log.
pub(super) fn first_key(lab: &Lab) -> VerifierKey {
    Description::read(&lab.path("log")).unwrap().unwrap().key().unwrap()
}

/// A log with two cases in it, whose gateway has stopped.
pub(super) struct Closed {
    pub(super) lab: Lab,
    /// Entries of the cases: one refuted, of a family; one ready.
    refuted: u64,
    pub(super) ready: u64,
    pub(super) key: VerifierKey,
}

impl Closed {
    pub(super) async fn make(agencies: &[&str]) -> Self {
        let mut lab = Lab::start(agencies).await;
        let client = lab.client().await;
        let refuted = ran(&client, Renting::of(&lab, samples::HUSBAND).request()).await;
        let single = Renting::of(&lab, samples::TENANT).single().with_lease(&lab);
        let ready = ran(&client, single.request()).await;
        let (refuted, ready) = (refuted.outcome.log_index, ready.outcome.log_index);
        drop(client);
        lab.close().await;
        let key = first_key(&lab);
        Self { lab, refuted, ready, key }
    }

    /// A gateway that runs, and no case yet.
    pub(super) async fn begin(agencies: &[&str]) -> Self {
        let lab = Lab::start(agencies).await;
        let key = first_key(&lab);
        Self { lab, refuted: 0, ready: 0, key }
    }

    fn out(&self, name: &str) -> PathBuf {
        self.lab.beside(name)
    }

    /// Exports with the vault's key.
    pub(super) async fn export(&self, case: u64, name: &str, more: &[&str]) -> PathBuf {
        let (keys, key) = (self.lab.path("vault"), self.lab.path("keys/vault.key"));
        let vault = ["--keys", keys.to_str().unwrap(), "--key", key.to_str().unwrap()];
        self.export_with(&case.to_string(), name, &[&vault[..], more].concat()).await
    }

    async fn export_with(&self, case: &str, name: &str, more: &[&str]) -> PathBuf {
        let (log, out) = (self.lab.path("log"), self.out(name));
        let words = ["export", case, "--log", log.to_str().unwrap(), "--out", text(&out)];
        let output = heyan_case(&[&words[..], more].concat()).await;
        assert_eq!(output.status.code(), Some(0), "{}", told(&output));
        out
    }

    async fn files(&self, case: u64, name: &str) -> Files {
        let path = self.export(case, name, &[]).await;
        zip::unpack(&std::fs::read(path).unwrap()).unwrap().0
    }

    fn check(&self, files: &Files) -> Checked {
        let log_keys = vec![self.key.clone()];
        check(files, Expected { log_keys, program: PROGRAM.to_owned(), ..Expected::default() })
    }

    pub(super) async fn verify(&self, bundle: &Path, more: &[&str]) -> (i32, Value) {
        let key = self.key.to_string();
        let words = ["verify", text(bundle), "--json", "--log-key", &key];
        let output = heyan_case(&[&words[..], more].concat()).await;
        let code = output.status.code().unwrap();
        (code, serde_json::from_slice(&output.stdout).unwrap_or(json!(told(&output))))
    }
}

pub(super) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub(super) fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

async fn heyan_case(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_heyan"));
    command.arg("case").args(words).stdin(Stdio::null()).kill_on_drop(true);
    tokio::time::timeout(4 * PATIENCE, command.output()).await.expect("it did not end").unwrap()
}

/// The script of our own, not the one of the package.
pub(super) async fn python(package: &Path, key: &str) -> (i32, String) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/src/evidence/check.py");
    let mut command = Command::new("python3");
    command.args([script, "--log-key", key, text(package)]).stdin(Stdio::null());
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command.env("PYTHONPATH", concat!(env!("CARGO_MANIFEST_DIR"), "/src/audit"));
    let output = command.output().await.unwrap();
    (output.status.code().unwrap(), told(&output))
}

fn says(checked: &Checked, file: &str) -> bool {
    checked.findings.iter().any(|finding| finding.file == file)
}

/// Everything consistent again after a change: digests and sizes as they now are.
pub(super) fn relisted(files: &mut Files) {
    let mut manifest: Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
    let listed = files.iter().filter(|(path, _)| *path != "manifest.json").map(|(path, bytes)| {
        let sha256 = heyan::crypto::hex(&heyan::crypto::sha256(bytes));
        json!({ "path": path, "bytes": bytes.len(), "sha256": sha256 })
    });
    manifest["files"] = listed.collect();
    files.insert("manifest.json".to_owned(), serde_json::to_vec_pretty(&manifest).unwrap());
}

fn replaced(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = std::str::from_utf8(bytes).unwrap();
    assert!(text.contains(from), "`{from}` is not there");
    text.replace(from, to).into_bytes()
}

fn one(files: &Files, folder: &str) -> String {
    files.keys().find(|path| path.starts_with(folder)).unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_leaves_the_house_and_is_checked_by_others() {
    let closed = Closed::make(&ALL).await;
    for case in [closed.refuted, closed.ready] {
        let name = format!("{case}.zip");
        let path = closed.export(case, &name, &[]).await;
        let (code, seen) = closed.verify(&path, &[]).await;
        assert_eq!((code, &seen["findings"]), (0, &json!([])), "{seen}");
        assert_eq!((&seen["good"], &seen["only_with_itself"]), (&json!(true), &json!(false)));
        let parties = closed.lab.path("pki/parties");
        let (code, seen) = closed.verify(&path, &["--parties", text(&parties)]).await;
        assert_eq!(code, 0, "{seen}");
        let (code, said) = python(&path, &closed.key.to_string()).await;
        assert_eq!(code, 0, "{said}");
        // The same case once more: the same bytes; as a folder the same files.
        let again = closed.export(case, &format!("{case}-again.zip"), &[]).await;
        assert!(std::fs::read(&path).unwrap() == std::fs::read(again).unwrap());
        let folder = closed.export(case, &format!("{case}"), &["--folder"]).await;
        let (code, seen) = closed.verify(&folder, &[]).await;
        assert_eq!(code, 0, "{seen}");
        let (code, said) = python(&folder, &closed.key.to_string()).await;
        assert_eq!(code, 0, "{said}");
    }

    // What people read: everybody by name, each answer with its entry, the agreements.
    let files = closed.files(closed.refuted, "read.zip").await;
    let page = String::from_utf8(files["index.html"].clone()).unwrap();
    let husband = closed.lab.simulation.province().name(samples::HUSBAND);
    let operator = crate::support::OPERATOR;
    for shown in
        ["核验证据包", "REFUTED", "无自有住房", "查明配偶", "居民身份证", &husband, operator]
    {
        assert!(page.contains(shown), "`{shown}` is missing");
    }
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    roxmltree::Document::parse_with_options(&page, options).unwrap();
    let case: Value = serde_json::from_slice(&files["case.json"]).unwrap();
    assert_eq!(case["outcome"], "REFUTED");
    let answers = case["answers"].as_array().unwrap();
    assert!(answers.iter().all(|answer| answer["verdict"].is_string()), "{case}");
    assert!(answers.iter().any(|answer| answer["values"]["spouse_name"].is_string()), "{case}");

    // Without a key given it proves less, and says so.
    let path = closed.out("read.zip");
    let output = heyan_case(&["verify", text(&path)]).await;
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(told(&output).contains("agrees with itself"), "{}", told(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_persons_leave_the_house_that_were_left_out() {
    let closed = Closed::make(&ALL).await;
    let bare = closed.export_with(&closed.refuted.to_string(), "bare.zip", &[]).await;
    let without = closed.export(closed.refuted, "without.zip", &["--without-persons"]).await;
    let province = closed.lab.simulation.province();
    let family = [samples::HUSBAND, samples::WIFE, samples::CHILD];
    let mut secrets: Vec<String> =
        family.iter().map(|&index| province.person(index).unwrap().number()).collect();
    secrets.extend(family.iter().map(|&index| province.name(index)));
    secrets.push(crate::support::OPERATOR.to_owned());
    for (path, persons, is_opened) in [(&bare, "closed", false), (&without, "left-out", true)] {
        let bytes = std::fs::read(path).unwrap();
        let holds =
            |secret: &str| bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
        assert!(secrets.iter().all(|secret| !holds(secret)), "{persons}");
        let (code, seen) = closed.verify(path, &[]).await;
        assert_eq!((code, &seen["case"]["persons"]), (0, &json!(persons)), "{seen}");
        assert_eq!(seen["openings"].as_u64().unwrap() > 0, is_opened, "{seen}");
        assert_eq!(python(path, &closed.key.to_string()).await.0, 0);
        let (files, _) = zip::unpack(&bytes).unwrap();
        for (path, bytes) in files.iter().filter(|(path, _)| path.starts_with("openings/")) {
            let opened: Value = serde_json::from_slice(bytes).unwrap();
            let fields: Vec<&String> = opened["fields"].as_object().unwrap().keys().collect();
            assert_eq!(fields, ["answer"], "{path}");
        }
    }
    // With persons they are there, and a package that says otherwise is found out.
    let mut files = closed.files(closed.refuted, "with.zip").await;
    let whole = String::from_utf8_lossy(&files["case.json"]).into_owned();
    assert!(secrets.iter().all(|secret| whole.contains(secret)), "{whole}");
    let said =
        replaced(&files["manifest.json"], "\"persons\": \"opened\"", "\"persons\": \"closed\"");
    files.insert("manifest.json".to_owned(), said);
    let checked = closed.check(&files);
    assert!(checked.findings.iter().any(|finding| finding.rule == "opening"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_found_and_names_its_file() {
    let closed = Closed::make(&ALL).await;
    let files = closed.files(closed.refuted, "one.zip").await;
    assert_eq!(closed.check(&files).findings, []);
    for (path, bytes) in &files {
        let mut changed = files.clone();
        // Byte by byte in `src/evidence/tests.rs`.
        for place in [0, bytes.len() / 2] {
            let mut other = bytes.clone();
            other[place] ^= 1;
            changed.insert(path.clone(), other);
            let checked = closed.check(&changed);
            assert!(says(&checked, path), "{path} at {place}: {:?}", checked.findings);
        }
        changed.remove(path);
        assert!(says(&closed.check(&changed), path), "{path} is gone");
        // Gone, and nobody asks for it.
        if path != "manifest.json" {
            relisted(&mut changed);
            assert!(!closed.check(&changed).findings.is_empty(), "{path} is gone from the list");
        }
    }
    for more in ["more.txt", "receipts/7.tlog-proof", "openings/7.json", "agreements/x.jws"] {
        let mut changed = files.clone();
        changed.insert(more.to_owned(), b"{}".to_vec());
        assert!(says(&closed.check(&changed), more), "{more}");
        relisted(&mut changed);
        assert!(says(&closed.check(&changed), more), "{more} is listed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_consistently_is_found_too() {
    let closed = Closed::make(&ALL).await;
    let files = closed.files(closed.refuted, "one.zip").await;
    let other = closed.files(closed.ready, "other.zip").await;
    let key = closed.key.to_string();
    let changed = |change: &dyn Fn(&mut Files)| {
        let mut changed = files.clone();
        change(&mut changed);
        relisted(&mut changed);
        closed.check(&changed)
    };
    let said = |files: &mut Files, path: &str, from: &str, to: &str| {
        let bytes = replaced(&files[path], from, to);
        files.insert(path.to_owned(), bytes);
    };

    // Another outcome, on the page, for programs and for the archive.
    for path in ["index.html", "case.json", "manifest.json"] {
        let checked = changed(&|files| said(files, path, "REFUTED", "READY"));
        assert!(says(&checked, path), "{path}: {:?}", checked.findings);
    }
    // Another rule.
    let rule = one(&files, "rule/");
    let checked = changed(&|files| said(files, &rule, "[[need]]", "[[need]] "));
    assert!(says(&checked, &rule), "{:?}", checked.findings);
    // Another agreement, another register.
    for folder in ["agreements/", "parties/"] {
        let path = one(&files, folder);
        let another = files.keys().filter(|path| path.starts_with(folder)).nth(1).unwrap();
        let checked = changed(&|files| drop(files.insert(path.clone(), files[another].clone())));
        assert!(says(&checked, &path), "{:?}", checked.findings);
    }
    // An answer that was never given.
    let answer = files.iter().find(|(path, bytes)| {
        path.starts_with("openings/") && String::from_utf8_lossy(bytes).contains("REFUTED")
    });
    let answer = answer.unwrap().0.clone();
    let checked = changed(&|files| said(files, &answer, "REFUTED", "CONFIRMED"));
    assert!(says(&checked, &answer), "{:?}", checked.findings);
    // The opening of one entry for another.
    let swapped = files.keys().find(|path| path.starts_with("openings/") && **path != answer);
    let swapped = swapped.unwrap().clone();
    let checked = changed(&|files| drop(files.insert(swapped.clone(), files[&answer].clone())));
    assert!(says(&checked, &swapped), "{:?}", checked.findings);
    // A receipt of the other case: it is good, and has no place here.
    let theirs =
        other.keys().find(|path| path.starts_with("receipts/") && !files.contains_key(*path));
    let theirs = theirs.unwrap();
    let checked = changed(&|files| drop(files.insert(theirs.clone(), other[theirs].clone())));
    assert!(says(&checked, theirs), "{:?}", checked.findings);
    // The other case's entry in the place of this one's.
    let checked = changed(&|files| {
        let number = |case: u64| format!("\"case\": {case}");
        said(files, "manifest.json", &number(closed.refuted), &number(closed.ready));
    });
    assert!(says(&checked, "manifest.json"), "{:?}", checked.findings);
    // Another maker does not hide other words.
    let checked = changed(&|files| said(files, "manifest.json", PROGRAM, "heyan 9.9.9"));
    assert!(says(&checked, "manifest.json"), "{:?}", checked.findings);

    // Another log's key, and a package that brings its own.
    let stranger = Closed::make(&["police"]).await;
    let log_keys = vec![stranger.key.clone()];
    let expected = Expected { log_keys, program: PROGRAM.to_owned(), ..Expected::default() };
    assert!(says(&check(&files, expected), "checkpoint"));
    let checked = changed(&|files| {
        drop(files.insert("log.vkey".to_owned(), format!("{}\n", stranger.key).into_bytes()));
    });
    assert!(!checked.findings.is_empty());
    // What the script is told it finds out as well.
    let whole = closed.out("one.zip");
    assert_eq!(python(&whole, &stranger.key.to_string()).await.0, 1);
    let mut changed = files.clone();
    said(&mut changed, &answer, "REFUTED", "CONFIRMED");
    relisted(&mut changed);
    let path = closed.out("changed.zip");
    std::fs::write(&path, zip::pack(&changed).unwrap()).unwrap();
    let (code, told) = python(&path, &key).await;
    assert!(code == 1 && told.contains(&answer), "{told}");
    let (code, seen) = closed.verify(&path, &[]).await;
    assert_eq!((code, &seen["findings"][0]["file"]), (1, &json!(answer)), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bundles_that_are_none_are_refused_in_good_time() {
    let closed = Closed::make(&["police", "civil-affairs"]).await;
    // With two agreements most questions are denied: that is evidence too.
    let path = closed.export(closed.refuted, "denied.zip", &[]).await;
    let (code, seen) = closed.verify(&path, &[]).await;
    assert_eq!((code, &seen["case"]["outcome"]), (0, &json!("NEEDS_COUNTER")), "{seen}");

    let good = std::fs::read(&path).unwrap();
    let mut broken = BTreeMap::new();
    broken.insert("empty", Vec::new());
    broken.insert("text", b"no package at all".to_vec());
    broken.insert("cut", good[..good.len() / 2].to_vec());
    broken.insert("longer", [&good[..], b"more"].concat());
    let mut flipped = good.clone();
    flipped[good.len() / 3] ^= 1;
    broken.insert("flipped", flipped);
    let mut up = good.clone();
    let at =
        good.windows(10).position(|part| part == b"case.json\n" || part == b"README.txt").unwrap();
    up[at..at + 3].copy_from_slice(b"../");
    broken.insert("outside", up);
    // The list at the end names another file than the one that is there.
    let mut listed = good.clone();
    let at = good.windows(9).rposition(|part| part == b"case.json").unwrap();
    listed[at..at + 9].copy_from_slice(b"case.jsom");
    broken.insert("listed", listed);
    let mut locked = good.clone();
    locked[6] |= 1;
    broken.insert("locked", locked);
    for (name, bytes) in broken {
        let path = closed.out(name);
        std::fs::write(&path, bytes).unwrap();
        let (code, seen) = closed.verify(&path, &[]).await;
        assert_eq!(code, 1, "{name}: {seen}");
        let (code, told) = python(&path, &closed.key.to_string()).await;
        assert!(code == 2 && told.contains("could not tell"), "{name}: {told}");
    }
    // A folder with a link in it, and one that is no package.
    let folder = closed.export(closed.refuted, "linked", &["--folder"]).await;
    std::os::unix::fs::symlink("/etc/hostname", folder.join("link.txt")).unwrap();
    let (code, seen) = closed.verify(&folder, &[]).await;
    assert_eq!((code, &seen["findings"][0]["file"]), (1, &json!("link.txt")), "{seen}");
    std::fs::create_dir(closed.out("none")).unwrap();
    let (code, seen) = closed.verify(&closed.out("none"), &[]).await;
    assert_eq!(code, 1, "{seen}");
    assert_eq!(closed.verify(&closed.out("nowhere"), &[]).await.0, 2);

    // What cannot be exported.
    let log = closed.lab.path("log");
    let out = closed.out("not-written.zip");
    for case in ["0", "999999", "019ab3c4-0000-7000-8000-000000000000", "W3"] {
        let words = ["export", case, "--log", text(&log), "--out", text(&out)];
        let output = heyan_case(&words).await;
        assert_eq!(output.status.code(), Some(2), "{case}: {}", told(&output));
        assert!(!out.exists());
    }
    let inside = log.join("case.zip");
    let case = closed.refuted.to_string();
    let output = heyan_case(&["export", &case, "--log", text(&log), "--out", text(&inside)]).await;
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    let output = heyan_case(&["export", &case, "--log", text(&log), "--out", text(&path)]).await;
    assert!(told(&output).contains("there already"), "{}", told(&output));
}
