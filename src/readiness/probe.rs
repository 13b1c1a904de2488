//! A question as it would be asked, and what the decision would say of it.
//!
//! What only an application can tell is taken as it is when all goes well: values keep a clause's limits, whoever is found is
//! named with the entry that found them, a notice was given, consent obtained. Each such thing is told as a demand.

use std::collections::BTreeSet;

use super::{Demand, Granted, View};
use crate::catalogue::rule::{From, Operand, Question, Rule};
use crate::catalogue::{AttributeKind, Fact, Item};
use crate::decision::agreement::Hours;
use crate::decision::agreements::Placed;
use crate::decision::denial::Denial;
use crate::decision::facts::{AssertionFact, CallerFacts, Facts, QuotaUse, RoleFact};
use crate::decision::{self, Decision, Permit, PermitRef, decide};
use crate::query::relation::Relation;
use crate::query::time::Timestamp;
use crate::query::value::{Assertion, Comparison, Value};

/// A question as it would be asked, in every form that its subjects can give it.
pub(super) struct Asked<'a> {
    item: &'a Item,
    fact: &'a Fact,
    /// Subjects, in each way they can be tied to the case.
    forms: Vec<Vec<RoleFact>>,
    assertions: Vec<Asserted>,
    disclose: Vec<String>,
    material: String,
}

/// An assertion; `None` for values that an application brings.
struct Asserted {
    attribute: String,
    comparison: Comparison,
    values: Option<Vec<Value>>,
}

/// How the decision went, when it permits.
pub(super) struct Opened {
    pub(super) grant: Granted,
    pub(super) demands: Vec<Demand>,
}

impl<'a> Asked<'a> {
    /// The question of a rule.
    pub(super) fn of_rule(
        item: &'a Item,
        fact: &'a Fact,
        rule: &Rule,
        question: &Question,
    ) -> Self {
        let mut forms = vec![Vec::new()];
        for (role, who) in &question.about {
            let kind = fact.role(role).map(|role| role.kind.clone()).unwrap_or_default();
            let ties = match kind.as_str() {
                "person" => ties(rule, who, &mut BTreeSet::new()),
                _ => BTreeSet::from([None]),
            };
            forms = crossed(&forms, role, &kind, &ties);
        }
        let mut assertions: Vec<Asserted> = question
            .assertions
            .iter()
            .map(|asserted| Asserted {
                attribute: asserted.attribute.clone(),
                comparison: asserted.comparison,
                values: asserted.values.iter().map(|operand| value(operand, rule)).collect(),
            })
            .collect();
        if assertions.is_empty() && question.disclose.is_empty() {
            assertions.extend(fact.confirms.iter().map(literal));
        }
        // A paper that the item does not list is not named in a case's questions.
        let material = question.material.clone().unwrap_or_default();
        let material =
            if item.materials.contains_key(&material) { material } else { String::new() };
        Self { item, fact, forms, assertions, disclose: question.disclose.clone(), material }
    }

    /// The least questions about a fact, where no rule says what to ask: what the fact confirms, else any one of its attributes.
    pub(super) fn least(item: &'a Item, fact: &'a Fact) -> Vec<Self> {
        let mut form = vec![Vec::new()];
        for role in fact.roles.iter().filter(|role| !role.optional) {
            let relation = (role.kind == "person").then_some(Relation::CaseParty);
            form = crossed(&form, &role.name, &role.kind, &BTreeSet::from([relation]));
        }
        let asked = |assertion: Asserted| Self {
            item,
            fact,
            forms: form.clone(),
            assertions: vec![assertion],
            disclose: Vec::new(),
            material: String::new(),
        };
        if let Some(confirms) = &fact.confirms {
            return vec![asked(literal(confirms))];
        }
        let attributes = fact.attributes.iter().filter(|one| one.kind != AttributeKind::People);
        attributes
            .map(|attribute| {
                let (attribute, comparison) = (attribute.name.clone(), Comparison::Exists);
                asked(Asserted { attribute, comparison, values: Some(Vec::new()) })
            })
            .collect()
    }

    /// What opens the question at the moment of the view, and until when.
    ///
    /// # Errors
    /// The denial that the gateway would give.
    pub(super) fn opened(&self, view: &View<'_>) -> Result<Opened, Denial> {
        let permit = self.permit(view, view.at)?;
        let PermitRef { agreement, version, clause } = permit.reference();
        let closes = |moment: &Timestamp| self.permit(view, *moment).is_err();
        let until = self.turns(view).into_iter().find(closes);
        let demands = self.demands(&permit);
        Ok(Opened { grant: Granted { agreement, version, clause, until }, demands })
    }

    /// The permit for every form of the question at a moment; the first form's names the clause.
    fn permit(&self, view: &View<'_>, at: Timestamp) -> Result<Permit, Denial> {
        let mut first = None;
        for form in &self.forms {
            let permit = self.settled(view, at, form)?;
            first.get_or_insert(permit);
        }
        first.ok_or(Denial::SubjectMissing)
    }

    /// Asks, and brings what the denial says is wanting, as long as it is something that whoever asks can bring.
    fn settled(&self, view: &View<'_>, at: Timestamp, form: &[RoleFact]) -> Result<Permit, Denial> {
        let mut facts = self.facts(view, at, form);
        let placed = self.placed(view);
        loop {
            let denial = match decide(&facts, view.agreements) {
                Decision::Permit(permit) => return Ok(permit),
                Decision::Deny(denial) => denial,
            };
            let brought = match &denial {
                Denial::NoticeMissing(id) if facts.notice.is_empty() => placed
                    .iter()
                    .filter(|placed| placed.agreement.id == *id)
                    .find_map(|placed| placed.agreement.notices.iter().next())
                    .map(|notice| facts.notice = notice.to_string()),
                Denial::ConsentMissing(_) if facts.consent.is_empty() => {
                    facts.consent = "given".to_owned();
                    Some(())
                }
                Denial::OperatorUnitNotGranted(unit) if unit.as_str() == ANY_UNIT => placed
                    .iter()
                    .find_map(|placed| placed.agreement.operator_units.iter().next())
                    .map(|unit| facts.operator_unit = unit.to_string()),
                Denial::OutsideHours(id) if facts.received_at == at => placed
                    .iter()
                    .filter(|placed| placed.agreement.id == *id)
                    .find_map(|placed| opening(placed.agreement.hours.as_ref()?, at))
                    .map(|opening| facts.received_at = opening),
                _ => None,
            };
            // Each is brought once, so this ends.
            if brought.is_none() {
                return Err(denial);
            }
        }
    }

    fn placed<'v>(&self, view: &View<'v>) -> &'v [Placed] {
        view.agreements.clauses(&view.organisation, &self.fact.code)
    }

    fn facts(&self, view: &View<'_>, at: Timestamp, form: &[RoleFact]) -> Facts {
        let placed = self.placed(view);
        let agreements: BTreeSet<&str> =
            placed.iter().map(|placed| placed.agreement.id.as_str()).collect();
        let unused = |id: &str| QuotaUse { agreement: id.to_owned(), day: 0, second: 0, month: 0 };
        let (fact, provider) = (&self.fact.code, &self.fact.agency);
        Facts {
            rules: decision::RULES,
            request_id: [0; 16],
            caller_sequence: 1,
            received_at: at,
            deadline: None,
            caller: CallerFacts {
                organisation: view.organisation.clone(),
                system: view.system.clone(),
                certificate: [0; 32],
                standing: view.standing,
            },
            fact: Some(fact.clone()),
            provider: Some(provider.clone()),
            item: self.item.code.clone(),
            item_version: self.item.version.clone(),
            case_number: "1".to_owned(),
            replaced_material: self.material.clone(),
            operator_unit: ANY_UNIT.to_owned(),
            operator_present: true,
            notice: String::new(),
            consent: String::new(),
            roles: form.to_vec(),
            assertions: self.assertions.iter().map(|it| it.fact(placed)).collect(),
            disclose: self.disclose.clone(),
            max_age: None,
            defects: Vec::new(),
            quota: agreements.into_iter().map(unused).collect(),
            freezes: view.freezes.over(Some(provider), Some(fact), &view.organisation),
            catalogue_digest: *view.catalogue.digest(),
        }
    }

    /// When it may change whether the question is permitted: moments to come, ascending.
    fn turns(&self, view: &View<'_>) -> BTreeSet<Timestamp> {
        let of_clauses = self
            .placed(view)
            .iter()
            .flat_map(|placed| [placed.agreement.effective_to, placed.superseded]);
        let of_orders = view.agreements.halts().moments().iter().copied();
        let to_come = |moment: &Timestamp| *moment > view.at && *moment < Timestamp(u64::MAX);
        of_clauses.chain(of_orders).filter(to_come).collect()
    }

    /// What the permit's clause wants of whoever asks.
    fn demands(&self, permit: &Permit) -> Vec<Demand> {
        let (agreement, clause) = (permit.agreement(), permit.clause());
        let mut demands = Vec::new();
        let mut demand = |kind: &str, of: String| {
            demands.push(Demand { kind: kind.to_owned(), of });
        };
        if !agreement.notices.is_empty() {
            demand("notice", listed(agreement.notices.iter()));
        }
        if clause.consent {
            demand("consent", String::new());
        }
        if !agreement.operator_units.is_empty() {
            demand("operator_unit", listed(agreement.operator_units.iter()));
        }
        if agreement.hours.is_some() {
            demand("hours", String::new());
        }
        let roles: BTreeSet<&str> =
            self.forms.iter().flatten().map(|role| role.role.as_str()).collect();
        let related = roles.into_iter().filter(|role| clause.relations(role).is_some());
        related.for_each(|role| demand("relation", role.to_owned()));
        for asserted in self.assertions.iter().filter(|asserted| asserted.values.is_none()) {
            if clause.limit(&asserted.attribute).is_some_and(|limit| limit.is_about_values()) {
                demand("values", asserted.attribute.clone());
            }
        }
        demands
    }
}

/// An operator's unit that no agreement names.
const ANY_UNIT: &str = "-";

impl Asserted {
    /// As decisions see it: with every clause whose limits its values keep.
    fn fact(&self, placed: &[Placed]) -> AssertionFact {
        let keeps = |Placed { agreement, position, .. }: &Placed| {
            let clause = agreement.clauses.get(*position)?;
            let limit = clause.limit(&self.attribute).filter(|limit| limit.is_about_values())?;
            let is_kept = self.values.as_ref().is_none_or(|values| {
                limit.admits(&Assertion {
                    attribute: self.attribute.clone(),
                    comparison: self.comparison,
                    values: values.clone(),
                })
            });
            is_kept.then(|| PermitRef::to(agreement, *position))
        };
        AssertionFact {
            attribute: self.attribute.clone(),
            comparison: self.comparison,
            within: placed.iter().filter_map(keeps).collect(),
        }
    }
}

fn literal(assertion: &Assertion) -> Asserted {
    Asserted {
        attribute: assertion.attribute.clone(),
        comparison: assertion.comparison,
        values: Some(assertion.values.clone()),
    }
}

/// The value itself, where the rule alone has it.
fn value(operand: &Operand, rule: &Rule) -> Option<Value> {
    match operand {
        Operand::Literal(value) => Some(value.clone()),
        Operand::Parameter(name) => rule.parameters.get(name).copied().map(Value::Integer),
        _ => None,
    }
}

/// How the persons of a party or group can be tied to the case.
fn ties<'r>(
    rule: &'r Rule,
    who: &'r str,
    seen: &mut BTreeSet<&'r str>,
) -> BTreeSet<Option<Relation>> {
    let Some(group) = rule.group(who) else {
        let is_declared = rule.groups.iter().any(|group| match &group.from {
            From::Found(found) => found.declared.as_deref() == Some(who),
            From::Together(_) => false,
        });
        let relation = if is_declared { Relation::Declared } else { Relation::CaseParty };
        return BTreeSet::from([Some(relation)]);
    };
    match &group.from {
        From::Found(_) => BTreeSet::from([Some(Relation::Verified)]),
        From::Together(parts) if seen.insert(who) => {
            parts.iter().flat_map(|part| ties(rule, part, seen)).collect()
        }
        From::Together(_) => BTreeSet::new(),
    }
}

/// Every form with a subject more, tied in each of these ways.
fn crossed(
    forms: &[Vec<RoleFact>],
    role: &str,
    kind: &str,
    ties: &BTreeSet<Option<Relation>>,
) -> Vec<Vec<RoleFact>> {
    let mut all = Vec::with_capacity(forms.len() * ties.len());
    for form in forms {
        for relation in ties {
            let shown_by = u64::from(*relation == Some(Relation::Verified));
            let (role, kind) = (role.to_owned(), kind.to_owned());
            let mut form = form.clone();
            form.push(RoleFact { role, kind, relation: *relation, shown_by });
            all.push(form);
        }
    }
    all
}

/// When serving begins next.
fn opening(hours: &Hours, at: Timestamp) -> Option<Timestamp> {
    (0..=7).find_map(|days| {
        let minutes = (at.china_day() + days) * 24 * 60 + u64::from(hours.from_minute);
        let moment = Timestamp::from_seconds((minutes * 60).checked_sub(8 * 3600)?);
        (moment > at && hours.days.contains(&moment.china_weekday())).then_some(moment)
    })
}

fn listed<T: ToString>(words: impl Iterator<Item = T>) -> String {
    words.map(|word| word.to_string()).collect::<Vec<_>>().join(", ")
}
