//! Cases that are too many, too long or badly written; and a gateway that is killed in the middle of one.

use std::time::Duration;

use heyan::client::{ClientError, Refused};
use heyan::proto::gateway::v1 as wire;
use heyan::simulate::samples;
use tonic::Code;
use wire::case_outcome::Outcome;

use super::application::Renting;
use super::{closed, ran, replayed};
use crate::cli::{serve, stored};
use crate::support::entries::{intents, outcomes};
use crate::support::{ALL, Lab, PATIENCE, until};

async fn refused(client: &heyan::client::Client, application: wire::CheckCaseRequest) -> Refused {
    match client.check_case(application, PATIENCE).await {
        Err(ClientError::Refused(refused)) => *refused,
        Err(error) => panic!("no refusal came: {error}"),
        Ok(_) => panic!("it was taken"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_cannot_be_taken_asks_and_records_nothing() {
    let lab = Lab::start(&ALL).await;
    let client = lab.client().await;
    let size = lab.size();
    let good = || Renting::of(&lab, samples::HUSBAND).request();

    let mut wrong = good();
    wrong.submitted_on = "2999-01-01".to_owned();
    wrong.given.clear();
    wrong.subjects[0].role = "tenant".to_owned();
    let said = refused(&client, wrong).await;
    assert_eq!((said.code, said.reason.as_str()), (Code::InvalidArgument, "MALFORMED"));
    let fields: Vec<&str> = said.fields.iter().map(|(field, _)| field.as_str()).collect();
    for field in ["submitted_on", "given.months_in_a_row", "subjects.applicant", "subjects.tenant"]
    {
        assert!(fields.contains(&field), "{fields:?}");
    }

    let mut unknown = good();
    unknown.purpose.as_mut().unwrap().item = "X1".to_owned();
    let said = refused(&client, unknown).await;
    assert_eq!((said.code, said.reason.as_str()), (Code::InvalidArgument, "UNKNOWN_ITEM"));
    let mut early = good();
    early.submitted_on = "2019-01-01".to_owned();
    let said = refused(&client, early).await;
    assert_eq!((said.code, said.reason.as_str()), (Code::FailedPrecondition, "ITEM_VERSION"));
    assert!(said.message.contains("2026.2 from 2026-09-20"), "{}", said.message);

    let stranger = lab.client_as("audit-office", "replay").await;
    // A system without an agreement may run a case; it gets nothing but denials.
    let denied = ran(&stranger, good()).await;
    assert_eq!(denied.outcome.outcome(), Outcome::NeedsCounter);
    assert!(denied.answered().iter().all(|answered| matches!(
        &answered.result,
        Some(wire::question_answered::Result::Refusal(_))
    )));
    assert!(ALL.iter().all(|agency| lab.simulation.asked(agency) == 0));
    assert_eq!(lab.size(), size + denied.answered().len() as u64 + 1);
    replayed(&lab.entries());
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_cases_are_refused_at_once_and_questions_wait_for_places() {
    let settings = "[limits]\ncases = 1\nin_flight = 1\n";
    let lab = Lab::start_with(&ALL, settings).await;
    lab.simulation.faults("civil-affairs").set_delay(Duration::from_secs(1), Duration::ZERO);
    let client = lab.client().await;
    let application = || Renting::of(&lab, samples::TENANT).single().with_lease(&lab).request();
    let mut first = client.check_case(application(), PATIENCE).await.unwrap();
    let said = refused(&client, application()).await;
    assert_eq!((said.code, said.reason.as_str()), (Code::ResourceExhausted, "OVERLOADED"));
    assert!(said.retry_after.is_some());
    let mut last = None;
    while let Some(event) = first.next().await.unwrap() {
        last = event.kind;
    }
    let Some(wire::case_event::Kind::Outcome(outcome)) = last else { panic!("no outcome") };
    // One place for all its questions, and yet each was asked.
    assert_eq!(outcome.outcome(), Outcome::Ready);
    // The place is free again.
    assert_eq!(ran(&client, application()).await.outcome.outcome(), Outcome::Ready);
    let (_, metrics) = lab.page("/metrics").await;
    assert!(metrics.contains("heyan_shed_total{limit=\"cases\"}"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_whose_time_is_over_is_concluded_with_what_is_there() {
    let lab = Lab::start(&ALL).await;
    lab.simulation.faults("civil-affairs").set_delay(PATIENCE, Duration::ZERO);
    let client = lab.client().await;
    let application = Renting::of(&lab, samples::TENANT).single().request();
    let mut events = client.check_case(application, Duration::from_secs(3)).await.unwrap();
    let mut last = None;
    while let Some(event) = events.next().await.unwrap() {
        last = event.kind;
    }
    let Some(wire::case_event::Kind::Outcome(outcome)) = last else { panic!("no outcome") };
    assert_eq!(outcome.outcome(), Outcome::NeedsCounter);
    until("every answer is in the log", || {
        let entries = lab.entries();
        let outcomes = outcomes(&entries);
        let has_outcome =
            |index: u64| outcomes.iter().any(|(_, outcome)| outcome.intent == Some(index));
        intents(&entries).iter().all(|(index, _)| has_outcome(*index))
    })
    .await;
    let entries = lab.entries();
    let case = closed(&entries)[0];
    assert!(!case.abandoned);
    // An auditor can tell a case that was cut short.
    let course: heyan::cases::Course = serde_json::from_str(&case.course).unwrap();
    assert_eq!(course.out_of_time, outcome.out_of_time);
    // No question had more time than its case.
    for (_, intent) in intents(&entries) {
        let deadline = intent.facts.deadline.expect("it had a deadline");
        assert!(deadline <= Duration::from_secs(3), "{deadline:?}");
    }
    replayed(&entries);
}

/// What a lost mount does, with a case under way: its outcome is in no log, so nobody hears it.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_stops_under_a_case_stops_its_outcome() {
    let lab = Lab::start(&ALL).await;
    let client = lab.client().await;
    lab.simulation.faults("housing").set_delay(PATIENCE, Duration::ZERO);
    let application = Renting::of(&lab, samples::TENANT).single().request();
    let mut events = client.check_case(application, 2 * PATIENCE).await.unwrap();
    // Everything but homes has been answered, and these are being asked for.
    loop {
        let event = events.next().await.unwrap().expect("an outcome came");
        match event.kind {
            Some(wire::case_event::Kind::Asked(asked)) if asked.question == "homes" => break,
            _ => {}
        }
    }
    std::fs::rename(lab.path("log"), lab.beside("log-gone")).unwrap();
    let stopping = async {
        loop {
            match client.verify(lab.question("P2"), PATIENCE).await {
                Ok(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                Err(ClientError::Refused(refused)) => {
                    break assert_eq!(refused.reason, "LOG_STOPPED");
                }
                Err(error) => panic!("{error}"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, stopping).await.unwrap();
    let ended = async {
        loop {
            match events.next().await {
                Ok(Some(event)) => {
                    let is_outcome = matches!(event.kind, Some(wire::case_event::Kind::Outcome(_)));
                    assert!(!is_outcome, "an outcome that is in no log");
                }
                Ok(None) => panic!("the case ended as if all were well"),
                Err(ClientError::Refused(refused)) => break refused,
                Err(error) => panic!("{error}"),
            }
        }
    };
    let refused = tokio::time::timeout(3 * PATIENCE, ended).await.unwrap();
    assert_eq!((refused.code, refused.reason.as_str()), (Code::Unavailable, "LOG_STOPPED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_between_questions_leaves_a_log_in_order() {
    let lab = Lab::prepare(&ALL).await;
    lab.simulation.faults("housing").set_delay(PATIENCE, Duration::ZERO);
    let mut serving = serve(&lab).await;
    let client = crate::cli::client(&lab, &serving).await;
    let application = Renting::of(&lab, samples::HUSBAND).request();
    let mut events = client.check_case(application, PATIENCE).await.unwrap();
    // The family is known, the homes are being asked about: in between, the machine stops.
    loop {
        let event = events.next().await.unwrap().expect("an outcome came");
        match event.kind {
            Some(wire::case_event::Kind::Asked(asked)) if asked.question == "homes" => break,
            _ => {}
        }
    }
    serving.child.kill().await.unwrap();
    loop {
        // What was sent before may still be read; then it is lost, and no outcome came.
        match events.next().await {
            Ok(Some(event)) => {
                assert!(!matches!(event.kind, Some(wire::case_event::Kind::Outcome(_))));
            }
            Ok(None) => panic!("an outcome came"),
            Err(error) => break assert!(matches!(error, ClientError::Lost(_)), "{error:?}"),
        }
    }
    let entries = stored(&lab);
    assert!(closed(&entries).is_empty());
    replayed(&entries);
}
