//! A log with known contents in a folder of its own, and commands run on it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use rcgen::{KeyPair, PKCS_ED25519};

use super::{AuditCommand, run};
use crate::audit::entry::{
    AgreementEvent, Denied, Entry, Intent, Kind, NodeChange, NodeEvent, Outcome, Source,
};
use crate::audit::testing::{adapter, commitments, facts, permit};
use crate::audit::{Audit, Settings};
use crate::crypto::SigningKey;
use crate::decision::facts::{Facts, QuotaUse};
use crate::query::record::Unavailable;
use crate::query::time::Timestamp;
use crate::query::value::Verdict;

pub(super) const SECOND: u64 = 1_000_000;
/// Monday, 2026-11-23, 10:00 in China.
pub(super) const TEN: u64 = 1_795_399_200 * SECOND;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    command: AuditCommand,
}

/// Runs a command line, without the words `heyan audit`, and expects this exit code.
pub(super) fn expect(code: u8, words: &[&str]) {
    let result = heyan_audit(words);
    let found = result.as_ref().map(|found| format!("{found:?}")).map_err(|e| format!("{e:#}"));
    assert_eq!(found, Ok(format!("{:?}", ExitCode::from(code))), "{words:?}");
}

pub(super) fn heyan_audit(words: &[&str]) -> anyhow::Result<ExitCode> {
    run(Line::try_parse_from([&["audit"], words].concat())?.command)
}

/// Small files: making them ahead takes longer than these tests.
fn settings() -> Settings {
    Settings { segment_bytes: 1 << 20, ..Settings::default() }
}

pub(super) struct Trial {
    folder: tempfile::TempDir,
}

impl Trial {
    /// A log with the entries of [`contents`] behind its creation.
    pub(super) async fn new() -> Self {
        let trial = Self { folder: tempfile::tempdir().unwrap() };
        let pem = KeyPair::generate_for(&PKCS_ED25519).unwrap().serialize_pem();
        fs::write(trial.path("log.key"), pem).unwrap();
        fs::set_permissions(trial.path("log.key"), fs::Permissions::from_mode(0o600)).unwrap();
        trial.create();
        trial.append(contents()).await;
        trial
    }

    /// Makes the log with the key that is there, at a moment that does not depend on today.
    pub(super) fn create(&self) {
        let key = SigningKey::read(Path::new(&self.path("log.key"))).unwrap();
        let (folder, at) = (self.path("log"), Timestamp(TEN - SECOND));
        Audit::create(Path::new(&folder), &key, "heyan.test/log", at, &settings()).unwrap();
    }

    pub(super) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    pub(super) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub(super) fn vkey(&self) -> String {
        let text = self.read("log/log.toml");
        let line = text.lines().find(|line| line.starts_with("vkey")).unwrap();
        line.split('"').nth(1).unwrap().to_owned()
    }

    /// Opens the log as a gateway would.
    pub(super) fn open(&self) -> Audit {
        let key = SigningKey::read(Path::new(&self.path("log.key"))).unwrap();
        let folder = self.path("log");
        Audit::open(Path::new(&folder), Arc::new(key), &settings(), &mut |_, _| {}).unwrap()
    }

    /// Appends entries in this order; their receipts.
    pub(super) async fn append(&self, entries: Vec<Entry>) -> Vec<String> {
        let audit = self.open();
        let appends = entries.into_iter().map(|entry| audit.append(entry));
        let recorded = futures_util::future::join_all(appends).await;
        audit.close().await;
        recorded.into_iter().map(|recorded| recorded.unwrap().receipt()).collect()
    }

    /// A copy of the log under another name.
    pub(super) fn copy(&self, name: &str) -> String {
        let to = PathBuf::from(self.path(name));
        fs::create_dir_all(to.join("wal")).unwrap();
        for file in ["log.toml", "checkpoint"] {
            fs::copy(Path::new(&self.path("log")).join(file), to.join(file)).unwrap();
        }
        for file in fs::read_dir(Path::new(&self.path("log")).join("wal")).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), to.join("wal").join(file.file_name())).unwrap();
        }
        to.to_str().unwrap().to_owned()
    }

    /// Changes one bit of the first entry of the log in this folder.
    pub(super) fn damage(&self, folder: &str) {
        let segment = Path::new(folder).join("wal/0000000000000001.wal");
        let mut bytes = fs::read(&segment).unwrap();
        bytes[4096 + 130] ^= 1;
        fs::write(&segment, bytes).unwrap();
    }
}

pub(super) fn question(sequence: u64, at: u64) -> Facts {
    let mut facts = facts("fund-centre/approval", sequence, Timestamp(at));
    facts.case_number = format!("=GJJ<{sequence}>");
    facts.quota = vec![QuotaUse { agreement: permit().agreement, day: 0, second: 0, month: 0 }];
    facts
}

pub(super) fn asked(sequence: u64, at: u64) -> Entry {
    let (facts, permit) = (question(sequence, at), permit());
    let (commitments, adapter) = (commitments(), adapter());
    let kind = Kind::Intent(Box::new(Intent { facts, permit, commitments, adapter }));
    Entry { at: Timestamp(at), kind }
}

pub(super) fn answered(sequence: u64, at: u64, verdict: Verdict, source: Source) -> Entry {
    let outcome = Outcome {
        facts: question(sequence, at),
        permit: permit(),
        commitments: commitments(),
        intent: Some(2),
        source,
        verdict,
        as_of: Some(Timestamp(at)),
        disclosed: vec!["marriage_date".into()],
        masked: Vec::new(),
        dropped: 0,
        unavailable: (verdict == Verdict::Unavailable).then_some(Unavailable::Timeout),
        subjects_checked: vec![0],
    };
    Entry { at: Timestamp(at), kind: Kind::Outcome(Box::new(outcome)) }
}

pub(super) fn denied(sequence: u64, at: u64, code: &str) -> Entry {
    let facts = question(sequence, at);
    let denied = Denied { facts, code: code.into(), commitments: commitments() };
    Entry { at: Timestamp(at), kind: Kind::Denial(Box::new(denied)) }
}

/// Index: 0 created, 1 started, 2-3 asked and answered, 4 from the cache, 5 denied, 6-7 asked and no answer to be had, 8 asked and
/// never answered, 9 another agreement withdrawn, 10 on to 309 denials of the month after.
pub(super) fn contents() -> Vec<Entry> {
    let started = NodeEvent { change: NodeChange::Started, version: "0.1.0".into() };
    let withdrawn = AgreementEvent::Withdrawn { id: "other".into(), version: 1 };
    let event = |at: u64, kind| Entry { at: Timestamp(at), kind };
    let mut entries = vec![
        event(TEN, Kind::Node(started)),
        asked(1, TEN),
        answered(1, TEN, Verdict::Confirmed, Source::Agency),
        answered(2, TEN + SECOND, Verdict::Refuted, Source::Cache),
        denied(3, TEN + 2 * SECOND, "OUTSIDE_HOURS"),
        asked(4, TEN + 3 * SECOND),
        answered(4, TEN + 3 * SECOND, Verdict::Unavailable, Source::Agency),
        asked(5, TEN + 4 * SECOND),
        event(TEN + 5 * SECOND, Kind::Agreement(withdrawn)),
    ];
    let december = TEN + 10 * 86_400 * SECOND;
    entries.extend((6..306).map(|number| denied(number, december + number * SECOND, "EXPIRED")));
    entries
}
