//! From a case to its events.

use std::collections::BTreeSet;

use super::read::Applied;
use crate::cases::{About, Answer, Asking, Conclusion, Missing, NeedState, Outcome, State, advice};
use crate::catalogue::Catalogue;
use crate::catalogue::rule::{By, Rule};
use crate::gateway::exchange::{Refusal, Reply, Source};
use crate::proto::gateway::v1 as wire;
use crate::query::subject::Subject;
use crate::query::time::Timestamp;
use crate::wire::{subject, timestamp, verdict};

/// What an answer said of itself that the course does not hold.
#[derive(Clone, Default)]
pub(super) struct Told {
    agency: String,
    from_cache: bool,
    as_of: Option<Timestamp>,
    /// Positions of the subjects that were checked.
    checked: Vec<u32>,
}

impl Told {
    /// Positions of the subjects that were checked.
    #[cfg(test)]
    pub(super) fn checked(&self) -> &[u32] {
        &self.checked
    }

    pub(super) fn by(reply: &Reply) -> Self {
        Self {
            agency: reply.agency.as_str().to_owned(),
            from_cache: matches!(reply.source, Source::Cache { .. }),
            as_of: reply.as_of,
            checked: reply.subjects_checked.iter().map(|(_, position)| *position).collect(),
        }
    }
}

pub(super) fn opened(applied: &Applied) -> wire::CaseOpened {
    let written = applied.case.rule();
    wire::CaseOpened {
        item: applied.item.code.as_str().to_owned(),
        item_version: applied.item.version.clone(),
        rule: written.digest.to_vec(),
        legal_basis: written.rule.legal_basis.clone(),
        submitted_on: applied.submitted_on.to_string(),
    }
}

pub(super) fn asked(
    asking: &Asking,
    message: wire::VerifyRequest,
    catalogue: &Catalogue,
) -> wire::QuestionAsked {
    let fact = catalogue.fact(&asking.fact);
    wire::QuestionAsked {
        question: asking.question.clone(),
        fact: asking.fact.as_str().to_owned(),
        about: asking.about.iter().map(place).collect(),
        request_id: message.request_id.clone(),
        title_zh: fact.map(|fact| fact.title_zh.clone()).unwrap_or_default(),
        put: Some(message),
    }
}

/// A refusal, with what its caller of `Verify` would have been told.
pub(super) fn refusal(refusal: &Refusal) -> wire::CaseRefusal {
    let (message_zh, log_index) = match refusal {
        Refusal::Denied { denial, log_index } => (denial.advice_zh(), Some(*log_index)),
        Refusal::Unrecorded | Refusal::Overloaded => (String::new(), None),
    };
    wire::CaseRefusal {
        reason: crate::service::refusal::code_of(refusal).to_owned(),
        message: crate::service::refusal::status(refusal).message().to_owned(),
        log_index,
        message_zh,
    }
}

pub(super) fn place(about: &About) -> wire::CasePlace {
    wire::CasePlace { role: about.role.clone(), who: about.who.clone(), position: about.position }
}

/// The outcome; `told` stands beside the answers of the course. The last two are the entry of the case, and whether its
/// time ran out.
pub(super) fn outcome(
    applied: &Applied,
    conclusion: &Conclusion,
    told: &[Told],
    (log_index, out_of_time): (u64, bool),
) -> wire::CaseOutcome {
    let outcome = match conclusion.outcome {
        Outcome::Ready => wire::case_outcome::Outcome::Ready,
        Outcome::NeedsCounter => wire::case_outcome::Outcome::NeedsCounter,
        Outcome::Refuted => wire::case_outcome::Outcome::Refuted,
    };
    let answers: Vec<(&Answer, &Told)> = applied.case.course().answers.iter().zip(told).collect();
    let needs = conclusion.needs.iter().map(|state| need(applied, conclusion, state, &answers));
    wire::CaseOutcome {
        outcome: outcome.into(),
        needs: needs.collect(),
        subjects: subjects(applied, &answers),
        person_decides: conclusion.person_decides.clone().unwrap_or_default(),
        log_index,
        out_of_time,
        receipt: None,
    }
}

fn need(
    applied: &Applied,
    conclusion: &Conclusion,
    standing: &NeedState,
    answers: &[(&Answer, &Told)],
) -> wire::CaseNeed {
    let rule = &applied.case.rule().rule;
    let titles = rule.need(&standing.name).map(|need| (need.title.clone(), need.title_zh.clone()));
    let (title, title_zh) = titles.unwrap_or_default();
    let of_it = answers.iter().filter(|(answer, _)| standing.questions.contains(&answer.question));
    let missing = standing.missing.iter().map(|missing| wire::CaseMissing {
        why: missing.why.code().to_owned(),
        of: missing.of.clone(),
        code: missing.code.clone(),
        log_index: missing.log_index,
        advice_zh: advice(missing, &what(applied, missing)),
    });
    let bring = collect_bring(applied, conclusion, &standing.name);
    wire::CaseNeed {
        name: standing.name.clone(),
        title,
        title_zh,
        required: standing.required,
        state: match standing.state {
            State::Met => wire::case_need::State::Met,
            State::Provided => wire::case_need::State::Provided,
            State::NotNeeded => wire::case_need::State::NotNeeded,
            State::Refuted => wire::case_need::State::Refuted,
            State::Open => wire::case_need::State::Open,
        }
        .into(),
        shown: of_it.map(|(answer, told)| shown(answer, told)).collect(),
        missing: missing.collect(),
        bring,
    }
}

fn shown(answer: &Answer, told: &Told) -> wire::CaseShown {
    wire::CaseShown {
        question: answer.question.clone(),
        verdict: answer.verdict.map_or(0, |said| verdict(said).into()),
        agency: told.agency.clone(),
        from_cache: told.from_cache,
        as_of: told.as_of.map(timestamp),
        log_index: answer.log_index,
    }
}

/// The Chinese name of what is missing.
fn what(applied: &Applied, missing: &Missing) -> String {
    let (rule, of) = (&applied.case.rule().rule, missing.of.as_str());
    let fact = || {
        let question = rule.question(of)?;
        Some(applied.catalogue.fact(&question.fact)?.title_zh.clone())
    };
    fact()
        .or_else(|| rule.need(of).map(|need| need.title_zh.clone()))
        .or_else(|| rule.group(of).map(|group| group.title_zh.clone()))
        .or_else(|| rule.party(of).map(|party| party.title_zh.clone()))
        .or_else(|| rule.external(of).map(|external| external.title_zh.clone()))
        .or_else(|| rule.given(of).map(|given| given.title_zh.clone()))
        .unwrap_or_else(|| of.to_owned())
}

/// What would show the need: its own papers, and those of the needs it is made of, where they are open; each need once.
fn collect_bring(applied: &Applied, conclusion: &Conclusion, name: &str) -> Vec<wire::CaseBring> {
    let rule = &applied.case.rule().rule;
    let (mut ahead, mut seen) = (vec![name], BTreeSet::new());
    let mut bring: Vec<wire::CaseBring> = Vec::new();
    while let Some(name) = ahead.pop() {
        let is_open = conclusion
            .needs
            .iter()
            .any(|need| need.name == name && matches!(need.state, State::Open | State::Refuted));
        let Some(need) = rule.need(name).filter(|_| is_open && seen.insert(name)) else { continue };
        for code in &need.bring {
            if bring.iter().all(|one| one.code != *code) {
                let title_zh = paper(applied, rule, code);
                bring.push(wire::CaseBring { code: code.clone(), title_zh });
            }
        }
        if let By::Any(parts) | By::All(parts) = &need.by {
            ahead.extend(parts.iter().rev().map(String::as_str));
        }
    }
    bring
}

fn paper(applied: &Applied, rule: &Rule, code: &str) -> String {
    let material = applied.item.materials.get(code).cloned();
    let evidence = || rule.external(code).map(|external| external.title_zh.clone());
    material.or_else(evidence).unwrap_or_else(|| code.to_owned())
}

/// Everybody and everything that an agency really checked, once each, with the entries of the answers.
fn subjects(applied: &Applied, answers: &[(&Answer, &Told)]) -> Vec<wire::CaseSubject> {
    let mut checked: Vec<(&About, Subject, BTreeSet<u64>)> = Vec::new();
    for (answer, told) in answers {
        for position in &told.checked {
            let Some(about) = answer.about.get(*position as usize) else { continue };
            let Some(kind) = applied.case.subject(about) else { continue };
            let known = checked.iter_mut().find(|(_, subject, _)| subject.kind == *kind);
            match known {
                Some((_, _, entries)) => entries.extend(answer.log_index),
                None => {
                    let subject = Subject { role: about.role.clone(), kind: kind.clone() };
                    checked.push((about, subject, answer.log_index.into_iter().collect()));
                }
            }
        }
    }
    let written = checked.into_iter().map(|(about, checked, entries)| wire::CaseSubject {
        place: Some(place(about)),
        subject: Some(subject(&checked)),
        log_indices: entries.into_iter().collect(),
    });
    written.collect()
}
