//! A summary counted entry by entry is the one read at a start, whatever the entries are.

use super::*;
use crate::audit::entry::{
    AdapterEvent, CatalogueEvent, Denied, FreezeChange, FreezeEvent, Intent, NodeEvent,
    OrderEffect, Outcome, Source, encode,
};
use crate::audit::testing::{adapter, commitments, facts, permit};
use crate::query::value::Verdict;

/// Makes entries of all kinds that change a summary, in no sensible order.
pub(in crate::audit) struct Random(pub(in crate::audit) u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % limit
    }

    fn one_of<'a>(&mut self, names: &[&'a str]) -> &'a str {
        names[self.below(names.len() as u64) as usize]
    }

    pub(in crate::audit) fn entry(&mut self) -> Entry {
        let at = Timestamp(1_800_000_000_000_000 + self.below(20) * 400_000);
        let kind = match self.below(20) {
            0 => self.agreement(),
            1 => Kind::Party(PartyEvent::Entered {
                organisation: self.one_of(&["police", "tax"]).into(),
                document: vec![self.below(3) as u8 + 1],
            }),
            2 => Kind::Party(PartyEvent::Removed { organisation: "tax".into() }),
            3 => Kind::Node(NodeEvent { change: NodeChange::Started, version: "1".into() }),
            4 => Kind::Catalogue(CatalogueEvent { digest: [9; 32], summary: String::new() }),
            5 if self.below(3) == 0 => {
                Kind::Adapter(AdapterEvent::Removed { name: adapter().name })
            }
            5 => Kind::Adapter(AdapterEvent::Placed { adapter: adapter(), facts: vec![] }),
            6 => Kind::Freeze(FreezeEvent {
                change: if self.below(2) == 0 {
                    FreezeChange::Frozen
                } else {
                    FreezeChange::Lifted
                },
                name: self.one_of(&["provider:police", "agreement:a"]).into(),
                document: vec![1],
            }),
            _ => self.question(at),
        };
        Entry { at, kind }
    }

    fn agreement(&mut self) -> Kind {
        let (id, version) = (self.one_of(&["a", "b"]).to_owned(), self.below(2) as u32 + 1);
        let document = vec![self.below(2) as u8 + 1];
        Kind::Agreement(match self.below(5) {
            0 | 1 => AgreementEvent::Adopted { id, version, document },
            2 => AgreementEvent::Withdrawn { id, version },
            3 => AgreementEvent::Ordered { id, version, effect: OrderEffect::Suspended, document },
            _ => AgreementEvent::Ordered { id, version, effect: OrderEffect::Revoked, document },
        })
    }

    fn question(&mut self, at: Timestamp) -> Kind {
        let caller = self.one_of(&["fund-centre/approval", "fund-centre/loans", "tax/desk"]);
        let facts = facts(caller, self.below(30) + 1, at);
        let mut permit = permit();
        permit.agreement = self.one_of(&["a", "b", "c"]).into();
        let commitments = commitments();
        match self.below(3) {
            0 => Kind::Intent(Box::new(Intent { facts, permit, commitments, adapter: adapter() })),
            1 => Kind::Outcome(Box::new(Outcome {
                facts,
                permit,
                commitments,
                intent: Some(1),
                source: Source::Agency,
                verdict: Verdict::Confirmed,
                as_of: Some(at),
                disclosed: vec![],
                masked: Vec::new(),
                dropped: 0,
                unavailable: None,
                subjects_checked: vec![0],
            })),
            _ => Kind::Denial(Box::new(Denied { facts, code: "X".into(), commitments })),
        }
    }
}

#[test]
fn folding_bytes_is_visiting_entries() {
    for seed in 0..40 {
        let mut random = Random(seed);
        let (mut visited, mut folded) = (Summary::default(), Summary::default());
        for index in 0..300 {
            let entry = random.entry();
            visited.visit(index, &entry);
            folded.fold(index, &encode(&entry).unwrap()).unwrap();
        }
        assert_eq!(visited, folded);
        assert!(!visited.callers.is_empty() && !visited.permits.is_empty());
        // What is kept comes back as it went.
        let text = serde_json::to_string(&visited).unwrap();
        assert_eq!(serde_json::from_str::<Summary>(&text).unwrap(), visited);
    }
    assert!(Summary::default().fold(0, b"no entry").is_err());
}

#[test]
fn a_permit_is_counted_once_and_a_denial_never() {
    let at = Timestamp(1_800_000_000_000_000);
    let mut random = Random(1);
    let mut entry_of = |wanted: Step, sequence: u64| loop {
        let mut kind = random.question(at);
        let is_wanted = Question::of(&kind).is_some_and(|question| question.step == wanted);
        let facts = match &mut kind {
            Kind::Intent(intent) => {
                intent.permit.agreement = "a".into();
                &mut intent.facts
            }
            Kind::Outcome(outcome) => {
                outcome.permit.agreement = "a".into();
                &mut outcome.facts
            }
            Kind::Denial(denied) => &mut denied.facts,
            _ => unreachable!(),
        };
        (facts.caller_sequence, facts.caller.system) = (sequence, "approval".into());
        facts.caller.organisation = "fund-centre".into();
        if is_wanted {
            return Entry { at, kind };
        }
    };
    let mut summary = Summary::default();
    let steps = [(Step::Intent, 1), (Step::Outcome, 1), (Step::Outcome, 2), (Step::Denial, 3)];
    for (index, (step, sequence)) in (0..).zip(steps) {
        summary.visit(index, &entry_of(step, sequence));
    }
    let caller = &summary.callers["fund-centre"]["approval"];
    assert_eq!((caller.highest, caller.asked.len()), (3, 0));
    let before = summary.permits["a"].before(at);
    assert_eq!((before.day, before.second, before.month), (2, 2, 2));
    assert_eq!(summary.entries, 4);
}
