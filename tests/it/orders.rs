//! One party's order acts at once: suspension, resumption, revocation, freezes; each an entry, each replayed.

use std::time::Duration;

use heyan::agreements::document::Signer;
use heyan::agreements::order::{self, Act, Order, Version};
use heyan::audit::entry::{
    AgreementEvent, Entry, FreezeChange, FreezeEvent, Kind, OrderEffect, decode, encode,
};
use heyan::client::Client;
use heyan::clock::now;
use heyan::crypto::SigningKey;
use heyan::decision::freeze::Scope;
use heyan::gateway::in_force::Reloaded;
use heyan::proto::gateway::v1 as wire;
use heyan::query::time::Timestamp;
use heyan::replay::replay;
use wire::source::Kind::{Agency, Cache};

use crate::support::draft::Draft;
use crate::support::entries::{denial, outcome};
use crate::support::{Lab, ask, refused};

const CIVIL: &str = "civil-affairs";
const FUND: &str = "fund-centre";

/// A draft that grants two facts of civil affairs, each kept for a day.
fn marriages(lab: &Lab) -> Draft {
    let keep = "cache = { found = \"1d\", not_found = \"1h\" }";
    ["M1", "M2"].iter().fold(Draft::new("trial", CIVIL), |draft, code| {
        let fact = lab.catalogue.fact(&(*code).into()).unwrap();
        let names: Vec<&str> = fact.attributes.iter().map(|known| known.name.as_str()).collect();
        draft.clause(fact, &lab.catalogue, &names, &[], keep)
    })
}

async fn lab() -> (Lab, Client) {
    let mut lab = Lab::prepare(&["police"]).await;
    marriages(&lab).place(&lab);
    lab.serve().await;
    let client = lab.client().await;
    (lab, client)
}

/// The order of one organisation, signed by another or by itself.
fn document(lab: &Lab, id: &str, by: &str, signer: &str, act: &Act) -> Vec<u8> {
    let order = Order::new(id, &by.into(), now(), "an incident", act);
    let key = SigningKey::read(&lab.path(format!("pki/{signer}/signing.key"))).unwrap();
    order::sign(&order, Signer { kid: &format!("{signer}-1"), key: &key }).unwrap()
}

fn place(lab: &Lab, id: &str, document: &[u8]) {
    std::fs::write(lab.path(format!("orders/{id}.order.json")), document).unwrap();
}

fn remove(lab: &Lab, id: &str) {
    std::fs::remove_file(lab.path(format!("orders/{id}.order.json"))).unwrap();
}

/// Places the order and has the gateway look.
async fn order(lab: &Lab, id: &str, by: &str, act: &Act) -> Reloaded {
    place(lab, id, &document(lab, id, by, by, act));
    lab.node().gateway().reload(now).await
}

/// The same, and this must come of it.
async fn ordered(lab: &Lab, id: &str, by: &str, act: &Act, change: &str) {
    let reloaded = order(lab, id, by, act).await;
    assert!(reloaded.findings.is_empty(), "{id}: {:?}", reloaded.findings);
    assert_eq!(reloaded.changes, [change], "{id}");
}

/// The same, and it must be refused by the name of its file, with nothing changed.
async fn not_followed(lab: &Lab, id: &str, by: &str, act: &Act, problem: &str) {
    let reloaded = order(lab, id, by, act).await;
    assert_eq!((reloaded.findings.len(), reloaded.changes.len()), (1, 0), "{reloaded:?}");
    let finding = reloaded.findings[0].to_string();
    assert!(finding.contains(&format!("{id}.order.json")), "{finding}");
    assert!(finding.contains(problem), "{id}: {finding}");
    remove(lab, id);
}

fn trial() -> Version {
    Version { agreement: "trial".to_owned(), version: 1 }
}

fn scope(provider: &str, fact: Option<&str>, caller: Option<&str>) -> Act {
    let (fact, caller) = (fact.map(Into::into), caller.map(Into::into));
    Act::Freeze(Scope { provider: provider.into(), fact, caller })
}

async fn answered(lab: &Lab, client: &Client, fact: &str, from: wire::source::Kind) {
    let reply = ask(client, lab.question(fact)).await;
    assert_eq!(reply.source.unwrap().kind(), from, "{fact}");
    assert!(outcome(&lab.entries(), reply.log_index).facts.freezes.is_empty(), "{fact}");
}

/// Asks and expects this denial, with its entry, and nobody asked; what the facts say of freezes, and the advice.
async fn denied(lab: &Lab, client: &Client, fact: &str, code: &str) -> (Vec<String>, String) {
    let asked = lab.simulation.asked(CIVIL);
    let refused = refused(client, lab.question(fact)).await;
    assert_eq!(refused.reason, code, "{fact}: {refused}");
    let entries = lab.entries();
    let entry = denial(&entries, refused.log_index.unwrap());
    assert_eq!(entry.code, code);
    assert_eq!(lab.simulation.asked(CIVIL), asked, "{code}: the agency was asked");
    (entry.facts.freezes.clone(), refused.to_string())
}

fn replays_clean(lab: &Lab) {
    let examined = heyan::cli::audit::examine(&lab.path("log"), None).unwrap();
    assert!(examined.findings.is_empty(), "{:?}", examined.findings);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspension_acts_at_once_until_its_party_resumes() {
    let (mut lab, client) = lab().await;
    answered(&lab, &client, "M2", Agency).await;
    answered(&lab, &client, "M2", Cache).await;

    let suspend = Act::Suspend(trial());
    let bytes = document(&lab, "stop", CIVIL, CIVIL, &suspend);
    place(&lab, "stop", &bytes);
    let reloaded = lab.node().gateway().reload(now).await;
    assert_eq!(reloaded.changes, ["agreement `trial` version 1 suspended by `civil-affairs`"]);
    let (id, version, effect) = ("trial".to_owned(), 1, OrderEffect::Suspended);
    let event = AgreementEvent::Ordered { id, version, effect, document: bytes.clone() };
    assert_eq!(lab.entries().last().unwrap().kind, Kind::Agreement(event), "byte for byte");
    let (_, advice) = denied(&lab, &client, "M2", "AGREEMENT_SUSPENDED").await;
    assert!(advice.contains("`trial` is suspended by `civil-affairs`"), "{advice}");
    ask(&client, lab.question("P2")).await;

    // Once recorded it stands, without its file and through a restart.
    remove(&lab, "stop");
    let size = lab.size();
    assert!(lab.node().gateway().reload(now).await.changes.is_empty());
    assert_eq!(lab.size(), size);
    drop(client);
    lab.close().await;
    lab.serve().await;
    let client = lab.client().await;
    denied(&lab, &client, "M2", "AGREEMENT_SUSPENDED").await;

    // Each party resumes its own; one that is held back and used again does nothing.
    ordered(
        &lab,
        "stop-too",
        FUND,
        &Act::Suspend(trial()),
        "agreement `trial` version 1 suspended by `fund-centre`",
    )
    .await;
    let resume = Act::Resume(trial());
    ordered(
        &lab,
        "resume",
        CIVIL,
        &resume,
        "agreement `trial` version 1 resumed by `civil-affairs`",
    )
    .await;
    denied(&lab, &client, "M2", "AGREEMENT_SUSPENDED").await;
    not_followed(&lab, "resume-again", CIVIL, &resume, "`civil-affairs` has not suspended").await;
    ordered(
        &lab,
        "resume-too",
        FUND,
        &resume,
        "agreement `trial` version 1 resumed by `fund-centre`",
    )
    .await;
    place(&lab, "stop", &bytes);
    assert!(lab.node().gateway().reload(now).await.changes.is_empty(), "an order acts once");
    answered(&lab, &client, "M2", Agency).await;
    answered(&lab, &client, "M2", Cache).await;
    replays_clean(&lab);
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_answers_fall_with_a_suspension() {
    let (lab, client) = lab().await;
    answered(&lab, &client, "M2", Agency).await;
    ordered(
        &lab,
        "stop",
        CIVIL,
        &Act::Suspend(trial()),
        "agreement `trial` version 1 suspended by `civil-affairs`",
    )
    .await;
    ordered(
        &lab,
        "resume",
        CIVIL,
        &Act::Resume(trial()),
        "agreement `trial` version 1 resumed by `civil-affairs`",
    )
    .await;
    answered(&lab, &client, "M2", Agency).await;
    replays_clean(&lab);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_is_final() {
    let (mut lab, client) = lab().await;
    answered(&lab, &client, "M2", Agency).await;
    let revoke = Act::Revoke(trial());
    let change = "agreement `trial` version 1 revoked by `fund-centre`";
    ordered(&lab, "end", FUND, &revoke, change).await;
    let (_, advice) = denied(&lab, &client, "M2", "AGREEMENT_REVOKED").await;
    assert!(advice.contains("`trial` was revoked by `fund-centre`"), "{advice}");
    for (by, act) in [(FUND, Act::Resume(trial())), (CIVIL, Act::Suspend(trial()))] {
        not_followed(&lab, "later", by, &act, "which is final").await;
    }

    // Not even when everything but the agreement's file is gone, and that was put there anew.
    remove(&lab, "end");
    let agreement = lab.path("agreements/trial.json");
    let bytes = std::fs::read(&agreement).unwrap();
    std::fs::remove_file(&agreement).unwrap();
    lab.node().gateway().reload(now).await;
    denied(&lab, &client, "M2", "NO_AGREEMENT").await;
    std::fs::write(&agreement, bytes).unwrap();
    drop(client);
    lab.close().await;
    lab.serve().await;
    let client = lab.client().await;
    denied(&lab, &client, "M2", "AGREEMENT_REVOKED").await;

    // A new version is a new agreement.
    let mut second = marriages(&lab);
    second.version = 2;
    second.place(&lab);
    lab.node().gateway().reload(now).await;
    answered(&lab, &client, "M2", Agency).await;
    replays_clean(&lab);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agency_freezes_all_one_fact_or_one_caller() {
    let (lab, client) = lab().await;
    for fact in ["M1", "M2"] {
        answered(&lab, &client, fact, Agency).await;
    }
    // Which freeze, its name, and whether M1 and M2 are stopped by it.
    let cases = [
        ("fact", scope(CIVIL, Some("M2"), None), "provider:civil-affairs/fact:M2", [false, true]),
        (
            "caller",
            scope(CIVIL, None, Some(FUND)),
            "provider:civil-affairs/caller:fund-centre",
            [true, true],
        ),
        (
            "other-caller",
            scope(CIVIL, None, Some("audit-office")),
            "provider:civil-affairs/caller:audit-office",
            [false, false],
        ),
        (
            "both",
            scope(CIVIL, Some("M1"), Some(FUND)),
            "provider:civil-affairs/fact:M1/caller:fund-centre",
            [true, false],
        ),
        ("all", scope(CIVIL, None, None), "provider:civil-affairs", [true, true]),
        ("other-agency", scope("police", None, None), "provider:police", [false, false]),
    ];
    for (id, freeze, name, stopped) in cases {
        ordered(&lab, id, freeze_by(&freeze), &freeze, &format!("freeze `{name}` in force")).await;
        for (fact, is_stopped) in ["M1", "M2"].into_iter().zip(stopped) {
            if is_stopped {
                let (freezes, advice) = denied(&lab, &client, fact, "FROZEN").await;
                assert_eq!(freezes, [name], "{id}");
                assert!(advice.contains("frozen by `civil-affairs`"), "{advice}");
            } else {
                answered(&lab, &client, fact, Cache).await;
            }
        }
        let lift = Act::Unfreeze(id.to_owned());
        let over = format!("{id}-over");
        ordered(&lab, &over, freeze_by(&freeze), &lift, &format!("freeze `{name}` lifted")).await;
        // What was frozen is asked anew; what was not is still kept.
        for (fact, was_stopped) in ["M1", "M2"].into_iter().zip(stopped) {
            answered(&lab, &client, fact, if was_stopped { Agency } else { Cache }).await;
        }
    }
    let changes: Vec<FreezeChange> = lab
        .entries()
        .iter()
        .filter_map(|entry| match &entry.kind {
            Kind::Freeze(FreezeEvent { change, .. }) => Some(*change),
            _ => None,
        })
        .collect();
    assert_eq!(changes, [FreezeChange::Frozen, FreezeChange::Lifted].repeat(6));
    replays_clean(&lab);
}

fn freeze_by(freeze: &Act) -> &str {
    match freeze {
        Act::Freeze(scope) => scope.provider.as_str(),
        _ => panic!("no freeze"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_freeze_stands_through_a_restart_and_two_must_be_lifted_twice() {
    let (mut lab, client) = lab().await;
    for id in ["one", "two"] {
        let change = "freeze `provider:civil-affairs` in force";
        ordered(&lab, id, CIVIL, &scope(CIVIL, None, None), change).await;
        remove(&lab, id);
    }
    drop(client);
    lab.close().await;
    lab.serve().await;
    let client = lab.client().await;
    let lifted = "freeze `provider:civil-affairs` lifted";
    denied(&lab, &client, "M2", "FROZEN").await;
    ordered(&lab, "three", CIVIL, &Act::Unfreeze("one".to_owned()), lifted).await;
    denied(&lab, &client, "M2", "FROZEN").await;
    ordered(&lab, "four", CIVIL, &Act::Unfreeze("two".to_owned()), lifted).await;
    answered(&lab, &client, "M2", Agency).await;
    replays_clean(&lab);
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_of_those_who_may_not_are_refused_by_name() {
    let (lab, client) = lab().await;
    let size = lab.size();
    not_followed(&lab, "police", "police", &Act::Suspend(trial()), "`police` is no party").await;
    let freeze = scope(CIVIL, None, None);
    for (name, signer, act, problem) in [
        ("foreign-freeze", "police", &freeze, "an order of `civil-affairs` and signed by `police`"),
        (
            "callers-freeze",
            FUND,
            &freeze,
            "an order of `civil-affairs` and signed by `fund-centre`",
        ),
        ("foreign-end", "police", &Act::Revoke(trial()), "signed by `police`"),
    ] {
        place(&lab, name, &document(&lab, name, CIVIL, signer, act));
        let reloaded = lab.node().gateway().reload(now).await;
        assert_eq!((reloaded.findings.len(), reloaded.changes.len()), (1, 0), "{reloaded:?}");
        let finding = reloaded.findings[0].to_string();
        assert!(finding.contains(name) && finding.contains(problem), "{finding}");
        remove(&lab, name);
    }
    let other = Act::Suspend(Version { version: 2, ..trial() });
    not_followed(&lab, "version", CIVIL, &other, "version 2 is not in force here").await;
    let foreign_fact = scope("police", Some("M2"), None);
    not_followed(&lab, "fact", "police", &foreign_fact, "no fact `M2` of `police`").await;
    not_followed(&lab, "lift", "police", &Act::Unfreeze("x".to_owned()), "no freeze `x`").await;
    place(&lab, "half", &document(&lab, "half", CIVIL, CIVIL, &freeze)[..99]);
    assert_eq!(lab.node().gateway().reload(now).await.findings.len(), 1);
    assert_eq!(lab.size(), size, "nothing was recorded");
    answered(&lab, &client, "M2", Agency).await;

    // Nor may anybody lift another's freeze.
    let change = "freeze `provider:civil-affairs` in force";
    place(&lab, "half", &document(&lab, "half", CIVIL, CIVIL, &freeze));
    assert_eq!(lab.node().gateway().reload(now).await.changes, [change]);
    let lift = Act::Unfreeze("half".to_owned());
    not_followed(&lab, "lift", FUND, &lift, "`fund-centre` has no freeze `half`").await;
    denied(&lab, &client, "M2", "FROZEN").await;
    replays_clean(&lab);
}

/// The log as it would be when the freeze had come a minute before what follows it: no question was under way.
fn a_minute_later(entries: &[Entry]) -> Vec<Entry> {
    let frozen = entries.iter().position(|entry| matches!(entry.kind, Kind::Freeze(_))).unwrap();
    let mut entries = entries.to_vec();
    for entry in &mut entries[frozen + 1..] {
        entry.at = entry.at.plus(Duration::from_secs(60));
        let at = entry.at;
        with_received_at(entry, at);
    }
    entries
}

fn with_received_at(entry: &mut Entry, at: Timestamp) {
    match &mut entry.kind {
        Kind::Intent(intent) => intent.facts.received_at = at,
        Kind::Outcome(outcome) => outcome.facts.received_at = at,
        Kind::Denial(denied) => denied.facts.received_at = at,
        _ => {}
    }
}

fn found(entries: &[Entry]) -> Vec<(u64, &'static str)> {
    let bytes = (0..).zip(entries.iter().map(|entry| encode(entry).unwrap()));
    let findings = replay(bytes, None).findings;
    findings.into_iter().map(|finding| (finding.index, finding.rule)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_freeze_taken_out_of_the_facts_is_found() {
    let (lab, client) = lab().await;
    let change = "freeze `provider:civil-affairs/fact:M2` in force";
    ordered(&lab, "stop", CIVIL, &scope(CIVIL, Some("M2"), None), change).await;
    let refused = refused(&client, lab.question("M2")).await;
    let index = refused.log_index.unwrap();
    let reply = ask(&client, lab.question("M1")).await;
    let audit = lab.node().gateway().audit();
    let stored = audit.entries(0, usize::MAX).unwrap();
    let entries: Vec<Entry> = stored.iter().map(|bytes| decode(bytes).unwrap()).collect();
    let honest = a_minute_later(&entries);
    assert_eq!(found(&honest), []);

    let place = usize::try_from(index).unwrap();
    let changed = |change: &dyn Fn(&mut Vec<Entry>)| {
        let mut entries = honest.clone();
        change(&mut entries);
        found(&entries)
    };
    // Denied, but for no reason that the facts would give.
    let silent = changed(&|entries| {
        let Kind::Denial(denied) = &mut entries[place].kind else { panic!("no denial") };
        denied.facts.freezes.clear();
    });
    assert_eq!(silent, [(index, "denial")]);
    // Made up: the question about the other fact was not frozen.
    let answer = usize::try_from(reply.log_index).unwrap();
    let made_up = changed(&|entries| {
        let Kind::Outcome(outcome) = &mut entries[answer].kind else { panic!("no outcome") };
        outcome.facts.freezes = vec!["provider:civil-affairs/fact:M2".to_owned()];
    });
    assert_eq!(made_up, [(reply.log_index, "intent-differs")]);
    // The freeze was wider than the log of the gateway says it took it for.
    let wider = changed(&|entries| {
        let Kind::Denial(denied) = &mut entries[place].kind else { panic!("no denial") };
        denied.facts.freezes = vec!["provider:civil-affairs".to_owned()];
    });
    assert_eq!(wider, [(index, "freeze")]);
    // The order itself changed: it is no longer signed.
    let forged = changed(&|entries| {
        let freeze = entries.iter_mut().find_map(|entry| match &mut entry.kind {
            Kind::Freeze(event) => Some(event),
            _ => None,
        });
        let document = String::from_utf8(freeze.as_ref().unwrap().document.clone()).unwrap();
        freeze.unwrap().document =
            document.replacen("\"payload\": \"e", "\"payload\": \"f", 1).into_bytes();
    });
    assert!(forged.iter().any(|(_, rule)| *rule == "order"), "{forged:?}");
}
