//! The answers of a case, each from its entry, with what was opened of it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::contents::Contents;
use super::disputes;
use crate::audit::commitment::Field;
use crate::audit::committed;
use crate::audit::entry::{Entry, Kind, Source};
use crate::cases::{About, Answer};
use crate::query::subject::{Subject, SubjectKind};
use crate::report::calendar;

/// One question and what came of it.
#[derive(Serialize)]
pub(super) struct AnswerTold {
    pub(super) question: String,
    pub(super) title_zh: String,
    pub(super) fact: String,
    pub(super) about: Vec<AboutTold>,
    pub(super) agency: String,
    pub(super) agency_zh: String,
    /// The verdict, or DENIED; NOT_RECORDED of what has no entry.
    pub(super) verdict: String,
    /// Code of the denial or of why there is no answer.
    pub(super) code: String,
    /// The entry, where there is one.
    pub(super) entry: Option<u64>,
    pub(super) asked_at: String,
    pub(super) as_of: String,
    /// `agency` or `cache`.
    pub(super) source: String,
    pub(super) agreement: String,
    pub(super) clause: Option<u32>,
    /// What was judged, where the answer is opened.
    pub(super) judgements: Vec<Json>,
    /// Values that the clause lets out, where the answer is opened; else their names alone.
    pub(super) values: Map<String, Json>,
    pub(super) masked: Vec<String>,
    /// Who asked, where it is opened.
    pub(super) operator: Option<Json>,
    /// Why nothing is opened.
    pub(super) closed: String,
    /// Ids of the disputes over it.
    pub(super) contested_by: Vec<String>,
}

/// Whom a question was about.
#[derive(Serialize)]
pub(super) struct AboutTold {
    pub(super) role: String,
    pub(super) who: String,
    pub(super) who_zh: String,
    pub(super) position: u32,
    /// True when the agency says that it looked at it.
    pub(super) checked: bool,
    /// Who or what it is, where it is opened.
    pub(super) subject: Option<Json>,
}

/// All of them, in the order of the course.
pub(super) fn answers(contents: &Contents<'_>) -> Vec<AnswerTold> {
    contents.course.answers.iter().map(|answer| told(contents, answer)).collect()
}

fn told(contents: &Contents<'_>, answer: &Answer) -> AnswerTold {
    let question = contents.rule.rule.question(&answer.question);
    let verdict = match (answer.verdict, answer.log_index) {
        (Some(verdict), _) => verdict.name(),
        (None, Some(_)) => "DENIED",
        (None, None) => "NOT_RECORDED",
    };
    let mut told = AnswerTold {
        question: answer.question.clone(),
        title_zh: contents.title_zh(&answer.question),
        fact: question.map(|question| question.fact.to_string()).unwrap_or_default(),
        about: Vec::new(),
        agency: String::new(),
        agency_zh: String::new(),
        verdict: verdict.to_owned(),
        code: answer.code.clone(),
        entry: answer.log_index,
        asked_at: String::new(),
        as_of: String::new(),
        source: String::new(),
        agreement: String::new(),
        clause: None,
        judgements: Vec::new(),
        values: Map::new(),
        masked: Vec::new(),
        operator: None,
        closed: String::new(),
        contested_by: disputes::over(contents, answer.log_index),
    };
    let recorded = contents.entry_of(answer);
    told.about = about(contents, answer, recorded.map(|(_, entry)| entry));
    if let Some((index, entry)) = recorded {
        by_entry(&mut told, contents, entry);
        opened(&mut told, contents, index);
    }
    told
}

fn by_entry(told: &mut AnswerTold, contents: &Contents<'_>, entry: &Entry) {
    if let Some(facts) = entry.kind.facts() {
        let provider = facts.provider.as_ref().map(ToString::to_string).unwrap_or_default();
        told.agency_zh = contents.name_zh(&provider);
        told.agency = provider;
        told.asked_at = calendar::exact(facts.received_at);
    }
    if let Kind::Outcome(outcome) = &entry.kind {
        let source = match outcome.source {
            Source::Agency => "agency",
            Source::Cache => "cache",
        };
        source.clone_into(&mut told.source);
        told.as_of = outcome.as_of.map(calendar::exact).unwrap_or_default();
        told.agreement = format!("{} v{}", outcome.permit.agreement, outcome.permit.version);
        told.clause = Some(outcome.permit.clause);
        told.masked.clone_from(&outcome.masked);
        let named = outcome.disclosed.iter().map(|name| (name.clone(), Json::Null));
        told.values = named.collect();
    }
}

fn opened(told: &mut AnswerTold, contents: &Contents<'_>, index: u64) {
    let Some(openings) = contents.package.openings.get(&index) else { return };
    told.closed.clone_from(&openings.closed);
    told.operator = openings.text(Field::Operator).and_then(json);
    let answer = openings.text(Field::Answer).and_then(json);
    let Some(Json::Object(mut answer)) = answer else { return };
    if let Some(Json::Array(judgements)) = answer.remove("judgements") {
        told.judgements = judgements;
    }
    if let Some(Json::Object(values)) = answer.remove("disclosed") {
        told.values = values;
    }
}

fn about(contents: &Contents<'_>, answer: &Answer, entry: Option<&Entry>) -> Vec<AboutTold> {
    let subjects = answer.log_index.map(|index| subjects(contents, index)).unwrap_or_default();
    let checked = match entry.map(|entry| &entry.kind) {
        Some(Kind::Outcome(outcome)) => outcome.subjects_checked.clone(),
        _ => Vec::new(),
    };
    let places = (0..).zip(&answer.about).zip(subjects.into_iter().map(Some).chain(none()));
    let told = places.map(|((place, about), subject)| AboutTold {
        role: about.role.clone(),
        who: about.who.clone(),
        who_zh: contents.title_zh(&about.who),
        position: about.position,
        checked: checked.contains(&place),
        subject,
    });
    told.collect()
}

fn none() -> impl Iterator<Item = Option<Json>> {
    std::iter::repeat_with(|| None)
}

/// The subjects of a question as it was put, without their roles; empty where they are not opened.
pub(super) fn subjects(contents: &Contents<'_>, index: u64) -> Vec<Json> {
    let openings = contents.package.openings.get(&index);
    let opened = openings.and_then(|openings| openings.text(Field::Subject)).and_then(json);
    let Some(Json::Array(mut subjects)) = opened else { return Vec::new() };
    for subject in &mut subjects {
        if let Json::Object(fields) = subject {
            fields.remove("role");
        }
    }
    subjects
}

/// Who or what stands at each place of the case, as the questions name them.
pub(super) fn places(contents: &Contents<'_>) -> BTreeMap<(String, u32), Vec<(u64, Json)>> {
    let mut places: BTreeMap<(String, u32), Vec<(u64, Json)>> = BTreeMap::new();
    if let Some(filed) = &contents.filed {
        for (name, shape) in &contents.course.parties {
            let about = |position| About { role: String::new(), who: name.clone(), position };
            // As far as the application names any: the number is the course's word, whoever wrote it.
            let named =
                (0..shape.count).map_while(|at| Some((at, plain(filed.named(&about(at))?)?)));
            for (position, subject) in named {
                let of_it = places.entry((name.clone(), position)).or_default();
                of_it.push((contents.package.case, subject));
            }
        }
    }
    for answer in &contents.course.answers {
        let Some(index) = answer.log_index else { continue };
        for (About { who, position, .. }, subject) in
            answer.about.iter().zip(subjects(contents, index))
        {
            places.entry((who.clone(), *position)).or_default().push((index, subject));
        }
    }
    places
}

/// A subject without a role, in the form that entries commit to.
fn plain(kind: &SubjectKind) -> Option<Json> {
    let subject = Subject { role: String::new(), kind: kind.clone() };
    let text = committed::subjects(&[subject]);
    let mut subjects: Vec<Map<String, Json>> = serde_json::from_slice(&text).ok()?;
    let mut fields = subjects.pop()?;
    fields.remove("role");
    Some(Json::Object(fields))
}

fn json(text: &str) -> Option<Json> {
    serde_json::from_str(text).ok()
}
