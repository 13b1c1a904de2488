//! Every kind goes to bytes and back; nothing but its own bytes is an entry.

use std::time::Duration;

use super::skim::{Question, Skimmed, skim};
use super::*;
use crate::audit::testing::{adapter, commitments, facts, permit};
use crate::decision::facts::{AssertionFact, RoleFact};
use crate::decision::facts::{Defect, QuotaUse, Standing};
use crate::decision::sample;
use crate::query::relation::Relation;
use crate::query::value::Comparison;

fn full_facts() -> Facts {
    let mut facts = facts("fund-centre/approval", 7, Timestamp(1_800_000_000_000_001));
    facts.deadline = Some(Duration::from_micros(1_500_001));
    facts.max_age = Some(Duration::from_secs(3600));
    facts.notice = "notice-2026.1".into();
    facts.consent = "consent-000123".into();
    facts.roles = vec![RoleFact {
        relation: Some(Relation::Verified),
        shown_by: 12,
        ..sample::role("spouse")
    }];
    facts.assertions = vec![
        AssertionFact { within: vec![permit()], ..sample::assertion("married") },
        AssertionFact { comparison: Comparison::NameMatch, ..sample::assertion("name") },
    ];
    facts.disclose = vec!["married".into()];
    facts.defects = vec![Defect {
        field: "subjects[0].person.document_number".into(),
        check: "check_digit".into(),
    }];
    facts.quota = vec![QuotaUse { agreement: "hn-gjj-mz".into(), day: 4, second: 1, month: 9 }];
    facts.freezes = vec!["civil-affairs".into()];
    facts
}

fn every_kind() -> Vec<Kind> {
    let outcome = Outcome {
        facts: full_facts(),
        permit: permit(),
        commitments: commitments(),
        intent: Some(3),
        source: Source::Cache,
        verdict: Verdict::Confirmed,
        as_of: Some(Timestamp(5)),
        disclosed: vec!["married".into()],
        masked: Vec::new(),
        dropped: 2,
        unavailable: None,
        subjects_checked: vec![0, 1],
    };
    let unavailable = Outcome {
        intent: None,
        verdict: Verdict::Unavailable,
        unavailable: Some(Unavailable::BreakerOpen),
        as_of: None,
        ..outcome.clone()
    };
    let kinds = vec![
        Kind::Intent(Box::new(Intent {
            facts: full_facts(),
            permit: permit(),
            commitments: commitments(),
            adapter: adapter(),
        })),
        Kind::Outcome(Box::new(outcome)),
        Kind::Outcome(Box::new(unavailable)),
        Kind::Denial(Box::new(Denied {
            facts: full_facts(),
            code: "NO_AGREEMENT".into(),
            commitments: Commitments::default(),
        })),
        Kind::Agreement(AgreementEvent::Adopted { id: "a".into(), version: 1, document: vec![1] }),
        Kind::Agreement(AgreementEvent::Withdrawn { id: "a".into(), version: 1 }),
        order(OrderEffect::Suspended),
        order(OrderEffect::Resumed),
        order(OrderEffect::Revoked),
        Kind::Party(PartyEvent::Entered { organisation: "police".into(), document: vec![2] }),
        Kind::Party(PartyEvent::Removed { organisation: "police".into() }),
        Kind::Node(NodeEvent { change: NodeChange::Stopped, version: "0.1.0".into() }),
        Kind::Catalogue(CatalogueEvent { digest: [9; 32], summary: "24 facts".into() }),
        Kind::Adapter(AdapterEvent::Placed { adapter: adapter(), facts: vec!["M1".into()] }),
        Kind::Adapter(AdapterEvent::Removed { name: "police".into() }),
        freeze(FreezeChange::Frozen),
        freeze(FreezeChange::Lifted),
        key(KeyPurpose::Log, KeyChange::Begun, b"announcement"),
        key(KeyPurpose::VaultDay, KeyChange::Begun, b""),
        key(KeyPurpose::VaultDay, KeyChange::Ended, b""),
        erasure(Erased::Entries(vec![3, 5])),
        erasure(Erased::Day("2026-11-23".into())),
        Kind::Rule(RuleEvent {
            item: "W3".into(),
            version: "1".into(),
            document: vec![1],
            effective_from: "2026-09-20".into(),
            effective_to: "2027-01-01".into(),
        }),
        Kind::Case(Box::new(closed())),
        Kind::Case(Box::new(CaseClosed { commitments: None, ..closed() })),
    ];
    kinds.into_iter().chain(steps_of_disputes()).collect()
}

fn steps_of_disputes() -> Vec<Kind> {
    vec![
        dispute(DisputeStep::Opened(Box::new(opened()))),
        dispute(delivery(Ok("JB-2026-1"))),
        dispute(delivery(Err("folder_missing"))),
        dispute(DisputeStep::Answered(Box::new(answered()))),
        dispute(DisputeStep::Rechecked(DisputeRechecked {
            caller: full_facts().caller,
            contested: 3,
            outcome: 9,
            before: Verdict::Refuted,
            after: Verdict::Confirmed,
        })),
    ]
}

fn dispute(step: DisputeStep) -> Kind {
    Kind::Dispute(Dispute { id: [8; 16], step })
}

fn opened() -> DisputeOpened {
    DisputeOpened {
        caller: full_facts().caller,
        contested: 3,
        verdict: Verdict::Refuted,
        provider: "police".into(),
        fact: "P1".into(),
        request_id: [7; 16],
        ground: Ground::WrongValue,
        evidence: 1,
        operator_unit: "hall-1".into(),
        shown: true,
        due: jiff::civil::date(2026, 12, 7),
        commitments: commitments(),
    }
}

fn delivery(result: Result<&str, &str>) -> DisputeStep {
    let result = result.map(str::to_owned).map_err(str::to_owned);
    DisputeStep::Delivery(DisputeDelivery { way: Way::Folder, result })
}

fn answered() -> DisputeAnswered {
    DisputeAnswered {
        finding: Looked::Corrected,
        on: jiff::civil::date(2026, 11, 30),
        caller: None,
        commitments: Commitments::default(),
    }
}

fn order(effect: OrderEffect) -> Kind {
    let (id, document) = ("a".to_owned(), vec![1]);
    Kind::Agreement(AgreementEvent::Ordered { id, version: 1, effect, document })
}

fn freeze(change: FreezeChange) -> Kind {
    let name = "provider:police".to_owned();
    Kind::Freeze(FreezeEvent { change, name, document: vec![1] })
}

fn key(purpose: KeyPurpose, change: KeyChange, document: &[u8]) -> Kind {
    let name = "2026-11-23.1".to_owned();
    Kind::Key(KeyEvent { purpose, change, name, document: document.to_vec() })
}

fn closed() -> CaseClosed {
    CaseClosed {
        case_id: [7; 16],
        caller: full_facts().caller,
        item: "W3".into(),
        item_version: "2026.2".into(),
        rule: [3; 32],
        case_number: "C-1".into(),
        operator_unit: "U1".into(),
        course: "{}".into(),
        outcome: "READY".into(),
        needs: vec![("no_home".into(), "MET".into())],
        abandoned: true,
        commitments: Some(commitments()),
    }
}

fn erasure(erased: Erased) -> Kind {
    Kind::Erasure(Erasure { erased, ground: "PIPL-47".into() })
}

#[test]
fn every_kind_comes_back_as_it_went() {
    for kind in every_kind() {
        let entry = Entry { at: Timestamp(1_800_000_000_000_002), kind };
        let bytes = encode(&entry).unwrap();
        assert_eq!(decode(&bytes).unwrap(), entry);
    }
}

#[test]
fn no_prefix_and_no_addition_is_an_entry() {
    for kind in every_kind() {
        let bytes = encode(&Entry { at: Timestamp(1), kind }).unwrap();
        for cut in 0..bytes.len() {
            assert!(decode(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        // An unknown field, and a known one said twice.
        assert!(decode(&[&bytes[..], &[0xf8, 0x06, 0x01]].concat()).is_err());
        assert!(matches!(
            decode(&[&bytes[..], &[0x10, 0x01]].concat()),
            Err(EntryError::NotCanonical)
        ));
    }
}

#[test]
fn refuses_other_formats_and_contradictions() {
    let entry = Entry { at: Timestamp(1), kind: every_kind().remove(1) };
    let mut message = message_of(&entry);
    message.format = 2;
    assert!(matches!(decode(&message.encode_to_vec()), Err(EntryError::Format(2))));

    let mut message = message_of(&entry);
    if let Some(stored::entry::Kind::Outcome(outcome)) = &mut message.kind {
        outcome.unavailable_reason = "timeout".into();
    }
    assert!(matches!(decode(&message.encode_to_vec()), Err(EntryError::Contradiction(_))));
}

#[test]
fn refuses_what_tlog_tiles_cannot_hold() {
    let kind = Kind::Party(PartyEvent::Entered {
        organisation: "police".into(),
        document: vec![7; MAX_BYTES],
    });
    assert!(matches!(encode(&Entry { at: Timestamp(1), kind }), Err(EntryError::TooLarge(_))));
}

#[test]
fn skimming_says_what_decoding_says() {
    for (time, mut kind) in (0..).zip(every_kind()) {
        if let Kind::Outcome(outcome) = &mut kind {
            outcome.commitments.sealed = Some([8; 32]);
        }
        let entry = Entry { at: Timestamp(time << 40), kind };
        let bytes = encode(&entry).unwrap();
        let question = Question::of(&entry.kind);
        assert_eq!(skim(&bytes).unwrap(), Skimmed { at: entry.at, question });
        // Whatever it is given, it ends.
        for cut in 0..bytes.len() {
            let _ = skim(&bytes[..cut]);
            let mut changed = bytes.clone();
            changed[cut] ^= 0x81;
            let _ = skim(&changed);
        }
    }
    assert_eq!(skim(&[0xff; 20]), None);
}

/// The message that the entry's bytes are.
fn message_of(entry: &Entry) -> stored::Entry {
    stored::Entry::decode(&*encode(entry).unwrap()).unwrap()
}

#[test]
fn an_entry_has_one_message_and_a_message_one_entry() {
    for kind in every_kind() {
        let entry = Entry { at: Timestamp(7), kind };
        let message = message_of(&entry);
        assert_eq!(message_of(&wire::from_stored(message.clone()).unwrap()), message);
    }
}

/// The entries of questions are written without a message; the message's own bytes are the same, whatever is empty or
/// zero, and however many bytes a length takes.
#[test]
fn what_is_written_straight_is_what_the_message_writes() {
    let mut kinds = every_kind();
    for length in [0, 1, 126, 127, 128, 129, 300, 16_383, 16_384, 40_000] {
        let mut denied = Denied {
            facts: full_facts(),
            code: "X".repeat(length.min(130)),
            commitments: commitments(),
        };
        denied.facts.case_number = "N".repeat(length);
        denied.facts.roles[0].shown_by = length as u64;
        denied.facts.deadline = Some(Duration::ZERO);
        denied.facts.max_age = (length > 0).then_some(Duration::MAX);
        denied.facts.disclose = vec![String::new(), "a".repeat(length.min(200))];
        denied.facts.freezes = vec!["f".to_owned(); length.min(200)];
        denied.facts.fact = None;
        denied.facts.provider = None;
        kinds.push(Kind::Denial(Box::new(denied)));
        let Kind::Outcome(mut outcome) = every_kind().remove(1) else { panic!("no outcome") };
        outcome.subjects_checked = (0..length as u32).take(300).collect();
        outcome.masked = vec!["m".repeat(length)];
        outcome.dropped = length as u32;
        outcome.facts.caller.standing = Standing::NoQueryRight;
        outcome.facts.operator_present = false;
        kinds.push(Kind::Outcome(outcome));
    }
    for kind in kinds {
        let entry = Entry { at: Timestamp(0), kind };
        let bytes = encode(&entry).unwrap();
        let message = stored::Entry::decode(&*bytes).unwrap();
        assert_eq!(message.encode_to_vec(), bytes, "{:?}", entry.kind);
        if !matches!(&entry.kind, Kind::Denial(denied) if denied.code.is_empty()) {
            let facts = entry.kind.facts().map(|facts| facts.max_age);
            let read = wire::from_stored(message).unwrap();
            match facts.flatten() {
                // Longer than a lifetime of microseconds: it comes back as the longest there is.
                Some(Duration::MAX) => assert_eq!(encode(&read).unwrap(), bytes),
                _ => assert_eq!(read, entry),
            }
        }
    }
}
