//! The log over time: restarts, verification, changed bytes, and a log that can no longer be written.

use std::fs;
use std::path::Path;
use std::time::Duration;

use heyan::audit::entry::NodeChange;
use heyan::audit::file::Description;
use heyan::audit::tree::{Frontier, leaf_hash};
use heyan::audit::verify::{Expected, Verified, verify};
use heyan::audit::{bundle, checkpoint};
use heyan::client::Refused;
use heyan::proto::gateway::v1 as wire;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::support::connect::raw;
use crate::support::draft::Draft;
use crate::support::entries::{denial, intents, node_changes, outcome, outcomes};
use crate::support::{ALL, Lab, PATIENCE, ask, refused};

/// Copies a folder with the folders inside it. A checkpoint being replaced may go away meanwhile.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            match fs::copy(entry.path(), target) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                copied => drop(copied.unwrap()),
            }
        }
    }
}

fn whole(folder: &Path) -> Verified {
    verify(folder, Expected::default(), &mut |_, _| {}).unwrap()
}

/// A little of everything: answers, kept answers, denials, an outage.
pub(crate) async fn mixed_load(lab: &Lab) {
    let client = lab.client().await;
    for fact in ["P1", "M2", "S1", "H3", "T1", "E2", "M2", "P1"] {
        ask(&client, lab.question(fact)).await;
    }
    let mut flawed = lab.question("M2");
    flawed.operator = None;
    refused(&client, flawed).await;
    refused(&lab.client_as("fund-centre", "operations").await, lab.question("P2")).await;
    let faults = lab.simulation.faults("market-regulation");
    faults.set_outage(true);
    let down = ask(&client, lab.question("E1")).await;
    assert_eq!(down.verdict(), wire::Verdict::Unavailable);
    faults.set_outage(false);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_counts_go_on_where_they_were() {
    let mut lab = Lab::prepare(&[]).await;
    let fact = lab.catalogue.fact(&"M2".into()).unwrap();
    let mut draft = Draft::new("four-a-day", "civil-affairs");
    draft.quota = "per_day = 4".to_owned();
    draft.clause(fact, &lab.catalogue, &["married"], &[], "").place(&lab);
    lab.serve().await;
    let client = lab.client().await;
    for _ in 0..2 {
        ask(&client, lab.question("M2")).await;
    }
    refused(&client, wire::VerifyRequest { operator: None, ..lab.question("M2") }).await;
    drop(client);
    lab.close().await;
    lab.serve().await;

    let client = lab.client().await;
    let reply = ask(&client, lab.question("M2")).await;
    let entries = lab.entries();
    let facts = &outcome(&entries, reply.log_index).facts;
    assert_eq!((facts.caller_sequence, facts.quota[0].day), (4, 2));
    ask(&client, lab.question("M2")).await;
    let denied = refused(&client, lab.question("M2")).await;
    assert_eq!(denied.reason, "QUOTA_DAY");
    let entries = lab.entries();
    let recorded = denial(&entries, denied.log_index.unwrap());
    assert_eq!((recorded.facts.caller_sequence, recorded.facts.quota[0].day), (6, 4));

    let started =
        [NodeChange::Created, NodeChange::Started, NodeChange::Stopped, NodeChange::Started];
    assert_eq!(node_changes(&entries), started);
    // What was in force before the stop is in force after it, and is not recorded a second time.
    assert_eq!(crate::support::entries::agreements(&entries).len(), 1);
    drop(client);
    lab.close().await;
    assert_eq!(whole(&lab.path("log")).entries, entries.len() as u64 + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_use_verifies_and_a_changed_byte_is_found() {
    let lab = Lab::start(&ALL).await;
    mixed_load(&lab).await;
    let verified = whole(&lab.path("log"));
    assert_eq!(verified.entries, lab.size());

    let mut checked = 0;
    let segment = lab.path("log/wal");
    let name =
        fs::read_dir(&segment).unwrap().map(|entry| entry.unwrap().file_name()).min().unwrap();
    let bytes = fs::read(segment.join(&name)).unwrap();
    let end = bytes.iter().rposition(|&byte| byte != 0).unwrap();
    for part in 1..8 {
        let place = end * part / 8;
        let changed = lab.beside(&format!("changed-{part}"));
        copy(&lab.path("log"), &changed);
        let mut other = bytes.clone();
        other[place] ^= 0x10;
        fs::write(changed.join("wal").join(&name), other).unwrap();
        let found = verify(&changed, Expected::default(), &mut |_, _| {});
        match found {
            Err(error) => {
                assert!(error.is_finding(), "byte {place}: {error}");
                checked += 1;
            }
            // Only filling between frames may be changed unseen; nothing rests on it.
            Ok(again) => assert_eq!(again.root, verified.root, "byte {place}"),
        }
    }
    assert!(checked > 0, "no change was found at all");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_takes_every_decision_again_and_finds_no_difference() {
    let mut lab = Lab::start(&["police", "civil-affairs"]).await;
    let client = lab.client().await;
    refused(&client, lab.question("S1")).await;
    for draft in ["social-security", "housing", "tax", "market-regulation"] {
        lab.world.sign(draft).unwrap();
    }
    lab.node().reload().await;
    mixed_load(&lab).await;
    drop(client);
    fs::remove_file(lab.path("agreements/tax.json")).unwrap();
    lab.node().reload().await;
    refused(&lab.client().await, lab.question("T1")).await;
    lab.close().await;
    lab.serve().await;
    mixed_load_again(&lab).await;

    let parties = lab.path("pki/parties");
    let examined = heyan::cli::audit::examine(&lab.path("log"), Some(&parties)).unwrap();
    assert!(examined.findings.is_empty(), "{:?}", examined.findings);
    assert_eq!(examined.entries, lab.size());
    let entries = lab.entries();
    let decided = entries.iter().filter(|entry| crate::support::entries::facts(entry).is_some());
    assert_eq!(examined.decisions, decided.count() as u64);
}

async fn mixed_load_again(lab: &Lab) {
    let client = lab.client().await;
    for fact in ["P1", "M2", "E2"] {
        ask(&client, lab.question(fact)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_checkpoint_shows_entries_taken_away() {
    let lab = Lab::start(&ALL).await;
    let early = lab.beside("early");
    copy(&lab.path("log"), &early);
    mixed_load(&lab).await;
    let auditor = lab.client_as("audit-office", "replay").await;
    let kept = auditor.checkpoint().await.unwrap();
    let expected = Expected { since: Some(&kept), vkey: None };
    let holds = verify(&lab.path("log"), expected, &mut |_, _| {}).unwrap();
    assert_eq!(holds.entries, lab.size());
    // The copy is whole in itself, and shorter than what the checkpoint promised.
    let expected = Expected { since: Some(&kept), vkey: None };
    let error = verify(&early, expected, &mut |_, _| {}).unwrap_err();
    assert!(error.is_finding(), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_written_stops_every_answer() {
    let lab = Lab::start(&["police", "civil-affairs"]).await;
    let client = lab.client().await;
    ask(&client, lab.question("M2")).await;
    assert_eq!(lab.page("/readyz").await.0, 200);
    // What a lost mount does: the folder is gone, and the next checkpoint cannot be published.
    fs::rename(lab.path("log"), lab.beside("log-gone")).unwrap();

    let stopped = |refused: &Refused| {
        assert_eq!((refused.code, refused.reason.as_str()), (Code::Unavailable, "LOG_STOPPED"));
        assert_eq!(refused.log_index, None);
    };
    let trying = async {
        loop {
            match client.verify(lab.question("P2"), PATIENCE).await {
                Ok(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                Err(heyan::client::ClientError::Refused(refused)) => break stopped(&refused),
                Err(error) => panic!("{error}"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, trying).await.unwrap();

    // Nothing is asked and nothing answered from now on: not a kept answer, not even a denial.
    let asked = lab.simulation.asked("police");
    stopped(&refused(&client, lab.question("P2")).await);
    stopped(&refused(&client, lab.question("M2")).await);
    stopped(&refused(&client, wire::VerifyRequest { operator: None, ..lab.question("M2") }).await);
    assert_eq!(lab.simulation.asked("police"), asked);

    let not_ready = async {
        loop {
            match lab.page("/readyz").await {
                (503, why) => break assert!(why.contains("log"), "{why}"),
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    tokio::time::timeout(PATIENCE, not_ready).await.unwrap();
    assert_eq!(lab.page("/healthz").await.0, 200);
    let raw = raw(&lab, "fund-centre", "approval").await;
    let mut health = HealthClient::with_origin(raw, "https://localhost".parse().unwrap());
    let not_serving = async {
        let serving = ServingStatus::Serving;
        let asked = HealthCheckRequest::default;
        while health.check(asked()).await.unwrap().into_inner().status() == serving {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, not_serving).await.unwrap();

    // What was answered before is all there.
    fs::rename(lab.beside("log-gone"), lab.path("log")).unwrap();
    let mut entries = Vec::new();
    let expected = Expected::default();
    verify(&lab.path("log"), expected, &mut |_, entry| entries.push(entry.clone())).unwrap();
    assert!(outcomes(&entries).len() >= 2 || !intents(&entries).is_empty());
}

/// One file of the loopback port: head, and body as bytes.
async fn fetch(lab: &Lab, path: &str) -> (String, Vec<u8>) {
    let mut stream = tokio::net::TcpStream::connect(lab.node().admin).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await.unwrap();
    let end = reply.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    (String::from_utf8_lossy(&reply[..end]).into_owned(), reply[end + 4..].to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_copies_tiles_from_the_loopback_port_has_the_published_log() {
    let mut lab = Lab::start(&["police"]).await;
    let client = lab.client().await;
    for _ in 0..3 {
        ask(&client, lab.question("P1")).await;
    }
    let key = Description::read(&lab.path("log")).unwrap().unwrap().key().unwrap();
    let expected = lab.size();
    let head = tokio::time::timeout(PATIENCE, async {
        loop {
            let (head, text) = fetch(&lab, "/log/checkpoint").await;
            assert!(head.starts_with("HTTP/1.1 200") && head.contains("no-cache"), "{head}");
            let text = String::from_utf8(text).unwrap();
            let opened = checkpoint::open(&text, &key).unwrap();
            // Whatever is published, its tiles are there and give its root.
            let path = format!("/log/tile/entries/000.p/{}", opened.size);
            let (head, bundled) = fetch(&lab, &path).await;
            assert!(head.starts_with("HTTP/1.1 200") && head.contains("immutable"), "{head}");
            let mut tree = Frontier::default();
            for entry in bundle::split(&bundled).unwrap() {
                tree.push(leaf_hash(entry), |_, _| {});
            }
            assert_eq!((tree.size(), tree.root()), (opened.size, opened.root));
            if opened.size >= expected {
                return opened;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .unwrap();
    let (_, hashes) = fetch(&lab, &format!("/log/tile/0/000.p/{}", head.size)).await;
    let leaves = lab.entries();
    assert_eq!(hashes.len(), 32 * leaves.len());
    for absent in [
        format!("/log/tile/0/000.p/{}", head.size + 1),
        "/log/tile/0/000".to_owned(),
        "/log/tile/entries/0".to_owned(),
        "/log/tile/0/000%2Ep/1".to_owned(),
        "/log/wal/0000000000000001.wal".to_owned(),
        "/log/".to_owned(),
    ] {
        let (head, _) = fetch(&lab, &absent).await;
        assert!(head.starts_with("HTTP/1.1 404"), "{absent}: {head}");
    }

    lab.close().await;
    let file = lab.path("gateway.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("[log]\n", "[log]\nserve_tiles = false\n")).unwrap();
    lab.serve().await;
    assert!(fetch(&lab, "/log/checkpoint").await.0.starts_with("HTTP/1.1 404"));
}
