//! An installation whose log goes over to another key, with the program's own commands.

use std::process::Output;

use heyan::audit::note::VerifierKey;
use heyan::audit::receipt::Receipt;
use heyan::audit::verify::{Expected, verify};
use heyan::crypto::SigningKey;
use tokio::process::Command;

use crate::support::{Lab, PATIENCE, ask};

async fn heyan(lab: &Lab, line: &str) -> Output {
    let words = line.split(' ').map(|word| match word.strip_prefix('@') {
        Some(name) => lab.path(name).into_os_string(),
        None => word.into(),
    });
    let mut command = Command::new(env!("CARGO_BIN_EXE_heyan"));
    command.args(words).kill_on_drop(true);
    tokio::time::timeout(PATIENCE, command.output()).await.expect("it did not end").unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

fn vkey(lab: &Lab, key: &str) -> VerifierKey {
    let key = SigningKey::read(&lab.path(key)).unwrap();
    VerifierKey::new("heyan.test/demo", key.public()).unwrap()
}

/// The receipt of one answer.
async fn receipt(lab: &Lab) -> (Receipt, Vec<u8>) {
    let mut question = lab.question("P2");
    question.want_receipt = true;
    let given = ask(&lab.client().await, question).await.receipt.unwrap();
    (Receipt::parse(&given.proof).unwrap(), given.entry)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_goes_on_under_another_key_of_its_log() {
    let mut lab = Lab::start(&["police"]).await;
    let (old_receipt, old_entry) = receipt(&lab).await;
    let first = vkey(&lab, "keys/log.key");
    let rotate = "audit rotate @log --key @keys/log.key --new-key @keys/2.key --make --json";
    let in_use = heyan(&lab, rotate).await;
    assert_eq!(in_use.status.code(), Some(2), "{}", told(&in_use));
    assert!(told(&in_use).contains("in use by another process"), "{}", told(&in_use));
    assert!(told(&in_use).contains("again without --make"), "{}", told(&in_use));
    lab.close().await;

    let rotated = heyan(&lab, &rotate.replace(" --make", "")).await;
    assert_eq!(rotated.status.code(), Some(0), "{}", told(&rotated));
    let second = vkey(&lab, "keys/2.key");
    let rotated: serde_json::Value = serde_json::from_slice(&rotated.stdout).unwrap();
    assert_eq!(rotated["old_vkey"], first.to_string());
    assert_eq!(rotated["vkey"], second.to_string());

    // With the old key nothing starts, and both check and serve say which it must be.
    for command in ["check", "serve"] {
        let refused = heyan(&lab, &format!("{command} --config @gateway.toml")).await;
        assert!(!refused.status.success(), "{command}: {}", told(&refused));
        assert!(told(&refused).contains(&second.to_string()), "{command}: {}", told(&refused));
    }
    let settings = lab.path("gateway.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(&settings, text.replace("keys/log.key", "keys/2.key")).unwrap();
    let checked = heyan(&lab, "check --config @gateway.toml").await;
    assert_eq!(checked.status.code(), Some(0), "{}", told(&checked));
    lab.serve().await;
    let (new_receipt, new_entry) = receipt(&lab).await;
    lab.close().await;

    assert!(old_receipt.verify(&old_entry, &first).is_ok());
    assert!(new_receipt.verify(&new_entry, &second).is_ok());
    assert!(new_receipt.verify(&new_entry, &first).is_err());
    for key in [&first, &second] {
        let verified = heyan(&lab, &format!("audit verify @log --vkey {key}")).await;
        assert_eq!(verified.status.code(), Some(0), "{}", told(&verified));
    }
    let verified = verify(&lab.path("log"), Expected::default(), &mut |_, _| {}).unwrap();
    assert_eq!((verified.vkey, verified.current_vkey), (first.to_string(), second.to_string()));
    let replayed = heyan(&lab, "audit replay @log --parties @pki/parties").await;
    assert_eq!(replayed.status.code(), Some(0), "{}", told(&replayed));
}

#[tokio::test(flavor = "multi_thread")]
async fn check_and_serve_take_the_orders_of_the_log_for_done() {
    let mut lab = Lab::start(&["police"]).await;
    let agreement = "hn-gjj-ga-2018-001 --version 1 --as police --key @pki/police/signing.key";
    for (kind, change) in [("suspend", "suspended"), ("resume", "resumed")] {
        let line = format!(
            "agreement order {kind} {agreement} --parties @pki/parties --reason incident \
             -o @orders/{kind}.order.json"
        );
        let given = heyan(&lab, &line).await;
        assert_eq!(given.status.code(), Some(0), "{}", told(&given));
        let reloaded = lab.node().gateway().reload(heyan::clock::now).await;
        assert_eq!(reloaded.changes.len(), 1, "{reloaded:?}");
        assert!(reloaded.changes[0].contains(change), "{reloaded:?}");
    }
    // The resumption alone would be refused by whoever did not know what it resumes.
    std::fs::remove_file(lab.path("orders/suspend.order.json")).unwrap();
    lab.close().await;
    let checked = heyan(&lab, "check --config @gateway.toml").await;
    assert_eq!(checked.status.code(), Some(0), "{}", told(&checked));
    lab.serve().await;
    receipt(&lab).await;
    let reloaded = lab.node().gateway().reload(heyan::clock::now).await;
    assert!(reloaded.findings.is_empty() && reloaded.changes.is_empty(), "{reloaded:?}");
}
