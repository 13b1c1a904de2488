//! Documents of ours verified by a JOSE library of another make, and documents of its make taken by us.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use heyan::agreements::document::{self, Signer};
use heyan::agreements::order::{self, Act, Order, Version};
use heyan::agreements::terms::Terms;
use serde_json::{Value, json};

use crate::support::signers::Signers;

/// Runs the library; what it printed, or why it refused.
fn jose(command: &str, asked: &Value) -> Result<Value, String> {
    let python = std::env::var("HEYAN_GRPC_CLIENT_PYTHON").unwrap_or_else(|_| {
        panic!(
            "HEYAN_GRPC_CLIENT_PYTHON is not set: it must name a Python with the packages of \
             tests/grpc_client/requirements.txt. `.ci/run` makes one in target/grpc_client."
        )
    });
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/jose/jose.py");
    let mut child = Command::new(python)
        .arg(script)
        .arg(command)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(asked.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.code() {
        Some(0) => Ok(serde_json::from_slice(&output.stdout).unwrap()),
        Some(1) if !errors.contains("Traceback") => Err(errors),
        _ => panic!("{errors}"),
    }
}

fn verified(signers: &Signers, document: &[u8]) -> Result<Value, String> {
    let document: Value = serde_json::from_slice(document).unwrap();
    jose("verify", &json!({ "document": document, "keys": signers.jwks() }))
}

fn payload(platform: &str) -> Vec<u8> {
    let draft = Signers::draft(platform);
    Terms::parse(Path::new("draft.toml"), &draft).unwrap().payload().unwrap()
}

fn signed(signers: &Signers, platform: &str, kids: &[&str]) -> Vec<u8> {
    let by: Vec<Signer<'_>> =
        kids.iter().map(|kid| Signer { kid, key: signers.key(kid) }).collect();
    document::sign(&payload(platform), &by).unwrap()
}

/// Platform, and who signs with which key.
const CASES: [(&str, &[&str]); 4] = [
    ("", &["fund-centre-1", "civil-affairs-1"]),
    ("", &["civil-affairs-2", "fund-centre-2"]),
    ("data-authority", &["fund-centre-1", "civil-affairs-2", "data-authority-1"]),
    ("data-authority", &["data-authority-2", "fund-centre-2", "civil-affairs-1"]),
];

#[test]
fn a_library_of_another_make_verifies_our_agreements() {
    let signers = Signers::new();
    for (platform, kids) in CASES {
        let document = signed(&signers, platform, kids);
        document::verify(&document, &signers.register, signers.now).unwrap();
        let told = verified(&signers, &document).unwrap();
        assert_eq!(told["payload"].as_str().unwrap().as_bytes(), payload(platform));
        let headers: Vec<Value> = kids
            .iter()
            .map(|kid| {
                let alg = signers.key(kid).public().algorithm.name();
                json!({ "alg": alg, "kid": kid, "typ": document::TYPE })
            })
            .collect();
        assert_eq!(told["headers"], json!(headers));
        // It would have told us: one bit of any signature, or of what is signed.
        let text = String::from_utf8(document).unwrap();
        let read: Value = serde_json::from_str(&text).unwrap();
        for number in 0..kids.len() {
            let signature = read["signatures"][number]["signature"].as_str().unwrap();
            let first = if signature.starts_with('A') { "B" } else { "A" };
            let spoilt = text.replace(signature, &format!("{first}{}", &signature[1..]));
            let refused = verified(&signers, spoilt.as_bytes()).unwrap_err();
            assert!(refused.contains("BadSignatureError"), "{refused}");
            assert!(document::verify(spoilt.as_bytes(), &signers.register, signers.now).is_err());
        }
        let spoilt = text.replacen("\"payload\": \"ew", "\"payload\": \"ex", 1);
        assert_ne!(spoilt, text);
        assert!(verified(&signers, spoilt.as_bytes()).is_err());
    }
}

#[test]
fn a_library_of_another_make_verifies_our_orders() {
    let signers = Signers::new();
    for kid in ["civil-affairs-1", "civil-affairs-2"] {
        let about = Version { agreement: "trial".to_owned(), version: 1 };
        let by = "civil-affairs".into();
        let order = Order::new("order-1", &by, signers.now, "an incident", &Act::Suspend(about));
        let document = order::sign(&order, Signer { kid, key: signers.key(kid) }).unwrap();
        let told = verified(&signers, &document).unwrap();
        assert_eq!(told["headers"][0]["typ"], order::TYPE);
        let payload: Order = serde_json::from_str(told["payload"].as_str().unwrap()).unwrap();
        assert_eq!(payload, order);
    }
}

#[test]
fn what_a_library_of_another_make_signs_is_taken() {
    let signers = Signers::new();
    for (platform, kids) in CASES {
        let by: Vec<Value> = kids
            .iter()
            .map(|kid| {
                let alg = signers.key(kid).public().algorithm.name();
                // Its way of ordering is its own.
                let header = json!({ "typ": document::TYPE, "alg": alg, "kid": kid });
                json!({ "header": header, "pem": signers.pem(kid) })
            })
            .collect();
        let text = String::from_utf8(payload(platform)).unwrap();
        let made = jose("sign", &json!({ "payload": text, "signers": by })).unwrap();
        let document = serde_json::to_vec(&made).unwrap();
        let agreement = document::verify(&document, &signers.register, signers.now).unwrap();
        let ours = signed(&signers, platform, kids);
        let ours = document::verify(&ours, &signers.register, signers.now).unwrap();
        assert_eq!(agreement, ours, "the same terms, whoever puts them into JSON");
    }
    // An order, and half an agreement that we countersign.
    let by = "fund-centre".into();
    let freeze = Act::Unfreeze("incident-4".to_owned());
    let order = Order::new("order-1", &by, signers.now, "over", &freeze);
    for kid in ["fund-centre-1", "fund-centre-2"] {
        let alg = signers.key(kid).public().algorithm.name();
        let sign = |typ: &str, payload: &str| {
            let header = json!({ "alg": alg, "kid": kid, "typ": typ });
            let by = json!([{ "header": header, "pem": signers.pem(kid) }]);
            let made = jose("sign", &json!({ "payload": payload, "signers": by })).unwrap();
            serde_json::to_vec(&made).unwrap()
        };
        let document = sign(order::TYPE, &serde_json::to_string(&order).unwrap());
        assert_eq!(order::verify(&document, &signers.register, signers.now).unwrap(), order);
        let half = sign(document::TYPE, &String::from_utf8(payload("")).unwrap());
        let civil = Signer { kid: "civil-affairs-2", key: signers.key("civil-affairs-2") };
        let whole = document::countersign(&half, &[civil]).unwrap();
        assert!(document::verify(&whole, &signers.register, signers.now).is_ok());
        assert!(verified(&signers, &whole).is_ok());
    }
}
