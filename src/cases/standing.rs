//! How a question, a condition or a group stands, from the rule and the course alone.

use super::course::{Answer, Course};
use super::day;
use crate::catalogue::rule::{Across, Condition, Found, From, On, Question, Rule};
use crate::query::value::{Value, Verdict};

/// A rule, and the course of a case under it.
#[derive(Clone, Copy)]
pub(super) struct Standing<'a> {
    pub(super) rule: &'a Rule,
    pub(super) course: &'a Course,
}

impl<'a> Standing<'a> {
    /// The answers to a question.
    pub(super) fn answers(self, question: &str) -> impl Iterator<Item = &'a Answer> {
        let question = question.to_owned();
        self.course.answers.iter().filter(move |answer| answer.question == question)
    }

    /// Whether all conditions hold; `None` when it cannot be known.
    pub(super) fn applies(self, when: &[Condition]) -> Option<bool> {
        let all: Vec<Option<bool>> = when.iter().map(|condition| self.holds(condition)).collect();
        if all.contains(&Some(false)) {
            return Some(false);
        }
        (!all.contains(&None)).then_some(true)
    }

    fn holds(self, condition: &Condition) -> Option<bool> {
        let holds = match &condition.on {
            On::Question(name, verdicts) => self.verdict_is(name, verdicts)?,
            On::Given(name, values) => {
                self.course.stated.get(name).is_some_and(|value: &Value| values.contains(value))
            }
            On::Party(name) => self.course.parties.contains_key(name),
            On::Document(name, kinds) => self.course.parties.get(name).is_some_and(|shape| {
                shape.documents.iter().all(|one| kinds.iter().any(|kind| kind.name() == one))
            }),
            On::Registrar(name, registrars) => {
                self.course.parties.get(name).is_some_and(|shape| {
                    shape.registrars.iter().all(|one| registrars.contains(one))
                })
            }
            On::External(name) => self.course.evidence.contains_key(name),
        };
        Some(holds != condition.not)
    }

    /// Whether a question's verdict is one of these. Only an answer says no; silence says nothing.
    fn verdict_is(self, name: &str, verdicts: &[Verdict]) -> Option<bool> {
        let question = self.rule.question(name)?;
        if self.applies(&question.when) == Some(false) {
            return Some(false);
        }
        let verdict = self.verdict(question)?;
        match verdict {
            _ if verdicts.contains(&verdict) => Some(true),
            Verdict::Confirmed | Verdict::Refuted | Verdict::NotFound => Some(false),
            Verdict::Stale | Verdict::Conflict | Verdict::Unavailable => None,
        }
    }

    /// The verdict on all members together; `None` while one has none, and of nobody.
    pub(super) fn verdict(self, question: &Question) -> Option<Verdict> {
        let verdicts: Vec<Verdict> =
            self.answers(&question.name).map(|answer| answer.verdict).collect::<Option<_>>()?;
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
    pub(super) fn times(self, question: &Question) -> usize {
        match question.each.as_ref().and_then(|role| question.about.get(role)) {
            Some(who) => self.size(who),
            None => 1,
        }
    }

    /// How many members are known of a party or group. Families are counted by the course, which has each person once.
    pub(super) fn size(self, who: &str) -> usize {
        let counted = self.course.found.get(who).map(|told| told.known);
        let named = self.course.parties.get(who).map(|shape| shape.count);
        counted.or(named).unwrap_or(0) as usize
    }

    /// Whether every member of a party or group is known.
    pub(super) fn complete(self, who: &str) -> bool {
        let Some(group) = self.rule.group(who) else { return true };
        match &group.from {
            From::Together(parts) => parts.iter().all(|part| self.complete(part)),
            From::Found(found) => {
                self.enumerated(found)
                    && !self.course.found.get(who).is_some_and(|told| told.differs)
            }
        }
    }

    /// Whether the question that finds a group has told of everybody.
    fn enumerated(self, found: &Found) -> bool {
        let Some(question) = self.rule.question(&found.question) else { return false };
        match self.applies(&question.when) {
            Some(true) => {}
            Some(false) => return true,
            None => return false,
        }
        if !question.about.values().all(|who| self.complete(who)) {
            return false;
        }
        let answers: Vec<&Answer> = self.answers(&found.question).collect();
        answers.len() == self.times(question)
            && answers.iter().all(|answer| self.told(found, answer))
    }

    fn told(self, found: &Found, answer: &Answer) -> bool {
        match answer.verdict {
            _ if answer.unchecked => false,
            Some(verdict) if found.nobody_when.contains(&verdict) => true,
            Some(Verdict::Confirmed) => answer.told || self.shown(found),
            Some(Verdict::NotFound) => {
                found.nobody_with.as_ref().is_some_and(|name| self.fresh(name) == Some(true))
            }
            _ => false,
        }
    }

    /// A declared member whom another question has shown to be the right one.
    fn shown(self, found: &Found) -> bool {
        let declared =
            found.declared.as_ref().is_some_and(|party| self.course.parties.contains_key(party));
        let shown = found.shown_by.as_ref().and_then(|name| self.rule.question(name));
        declared && shown.is_some_and(|question| self.verdict(question) == Some(Verdict::Confirmed))
    }

    /// Whether evidence that came is young enough; `None` when it did not come.
    pub(super) fn fresh(self, name: &str) -> Option<bool> {
        let attached = self.course.evidence.get(name)?;
        let Some(limit) = self.rule.external(name)?.fresh_for else { return Some(true) };
        let age = || {
            let run_on = self.course.run_on.or_else(|| day::read(&self.course.submitted_on))?;
            u64::try_from(run_on.since(attached.issued_on).ok()?.get_days()).ok()
        };
        Some(age().is_some_and(|days| days <= limit.as_secs() / 86_400))
    }
}
