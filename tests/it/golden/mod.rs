//! A log of the first version of the format, kept as it was written: it must read for ever.
//!
//! `UPDATE=1 cargo test --test it golden` writes `tests/golden/log-v1` anew. That is right only before a release, or the
//! promise is broken: afterwards a new version of the format gets a folder of its own.

mod entries;
mod writer;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Once;

use heyan::audit::entry::Kind;
use heyan::audit::note::VerifierKey;
use heyan::audit::verify::{Expected, verify};
use heyan::audit::{checkpoint, tiles};
use heyan::client::receipt;
use heyan::crypto::hex;
use heyan::replay::Replay;
use serde_json::{Value, json};

const SEGMENT: &str = "wal/0000000000000001.wal";

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/log-v1")
}

/// What a log comes to, as it is kept beside it.
fn summary(log: &Path) -> Value {
    let mut replay = Replay::new(None);
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    let verified = verify(log, Expected::default(), &mut |index, entry| {
        replay.entry(index, entry);
        *kinds.entry(name(&entry.kind)).or_default() += 1;
    })
    .unwrap();
    assert_eq!(verified.left_over, None);
    let report = replay.finish();
    let findings = report.findings.iter().map(|found| json!([found.index, found.rule]));
    json!({
        "origin": verified.origin,
        "vkey": verified.vkey,
        "entries": verified.entries,
        "frames": verified.frames,
        "root": hex(&verified.root),
        "published": verified.published,
        "kinds": kinds,
        "replay": {
            "intents": report.intents,
            "outcomes": report.outcomes,
            "cached": report.cached,
            "denials": report.denials,
            "verdicts": report.verdicts,
            "denied": report.denied,
            "findings": findings.collect::<Vec<_>>(),
        },
    })
}

fn name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Intent(_) => "Intent",
        Kind::Outcome(_) => "Outcome",
        Kind::Denial(_) => "Denial",
        Kind::Agreement(_) => "Agreement",
        Kind::Party(_) => "Party",
        Kind::Node(_) => "Node",
        Kind::Catalogue(_) => "Catalogue",
        Kind::Adapter(_) => "Adapter",
        Kind::Freeze(_) => "Freeze",
        Kind::Key(_) => "Key",
        Kind::Erasure(_) => "Erasure",
        Kind::Rule(_) => "Rule",
        Kind::Case(_) => "Case",
        Kind::Dispute(_) => "Dispute",
    }
}

fn write_anew() {
    let made = tempfile::tempdir().unwrap();
    let receipts = writer::write(made.path());
    let expected = format!("{:#}\n", summary(made.path()));
    writer::pack(made.path(), &golden(), SEGMENT, &receipts, &expected);
}

/// The log as it was: in the repository its segment ends behind the last frame, since all that follows is zeros. The
/// header says how many.
fn unpacked(to: &Path) {
    static WRITTEN: Once = Once::new();
    if std::env::var_os("UPDATE").is_some() {
        WRITTEN.call_once(write_anew);
    }
    crate::log::copy(&golden(), to);
    let path = to.join(SEGMENT);
    let mut segment = fs::read(&path).unwrap();
    let length = u64::from_be_bytes(segment[24..32].try_into().unwrap());
    assert!(segment.len() as u64 <= length);
    segment.resize(usize::try_from(length).unwrap(), 0);
    fs::write(path, segment).unwrap();
}

#[test]
fn a_log_of_the_first_version_reads_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    unpacked(&log);
    let expected: Value =
        serde_json::from_str(&fs::read_to_string(golden().join("expected.json")).unwrap()).unwrap();
    assert_eq!(summary(&log), expected);

    // Its receipts, to all their openings.
    let vkey = VerifierKey::parse(expected["vkey"].as_str().unwrap()).unwrap();
    let mut receipts = 0;
    for file in fs::read_dir(golden().join("receipts")).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        let saved = receipt::from_json(&text).unwrap();
        assert_eq!(receipt::to_json(&saved), text);
        let checked = receipt::check(&saved, std::slice::from_ref(&vkey)).unwrap();
        assert!(checked.opened.len() >= 3, "entry {}", checked.index);
        receipts += 1;
    }
    assert_eq!(receipts, 3);

    let published = fs::read_to_string(log.join("checkpoint")).unwrap();
    let head = checkpoint::open(&published, &vkey).unwrap();
    assert_eq!((hex(&head.root), head.size), {
        let root = expected["root"].as_str().unwrap().to_owned();
        (root, expected["entries"].as_u64().unwrap())
    });
    let to = folder.path().join("export");
    let exported = tiles::export(&log, &to, &mut |_| {}).unwrap();
    assert_eq!(hex(&exported.root), hex(&head.root));
}

#[test]
fn the_second_verifier_reads_it_too() {
    let folder = tempfile::tempdir().unwrap();
    unpacked(folder.path());
    let output = crate::second_verifier::second_verifier().arg(folder.path()).output().unwrap();
    let told = crate::second_verifier::told(&output).remove(0);
    let expected: Value =
        serde_json::from_str(&fs::read_to_string(golden().join("expected.json")).unwrap()).unwrap();
    for what in ["origin", "entries", "frames", "root", "published", "kinds"] {
        assert_eq!(told[what], expected[what], "{told}");
    }
}
