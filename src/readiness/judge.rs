//! How far an item gets, from which of its questions are covered and what its rule makes of them.
//!
//! A need with alternatives is as good as the best of them; everything else is as good as the worst of its parts. What only
//! some applications need counts like what all need: the item runs from end to end when each of them can. Whose document only
//! a visit shows, such as a passport, comes to the counter in any item; that is left out of account.

use std::collections::BTreeSet;

use super::probe::Asked;
use super::{Evidence, ItemState, Missing, QuestionState, Reach, View};
use crate::catalogue::rule::{By, Condition, From, Need, On, Question, Rule};
use crate::catalogue::{Fact, Item};
use crate::decision::denial::Denial;

/// Who issues what the applicant alone states.
const APPLICANT: &str = "applicant";
/// Who issues what only a visit brings.
pub(super) const COUNTER: &str = "counter";

/// How far one item gets.
pub(super) fn item(view: &View<'_>, item: &Item) -> ItemState {
    let rule = item.rule.as_ref().map(|written| &written.rule);
    let questions: Vec<QuestionState> = match rule {
        Some(rule) => rule
            .questions
            .iter()
            .filter_map(|question| {
                let fact = view.catalogue.fact(&question.fact)?;
                let asked = Asked::of_rule(item, fact, rule, question);
                Some(state(view, fact, &question.name, is_sometimes(rule, question), &[asked]))
            })
            .collect(),
        None => item
            .facts
            .iter()
            .filter_map(|code| {
                let fact = view.catalogue.fact(code)?;
                Some(state(view, fact, code.as_str(), false, &Asked::least(item, fact)))
            })
            .collect(),
    };
    let covered = questions.iter().filter(|one| one.is_covered()).map(|one| one.name.as_str());
    let covered: BTreeSet<&str> = covered.collect();
    let judged = judged(item, &covered);
    ItemState {
        item: item.code.clone(),
        version: item.version.clone(),
        title: item.title.clone(),
        title_zh: item.title_zh.clone(),
        channel: item.channel.name().to_owned(),
        has_rule: rule.is_some(),
        reach: judged,
        person_decides: rule.and_then(|rule| rule.person_decides.clone()),
        evidence: rule.map(|rule| evidence(rule, &covered)).unwrap_or_default(),
        questions,
    }
}

/// How far the item gets when these of its questions are covered.
pub(super) fn judged(item: &Item, covered: &BTreeSet<&str>) -> Reach {
    let is_through = match item.rule.as_ref().map(|written| &written.rule) {
        None => {
            let all = item.facts.iter().all(|fact| covered.contains(fact.as_str()));
            return match (all, covered.is_empty()) {
                (true, _) => Reach::EndToEnd,
                (false, true) => Reach::NotAtAll,
                (false, false) => Reach::Partly,
            };
        }
        Some(rule) => {
            let weighing = Weighing { rule, covered };
            let worst = rule.requirements().map(|need| weighing.need(need)).min();
            (worst.unwrap_or(Shown::Fully), rule.person_decides.is_some())
        }
    };
    match is_through {
        (Shown::Fully | Shown::Evidence, true) | (Shown::Person, _) => Reach::PersonDecides,
        (Shown::Fully, false) => Reach::EndToEnd,
        (Shown::Evidence, false) => Reach::ButForEvidence,
        (Shown::Open, _) if covered.is_empty() => Reach::NotAtAll,
        (Shown::Open, _) => Reach::Partly,
    }
}

/// One question: the first of its forms that is opened, else the denial of the first.
fn state(
    view: &View<'_>,
    fact: &Fact,
    name: &str,
    sometimes: bool,
    forms: &[Asked<'_>],
) -> QuestionState {
    let mut denial = None;
    let mut opened = None;
    for asked in forms {
        match asked.opened(view) {
            Ok(found) => {
                opened = Some(found);
                break;
            }
            Err(denied) => {
                denial.get_or_insert(denied);
            }
        }
    }
    let adapter = view.adapters.get(&fact.code).cloned();
    let missing = match (&opened, &adapter) {
        (None, _) => Some(denied(&denial.unwrap_or(Denial::NothingAsked))),
        (Some(_), None) => Some(Missing {
            code: "NO_ADAPTER".to_owned(),
            advice: "No adapter answers this fact: place one (docs/adapters.md).".to_owned(),
            advice_zh: "没有适配器能回答此事实：请部署适配器（docs/adapters.md）。".to_owned(),
        }),
        (Some(_), Some(reached)) if !reached.is_serving => Some(Missing {
            code: format!("ADAPTER_{}", reached.health.to_uppercase()),
            advice: format!(
                "Granted, but the agency cannot be asked: see `heyan adapter list` about `{}`.",
                reached.adapter
            ),
            advice_zh: format!(
                "已获授权，但目前无法查询该部门：用 `heyan adapter list` 查看 `{}`。",
                reached.adapter
            ),
        }),
        (Some(_), Some(_)) => None,
    };
    let (grant, demands) =
        opened.map_or((None, Vec::new()), |opened| (Some(opened.grant), opened.demands));
    QuestionState {
        name: name.to_owned(),
        fact: fact.code.clone(),
        fact_zh: fact.title_zh.clone(),
        agency: fact.agency.clone(),
        sometimes,
        grant,
        demands,
        adapter,
        missing,
    }
}

fn denied(denial: &Denial) -> Missing {
    Missing {
        code: denial.code().to_owned(),
        advice: denial.advice(),
        advice_zh: denial.advice_zh(),
    }
}

/// Whether an application can do without: by a condition of the question, or because a group of it may be empty.
fn is_sometimes(rule: &Rule, question: &Question) -> bool {
    !question.when.is_empty()
        || question.about.values().any(|who| {
            matches!(rule.group(who).map(|group| &group.from), Some(From::Found(_)))
                || rule.party(who).is_some_and(|party| party.optional)
        })
}

/// Every piece of evidence, and whether anything hangs on it.
fn evidence(rule: &Rule, covered: &BTreeSet<&str>) -> Vec<Evidence> {
    let weighing = Weighing { rule, covered };
    let mut needed: Vec<(&str, bool)> = Vec::new();
    for need in rule.requirements() {
        weighing.lacking(need, true, &mut needed);
    }
    rule.externals
        .iter()
        .map(|external| Evidence {
            name: external.name.clone(),
            title_zh: external.title_zh.clone(),
            issuer: external.issuer.clone(),
            is_needed: needed.iter().any(|(name, _)| *name == external.name),
            always: needed.contains(&(external.name.as_str(), true)),
            suffices: external.suffices,
        })
        .collect()
}

/// How well something can be shown, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Shown {
    /// Not without a visit.
    Open,
    /// By evidence that a person must look at.
    Person,
    /// By evidence from outside.
    Evidence,
    /// By answers, by the centre's own books, by what the applicant states.
    Fully,
}

/// A rule, and which of its questions are covered.
#[derive(Clone, Copy)]
struct Weighing<'a> {
    rule: &'a Rule,
    covered: &'a BTreeSet<&'a str>,
}

impl<'a> Weighing<'a> {
    fn need(self, need: &Need) -> Shown {
        let by = match &need.by {
            By::Question(name) => self.question(name),
            By::Given { .. } => Shown::Fully,
            By::External(name) => self.external(name),
            By::Complete(group) => self.known(group),
            By::Any(names) => self.needs(names).max().unwrap_or(Shown::Open),
            By::All(names) => self.needs(names).min().unwrap_or(Shown::Fully),
        };
        by.min(self.conditions(&need.when))
    }

    fn needs(self, names: &'a [String]) -> impl Iterator<Item = Shown> {
        names.iter().filter_map(move |name| self.rule.need(name)).map(move |need| self.need(need))
    }

    fn question(self, name: &str) -> Shown {
        let Some(question) = self.rule.question(name) else { return Shown::Open };
        if !self.covered.contains(name) {
            return Shown::Open;
        }
        let about = question.about.values().map(|who| self.known(who)).min();
        about.unwrap_or(Shown::Fully).min(self.conditions(&question.when))
    }

    /// Whether everybody of a party or group becomes known.
    fn known(self, who: &str) -> Shown {
        match self.rule.group(who).map(|group| &group.from) {
            None => Shown::Fully,
            Some(From::Together(parts)) => {
                parts.iter().map(|part| self.known(part)).min().unwrap_or(Shown::Fully)
            }
            Some(From::Found(found)) => self.question(&found.question),
        }
    }

    /// A condition on an answer that cannot be had leaves open whether there is a need.
    fn conditions(self, when: &[Condition]) -> Shown {
        let asked = when.iter().filter_map(|condition| match &condition.on {
            On::Question(name, _) => Some(self.question(name)),
            _ => None,
        });
        asked.min().unwrap_or(Shown::Fully)
    }

    fn external(self, name: &str) -> Shown {
        match self.rule.external(name) {
            Some(external) if external.issuer == COUNTER => Shown::Open,
            Some(external) if external.issuer == APPLICANT && external.suffices => Shown::Fully,
            Some(external) if external.suffices => Shown::Evidence,
            Some(_) => Shown::Person,
            None => Shown::Open,
        }
    }

    /// Evidence on which the need hangs, and whether in every application.
    fn lacking(self, need: &'a Need, always: bool, into: &mut Vec<(&'a str, bool)>) {
        let always = always && need.when.is_empty();
        match &need.by {
            By::External(name) if self.external(name) != Shown::Fully => into.push((name, always)),
            By::All(names) => {
                for need in names.iter().filter_map(|name| self.rule.need(name)) {
                    self.lacking(need, always, into);
                }
            }
            By::Any(names) => {
                let best = self.needs(names).max();
                let parts = || names.iter().filter_map(|name| self.rule.need(name));
                // Where an answer would do, nothing hangs on evidence.
                if matches!(best, Some(Shown::Evidence | Shown::Person)) {
                    let only = parts().filter(|need| Some(self.need(need)) == best);
                    only.for_each(|need| self.lacking(need, always, into));
                }
            }
            By::External(_) | By::Question(_) | By::Given { .. } | By::Complete(_) => {}
        }
    }
}
