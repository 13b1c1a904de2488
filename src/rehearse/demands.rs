//! What a draft demands and a past question does not have, because nobody asked for it then.
//!
//! Whether callers would have sent it along nobody can tell, and so it is not told: such a question is held against the
//! draft twice, as it stands and with everything that could have come along. Only when both are denied is it denied.

use crate::decision::PermitRef;
use crate::decision::agreement::{Agreement, Clause};
use crate::decision::agreements::{AgreementSet, Placed};
use crate::decision::facts::Facts;
use crate::decision::limit::Limit;
use crate::query::relation::Relation;

/// An assertion, and a clause of the draft whose limit of values it may keep or not: their positions.
pub(super) type Unknown = (usize, usize);

/// Says of the question's values what can be known of the draft's limits: whether they keep a limit that a clause of
/// then has too is in the facts. What is not, is given back.
pub(super) fn carry_over(
    asked: &mut Facts,
    draft: &Agreement,
    then: &AgreementSet,
) -> Vec<Unknown> {
    let Some(fact) = asked.fact.clone() else { return Vec::new() };
    let mut unknown = Vec::new();
    let known = then.clauses(&asked.caller.organisation, &fact);
    for (number, assertion) in asked.assertions.iter_mut().enumerate() {
        let before = std::mem::take(&mut assertion.within);
        let is_of_draft =
            |kept: &PermitRef| kept.agreement == draft.id && kept.version == draft.version;
        assertion.within = before.iter().filter(|kept| !is_of_draft(kept)).cloned().collect();
        for (position, clause) in clauses_about(draft, &fact) {
            let Some(limit) = value_limit(clause, &assertion.attribute) else { continue };
            let mut same = known.iter().filter(|placed| {
                let clause = placed.agreement.clauses.get(placed.position);
                let other = clause.and_then(|it| value_limit(it, &assertion.attribute));
                other.is_some_and(|other| is_same(limit, other))
            });
            match same.next() {
                None => unknown.push((number, position)),
                Some(Placed { agreement, position: at, .. }) => {
                    if before.iter().any(|kept| kept.names(agreement, *at)) {
                        assertion.within.push(PermitRef::to(draft, position));
                    }
                }
            }
        }
    }
    unknown
}

/// The question with all that it lacks for one clause of the draft, for each clause about its fact where it lacks
/// anything that it may have had.
pub(super) fn met(asked: &Facts, draft: &Agreement, unknown: &[Unknown]) -> Vec<Facts> {
    let Some(fact) = &asked.fact else { return Vec::new() };
    clauses_about(draft, fact)
        .filter_map(|(position, clause)| {
            let mut better = asked.clone();
            if !draft.notices.is_empty() && !draft.notices.contains(asked.notice.as_str()) {
                better.notice = draft.notices.iter().next().map(|code| (**code).to_owned())?;
            }
            if clause.consent && asked.consent.is_empty() {
                "given".clone_into(&mut better.consent);
            }
            for subject in &mut better.roles {
                let accepted = clause.relations(&subject.role).and_then(<[Relation]>::first);
                subject.relation = subject.relation.or(accepted.copied());
                if subject.relation == Some(Relation::Verified) {
                    // The log's creation has shown nothing; any other entry might have.
                    subject.shown_by = subject.shown_by.max(1);
                }
            }
            for (number, _) in unknown.iter().filter(|(_, at)| *at == position) {
                let assertion = better.assertions.get_mut(*number)?;
                assertion.within.push(PermitRef::to(draft, position));
            }
            (better != *asked).then_some(better)
        })
        .collect()
}

fn clauses_about<'a>(
    draft: &'a Agreement,
    fact: &'a crate::query::FactCode,
) -> impl Iterator<Item = (usize, &'a Clause)> {
    draft.clauses.iter().enumerate().filter(move |(_, clause)| clause.fact == *fact)
}

fn value_limit<'a>(clause: &'a Clause, attribute: &str) -> Option<&'a Limit> {
    clause.limit(attribute).filter(|limit| limit.is_about_values())
}

fn is_same(one: &Limit, other: &Limit) -> bool {
    one.values == other.values && one.multiple_of == other.multiple_of
}
