//! Batches of those who are denied whatever comes, and too many of them: neither keeps anybody else from an agency.

use std::time::Duration;

use heyan::client::Client;
use heyan::proto::gateway::v1 as wire;
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};
use wire::batch_reply::Result as Told;

use crate::batch::{FAST, questions, replays_clean, started};
use crate::identity::{hour_ago, issued_by};
use crate::support::connect::{raw, verification};
use crate::support::entries::{intents, outcomes};
use crate::support::{Lab, PATIENCE, until};

/// A system of the fund centre as another organisation's authority would have it.
async fn claims(lab: &Lab, system: &str, authority: &str) -> Client {
    let name = format!("spiffe://heyan.test/fund-centre/{system}");
    let issued = issued_by(lab, authority, &[&name], hour_ago());
    lab.client_with(issued.certificate.as_bytes(), issued.key.as_bytes()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_denied_whatever_comes_waits_for_no_agency() {
    let changes = [FAST, ("max_in_flight   = 16", "max_in_flight   = 2")];
    let lab = started(&changes, "").await;
    lab.simulation.faults("police").set_delay(Duration::from_millis(2500), Duration::ZERO);
    let client = lab.client().await;
    let strangers = [
        (claims(&lab, "approval", "police").await, "FOREIGN_AUTHORITY"),
        (claims(&lab, "basement", "fund-centre").await, "UNKNOWN_SYSTEM"),
        (lab.client_as("tax", "agency").await, ""),
    ];
    // The only place of the agency for those who can wait.
    let mut first = client.verify_batch(tokio_stream::iter(questions(&lab, 1))).await.unwrap();
    until("the agency is asked", || lab.simulation.asked("police") == 1).await;
    for (stranger, reason) in strangers {
        let replies = stranger.verify_batch(tokio_stream::iter(questions(&lab, 3))).await.unwrap();
        let replies: Vec<wire::BatchReply> = replies.map(|reply| reply.unwrap()).collect().await;
        assert_eq!(replies.len(), 3);
        for reply in replies {
            let Some(Told::Refusal(refusal)) = reply.result else { panic!("{:?}", reply.result) };
            assert!(refusal.log_index.is_some(), "{refusal:?}");
            assert!(reason.is_empty() || refusal.reason == reason, "{refusal:?}");
        }
    }
    let entries = lab.entries();
    assert_eq!((intents(&entries).len(), outcomes(&entries).len()), (1, 0), "they waited for it");
    let reply = first.message().await.unwrap().unwrap();
    assert!(matches!(reply.result, Some(Told::Answer(_))), "{:?}", reply.result);
    replays_clean(&lab.entries());
}

type Open = (mpsc::Sender<wire::BatchRequest>, Streaming<wire::BatchReply>);

/// A batch that stays open after its first row.
async fn opened(lab: &Lab, client: &Client) -> Result<Open, Status> {
    let (sender, outgoing) = mpsc::channel(1);
    sender.send(questions(lab, 1).remove(0)).await.unwrap();
    let replies = client.verify_batch(ReceiverStream::new(outgoing)).await;
    let mut replies = replies.map_err(|error| Status::internal(error.to_string()))?;
    replies.message().await?.expect("it ended");
    Ok((sender, replies))
}

#[tokio::test(flavor = "multi_thread")]
async fn one_caller_has_so_many_batches_open_and_leaves_room_for_others() {
    let lab = started(&[FAST], "").await;
    let clients = [lab.client().await, lab.client().await];
    let mut open = Vec::new();
    let refused = loop {
        // Over as many connections as it likes.
        match opened(&lab, &clients[open.len() % 2]).await {
            Ok(batch) => open.push(batch),
            Err(status) => break status,
        }
        assert!(open.len() <= 16, "there is no limit");
    };
    assert_eq!((open.len(), refused.code()), (16, tonic::Code::ResourceExhausted), "{refused}");
    let (_, metrics) = lab.page("/metrics").await;
    assert!(metrics.contains("heyan_shed_total{limit=\"batches_per_caller\"}"), "{metrics}");
    let other = lab.client_as("tax", "agency").await;
    let others = opened(&lab, &other).await.unwrap();

    // Whoever ends one may open another.
    drop((open.pop(), others));
    let again = async {
        while opened(&lab, &clients[0]).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, again).await.expect("its place was not given back");
}

/// What is left of a caller's time is recorded as the decision saw it, be it less than an entry can tell.
#[tokio::test(flavor = "multi_thread")]
async fn a_moment_that_no_entry_can_tell_is_no_finding() {
    let lab = started(&[FAST], "").await;
    let mut raw = verification(raw(&lab, "fund-centre", "approval").await);
    for time in ["0n", "1n", "999n", "1000n", "1500n"] {
        let mut request = tonic::Request::new(lab.question("P2"));
        request.metadata_mut().insert("grpc-timeout", time.parse().unwrap());
        // Whatever it comes to, and whether anybody hears it.
        let _ = raw.verify(request).await;
    }
    let recorded = || {
        let of_questions = |entry: &heyan::audit::entry::Entry| entry.kind.facts().is_some();
        lab.entries().iter().filter(|entry| of_questions(entry)).count() >= 5
    };
    until("each has its entry", recorded).await;
    replays_clean(&lab.entries());
}
