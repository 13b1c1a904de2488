//! What leaves is granted, whatever the question that it leaves by.

use super::made::{ATTRIBUTES, Cases, Question, agreements, record, set, wide_query};
use super::plainly::keeps;
use crate::decision::agreement::Agreement;
use crate::decision::release::release;
use crate::decision::{Decision, Permit, decide};
use crate::query::record::Finding;
use crate::query::value::{Value, Verdict};

/// Permits of generated questions, each with its number.
fn permits() -> impl Iterator<Item = (u64, Cases, Permit)> {
    (0..12_000).filter_map(|seed| {
        let mut cases = Cases(seed);
        let question = Question::new(&mut cases);
        let set = set(&agreements(&mut cases, 3));
        match decide(&question.facts(&set), &set) {
            Decision::Permit(permit) => Some((seed, cases, permit)),
            Decision::Deny(_) => None,
        }
    })
}

fn withheld(agreement: &Agreement, permit: &Permit, name: &str) -> bool {
    let same = agreement.clauses.iter().filter(|clause| clause.fact == permit.clause().fact);
    same.flat_map(|clause| clause.details.never.iter()).any(|word| &**word == name)
}

/// Even for a question wider than the permit, which cannot happen when the gateway asks `decide` first.
#[test]
fn nothing_leaves_that_the_permit_does_not_grant() {
    let (mut whole, mut part, mut kept_back) = (0, 0, 0);
    for (seed, mut cases, permit) in permits() {
        let (query, record) = (wide_query(&mut cases), record(&mut cases));
        let released = release(&permit, &query, &record, cases.chance(20));
        let (agreement, clause) = (permit.agreement(), permit.clause());
        let Finding::Found(found) = &record.finding else { panic!() };
        for (name, value) in &released.disclosed {
            let known = &found[name];
            let listed = clause.disclose.iter().any(|word| **word == **name);
            let mask = clause.details.mask.iter().find(|(word, _)| **word == **name);
            assert!(listed || mask.is_some(), "seed {seed}: {name} is not listed");
            assert!(!withheld(agreement, &permit, name), "seed {seed}: {name} is withheld");
            assert_eq!(released.masked.contains(name), mask.is_some(), "seed {seed}: {name}");
            match mask {
                None => assert_eq!(value, known, "seed {seed}: {name}"),
                Some(_) => assert!(is_part(value, known), "seed {seed}: {name} left whole"),
            }
            whole += usize::from(mask.is_none());
            part += usize::from(mask.is_some());
        }
        for ((name, _, verdict), asked) in released.judgements.iter().zip(&query.assertions) {
            let granted = clause.assert.iter().any(|word| **word == **name)
                && !withheld(agreement, &permit, name)
                && keeps(clause, asked);
            assert!(granted || *verdict == Verdict::Unavailable, "seed {seed}: {name} was judged");
            kept_back += usize::from(!granted);
        }
    }
    let counts = format!("{whole} whole, {part} in part, {kept_back} not judged");
    assert!(whole > 300 && part > 100 && kept_back > 300, "{counts}");
}

/// Something of the value, and not the value.
fn is_part(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Text(part), Value::Text(whole)) => {
            part.chars().count() == whole.chars().count() && part.contains('*') && part != whole
        }
        (Value::Date(part), Value::Date(whole)) => {
            part.len() < whole.len() && whole.starts_with(part.as_str())
        }
        _ => false,
    }
}

/// A permit never says more of itself than its clause: what adapters keep and caches hold follows it.
#[test]
fn a_permit_grants_what_its_clause_lists_and_the_agreement_does_not_withhold() {
    let mut withheld_ones = 0;
    for (seed, _, permit) in permits() {
        let clause = permit.clause();
        for name in ATTRIBUTES {
            let never = withheld(permit.agreement(), &permit, name);
            let asserted = clause.assert.contains(*name) && !never;
            let leaves = (clause.disclose.contains(*name) || clause.mask(name).is_some()) && !never;
            assert_eq!(permit.judges(name), asserted, "seed {seed}: {name}");
            assert_eq!(permit.discloses(name), leaves, "seed {seed}: {name}");
            assert_eq!(permit.grants(name), asserted || leaves, "seed {seed}: {name}");
            withheld_ones += usize::from(never);
        }
    }
    assert!(withheld_ones > 20, "{withheld_ones}");
}
