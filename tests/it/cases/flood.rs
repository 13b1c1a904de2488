//! More cases than agencies or the gateway have places for: single questions, other callers and lists find theirs.

use std::path::Path;
use std::time::Duration;

use heyan::client::case::CaseEvents;
use heyan::client::{Client, ClientError};
use heyan::proto::gateway::v1 as wire;
use heyan::simulate::samples;
use tokio::task::JoinSet;
use wire::batch_reply::Result as Told;
use wire::case_event::Kind;
use wire::case_outcome::Outcome;

use super::application::Renting;
use super::ran;
use crate::support::entries::outcomes;
use crate::support::{ALL, Lab, PATIENCE, ask, until};

/// More cases than the police have places for.
const FLOOD: usize = 24;

/// A lab where no answer is kept, whose manifest of the police is changed like this. It waits longer for them than a test.
async fn lab(settings: &str, changes: &[(&str, &str)]) -> Lab {
    let mut lab = Lab::prepare(&[]).await;
    let drafts = Path::new(env!("CARGO_MANIFEST_DIR")).join("config-example/agreements");
    for agency in ALL {
        let draft = std::fs::read_to_string(drafts.join(format!("{agency}.toml"))).unwrap();
        let kept = draft.split_inclusive('\n').filter(|line| !line.starts_with("cache = "));
        lab.world.sign_text(agency, &kept.collect::<String>()).unwrap();
    }
    let manifest = lab.path("adapters/police.toml");
    let mut text = std::fs::read_to_string(&manifest).unwrap();
    for (from, to) in changes.iter().chain(&[("timeout = \"3s\"", "timeout = \"60s\"")]) {
        assert!(text.contains(from), "the manifest has no `{from}`");
        text = text.replacen(from, to, 1);
    }
    std::fs::write(manifest, text).unwrap();
    lab.set(settings);
    lab.serve().await;
    lab
}

/// Opens so many cases of one man, which all ask the police first.
async fn flood(lab: &Lab, client: &Client, count: usize) -> Vec<CaseEvents> {
    let mut opened = Vec::new();
    for _ in 0..count {
        let application = Renting::of(lab, samples::HUSBAND).request();
        opened.push(client.check_case(application, 10 * PATIENCE).await.unwrap());
    }
    opened
}

/// Reads a case to its outcome.
async fn outcome(mut events: CaseEvents) -> Outcome {
    let mut last = None;
    while let Some(event) = events.next().await.unwrap() {
        last = event.kind;
    }
    let Some(Kind::Outcome(outcome)) = last else { panic!("no outcome") };
    outcome.outcome()
}

fn slow(lab: &Lab, delay: Duration) {
    lab.simulation.faults("police").set_delay(delay, Duration::ZERO);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_cases_leaves_half_of_the_gateway_to_single_questions() {
    let lab = lab("[limits]\nin_flight = 8\n", &[]).await;
    let client = lab.client().await;
    slow(&lab, 10 * PATIENCE);
    let _flood = flood(&lab, &client, FLOOD).await;
    until("the flood has its places", || lab.simulation.asked("police") == 4).await;
    for _ in 0..8 {
        let reply = ask(&client, lab.question("M2")).await;
        assert_eq!(reply.verdict(), wire::Verdict::Confirmed, "{:?}", reply.unavailability);
    }
    assert_eq!(lab.simulation.asked("police"), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_cases_leaves_half_of_an_agency_to_single_questions() {
    let lab = lab("", &[]).await;
    let client = lab.client().await;
    slow(&lab, 10 * PATIENCE);
    let _flood = flood(&lab, &client, FLOOD).await;
    until("the flood has its places", || lab.simulation.asked("police") == 8).await;
    slow(&lab, Duration::ZERO);
    for _ in 0..8 {
        let reply = ask(&client, lab.question("P2")).await;
        assert_eq!(reply.verdict(), wire::Verdict::Confirmed, "{:?}", reply.unavailability);
    }
}

/// One question at a time goes to the police, and those of the flood would take minutes.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_one_caller_keeps_no_other_caller_and_no_list_from_its_turn() {
    let lab = lab("", &[("max_in_flight   = 16", "max_in_flight   = 2")]).await;
    let client = lab.client().await;
    slow(&lab, Duration::from_millis(250));
    let mut flood: JoinSet<Outcome> =
        flood(&lab, &client, 10 * FLOOD / 3).await.into_iter().map(outcome).collect();
    let other = async {
        let other = lab.client_as("audit-office", "replay").await;
        // No agreement is its own: its questions wait for no agency, and each was denied.
        let ended = ran(&other, Renting::of(&lab, samples::TENANT).request()).await;
        assert!(ended.answered().iter().all(|answered| matches!(
            &answered.result,
            Some(wire::question_answered::Result::Refusal(refusal)) if refusal.log_index.is_some()
        )));
    };
    let list = async {
        let asked = tokio_stream::iter(crate::batch::questions(&lab, 4));
        let mut replies = client.verify_batch(asked).await.unwrap();
        while let Some(reply) = replies.message().await.unwrap() {
            let Some(Told::Answer(answer)) = reply.result else { panic!("{:?}", reply.result) };
            assert_ne!(answer.verdict(), wire::Verdict::Unavailable);
        }
    };
    let ended = async {
        let mut ended = 0;
        while flood.join_next().await.is_some() {
            ended += 1;
        }
        ended
    };
    tokio::select! {
        ended = ended => panic!("all {ended} of the flood came first"),
        ((), ()) = async { tokio::join!(other, list) } => {}
    }
}

/// They wait for their turns, and an agency that is only busy sends nobody to the counter.
#[tokio::test(flavor = "multi_thread")]
async fn more_cases_than_an_agency_takes_at_once_all_come_to_their_outcome() {
    let changes = [
        ("max_in_flight   = 16", "max_in_flight   = 2"),
        ("rate_per_second = 20", "rate_per_second = 200"),
    ];
    let lab = lab("", &changes).await;
    let client = lab.client().await;
    slow(&lab, Duration::from_millis(5));
    let mut flood: JoinSet<Outcome> =
        flood(&lab, &client, FLOOD).await.into_iter().map(outcome).collect();
    while let Some(outcome) = flood.join_next().await {
        assert_eq!(outcome.unwrap(), Outcome::Refuted);
    }
    let unavailable = |entry: &heyan::audit::entry::Outcome| entry.unavailable.is_some();
    let entries = lab.entries();
    assert!(!outcomes(&entries).iter().any(|(_, outcome)| unavailable(outcome)));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_caller_gets_no_more_than_its_share_of_the_cases() {
    let lab = lab("[limits]\ncases = 3\ncases_per_caller = 2\n", &[]).await;
    let client = lab.client().await;
    slow(&lab, 10 * PATIENCE);
    let _flood = flood(&lab, &client, 2).await;
    let application = || Renting::of(&lab, samples::TENANT).single().request();
    match client.check_case(application(), PATIENCE).await {
        Err(ClientError::Refused(refused)) => {
            assert_eq!(refused.reason, "OVERLOADED");
            assert!(refused.retry_after.is_some());
        }
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was taken"),
    }
    let other = lab.client_as("audit-office", "replay").await;
    assert_eq!(ran(&other, application()).await.outcome.outcome(), Outcome::NeedsCounter);
    let (_, metrics) = lab.page("/metrics").await;
    assert!(metrics.contains("heyan_shed_total{limit=\"cases_per_caller\"}"), "{metrics}");
}

/// Rows that found no turn in their time say so, nobody was asked about them, and the same command asks again later.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_found_no_turn_in_a_flood_are_asked_about_again() {
    let lab = lab("[limits]\nbatch_deadline = \"1s\"\n", &[]).await;
    let client = lab.client().await;
    slow(&lab, Duration::from_secs(8));
    let flood = flood(&lab, &client, FLOOD).await;
    until("the flood has its places", || lab.simulation.asked("police") == 8).await;
    slow(&lab, Duration::ZERO);
    let file = crate::batch::list(&lab, 5);
    let (code, told) = crate::batch::ended(&mut crate::batch::batch(&lab, &file)).await;
    assert_eq!(code, Some(2), "{told}");
    let failed = std::fs::read_to_string(lab.beside("staff.failed.csv")).unwrap();
    assert_eq!(failed.matches("unavailable,OVERLOADED").count(), 5, "{failed}");
    assert_eq!(lab.simulation.asked("police"), 8);
    let mut ended: JoinSet<Outcome> = flood.into_iter().map(outcome).collect();
    while let Some(outcome) = ended.join_next().await {
        assert_eq!(outcome.unwrap(), Outcome::Refuted);
    }
    let mut again = crate::batch::batch(&lab, &file);
    let (code, told) = crate::batch::ended(again.arg("--ask-again")).await;
    assert!(matches!(code, Some(0 | 1)), "{told}");
    crate::batch::has_all(&lab, 5);
}
