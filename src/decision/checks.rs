//! The checks of a decision, each one small function that says yes or gives one denial, in the order they run.

use std::sync::Arc;
use std::time::Duration;

use super::agreement::{Agreement, AgreementSet, Clause, Halt};
use super::denial::Denial;
use super::facts::{Facts, QuotaUse, Standing};
use super::freeze::Scope;

/// What one clause is checked against.
struct Candidate<'a> {
    facts: &'a Facts,
    agreements: &'a AgreementSet,
    agreement: &'a Agreement,
    clause: &'a Clause,
}

type Checked = Result<(), Denial>;

/// Checks of the question alone.
const QUESTION: &[fn(&Facts) -> Checked] =
    &[well_formed, caller_stands, purpose_named, subject_named, something_asked];

/// Checks of the question against one clause.
const CLAUSE: &[fn(&Candidate<'_>) -> Checked] = &[
    system_granted,
    purpose_granted,
    begun,
    not_ended,
    not_superseded,
    not_halted,
    roles_granted,
    assertions_granted,
    disclosures_granted,
    case_named,
    operator_named,
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
        match first_failure(&Candidate { facts, agreements, agreement, clause }) {
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
    let Candidate { agreements, agreement, .. } = candidate;
    let id = || agreement.id.clone();
    match agreements.halt(agreement) {
        None => Ok(()),
        Some(Halt::Suspended(by)) => Err(Denial::Suspended { agreement: id(), by: by.clone() }),
        Some(Halt::Revoked(by)) => Err(Denial::Revoked { agreement: id(), by: by.clone() }),
    }
}

fn roles_granted(candidate: &Candidate<'_>) -> Checked {
    let granted = &candidate.clause.roles;
    match candidate.facts.roles.iter().find(|(role, _)| !granted.contains(role)) {
        None => Ok(()),
        Some((role, _)) => Err(Denial::RoleNotGranted(role.clone())),
    }
}

fn assertions_granted(candidate: &Candidate<'_>) -> Checked {
    let granted = &candidate.clause.assert;
    match candidate.facts.assertions.iter().find(|(attribute, _)| !granted.contains(attribute)) {
        None => Ok(()),
        Some((attribute, _)) => Err(Denial::AttributeNotGranted(attribute.clone())),
    }
}

fn disclosures_granted(candidate: &Candidate<'_>) -> Checked {
    let granted = &candidate.clause.disclose;
    match candidate.facts.disclose.iter().find(|attribute| !granted.contains(*attribute)) {
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

fn within_hours(candidate: &Candidate<'_>) -> Checked {
    let Some(hours) = &candidate.agreement.hours else { return Ok(()) };
    let at = candidate.facts.received_at;
    let open = hours.days.contains(&at.china_weekday())
        && (hours.from_minute..hours.to_minute).contains(&at.china_minute_of_day());
    ensure(open, || Denial::OutsideHours(candidate.agreement.id.clone()))
}

fn within_quota(candidate: &Candidate<'_>) -> Checked {
    let (quota, id) = (&candidate.agreement.quota, &candidate.agreement.id);
    if quota.per_day.is_none() && quota.per_second.is_none() {
        return Ok(());
    }
    // A record that is silent about a quota must not read as "nothing used".
    let Some(QuotaUse { day, second, .. }) =
        candidate.facts.quota.iter().find(|used| used.agreement == *id)
    else {
        return Err(Denial::QuotaUnknown(id.clone()));
    };
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
