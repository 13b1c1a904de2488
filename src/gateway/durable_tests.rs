//! What changes who may ask what takes effect when its entry is durable, and not a moment before.

use std::fs;

use tempfile::TempDir;

use super::exchange::{Filing, Unclosed};
use super::in_force::{InForce, Journal, Reading, Sources};
use super::ledger::Ledger;
use super::publish::NotPublished;
use super::{Gateway, Limits, Parts};
use crate::agreements::document::Signer;
use crate::agreements::order::{self, Act, Order};
use crate::audit::entry::CaseClosed;
use crate::audit::memory::Fault;
use crate::audit::testing::{self, InMemory};
use crate::cache::AnswerCache;
use crate::cli::demo::world::World;
use crate::clock::now;
use crate::crypto::SigningKey;
use crate::decision::freeze::Scope;
use crate::query::Operator;

const DRAFT: &str = "civil-affairs";

/// A gateway without agreements over a log in memory, and the document of one agreement.
struct Stage {
    folder: TempDir,
    log: InMemory,
    gateway: Gateway,
    document: Vec<u8>,
}

impl Stage {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = now();
        let world = World::make(&folder.path().join("world"), at).unwrap();
        world.sign(DRAFT).unwrap();
        let signed = world.path(format!("agreements/{DRAFT}.json"));
        let document = fs::read(&signed).unwrap();
        fs::remove_file(signed).unwrap();

        let log = InMemory::new();
        let audit = log.start(&testing::settings());
        let sources = Sources {
            parties: world.path("pki/parties"),
            catalogue: world.path("catalogue"),
            agreements: world.path("agreements"),
            orders: world.path("orders"),
            adapters: world.path("adapters"),
            allowed: crate::adapters::Allowed::everything(),
        };
        let (mut journal, ledger) = (Journal::default(), Ledger::default());
        let (progress, previous) = (&|_, _| {}, None);
        let reading = Reading { sources: &sources, at, journal: &journal, previous, progress };
        let mut in_force = InForce::read(&reading).0.unwrap();
        journal.record(&audit, &mut in_force, at).await.unwrap();
        let limits = Limits {
            deadline_default: std::time::Duration::from_secs(5),
            deadline_margin: std::time::Duration::from_millis(50),
            request_id_window: std::time::Duration::from_secs(600),
            request_id_entries: 100,
            request_id_bytes: 1 << 20,
        };
        let cache = AnswerCache::new(1 << 20).unwrap();
        let kept = super::disputes::Settings {
            folder: folder.path().join("disputes"),
            look_every: std::time::Duration::from_secs(10),
            opened_per_day: 10,
        };
        let disputes = super::disputes::Disputes::resume(&kept, &audit, &[]).unwrap();
        let gateway = Gateway::new(Parts {
            in_force,
            sources,
            journal,
            ledger,
            cache,
            audit,
            vault: None,
            disputes,
            limits,
        });
        Self { folder, log, gateway, document }
    }

    fn agreements(&self) -> usize {
        self.gateway.in_force().agreements.all().len()
    }

    fn is_frozen(&self) -> bool {
        let (police, fact) = ("police".into(), "P1".into());
        !self.gateway.in_force().freezes.over(Some(&police), Some(&fact), &"any".into()).is_empty()
    }

    /// The police's order that nobody asks it anything.
    fn freeze(&self) -> Vec<u8> {
        let scope = Scope { provider: "police".into(), fact: None, caller: None };
        let order =
            Order::new("incident-4", &"police".into(), now(), "a test", &Act::Freeze(scope));
        let key = self.folder.path().join("world/pki/police/signing.key");
        let key = SigningKey::read(&key).unwrap();
        order::sign(&order, Signer { kid: "police-1", key: &key }).unwrap()
    }

    /// Waits until the log is writing what was not there when so many appends had begun.
    async fn writing(&self, begun: usize) {
        self.log.store.wait_for_appends(begun + 1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agreement_is_in_force_when_its_entry_is_durable_and_not_before() {
    let stage = Stage::new().await;
    let begun = stage.log.store.begun();
    stage.log.store.hold();
    let (published, ()) = tokio::join!(stage.gateway.publish(&stage.document, now), async {
        stage.writing(begun).await;
        assert_eq!(stage.agreements(), 0, "in force while its entry was being written");
        stage.log.store.release();
    });
    published.unwrap();
    assert_eq!(stage.agreements(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agreement_that_the_log_does_not_take_is_not_in_force() {
    let stage = Stage::new().await;
    stage.log.store.fail(Fault::NotWritten);
    let refused = stage.gateway.publish(&stage.document, now).await;
    assert!(matches!(refused, Err(NotPublished::Log(_))), "{refused:?}");
    assert_eq!(stage.agreements(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_freeze_acts_when_its_entry_is_durable_and_not_before() {
    let stage = Stage::new().await;
    let begun = stage.log.store.begun();
    stage.log.store.hold();
    let order = stage.freeze();
    let (given, ()) = tokio::join!(stage.gateway.give(&order, |_| true, now), async {
        stage.writing(begun).await;
        assert!(!stage.is_frozen(), "it acted while its entry was being written");
        stage.log.store.release();
    });
    given.unwrap();
    assert!(stage.is_frozen());
}

/// One case that does not fit is no log that has stopped: the next one is recorded.
#[tokio::test]
async fn a_case_that_is_too_large_is_refused_and_stops_nothing() {
    let stage = Stage::new().await;
    let closed = |course: String| CaseClosed {
        case_id: [7; 16],
        caller: testing::facts("fund-centre/approval", 1, now()).caller,
        item: "W3".to_owned(),
        item_version: "2026.2".to_owned(),
        rule: [3; 32],
        case_number: "GJJ-2026-1".to_owned(),
        operator_unit: String::new(),
        course,
        outcome: "READY".to_owned(),
        needs: Vec::new(),
        abandoned: false,
        commitments: None,
    };
    let filing = Filing {
        subjects: Vec::new(),
        operator: Operator::default(),
        request: b"{}".to_vec(),
        want_receipt: false,
    };
    let refused = stage.gateway.close_case(now(), closed("x".repeat(70_000)), &filing).await;
    assert!(matches!(refused, Err(Unclosed::TooLarge(bytes)) if bytes > 70_000));
    stage.gateway.close_case(now(), closed("{}".to_owned()), &filing).await.unwrap();
    stage.log.store.fail(Fault::NotWritten);
    let refused = stage.gateway.close_case(now(), closed("{}".to_owned()), &filing).await;
    assert!(matches!(refused, Err(Unclosed::Refused(super::exchange::Refusal::Unrecorded))));
}
