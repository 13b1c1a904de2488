//! A gateway's life in one log: versions published and overlapping, orders to come, freezes, masks, limits, a month used
//! up, a restart. What the log says again is what was answered; and where the files lay never mattered.

use std::time::Duration;

use heyan::agreements::document::Signer;
use heyan::agreements::order::{self, Act, Order, Version};
use heyan::audit::entry::{Entry, Kind, encode};
use heyan::client::{Client, ClientError};
use heyan::clock::now;
use heyan::crypto::SigningKey;
use heyan::decision::freeze::Scope;
use heyan::decision::{Decision, PermitRef, decide};
use heyan::proto::gateway::v1 as wire;
use heyan::query::time::Timestamp;
use heyan::replay::{Following, replay};
use wire::VerifyRequest as Question;

use crate::support::draft::{Draft, written};
use crate::support::entries::{agreements, facts, outcome};
use crate::support::{Lab, PATIENCE, refused, until};

const CIVIL: &str = "civil-affairs";
const SOCIAL: &str = "social-security";
const KEPT: &str = "cache = { found = \"1d\", not_found = \"1h\" }";

/// Permits of the agreement with civil affairs in a month, whichever version gives them.
const PER_MONTH: u64 = 20;

/// A version of the agreement with civil affairs: the marriage check for these items, and the record in part.
fn civil(version: u32, items: &[&str], terms: &str) -> Draft {
    let mut draft = Draft::new("civil", CIVIL);
    draft.version = version;
    draft.quota = format!("per_month = {PER_MONTH}");
    draft.more = terms.to_owned();
    if !items.is_empty() {
        let grants = format!("assert = [\"married\"]\n{KEPT}");
        draft = draft.narrow("M2", items, &["person", "spouse"], &grants);
    }
    let record = format!(
        "assert = [\"status\"]\nmask = {{ spouse_name = \"name\" }}\n\
         limits = {{ status = {{ comparisons = [\"eq\"], values = [\"married\"] }} }}\n{KEPT}"
    );
    draft.narrow("M1", &["W3"], &["person"], &record)
}

fn social() -> Draft {
    let steps =
        "assert = [\"base_fen\"]\nconsent = true\nlimits = { base_fen = { multiple_of = 100000 } }";
    Draft::new("social", SOCIAL).narrow("S2", &["D3"], &["person"], steps)
}

fn social_question(lab: &Lab, value: i64) -> Question {
    let mut question = lab.request("S2", "D3");
    "SQ-0007".clone_into(&mut question.purpose.as_mut().unwrap().consent);
    question.assertions = vec![wire::Assertion {
        attribute: "base_fen".to_owned(),
        comparison: wire::Comparison::GreaterOrEqual.into(),
        values: vec![wire::Value { kind: Some(wire::value::Kind::Integer(value)) }],
    }];
    question
}

fn record_question(lab: &Lab, status: &str) -> Question {
    let mut question = lab.request("M1", "W3");
    question.assertions = vec![wire::Assertion {
        attribute: "status".to_owned(),
        comparison: wire::Comparison::Equal.into(),
        values: vec![wire::Value { kind: Some(wire::value::Kind::Text(status.to_owned())) }],
    }];
    question.disclose = vec!["spouse_name".to_owned()];
    question
}

/// Who permitted, as `civil 2`, or the code of the denial.
async fn decided(client: &Client, question: Question) -> String {
    match client.verify(question, PATIENCE).await {
        Ok(reply) => {
            assert_ne!(reply.verdict(), wire::Verdict::Unavailable);
            let grant = reply.grant.unwrap();
            format!("{} {}", grant.agreement, grant.version)
        }
        Err(ClientError::Refused(refused)) => refused.reason,
        Err(error) => panic!("{error}"),
    }
}

/// Brings an order of the agency's over the wire, to act from a moment or at once.
async fn give(lab: &Lab, id: &str, act: &Act, from: Option<Timestamp>) {
    let order = Order::new(id, &SOCIAL.into(), now(), "an incident", act);
    let order = from.into_iter().fold(order, Order::acting_from);
    let key = SigningKey::read(&lab.path(format!("pki/{SOCIAL}/signing.key"))).unwrap();
    let signer = Signer { kid: &format!("{SOCIAL}-1"), key: &key };
    let document = order::sign(&order, signer).unwrap();
    let client = lab.client_as(SOCIAL, "agency").await;
    assert!(!client.give_order(document).await.unwrap().is_known, "{id}");
}

/// Publishes a version that begins a moment later, and waits for that. The gateway is told the time: on a machine that
/// takes long it would else find that the version has begun, and that those before it are over.
async fn begins(lab: &Lab, mut draft: Draft) {
    let at = now();
    let from = Timestamp::from_seconds(at.seconds() + 1);
    draft.from = written(from);
    let document = draft.signed_by(lab, &["fund-centre", CIVIL]);
    lab.node().gateway().publish(&document, at).await.unwrap();
    until("the version has begun", || now() >= from).await;
}

fn recorded(entry: &Entry) -> Option<Result<PermitRef, String>> {
    match &entry.kind {
        Kind::Intent(intent) => Some(Ok(intent.permit.clone())),
        Kind::Outcome(outcome) => Some(Ok(outcome.permit.clone())),
        Kind::Denial(denied) => Some(Err(denied.code.clone())),
        _ => None,
    }
}

/// Every decision of the log, taken again from nothing but the entries before it.
fn decided_again(entries: &[Entry]) -> usize {
    let mut following = Following::default();
    let mut count = 0;
    for (index, entry) in (0..).zip(entries) {
        following.entry(index, entry);
        let (Some(facts), Some(recorded)) = (facts(entry), recorded(entry)) else { continue };
        let again = match decide(facts, following.agreements()) {
            Decision::Permit(permit) => Ok(permit.reference()),
            Decision::Deny(denial) => Err(denial.code().to_owned()),
        };
        assert_eq!(again, recorded, "entry {index}");
        count += 1;
    }
    let stored = (0..).zip(entries.iter().map(|entry| encode(entry).unwrap()));
    assert_eq!(replay(stored, None).findings, []);
    count
}

/// Versions come, overlap and go.
async fn versions(lab: &Lab, client: &Client) {
    assert_eq!(decided(client, lab.request("M2", "W7")).await, "civil 1");
    assert_eq!(decided(client, lab.request("M2", "W7")).await, "civil 1", "kept");
    assert_eq!(decided(client, record_question(lab, "married")).await, "civil 1");
    assert_eq!(decided(client, record_question(lab, "single")).await, "VALUE_NOT_GRANTED");
    let second = civil(2, &["W3"], "overlap = \"100years\"");
    let document = second.signed_by(lab, &["fund-centre", CIVIL]);
    client.publish_agreement(document).await.unwrap();
    assert_eq!(decided(client, lab.request("M2", "W3")).await, "civil 2");
    assert_eq!(decided(client, lab.request("M2", "W7")).await, "civil 1", "in the overlap");
    begins(lab, civil(3, &[], "")).await;
    assert_eq!(decided(client, lab.request("M2", "W3")).await, "SUPERSEDED");
    assert_eq!(decided(client, record_question(lab, "married")).await, "civil 3");
}

/// An agency stops and goes on, now and later.
async fn orders(lab: &Lab, client: &Client) {
    let (steps, between) = (300_000, 300_001);
    let social = || decided(client, social_question(lab, steps));
    assert_eq!(social().await, "social 1");
    assert_eq!(decided(client, social_question(lab, between)).await, "VALUE_NOT_GRANTED");
    let scope = Scope { provider: SOCIAL.into(), fact: Some("S2".into()), caller: None };
    give(lab, "freeze-1", &Act::Freeze(scope), None).await;
    assert_eq!(social().await, "FROZEN");
    give(lab, "thaw-1", &Act::Unfreeze("freeze-1".to_owned()), None).await;
    assert_eq!(social().await, "social 1");
    let version = || Version { agreement: "social".to_owned(), version: 1 };
    let soon = now().plus(Duration::from_secs(2));
    give(lab, "stop-1", &Act::Suspend(version()), Some(soon)).await;
    // Before that moment or after it, as this machine has it: the entry tells, and so must the decision.
    social().await;
    until("it is suspended", || now() >= soon).await;
    assert_eq!(social().await, "AGREEMENT_SUSPENDED");
    give(lab, "resume-1", &Act::Resume(version()), None).await;
    assert_eq!(social().await, "social 1");
    let in_a_month = now().plus(Duration::from_secs(31 * 86_400));
    give(lab, "revoke-1", &Act::Revoke(version()), Some(in_a_month)).await;
    assert_eq!(social().await, "social 1");
}

/// Asks for the record until the month is used up; one that ends meanwhile is followed by another.
async fn month_used_up(lab: &Lab, client: &Client) -> u64 {
    let mut permits = 0;
    loop {
        match decided(client, record_question(lab, "married")).await.as_str() {
            "civil 3" => permits += 1,
            code => {
                assert_eq!(code, "QUOTA_MONTH");
                return permits;
            }
        }
        assert!(permits <= 2 * PER_MONTH, "it is never used up");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_is_what_the_log_says_again() {
    let mut lab = Lab::prepare(&[]).await;
    civil(1, &["W3", "W7"], "").place(&lab);
    social().place(&lab);
    lab.serve().await;
    let client = lab.client().await;
    versions(&lab, &client).await;
    orders(&lab, &client).await;
    month_used_up(&lab, &client).await;
    let masked = |entry: &&Entry| match &entry.kind {
        Kind::Outcome(outcome) => outcome.masked == ["spouse_name"],
        _ => false,
    };
    assert!(lab.entries().iter().filter(masked).count() > 2);
    let reloaded = lab.node().gateway().reload(now()).await;
    assert!(reloaded.findings.is_empty() && reloaded.changes.len() == 2, "{reloaded:?}");
    assert_eq!(decided(&client, lab.request("M2", "W3")).await, "FACT_NOT_GRANTED");
    drop(client);
    lab.close().await;
    lab.serve().await;
    let client = lab.client().await;
    month_used_up(&lab, &client).await;
    assert_eq!(decided(&client, social_question(&lab, 300_000)).await, "social 1");

    let entries = lab.entries();
    assert!(decided_again(&entries) > 30);
    // By the month, each permit once: never more than the agreement has, over all of its versions.
    let mut months = std::collections::BTreeMap::new();
    for entry in &entries {
        if let (Some(Ok(permit)), Some(facts)) = (recorded(entry), facts(entry))
            && permit.agreement == "civil"
        {
            let month = facts.received_at.china_month();
            let questions: &mut std::collections::BTreeSet<_> = months.entry(month).or_default();
            questions.insert(facts.caller_sequence);
        }
    }
    let most = months.values().map(std::collections::BTreeSet::len).max();
    assert_eq!(most, Some(PER_MONTH as usize), "{:?}", months.keys());
}

/// An installation whose documents lie under names in this order, and what it decides.
async fn with_files_named(name: impl Fn(usize) -> String) -> (Vec<String>, Vec<(String, bool)>) {
    let mut lab = Lab::prepare(&[]).await;
    let both = "overlap = \"100years\"";
    let mut other = civil(1, &["W3", "W7"], "");
    other.id = "also-civil".to_owned();
    let mut narrow = Draft::new("narrow", CIVIL).narrow(
        "M2",
        &["W3"],
        &["person", "spouse"],
        "assert = [\"married\"]\nconsent = true",
    );
    narrow.quota = "per_month = 1".to_owned();
    let drafts = [
        civil(1, &["W3", "W7"], ""),
        civil(2, &["W7"], both),
        civil(3, &["W3"], both),
        other,
        narrow,
        social(),
    ];
    for (place, draft) in drafts.iter().enumerate() {
        let document = draft.signed_by(&lab, &["fund-centre", &draft.provider]);
        std::fs::write(lab.path(format!("agreements/{}.json", name(place))), document).unwrap();
    }
    lab.serve().await;
    let client = lab.client().await;
    let mut told = Vec::new();
    for turn in 0..24 {
        let question = match turn % 6 {
            0 => lab.request("M2", "W3"),
            1 => lab.request("M2", "W7"),
            2 => record_question(&lab, "married"),
            3 => record_question(&lab, "single"),
            4 => social_question(&lab, 300_000),
            _ => lab.request("M2", "L1"),
        };
        told.push(decided(&client, question).await);
    }
    let entries = lab.entries();
    decided_again(&entries);
    let refused = refused(&client, lab.request("M2", "L1")).await;
    assert!(refused.log_index.is_some());
    let reply = crate::support::ask(&client, lab.request("M2", "W3")).await;
    told.push(format!("{:?}", outcome(&lab.entries(), reply.log_index).permit));
    (told, agreements(&entries))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_of_files_in_the_folder_never_matters() {
    let (one, other, mixed) = tokio::join!(
        with_files_named(|place| format!("{place}")),
        with_files_named(|place| format!("{}", 9 - place)),
        with_files_named(|place| format!("{}", place * 5 % 7)),
    );
    assert_eq!(one, other);
    assert_eq!(one, mixed);
    // Where several permit, the first by id and then the newest does.
    assert_eq!(one.0[..2], ["also-civil 1", "also-civil 1"]);
}
