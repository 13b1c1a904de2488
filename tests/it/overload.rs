//! More than the gateway takes: whoever sends too much is told so before anything is read, and others are answered.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use heyan::client::{Client, ClientError, Refused};
use heyan::proto::gateway::v1 as wire;
use heyan::replay::replay;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::identity::{hour_ago, issued_by};
use crate::support::connect::{raw, verification};
use crate::support::entries::{intents, outcome};
use crate::support::{Lab, PATIENCE, ask, refused, until};

const POLICE: &str = "police";

/// A lab where the police's answers are not kept, with two systems of the fund centre that may ask.
async fn lab(settings: &str) -> Lab {
    let mut lab = Lab::prepare(&[]).await;
    let draft = Path::new(env!("CARGO_MANIFEST_DIR")).join("config-example/agreements/police.toml");
    let draft = std::fs::read_to_string(draft).unwrap();
    let kept = draft.split_inclusive('\n').filter(|line| !line.starts_with("cache = "));
    let draft = kept.collect::<String>();
    assert!(draft.contains("systems = [\"approval\"]"), "{draft}");
    let draft = draft.replacen("[\"approval\"]", "[\"approval\", \"counter\"]", 1);
    lab.world.sign_text(POLICE, &draft).unwrap();
    let manifest = lab.path("adapters/police.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    assert!(text.contains("timeout = \"3s\""), "{text}");
    std::fs::write(manifest, text.replacen("timeout = \"3s\"", "timeout = \"60s\"", 1)).unwrap();
    let party = lab.path("pki/parties/fund-centre.toml");
    let mut party = OpenOptions::new().append(true).open(party).unwrap();
    party.write_all(b"\n[systems.counter]\nrights = [\"query\"]\n").unwrap();
    lab.set(settings);
    lab.serve().await;
    lab
}

async fn counter(lab: &Lab) -> Client {
    let name = "spiffe://heyan.test/fund-centre/counter";
    let issued = issued_by(lab, "fund-centre", &[name], hour_ago());
    lab.client_with(issued.certificate.as_bytes(), issued.key.as_bytes()).await.unwrap()
}

/// So many questions of this caller, each of which the police have before the next is sent, and answer to nobody.
async fn flood(
    lab: &Lab,
    client: &Client,
    count: u64,
) -> JoinSet<Result<wire::VerifyResponse, ClientError>> {
    lab.simulation.faults(POLICE).set_delay(10 * PATIENCE, Duration::ZERO);
    let mut waiting = JoinSet::new();
    for number in 1..=count {
        let (client, question) = (client.clone(), lab.question("P2"));
        waiting.spawn(async move { client.verify(question, 10 * PATIENCE).await });
        until("the police have it", || lab.simulation.asked(POLICE) == number).await;
    }
    waiting
}

fn is_turned_away(refused: &Refused) {
    assert_eq!(
        (refused.code, refused.reason.as_str()),
        (tonic::Code::ResourceExhausted, "OVERLOADED")
    );
    assert!(refused.retry_after.is_some_and(|wait| wait > Duration::ZERO));
    assert_eq!(refused.log_index, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_one_caller_leaves_as_many_places_to_others() {
    let lab = lab("\n[limits]\nin_flight = 8\n").await;
    let (client, other) = (lab.client().await, counter(&lab).await);
    let _flood = flood(&lab, &client, 4).await;
    let (size, asked) = (lab.size(), lab.simulation.asked(POLICE));
    // Over another connection, too: it is the caller that counts.
    for client in [&client, &lab.client().await] {
        for _ in 0..4 {
            is_turned_away(&refused(client, lab.question("P2")).await);
        }
    }
    assert_eq!(
        (lab.size(), lab.simulation.asked(POLICE)),
        (size, asked),
        "nothing was recorded or asked"
    );
    let (_, metrics) = lab.page("/metrics").await;
    assert!(metrics.contains("heyan_shed_total{limit=\"in_flight_share\"}"), "{metrics}");

    lab.simulation.faults(POLICE).set_delay(Duration::ZERO, Duration::ZERO);
    for _ in 0..8 {
        let reply = ask(&other, lab.question("P2")).await;
        assert_eq!(reply.verdict(), wire::Verdict::Confirmed, "{:?}", reply.unavailability);
        outcome(&lab.entries(), reply.log_index);
    }
    let stored = lab.node().gateway().audit().entries(0, usize::MAX).unwrap();
    assert_eq!(replay((0..).zip(stored), None).findings, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn places_come_back_when_questions_have_ended_and_not_when_their_callers_go() {
    let lab = lab("\n[limits]\nin_flight = 4\n").await;
    let client = lab.client().await;
    let mut flood = flood(&lab, &client, 2).await;
    flood.abort_all();
    while flood.join_next().await.is_some() {}
    // The questions go on to their entries, and hold their places until then.
    is_turned_away(&refused(&client, lab.question("P2")).await);
    assert_eq!(intents(&lab.entries()).len(), 2);
}

/// A question that is turned away is not read: one that no gateway could read gets the same refusal.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_turned_away_is_so_before_anything_is_read() {
    let lab = lab("\n[limits]\nin_flight = 2\nmessage_bytes = \"16 KiB\"\n").await;
    let client = lab.client().await;
    let _flood = flood(&lab, &client, 1).await;
    let mut large = lab.question("P2");
    large.disclose = vec!["x".repeat(17 << 10)];
    let mut raw = verification(raw(&lab, "fund-centre", "approval").await);
    let status = raw.verify(large).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::ResourceExhausted, "{status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn handshakes_that_stop_keep_nobody_from_theirs() {
    let settings = "\n[limits]\nhandshakes = 1\nhandshake_timeout = \"10m\"\n";
    let lab = lab(settings).await;
    let mut stopped = Vec::new();
    // Nothing, and a ClientHello that is never finished.
    for said in [&[][..], &[0x16, 0x03, 0x01, 0x01, 0x00, 0x01]] {
        for _ in 0..8 {
            let mut stream = TcpStream::connect(lab.node().address).await.unwrap();
            stream.write_all(said).await.unwrap();
            stopped.push(stream);
        }
    }
    let connecting = futures_util::future::join_all((0..16).map(|_| lab.client()));
    let clients = tokio::time::timeout(PATIENCE, connecting).await.unwrap();
    for client in &clients {
        let reply = ask(client, lab.question("P2")).await;
        assert_eq!(reply.verdict(), wire::Verdict::Confirmed);
    }
    drop(stopped);
}
