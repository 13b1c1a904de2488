//! A rule must come to an end: nothing may wait for itself.
//!
//! A question waits for the groups it is about and the questions of its conditions; a group for the question that finds it,
//! the one that shows it, and the groups it is made of; a need for the needs it is made of.

use std::collections::BTreeMap;

use toml::Spanned;

use super::form::RuleRecord;
use super::{By, Condition, From, On, Rule};
use crate::catalogue::load::Page;

/// Notes a finding for each circle, at its first name in the file.
pub(super) fn refuse_circles(record: &RuleRecord, rule: &Rule, page: &mut Page<'_>) {
    let waits = waits(rule);
    let places = record
        .group
        .iter()
        .map(|group| ("group", &group.name))
        .chain(record.question.iter().map(|question| ("question", &question.name)))
        .chain(record.need.iter().map(|need| ("need", &need.name)));
    let mut told: Vec<String> = Vec::new();
    for (kind, name) in places {
        let start = node(kind, name.get_ref());
        if let Some(circle) = circle(&start, &waits)
            && !circle.iter().any(|node| told.contains(node))
        {
            flaw(name, &circle, page);
            told.extend(circle);
        }
    }
}

fn flaw(name: &Spanned<String>, circle: &[String], page: &mut Page<'_>) {
    page.flaw(name, format!("this waits for itself: {}", circle.join(" → ")));
}

fn node(kind: &str, name: &str) -> String {
    format!("{kind} `{name}`")
}

/// What each group, question and need waits for.
fn waits(rule: &Rule) -> BTreeMap<String, Vec<String>> {
    let mut waits: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for group in &rule.groups {
        let before = match &group.from {
            From::Together(names) => names.iter().map(|name| node("group", name)).collect(),
            From::Found(found) => [Some(&found.question), found.shown_by.as_ref()]
                .into_iter()
                .flatten()
                .map(|name| node("question", name))
                .collect(),
        };
        waits.insert(node("group", &group.name), before);
    }
    for question in &rule.questions {
        let mut before: Vec<String> =
            question.about.values().map(|name| node("group", name)).collect();
        before.extend(conditions(&question.when));
        waits.insert(node("question", &question.name), before);
    }
    for need in &rule.needs {
        let before = match &need.by {
            By::Any(names) | By::All(names) => {
                names.iter().map(|name| node("need", name)).collect()
            }
            _ => Vec::new(),
        };
        waits.insert(node("need", &need.name), before);
    }
    waits
}

fn conditions(when: &[Condition]) -> impl Iterator<Item = String> {
    when.iter().filter_map(|condition| match &condition.on {
        On::Question(name, _) => Some(node("question", name)),
        _ => None,
    })
}

/// The way from a node back to itself, if there is one.
fn circle(start: &str, waits: &BTreeMap<String, Vec<String>>) -> Option<Vec<String>> {
    let mut seen: Vec<String> = Vec::new();
    let mut ways: Vec<Vec<String>> = vec![vec![start.to_owned()]];
    while let Some(way) = ways.pop() {
        for next in way.last().and_then(|last| waits.get(last)).into_iter().flatten() {
            let mut longer = way.clone();
            longer.push(next.clone());
            if next == start {
                return Some(longer);
            }
            if !seen.contains(next) {
                seen.push(next.clone());
                ways.push(longer);
            }
        }
    }
    None
}
