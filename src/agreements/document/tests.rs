//! Signed documents against a small register: what holds, and each way in which one does not.

mod hostile;
mod outside;
mod rotation;

use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rcgen::{KeyPair, PKCS_ED25519};
use serde_json::{Value, json};

use super::super::terms::TermsError;
use super::super::terms::tests::DRAFT;
use super::*;
use crate::pki::Authority;

pub(crate) use self::outside::der;

/// When everything below happens: 2026-09-22.
pub(in crate::agreements) const NOW: Timestamp = Timestamp::from_seconds(1_790_042_400);

/// When the keys `…-0` end: 2026-01-01.
const TURN: Timestamp = Timestamp::from_seconds(1_767_225_600);

/// The two parties of [`DRAFT`], a stranger, and a platform. The second key of each is ES256; the fund centre has two
/// that have run out, one of either kind.
pub(in crate::agreements) struct Parties {
    pub(in crate::agreements) register: Register,
    keys: Vec<(&'static str, SigningKey)>,
}

/// Organisation, credit code, keys: id, whether Ed25519, end.
type Party = (&'static str, &'static str, &'static [(&'static str, bool, &'static str)]);

const LONG: &str = "2036-01-01T00:00:00Z";

const PARTIES: [Party; 4] = [
    (
        "fund-centre",
        "12430000000000027P",
        &[
            ("fund-1", true, LONG),
            ("fund-2", false, LONG),
            ("fund-0", true, "2026-01-01T00:00:00Z"),
            ("fund-00", false, "2026-01-01T00:00:00Z"),
        ],
    ),
    ("civil-affairs", "11430000000000051B", &[("civil-1", true, LONG), ("civil-2", false, LONG)]),
    ("police", "11430000000000043G", &[("police-1", true, LONG)]),
    ("data-authority", "11430000000000027T", &[("data-1", true, LONG), ("data-2", false, LONG)]),
];

impl Parties {
    pub(in crate::agreements) fn new() -> Self {
        let mut documents = Vec::new();
        let mut keys = Vec::new();
        for (id, uscc, own) in PARTIES {
            let authority = Authority::new(id, NOW).unwrap().certificate.replace('\r', "");
            let mut file = format!(
                "id = \"{id}\"\nname = \"{id}\"\nname_zh = \"{id}\"\nuscc = \"{uscc}\"\n\
                 authorities = ['''\n{authority}''']\n"
            );
            for (kid, is_edwards, valid_to) in own {
                let pair = if *is_edwards {
                    KeyPair::generate_for(&PKCS_ED25519).unwrap()
                } else {
                    KeyPair::generate().unwrap()
                };
                let key = SigningKey::from_pkcs8(&pair.serialize_der()).unwrap();
                let public = key.public();
                file.push_str(&format!(
                    "[[keys]]\nkid = \"{kid}\"\nalg = \"{}\"\npublic = \"{}\"\n\
                     valid_from = \"2020-01-01T00:00:00Z\"\nvalid_to = \"{valid_to}\"\n",
                    public.algorithm.name(),
                    BASE64_URL_SAFE_NO_PAD.encode(&public.bytes),
                ));
                keys.push((*kid, key));
            }
            documents.push((id.to_owned(), file.into_bytes()));
        }
        Self { register: Register::from_documents(documents).unwrap(), keys }
    }

    pub(in crate::agreements) fn signer(&self, kid: &'static str) -> Signer<'_> {
        let (_, key) = self.keys.iter().find(|(known, _)| *known == kid).unwrap();
        Signer { kid, key }
    }

    pub(in crate::agreements) fn sign(&self, draft: &str, kids: &[&'static str]) -> Vec<u8> {
        let terms = Terms::parse(Path::new("draft.toml"), draft).unwrap();
        let signers: Vec<_> = kids.iter().map(|kid| self.signer(kid)).collect();
        sign(&terms.payload().unwrap(), &signers).unwrap()
    }

    fn verify(&self, document: &[u8]) -> Result<Agreement, DocumentError> {
        verify(document, &self.register, NOW)
    }
}

fn changed(document: &[u8], change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut value: Value = serde_json::from_slice(document).unwrap();
    change(&mut value);
    serde_json::to_vec(&value).unwrap()
}

fn encoded(value: &Value) -> Value {
    json!(BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(value).unwrap()))
}

/// [`DRAFT`] with a third party.
fn with_platform() -> String {
    DRAFT.replace("systems =", "platform = \"data-authority\"\nsystems =")
}

fn payload_of(draft: &str) -> Vec<u8> {
    Terms::parse(Path::new("draft.toml"), draft).unwrap().payload().unwrap()
}

#[test]
fn two_signatures_of_either_algorithm_make_an_agreement() {
    let parties = Parties::new();
    for (fund, civil) in
        [("fund-1", "civil-1"), ("fund-2", "civil-1"), ("fund-1", "civil-2"), ("fund-2", "civil-2")]
    {
        let document = parties.sign(DRAFT, &[fund, civil]);
        let agreement = parties.verify(&document).unwrap();
        assert_eq!((agreement.id.as_str(), agreement.version), ("hn-gjj-mz-2018-001", 1));
        let payload: Value = serde_json::from_slice(&document).unwrap();
        let payload = BASE64_URL_SAFE_NO_PAD.decode(payload["payload"].as_str().unwrap()).unwrap();
        assert_eq!(agreement.digest, crate::crypto::sha256(&payload));
    }
}

#[test]
fn parties_sign_one_after_the_other() {
    let parties = Parties::new();
    let half = parties.sign(DRAFT, &["civil-1"]);
    let opened = open(&half, &parties.register, NOW).unwrap();
    assert_eq!(opened.signed_by, [("civil-affairs".into(), "civil-1".to_owned())]);
    assert!(
        matches!(parties.verify(&half), Err(DocumentError::NotSigned(parties)) if parties == ["fund-centre".into()])
    );
    let whole = countersign(&half, &[parties.signer("fund-1")]).unwrap();
    assert!(parties.verify(&whole).is_ok());
    assert_eq!(peek(&whole).unwrap(), opened.terms);
}

#[test]
fn a_platform_that_the_terms_name_signs_too() {
    let parties = Parties::new();
    let draft = with_platform();
    for platform in ["data-1", "data-2"] {
        let whole = parties.sign(&draft, &["civil-2", platform, "fund-1"]);
        let agreement = parties.verify(&whole).unwrap();
        assert_eq!(agreement.platform, Some("data-authority".into()));
    }
    let missing = |kids: &[&'static str]| {
        let document = parties.sign(&draft, kids);
        let opened = open(&document, &parties.register, NOW).unwrap();
        let refused = parties.verify(&document).unwrap_err();
        assert!(
            matches!(&refused, DocumentError::NotSigned(parties) if *parties == opened.missing())
        );
        refused.to_string()
    };
    assert_eq!(missing(&["fund-1", "civil-1"]), "`data-authority` has not signed");
    assert_eq!(missing(&["fund-1", "data-1"]), "`civil-affairs` has not signed");
    assert_eq!(missing(&["data-1"]), "`fund-centre` and `civil-affairs` have not signed");
    let refused = |draft: &str, kids: &[&'static str]| {
        parties.verify(&parties.sign(draft, kids)).unwrap_err().to_string()
    };
    let stranger = "`police` has signed and is no party to the agreement";
    assert_eq!(refused(&draft, &["fund-1", "civil-1", "police-1"]), stranger);
    // Nobody is a third party by signing.
    let unnamed = refused(DRAFT, &["fund-1", "civil-1", "data-1"]);
    assert_eq!(unnamed, "`data-authority` has signed and is no party to the agreement");
}

#[test]
fn wrong_signers_are_named() {
    let parties = Parties::new();
    let refused = |kids: &[&'static str]| parties.verify(&parties.sign(DRAFT, kids)).unwrap_err();
    assert!(matches!(refused(&[]), DocumentError::NoSignature));
    assert!(matches!(refused(&["fund-1"]), DocumentError::NotSigned(_)));
    assert!(matches!(refused(&["fund-1", "fund-1", "civil-1"]), DocumentError::DuplicateKey(_)));
    assert!(matches!(refused(&["fund-1", "fund-2", "civil-1"]), DocumentError::DuplicateParty(_)));
    assert!(matches!(refused(&["fund-1", "civil-1", "police-1"]), DocumentError::Stranger(_)));
    assert!(matches!(refused(&["fund-1", "police-1"]), DocumentError::Stranger(_)));
    assert!(matches!(refused(&["fund-0", "civil-1"]), DocumentError::KeyNotValid(_)));
    // One party's key under the name of another's is no signature of either.
    let terms = Terms::parse(Path::new("draft.toml"), DRAFT).unwrap();
    let forged =
        [parties.signer("fund-1"), Signer { kid: "civil-1", key: parties.signer("fund-1").key }];
    let document = sign(&terms.payload().unwrap(), &forged).unwrap();
    assert!(
        matches!(parties.verify(&document), Err(DocumentError::WrongSignature(kid)) if kid == "civil-1")
    );
    let unknown = [Signer { kid: "nobody", key: parties.signer("fund-1").key }];
    let document = sign(&terms.payload().unwrap(), &unknown).unwrap();
    assert!(matches!(parties.verify(&document), Err(DocumentError::UnknownKey(_))));
}

#[test]
fn keys_count_from_their_first_moment() {
    let parties = Parties::new();
    let document = parties.sign(DRAFT, &["fund-1", "civil-1"]);
    let before = Timestamp::from_seconds(1_577_836_799);
    assert!(matches!(
        verify(&document, &parties.register, before),
        Err(DocumentError::KeyNotValid(_))
    ));
    assert!(verify(&document, &parties.register, Timestamp::from_seconds(1_577_836_800)).is_ok());
}

#[test]
fn changed_documents_are_refused_each_for_its_reason() {
    let parties = Parties::new();
    let document = parties.sign(DRAFT, &["fund-1", "civil-1"]);
    let refused = |change: fn(&mut Value)| parties.verify(&changed(&document, change)).unwrap_err();
    let header = |header: Value| {
        let changed = changed(&document, |value| {
            value["signatures"][0]["protected"] = encoded(&header);
        });
        parties.verify(&changed).unwrap_err()
    };

    // The payload says one thing more.
    let tampered = changed(&document, |value| {
        let payload = BASE64_URL_SAFE_NO_PAD.decode(value["payload"].as_str().unwrap()).unwrap();
        let mut payload: Value = serde_json::from_slice(&payload).unwrap();
        payload["clause"][0]["disclose"] = json!(["married"]);
        value["payload"] = encoded(&payload);
    });
    assert!(matches!(parties.verify(&tampered), Err(DocumentError::WrongSignature(_))));

    let typ = TYPE;
    assert!(matches!(
        header(json!({"alg": "none", "kid": "fund-1", "typ": typ})),
        DocumentError::UnknownAlgorithm(name) if name == "none"
    ));
    assert!(matches!(
        header(json!({"alg": "ES256", "kid": "fund-1", "typ": typ})),
        DocumentError::AlgorithmMismatch(_)
    ));
    for crit in [json!(["b64"]), json!(null)] {
        assert!(matches!(
            header(json!({"alg": "EdDSA", "kid": "fund-1", "typ": typ, "crit": crit})),
            DocumentError::Critical
        ));
    }
    assert!(matches!(
        header(json!({"alg": "EdDSA", "kid": "fund-1", "typ": "JWT"})),
        DocumentError::Type { .. }
    ));
    assert!(matches!(
        header(json!({"alg": "EdDSA", "kid": "fund-1", "typ": typ, "jwk": {}})),
        DocumentError::Header(_)
    ));
    // The same header with its keys in another order is another signed text.
    let reordered = changed(&document, |value| {
        let header = format!(r#"{{"typ":"{TYPE}","kid":"fund-1","alg":"EdDSA"}}"#);
        value["signatures"][0]["protected"] = json!(BASE64_URL_SAFE_NO_PAD.encode(header));
    });
    assert!(matches!(parties.verify(&reordered), Err(DocumentError::WrongSignature(_))));

    assert!(matches!(
        refused(|value| value["signatures"][0]["header"] = json!({"alg": "none"})),
        DocumentError::Malformed(_)
    ));
    assert!(matches!(
        refused(|value| value["signatures"][0]["signature"] = json!("AA==")),
        DocumentError::Encoding("signature")
    ));
    assert!(matches!(
        refused(|value| value["signatures"][0]["signature"] = json!("AAAA")),
        DocumentError::WrongSignature(_)
    ));
    assert!(matches!(
        refused(|value| value["signatures"][0]["protected"] = json!("!")),
        DocumentError::Encoding("protected")
    ));
    assert!(matches!(refused(|value| value["signatures"] = json!([])), DocumentError::NoSignature));
    assert!(matches!(parties.verify(b"{}"), Err(DocumentError::Malformed(_))));
    assert!(matches!(parties.verify(&vec![b' '; SIZE_LIMIT + 1]), Err(DocumentError::TooLong)));
}

#[test]
fn signed_nonsense_is_refused() {
    let parties = Parties::new();
    let signers = [parties.signer("fund-1"), parties.signer("civil-1")];
    let document = sign(b"{\"schema\": 1}", &signers).unwrap();
    assert!(matches!(parties.verify(&document), Err(DocumentError::Terms(TermsError::Json(_)))));
    let payload = Terms::parse(Path::new("draft.toml"), DRAFT).unwrap().payload().unwrap();
    let payload = String::from_utf8(payload).unwrap().replace("\"version\": 1", "\"version\": 0");
    let document = sign(payload.as_bytes(), &signers).unwrap();
    assert!(matches!(parties.verify(&document), Err(DocumentError::Terms(TermsError::Terms(_)))));
}

/// Half of a document, cut anywhere, is refused and never panics.
#[test]
fn cut_and_flipped_documents_never_pass() {
    let parties = Parties::new();
    let document = parties.sign(DRAFT, &["fund-1", "civil-1"]);
    for length in (0..document.len() - 2).step_by(37) {
        assert!(parties.verify(&document[..length]).is_err(), "{length}");
    }
    for place in (0..document.len() - 1).step_by(41) {
        let mut flipped = document.clone();
        flipped[place] ^= 1;
        // White space between the parts carries no meaning; everything else does.
        if !document[place].is_ascii_whitespace() {
            assert!(parties.verify(&flipped).is_err(), "{place}");
        }
    }
}
