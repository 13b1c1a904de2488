//! A verdict is contested, reaches the agency's queue, is corrected there, and asked again: each step an entry, each replayed.

mod bounds;
mod brought;
mod commands;
mod killed;
mod moved;
mod side_by_side;
mod soap;
mod stopped;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use heyan::audit::entry::{DisputeStep, Entry, Kind, encode};
use heyan::client::{Client, ClientError, Refused};
use heyan::proto::gateway::v1 as wire;
use heyan::replay::{Finding, replay};
use heyan::simulate::samples;
use serde_json::{Value as Json, json};
use tonic::Code;
use wire::source::Kind::{Agency, Cache};

use crate::second_verifier::{second_verifier, told};
use crate::support::draft::Draft;
use crate::support::{Lab, OPERATOR, PATIENCE, ask, lines, until};

const CIVIL: &str = "civil-affairs";
/// The platform's number of the service at which civil affairs takes disputes by a call.
const SERVICE: &str = "s_X01201000200000000_4899";
const WORDS: &str = "she shows the certificate of 2009-contested-words";

/// Civil affairs answers about marriages, keeps answers for a day, and takes disputes into a folder.
async fn prepared(queue: bool) -> Lab {
    let lab = Lab::prepare(&[]).await;
    let keep = "cache = { found = \"1d\", not_found = \"1h\" }";
    let fact = lab.catalogue.fact(&"M1".into()).unwrap();
    let mut draft = Draft::new("trial", CIVIL).clause(fact, &lab.catalogue, &["status"], &[], keep);
    draft.more =
        "quality = { dispute_channel = \"data desk, room 7\", provider_response_workdays = 3 }"
            .to_owned();
    draft.place(&lab);
    if queue {
        let file = lab.path("adapters/civil-affairs.toml");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text + "\n[dispute]\nfolder = \"../queues/civil-affairs\"\n").unwrap();
    }
    lab.set("\n[disputes]\nlook_every = \"20ms\"\n");
    lab
}

fn make_queue(lab: &Lab) {
    fs::create_dir_all(lab.path("queues/civil-affairs/answers")).unwrap();
}

/// Civil affairs holds a divorce where there is a marriage.
fn hold_wrongly(lab: &Lab) {
    lab.simulation.faults(CIVIL).set_erratum(Some((r#""IA""#, r#""IB""#)));
}

async fn refuted(client: &Client, question: &wire::VerifyRequest) -> wire::VerifyResponse {
    let reply = ask(client, question.clone()).await;
    assert_eq!(reply.verdict(), wire::Verdict::Refuted);
    reply
}

/// A gateway in front of an agency that holds a divorce, a question to it, and the answer that it is not so.
async fn wronged(lab: &mut Lab) -> (Client, wire::VerifyRequest, wire::VerifyResponse) {
    hold_wrongly(lab);
    lab.serve().await;
    let client = lab.client().await;
    let question = lab.question("M1");
    let first = refuted(&client, &question).await;
    (client, question, first)
}

/// The same, contested where the agency's folder is not there.
async fn undelivered(lab: &mut Lab) -> (Client, String) {
    let (client, question, first) = wronged(lab).await;
    let id = client.contest(contest(&question, first.log_index)).await.unwrap().dispute_id;
    until("the failed delivery is recorded", || {
        steps(&lab.entries()) == ["opened", "not delivered"]
    })
    .await;
    (client, id)
}

fn contest(question: &wire::VerifyRequest, log_index: u64) -> wire::ContestRequest {
    wire::ContestRequest {
        dispute_id: Client::request_id(),
        log_index,
        question: Some(question.clone()),
        request_opening: Vec::new(),
        ground: "wrong_value".to_owned(),
        text: WORDS.to_owned(),
        evidence: vec![wire::DisputeEvidence {
            sha256: "ab".repeat(32),
            issuer: "civil affairs, Yuelu".to_owned(),
        }],
        operator: Some(wire::Operator { id: OPERATOR.to_owned(), unit: "hall-1".to_owned() }),
    }
}

async fn refused(client: &Client, contest: wire::ContestRequest) -> Refused {
    match client.contest(contest).await {
        Err(ClientError::Refused(refused)) => *refused,
        other => panic!("no refusal came: {other:?}"),
    }
}

fn again(dispute_id: &str) -> wire::RecheckRequest {
    wire::RecheckRequest {
        dispute_id: dispute_id.to_owned(),
        request_id: Client::request_id(),
        ..Default::default()
    }
}

/// Names of the papers in the queue.
fn papers(lab: &Lab) -> Vec<PathBuf> {
    let Ok(found) = fs::read_dir(lab.path("queues/civil-affairs")) else { return Vec::new() };
    let files = found.map(|one| one.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|ending| ending == "json")).collect()
}

async fn shown(client: &Client, id: &str) -> wire::Dispute {
    let wanted = wire::ListDisputesRequest { dispute_id: id.to_owned(), ..Default::default() };
    let mut disputes = client.disputes(wanted).await.unwrap();
    assert_eq!(disputes.len(), 1);
    disputes.remove(0)
}

/// Waits until the dispute is in that state.
async fn becomes(client: &Client, id: &str, state: &str) -> wire::Dispute {
    comes_to(client, id, state, |dispute| dispute.state == state).await
}

/// Waits until it is not delivered for that reason.
async fn fails(client: &Client, id: &str, reason: &str) -> wire::Dispute {
    comes_to(client, id, reason, |dispute| dispute.failure == reason).await
}

async fn comes_to(
    client: &Client,
    id: &str,
    what: &str,
    is_so: impl Fn(&wire::Dispute) -> bool,
) -> wire::Dispute {
    let waiting = async {
        loop {
            let dispute = shown(client, id).await;
            if is_so(&dispute) {
                return dispute;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let came = tokio::time::timeout(PATIENCE, waiting).await;
    came.unwrap_or_else(|_| panic!("the dispute never came to `{what}`"))
}

fn answer(lab: &Lab, name: &str, text: &str) {
    let folder = lab.path("queues/civil-affairs/answers");
    let unfinished = folder.join("new.part");
    fs::write(&unfinished, text).unwrap();
    fs::rename(unfinished, folder.join(name)).unwrap();
}

fn found(id: &str, finding: &str) -> String {
    let text = "登记信息已更正-contested-words";
    json!({ "schema": 1, "dispute": id, "finding": finding, "on": "2026-11-23", "text": text })
        .to_string()
}

fn steps(entries: &[Entry]) -> Vec<&'static str> {
    let steps = entries.iter().filter_map(|entry| match &entry.kind {
        Kind::Dispute(dispute) => Some(match &dispute.step {
            DisputeStep::Opened(_) => "opened",
            DisputeStep::Delivery(delivery) if delivery.result.is_ok() => "delivered",
            DisputeStep::Delivery(_) => "not delivered",
            DisputeStep::Answered(_) => "answered",
            DisputeStep::Rechecked(_) => "asked again",
        }),
        _ => None,
    });
    steps.collect()
}

fn replayed(entries: &[Entry]) -> Vec<Finding> {
    let stored = entries.iter().map(|entry| encode(entry).unwrap());
    replay((0..).zip(stored), None).findings
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_answer_is_contested_corrected_and_asked_again() {
    let mut lab = prepared(true).await;
    make_queue(&lab);
    hold_wrongly(&lab);
    lab.serve().await;
    let client = lab.client().await;
    let mut question = lab.question("M1");
    question.want_receipt = true;
    let first = refuted(&client, &question).await;

    let mut contested = contest(&question, first.log_index);
    let openings = &first.receipt.as_ref().unwrap().openings;
    contested.request_opening =
        openings.iter().find(|one| one.field == "request").unwrap().opening.clone();
    let opened = client.contest(contested.clone()).await.unwrap();
    assert_eq!((opened.contested, opened.agency.as_str()), (first.log_index, CIVIL));
    assert!(opened.shown && !opened.overdue, "{opened:?}");
    assert_eq!(opened.verdict_before(), wire::Verdict::Refuted);
    let id = opened.dispute_id.clone();
    // The same again is the same dispute.
    assert_eq!(client.contest(contested.clone()).await.unwrap().log_index, opened.log_index);

    becomes(&client, &id, "DELIVERED").await;
    let papers = papers(&lab);
    assert_eq!(papers, [lab.path(format!("queues/civil-affairs/{id}.json"))]);
    let paper: Json = serde_json::from_slice(&fs::read(&papers[0]).unwrap()).unwrap();
    let number = lab.simulation.province().person(samples::HUSBAND).unwrap().number();
    assert_eq!(paper["subjects"][0]["person"]["document_number"], number.as_str());
    assert_eq!((&paper["ground"], &paper["text"]), (&json!("wrong_value"), &json!(WORDS)));
    assert_eq!(paper["answer_by"], opened.due.as_str());
    assert!(!paper.to_string().contains(OPERATOR), "the agency needs no name of an official");

    // What was kept is not served any more: the agency is asked, and still holds it wrongly.
    let mut other = question.clone();
    other.request_id = Client::request_id();
    let fresh = refuted(&client, &other).await;
    assert_eq!(fresh.source.unwrap().kind(), Agency, "a kept answer was served");

    lab.simulation.faults(CIVIL).set_erratum(None);
    answer(&lab, &format!("{id}.json"), &found(&id, "corrected"));
    let answered = becomes(&client, &id, "ANSWERED").await;
    assert_eq!(
        (answered.finding.as_str(), answered.answered_on.as_str()),
        ("corrected", "2026-11-23")
    );
    assert!(answered.answer.contains("已更正"), "{answered:?}");

    // What was kept of the wrong data is not served after that either, to nobody.
    other.request_id = Client::request_id();
    let right = ask(&client, other).await;
    assert_eq!(
        (right.source.as_ref().unwrap().kind(), right.verdict()),
        (Agency, wire::Verdict::Confirmed)
    );
    // Under the id of the contested question its old answer would come back, and nobody would be asked.
    let request_id = question.request_id.clone();
    let reused = wire::RecheckRequest { request_id, ..again(&id) };
    let refused = client.recheck(reused, None, PATIENCE).await.err().unwrap().to_string();
    assert!(refused.contains("request"), "{refused}");
    let came = client.recheck(again(&id), None, PATIENCE).await.unwrap();
    let (reply, after) = (came.answer.unwrap(), came.dispute.unwrap());
    assert_eq!(reply.verdict(), wire::Verdict::Confirmed);
    assert_eq!((after.state.as_str(), after.new_outcome), ("ASKED_AGAIN", reply.log_index));
    assert_eq!(after.verdict_after(), wire::Verdict::Confirmed);
    let twice = client.recheck(again(&id), None, PATIENCE).await.unwrap();
    assert!(twice.answer.is_none());
    assert_eq!(twice.dispute.unwrap().new_outcome, reply.log_index);
    assert!(fs::read_dir(lab.path("disputes")).unwrap().next().is_none(), "nothing is kept longer");

    let entries = lab.entries();
    assert_eq!(steps(&entries), ["opened", "delivered", "answered", "asked again"]);
    assert_eq!(replayed(&entries), []);
    nobody_is_named(&lab, &entries);
    lab.close().await;
    let output = second_verifier().arg(lab.path("log")).output().unwrap();
    let theirs = told(&output).remove(0);
    assert_eq!(theirs["kinds"]["Dispute"], 4, "{theirs}");
}

/// Neither entries nor log lines tell about whom a dispute is, or what was written.
fn nobody_is_named(lab: &Lab, entries: &[Entry]) {
    let province = lab.simulation.province();
    let number = province.person(samples::HUSBAND).unwrap().number();
    let name = province.name(samples::HUSBAND);
    let mut places = vec![lines::kept().into_bytes()];
    places.extend(entries.iter().map(|entry| encode(entry).unwrap()));
    for needle in [number.as_str(), OPERATOR, "contested-words"] {
        for place in &places {
            let is_there = place.windows(needle.len()).any(|window| window == needle.as_bytes());
            assert!(!is_there, "`{needle}` was left behind");
        }
    }
    let of_disputes = entries.iter().filter(|entry| matches!(entry.kind, Kind::Dispute(_)));
    for entry in of_disputes {
        let bytes = encode(entry).unwrap();
        assert!(!bytes.windows(name.len()).any(|window| window == name.as_bytes()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_delivered_is_delivered_after_a_restart_once() {
    let mut lab = prepared(true).await;
    let (client, id) = undelivered(&mut lab).await;
    let waiting = shown(&client, &id).await;
    assert_eq!((waiting.state.as_str(), waiting.failure.as_str()), ("WAITING", "folder_missing"));
    lab.close().await;

    make_queue(&lab);
    lab.serve().await;
    let client = lab.client().await;
    becomes(&client, &id, "DELIVERED").await;
    assert_eq!(papers(&lab).len(), 1);
    let entries = lab.entries();
    assert_eq!(steps(&entries), ["opened", "not delivered", "delivered"]);
    assert_eq!(replayed(&entries), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_asked_contests_and_only_what_was_asked() {
    let mut lab = prepared(false).await;
    hold_wrongly(&lab);
    lab.serve().await;
    let (client, stranger) = (lab.client().await, lab.client_as("police", "agency").await);
    let question = lab.question("M1");
    let first = refuted(&client, &question).await;
    let good = contest(&question, first.log_index);
    let before = lab.size();

    let foreign = refused(&stranger, good.clone()).await;
    assert!([Code::NotFound, Code::PermissionDenied].contains(&foreign.code), "{foreign:?}");
    for (log_index, reason) in [(0, "NOT_YOURS"), (before + 100, "NOT_YOURS")] {
        let other = wire::ContestRequest { log_index, ..good.clone() };
        assert_eq!(refused(&client, other).await.reason, reason, "{log_index}");
    }
    type Change = fn(&mut wire::ContestRequest);
    let changes: [(&str, Change); 8] = [
        ("question.request_id", |one| asked(one).request_id = Client::request_id()),
        ("question.purpose.case_number", |one| {
            asked(one).purpose.as_mut().unwrap().case_number = "GJJ-2026-000999".to_owned();
        }),
        ("question.disclose", |one| asked(one).disclose = vec!["status".to_owned()]),
        ("question.operator.unit", |one| {
            asked(one).operator.as_mut().unwrap().unit = "hall-9".to_owned();
        }),
        ("ground", |one| one.ground = "because".to_owned()),
        ("operator", |one| one.operator = None),
        ("evidence[0].sha256", |one| one.evidence[0].sha256 = "AB".repeat(32)),
        ("request_opening", |one| one.request_opening = vec![7; 32]),
    ];
    for (field, change) in changes {
        let mut forged = good.clone();
        change(&mut forged);
        let refused = refused(&client, forged).await;
        assert_eq!(refused.reason, "MALFORMED", "{field}: {refused:?}");
        assert!(refused.fields.iter().any(|(path, _)| path == field), "{field}: {refused:?}");
    }
    assert_eq!(lab.size(), before, "nothing was recorded");

    let dispute = client.contest(good.clone()).await.unwrap();
    assert_eq!((dispute.state.as_str(), dispute.channel.as_str()), ("PAPER", "data desk, room 7"));
    let mut twice = good.clone();
    twice.dispute_id = Client::request_id();
    assert_eq!(refused(&client, twice).await.reason, "ALREADY_CONTESTED");
    let reused = wire::ContestRequest { text: "other words".to_owned(), ..good };
    assert_eq!(refused(&client, reused).await.fields[0].0, "dispute_id");

    // The agency sees it without its words, others see nothing.
    let theirs = lab.client_as(CIVIL, "agency").await;
    assert_eq!(shown(&theirs, &dispute.dispute_id).await.answer, "");
    let all = stranger.disputes(wire::ListDisputesRequest::default()).await.unwrap();
    assert_eq!(all, []);
    let give = |finding: &str| wire::AnswerDisputeRequest {
        dispute_id: dispute.dispute_id.clone(),
        finding: finding.to_owned(),
        on: "2026-11-23".to_owned(),
        text: "as it stands".to_owned(),
    };
    for other in [&stranger, &client] {
        let Err(ClientError::Refused(refused)) = other.answer_dispute(give("upheld")).await else {
            panic!("a stranger answered");
        };
        assert_eq!(refused.reason, "NOT_YOURS");
    }
    assert_eq!(theirs.answer_dispute(give("upheld")).await.unwrap().finding, "upheld");
    assert_eq!(shown(&client, &dispute.dispute_id).await.answer, "as it stands");
    let Err(ClientError::Refused(refused)) =
        stranger.recheck(again(&dispute.dispute_id), None, PATIENCE).await
    else {
        panic!("a stranger asked again");
    };
    assert!(["NOT_YOURS", "RIGHT_MISSING"].contains(&refused.reason.as_str()), "{refused:?}");
    assert_eq!(replayed(&lab.entries()), []);
}

fn asked(contest: &mut wire::ContestRequest) -> &mut wire::VerifyRequest {
    contest.question.as_mut().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_answers_are_set_aside_and_change_nothing() {
    let mut lab = prepared(true).await;
    make_queue(&lab);
    let (client, question, first) = wronged(&mut lab).await;
    let id = client.contest(contest(&question, first.log_index)).await.unwrap().dispute_id;
    becomes(&client, &id, "DELIVERED").await;
    let unknown = Client::request_id();
    let hostile = [
        ("empty.json", String::new()),
        ("deep.json", "[".repeat(20_000)),
        ("unknown.json", found(&unknown, "corrected")),
        ("word.json", found(&id, "confirmed")),
        ("more.json", found(&id, "corrected").replace("\"schema\"", "\"verdict\":1,\"schema\"")),
        ("long.json", found(&id, "corrected").replace("登记", &"登".repeat(2000))),
    ];
    for (name, text) in &hostile {
        answer(&lab, name, text);
    }
    let refused = lab.path("queues/civil-affairs/answers/refused");
    for (name, _) in &hostile {
        until("a hostile answer is set aside", || refused.join(name).is_file()).await;
    }
    assert_eq!(shown(&client, &id).await.state, "DELIVERED");
    answer(&lab, "good.json", &found(&id, "upheld"));
    becomes(&client, &id, "ANSWERED").await;
    answer(&lab, "again.json", &found(&id, "corrected"));
    until("a second answer is set aside", || refused.join("again.json").is_file()).await;
    assert_eq!(shown(&client, &id).await.finding, "upheld");
    assert_eq!(steps(&lab.entries()), ["opened", "delivered", "answered"]);
    assert_eq!(replayed(&lab.entries()), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_is_no_second_answer() {
    let mut lab = prepared(false).await;
    let (client, question, first) = wronged(&mut lab).await;
    let id = client.contest(contest(&question, first.log_index)).await.unwrap().dispute_id;
    lab.simulation.faults(CIVIL).set_outage(true);
    let came = client.recheck(again(&id), None, PATIENCE).await.unwrap();
    assert_eq!(came.answer.unwrap().verdict(), wire::Verdict::Unavailable);
    assert_eq!(came.dispute.unwrap().state, "PAPER");
    assert_eq!(steps(&lab.entries()), ["opened"]);
    let says_nothing = lab.size() - 1;
    let mut silent = contest(&question, says_nothing);
    silent.question = Some(question.clone());
    assert_eq!(refused(&client, silent).await.reason, "SAYS_NOTHING");

    // A kept answer stands in the way of nobody who asks again, also where the agency corrects without a word.
    let faults = lab.simulation.faults(CIVIL);
    faults.set_outage(false);
    let mut other = question.clone();
    let mut asked_otherwise = async || {
        other.request_id = Client::request_id();
        ask(&client, other.clone()).await
    };
    asked_otherwise().await;
    faults.set_erratum(None);
    let kept = asked_otherwise().await;
    assert_eq!(
        (kept.source.as_ref().unwrap().kind(), kept.verdict()),
        (Cache, wire::Verdict::Refuted)
    );
    let came = client.recheck(again(&id), None, PATIENCE).await.unwrap();
    assert_eq!(came.answer.unwrap().verdict(), wire::Verdict::Confirmed);
    assert_eq!(asked_otherwise().await.verdict(), wire::Verdict::Confirmed);
    assert_eq!(replayed(&lab.entries()), []);
}
