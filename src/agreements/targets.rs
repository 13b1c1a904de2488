//! What fuzzing drives, in `fuzz/` and in the tests alike: every reading of agreements and orders, each as a function
//! that panics when it breaks its promise.
//!
//! The promises: no input panics; what verifies is what its payload says and nothing else; what can be read comes back
//! the same when it is written and read again.

use std::path::Path;
use std::str;
use std::sync::LazyLock;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::document::{self, Signer};
use super::order::{self, Act, Order, Version};
use super::terms::reading::{Language, Voice};
use super::terms::{Look, Terms};
use crate::crypto::{Algorithm, PublicKey, SigningKey, sha256};
use crate::parties::Register;
use crate::query::time::Timestamp;

/// Takes any bytes; panics only when a promise is broken.
pub type Target = fn(&[u8]);

/// Every target by name.
pub const TARGETS: [(&str, Target); 5] = [
    ("agreement_document", agreement_document),
    ("agreement_payload", agreement_payload),
    ("agreement_draft", agreement_draft),
    ("order_document", order_document),
    ("outside_signature", outside_signature),
];

/// When everything below happens: 2026-09-22.
const AT: Timestamp = Timestamp::from_seconds(1_790_042_400);

/// The three that sign here; the seeds of their keys count from 1.
const PARTIES: [(&str, &str); 3] = [
    ("asker", "12430000000000027P"),
    ("answerer", "11430000000000051B"),
    ("between", "11430000000000043G"),
];

/// Every key that a draft may have.
const DRAFT: &str = r#"
schema = 1
id = "fuzzed-1"
version = 1
title = "Everything at once"
title_zh = "样例协议"
consumer = "asker"
provider = "answerer"
platform = "between"
systems = ["approval"]
effective_from = "2026-01-01T00:00:00+08:00"
effective_to = "2033-06-01T00:00:00+08:00"
overlap = "7d"
operator_units = ["lending"]
notices = ["notice-1"]
retention = { keep_for = "3y", afterwards = "delete" }
hours = { days = ["monday", "sunday"], from = "06:00", to = "24:00" }
quota = { per_second = 10, per_day = 20000, per_month = 300000 }
suspension = { by = ["asker", "answerer"], notice = "1d" }
termination = { by = ["between"] }
legal_basis = [
  { party = "asker", instrument = "条例", article = "24" },
  { party = "answerer", instrument = "条例", article = "20" },
]
undertaking = [{ party = "asker", text = "Tells the other party of a leak within two hours" }]
annex = [{ title = "Interfaces", sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" }]
contact = [{ party = "asker", office = "Lending", reach = "0731-1" }]

[[clause]]
fact = "M2"
items = ["W1", "W3"]
roles = ["person", "spouse"]
assert = ["married", "months"]
disclose = ["since"]
mask = { name = "name" }
never = ["divorces"]
limits = { months = { comparisons = ["ge", "in"], values = [6, "2026-01", true], multiple_of = 6 } }
relations = { spouse = ["declared", "verified"] }
consent = true
max_age = "3d"
cache = { found = "1d", not_found = "1h", stale = "1h" }
replaces = ["marriage_certificate"]
"#;

struct World {
    register: Register,
    keys: Vec<(String, SigningKey)>,
}

/// `None` only when the library makes no keys, which the tests would see.
static WORLD: LazyLock<Option<World>> = LazyLock::new(World::make);

impl World {
    fn make() -> Option<Self> {
        let mut keys = Vec::new();
        let mut files = Vec::new();
        for (seed, (id, uscc)) in (1..).zip(PARTIES) {
            // PKCS#8 of an Ed25519 key is this, then its seed.
            const KEY: &[u8; 16] =
                b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
            let key = SigningKey::from_pkcs8(&[KEY.as_slice(), &[seed; 32]].concat()).ok()?;
            let public = BASE64_URL_SAFE_NO_PAD.encode(key.public().bytes);
            let own = rcgen::KeyPair::generate().ok()?;
            let mut authority = rcgen::CertificateParams::new(Vec::<String>::new()).ok()?;
            authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
            let authority = authority.self_signed(&own).ok()?.pem().replace('\r', "");
            let file = format!(
                "id = \"{id}\"\nname = \"{id}\"\nname_zh = \"{id}\"\nuscc = \"{uscc}\"\n\
                 authorities = ['''\n{authority}''']\n[[keys]]\nkid = \"{id}-1\"\nalg = \"EdDSA\"\n\
                 public = \"{public}\"\nvalid_from = \"2020-01-01T00:00:00Z\"\nvalid_to = \"2036-01-01T00:00:00Z\"\n"
            );
            keys.push((format!("{id}-1"), key));
            files.push((id.to_owned(), file.into_bytes()));
        }
        Some(Self { register: Register::from_documents(files).ok()?, keys })
    }

    fn signers(&self) -> impl Iterator<Item = Signer<'_>> {
        self.keys.iter().map(|(kid, key)| Signer { kid, key })
    }

    /// Whether the payload, signed by everyone, is the agreement that it says.
    fn agrees(&self, payload: &[u8]) {
        let terms = Terms::from_payload(payload);
        let signers: Vec<Signer<'_>> = self.signers().collect();
        // Without a platform, the third signer is a stranger.
        let count = terms.as_ref().map_or(3, |terms| terms.parties().count());
        let Some(signers) = signers.get(..count) else { return };
        let Ok(signed) = document::sign(payload, signers) else { return };
        let Ok(agreement) = document::verify(&signed, &self.register, AT) else { return };
        assert!(terms.is_ok_and(|terms| {
            let same = terms.agreement(payload).is_ok_and(|made| made == agreement);
            let signed = |party: &str| PARTIES.iter().take(count).any(|(id, _)| *id == party);
            same && terms.parties().all(|party| signed(party.as_str()))
        }));
        assert_eq!(agreement.digest, sha256(payload));
    }
}

/// A good input of each target.
pub fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let Some(world) = &*WORLD else { return Vec::new() };
    let signers: Vec<Signer<'_>> = world.signers().collect();
    let terms = Terms::parse(Path::new("draft.toml"), DRAFT).ok();
    let payload = terms.and_then(|terms| terms.payload().ok()).unwrap_or_default();
    let agreement = document::sign(&payload, &signers).unwrap_or_default();
    let about = Version { agreement: "fuzzed-1".to_owned(), version: 1 };
    let order = Order::new("order-1", &"asker".into(), AT, "an incident", &Act::Suspend(about));
    let order = world.signers().next().and_then(|signer| order::sign(&order, signer).ok());
    let signature = [b"\x30\x44\x02\x20".as_slice(), &[7; 32], b"\x02\x20", &[9; 32]].concat();
    vec![
        ("agreement_document", agreement),
        ("agreement_payload", payload),
        ("agreement_draft", DRAFT.as_bytes().to_vec()),
        ("order_document", order.unwrap_or_default()),
        ("outside_signature", signature),
    ]
}

/// The document of an agreement; its payload is also tried with good signatures.
pub fn agreement_document(data: &[u8]) {
    let Some(world) = &*WORLD else { return };
    let opened = document::open(data, &world.register, AT);
    if let Ok(agreement) = document::verify(data, &world.register, AT) {
        assert!(opened.is_ok_and(|opened| opened.missing().is_empty()
            && opened.agreement == agreement
            && document::peek(data).is_ok_and(|terms| terms == opened.terms)));
    }
    let Ok(payload) = document::payload(data) else { return };
    assert_eq!(Terms::from_payload(&payload).ok(), document::peek(data).ok());
    for (kid, key) in &world.keys {
        let made = document::to_sign(document::TYPE, data, kid, Algorithm::EdDsa)
            .and_then(|bytes| key.sign(&bytes).map_err(|_| document::DocumentError::NoSignature))
            .and_then(|made| document::attach(document::TYPE, data, kid, &key.public(), &made));
        assert!(made.is_ok());
    }
    world.agrees(&payload);
}

/// The payload of an agreement, under good signatures.
pub fn agreement_payload(data: &[u8]) {
    let Some(world) = &*WORLD else { return };
    world.agrees(data);
    if let Ok(terms) = Terms::from_payload(data) {
        comes_back(&terms);
    }
}

/// A draft in TOML.
pub fn agreement_draft(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    if let Ok(terms) = Terms::parse(Path::new("draft.toml"), text) {
        comes_back(&terms);
    }
}

fn comes_back(terms: &Terms) {
    let again = terms.payload().and_then(|payload| Terms::from_payload(&payload));
    assert!(again.is_ok_and(|again| again == *terms));
    for language in [Language::Chinese, Language::English] {
        let page = terms.read(&Voice::of(language)).page(Look { width: 80, colour: false });
        assert!(!page.is_empty());
    }
}

/// The document of an order; its payload is also tried with a good signature.
pub fn order_document(data: &[u8]) {
    let Some(world) = &*WORLD else { return };
    if let Ok(order) = order::verify(data, &world.register, AT) {
        assert!(order.act().is_ok() && order::peek(data).is_ok_and(|peeked| peeked == order));
    }
    let Ok(payload) = document::payload(data) else { return };
    for signer in world.signers() {
        let by = signer.kid.trim_end_matches("-1");
        let Ok(signed) = document::sign_as(order::TYPE, &payload, &[signer]) else { return };
        let Ok(order) = order::verify(&signed, &world.register, AT) else { continue };
        assert!(order.by.as_str() == by && !order.page().is_empty());
        // The same words under the other type are no agreement.
        assert!(document::verify(&signed, &world.register, AT).is_err());
    }
}

/// A signature that was made elsewhere: what is taken is 64 bytes, and those have one DER.
pub fn outside_signature(data: &[u8]) {
    let key = |algorithm| PublicKey { algorithm, bytes: vec![4; 65] };
    let edwards = key(Algorithm::EdDsa).as_jose(data);
    assert_eq!(edwards.is_some(), data.len() == 64);
    let Some(made) = key(Algorithm::Es256).as_jose(data) else { return };
    assert_eq!(made.len(), 64);
    if data.len() != 64 {
        let mut numbers = Vec::new();
        for number in made.chunks(32) {
            let digits: Vec<u8> = number.iter().copied().skip_while(|digit| *digit == 0).collect();
            let sign: &[u8] =
                if digits.first().is_some_and(|first| *first >= 0x80) { &[0] } else { &[] };
            let length = u8::try_from(sign.len() + digits.len()).unwrap_or_default();
            numbers.extend([&[2, length], sign, &digits].concat());
        }
        let length = u8::try_from(numbers.len()).unwrap_or_default();
        assert_eq!([&[0x30, length], numbers.as_slice()].concat(), data);
    }
    let _ = key(Algorithm::Es256).verifies(b"message", &made);
}
