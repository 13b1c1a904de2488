//! What happens while a reload reads its folders: orders act at once and stand after it, publications come after it, and
//! what is recorded bears the time of its recording.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use heyan::agreements::document::Signer;
use heyan::agreements::order::{self, Act, Order};
use heyan::audit::entry::Kind;
use heyan::client::Client;
use heyan::clock::now;
use heyan::crypto::SigningKey;
use heyan::decision::freeze::Scope;
use heyan::gateway::in_force::Reloaded;
use heyan::query::time::Timestamp;
use tokio::task::JoinSet;

use crate::support::draft::Draft;
use crate::support::entries::agreements;
use crate::support::{Lab, ask, refused};

const CIVIL: &str = "civil-affairs";

/// A reload that stops when it begins to read agreements, until it is let go.
struct Paused {
    reload: JoinSet<Reloaded>,
    go: SyncSender<()>,
}

impl Paused {
    async fn of(lab: &Lab) -> Self {
        let (reached, is_reached) = sync_channel(1);
        let (go, gone) = sync_channel::<()>(1);
        let gone: Mutex<Receiver<()>> = Mutex::new(gone);
        let progress = Arc::new(move |_: usize, _: usize| {
            let _ = reached.try_send(());
            let _ = gone.lock().unwrap().recv();
        });
        let gateway = Arc::clone(lab.node().gateway());
        let mut reload = JoinSet::new();
        reload.spawn(async move { gateway.reload_telling(now, progress).await });
        tokio::task::spawn_blocking(move || is_reached.recv().unwrap()).await.unwrap();
        Self { reload, go }
    }

    async fn ends(mut self) -> Reloaded {
        drop(self.go);
        self.reload.join_next().await.unwrap().unwrap()
    }
}

fn draft(lab: &Lab, id: &str, fact: &str) -> Draft {
    let fact = lab.catalogue.fact(&fact.into()).unwrap();
    Draft::new(id, CIVIL).all_of(fact, &lab.catalogue)
}

async fn freeze(lab: &Lab, id: &str, fact: Option<&str>) {
    let fact = fact.map(Into::into);
    let act = Act::Freeze(Scope { provider: CIVIL.into(), fact, caller: None });
    let order = Order::new(id, &CIVIL.into(), now(), "an incident", &act);
    let key = SigningKey::read(&lab.path("pki/civil-affairs/signing.key")).unwrap();
    let document = order::sign(&order, Signer { kid: "civil-affairs-1", key: &key }).unwrap();
    lab.client_as(CIVIL, "agency").await.give_order(document).await.unwrap();
}

async fn is_refused(lab: &Lab, client: &Client, fact: &str) -> String {
    refused(client, lab.question(fact)).await.reason
}

async fn finds_nothing_to_change(lab: &Lab) {
    let reloaded = lab.node().gateway().reload(now).await;
    assert!(reloaded.changes.is_empty() && reloaded.findings.is_empty(), "{reloaded:?}");
}

fn replays_clean(lab: &Lab) {
    let examined = heyan::cli::audit::examine(&lab.path("log"), None).unwrap();
    assert!(examined.findings.is_empty(), "{:?}", examined.findings);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_given_during_a_reload_acts_at_once_and_stands_after_it() {
    let mut lab = Lab::prepare(&["police"]).await;
    for (id, fact) in [("trial-1", "M1"), ("trial-2", "M2")] {
        draft(&lab, id, fact).place(&lab);
    }
    lab.serve().await;
    let client = lab.client().await;
    for fact in ["M1", "M2"] {
        ask(&client, lab.question(fact)).await;
    }
    draft(&lab, "new", "M2").place(&lab);
    let mut paused = Paused::of(&lab).await;
    freeze(&lab, "one", Some("M1")).await;
    assert_eq!(is_refused(&lab, &client, "M1").await, "FROZEN");
    ask(&client, lab.question("M2")).await;
    freeze(&lab, "two", Some("M2")).await;
    assert_eq!(is_refused(&lab, &client, "M2").await, "FROZEN");
    assert!(paused.reload.try_join_next().is_none(), "it still reads");
    // One order is in the folder when that is read, the other is not.
    std::fs::remove_file(lab.path("orders/civil-affairs.two.order.json")).unwrap();

    let reloaded = paused.ends().await;
    assert_eq!(reloaded.changes, ["agreement `new` version 1 adopted"]);
    assert!(reloaded.findings.is_empty(), "{reloaded:?}");
    for fact in ["M1", "M2"] {
        assert_eq!(is_refused(&lab, &client, fact).await, "FROZEN");
    }
    finds_nothing_to_change(&lab).await;
    drop(client);
    lab.close().await;
    lab.serve().await;
    let client = lab.client().await;
    for fact in ["M1", "M2"] {
        assert_eq!(is_refused(&lab, &client, fact).await, "FROZEN");
    }
    replays_clean(&lab);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_during_a_reload_comes_after_it_and_is_not_withdrawn() {
    let lab = Lab::start(&["police"]).await;
    let client = lab.client().await;
    draft(&lab, "new", "M1").place(&lab);
    let paused = Paused::of(&lab).await;
    let document = draft(&lab, "trial", "M2").signed_by(&lab, &["fund-centre", CIVIL]);
    let gateway = Arc::clone(lab.node().gateway());
    let mut publishing = JoinSet::new();
    publishing.spawn(async move { gateway.publish(&document, now).await.unwrap() });
    let begun = now();
    assert_eq!(paused.ends().await.changes, ["agreement `new` version 1 adopted"]);
    let published = publishing.join_next().await.unwrap().unwrap();
    assert!(!published.is_known);
    for fact in ["M1", "M2"] {
        ask(&client, lab.question(fact)).await;
    }
    finds_nothing_to_change(&lab).await;
    let entries = lab.entries();
    let adopted: Vec<Timestamp> = entries
        .iter()
        .filter(|entry| matches!(entry.kind, Kind::Agreement(_)))
        .map(|entry| entry.at)
        .collect();
    let [.., reloaded, published] = adopted[..] else { panic!("{adopted:?}") };
    assert!(begun <= reloaded && reloaded <= published, "recorded later than read: {adopted:?}");
    replays_clean(&lab);
}

/// How far the clock of the next test has jumped, microseconds.
static JUMPED: AtomicU64 = AtomicU64::new(0);

fn jumping() -> Timestamp {
    Timestamp(now().0 + JUMPED.load(Ordering::SeqCst))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_must_hold_when_it_is_recorded_and_not_only_when_it_is_read() {
    let lab = Lab::start(&["police"]).await;
    let file = lab.path("pki/parties/civil-affairs.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let ends = jiff::Timestamp::from_second(now().0 as i64 / 1_000_000 + 3600).unwrap();
    let lines = text.lines().map(|line| match line.starts_with("valid_to") {
        true => format!("valid_to = \"{ends}\"\n"),
        false => format!("{line}\n"),
    });
    std::fs::write(&file, lines.collect::<String>()).unwrap();
    draft(&lab, "new", "M2").place(&lab);
    let before = agreements(&lab.entries());

    // While the agreement is read its signature holds; the key ends before it is recorded.
    let later = Duration::from_secs(7200).as_micros() as u64;
    let progress = Arc::new(move |_: usize, _: usize| JUMPED.store(later, Ordering::SeqCst));
    let reloaded = lab.node().gateway().reload_telling(jumping, progress).await;
    assert_eq!(reloaded.changes, ["party `civil-affairs` entered"]);
    let [finding] = &reloaded.findings[..] else { panic!("{reloaded:?}") };
    assert!(finding.file.ends_with("new.json"), "{finding}");
    assert_eq!(agreements(&lab.entries()), before);
}
