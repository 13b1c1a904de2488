//! A rule must come to an end: nothing may wait for itself, and no need may be nested without end.
//!
//! A question waits for the groups it is about and the questions of its conditions; a group for the question that finds it,
//! the one that shows it, and the groups it is made of; a need for the needs it is made of.

use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;

use super::form::RuleRecord;
use super::{By, Condition, From, On, Rule};
use crate::catalogue::load::Page;

/// Needs made of needs made of needs: no deeper than this. Nobody could explain a rule that is.
const NESTED_MOST: usize = 16;

/// Notes a finding for each circle, at its first name in the file, and for each need that is nested too deep.
pub(super) fn refuse_circles(record: &RuleRecord, rule: &Rule, page: &mut Page<'_>) {
    let waits = waits(rule);
    let places: Vec<(String, &Spanned<String>)> = record
        .group
        .iter()
        .map(|group| ("group", &group.name))
        .chain(record.question.iter().map(|question| ("question", &question.name)))
        .chain(record.need.iter().map(|need| ("need", &need.name)))
        .map(|(kind, name)| (node(kind, name.get_ref()), name))
        .collect();
    let mut done = BTreeSet::new();
    let mut in_order = true;
    for (start, _) in &places {
        let Some(mut circle) = circle(start, &waits, &mut done) else { continue };
        in_order = false;
        let first = places.iter().find(|(node, _)| circle.contains(&node.as_str()));
        let Some((first, name)) = first else { continue };
        let at = circle.iter().position(|node| node == first).unwrap_or(0);
        circle.rotate_left(at);
        circle.push(first);
        page.flaw(name, format!("this waits for itself: {}", circle.join(" → ")));
    }
    if in_order {
        refuse_deep(record, rule, page);
    }
}

/// Of needs without a circle.
fn refuse_deep(record: &RuleRecord, rule: &Rule, page: &mut Page<'_>) {
    let mut level: BTreeSet<&str> = rule.requirements().map(|need| need.name.as_str()).collect();
    for _ in 0..NESTED_MOST {
        let parts =
            level.iter().filter_map(|name| rule.need(name)).flat_map(|need| match &need.by {
                By::Any(names) | By::All(names) => names.as_slice(),
                _ => &[],
            });
        level = parts.map(String::as_str).collect();
    }
    if let Some(need) = record.need.iter().find(|need| level.contains(need.name.get_ref().as_str()))
    {
        let problem =
            format!("this need is nested deeper than {NESTED_MOST} needs: take some together");
        page.flaw(&need.name, problem);
    }
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

/// The first circle that is met from a node on. Nodes that have been looked at are looked at no more.
fn circle<'w>(
    start: &'w str,
    waits: &'w BTreeMap<String, Vec<String>>,
    done: &mut BTreeSet<&'w str>,
) -> Option<Vec<&'w str>> {
    let next = |node: &str| waits.get(node).map(Vec::as_slice).unwrap_or_default().iter();
    if !done.insert(start) {
        return None;
    }
    let mut way = vec![(start, next(start))];
    let mut circle = None;
    while let Some((_, ahead)) = way.last_mut() {
        let Some(node) = ahead.next() else {
            way.pop();
            continue;
        };
        if let Some(at) = way.iter().position(|(one, _)| one == node) {
            circle = circle
                .or_else(|| way.get(at..).map(|round| round.iter().map(|(one, _)| *one).collect()));
        } else if done.insert(node) {
            way.push((node, next(node)));
        }
    }
    circle
}
