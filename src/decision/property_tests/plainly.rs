//! The rules once more, said plainly and slowly: `decide` must permit exactly what they permit, by the first clause.

use super::made::{Cases, Question, agreements, set};
use crate::decision::agreement::{Agreement, Clause};
use crate::decision::facts::Facts;
use crate::decision::freeze::Scope;
use crate::decision::{Decision, PermitRef, decide};
use crate::query::relation::Relation;
use crate::query::value::{Assertion, Value};

/// Whether the clause at that position permits the question.
fn grants(question: &Question, facts: &Facts, all: &[Agreement], at: usize, place: usize) -> bool {
    let agreement = &all[at];
    let clause = &agreement.clauses[place];
    is_about(facts, agreement, clause)
        && stands(facts, agreement, all)
        && covers(question, facts, agreement, clause)
        && is_used_as_agreed(facts, agreement, clause)
}

fn is_about(facts: &Facts, agreement: &Agreement, clause: &Clause) -> bool {
    let paper = &facts.replaced_material;
    facts.fact.as_ref() == Some(&clause.fact)
        && facts.provider.as_ref() == Some(&agreement.provider)
        && facts.caller.organisation == agreement.consumer
        && agreement.systems.iter().any(|system| *system == facts.caller.system)
        && clause.items.iter().any(|item| *item == facts.item)
        && (paper.is_empty() || clause.replaces.iter().any(|known| **known == **paper))
}

fn stands(facts: &Facts, agreement: &Agreement, all: &[Agreement]) -> bool {
    let at = facts.received_at.0;
    let is_replaced = all.iter().any(|newer| {
        let overlap = u64::try_from(newer.overlap.as_micros()).unwrap();
        newer.id == agreement.id
            && newer.version > agreement.version
            && at >= newer.effective_from.0 + overlap
    });
    agreement.effective_from.0 <= at && at < agreement.effective_to.0 && !is_replaced
}

fn covers(question: &Question, facts: &Facts, agreement: &Agreement, clause: &Clause) -> bool {
    let never = |name: &str| {
        let same = agreement.clauses.iter().filter(|other| other.fact == clause.fact);
        same.flat_map(|other| other.details.never.iter()).any(|word| &**word == name)
    };
    let roles = facts.roles.iter().all(|subject| {
        let is_listed = clause.roles.iter().any(|role| **role == *subject.role);
        let needed = clause.details.relations.iter().find(|(role, _)| **role == *subject.role);
        let is_proven = needed.is_none_or(|(_, accepted)| match subject.relation {
            None => false,
            Some(Relation::Verified) => {
                accepted.contains(&Relation::Verified) && subject.shown_by != 0
            }
            Some(other) => accepted.contains(&other),
        });
        is_listed && is_proven
    });
    let asserted = question.query.assertions.iter().all(|asked| {
        let name = &*asked.attribute;
        clause.assert.iter().any(|word| &**word == name) && !never(name) && keeps(clause, asked)
    });
    let disclosed = facts.disclose.iter().all(|name| {
        let whole = clause.disclose.iter().any(|word| **word == **name);
        let part = clause.details.mask.iter().any(|(word, _)| **word == **name);
        (whole || part) && !never(name)
    });
    let asks = !question.query.assertions.is_empty() || !facts.disclose.is_empty();
    !facts.roles.is_empty() && asks && roles && asserted && disclosed
}

/// Whether the assertion keeps every limit of the clause.
pub(super) fn keeps(clause: &Clause, asked: &Assertion) -> bool {
    clause.details.limits.iter().filter(|limit| *limit.attribute == *asked.attribute).all(|limit| {
        let fits = |value: &Value| {
            let listed = limit.values.is_empty() || limit.values.contains(value);
            let whole = match (limit.multiple_of, value) {
                (None, _) => true,
                (Some(step), Value::Integer(number)) => number % step == 0,
                (Some(_), _) => false,
            };
            listed && whole
        };
        (limit.comparisons.is_empty() || limit.comparisons.contains(&asked.comparison))
            && asked.values.iter().all(fits)
    })
}

fn is_used_as_agreed(facts: &Facts, agreement: &Agreement, clause: &Clause) -> bool {
    let units = &agreement.operator_units;
    let notices = &agreement.notices;
    let is_open = agreement.hours.as_ref().is_none_or(|hours| {
        let minute = (facts.received_at.seconds() + 8 * 3600) % 86_400 / 60;
        let day = ((facts.received_at.seconds() + 8 * 3600) / 86_400 + 3) % 7;
        hours.days.iter().any(|open| u64::from(*open) == day)
            && u64::from(hours.from_minute) <= minute
            && minute < u64::from(hours.to_minute)
    });
    let used = facts.quota.iter().find(|used| used.agreement == agreement.id).unwrap();
    let (quota, any) = (&agreement.quota, u64::MAX);
    let is_left = used.month < quota.per_month.unwrap_or(any)
        && used.day < quota.per_day.unwrap_or(any)
        && used.second < quota.per_second.unwrap_or(any);
    let is_frozen = facts.freezes.iter().any(|name| {
        let scope = Scope::parse(name).unwrap();
        facts.provider.as_ref() == Some(&scope.provider) && facts.fact == scope.fact
    });
    (units.is_empty() || units.iter().any(|unit| **unit == *facts.operator_unit))
        && (notices.is_empty() || notices.iter().any(|text| **text == *facts.notice))
        && (!clause.consent || !facts.consent.is_empty())
        && is_open
        && is_left
        && !is_frozen
}

#[test]
fn decides_as_the_rules_say_plainly() {
    let (mut permitted, mut later) = (0, 0);
    for seed in 0..12_000 {
        let cases = &mut Cases(seed);
        let question = Question::new(cases);
        let mut all = agreements(cases, 4);
        let facts = question.facts(&set(&all));
        let found = match decide(&facts, &set(&all)) {
            Decision::Permit(permit) => Some(permit.reference()),
            Decision::Deny(_) => None,
        };
        // The order in which they are tried.
        all.sort_by(|a, b| a.id.cmp(&b.id).then(b.version.cmp(&a.version)));
        let mut granting = (0..all.len()).flat_map(|at| {
            let places = 0..all[at].clauses.len();
            places.map(move |place| (at, place))
        });
        let first = granting.find(|(at, place)| grants(&question, &facts, &all, *at, *place));
        let expected = first.map(|(at, place)| PermitRef::to(&all[at], place));
        assert_eq!(found, expected, "seed {seed}");
        permitted += usize::from(found.is_some());
        later += usize::from(found.is_some_and(|permit| permit.clause > 1));
    }
    assert!(permitted > 500 && later > 100, "{permitted} permitted, {later} by a later clause");
}
