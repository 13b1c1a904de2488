//! Opening with a summary gives what opening without one gives, and nothing planted, stale or torn is believed.

use std::collections::BTreeMap;
use std::fs;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::*;
use crate::audit::derived::{self, Derived};
use crate::audit::file::disk::Local;
use crate::audit::hashed::Depth;
use crate::audit::store::{Damage, Known, StoreError};
use crate::audit::summary::tests::Random;
use crate::audit::verify::{Expected, verify};
use crate::crypto::sha256;

fn fast() -> Settings {
    Settings { reread_at_start: false, ..settings() }
}

/// Opens, and says how many entries were read for it.
fn open(log: &Log, folder: &Path, settings: &Settings) -> Result<(Audit, u64), AuditError> {
    resume(log, folder, settings).map(|(audit, _, read)| (audit, read))
}

/// The same, with what all entries add up to.
fn resume(
    log: &Log,
    folder: &Path,
    settings: &Settings,
) -> Result<(Audit, Summary, u64), AuditError> {
    let mut read = 0;
    let key = Arc::clone(&log.key);
    let (audit, summary) = Audit::resume(folder, key, settings, &mut |_, _| read += 1)?;
    Ok((audit, summary, read))
}

async fn append_all(audit: &Audit, entries: impl Iterator<Item = Entry>) {
    for batch in entries.collect::<Vec<_>>().chunks(40) {
        let appends = batch.iter().map(|entry| audit.append(entry.clone()));
        let appended = futures_util::future::join_all(appends).await;
        assert!(appended.iter().all(Result::is_ok));
    }
}

/// A log of several files with entries of all kinds, closed.
async fn filled(seed: u64, count: usize) -> Log {
    let log = Log::new();
    let (audit, _) = open(&log, log.path(), &fast()).unwrap();
    let mut random = Random(seed);
    append_all(&audit, std::iter::repeat_with(|| random.entry()).take(count)).await;
    audit.close().await;
    log
}

fn derived_files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(folder.join("derived")).unwrap().map(|file| {
        let path = file.unwrap().path();
        (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap())
    });
    files.collect()
}

/// What a start knows, read anew in full.
async fn in_full(log: &Log) -> (Summary, String, u64) {
    let (audit, summary, read) = resume(log, log.path(), &settings()).unwrap();
    assert_eq!(read, audit.size());
    let known = (summary, audit.checkpoint(), audit.size());
    audit.close().await;
    known
}

#[tokio::test]
async fn a_start_with_a_summary_knows_what_a_full_one_knows() {
    for seed in 0..4 {
        let log = filled(seed, 8000).await;
        assert!(derived_files(log.path()).len() > 2, "several files are full");
        let (audit, summary, read) = resume(&log, log.path(), &fast()).unwrap();
        assert_eq!(read, 0, "the summary was written at the end");
        let known = (summary, audit.checkpoint(), audit.size());
        assert_eq!(known.0.entries, known.2);
        let tree = |audit: &Audit| {
            let rows = audit.level_hashes(8, 0, 1000);
            (rows, audit.entries(0, 10_000).unwrap(), audit.leaf_hashes(3, 5).unwrap())
        };
        let kept = tree(&audit);
        assert_eq!((kept.0.len() as u64, kept.1.len() as u64), (known.2 / 256, known.2));
        let newest = checkpoint::open(&known.1, &log.vkey()).unwrap();
        for index in (0..known.2).step_by(97) {
            let proof = audit.prove_inclusion(index, known.2).unwrap();
            let leaf = tree::leaf_hash(&kept.1[index as usize]);
            assert!(tree::verify_inclusion(&leaf, index, known.2, &proof, &newest.root));
        }
        audit.close().await;
        assert_eq!(in_full(&log).await, known, "seed {seed}");
    }
}

#[tokio::test]
async fn what_comes_after_the_summary_is_read() {
    let log = filled(9, 2500).await;
    let kept = derived_files(log.path());
    let (audit, _) = open(&log, log.path(), &fast()).unwrap();
    let mut random = Random(77);
    append_all(&audit, std::iter::repeat_with(|| random.entry()).take(2500)).await;
    audit.close().await;
    // As if it had not been closed: the summary is that of the time before.
    for (name, bytes) in &kept {
        fs::write(log.path().join("derived").join(name), bytes).unwrap();
    }
    let (audit, summary, read) = resume(&log, log.path(), &fast()).unwrap();
    assert_eq!(read, 2500);
    let known = (summary, audit.checkpoint(), audit.size());
    audit.close().await;
    assert_eq!(in_full(&log).await, known);
}

#[tokio::test]
async fn no_changed_or_missing_file_is_believed_and_each_is_made_anew() {
    let log = filled(3, 4000).await;
    let good = derived_files(log.path());
    let known = in_full(&log).await;
    assert_eq!(derived_files(log.path()), good, "the same entries, the same files");
    let mut random: usize = 5;
    for (name, bytes) in &good {
        for round in 0..12 {
            let path = log.path().join("derived").join(name);
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_041);
            let place = (random >> 20) % bytes.len();
            let mut changed = bytes.clone();
            match round {
                0 => fs::remove_file(&path).unwrap(),
                1 => fs::write(&path, &bytes[..place]).unwrap(),
                2 => fs::write(&path, b"").unwrap(),
                _ => {
                    changed[place] ^= 1 << (random >> 60 & 7);
                    fs::write(&path, &changed).unwrap();
                }
            }
            let (audit, summary, read) = resume(&log, log.path(), &fast()).unwrap();
            // A changed bit of base64's last character may leave what it stands for as it was.
            assert!(read == known.2 || name == "summary", "{name} byte {place}");
            assert_eq!((&summary, audit.size()), (&known.0, known.2));
            audit.close().await;
            fs::write(&path, bytes).unwrap();
            assert_eq!(derived_files(log.path()), good);
        }
    }
}

#[tokio::test]
async fn a_summary_of_another_log_or_another_key_is_not_believed() {
    let (log, other) = (filled(1, 600).await, filled(2, 600).await);
    let theirs = derived_files(other.path());
    for (name, bytes) in &theirs {
        fs::write(log.path().join("derived").join(name), bytes).unwrap();
    }
    let (audit, read) = open(&log, log.path(), &fast()).unwrap();
    assert_eq!(read, audit.size());
    audit.close().await;

    // Signed by somebody else, over this very log.
    let store = FileStore::open(
        Arc::new(Local),
        log.path(),
        Description::read(log.path()).unwrap().unwrap(),
        settings().file_bytes(),
    )
    .unwrap();
    let mut derived = Derived::new(1, log.vkey());
    store
        .load(Known::nothing(Depth::Entries), &mut |place, hashed| {
            derived.frame(place, hashed, |_, _| {})
        })
        .unwrap();
    derived.summary.in_force.catalogue = Some([1; 32]);
    derived.keep(&store, ORIGIN, &key()).unwrap();
    assert!(
        derived::read(&|name| store.derived(name), 1, &log.vkey(), &log.vkey()).unwrap().is_none()
    );
    derived.keep(&store, "heyan.test/other", &log.key).unwrap();
    assert!(
        derived::read(&|name| store.derived(name), 1, &log.vkey(), &log.vkey()).unwrap().is_none()
    );
    derived.keep(&store, ORIGIN, &log.key).unwrap();
    assert!(
        derived::read(&|name| store.derived(name), 1, &log.vkey(), &log.vkey()).unwrap().is_some()
    );

    // Signed by the log itself, but its hashes do not give the root.
    let path = log.path().join("derived").join("summary");
    let file = fs::read_to_string(&path).unwrap();
    for (part, is_believed) in [("none", true), ("below", false), ("blocks", false)] {
        fs::write(&path, signed_anew(&file, part, &log.key)).unwrap();
        let read = derived::read(&|name| store.derived(name), 1, &log.vkey(), &log.vkey());
        assert_eq!(read.unwrap().is_some(), is_believed, "{part}");
    }
}

/// The file with one hash of that part changed, under a signature that holds.
fn signed_anew(file: &str, part: &str, key: &SigningKey) -> String {
    let (body, note) = file.split_once('\n').unwrap();
    let mut body: serde_json::Value = serde_json::from_str(body).unwrap();
    if let Some(hashes) = body.get_mut(part) {
        let mut bytes = BASE64_STANDARD.decode(hashes.as_str().unwrap()).unwrap();
        bytes[0] ^= 1;
        *hashes = BASE64_STANDARD.encode(bytes).into();
    }
    let body = body.to_string();
    let text = note::Note::parse(note).unwrap().text;
    let (head, _) = text.trim_end().rsplit_once('\n').unwrap();
    let digest = BASE64_STANDARD.encode(sha256(body.as_bytes()));
    let signed = note::sign(&format!("{head}\n{digest}\n"), ORIGIN, key).unwrap();
    format!("{body}\n{signed}")
}

#[tokio::test]
async fn a_summary_newer_than_the_log_does_not_hide_what_is_missing() {
    let log = filled(4, 300).await;
    let old = tempfile::tempdir().unwrap();
    super::files::copy(log.path(), old.path());
    let (audit, _) = open(&log, log.path(), &fast()).unwrap();
    let mut random = Random(8);
    append_all(&audit, std::iter::repeat_with(|| random.entry()).take(3000)).await;
    audit.close().await;

    // An older state of everything but the derived files: they claim entries that are not there.
    for (name, bytes) in derived_files(log.path()) {
        fs::write(old.path().join("derived").join(name), bytes).unwrap();
    }
    let (audit, read) = open(&log, old.path(), &fast()).unwrap();
    assert_eq!((audit.size(), read), (301, 301));
    audit.close().await;
    // With the newer checkpoint as well it is refused.
    for (name, bytes) in derived_files(log.path()) {
        fs::write(old.path().join("derived").join(name), bytes).unwrap();
    }
    fs::copy(log.path().join("checkpoint"), old.path().join("checkpoint")).unwrap();
    let refused = open(&log, old.path(), &fast()).map(drop).unwrap_err();
    assert!(matches!(refused, AuditError::Behind { published: 3301, found: 301 }), "{refused}");
}

#[tokio::test]
async fn promises_are_held_against_what_the_summary_covers() {
    let log = filled(6, 3000).await;
    let early = fs::read_to_string(log.path().join("checkpoint")).unwrap();
    let (audit, _) = open(&log, log.path(), &fast()).unwrap();
    let mut random = Random(8);
    append_all(&audit, std::iter::repeat_with(|| random.entry()).take(900)).await;
    audit.close().await;

    // A checkpoint from under the summary.
    fs::write(log.path().join("checkpoint"), &early).unwrap();
    let (audit, read) = open(&log, log.path(), &fast()).unwrap();
    assert_eq!(read, 0);
    audit.close().await;

    // One that was never published over these entries.
    let head = checkpoint::open(&early, &log.vkey()).unwrap();
    let forked = Head { root: [1; 32], ..head };
    let forked = checkpoint::sign(ORIGIN, &forked, &log.key).unwrap();
    fs::write(log.path().join("checkpoint"), forked).unwrap();
    let refused = open(&log, log.path(), &fast()).map(drop).unwrap_err();
    assert!(matches!(refused, AuditError::Forked { published: 3001 }), "{refused}");
}

#[tokio::test]
async fn a_missing_or_exchanged_file_under_the_summary_is_found_at_the_start() {
    let log = filled(7, 5000).await;
    let (first, second) =
        (log.path().join("wal/0000000000000001.wal"), log.path().join("wal/0000000000000002.wal"));
    let good = fs::read(&first).unwrap();
    fs::copy(&second, &first).unwrap();
    let refused = open(&log, log.path(), &fast()).map(drop).unwrap_err();
    assert!(refused.is_finding(), "{refused}");
    fs::write(&first, &good[..good.len() - 4096]).unwrap();
    assert!(open(&log, log.path(), &fast()).map(drop).unwrap_err().is_finding());
    fs::remove_file(&first).unwrap();
    let refused = open(&log, log.path(), &fast()).map(drop).unwrap_err();
    let AuditError::Store(StoreError::Damaged { source, .. }) = refused else { panic!() };
    assert!(matches!(source, Damage::SegmentMissing(1)));
    fs::write(&first, &good).unwrap();
    let (audit, read) = open(&log, log.path(), &fast()).unwrap();
    assert_eq!(read, 0);
    audit.close().await;
}

/// A crash between the files: each state that the writing passes through opens to the same log.
#[tokio::test]
async fn a_crash_while_the_files_are_written_changes_nothing() {
    let log = filled(11, 300).await;
    let before = derived_files(log.path());
    let (audit, _) = open(&log, log.path(), &fast()).unwrap();
    let mut random = Random(12);
    append_all(&audit, std::iter::repeat_with(|| random.entry()).take(4000)).await;
    audit.close().await;
    let after = derived_files(log.path());
    let known = in_full(&log).await;
    let folder = log.path().join("derived");
    let trees: Vec<&String> = after.keys().filter(|name| *name != "summary").collect();
    for written in 0..=trees.len() {
        fs::remove_dir_all(&folder).unwrap();
        fs::create_dir(&folder).unwrap();
        for (name, bytes) in &before {
            fs::write(folder.join(name), bytes).unwrap();
        }
        for name in trees.iter().take(written) {
            fs::write(folder.join(name), &after[*name]).unwrap();
        }
        if let Some(name) = trees.get(written) {
            fs::write(folder.join(format!("{name}.new")), &after[*name][..9]).unwrap();
        }
        let (audit, summary, read) = resume(&log, log.path(), &fast()).unwrap();
        assert_eq!((read, &summary, audit.size()), (4000, &known.0, known.2));
        audit.close().await;
        let mut now = derived_files(log.path());
        now.retain(|name, _| !name.ends_with(".new"));
        assert_eq!(now, after);
    }
    verify(log.path(), Expected::default(), &mut |_, _| {}).unwrap();
}
