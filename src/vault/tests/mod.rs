//! The vault over real files: a log with a few questions of two days.

mod erasing;
mod known;
mod opening;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use tempfile::TempDir;

use super::erase::{Done, Eraser, Order, Step, What};
use super::find::{Finder, Match};
use super::history::History;
use super::keys::KeyFolder;
use super::live::{Keys, Vault};
use super::master::{Master, Power};
use super::open::Opener;
use super::seal::{Place, Stage};
use super::subject::Identifier;
use super::{VaultError, day::Day};
use crate::audit::commitment::{self, Field, Seed};
use crate::audit::entry::{self, Commitments, Entry, Intent, Kind, Outcome, Source};
use crate::audit::{Audit, Settings, records, testing};
use crate::crypto::SigningKey;
use crate::query::time::Timestamp;
use crate::query::value::Verdict;

pub(super) const ORIGIN: &str = "heyan.test/log";

/// Noon in China on 2026-11-23.
pub(super) const NOON: Timestamp = Timestamp::from_seconds(1_795_406_400);

/// Small segments: each opening of a log makes one ahead.
fn settings() -> Settings {
    Settings { segment_bytes: 1 << 20, reread_at_start: true, ..Settings::default() }
}

const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);

/// A log with a vault.
pub(super) struct World {
    folder: TempDir,
    key: Arc<SigningKey>,
}

impl World {
    /// Three questions of the first day and two of the second, each an intent and an outcome.
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = Self { folder, key: Arc::new(testing::key()) };
        Audit::create(&world.log(), &world.key, ORIGIN, NOON, &settings()).unwrap();
        KeyFolder::make(&world.path("keys")).unwrap();
        Master::create(&world.path("open.key"), Power::Open).unwrap();
        Master::create(&world.path("find.key"), Power::Find).unwrap();
        let (audit, history) = world.open().await;
        let vault = Vault::new(world.keys(), &world.path("keys"), history).unwrap();
        for question in 1..=5 {
            world.ask(&audit, &vault, question).await;
        }
        audit.close().await;
        world
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn log(&self) -> PathBuf {
        self.path("log")
    }

    pub(super) fn keys(&self) -> Keys {
        let open = Master::read(&self.path("open.key"), Power::Open).unwrap();
        let find = Master::read(&self.path("find.key"), Power::Find).unwrap();
        Keys::new(KeyFolder::new(&self.path("keys"), ORIGIN), open, find)
    }

    pub(super) async fn open(&self) -> (Audit, History) {
        let mut history = History::default();
        let key = Arc::clone(&self.key);
        let audit = Audit::open(&self.log(), key, &settings(), &mut |index, entry| {
            history.visit(index, entry);
        });
        (audit.unwrap(), history)
    }

    /// Question 1, 2 and 3 are of the first day, 4 and 5 of the second.
    pub(super) async fn ask(&self, audit: &Audit, vault: &Vault, question: u64) {
        let at =
            if question <= 3 { NOON } else { NOON.plus(DAY) }.plus(DAY / 86_400 * question as u32);
        vault.ready(at, audit).await.unwrap();
        for stage in [Stage::Intent, Stage::Outcome] {
            let facts = testing::facts("fund-centre/approval", question, at);
            let seed = Seed::random().unwrap();
            let subject = subjects(question);
            let answer: &[u8] = b"{\"verdict\":\"CONFIRMED\"}";
            let mut fields: Vec<(Field, &[u8])> = vec![(Field::Subject, &subject)];
            fields.extend((stage == Stage::Outcome).then_some((Field::Answer, answer)));
            let place = Place { origin: ORIGIN, request_id: &facts.request_id, stage };
            let sealed =
                vault.seal(at, &place, &seed, &fields, &Identifier::of_subjects(&subject)).unwrap();
            let commit = |field: Field| {
                let value = fields.iter().find(|(known, _)| *known == field)?.1;
                Some(commitment::commit(&seed, field, value).0)
            };
            let commitments = Commitments {
                subject: commit(Field::Subject),
                answer: commit(Field::Answer),
                sealed: Some(sealed.digest),
                ..Commitments::default()
            };
            let permit = testing::permit();
            let kind = match stage {
                Stage::Intent => Kind::Intent(Box::new(Intent {
                    facts,
                    permit,
                    commitments,
                    adapter: testing::adapter(),
                })),
                _ => Kind::Outcome(Box::new(Outcome {
                    facts,
                    permit,
                    commitments,
                    intent: None,
                    source: Source::Cache,
                    verdict: Verdict::Confirmed,
                    as_of: Some(at),
                    disclosed: Vec::new(),
                    masked: Vec::new(),
                    dropped: 0,
                    unavailable: None,
                    subjects_checked: Vec::new(),
                })),
            };
            audit.append_with(Entry { at, kind }, sealed.private).await.unwrap();
        }
    }

    /// Every entry that has a record: index, its question, entry, record.
    pub(super) fn recorded(&self) -> Vec<(u64, u64, Entry, Bytes)> {
        let mut found = Vec::new();
        records::each(&self.log(), 0, &mut |index, stored, private| {
            let entry = entry::decode(stored).unwrap();
            if let Some(facts) = entry.kind.facts() {
                found.push((index, facts.caller_sequence, entry, private.clone()));
            }
            Ok::<(), ()>(())
        })
        .unwrap()
        .unwrap();
        found
    }

    pub(super) fn opener(&self, log: &Path) -> Opener {
        let master = Master::read(&self.path("open.key"), Power::Open).unwrap();
        Opener::new(log, &self.path("keys"), master).unwrap()
    }

    /// Questions of which every entry opens, questions of which none does.
    pub(super) fn state(&self, log: &Path) -> (Vec<u64>, Vec<u64>) {
        let mut opener = self.opener(log);
        let (mut open, mut gone) = (Vec::new(), Vec::new());
        for (index, question, entry, private) in self.recorded() {
            match opener.unlock(index, &entry, &private) {
                Ok(unlocked) => {
                    assert_eq!(unlocked.open(Field::Subject).unwrap().value, subjects(question));
                    open.push(question);
                }
                Err(VaultError::Gone(_)) => gone.push(question),
                Err(error) => panic!("entry {index}: {error}"),
            }
        }
        open.dedup();
        gone.dedup();
        assert!(open.iter().all(|question| !gone.contains(question)), "{open:?} {gone:?}");
        (open, gone)
    }

    /// Which questions the subject key finds to be about this person.
    pub(super) fn about(&self, person: &str) -> Vec<u64> {
        let master = Master::read(&self.path("find.key"), Power::Find).unwrap();
        let mut finder = Finder::new(&self.log(), &self.path("keys"), master).unwrap();
        let wanted = [Identifier::parse(&format!("passport:{person}")).unwrap()];
        let mut found = Vec::new();
        for (index, question, entry, private) in self.recorded() {
            if finder.is_about(index, &entry, &private, &wanted).unwrap() == Match::Yes {
                found.push(question);
            }
        }
        found.dedup();
        found
    }

    pub(super) async fn erase(
        &self,
        what: What,
        stop_at: Option<usize>,
    ) -> (Result<Done, VaultError>, Vec<Step>) {
        let (audit, history) = self.open().await;
        let (log, keys) = (self.log(), self.keys());
        let at = NOON.plus(3 * DAY);
        let mut eraser = Eraser { log: &log, audit: &audit, keys: &keys, history, at };
        let mut steps = Vec::new();
        let order = Order { what, ground: "PIPL-47".to_owned() };
        let done = eraser
            .erase(&order, &mut |step| {
                if stop_at == Some(steps.len()) {
                    return Err(VaultError::Interrupted);
                }
                steps.push(step.clone());
                Ok(())
            })
            .await;
        audit.close().await;
        (done, steps)
    }
}

/// Questions 1 and 4 are about the person P00001, the others about P0000N; all also about the spouse P99999.
fn subjects(question: u64) -> Vec<u8> {
    let number = if question == 4 { 1 } else { question };
    let person = |role: &str, number: &str| {
        serde_json::json!({
            "role": role,
            "person": { "document_number": number, "document_type": "passport", "name": "" },
        })
    };
    let subjects = [person("person", &format!("P{number:05}")), person("spouse", "P99999")];
    serde_json::to_vec(&subjects).unwrap()
}

pub(super) fn day(question: u64) -> Day {
    Day(Day::of(NOON).0 + u32::from(question > 3))
}
