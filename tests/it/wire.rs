//! The wire beside questions: health, catalogue, audit reads, operations, reflection, and a client of another make.

use std::collections::BTreeSet;
use std::process::Stdio;

use heyan::audit::checkpoint;
use heyan::audit::entry::decode;
use heyan::audit::file::Description;
use heyan::audit::tree::{Head, leaf_hash, verify_consistency, verify_inclusion};
use heyan::client::ClientError;
use heyan::crypto::Digest;
use heyan::proto::gateway::v1 as wire;
use tokio::process::Command;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use wire::operations_client::OperationsClient;

use crate::support::connect::{Raw, raw};
use crate::support::entries::{agreements, intents, outcome};
use crate::support::{ALL, Lab, ask};

fn operations(raw: Raw) -> OperationsClient<Raw> {
    OperationsClient::with_origin(raw, "https://localhost".parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_the_standard_service() {
    let lab = Lab::start(&[]).await;
    let raw = raw(&lab, "fund-centre", "approval").await;
    let mut health = HealthClient::with_origin(raw, "https://localhost".parse().unwrap());
    let reply = health.check(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(reply.status(), ServingStatus::Serving);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogue_lists_what_can_be_asked_and_by_which_agreements() {
    let lab = Lab::start(&["police", "tax"]).await;
    let client = lab.client().await;
    let size = lab.size();
    let facts = client.facts().await.unwrap();
    assert_eq!(facts.len(), 30);
    let agencies: BTreeSet<&str> = facts.iter().map(|fact| fact.agency.as_str()).collect();
    assert_eq!(agencies, ALL.into());
    let codes: BTreeSet<&str> = facts.iter().map(|fact| fact.code.as_str()).collect();
    assert_eq!(codes.len(), 30);
    for fact in &facts {
        assert!(!fact.roles.is_empty() && !fact.attributes.is_empty(), "{}", fact.code);
        assert!(!fact.title_zh.is_empty(), "{}", fact.code);
    }

    let items = client.items().await.unwrap();
    let listed: BTreeSet<&str> = items.iter().map(|item| item.code.as_str()).collect();
    assert_eq!(listed.len(), 21);
    for item in &items {
        assert!(item.facts.iter().all(|fact| codes.contains(fact.as_str())), "{}", item.code);
    }

    let ids = |agreements: Vec<wire::AgreementSummary>| -> BTreeSet<String> {
        agreements.into_iter().map(|agreement| agreement.provider).collect()
    };
    let both: BTreeSet<String> = ["police".to_owned(), "tax".to_owned()].into();
    assert_eq!(ids(client.agreements().await.unwrap()), both);
    let own = lab.client_as("tax", "agency").await.agreements().await.unwrap();
    assert_eq!(ids(own), ["tax".to_owned()].into());
    assert!(lab.client_as("audit-office", "replay").await.agreements().await.unwrap().is_empty());
    assert_eq!(lab.size(), size);
}

fn digests(hashes: &[Vec<u8>]) -> Vec<Digest> {
    hashes.iter().map(|hash| hash.as_slice().try_into().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_reads_the_log_and_checks_its_proofs() {
    let lab = Lab::start(&ALL).await;
    let auditor = lab.client_as("audit-office", "replay").await;
    let key = Description::read(&lab.path("log")).unwrap().unwrap().key().unwrap();
    let early: Head = checkpoint::open(&auditor.checkpoint().await.unwrap(), &key).unwrap();
    let client = lab.client().await;
    let mut last = 0;
    for fact in ["M2", "P1", "M2", "S1"] {
        last = ask(&client, lab.question(fact)).await.log_index;
    }
    let late: Head = checkpoint::open(&auditor.checkpoint().await.unwrap(), &key).unwrap();
    assert_eq!(late.size, last + 1);

    let entries = auditor.entries(0, 0).await.unwrap();
    assert_eq!(entries.len() as u64, late.size);
    let decoded: Vec<_> = entries.iter().map(|entry| decode(entry).unwrap()).collect();
    assert_eq!(decoded, lab.entries());
    for (index, entry) in (0..).zip(&entries) {
        let proof = auditor.prove_inclusion(index, late.size).await.unwrap();
        let hashes = digests(&proof.hashes);
        assert!(
            verify_inclusion(&leaf_hash(entry), index, late.size, &hashes, &late.root),
            "{index}"
        );
        let other = leaf_hash(b"another entry");
        assert!(!verify_inclusion(&other, index, late.size, &hashes, &late.root), "{index}");
    }
    let proof = auditor.prove_consistency(early.size, late.size).await.unwrap();
    assert!(verify_consistency(&early, &late, &digests(&proof.hashes)));
    let forged = Head { size: early.size, root: [7; 32] };
    assert!(!verify_consistency(&forged, &late, &digests(&proof.hashes)));

    assert_eq!(auditor.entries(2, 3).await.unwrap(), entries[2..5]);
    assert!(auditor.entries(late.size, 5).await.unwrap().is_empty());
    for refused in [
        auditor.prove_inclusion(late.size, late.size).await.err(),
        auditor.prove_inclusion(0, late.size + 1).await.err(),
        auditor.prove_consistency(2, 1).await.err(),
    ] {
        let Some(ClientError::Refused(refused)) = refused else { panic!("no refusal") };
        assert_eq!((refused.code, refused.reason.as_str()), (Code::OutOfRange, "LOG_RANGE"));
    }
    assert_eq!(lab.size(), late.size);
}

#[tokio::test(flavor = "multi_thread")]
async fn audit_reads_and_operations_need_their_rights() {
    let lab = Lab::start(&["police"]).await;
    let size = lab.size();
    for (organisation, system) in
        [("fund-centre", "approval"), ("fund-centre", "operations"), ("police", "agency")]
    {
        let client = lab.client_as(organisation, system).await;
        let tried = [
            client.checkpoint().await.err(),
            client.entries(0, 1).await.err(),
            client.prove_inclusion(0, 1).await.err(),
            client.prove_consistency(0, 1).await.err(),
        ];
        for refused in tried {
            let Some(ClientError::Refused(refused)) = refused else { panic!("{system} may read") };
            assert_eq!(
                (refused.code, refused.reason.as_str()),
                (Code::PermissionDenied, "RIGHT_MISSING")
            );
            assert!(refused.message.contains("audit"), "{}", refused.message);
        }
    }
    for (organisation, system) in [("fund-centre", "approval"), ("audit-office", "replay")] {
        let mut client = operations(raw(&lab, organisation, system).await);
        let status = client.list_adapters(wire::ListAdaptersRequest {}).await.unwrap_err();
        assert_eq!(status.code(), Code::PermissionDenied, "{system}");
        let status = client.reload(wire::ReloadRequest {}).await.unwrap_err();
        assert_eq!(status.code(), Code::PermissionDenied, "{system}");
    }
    assert_eq!(lab.size(), size);
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_show_adapters_and_reload() {
    let lab = Lab::start(&["police"]).await;
    let mut operator = operations(raw(&lab, "fund-centre", "operations").await);
    let list = operator.list_adapters(wire::ListAdaptersRequest {}).await.unwrap().into_inner();
    let agencies: BTreeSet<&str> = list.adapters.iter().map(|one| one.agency.as_str()).collect();
    assert_eq!(agencies, ALL.into());
    let transports: BTreeSet<&str> =
        list.adapters.iter().map(|one| one.transport.as_str()).collect();
    assert_eq!(transports, ["grpc", "http", "soap", "sql"].into());
    let facts: usize = list.adapters.iter().map(|one| one.facts.len()).sum();
    assert_eq!(facts, 30);

    ask(&lab.client().await, lab.question("P1")).await;
    let list = operator.list_adapters(wire::ListAdaptersRequest {}).await.unwrap().into_inner();
    let police = list.adapters.iter().find(|one| one.agency == "police").unwrap();
    assert_eq!((police.answered, police.in_flight), (1, 0));
    let entries = lab.entries();
    let asked = intents(&entries)[0].1;
    assert_eq!(heyan::crypto::hex(&asked.adapter.digest), police.digest);

    let id = lab.world.sign("tax").unwrap();
    let reloaded = operator.reload(wire::ReloadRequest {}).await.unwrap().into_inner();
    assert_eq!(reloaded.changes, [format!("agreement `{id}` version 1 adopted")]);
    assert!(reloaded.findings.is_empty(), "{:?}", reloaded.findings);
    assert_eq!(agreements(&lab.entries()).last(), Some(&(id, true)));
}

/// Runs one of the scripts with a gRPC client that shares no code with the gateway.
async fn python(lab: &Lab, script: &str, more: &[&str]) -> (Option<i32>, String) {
    let python = std::env::var("HEYAN_GRPC_CLIENT_PYTHON").unwrap_or_else(|_| {
        panic!(
            "HEYAN_GRPC_CLIENT_PYTHON is not set: it must name a Python with the packages of \
             tests/grpc_client/requirements.txt. `.ci/run` makes one in target/grpc_client."
        )
    });
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/grpc_client");
    let own = lab.path("pki/fund-centre");
    let output = Command::new(python)
        .arg(folder.join(script))
        .args(["--gateway", &lab.node().address.to_string()])
        .arg("--authority")
        .arg(own.join("ca.pem"))
        .arg("--certificate")
        .arg(own.join("approval.pem"))
        .arg("--key")
        .arg(own.join("approval.key"))
        .args(more)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let printed = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), printed + &errors)
}

/// The sample question as the JSON form of its message.
fn as_json(lab: &Lab, fact: &str) -> serde_json::Value {
    let question = lab.question(fact);
    let subjects: Vec<_> = question
        .subjects
        .iter()
        .map(|subject| {
            let Some(wire::subject::Kind::Person(person)) = &subject.kind else {
                panic!("no person")
            };
            serde_json::json!({
                "role": subject.role,
                "person": { "document_number": person.document_number, "name": person.name },
            })
        })
        .collect();
    let purpose = question.purpose.unwrap();
    serde_json::json!({
        "request_id": question.request_id,
        "fact": fact,
        "subjects": subjects,
        "purpose": {
            "item": purpose.item,
            "item_version": purpose.item_version,
            "case_number": purpose.case_number,
        },
        "operator": { "id": crate::support::OPERATOR, "unit": "hall-1" },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_another_make_needs_the_proto_files_only() {
    let lab = Lab::start(&["civil-affairs"]).await;
    let question = as_json(&lab, "M2");
    let (code, printed) = python(&lab, "verify.py", &[&question.to_string()]).await;
    assert_eq!(code, Some(0), "{printed}");
    let reply: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(reply["verdict"], "VERDICT_CONFIRMED", "{printed}");
    let index: u64 = reply["log_index"].as_str().unwrap().parse().unwrap();
    let entries = lab.entries();
    assert_eq!(outcome(&entries, index).facts.case_number, "GJJ-2026-000123");

    let mut flawed = as_json(&lab, "M2");
    flawed["subjects"][0]["person"]["document_number"] = "110105194912310021".into();
    let (code, printed) = python(&lab, "verify.py", &[&flawed.to_string()]).await;
    assert_eq!(code, Some(1), "{printed}");
    let refusal: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(refusal["code"], "INVALID_ARGUMENT");
    let details = refusal["details"].to_string();
    assert!(details.contains("MALFORMED") && details.contains("check_digit"), "{details}");
    assert!(details.contains(&format!("\"log_index\":\"{}\"", index + 1)), "{details}");
    assert_eq!(crate::support::entries::denial(&lab.entries(), index + 1).code, "MALFORMED");
}

#[tokio::test(flavor = "multi_thread")]
async fn reflection_is_served_behind_its_setting_only() {
    // A trial's settings switch it on.
    let lab = Lab::start(&[]).await;
    let (code, printed) = python(&lab, "list_services.py", &[]).await;
    assert_eq!(code, Some(0), "{printed}");
    let services: BTreeSet<&str> = printed.lines().collect();
    for service in [
        "heyan.gateway.v1.Verification",
        "heyan.gateway.v1.Catalogue",
        "heyan.gateway.v1.Audit",
        "heyan.gateway.v1.Disputes",
        "heyan.gateway.v1.Operations",
        "grpc.health.v1.Health",
    ] {
        assert!(services.contains(service), "{service} is not among {services:?}");
    }

    let mut lab = Lab::prepare(&[]).await;
    let file = lab.path("gateway.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("reflection = true\n"));
    std::fs::write(&file, text.replace("reflection = true\n", "")).unwrap();
    lab.serve().await;
    let (code, printed) = python(&lab, "list_services.py", &[]).await;
    assert_eq!(code, Some(1), "{printed}");
    assert!(printed.contains("UNIMPLEMENTED"), "{printed}");
}
