//! The checks of a decision, each one small function that says yes or gives one denial, in the order they run.

use std::sync::Arc;
use std::time::Duration;

use super::agreement::{Agreement, Clause, Quota};
use super::agreements::{AgreementSet, Placed};
use super::denial::{Denial, Name};
use super::facts::{AssertionFact, Facts, QuotaUse, RoleFact, Standing};
use super::freeze::Named;
use super::why::Why;
use crate::query::relation::Relation;
use crate::query::time::Timestamp;

/// What one clause is checked against.
pub(super) struct Candidate<'a> {
    pub(super) facts: &'a Facts,
    pub(super) agreements: &'a AgreementSet,
    pub(super) agreement: &'a Arc<Agreement>,
    pub(super) clause: &'a Clause,
    /// Its position in the agreement.
    pub(super) position: usize,
    /// From when on a newer version has taken the agreement's place.
    pub(super) superseded: Timestamp,
    /// Whether the agreement withholds anything of the fact.
    pub(super) withholds: bool,
}

/// One check: its name, which explanations show and which stays, and what it looks at.
pub(super) struct Check<Run> {
    pub(super) name: &'static str,
    pub(super) run: Run,
}

/// A check of the question alone.
type OfQuestion = fn(&Facts) -> Result<(), Denial>;

/// A check of the question against one clause.
type OfClause = for<'a> fn(&Candidate<'a>) -> Checked<'a>;

type Checked<'a> = Result<(), Why<'a>>;

/// Checks of the question alone, in the order they run.
pub(super) const QUESTION: &[Check<OfQuestion>] = &[
    Check { name: "well_formed", run: well_formed },
    Check { name: "caller_stands", run: caller_stands },
    Check { name: "purpose_named", run: purpose_named },
    Check { name: "subject_named", run: subject_named },
    Check { name: "something_asked", run: something_asked },
];

/// Checks of the question against one clause, in the order they run.
pub(super) const CLAUSE: &[Check<OfClause>] = &[
    Check { name: "system_granted", run: system_granted },
    Check { name: "purpose_granted", run: purpose_granted },
    Check { name: "material_replaced", run: material_replaced },
    Check { name: "begun", run: begun },
    Check { name: "not_ended", run: not_ended },
    Check { name: "not_superseded", run: not_superseded },
    Check { name: "not_halted", run: not_halted },
    Check { name: "roles_granted", run: roles_granted },
    Check { name: "relations_proven", run: relations_proven },
    Check { name: "nothing_withheld", run: nothing_withheld },
    Check { name: "assertions_granted", run: assertions_granted },
    Check { name: "comparisons_granted", run: comparisons_granted },
    Check { name: "values_granted", run: values_granted },
    Check { name: "disclosures_granted", run: disclosures_granted },
    Check { name: "case_named", run: case_named },
    Check { name: "operator_named", run: operator_named },
    Check { name: "operator_unit_granted", run: operator_unit_granted },
    Check { name: "notice_given", run: notice_given },
    Check { name: "consent_given", run: consent_given },
    Check { name: "within_hours", run: within_hours },
    Check { name: "within_quota", run: within_quota },
    Check { name: "not_frozen", run: not_frozen },
    Check { name: "in_time", run: in_time },
];

/// The first clause that passes every check, with its position in its agreement.
pub(super) fn permitting_clause<'a>(
    facts: &'a Facts,
    agreements: &'a AgreementSet,
) -> Result<(&'a Arc<Agreement>, usize), Denial> {
    for check in QUESTION {
        (check.run)(facts)?;
    }
    let (Some(fact), Some(provider)) = (&facts.fact, &facts.provider) else {
        return Err(Denial::UnknownFact);
    };
    let consumer = &facts.caller.organisation;
    let mut furthest = None;
    for candidate in candidates(facts, agreements) {
        let Some((passed, why)) = first_failure(&candidate) else {
            return Ok((candidate.agreement, candidate.position));
        };
        if furthest.as_ref().is_none_or(|(further, _)| passed > *further) {
            furthest = Some((passed, why));
        }
    }
    Err(match furthest {
        Some((_, why)) => why.denial(),
        None if agreements.has_pair(consumer, provider) => Denial::FactNotGranted(fact.clone()),
        None => Denial::NoAgreement(provider.clone()),
    })
}

/// The clauses that might permit, in the order they are tried.
pub(super) fn candidates<'a>(
    facts: &'a Facts,
    agreements: &'a AgreementSet,
) -> impl Iterator<Item = Candidate<'a>> {
    let asked = facts.fact.as_ref().zip(facts.provider.as_ref());
    let tried = asked.into_iter().flat_map(|(fact, provider)| {
        let clauses = agreements.clauses(&facts.caller.organisation, fact).iter();
        // An agreement speaks for its own provider: nobody can grant another's facts.
        clauses.filter(move |placed| placed.agreement.provider == *provider)
    });
    tried.filter_map(move |placed| {
        let Placed { agreement, position, superseded, withholds } = placed;
        let (position, superseded, withholds) = (*position, *superseded, *withholds);
        let clause = agreement.clauses.get(position)?;
        Some(Candidate { facts, agreements, agreement, clause, position, superseded, withholds })
    })
}

/// How many checks the candidate passed, and what stopped it; `None` when nothing did.
fn first_failure<'a>(candidate: &Candidate<'a>) -> Option<(usize, Why<'a>)> {
    let failed = |(passed, check): (usize, &Check<OfClause>)| {
        (check.run)(candidate).err().map(|why| (passed, why))
    };
    CLAUSE.iter().enumerate().find_map(failed)
}

fn well_formed(facts: &Facts) -> Result<(), Denial> {
    if facts.defects.is_empty() { Ok(()) } else { Err(Denial::Malformed(facts.defects.clone())) }
}

fn caller_stands(facts: &Facts) -> Result<(), Denial> {
    match facts.caller.standing {
        Standing::Registered => Ok(()),
        Standing::Unnamed => Err(Denial::CallerUnnamed),
        Standing::UnknownOrganisation => Err(Denial::UnknownOrganisation),
        Standing::UnknownSystem => Err(Denial::UnknownSystem),
        Standing::ForeignAuthority => Err(Denial::ForeignAuthority),
        Standing::NoQueryRight => Err(Denial::NoQueryRight),
    }
}

fn purpose_named(facts: &Facts) -> Result<(), Denial> {
    if facts.fact.is_none() || facts.provider.is_none() {
        return Err(Denial::UnknownFact);
    }
    ensure(!facts.item.as_str().is_empty(), || Denial::UnknownItem)?;
    ensure(!facts.item_version.is_empty(), || Denial::ItemVersionMissing)
}

fn subject_named(facts: &Facts) -> Result<(), Denial> {
    ensure(!facts.roles.is_empty(), || Denial::SubjectMissing)
}

fn something_asked(facts: &Facts) -> Result<(), Denial> {
    ensure(!facts.assertions.is_empty() || !facts.disclose.is_empty(), || Denial::NothingAsked)
}

fn system_granted<'a>(candidate: &Candidate<'a>) -> Checked<'a> {
    let system = &candidate.facts.caller.system;
    ensure(candidate.agreement.systems.contains(system), || {
        Why::Word(|system| Denial::SystemNotGranted(system.into()), system.as_str())
    })
}

fn purpose_granted<'a>(candidate: &Candidate<'a>) -> Checked<'a> {
    let item = &candidate.facts.item;
    ensure(candidate.clause.items.contains(item), || {
        Why::Word(|item| Denial::PurposeNotGranted(item.into()), item.as_str())
    })
}

/// Under rules 1 nobody looked at the paper that the answer is said to replace.
fn material_replaced<'a>(candidate: &Candidate<'a>) -> Checked<'a> {
    let Candidate { facts, clause, .. } = candidate;
    let paper = facts.replaced_material.as_str();
    let is_replaced = paper.is_empty() || facts.rules < 2 || clause.replaces.contains(paper);
    ensure(is_replaced, || Why::Word(|paper| Denial::MaterialNotReplaced(paper.into()), paper))
}

fn begun<'a>(candidate: &Candidate<'a>) -> Checked<'a> {
    let agreement = candidate.agreement;
    let begun = agreement.effective_from <= candidate.facts.received_at;
    ensure(begun, || Why::Agreement(Denial::NotYetValid, agreement))
}

fn not_ended<'a>(candidate: &Candidate<'a>) -> Checked<'a> {
    let agreement = candidate.agreement;
    let running = candidate.facts.received_at < agreement.effective_to;
    ensure(running, || Why::Agreement(Denial::Expired, agreement))
}

fn not_superseded<'a>(candidate: &Candidate<'a>) -> Checked<'a> {
    let Candidate { facts, agreement, superseded, .. } = *candidate;
    let is_newest = facts.received_at < superseded;
    ensure(is_newest, || Why::Agreement(Denial::Superseded, agreement))
}

fn not_halted<'a>(candidate: &Candidate<'a>) -> Checked<'a> {
    let Candidate { facts, agreements, agreement, .. } = candidate;
    match agreements.halts().on(agreement, facts.received_at) {
        None => Ok(()),
        Some(halt) => Err(Why::Halted(agreement, halt)),
    }
}

fn roles_granted<'a>(candidate: &Candidate<'a>) -> Checked<'a> {
    let granted = &candidate.clause.roles;
    match candidate.facts.roles.iter().find(|subject| !granted.contains(subject.role.as_str())) {
        None => Ok(()),
        Some(subject) => Err(Why::Word(|role| Denial::RoleNotGranted(role.into()), &subject.role)),
    }
}

fn relations_proven<'a>(candidate: &Candidate<'a>) -> Checked<'a> {
    let is_proven = |subject: &&RoleFact| match candidate.clause.relations(&subject.role) {
        None => true,
        Some(accepted) => subject.relation.is_some_and(|relation| {
            // What an earlier answer has shown can be looked up: the entry must be named.
            accepted.contains(&relation) && (relation != Relation::Verified || subject.shown_by > 0)
        }),
    };
    match candidate.facts.roles.iter().find(|subject| !is_proven(subject)) {
        None => Ok(()),
        Some(subject) => {
            Err(Why::Word(|role| Denial::RelationNotProven(role.into()), &subject.role))
        }
    }
}

/// Before the grants: `never` holds for the whole agreement, whatever another clause says.
fn nothing_withheld<'a>(candidate: &Candidate<'a>) -> Checked<'a> {
    let Candidate { facts, agreement, clause, withholds, .. } = *candidate;
    if !withholds {
        return Ok(());
    }
    let asserted = facts.assertions.iter().map(|assertion| &assertion.attribute);
    let withheld = |attribute: &&String| agreement.withholds(&clause.fact, attribute);
    match asserted.chain(&facts.disclose).find(withheld) {
        None => Ok(()),
        Some(attribute) => Err(Why::Word(|name| Denial::AttributeWithheld(name.into()), attribute)),
    }
}

fn assertions_granted<'a>(candidate: &Candidate<'a>) -> Checked<'a> {
    let granted = &candidate.clause.assert;
    let is_granted = |asked: &&AssertionFact| granted.contains(asked.attribute.as_str());
    match candidate.facts.assertions.iter().find(|asked| !is_granted(asked)) {
        None => Ok(()),
        Some(asked) => {
            Err(Why::Word(|name| Denial::AttributeNotGranted(name.into()), &asked.attribute))
        }
    }
}

fn comparisons_granted<'a>(candidate: &Candidate<'a>) -> Checked<'a> {
    let is_granted = |asked: &&AssertionFact| {
        let limit = candidate.clause.limit(&asked.attribute);
        limit.is_none_or(|limit| {
            limit.comparisons.is_empty() || limit.comparisons.contains(&asked.comparison)
        })
    };
    match candidate.facts.assertions.iter().find(|asked| !is_granted(asked)) {
        None => Ok(()),
        Some(asked) => Err(Why::Comparison(asked)),
    }
}

/// Values are not in the facts. What is: which clauses' limits they were found to keep. A clause that is not named there
/// was not kept to.
fn values_granted<'a>(candidate: &Candidate<'a>) -> Checked<'a> {
    let Candidate { facts, agreement, clause, position, .. } = *candidate;
    let is_granted = |asked: &&AssertionFact| {
        let limit = clause.limit(&asked.attribute).filter(|limit| limit.is_about_values());
        limit.is_none() || asked.within.iter().any(|kept| kept.names(agreement, position))
    };
    match facts.assertions.iter().find(|asked| !is_granted(asked)) {
        None => Ok(()),
        Some(asked) => {
            Err(Why::Word(|name| Denial::ValueNotGranted(name.into()), &asked.attribute))
        }
    }
}

fn disclosures_granted<'a>(candidate: &Candidate<'a>) -> Checked<'a> {
    let clause = candidate.clause;
    let is_granted = |attribute: &&String| {
        clause.disclose.contains(attribute.as_str()) || clause.mask(attribute).is_some()
    };
    match candidate.facts.disclose.iter().find(|attribute| !is_granted(attribute)) {
        None => Ok(()),
        Some(attribute) => {
            Err(Why::Word(|name| Denial::DisclosureNotGranted(name.into()), attribute))
        }
    }
}

fn case_named<'a>(candidate: &Candidate<'a>) -> Checked<'a> {
    ensure(!candidate.facts.case_number.is_empty(), || Why::Plain(Denial::CaseMissing))
}

fn operator_named<'a>(candidate: &Candidate<'a>) -> Checked<'a> {
    let facts = candidate.facts;
    ensure(facts.operator_present && !facts.operator_unit.is_empty(), || {
        Why::Plain(Denial::OperatorMissing)
    })
}

fn operator_unit_granted<'a>(candidate: &Candidate<'a>) -> Checked<'a> {
    let units = &candidate.agreement.operator_units;
    let unit = candidate.facts.operator_unit.as_str();
    ensure(units.is_empty() || units.contains(unit), || {
        Why::Word(|unit| Denial::OperatorUnitNotGranted(unit.into()), unit)
    })
}

fn notice_given<'a>(candidate: &Candidate<'a>) -> Checked<'a> {
    let Candidate { facts, agreement, .. } = *candidate;
    let is_given =
        agreement.notices.is_empty() || agreement.notices.contains(facts.notice.as_str());
    ensure(is_given, || Why::Agreement(Denial::NoticeMissing, agreement))
}

fn consent_given<'a>(candidate: &Candidate<'a>) -> Checked<'a> {
    let Candidate { facts, agreement, clause, .. } = *candidate;
    let is_given = !clause.consent || !facts.consent.is_empty();
    ensure(is_given, || Why::Agreement(Denial::ConsentMissing, agreement))
}

fn within_hours<'a>(candidate: &Candidate<'a>) -> Checked<'a> {
    let agreement = candidate.agreement;
    let Some(hours) = &agreement.hours else { return Ok(()) };
    let at = candidate.facts.received_at;
    let open = hours.days.contains(&at.china_weekday())
        && (hours.from_minute..hours.to_minute).contains(&at.china_minute_of_day());
    ensure(open, || Why::Agreement(Denial::OutsideHours, agreement))
}

fn within_quota<'a>(candidate: &Candidate<'a>) -> Checked<'a> {
    let agreement = candidate.agreement;
    let quota = &agreement.quota;
    if *quota == Quota::default() {
        return Ok(());
    }
    // A record that is silent about a quota must not read as "nothing used".
    let Some(QuotaUse { day, second, month, .. }) =
        candidate.facts.quota.iter().find(|used| used.agreement == agreement.id)
    else {
        return Err(Why::Agreement(Denial::QuotaUnknown, agreement));
    };
    let limits: [Limited; 3] = [
        (quota.per_month, *month, Denial::QuotaMonth),
        (quota.per_day, *day, Denial::QuotaDay),
        (quota.per_second, *second, Denial::QuotaSecond),
    ];
    let used_up = limits.iter().find(|(limit, used, _)| limit.is_some_and(|limit| *used >= limit));
    match used_up {
        None => Ok(()),
        Some((_, _, denial)) => Err(Why::Agreement(*denial, agreement)),
    }
}

/// The limit of one period, what is used of it, and the denial when nothing is left.
type Limited = (Option<u64>, u64, fn(Name) -> Denial);

/// A recorded freeze stops the questions of its scope; one whose name cannot be read stops every question.
fn not_frozen<'a>(candidate: &Candidate<'a>) -> Checked<'a> {
    let facts = candidate.facts;
    let stops = |name: &&String| Named::parse(name).is_none_or(|scope| scope.covers(facts));
    match facts.freezes.iter().find(stops) {
        None => Ok(()),
        Some(name) => Err(Why::Word(|name| Denial::Frozen(name.into()), name)),
    }
}

fn in_time<'a>(candidate: &Candidate<'a>) -> Checked<'a> {
    ensure(candidate.facts.deadline != Some(Duration::ZERO), || Why::Plain(Denial::DeadlinePast))
}

fn ensure<Reason>(holds: bool, why: impl FnOnce() -> Reason) -> Result<(), Reason> {
    if holds { Ok(()) } else { Err(why()) }
}
