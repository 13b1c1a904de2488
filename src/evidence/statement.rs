//! `case.json`: the whole case in plain fields, for programs and as what the page shows. Made from the entries alone.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value as Json;

use super::answers::{AnswerTold, answers, places};
use super::contents::{Contents, Terms};
use super::disputes::{self, DisputeTold};
use crate::cases::{Missing, NeedState, State, advice};
use crate::catalogue::rule::{By, Need};
use crate::crypto::hex;
use crate::report::calendar;

/// The case.
#[derive(Serialize)]
pub(super) struct Statement {
    pub(super) entry: u64,
    pub(super) case_id: String,
    pub(super) case_number: String,
    pub(super) item: String,
    pub(super) item_version: String,
    pub(super) legal_basis: Vec<String>,
    pub(super) rule_sha256: String,
    pub(super) organisation: String,
    pub(super) organisation_zh: String,
    pub(super) system: String,
    pub(super) operator_unit: String,
    pub(super) submitted_on: String,
    pub(super) closed_at: String,
    pub(super) abandoned: bool,
    /// As the entry says.
    pub(super) outcome: String,
    pub(super) person_decides: String,
    pub(super) parties: Vec<PartyTold>,
    /// `opened`, `closed`, or `not-committed` of an entry that commits to none.
    pub(super) application: &'static str,
    pub(super) stated: Vec<StatedTold>,
    pub(super) evidence: Vec<EvidenceTold>,
    pub(super) needs: Vec<NeedTold>,
    pub(super) answers: Vec<AnswerTold>,
    pub(super) disputes: Vec<DisputeTold>,
    pub(super) agreements: Vec<AgreementTold>,
}

/// A party of the application, or a group that was found.
#[derive(Serialize)]
pub(super) struct PartyTold {
    pub(super) name: String,
    pub(super) title_zh: String,
    /// `application`, or `found` by the answers.
    pub(super) by: &'static str,
    pub(super) count: u32,
    pub(super) declared_differs: bool,
    /// Those that a question has named, where they are opened.
    pub(super) subjects: Vec<Json>,
}

/// What the application states.
#[derive(Serialize)]
pub(super) struct StatedTold {
    pub(super) name: String,
    pub(super) title_zh: String,
    /// The value, where the application is opened or the entry holds it: amounts and texts it does not.
    pub(super) value: Option<Json>,
    /// Whether it fulfils what is needed, by need.
    pub(super) holds: BTreeMap<String, bool>,
}

/// A paper that came with the application.
#[derive(Serialize)]
pub(super) struct EvidenceTold {
    pub(super) name: String,
    pub(super) title_zh: String,
    pub(super) issuer: String,
    pub(super) issued_on: String,
    pub(super) sha256: String,
}

/// One need, and what stands in its way.
#[derive(Serialize)]
pub(super) struct NeedTold {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) title_zh: String,
    pub(super) required: bool,
    /// As concluded again; the entry's own word is held against it.
    pub(super) state: &'static str,
    pub(super) questions: Vec<String>,
    pub(super) missing: Vec<MissingTold>,
    /// Codes of what would show it.
    pub(super) bring: Vec<String>,
}

/// Why a need is not met.
#[derive(Serialize)]
pub(super) struct MissingTold {
    pub(super) why: &'static str,
    pub(super) of: String,
    pub(super) of_zh: String,
    pub(super) code: String,
    pub(super) entry: Option<u64>,
    pub(super) advice_zh: String,
}

/// An agreement between who asked and who was asked.
#[derive(Serialize)]
pub(super) struct AgreementTold {
    pub(super) id: String,
    pub(super) version: u32,
    pub(super) title_zh: String,
    pub(super) consumer: String,
    pub(super) provider: String,
    pub(super) legal_basis: Vec<String>,
    pub(super) effective_from: String,
    pub(super) effective_to: String,
    /// How long values may be kept, in days.
    pub(super) keep_for_days: u64,
    /// The entry with which it came into force.
    pub(super) entry: u64,
    /// True when an answer of this case was permitted by it.
    pub(super) relied_on: bool,
}

/// Everything that the entries say of the case.
pub(super) fn statement(contents: &Contents<'_>) -> Statement {
    let (closed, course) = (&contents.closed, &contents.course);
    let told = answers(contents);
    let agreements = contents.terms();
    Statement {
        entry: contents.package.case,
        case_id: uuid::Uuid::from_bytes(closed.case_id).to_string(),
        case_number: closed.case_number.clone(),
        item: closed.item.clone(),
        item_version: closed.item_version.clone(),
        legal_basis: contents.rule.rule.legal_basis.clone(),
        rule_sha256: hex(&closed.rule),
        organisation: closed.caller.organisation.to_string(),
        organisation_zh: contents.name_zh(closed.caller.organisation.as_str()),
        system: closed.caller.system.to_string(),
        operator_unit: closed.operator_unit.clone(),
        submitted_on: course.submitted_on.clone(),
        closed_at: calendar::exact(contents.closed_at),
        abandoned: closed.abandoned,
        outcome: closed.outcome.clone(),
        person_decides: contents.conclusion.person_decides.clone().unwrap_or_default(),
        parties: parties(contents),
        application: application(contents),
        stated: stated(contents),
        evidence: evidence(contents),
        needs: contents.conclusion.needs.iter().map(|need| needed(contents, need)).collect(),
        agreements: agreements.iter().map(|terms| agreed(terms, &told)).collect(),
        answers: told,
        disputes: disputes::disputes(contents),
    }
}

fn parties(contents: &Contents<'_>) -> Vec<PartyTold> {
    let places = places(contents);
    let subjects = |name: &str| {
        let of_it = places.iter().filter(|((who, _), _)| who == name);
        of_it.filter_map(|(_, named)| named.first().map(|(_, subject)| subject.clone())).collect()
    };
    let named = contents.course.parties.iter().map(|(name, shape)| PartyTold {
        name: name.clone(),
        title_zh: contents.title_zh(name),
        by: "application",
        count: shape.count,
        declared_differs: false,
        subjects: subjects(name),
    });
    let found = contents.course.found.iter().map(|(name, told)| PartyTold {
        name: name.clone(),
        title_zh: contents.title_zh(name),
        by: "found",
        count: told.known,
        declared_differs: told.differs,
        subjects: subjects(name),
    });
    named.chain(found).collect()
}

fn application(contents: &Contents<'_>) -> &'static str {
    match (&contents.filed, &contents.closed.commitments) {
        (Some(_), _) => "opened",
        (None, Some(_)) => "closed",
        (None, None) => "not-committed",
    }
}

fn stated(contents: &Contents<'_>) -> Vec<StatedTold> {
    let rule = &contents.rule.rule;
    let told = rule.given.iter().filter_map(|given| {
        let looks =
            |need: &&Need| matches!(&need.by, By::Given { name, .. } if *name == given.name);
        let needs = rule.needs.iter().filter(looks);
        let holds: BTreeMap<String, bool> = needs
            .filter_map(|need| Some((need.name.clone(), *contents.course.checked.get(&need.name)?)))
            .collect();
        let filed = contents.filed.as_ref().and_then(|filed| filed.given().get(&given.name));
        let value = filed.or_else(|| contents.course.stated.get(&given.name));
        let value = value.map(|value| value.plain());
        let is_there = value.is_some() || !holds.is_empty();
        is_there.then(|| StatedTold {
            name: given.name.clone(),
            title_zh: given.title_zh.clone(),
            value,
            holds,
        })
    });
    told.collect()
}

fn evidence(contents: &Contents<'_>) -> Vec<EvidenceTold> {
    let came = contents.course.evidence.iter().map(|(name, attached)| EvidenceTold {
        name: name.clone(),
        title_zh: contents.title_zh(name),
        issuer: attached.issuer.clone(),
        issued_on: attached.issued_on.to_string(),
        sha256: hex(&attached.digest),
    });
    came.collect()
}

fn needed(contents: &Contents<'_>, standing: &NeedState) -> NeedTold {
    let need = contents.rule.rule.need(&standing.name);
    let is_open = matches!(standing.state, State::Open | State::Refuted);
    NeedTold {
        name: standing.name.clone(),
        title: need.map(|need| need.title.clone()).unwrap_or_default(),
        title_zh: need.map(|need| need.title_zh.clone()).unwrap_or_default(),
        required: standing.required,
        state: standing.state.name(),
        questions: standing.questions.clone(),
        missing: standing.missing.iter().map(|missing| lacking(contents, missing)).collect(),
        bring: need.filter(|_| is_open).map(|need| need.bring.clone()).unwrap_or_default(),
    }
}

fn lacking(contents: &Contents<'_>, missing: &Missing) -> MissingTold {
    let of_zh = contents.title_zh(&missing.of);
    MissingTold {
        why: missing.why.code(),
        of: missing.of.clone(),
        advice_zh: advice(missing, &of_zh),
        of_zh,
        code: missing.code.clone(),
        entry: missing.log_index,
    }
}

fn agreed(terms: &Terms, answers: &[AnswerTold]) -> AgreementTold {
    let name = format!("{} v{}", terms.id, terms.version);
    let agreement = &terms.agreement;
    AgreementTold {
        id: terms.id.clone(),
        version: terms.version,
        title_zh: terms.title_zh.clone(),
        consumer: agreement.consumer.to_string(),
        provider: agreement.provider.to_string(),
        legal_basis: terms.legal_basis.clone(),
        effective_from: calendar::exact(agreement.effective_from),
        effective_to: calendar::exact(agreement.effective_to),
        keep_for_days: agreement.keep_for.as_secs() / 86_400,
        entry: terms.entry,
        relied_on: answers.iter().any(|answer| answer.agreement == name),
    }
}
