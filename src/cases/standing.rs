//! How a question, a condition or a group stands, from the rule and the course alone.
//!
//! Many conditions and groups may lead to the same question. Each is looked at once: what has been found is kept, so that no
//! rule, however it is woven, takes longer than it is long.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::course::{Answer, Course};
use super::day;
use crate::catalogue::rule::{Across, Condition, Found, From, Group, On, Question, Rule};
use crate::query::value::{Value, Verdict};

/// Most members of a group, and most whom one answer tells of; far more than any family has.
pub(super) const MEMBERS_MOST: u32 = 1024;

/// A rule, and the course of a case under it, neither of which changes meanwhile.
pub(super) struct Standing<'a> {
    pub(super) rule: &'a Rule,
    pub(super) course: &'a Course,
    /// By question: whether it is to be asked.
    asked: RefCell<BTreeMap<&'a str, Option<bool>>>,
    /// By group: whether it is known whole.
    whole: RefCell<BTreeMap<&'a str, bool>>,
}

impl<'a> Standing<'a> {
    pub(super) fn new(rule: &'a Rule, course: &'a Course) -> Self {
        Self { rule, course, asked: RefCell::default(), whole: RefCell::default() }
    }

    /// The answers to a question.
    pub(super) fn answers(&self, question: &str) -> impl Iterator<Item = &'a Answer> + use<'a> {
        let question = question.to_owned();
        self.course.answers.iter().filter(move |answer| answer.question == question)
    }

    /// Whether a question is to be asked; `None` when it cannot be known.
    pub(super) fn is_asked(&self, question: &'a Question) -> Option<bool> {
        if let Some(known) = self.asked.borrow().get(question.name.as_str()) {
            return *known;
        }
        let asked = self.applies(&question.when);
        self.asked.borrow_mut().insert(&question.name, asked);
        asked
    }

    /// Whether all conditions hold; `None` when it cannot be known.
    pub(super) fn applies(&self, when: &[Condition]) -> Option<bool> {
        let all: Vec<Option<bool>> = when.iter().map(|condition| self.holds(condition)).collect();
        if all.contains(&Some(false)) {
            return Some(false);
        }
        (!all.contains(&None)).then_some(true)
    }

    fn holds(&self, condition: &Condition) -> Option<bool> {
        let holds = match &condition.on {
            On::Question(name, verdicts) => self.verdict_is(name, verdicts)?,
            On::Given(name, values) => {
                self.course.stated.get(name).is_some_and(|value: &Value| values.contains(value))
            }
            On::Party(name) => self.course.parties.contains_key(name),
            On::Document(name, kinds) => match self.course.parties.get(name) {
                None => false,
                Some(shape) => alike(shape.documents.iter(), |one| {
                    kinds.iter().any(|kind| kind.name() == one.as_str())
                })?,
            },
            On::Registrar(name, registrars) => match self.course.parties.get(name) {
                None => false,
                Some(shape) => alike(shape.registrars.iter(), |one| registrars.contains(one))?,
            },
            // What has come and is too old neither opens a way nor closes one.
            On::External(name) => match self.fresh(name) {
                None => false,
                Some(true) => true,
                Some(false) => return None,
            },
        };
        Some(holds != condition.not)
    }

    /// Whether a question's verdict is one of these. Only an answer says no; silence says nothing.
    fn verdict_is(&self, name: &str, verdicts: &[Verdict]) -> Option<bool> {
        let question = self.rule.question(name)?;
        if self.is_asked(question) == Some(false) {
            return Some(false);
        }
        let verdict = self.verdict(question)?;
        match verdict {
            _ if verdicts.contains(&verdict) => Some(true),
            Verdict::Confirmed | Verdict::Refuted | Verdict::NotFound => Some(false),
            Verdict::Stale | Verdict::Conflict | Verdict::Unavailable => None,
        }
    }

    /// The verdict on all members together; `None` while one has none, and of nobody. A yes of which not everybody was
    /// checked is none.
    pub(super) fn verdict(&self, question: &Question) -> Option<Verdict> {
        let said = |answer: &Answer| match answer.verdict {
            Some(Verdict::Confirmed) if answer.unchecked => None,
            verdict => verdict,
        };
        let verdicts: Vec<Verdict> =
            self.answers(&question.name).map(said).collect::<Option<_>>()?;
        if verdicts.is_empty() || verdicts.len() != self.times(question) {
            return None;
        }
        let decisive = match question.across {
            Across::All => Verdict::Refuted,
            Across::Any => Verdict::Confirmed,
        };
        if verdicts.contains(&decisive) {
            return Some(decisive);
        }
        // Otherwise the first that is neither yes nor no, or what all of them say.
        let open = |verdict: &&Verdict| !matches!(verdict, Verdict::Confirmed | Verdict::Refuted);
        verdicts.iter().find(open).or(verdicts.first()).copied()
    }

    /// How often a question is asked: once per member of the group of its `each`.
    pub(super) fn times(&self, question: &Question) -> usize {
        match question.each.as_ref().and_then(|role| question.about.get(role)) {
            Some(who) => self.size(who),
            None => 1,
        }
    }

    /// How many members are known of a party or group. Families are counted by the course, which has each person once. Never
    /// more than there can be: whoever writes a course by hand has nobody reckon with as many as they like.
    pub(super) fn size(&self, who: &str) -> usize {
        let counted = self.course.found.get(who).map(|told| told.known);
        let named = self.course.parties.get(who).map(|shape| shape.count);
        counted.or(named).unwrap_or(0).min(MEMBERS_MOST) as usize
    }

    /// Whether every member of a party or group is known.
    pub(super) fn complete(&self, who: &str) -> bool {
        let Some(group) = self.rule.group(who) else { return true };
        if let Some(known) = self.whole.borrow().get(group.name.as_str()) {
            return *known;
        }
        let is_counted = self.course.found.get(who).is_some_and(|told| !told.differs);
        let is_whole = is_counted
            && match &group.from {
                From::Together(parts) => parts.iter().all(|part| self.complete(part)),
                From::Found(found) => self.enumerated(group, found),
            };
        self.whole.borrow_mut().insert(&group.name, is_whole);
        is_whole
    }

    /// Whether the question that finds a group has told of everybody.
    fn enumerated(&self, group: &Group, found: &'a Found) -> bool {
        let Some(question) = self.rule.question(&found.question) else { return false };
        match self.is_asked(question) {
            Some(true) => {}
            Some(false) => return true,
            None => return false,
        }
        if !question.about.values().all(|who| self.complete(who)) {
            return false;
        }
        let answers: Vec<&Answer> = self.answers(&found.question).collect();
        answers.len() == self.times(question)
            && answers.iter().all(|answer| self.told(group, found, answer))
    }

    fn told(&self, group: &Group, found: &Found, answer: &Answer) -> bool {
        match answer.verdict {
            _ if answer.unchecked => false,
            Some(verdict) if found.nobody_when.contains(&verdict) => true,
            Some(Verdict::Confirmed) => answer.told.contains_key(&group.name) || self.shown(found),
            Some(Verdict::NotFound) => {
                found.nobody_with.as_ref().is_some_and(|name| self.fresh(name) == Some(true))
            }
            _ => false,
        }
    }

    /// Whether an agency has said that nobody belongs to the group, or that it knows of nobody.
    pub(super) fn says_nobody(&self, found: &Found) -> bool {
        let is_nobody = |verdict: Verdict| {
            matches!(verdict, Verdict::Refuted | Verdict::NotFound)
                || found.nobody_when.contains(&verdict)
        };
        self.answers(&found.question).any(|answer| answer.verdict.is_some_and(is_nobody))
    }

    /// A declared member whom another question has shown to be the right one.
    pub(super) fn shown(&self, found: &Found) -> bool {
        let declared =
            found.declared.as_ref().is_some_and(|party| self.course.parties.contains_key(party));
        let shown = found.shown_by.as_ref().and_then(|name| self.rule.question(name));
        declared && shown.is_some_and(|question| self.verdict(question) == Some(Verdict::Confirmed))
    }

    /// Whether evidence that came is young enough; `None` when it did not come.
    pub(super) fn fresh(&self, name: &str) -> Option<bool> {
        let attached = self.course.evidence.get(name)?;
        let Some(limit) = self.rule.external(name)?.fresh_for else { return Some(true) };
        let age = || {
            let run_on = self.course.run_on.or_else(|| day::read(&self.course.submitted_on))?;
            u64::try_from(run_on.since(attached.issued_on).ok()?.get_days()).ok()
        };
        Some(age().is_some_and(|days| days <= limit.as_secs() / 86_400))
    }
}

/// Whether all of a party fit, or none; `None` where some do and some do not: what is asked of those who fit would show
/// nothing of the others.
fn alike<T>(mut all: impl Iterator<Item = T>, fits: impl Fn(T) -> bool) -> Option<bool> {
    let first = fits(all.next()?);
    all.all(|one| fits(one) == first).then_some(first)
}
