//! An answer that a case names, held against the question of the rule: the right thing was asked, about whom it had to be
//! asked, as the case's own question.

use std::collections::BTreeSet;

use crate::audit::entry::{CaseClosed, Kind};
use crate::cases::{About, Answer, Course, question_id};
use crate::catalogue::rule::{From, Question, Rule, ToldBy};
use crate::decision::facts::{Facts, RoleFact};
use crate::query::relation::{Related, Relation};
use crate::query::time::Timestamp;
use crate::query::value::Verdict;

/// The entry of an answer or a denial.
pub(super) struct Answered {
    pub(super) facts: Facts,
    pub(super) verdict: Option<Verdict>,
    code: String,
    /// Positions of the subjects that were checked.
    checked: BTreeSet<u32>,
    /// Attributes that were let out whole.
    disclosed: Vec<String>,
    /// A case has named it, or no case need.
    pub(super) is_accounted_for: bool,
}

impl Answered {
    /// What an entry says, if it may be the answer to a question of a case.
    pub(super) fn of(kind: &Kind) -> Option<Self> {
        match kind {
            Kind::Outcome(outcome) => {
                let is_whole = |name: &&String| !outcome.masked.contains(name);
                Some(Self {
                    facts: needed(&outcome.facts),
                    verdict: Some(outcome.verdict),
                    code: outcome.unavailable.map_or("", |reason| reason.code()).to_owned(),
                    checked: outcome.subjects_checked.iter().copied().collect(),
                    disclosed: outcome.disclosed.iter().filter(is_whole).cloned().collect(),
                    is_accounted_for: false,
                })
            }
            Kind::Denial(denied) => Some(Self {
                facts: needed(&denied.facts),
                verdict: None,
                code: denied.code.clone(),
                checked: BTreeSet::new(),
                disclosed: Vec::new(),
                is_accounted_for: true,
            }),
            _ => None,
        }
    }

    pub(super) fn at(&self) -> Timestamp {
        self.facts.received_at
    }

    /// In the case, as far as its number and its caller tell.
    pub(super) fn is_in(&self, closed: &CaseClosed) -> bool {
        let facts = &self.facts;
        facts.caller.certificate == closed.caller.certificate
            && facts.case_number == closed.case_number
            && facts.item.as_str() == closed.item
            && facts.item_version == closed.item_version
    }

    /// The id that the question would have in the case, were it this one.
    pub(super) fn is_called(&self, case_id: [u8; 16], question: &str, about: &[About]) -> bool {
        let related = self.facts.roles.iter().map(|role| {
            role.relation.map(|relation| Related { relation, shown_by: role.shown_by })
        });
        about.len() == self.facts.roles.len()
            && question_id(case_id, question, about.iter().zip(related)) == self.facts.request_id
    }

    /// Why it is not what the course says of it; `None` when it is.
    pub(super) fn differs(
        &self,
        answer: &Answer,
        closed: &CaseClosed,
        (rule, question): (&Rule, &Question),
        course: &Course,
    ) -> Option<&'static str> {
        let facts = &self.facts;
        if !self.is_in(closed) || facts.operator_unit != closed.operator_unit {
            return Some("it is of another case");
        }
        if self.verdict != answer.verdict || self.code != answer.code {
            return Some("it says something else");
        }
        if facts.fact.as_ref() != Some(&question.fact) {
            return Some("it is about another fact");
        }
        // A flawed question is recorded without what could not be read of it, and answers nothing.
        if self.verdict.is_none() && !facts.defects.is_empty() {
            return None;
        }
        if !is_put_as_ruled(facts, question) {
            return Some("something else was asked than the rule says");
        }
        let is_about = answer.about.len() == facts.roles.len()
            && answer.about.iter().zip(&facts.roles).all(|(about, role)| {
                about.role == role.role && is_related(about, role, rule, course)
            });
        if !is_about {
            return Some("it is about others than the case says");
        }
        if !self.is_called(closed.case_id, &question.name, &answer.about) {
            return Some("its id is not that of the case's question");
        }
        let all_checked = (0..).zip(&answer.about).all(|(place, _)| self.checked.contains(&place));
        if !(answer.unchecked || all_checked || is_silence(self.verdict)) {
            return Some("not everybody was checked");
        }
        let tells = |name: &String| tells(rule, name, &self.disclosed);
        if !answer.told.keys().all(tells) {
            return Some("it did not tell who belongs to the family");
        }
        None
    }
}

/// Without what no case looks at: an hour's answers are kept.
fn needed(facts: &Facts) -> Facts {
    Facts {
        quota: Vec::new(),
        freezes: Vec::new(),
        notice: String::new(),
        consent: String::new(),
        ..facts.clone()
    }
}

/// What shows nothing needs nobody to be checked.
pub(super) fn is_silence(verdict: Option<Verdict>) -> bool {
    matches!(verdict, None | Some(Verdict::Unavailable))
}

/// Values of assertions are in the commitment, not in the entry; all else of a question is.
fn is_put_as_ruled(facts: &Facts, question: &Question) -> bool {
    let asserted = facts.assertions.iter().map(|one| (one.attribute.as_str(), one.comparison));
    let ruled = question.assertions.iter().map(|one| (one.attribute.as_str(), one.comparison));
    // A question that says nothing is put with the fact's own confirmation, which the catalogue has.
    let is_by_itself = question.assertions.is_empty() && question.disclose.is_empty();
    let disclosed: BTreeSet<&String> = facts.disclose.iter().collect();
    let material = question.material.as_deref().unwrap_or_default();
    (asserted.eq(ruled) || is_by_itself && facts.assertions.len() == 1)
        && disclosed == question.disclose.iter().collect()
        && facts.max_age.is_some_and(|age| age <= question.fresh_for)
        && (facts.replaced_material == material || facts.replaced_material.is_empty())
}

/// Whether a subject is of the kind and belongs to the case in the way that its place says.
fn is_related(about: &About, role: &RoleFact, rule: &Rule, course: &Course) -> bool {
    if let Some(party) = rule.party(&about.who)
        && party.kind != "person"
    {
        return role.kind == party.kind && role.relation.is_none() && role.shown_by == 0;
    }
    let Some(relation) = role.relation else { return false };
    let related = Related { relation, shown_by: role.shown_by };
    role.kind == "person"
        && leaves(&about.who, rule).iter().any(|who| may_be(who, related, rule, course))
}

/// The parties and found groups that a group is put together of.
fn leaves<'r>(who: &'r str, rule: &'r Rule) -> BTreeSet<&'r str> {
    let (mut ahead, mut seen, mut leaves) = (vec![who], BTreeSet::new(), BTreeSet::new());
    while let Some(who) = ahead.pop() {
        match rule.group(who).map(|group| &group.from) {
            _ if !seen.insert(who) => {}
            Some(From::Together(parts)) => ahead.extend(parts.iter().map(String::as_str)),
            Some(From::Found(_)) | None => drop(leaves.insert(who)),
        }
    }
    leaves
}

/// Whether somebody of a party or found group can belong to the case in this way.
fn may_be(who: &str, related: Related, rule: &Rule, course: &Course) -> bool {
    let is_named = |name: &str| course.parties.contains_key(name);
    let Related { relation, shown_by } = related;
    match rule.group(who).map(|group| &group.from) {
        None => {
            let is_declared = rule.groups.iter().any(|group| match &group.from {
                From::Found(found) => found.declared.as_deref() == Some(who),
                From::Together(_) => false,
            });
            let wanted = if is_declared { Relation::Declared } else { Relation::CaseParty };
            is_named(who) && relation == wanted && shown_by == 0
        }
        Some(From::Found(found)) => match relation {
            Relation::Verified => course.answers.iter().any(|answer| {
                answer.question == found.question
                    && answer.log_index == Some(shown_by)
                    && answer.told.get(who).is_some_and(|count| *count > 0)
            }),
            Relation::Declared => shown_by == 0 && found.declared.as_deref().is_some_and(is_named),
            Relation::CaseParty | Relation::Mandated => false,
        },
        Some(From::Together(_)) => false,
    }
}

/// Whether values of these names can tell who belongs to the group.
fn tells(rule: &Rule, group: &str, disclosed: &[String]) -> bool {
    match rule.group(group).map(|group| &group.from) {
        Some(From::Found(found)) => match &found.told_by {
            ToldBy::People(attribute) => disclosed.contains(attribute),
            ToldBy::Person { name, number } => {
                disclosed.contains(name) && disclosed.contains(number)
            }
        },
        _ => false,
    }
}
