//! Signatures that hold, that do not, and that are missing.

use super::super::document::tests::{NOW, Parties};
use super::super::terms::reading::Language;
use super::super::terms::tests::DRAFT;
use super::*;

const ENGLISH: Voice<'_> = Voice { language: Language::English, catalogue: None, parties: None };

fn states(inspected: &Inspected) -> Vec<(&str, bool)> {
    let signatures = inspected.signatures.iter();
    signatures.map(|one| (one.kid.as_str(), one.state == State::Holds)).collect()
}

#[test]
fn each_signature_is_judged_by_itself() {
    let parties = Parties::new();
    let register = Some(&parties.register);
    let whole = parties.sign(DRAFT, &["fund-1", "civil-1"]);
    let seen = inspect(&whole, register, NOW).unwrap();
    assert_eq!(states(&seen), [("fund-1", true), ("civil-1", true)]);
    assert!(seen.missing().is_empty() && !seen.has_bad_signature());
    assert_eq!(seen.digest, sha256(&document::payload(&whole).unwrap()));

    let half = inspect(&parties.sign(DRAFT, &["fund-1"]), register, NOW).unwrap();
    assert_eq!(half.missing(), [&OrganisationId::from("civil-affairs")]);
    assert!(!half.has_bad_signature());

    // The payload of one document under the signatures of another.
    let other = parties.sign(&DRAFT.replace("20000", "30000"), &["civil-1"]);
    let other: serde_json::Value = serde_json::from_slice(&other).unwrap();
    let mut mixed: serde_json::Value = serde_json::from_slice(&whole).unwrap();
    mixed["signatures"][1] = other["signatures"][0].clone();
    let mixed = inspect(&serde_json::to_vec(&mixed).unwrap(), register, NOW).unwrap();
    assert_eq!(states(&mixed), [("fund-1", true), ("civil-1", false)]);
    assert!(mixed.has_bad_signature());
    assert_eq!(mixed.missing(), [&OrganisationId::from("civil-affairs")]);
    let page = format!("{:?}", mixed.read(&ENGLISH));
    assert!(page.contains("DOES NOT HOLD") && page.contains("Missing"), "{page}");
}

/// What `verify` refuses is not said to hold.
#[test]
fn the_second_signature_of_one_party_does_not_hold() {
    let parties = Parties::new();
    let twice = parties.sign(DRAFT, &["fund-1", "fund-2", "civil-1"]);
    assert!(document::verify(&twice, &parties.register, NOW).is_err());
    let seen = inspect(&twice, Some(&parties.register), NOW).unwrap();
    assert_eq!(states(&seen), [("fund-1", true), ("fund-2", false), ("civil-1", true)]);
    assert!(seen.has_bad_signature());
}

#[test]
fn without_a_register_nothing_is_said_to_hold() {
    let parties = Parties::new();
    let seen = inspect(&parties.sign(DRAFT, &["fund-1", "civil-1"]), None, NOW).unwrap();
    assert_eq!(states(&seen), [("fund-1", false), ("civil-1", false)]);
    assert!(seen.signatures.iter().all(|one| one.state == State::NotChecked));
    assert!(format!("{:?}", seen.read(&ENGLISH)).contains("Not checked"));
    assert!(inspect(b"{}", None, NOW).is_err());
}
