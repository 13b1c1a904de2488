//! The process that appends: several callers at once, each receipt printed the moment it is there.

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use heyan::audit::entry::{Commitments, Denied, Entry, Kind};
use heyan::audit::file::MIN_SEGMENT_BYTES;
use heyan::audit::{Audit, Settings};
use heyan::crypto::{SigningKey, sha256};
use heyan::decision::facts::{CallerFacts, Facts, RoleFact, Standing};
use heyan::query::time::Timestamp;

/// Folder of the log to append to.
pub(super) const LOG: &str = "HEYAN_TEST_APPEND_TO";

/// File of its key, PKCS#8 DER.
pub(super) const KEY: &str = "HEYAN_TEST_APPEND_KEY";

/// How many entries more it appends; for ever without.
pub(super) const MOST: &str = "HEYAN_TEST_APPEND_MOST";

const CALLERS: u64 = 16;

pub(super) fn settings() -> Settings {
    Settings {
        segment_bytes: MIN_SEGMENT_BYTES,
        publish_every: Duration::from_millis(5),
        ..Settings::default()
    }
}

/// An entry and its sealed record of so many bytes: no wrapped seed, then the sealed part, which the entry names.
fn sealed(number: u64, length: usize) -> (Entry, Bytes) {
    let mut entry = entry(number);
    if length == 0 {
        return (entry, Bytes::new());
    }
    let part = vec![7; length];
    if let Kind::Denial(denied) = &mut entry.kind {
        denied.commitments.sealed = Some(sha256(&part));
    }
    (entry, Bytes::from([&[0, 0][..], &part].concat()))
}

fn entry(number: u64) -> Entry {
    let at = Timestamp(1_800_000_000_000_000 + number);
    let mut request_id = [0; 16];
    request_id[..8].copy_from_slice(&number.to_be_bytes());
    let facts = Facts {
        rules: 1,
        request_id,
        caller_sequence: number,
        received_at: at,
        deadline: None,
        caller: CallerFacts {
            organisation: "fund-centre".into(),
            system: "approval".into(),
            certificate: [3; 32],
            standing: Standing::Registered,
        },
        fact: Some("M1".into()),
        provider: Some("civil-affairs".into()),
        item: "W3".into(),
        item_version: "2026.2".into(),
        case_number: "GJJ-2026-000001".into(),
        replaced_material: String::new(),
        operator_unit: "4301-01".into(),
        operator_present: true,
        notice: String::new(),
        consent: String::new(),
        roles: vec![RoleFact {
            role: "person".into(),
            kind: "person".into(),
            relation: None,
            shown_by: 0,
        }],
        assertions: Vec::new(),
        disclose: Vec::new(),
        max_age: None,
        defects: Vec::new(),
        quota: Vec::new(),
        freezes: Vec::new(),
        catalogue_digest: [4; 32],
    };
    let commitments = Commitments { subject: Some([1; 32]), ..Commitments::default() };
    let code = "NO_AGREEMENT".to_owned();
    Entry { at, kind: Kind::Denial(Box::new(Denied { facts, code, commitments })) }
}

/// One line, in one write, so that a kill leaves whole lines or a last part of one.
fn say(line: &str) {
    std::io::stdout().write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// The error with its causes, in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// Appends until the log refuses or has so many entries, then tries on for a while. Prints `ack RECEIPT` for each entry, then `stopped`, and
/// `late` for an entry that was acknowledged after that.
async fn append(folder: &Path, key: SigningKey, most: u64) {
    // The test runner has begun a line.
    say("");
    let opened = Audit::open(folder, Arc::new(key), &settings(), &mut |_, _| {});
    let audit = match opened {
        Ok(audit) => audit,
        Err(error) => return say(&format!("not opened: {}", chain(&error))),
    };
    say("opened");
    let next = AtomicU64::new(audit.size());
    let most = audit.size().saturating_add(most);
    let caller = async |caller: u64| {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number > most {
                return;
            }
            // Now and then a sealed record, from nothing to several blocks.
            let length = if (number + caller).is_multiple_of(5) { number * 97 % 9000 } else { 0 };
            let (entry, private) = sealed(number, length as usize);
            match audit.append_with(entry, private.into()).await {
                Ok(recorded) => {
                    say(&format!("ack {}", BASE64_STANDARD.encode(recorded.receipt())));
                }
                Err(_) => return,
            }
        }
    };
    futures_util::future::join_all((0..CALLERS).map(caller)).await;
    if audit.is_healthy() {
        return audit.close().await;
    }
    say("stopped");
    for number in 0..20 {
        if audit.append(entry(number)).await.is_ok() {
            say("late");
        }
    }
    audit.close().await;
}

/// As the other tests start it, it appends for ever; on its own it says whether it can.
#[tokio::test]
async fn appends_and_prints_what_it_was_promised() {
    if let Some(folder) = std::env::var_os(LOG) {
        let key = std::fs::read(std::env::var_os(KEY).unwrap()).unwrap();
        let lines = tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false);
        lines.init();
        let key = SigningKey::from_pkcs8(&key).unwrap();
        let most = std::env::var(MOST).map_or(u64::MAX, |most| most.parse().unwrap());
        return append(&PathBuf::from(folder), key, most).await;
    }
    let lab = super::client::Log::new(tempfile::tempdir().unwrap());
    let told = lab.appender().run_until_acknowledged(100).kill();
    assert!(told.receipts.len() >= 100 && !told.is_stopped && !told.is_late, "{}", told.errors);
}
