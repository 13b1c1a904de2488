//! The checks of a decision, each one small function that says yes or gives one denial, in the order they run.

use std::sync::Arc;
use std::time::Duration;

use super::agreement::{Agreement, Clause, Quota};
use super::agreements::AgreementSet;
use super::denial::Denial;
use super::facts::{AssertionFact, Facts, QuotaUse, RoleFact, Standing};
use super::freeze::Scope;
use super::halts::Halt;
use crate::query::relation::Relation;

/// What one clause is checked against.
struct Candidate<'a> {
    facts: &'a Facts,
    agreements: &'a AgreementSet,
    agreement: &'a Agreement,
    clause: &'a Clause,
    /// Its position in the agreement.
    position: usize,
}

type Checked = Result<(), Denial>;

/// Checks of the question alone.
const QUESTION: &[fn(&Facts) -> Checked] =
    &[well_formed, caller_stands, purpose_named, subject_named, something_asked];

/// Checks of the question against one clause.
const CLAUSE: &[fn(&Candidate<'_>) -> Checked] = &[
    system_granted,
    purpose_granted,
    material_replaced,
    begun,
    not_ended,
    not_superseded,
    not_halted,
    roles_granted,
    relations_proven,
    nothing_withheld,
    assertions_granted,
    comparisons_granted,
    values_granted,
    disclosures_granted,
    case_named,
    operator_named,
    operator_unit_granted,
    notice_given,
    consent_given,
    within_hours,
    within_quota,
    not_frozen,
    in_time,
];

/// The first clause that passes every check, with its position in its agreement.
pub(super) fn permitting_clause<'a>(
    facts: &Facts,
    agreements: &'a AgreementSet,
) -> Result<(&'a Arc<Agreement>, usize), Denial> {
    for check in QUESTION {
        check(facts)?;
    }
    let (Some(fact), Some(provider)) = (&facts.fact, &facts.provider) else {
        return Err(Denial::UnknownFact);
    };
    let consumer = &facts.caller.organisation;

    let mut furthest = if agreements.has_pair(consumer, provider) {
        (0, Denial::FactNotGranted(fact.clone()))
    } else {
        (0, Denial::NoAgreement(provider.clone()))
    };
    for (agreement, position) in agreements.clauses(consumer, fact) {
        // An agreement speaks for its own provider: nobody can grant another's facts.
        let Some(clause) =
            agreement.clauses.get(*position).filter(|_| agreement.provider == *provider)
        else {
            continue;
        };
        match first_failure(&Candidate {
            facts,
            agreements,
            agreement,
            clause,
            position: *position,
        }) {
            None => return Ok((agreement, *position)),
            Some(failure) if failure.0 > furthest.0 => furthest = failure,
            Some(_) => {}
        }
    }
    Err(furthest.1)
}

/// How far the candidate got, from 1, and what stopped it; `None` when nothing did.
fn first_failure(candidate: &Candidate<'_>) -> Option<(usize, Denial)> {
    CLAUSE
        .iter()
        .enumerate()
        .find_map(|(passed, check)| check(candidate).err().map(|denial| (passed + 1, denial)))
}

fn well_formed(facts: &Facts) -> Checked {
    if facts.defects.is_empty() { Ok(()) } else { Err(Denial::Malformed(facts.defects.clone())) }
}

fn caller_stands(facts: &Facts) -> Checked {
    match facts.caller.standing {
        Standing::Registered => Ok(()),
        Standing::Unnamed => Err(Denial::CallerUnnamed),
        Standing::UnknownOrganisation => Err(Denial::UnknownOrganisation),
        Standing::UnknownSystem => Err(Denial::UnknownSystem),
        Standing::ForeignAuthority => Err(Denial::ForeignAuthority),
        Standing::NoQueryRight => Err(Denial::NoQueryRight),
    }
}

fn purpose_named(facts: &Facts) -> Checked {
    if facts.fact.is_none() || facts.provider.is_none() {
        return Err(Denial::UnknownFact);
    }
    ensure(!facts.item.as_str().is_empty(), || Denial::UnknownItem)?;
    ensure(!facts.item_version.is_empty(), || Denial::ItemVersionMissing)
}

fn subject_named(facts: &Facts) -> Checked {
    ensure(!facts.roles.is_empty(), || Denial::SubjectMissing)
}

fn something_asked(facts: &Facts) -> Checked {
    ensure(!facts.assertions.is_empty() || !facts.disclose.is_empty(), || Denial::NothingAsked)
}

fn system_granted(candidate: &Candidate<'_>) -> Checked {
    let system = &candidate.facts.caller.system;
    ensure(candidate.agreement.systems.contains(system), || {
        Denial::SystemNotGranted(system.clone())
    })
}

fn purpose_granted(candidate: &Candidate<'_>) -> Checked {
    let item = &candidate.facts.item;
    ensure(candidate.clause.items.contains(item), || Denial::PurposeNotGranted(item.clone()))
}

/// Under rules 1 nobody looked at the paper that the answer is said to replace.
fn material_replaced(candidate: &Candidate<'_>) -> Checked {
    let Candidate { facts, clause, .. } = candidate;
    let paper = facts.replaced_material.as_str();
    let is_replaced = paper.is_empty() || facts.rules < 2 || clause.replaces.contains(paper);
    ensure(is_replaced, || Denial::MaterialNotReplaced(paper.to_owned()))
}

fn begun(candidate: &Candidate<'_>) -> Checked {
    let begun = candidate.agreement.effective_from <= candidate.facts.received_at;
    ensure(begun, || Denial::NotYetValid(candidate.agreement.id.clone()))
}

fn not_ended(candidate: &Candidate<'_>) -> Checked {
    let running = candidate.facts.received_at < candidate.agreement.effective_to;
    ensure(running, || Denial::Expired(candidate.agreement.id.clone()))
}

fn not_superseded(candidate: &Candidate<'_>) -> Checked {
    let Candidate { facts, agreements, agreement, .. } = candidate;
    ensure(!agreements.is_superseded(agreement, facts.received_at), || {
        Denial::Superseded(agreement.id.clone())
    })
}

fn not_halted(candidate: &Candidate<'_>) -> Checked {
    let Candidate { facts, agreements, agreement, .. } = candidate;
    let id = || agreement.id.clone();
    match agreements.halts().on(agreement, facts.received_at) {
        None => Ok(()),
        Some(Halt::Suspended { by, .. }) => {
            Err(Denial::Suspended { agreement: id(), by: by.clone() })
        }
        Some(Halt::Revoked { by, .. }) => Err(Denial::Revoked { agreement: id(), by: by.clone() }),
    }
}

fn roles_granted(candidate: &Candidate<'_>) -> Checked {
    let granted = &candidate.clause.roles;
    match candidate.facts.roles.iter().find(|subject| !granted.contains(subject.role.as_str())) {
        None => Ok(()),
        Some(subject) => Err(Denial::RoleNotGranted(subject.role.clone())),
    }
}

fn relations_proven(candidate: &Candidate<'_>) -> Checked {
    let is_proven = |subject: &&RoleFact| match candidate.clause.relations(&subject.role) {
        None => true,
        Some(accepted) => subject.relation.is_some_and(|relation| {
            // What an earlier answer has shown can be looked up: the entry must be named.
            accepted.contains(&relation) && (relation != Relation::Verified || subject.shown_by > 0)
        }),
    };
    match candidate.facts.roles.iter().find(|subject| !is_proven(subject)) {
        None => Ok(()),
        Some(subject) => Err(Denial::RelationNotProven(subject.role.clone())),
    }
}

/// Before the grants: `never` holds for the whole agreement, whatever another clause says.
fn nothing_withheld(candidate: &Candidate<'_>) -> Checked {
    let Candidate { facts, agreement, clause, .. } = candidate;
    let asserted = facts.assertions.iter().map(|assertion| &assertion.attribute);
    let withheld = |attribute: &&String| agreement.withholds(&clause.fact, attribute);
    match asserted.chain(&facts.disclose).find(withheld) {
        None => Ok(()),
        Some(attribute) => Err(Denial::AttributeWithheld(attribute.clone())),
    }
}

fn assertions_granted(candidate: &Candidate<'_>) -> Checked {
    let granted = &candidate.clause.assert;
    let is_granted = |asked: &&AssertionFact| granted.contains(asked.attribute.as_str());
    match candidate.facts.assertions.iter().find(|asked| !is_granted(asked)) {
        None => Ok(()),
        Some(asked) => Err(Denial::AttributeNotGranted(asked.attribute.clone())),
    }
}

fn comparisons_granted(candidate: &Candidate<'_>) -> Checked {
    let is_granted = |asked: &&AssertionFact| {
        let limit = candidate.clause.limit(&asked.attribute);
        limit.is_none_or(|limit| {
            limit.comparisons.is_empty() || limit.comparisons.contains(&asked.comparison)
        })
    };
    match candidate.facts.assertions.iter().find(|asked| !is_granted(asked)) {
        None => Ok(()),
        Some(asked) => {
            let (attribute, comparison) = (asked.attribute.clone(), asked.comparison);
            Err(Denial::ComparisonNotGranted { attribute, comparison })
        }
    }
}

/// Values are not in the facts. What is: which clauses' limits they were found to keep. A clause that is not named there
/// was not kept to.
fn values_granted(candidate: &Candidate<'_>) -> Checked {
    let Candidate { facts, agreement, clause, position, .. } = candidate;
    let is_granted = |asked: &&AssertionFact| {
        let limit = clause.limit(&asked.attribute).filter(|limit| limit.is_about_values());
        limit.is_none() || asked.within.iter().any(|kept| kept.names(agreement, *position))
    };
    match facts.assertions.iter().find(|asked| !is_granted(asked)) {
        None => Ok(()),
        Some(asked) => Err(Denial::ValueNotGranted(asked.attribute.clone())),
    }
}

fn disclosures_granted(candidate: &Candidate<'_>) -> Checked {
    let clause = candidate.clause;
    let is_granted = |attribute: &&String| {
        clause.disclose.contains(attribute.as_str()) || clause.mask(attribute).is_some()
    };
    match candidate.facts.disclose.iter().find(|attribute| !is_granted(attribute)) {
        None => Ok(()),
        Some(attribute) => Err(Denial::DisclosureNotGranted(attribute.clone())),
    }
}

fn case_named(candidate: &Candidate<'_>) -> Checked {
    ensure(!candidate.facts.case_number.is_empty(), || Denial::CaseMissing)
}

fn operator_named(candidate: &Candidate<'_>) -> Checked {
    let facts = candidate.facts;
    ensure(facts.operator_present && !facts.operator_unit.is_empty(), || Denial::OperatorMissing)
}

fn operator_unit_granted(candidate: &Candidate<'_>) -> Checked {
    let units = &candidate.agreement.operator_units;
    let unit = candidate.facts.operator_unit.as_str();
    ensure(units.is_empty() || units.contains(unit), || {
        Denial::OperatorUnitNotGranted(unit.to_owned())
    })
}

fn notice_given(candidate: &Candidate<'_>) -> Checked {
    let Candidate { facts, agreement, .. } = candidate;
    let is_given =
        agreement.notices.is_empty() || agreement.notices.contains(facts.notice.as_str());
    ensure(is_given, || Denial::NoticeMissing(agreement.id.clone()))
}

fn consent_given(candidate: &Candidate<'_>) -> Checked {
    let Candidate { facts, agreement, clause, .. } = candidate;
    ensure(!clause.consent || !facts.consent.is_empty(), || {
        Denial::ConsentMissing(agreement.id.clone())
    })
}

fn within_hours(candidate: &Candidate<'_>) -> Checked {
    let Some(hours) = &candidate.agreement.hours else { return Ok(()) };
    let at = candidate.facts.received_at;
    let open = hours.days.contains(&at.china_weekday())
        && (hours.from_minute..hours.to_minute).contains(&at.china_minute_of_day());
    ensure(open, || Denial::OutsideHours(candidate.agreement.id.clone()))
}

fn within_quota(candidate: &Candidate<'_>) -> Checked {
    let (quota, id) = (&candidate.agreement.quota, &candidate.agreement.id);
    if *quota == Quota::default() {
        return Ok(());
    }
    // A record that is silent about a quota must not read as "nothing used".
    let Some(QuotaUse { day, second, month, .. }) =
        candidate.facts.quota.iter().find(|used| used.agreement == *id)
    else {
        return Err(Denial::QuotaUnknown(id.clone()));
    };
    ensure(quota.per_month.is_none_or(|limit| *month < limit), || Denial::QuotaMonth(id.clone()))?;
    ensure(quota.per_day.is_none_or(|limit| *day < limit), || Denial::QuotaDay(id.clone()))?;
    ensure(quota.per_second.is_none_or(|limit| *second < limit), || Denial::QuotaSecond(id.clone()))
}

/// A recorded freeze stops the questions of its scope; one whose name cannot be read stops every question.
fn not_frozen(candidate: &Candidate<'_>) -> Checked {
    let facts = candidate.facts;
    let stops = |name: &&String| Scope::parse(name).is_none_or(|scope| scope.covers(facts));
    match facts.freezes.iter().find(stops) {
        None => Ok(()),
        Some(name) => Err(Denial::Frozen(name.clone())),
    }
}

fn in_time(candidate: &Candidate<'_>) -> Checked {
    ensure(candidate.facts.deadline != Some(Duration::ZERO), || Denial::DeadlinePast)
}

fn ensure(holds: bool, denial: impl FnOnce() -> Denial) -> Checked {
    if holds { Ok(()) } else { Err(denial()) }
}
