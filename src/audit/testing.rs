//! Entries, keys and logs for tests.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::Ed25519KeyPair;
use bytes::Bytes;

use super::chain::Chain;
use super::entry::{AdapterRef, Commitments, Denied, Entry, Kind, encode};
use super::memory::MemoryStore;
use super::note::VerifierKey;
use super::store::Store;
use super::tree::Head;
use super::{Audit, Description, MIN_SEGMENT_BYTES, Settings, checkpoint, frame, tree};
use crate::crypto::SigningKey;
use crate::decision::PermitRef;
use crate::decision::facts::{CallerFacts, Facts, Standing};
use crate::decision::sample;
use crate::query::time::Timestamp;

pub(super) const ORIGIN: &str = "heyan.test/log";

/// Small files, so that a test fills several, and hardly any publishing unless closed.
pub(crate) fn settings() -> Settings {
    Settings {
        segment_bytes: MIN_SEGMENT_BYTES,
        queue: 64,
        publish_every: Duration::from_secs(3600),
        // Tests damage logs and look at every entry.
        reread_at_start: true,
        cosigner: None,
        witness: None,
    }
}

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

/// A log of one entry in memory, whose writes wait and fail on demand.
pub(crate) struct InMemory {
    pub(crate) store: Arc<MemoryStore>,
    pub(super) description: Description,
    pub(super) key: Arc<SigningKey>,
}

impl InMemory {
    pub(crate) fn new() -> Self {
        let key = Arc::new(key());
        let entry = Bytes::from(encode(&denial(0)).unwrap());
        let leaves = vec![tree::leaf_hash(&entry)];
        let (frame, growth) =
            Chain::new(1).next(&[frame::Content::bare(entry)], leaves, Timestamp(1)).unwrap();
        let head = Head { size: 1, root: growth.after().root() };
        let checkpoint = checkpoint::sign(ORIGIN, &head, &key).unwrap();
        let store = Arc::new(MemoryStore::with(frame, &checkpoint));
        let description = Description::new(&VerifierKey::new(ORIGIN, key.public()).unwrap());
        Self { store, description, key }
    }

    pub(crate) fn start(&self, settings: &Settings) -> Audit {
        let store = Arc::clone(&self.store) as Arc<dyn Store>;
        Audit::start(
            store,
            &self.description,
            Arc::clone(&self.key),
            settings,
            None,
            &mut |_, _| {},
        )
        .unwrap()
        .0
    }
}
