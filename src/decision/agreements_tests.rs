//! The index: changed one by one it is what it would be if made at once, and versions give way when they should.

use std::time::Duration;

use super::agreement::Clause;
use super::agreements::{Placed, State};
use super::*;
use crate::query::time::Timestamp;
use crate::query::{FactCode, OrganisationId};

const CONSUMERS: [&str; 3] = ["fund-centre", "audit-office", "tax"];
const PROVIDERS: [&str; 2] = ["civil-affairs", "police"];
const FACTS: [&str; 4] = ["M1", "M2", "P1", "P2"];

/// Some agreement of many: the number says which.
fn agreement(number: usize) -> Arc<Agreement> {
    let clause = |fact: &str| Clause { fact: fact.into(), ..sample::clause() };
    Arc::new(Agreement {
        id: format!("a-{}", number % 40),
        version: u32::try_from(number / 40 % 4).unwrap() + 1,
        consumer: CONSUMERS[number % 3].into(),
        provider: PROVIDERS[number % 2].into(),
        effective_from: Timestamp::from_seconds(1000 + number as u64 * 37 % 900),
        overlap: Duration::from_secs(number as u64 * 11 % 90),
        clauses: (0..number % 4).map(|at| clause(FACTS[(number / 3 + at * 3) % 4])).collect(),
        ..sample::agreement()
    })
}

/// Everything that can be asked of a set.
fn described(set: &AgreementSet) -> Vec<String> {
    let mut said: Vec<String> =
        set.all().iter().map(|it| format!("{}/{}", it.id, it.version)).collect();
    for consumer in CONSUMERS.map(OrganisationId::from) {
        for fact in FACTS.map(FactCode::from) {
            let clauses = set.clauses(&consumer, &fact).iter().map(|placed| {
                let Placed { agreement, position, superseded, .. } = placed;
                format!("{}/{}/{position} until {}", agreement.id, agreement.version, superseded.0)
            });
            said.push(format!("{consumer} {fact}: {}", clauses.collect::<Vec<_>>().join(" ")));
        }
        for provider in PROVIDERS.map(OrganisationId::from) {
            said.push(format!("{consumer} {provider}: {}", set.has_pair(&consumer, &provider)));
        }
    }
    said
}

#[test]
fn a_set_changed_one_by_one_is_the_set_made_at_once() {
    let mut set = AgreementSet::default();
    let mut held: Vec<Arc<Agreement>> = Vec::new();
    let mut earlier = Vec::new();
    for step in 0..400_usize {
        let changed = agreement(step * 7919 % 160);
        let key = |it: &Agreement| (it.id.clone(), it.version);
        held.retain(|known| key(known) != key(&changed));
        if step % 3 == 2 {
            set = sample::without(&set, &changed.id, changed.version);
        } else {
            set = sample::with(&set, Arc::clone(&changed));
            held.push(changed);
        }
        let made = AgreementSet::new(held.iter().rev().cloned());
        assert_eq!(described(&set), described(&made), "step {step}");
        if step % 100 == 0 {
            earlier.push((set.clone(), described(&set)));
        }
    }
    for (set, said) in earlier {
        assert_eq!(described(&set), said, "a set that others were made from has changed");
    }
    for one in held {
        set = sample::without(&set, &one.id, one.version);
    }
    assert_eq!(described(&set), described(&AgreementSet::default()));
}

#[test]
fn what_decisions_hold_of_versions_is_what_the_versions_say() {
    let set = AgreementSet::new((0..160).map(agreement));
    let mut seen = 0;
    let pairs = CONSUMERS.iter().flat_map(|consumer| FACTS.map(|fact| (*consumer, fact)));
    for (consumer, fact) in pairs {
        let (consumer, fact) = (consumer.into(), fact.into());
        for Placed { agreement, superseded, .. } in set.clauses(&consumer, &fact) {
            // The ones that no newer version ever follows have no such moment.
            let end = superseded.0.min(9_000_000_000);
            for at in [0, end - 1, end].map(Timestamp) {
                seen += usize::from(set.is_superseded(agreement, at));
                assert_eq!(set.is_superseded(agreement, at), *superseded <= at);
            }
        }
    }
    assert!(seen > 50, "{seen}");
}

/// The first agreement of two versions: the second begins at 200 and lets the first be asked for 60 more.
#[test]
fn a_list_says_how_an_agreement_stands() {
    let version = |version, from, to| Agreement {
        version,
        effective_from: Timestamp::from_seconds(from),
        effective_to: Timestamp::from_seconds(to),
        ..sample::agreement()
    };
    let old = Arc::new(version(1, 100, 300));
    let new = Arc::new(Agreement { overlap: Duration::from_secs(60), ..version(2, 200, 400) });
    let set = AgreementSet::new([Arc::clone(&old), Arc::clone(&new)]);
    let state = |agreement, seconds| set.state(agreement, Timestamp::from_seconds(seconds));
    for (seconds, of_old, of_new) in [
        (99, State::NotYetBegun, State::NotYetBegun),
        (100, State::InForce, State::NotYetBegun),
        (200, State::InForce, State::InForce),
        (259, State::InForce, State::InForce),
        (260, State::Superseded, State::InForce),
        (300, State::Expired, State::InForce),
        (399, State::Expired, State::InForce),
        (400, State::Expired, State::Expired),
    ] {
        assert_eq!((state(&old, seconds), state(&new, seconds)), (of_old, of_new), "{seconds}");
    }
}

#[test]
fn of_two_that_claim_one_version_the_same_one_is_taken_whatever_their_order() {
    let one = |digest| Arc::new(Agreement { digest: [digest; 32], ..sample::agreement() });
    for given in [[one(1), one(2)], [one(2), one(1)]] {
        let set = AgreementSet::new(given);
        assert_eq!(set.all().iter().map(|it| it.digest[0]).collect::<Vec<_>>(), [1]);
    }
}
