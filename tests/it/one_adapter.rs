//! One adapter of a running gateway: how it does, its manifest read again, its maintenance.

use std::fs;

use heyan::client::Client;
use heyan::proto::gateway::v1 as wire;
use heyan::replay::replay;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use wire::source::Kind::Agency;

use crate::support::connect::raw;
use crate::support::entries::intents;
use crate::support::{Lab, PATIENCE, ask};

const POLICE: &str = "police";

/// Puts something in the place of a line of the manifest.
fn rewrite(lab: &Lab, from: &str, to: &str) {
    let file = lab.path("adapters/police.toml");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(&file, text.replacen(from, to, 1)).unwrap();
}

async fn reload(client: &Client) -> wire::ReloadAdapterResponse {
    client.reload_adapter(POLICE.to_owned()).await.unwrap()
}

async fn state(client: &Client) -> wire::AdapterState {
    let all = client.adapters().await.unwrap();
    all.into_iter().find(|adapter| adapter.name == POLICE).unwrap()
}

/// `heyan adapter …` as the fund centre's operations system.
async fn heyan(lab: &Lab, arguments: &[&str]) -> (Option<i32>, String) {
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_heyan"))
        .arg("adapter")
        .args(arguments)
        .args(["--gateway", &lab.endpoint()])
        .arg("--identity")
        .arg(lab.path("pki/fund-centre/operations"))
        .arg("--authority")
        .arg(lab.path("pki/fund-centre/ca.pem"))
        .output()
        .await
        .unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    println!("{out}{err}");
    (output.status.code(), out + &err)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_entry_names_the_manifest_that_was_used() {
    let lab = Lab::start(&[POLICE]).await;
    let (client, operator) = (lab.client().await, lab.client_as("fund-centre", "operations").await);
    ask(&client, lab.question("P1")).await;
    rewrite(&lab, "version = \"", "version = \"9");
    let reloaded = reload(&operator).await;
    assert_eq!((reloaded.changes.len(), reloaded.findings.len()), (1, 0), "{reloaded:?}");
    assert!(reloaded.version.starts_with('9'));
    assert_eq!(ask(&client, lab.question("P1")).await.source.unwrap().kind(), Agency);

    let entries = lab.entries();
    let used: Vec<_> = intents(&entries).into_iter().map(|(_, intent)| &intent.adapter).collect();
    let [before, after] = used[..] else { panic!("{used:?}") };
    assert_eq!(after.version, format!("9{}", before.version));
    assert_ne!(after.digest, before.digest);
    assert_eq!(heyan::crypto::hex(&after.digest), reloaded.digest);

    // Again does nothing; a flaw keeps the last good version.
    assert!(reload(&operator).await.changes.is_empty());
    rewrite(&lab, "schema  = 1", "nonsense = 1\nschema  = 1");
    let refused = reload(&operator).await;
    assert!(refused.findings[0].contains("police.toml:"), "{refused:?}");
    assert_eq!((refused.changes.len(), refused.digest), (0, reloaded.digest));
    assert_eq!(ask(&client, lab.question("P2")).await.source.unwrap().kind(), Agency);

    let told = state(&operator).await;
    assert_eq!((told.health.as_str(), told.breaker.as_str()), ("serving", "closed"));
    // Of both versions.
    assert_eq!((told.answered, told.latency_of, told.in_flight), (3, 3, 0));
    assert!(told.latency_p99.is_some() && told.last_failure.is_empty());
    let (code, printed) = heyan(&lab, &["list"]).await;
    assert_eq!(code, Some(0), "{printed}");
    assert!(printed.contains("police") && printed.contains("serving"), "{printed}");
    let (code, printed) = heyan(&lab, &["reload", POLICE]).await;
    assert!(code == Some(1) && printed.contains("nonsense"), "{printed}");
    let refused = client.reload_adapter(POLICE.to_owned()).await.unwrap_err();
    assert!(refused.to_string().contains("`operate`"), "{refused}");
    let stored = lab.node().gateway().audit().entries(0, usize::MAX).unwrap();
    assert_eq!(replay((0..).zip(stored), None).findings, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn maintenance_is_told_and_the_agency_is_not_asked() {
    let lab = Lab::start(&[POLICE]).await;
    let (client, operator) = (lab.client().await, lab.client_as("fund-centre", "operations").await);
    let raw = raw(&lab, "fund-centre", "approval").await;
    let mut health = HealthClient::with_origin(raw, "https://localhost".parse().unwrap());
    let window =
        "[[maintenance]]\nfrom = \"2020-01-01T00:00:00Z\"\nto = \"2100-01-01T00:00:00Z\"\n";
    rewrite(&lab, "[[operation]]", &format!("{window}[[operation]]"));
    assert_eq!(reload(&operator).await.findings, Vec::<String>::new());

    let reply = ask(&client, lab.question("P1")).await;
    assert_eq!(reply.unavailability.unwrap().reason, "maintenance");
    assert_eq!(intents(&lab.entries()).len(), 0, "nobody meant to ask");
    let told = state(&operator).await;
    assert_eq!((told.health.as_str(), told.last_failure.as_str()), ("maintenance", "maintenance"));
    assert!(told.maintenance_to.is_some());

    let mut asked = async |service: String| {
        let request = HealthCheckRequest { service };
        health.check(request).await.unwrap().into_inner().status()
    };
    let waited = std::time::Instant::now();
    while asked("adapter.police".to_owned()).await != ServingStatus::NotServing {
        assert!(waited.elapsed() < PATIENCE, "it is never told");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(asked("adapter.tax".to_owned()).await, ServingStatus::Serving);
    assert_eq!(asked(String::new()).await, ServingStatus::Serving);
    let (_, metrics) = lab.page("/metrics").await;
    assert!(metrics.contains("heyan_adapter_up{adapter=\"tax\"} 1"), "{metrics}");
}
