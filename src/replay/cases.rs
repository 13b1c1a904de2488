//! Cases concluded again: the same rule, the same course, the same outcome; and every answer of the course is in the log, and
//! every answer of the log in the course.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;

use super::Report;
use super::asked::{Answered, is_silence};
use crate::audit::entry::{CaseClosed, Kind, NodeChange, RuleEvent};
use crate::cases::{
    About, Course, Filed, NotFiled, Unheard, conclude, day, on_word, places, unsound,
};
use crate::catalogue::rule::{Rule, Written};
use crate::crypto::{Digest, sha256};
use crate::query::time::Timestamp;

/// How long before its entry a case may have been opened: the longest case, and the window in which a repeated question
/// gets its first answer.
const KEPT_FOR: Duration = Duration::from_secs(3600);

/// Differences of a course that are named; one suffices to know that it was not run.
const NAMED_MOST: usize = 4;

/// Rules and recent answers.
#[derive(Default)]
pub(super) struct Cases {
    /// By item, version and digest.
    rules: BTreeMap<(String, String, Digest), Adopted>,
    /// By index.
    answers: BTreeMap<u64, Answered>,
    /// Answers of one case number of one caller.
    of_case: BTreeMap<(Digest, String), BTreeSet<u64>>,
    /// Questions without an answer when their case was closed, with its time: the answer may have come later.
    unheard: Vec<(Timestamp, [u8; 16], Unheard)>,
    /// Subjects and applications that were opened, by the entry of the case that is to come.
    filed: BTreeMap<u64, (String, String)>,
}

/// A rule of the log.
struct Adopted {
    written: Written,
    /// First day of its version, and the day after its last.
    days: (Date, Option<Date>),
    /// Since the last catalogue came into use, that is: for the next.
    is_announced: bool,
    /// When a catalogue without it came into use.
    gone: Option<Timestamp>,
}

impl Cases {
    /// A rule that comes into use.
    pub(super) fn rule(&mut self, index: u64, event: &RuleEvent, report: &mut Report) {
        match adopted(event) {
            Ok(adopted) => {
                let digest = sha256(&event.document);
                let key = (event.item.clone(), event.version.clone(), digest);
                self.rules.insert(key, adopted);
            }
            Err(problem) => report.find(index, "rule", problem),
        }
    }

    /// A catalogue that comes into use, with the rules that were announced before it and no other.
    pub(super) fn catalogue(&mut self, at: Timestamp) {
        for rule in self.rules.values_mut() {
            if !std::mem::take(&mut rule.is_announced) && rule.gone.is_none() {
                rule.gone = Some(at);
            }
        }
    }

    /// What was under way when the gateway ended has no case.
    pub(super) fn node(&mut self, change: NodeChange) {
        if change == NodeChange::Started {
            self.answers.values_mut().for_each(|answered| answered.is_accounted_for = true);
        }
    }

    /// An entry that may be the answer to a question of a case.
    pub(super) fn answered(&mut self, index: u64, kind: &Kind) {
        if let Some(answered) = Answered::of(kind) {
            self.of_case.entry(case_of(&answered)).or_default().insert(index);
            self.answers.insert(index, answered);
        }
    }

    /// Forgets answers that no case can name any more.
    pub(super) fn forget(&mut self, now: Timestamp) {
        while let Some(oldest) = self.answers.first_entry() {
            if oldest.get().at().plus(KEPT_FOR) >= now {
                break;
            }
            let (index, answered) = oldest.remove_entry();
            let case = case_of(&answered);
            if let Some(of_it) = self.of_case.get_mut(&case) {
                of_it.remove(&index);
                if of_it.is_empty() {
                    self.of_case.remove(&case);
                }
            }
        }
        self.unheard.retain(|(at, ..)| at.plus(KEPT_FOR) >= now);
    }

    /// What the case of an entry that is to come commits to.
    pub(super) fn filed(&mut self, index: u64, texts: (String, String)) {
        self.filed.insert(index, texts);
    }

    /// A case that was closed.
    pub(super) fn closed(
        &mut self,
        index: u64,
        at: Timestamp,
        closed: &CaseClosed,
        report: &mut Report,
    ) {
        let key = (closed.item.clone(), closed.item_version.clone(), closed.rule);
        let Some(adopted) = self.rules.get(&key) else {
            report.find(index, "case", "its rule is not in the log for this version of the item");
            return;
        };
        let Ok(course) = serde_json::from_str::<Course>(&closed.course) else {
            report.find(index, "case", "its course cannot be read");
            return;
        };
        if let Some(problem) = adopted.misdated(&course, at) {
            report.find(index, "case", problem);
        }
        let written = &adopted.written;
        let rule = &written.rule;
        report.cases += 1;
        let filed = self.filed.remove(&index);
        let filed =
            filed.and_then(|texts| retaken(index, closed, (written, &course), &texts, report));
        // What the course itself shows is reckoned again with everything else of it.
        let hidden = on_word(rule, &course);
        let compared = course.checked.len();
        let again = if filed.is_some() { compared } else { compared.saturating_sub(hidden) };
        report.retaken += again as u64;
        report.on_word += (compared - again) as u64;
        let unsound = unsound(rule, &course);
        if !unsound.is_empty() {
            let named: Vec<&str> = unsound.iter().take(NAMED_MOST).map(String::as_str).collect();
            report.find(index, "case", format!("its course cannot be so: {}", named.join("; ")));
        }
        concluded(index, closed, (rule, &course), report);
        let named = self.named(index, closed, (rule, &course), report);
        let is_sound = unsound.is_empty();
        for one in &course.unheard {
            self.unheard.push((at, closed.case_id, one.clone()));
        }
        // Of a course that cannot be so, its own places tell nothing.
        let left_out = if is_sound { self.left_out(&named, closed, rule, &course) } else { vec![] };
        for (of, question) in &left_out {
            let text = format!("entry {of} answers `{question}`, and it does not say so");
            report.find(index, "case", text);
        }
        for index in named.into_iter().chain(left_out.into_iter().map(|(of, _)| of)) {
            if let Some(answered) = self.answers.get_mut(&index) {
                answered.is_accounted_for = true;
            }
        }
    }

    /// Entries that the course names; each must be what the course says of it.
    fn named(
        &self,
        index: u64,
        closed: &CaseClosed,
        (rule, course): (&Rule, &Course),
        report: &mut Report,
    ) -> BTreeSet<u64> {
        let mut named = BTreeSet::new();
        for answer in &course.answers {
            let Some(of) = answer.log_index else { continue };
            let problem = match (self.answers.get(&of), rule.question(&answer.question)) {
                _ if !named.insert(of) => Some("another question names it, too"),
                (Some(entry), Some(question)) => {
                    entry.differs(answer, closed, (rule, question), course)
                }
                _ => Some("it is none"),
            };
            if let Some(problem) = problem {
                let text = format!("entry {of} is not the answer to a question of it: {problem}");
                report.find(index, "case", text);
            }
        }
        named
    }

    /// Answers to questions of the case that it neither names nor says to have missed, each with its question.
    fn left_out(
        &self,
        named: &BTreeSet<u64>,
        closed: &CaseClosed,
        rule: &Rule,
        course: &Course,
    ) -> Vec<(u64, String)> {
        let case = (closed.caller.certificate, closed.case_number.clone());
        let of_case = self.of_case.get(&case).into_iter().flatten();
        let mut left_out = Vec::new();
        for (index, entry) in of_case.filter_map(|index| Some((index, self.answers.get(index)?))) {
            let is_open = !named.contains(index)
                && !entry.is_accounted_for
                && !is_silence(entry.verdict)
                && entry.is_in(closed);
            if !is_open {
                continue;
            }
            let is_of = |name: &str, about: &[About]| entry.is_called(closed.case_id, name, about);
            let is_unheard = self.unheard.iter().any(|(_, case_id, one)| {
                *case_id == closed.case_id && is_of(&one.question, &one.about)
            });
            let mut questions = rule.questions.iter();
            let question = questions.find(|question| {
                entry.facts.fact.as_ref() == Some(&question.fact)
                    && places(rule, course, question)
                        .iter()
                        .any(|about| is_of(&question.name, about))
            });
            if let Some(question) = question.filter(|_| !is_unheard) {
                left_out.push((*index, question.name.clone()));
            }
        }
        left_out
    }
}

fn case_of(answered: &Answered) -> (Digest, String) {
    let facts = &answered.facts;
    (facts.caller.certificate, facts.case_number.clone())
}

impl Adopted {
    /// Why no application of that day was to be decided by the rule; `None` when it was.
    fn misdated(&self, course: &Course, at: Timestamp) -> Option<&'static str> {
        let Some(submitted_on) = day::read(&course.submitted_on) else {
            return Some("the day of its application is none");
        };
        let (from, to) = self.days;
        if submitted_on > at.day_in_china() {
            return Some("its application is of a later day");
        }
        if submitted_on < from || to.is_some_and(|to| submitted_on >= to) {
            return Some("its version of the item did not hold on the day of the application");
        }
        let gone = self.gone.is_some_and(|gone| gone.plus(KEPT_FOR) < at);
        gone.then_some("its rule was no longer in use")
    }
}

/// The rule of an entry.
fn adopted(event: &RuleEvent) -> Result<Adopted, String> {
    let text = std::str::from_utf8(&event.document).map_err(|_| "the rule is no text")?;
    let written = Written::from_text(text).map_err(|findings| {
        let problem = findings.first().map(ToString::to_string).unwrap_or_default();
        format!("the rule cannot be read: {problem}")
    })?;
    if written.rule.item != event.item || written.rule.version != event.version {
        return Err("the rule is that of another item or version".to_owned());
    }
    let to = match event.effective_to.as_str() {
        "" => Some(None),
        to => day::read(to).map(Some),
    };
    match (day::read(&event.effective_from), to) {
        (Some(from), Some(to)) => {
            Ok(Adopted { written, days: (from, to), is_announced: true, gone: None })
        }
        _ => Err("the days of the rule are none".to_owned()),
    }
}

/// The application, read again; what the course and the entry say of it otherwise is found. `None` when it tells nothing.
fn retaken(
    index: u64,
    closed: &CaseClosed,
    (written, course): (&Written, &Course),
    (subject, request): &(String, String),
    report: &mut Report,
) -> Option<()> {
    let filed = match Filed::open(Arc::new(written.clone()), course, (subject, request)) {
        Ok(filed) => filed,
        Err(NotFiled::Digest) => return None,
        Err(why) => {
            report.find(index, "case", format!("its application cannot be taken again: {why}"));
            return None;
        }
    };
    let head = filed.head();
    let is_version = |version: &str| version.is_empty() || version == closed.item_version;
    let is_its_own = uuid::Uuid::try_parse(head.case_id)
        .is_ok_and(|id| *id.as_bytes() == closed.case_id)
        && head.item == closed.item
        && is_version(head.item_version)
        && head.case_number == closed.case_number
        && head.operator_unit == closed.operator_unit;
    if !is_its_own {
        report.find(index, "case", "the application that it commits to is another case's");
    }
    let differs = filed.differs(course);
    if !differs.is_empty() {
        let named: Vec<&str> = differs.iter().take(NAMED_MOST).map(String::as_str).collect();
        let text =
            format!("the application that it commits to says otherwise: {}", named.join("; "));
        report.find(index, "case", text);
    }
    Some(())
}

/// The outcome and the needs, again.
fn concluded(
    index: u64,
    closed: &CaseClosed,
    (rule, course): (&Rule, &Course),
    report: &mut Report,
) {
    let conclusion = conclude(rule, course);
    if conclusion.outcome.name() != closed.outcome {
        let again = conclusion.outcome.name();
        report.find(index, "case", format!("it ended otherwise: it comes to {again}"));
    }
    let needs = conclusion.needs.iter().map(|need| (need.name.as_str(), need.state.name()));
    let recorded = closed.needs.iter().map(|(name, state)| (name.as_str(), state.as_str()));
    if !needs.eq(recorded) {
        report.find(index, "case", "its needs do not stand as recorded");
    }
}
