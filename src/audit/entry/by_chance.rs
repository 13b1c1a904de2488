//! Entries of questions made by chance, the same ones each time: what is written straight into bytes is what the generated
//! messages write, to the byte, and comes back as it went.

use std::time::Duration;

use super::skim::{Question, Skimmed, skim};
use super::*;
use crate::decision::facts::{AssertionFact, CallerFacts, Defect, QuotaUse, RoleFact, Standing};
use crate::query::relation::Relation;
use crate::query::value::Comparison;

/// How many; each has some forty fields that may be empty, or of a length or size at which their form changes.
const ENTRIES: u64 = 4000;

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[(self.number() % of.len() as u64) as usize].clone()
    }

    fn truth(&mut self) -> bool {
        self.number().is_multiple_of(2)
    }

    /// Around the places where a varint grows by a byte.
    fn varied(&mut self) -> u64 {
        let around = 1_u64 << (7 * self.one(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
        let near = self.one(&[around - 1, around, around + 1]);
        self.one(&[0, 1, near, self.0, u64::MAX])
    }

    fn small(&mut self) -> u32 {
        (self.varied() & u64::from(u32::MAX)) as u32
    }

    fn positive(&mut self) -> u32 {
        self.small().max(1)
    }

    /// With lengths at which a message's own length grows by a byte.
    fn text(&mut self) -> String {
        let length = self.one(&[0, 1, 2, 5, 60, 126, 127, 128, 129, 300]);
        let letter = self.one(&["a", "\0", "\u{7f}", "\u{80}", "\u{6838}", "\u{1f600}"]);
        letter.repeat(length)
    }

    fn name(&mut self) -> String {
        format!("n{}", self.text())
    }

    fn digest(&mut self) -> Digest {
        let byte = self.number().to_le_bytes()[0];
        self.one(&[[0; 32], [byte; 32]])
    }

    fn some<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.truth() { Some(make(self)) } else { None }
    }

    fn several<T>(&mut self, make: impl Fn(&mut Self) -> T) -> Vec<T> {
        let count = self.one(&[0, 0, 1, 2, 3, 5]);
        (0..count).map(|_| make(self)).collect()
    }
}

fn facts(chance: &mut Chance) -> Facts {
    let byte = chance.number().to_le_bytes()[0];
    Facts {
        rules: chance.positive(),
        request_id: [byte; 16],
        caller_sequence: chance.varied(),
        received_at: Timestamp(chance.varied()),
        deadline: chance.some(|chance| Duration::from_micros(chance.varied())),
        caller: caller(chance),
        fact: chance.some(|chance| chance.name().into()),
        provider: chance.some(|chance| chance.name().as_str().into()),
        item: chance.text().as_str().into(),
        item_version: chance.text(),
        case_number: chance.text(),
        replaced_material: chance.text(),
        operator_unit: chance.text(),
        operator_present: chance.truth(),
        notice: chance.text(),
        consent: chance.text(),
        roles: chance.several(role),
        assertions: chance.several(assertion),
        disclose: chance.several(Chance::text),
        max_age: chance.some(|chance| Duration::from_micros(chance.varied())),
        defects: chance.several(|chance| Defect { field: chance.text(), check: chance.text() }),
        quota: chance.several(|chance| QuotaUse {
            agreement: chance.text(),
            day: chance.varied(),
            second: chance.varied(),
            month: chance.varied(),
        }),
        freezes: chance.several(Chance::text),
        catalogue_digest: chance.digest(),
    }
}

fn caller(chance: &mut Chance) -> CallerFacts {
    CallerFacts {
        organisation: chance.text().as_str().into(),
        system: chance.text().as_str().into(),
        certificate: chance.digest(),
        standing: chance.one(&[
            Standing::Registered,
            Standing::UnknownOrganisation,
            Standing::UnknownSystem,
            Standing::ForeignAuthority,
            Standing::Unnamed,
            Standing::NoQueryRight,
        ]),
    }
}

fn role(chance: &mut Chance) -> RoleFact {
    let relations =
        [Relation::CaseParty, Relation::Declared, Relation::Verified, Relation::Mandated];
    RoleFact {
        role: chance.text(),
        kind: chance.text(),
        relation: chance.some(|chance| chance.one(&relations)),
        shown_by: chance.varied(),
    }
}

fn assertion(chance: &mut Chance) -> AssertionFact {
    let comparisons = [
        Comparison::Eq,
        Comparison::Ne,
        Comparison::Lt,
        Comparison::Le,
        Comparison::Gt,
        Comparison::Ge,
        Comparison::In,
        Comparison::Exists,
        Comparison::NameMatch,
    ];
    AssertionFact {
        attribute: chance.text(),
        comparison: chance.one(&comparisons),
        within: chance.several(permit),
    }
}

fn permit(chance: &mut Chance) -> PermitRef {
    PermitRef { agreement: chance.name(), version: chance.positive(), clause: chance.positive() }
}

fn commitments(chance: &mut Chance) -> Commitments {
    Commitments {
        subject: chance.some(Chance::digest),
        operator: chance.some(Chance::digest),
        request: chance.some(Chance::digest),
        answer: chance.some(Chance::digest),
        sealed: chance.some(Chance::digest),
    }
}

fn outcome(chance: &mut Chance) -> Outcome {
    let unavailable = chance.some(|chance| chance.one(&Unavailable::ALL));
    let told = [
        Verdict::Confirmed,
        Verdict::Refuted,
        Verdict::NotFound,
        Verdict::Stale,
        Verdict::Conflict,
    ];
    Outcome {
        facts: facts(chance),
        permit: permit(chance),
        commitments: commitments(chance),
        intent: chance.some(|chance| chance.varied().max(1)),
        source: chance.one(&[Source::Agency, Source::Cache]),
        verdict: if unavailable.is_some() { Verdict::Unavailable } else { chance.one(&told) },
        as_of: chance.some(|chance| Timestamp(chance.varied().max(1))),
        disclosed: chance.several(Chance::text),
        masked: chance.several(Chance::text),
        dropped: chance.small(),
        unavailable,
        subjects_checked: chance.several(Chance::small),
    }
}

fn kind(chance: &mut Chance) -> Kind {
    match chance.number() % 3 {
        0 => Kind::Intent(Box::new(Intent {
            facts: facts(chance),
            permit: permit(chance),
            commitments: commitments(chance),
            adapter: AdapterRef {
                name: chance.name(),
                version: chance.text(),
                digest: chance.digest(),
            },
        })),
        1 => Kind::Outcome(Box::new(outcome(chance))),
        _ => Kind::Denial(Box::new(Denied {
            facts: facts(chance),
            code: chance.name(),
            commitments: commitments(chance),
        })),
    }
}

#[test]
fn entries_made_by_chance_have_the_bytes_of_their_messages() {
    let mut chance = Chance(7);
    let mut kinds = [0; 3];
    for number in 0..ENTRIES {
        let entry = Entry { at: Timestamp(chance.varied()), kind: kind(&mut chance) };
        kinds[match entry.kind {
            Kind::Intent(_) => 0,
            Kind::Outcome(_) => 1,
            _ => 2,
        }] += 1;
        let bytes = encode(&entry).unwrap();
        let message = stored::Entry::decode(bytes.as_slice()).unwrap();
        assert_eq!(message.encode_to_vec(), bytes, "entry {number}: {entry:?}");
        assert_eq!(decode(&bytes).unwrap(), entry, "entry {number}");
        let question = Question::of(&entry.kind);
        assert_eq!(skim(&bytes).unwrap(), Skimmed { at: entry.at, question }, "entry {number}");
    }
    assert!(kinds.iter().all(|count| *count > ENTRIES / 4), "{kinds:?}");
}

#[test]
fn some_time_is_never_recorded_as_none() {
    let mut facts = facts(&mut Chance(1));
    for (nanos, micros) in [(0, 0), (1, 1), (999, 1), (1000, 1), (1001, 2)] {
        facts.deadline = Some(Duration::from_nanos(nanos));
        let code = "X".to_owned();
        let commitments = Commitments::default();
        let denied = Denied { facts: facts.clone(), code, commitments };
        let entry = Entry { at: Timestamp(1), kind: Kind::Denial(Box::new(denied)) };
        let read = decode(&encode(&entry).unwrap()).unwrap();
        let deadline = read.kind.facts().unwrap().deadline;
        assert_eq!(deadline, Some(Duration::from_micros(micros)), "{nanos} ns");
    }
}
