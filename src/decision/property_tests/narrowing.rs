//! Whatever narrows an agreement never permits more, and never lets more out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::made::{
    ATTRIBUTES, COMPARISONS, Cases, NOTICES, Question, ROLES, UNITS, agreements, record, set,
    values,
};
use super::permits;
use crate::decision::agreement::{Agreement, Clause, Hours};
use crate::decision::limit::Limit;
use crate::decision::mask::Mask;
use crate::decision::release::{Released, release};
use crate::decision::set::{Set, Word};
use crate::decision::{Decision, Permit, decide};
use crate::query::relation::Relation;
use crate::query::value::Verdict;

/// Takes something from an agreement; the number is that of the clause to take it from.
type Narrowing = fn(&mut Cases, &mut Agreement, usize);

const NARROWINGS: &[(&str, Narrowing)] = &[
    ("a system less", |cases, it, _| without_one(cases, &mut it.systems)),
    ("units", |cases, it, _| only(cases, &mut it.operator_units, UNITS)),
    ("notices", |cases, it, _| only(cases, &mut it.notices, NOTICES)),
    ("an earlier end", |cases, it, _| {
        it.effective_to.0 =
            it.effective_to.0.min(it.effective_from.0 + cases.number(1_500_000_000));
    }),
    ("a later beginning", |cases, it, _| {
        // A newer version that begins later leaves the older one in force for longer.
        if it.version == 1 {
            it.effective_from = it.effective_from.plus(Duration::from_secs(cases.number(900)));
        }
    }),
    ("a shorter overlap", |_, it, _| it.overlap = Duration::ZERO),
    ("hours", narrow_hours),
    ("a quota of the second", |cases, it, _| lower(cases, &mut it.quota.per_second)),
    ("a quota of the day", |cases, it, _| lower(cases, &mut it.quota.per_day)),
    ("a quota of the month", |cases, it, _| lower(cases, &mut it.quota.per_month)),
    ("a clause less", |_, it, at| {
        // What a clause withholds goes with it, and that may open another one.
        if it.clauses[at].details.never.is_empty() {
            it.clauses[at].fact = "none".into();
        }
    }),
    ("an item less", |cases, it, at| without_one(cases, &mut it.clauses[at].items)),
    ("a paper less", |cases, it, at| without_one(cases, &mut it.clauses[at].replaces)),
    ("a role less", |cases, it, at| without_one(cases, &mut it.clauses[at].roles)),
    ("an assertion less", |cases, it, at| without_one(cases, &mut it.clauses[at].assert)),
    ("a value less", |cases, it, at| without_one(cases, &mut it.clauses[at].disclose)),
    ("a mask less", |cases, it, at| {
        let mask = &mut Arc::make_mut(&mut it.clauses[at].details).mask;
        if !mask.is_empty() {
            mask.remove(cases.below(mask.len()));
        }
    }),
    ("in part instead of whole", |cases, it, at| mask(cases, &mut it.clauses[at])),
    ("never", |cases, it, at| {
        let (name, clause) = (cases.one(ATTRIBUTES), &mut it.clauses[at]);
        let never = &mut Arc::make_mut(&mut clause.details).never;
        *never = never.iter().cloned().chain([name.into()]).collect();
    }),
    ("a relation", narrow_relations),
    ("comparisons", |cases, it, at| {
        let limit = limit(cases, &mut it.clauses[at]);
        only_of(cases, &mut limit.comparisons, COMPARISONS);
    }),
    ("values", |cases, it, at| {
        let limit = limit(cases, &mut it.clauses[at]);
        let all = values(&limit.attribute);
        only_of(cases, &mut limit.values, &all);
    }),
    ("a step", |cases, it, at| {
        let limit = limit(cases, &mut it.clauses[at]);
        limit.multiple_of = Some(limit.multiple_of.unwrap_or(1) * cases.one(&[2, 5]));
    }),
    ("consent", |_, it, at| it.clauses[at].consent = true),
];

fn without_one<T: Ord + Clone>(cases: &mut Cases, set: &mut Set<T>) {
    if !set.is_empty() {
        let at = cases.below(set.iter().count());
        let left = set.iter().enumerate().filter(|(place, _)| *place != at);
        *set = left.map(|(_, member)| member.clone()).collect();
    }
}

/// One of those that were let in; where none is named, all were.
fn only(cases: &mut Cases, set: &mut Set<Word>, all: &[&str]) {
    let known: Vec<Word> = set.iter().cloned().collect();
    let any: Vec<Word> = all.iter().copied().map(Word::from).collect();
    *set = [cases.one(if known.is_empty() { &any } else { &known })].into();
}

fn only_of<T: Clone>(cases: &mut Cases, list: &mut Vec<T>, all: &[T]) {
    *list = vec![cases.one(if list.is_empty() { all } else { list })];
}

fn lower(cases: &mut Cases, limit: &mut Option<u64>) {
    *limit = Some(cases.number(limit.unwrap_or(3) + 1));
}

fn narrow_hours(cases: &mut Cases, agreement: &mut Agreement, _: usize) {
    let all = || Hours { days: (0..7).collect(), from_minute: 0, to_minute: 1440 };
    let hours = agreement.hours.get_or_insert_with(all);
    match cases.number(3) {
        0 => {
            hours.days = cases
                .some(&hours.days.iter().copied().collect::<Vec<_>>(), 60)
                .into_iter()
                .collect()
        }
        1 => hours.from_minute += u32::try_from(cases.number(900)).unwrap(),
        _ => {
            hours.to_minute =
                hours.to_minute.saturating_sub(u32::try_from(cases.number(900)).unwrap())
        }
    }
}

fn narrow_relations(cases: &mut Cases, agreement: &mut Agreement, at: usize) {
    let details = Arc::make_mut(&mut agreement.clauses[at].details);
    let (role, relations) = (cases.one(ROLES), &mut details.relations);
    match relations.iter_mut().find(|(known, _)| **known == *role) {
        Some((_, accepted)) => drop(accepted.pop()),
        None => relations.push((role.into(), cases.some(&Relation::ALL, 40))),
    }
}

/// The limit of some attribute, made when there is none.
fn limit<'a>(cases: &mut Cases, clause: &'a mut Clause) -> &'a mut Limit {
    let name = cases.one(ATTRIBUTES);
    let limits = &mut Arc::make_mut(&mut clause.details).limits;
    let found = limits.iter().position(|limit| *limit.attribute == *name);
    let at = found.unwrap_or_else(|| {
        let (comparisons, values) = (vec![], vec![]);
        limits.push(Limit { attribute: name.into(), comparisons, values, multiple_of: None });
        limits.len() - 1
    });
    &mut limits[at]
}

fn mask(cases: &mut Cases, clause: &mut Clause) {
    let (name, mask) = cases.one(&[("registered_on", Mask::Year), ("name", Mask::Name)]);
    if clause.disclose.contains(name) {
        clause.disclose = clause.disclose.iter().filter(|word| ***word != *name).cloned().collect();
        if clause.mask(name).is_none() {
            Arc::make_mut(&mut clause.details).mask.push((name.into(), mask));
        }
    }
}

/// The agreements with every clause but one serving nothing. What clauses withhold and versions replace stays.
fn alone(agreements: &[Agreement], at: usize, place: usize) -> Vec<Agreement> {
    let mut agreements = agreements.to_vec();
    for (number, agreement) in agreements.iter_mut().enumerate() {
        for (position, clause) in agreement.clauses.iter_mut().enumerate() {
            if (number, position) != (at, place) {
                clause.items = Set::default();
            }
        }
    }
    agreements
}

fn permit(question: &Question, agreements: &[Agreement]) -> Option<Permit> {
    let set = set(agreements);
    match decide(&question.facts(&set), &set) {
        Decision::Permit(permit) => Some(permit),
        Decision::Deny(_) => None,
    }
}

/// Where the clause stands that permits.
fn place_of(permit: &Permit, agreements: &[Agreement]) -> (usize, usize) {
    let known = |it: &Agreement| (it.id.clone(), it.version);
    let at = agreements.iter().position(|it| known(it) == known(permit.agreement()));
    (at.unwrap(), permit.clause_number() as usize - 1)
}

/// Nothing of `less` is not in `more`, in whole or in part as there.
fn is_no_more(less: &Released, more: &Released) -> bool {
    let values = less.disclosed.iter().all(|(name, value)| {
        let is_whole = !less.masked.contains(name);
        let of_more = more.disclosed.get(name);
        of_more.is_some_and(|known| match more.masked.contains(name) {
            true => !is_whole && known == value,
            false => !is_whole || known == value,
        })
    });
    let judged = less.judgements.iter().zip(&more.judgements);
    values && judged.into_iter().all(|(less, more)| less == more || less.2 == Verdict::Unavailable)
}

#[test]
fn what_narrows_never_permits_more() {
    let mut mattered: BTreeMap<&str, u32> = BTreeMap::new();
    for seed in 0..24_000 {
        let cases = &mut Cases(seed);
        let question = Question::new(cases);
        let before = agreements(cases, 3);
        let (name, narrow) = cases.one(NARROWINGS);
        let (mut at, place) = match permit(&question, &before) {
            // Mostly at the clause that permits, where it matters.
            Some(permit) if cases.chance(80) => place_of(&permit, &before),
            _ => {
                let at = cases.below(before.len());
                (at, cases.below(before[at].clauses.len()))
            }
        };
        // The overlap is that of the newer version, and lets the older one be asked under.
        let newer = before.iter().position(|it| it.id == before[at].id && it.version == 2);
        if name == "a shorter overlap" {
            at = newer.unwrap_or(at);
        }
        let mut after = before.clone();
        narrow(cases, &mut after[at], place);
        let was_permitted = permits(&question, &before);
        let Some(now) = permit(&question, &after) else {
            *mattered.entry(name).or_default() += u32::from(was_permitted);
            continue;
        };
        assert!(was_permitted, "seed {seed}: {name} opened something");
        // The clause that permits now permitted already, though another may have come first.
        let (number, position) = place_of(&now, &after);
        let Some(then) = permit(&question, &alone(&before, number, position)) else {
            panic!("seed {seed}: {name} made {:?} permit", now.reference())
        };
        let record = record(cases);
        let less = release(&now, &question.query, &record, false);
        let more = release(&then, &question.query, &record, false);
        assert!(is_no_more(&less, &more), "seed {seed}: {name} let more out");
        *mattered.entry(name).or_default() += u32::from(less != more);
    }
    for (name, _) in NARROWINGS {
        let count = mattered.get(name).copied().unwrap_or_default();
        assert!(count >= 3, "{name} mattered {count} times");
    }
}
