//! Cases concluded again: the same rule, the same course, the same outcome; and every answer of the course is in the log.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Report;
use crate::audit::entry::{CaseClosed, Kind, RuleEvent};
use crate::cases::{Answer, Course, conclude};
use crate::catalogue::rule::{From, Rule, ToldBy, Written};
use crate::crypto::{Digest, sha256};
use crate::decision::facts::Facts;
use crate::query::time::Timestamp;
use crate::query::value::Verdict;

/// How long before its entry a case may have been opened: the longest case, and the window in which a repeated question
/// gets its first answer.
const KEPT_FOR: Duration = Duration::from_secs(3600);

/// Rules and recent answers.
#[derive(Default)]
pub(super) struct Cases {
    rules: BTreeMap<Digest, Written>,
    /// By index.
    answers: BTreeMap<u64, Answered>,
}

/// What the entry of an answer or denial says.
struct Answered {
    at: Timestamp,
    certificate: Digest,
    case_number: String,
    item: String,
    item_version: String,
    fact: String,
    verdict: Option<Verdict>,
    code: String,
    /// Subjects asked about, and positions of those that were checked.
    asked: usize,
    checked: BTreeSet<u32>,
    /// Attributes that were let out whole.
    disclosed: Vec<String>,
}

impl Cases {
    /// A rule that comes into use.
    pub(super) fn rule(&mut self, index: u64, event: &RuleEvent, report: &mut Report) {
        let digest = sha256(&event.document);
        let written = std::str::from_utf8(&event.document).map(Written::from_text);
        match written {
            Ok(Ok(written)) => {
                self.rules.insert(digest, written);
            }
            Ok(Err(findings)) => {
                let problem = findings.first().map(ToString::to_string).unwrap_or_default();
                report.find(index, "rule", format!("the rule cannot be read: {problem}"));
            }
            Err(_) => report.find(index, "rule", "the rule is no text"),
        }
    }

    /// An entry that may be the answer to a question of a case.
    pub(super) fn answered(&mut self, index: u64, kind: &Kind) {
        let (facts, verdict, code): (&Facts, _, _) = match kind {
            Kind::Outcome(outcome) => {
                let code = outcome.unavailable.map_or("", |reason| reason.code());
                (&outcome.facts, Some(outcome.verdict), code.to_owned())
            }
            Kind::Denial(denied) => (&denied.facts, None, denied.code.clone()),
            _ => return,
        };
        let (checked, disclosed) = match kind {
            Kind::Outcome(outcome) => {
                let is_whole = |name: &&String| !outcome.masked.contains(name);
                let whole = outcome.disclosed.iter().filter(is_whole).cloned();
                (outcome.subjects_checked.iter().copied().collect(), whole.collect())
            }
            _ => (BTreeSet::new(), Vec::new()),
        };
        let answered = Answered {
            at: facts.received_at,
            certificate: facts.caller.certificate,
            case_number: facts.case_number.clone(),
            item: facts.item.as_str().to_owned(),
            item_version: facts.item_version.clone(),
            fact: facts.fact.as_ref().map(|fact| fact.as_str().to_owned()).unwrap_or_default(),
            verdict,
            code,
            asked: facts.roles.len(),
            checked,
            disclosed,
        };
        self.answers.insert(index, answered);
    }

    /// Forgets answers that no case can name any more.
    pub(super) fn forget(&mut self, now: Timestamp) {
        while let Some(oldest) = self.answers.first_entry() {
            if oldest.get().at.plus(KEPT_FOR) >= now {
                break;
            }
            oldest.remove();
        }
    }

    /// A case that was closed.
    pub(super) fn closed(&self, index: u64, closed: &CaseClosed, report: &mut Report) {
        let Some(written) = self.rules.get(&closed.rule) else {
            report.find(index, "case", "its rule is not in the log");
            return;
        };
        let Ok(course) = serde_json::from_str::<Course>(&closed.course) else {
            report.find(index, "case", "its course cannot be read");
            return;
        };
        let conclusion = conclude(&written.rule, &course);
        if conclusion.outcome.name() != closed.outcome {
            let again = conclusion.outcome.name();
            report.find(
                index,
                "case",
                format!("it ended {}, and comes to {again}", closed.outcome),
            );
        }
        let needs = conclusion.needs.iter().map(|need| (need.name.as_str(), need.state.name()));
        let recorded = closed.needs.iter().map(|(name, state)| (name.as_str(), state.as_str()));
        if !needs.eq(recorded) {
            report.find(index, "case", "its needs do not stand as recorded");
        }
        let mut named = BTreeSet::new();
        for answer in &course.answers {
            let Some(of) = answer.log_index else { continue };
            if !named.insert(of) {
                report.find(index, "case", format!("two of its questions name entry {of}"));
            } else if !self.is_answer(of, answer, closed, &written.rule) {
                let question = &answer.question;
                report.find(index, "case", format!("entry {of} is not the answer to `{question}`"));
            }
        }
    }

    /// Whether the entry says what the course says of it, in the same case of the same caller.
    fn is_answer(&self, index: u64, answer: &Answer, closed: &CaseClosed, rule: &Rule) -> bool {
        let Some(entry) = self.answers.get(&index) else { return false };
        let Some(question) = rule.question(&answer.question) else { return false };
        let is_same_case = entry.certificate == closed.caller.certificate
            && entry.case_number == closed.case_number
            && entry.item == closed.item
            && entry.item_version == closed.item_version;
        // A flawed question is recorded without what could not be read of it.
        let is_about = entry.verdict.is_none() || entry.asked == answer.about.len();
        let all_checked = (0..answer.about.len())
            .all(|place| u32::try_from(place).is_ok_and(|place| entry.checked.contains(&place)));
        let is_checked = answer.unchecked || all_checked || is_silence(entry.verdict);
        is_same_case
            && is_about
            && is_checked
            && entry.fact == question.fact.as_str()
            && entry.verdict == answer.verdict
            && entry.code == answer.code
            && (!answer.told || tells(rule, &answer.question, &entry.disclosed))
    }
}

/// What shows nothing needs nobody to be checked.
fn is_silence(verdict: Option<Verdict>) -> bool {
    matches!(verdict, None | Some(Verdict::Unavailable))
}

/// Whether values of these names can tell who belongs to a group that the question finds.
fn tells(rule: &Rule, question: &str, disclosed: &[String]) -> bool {
    let of_it = rule.groups.iter().filter_map(|group| match &group.from {
        From::Found(found) if found.question == question => Some(&found.told_by),
        _ => None,
    });
    let names = |told_by: &ToldBy| match told_by {
        ToldBy::People(attribute) => vec![attribute.clone()],
        ToldBy::Person { name, number } => vec![name.clone(), number.clone()],
    };
    of_it.map(names).any(|names| names.iter().all(|name| disclosed.contains(name)))
}
