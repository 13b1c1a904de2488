//! Entries and keys for this folder's tests.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::Ed25519KeyPair;

use super::entry::{AdapterRef, Commitments, Denied, Entry, Kind};
use crate::crypto::SigningKey;
use crate::decision::PermitRef;
use crate::decision::facts::{CallerFacts, Facts, Standing};
use crate::decision::sample;
use crate::query::time::Timestamp;

pub(crate) fn key() -> SigningKey {
    let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    SigningKey::from_pkcs8(document.as_ref()).unwrap()
}

/// Caller as `organisation/system`.
pub(crate) fn facts(caller: &str, sequence: u64, at: Timestamp) -> Facts {
    let (organisation, system) = caller.split_once('/').unwrap();
    let mut request_id = [0; 16];
    request_id[..8].copy_from_slice(&sequence.to_be_bytes());
    Facts {
        rules: 1,
        request_id,
        caller_sequence: sequence,
        received_at: at,
        deadline: None,
        caller: CallerFacts {
            organisation: organisation.into(),
            system: system.into(),
            certificate: [3; 32],
            standing: Standing::Registered,
        },
        fact: Some("M1".into()),
        provider: Some("civil-affairs".into()),
        item: "W3".into(),
        item_version: "2026.2".into(),
        case_number: "GJJ-2026-000001".into(),
        replaced_material: String::new(),
        operator_unit: "4301-01".into(),
        operator_present: true,
        notice: String::new(),
        consent: String::new(),
        roles: vec![sample::role("person")],
        assertions: Vec::new(),
        disclose: Vec::new(),
        max_age: None,
        defects: Vec::new(),
        quota: Vec::new(),
        freezes: Vec::new(),
        catalogue_digest: [4; 32],
    }
}

pub(crate) fn permit() -> PermitRef {
    PermitRef { agreement: "hn-gjj-mz".into(), version: 1, clause: 1 }
}

pub(crate) fn commitments() -> Commitments {
    Commitments { subject: Some([1; 32]), request: Some([2; 32]), ..Commitments::default() }
}

pub(crate) fn adapter() -> AdapterRef {
    AdapterRef { name: "civil-affairs".into(), version: "1".into(), digest: [5; 32] }
}

/// A small entry that differs with its number.
pub(crate) fn denial(sequence: u64) -> Entry {
    let at = Timestamp(1_800_000_000_000_000 + sequence);
    Entry {
        at,
        kind: Kind::Denial(Box::new(Denied {
            facts: facts("fund-centre/approval", sequence, at),
            code: "NO_AGREEMENT".into(),
            commitments: commitments(),
        })),
    }
}
