//! The six sample agreements open every question of every sample rule, or it is known why not.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::terms::Terms;
use crate::catalogue::rule::{Operand, Question, Rule};
use crate::catalogue::{Catalogue, Item};
use crate::decision::agreement::Clause;
use crate::finding;
use crate::query::value::{Assertion, Value};

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config-example");

/// Questions that no agreement opens, by item and name, with the reason.
const CLOSED: [(&str, &str, &str); 0] = [];

/// Facts that an item may ask for and its rule does not, with the reason.
const NOT_ASKED: [(&str, &str, &str); 4] = [
    ("W1", "H3", "how many homes a family has bars no withdrawal for one it bought"),
    ("W1", "S1", "the place of work is the city of the deposits, which the ledger knows"),
    ("W3", "M5", "the draft of 2018 does not grant it, and the rule gives no favour for it yet"),
    ("L2", "H5", "a second-hand home needs no presale permit"),
];

fn clauses() -> Vec<Clause> {
    let drafts = finding::files_in(&Path::new(SAMPLES).join("agreements"), "toml").unwrap();
    let read = |file: &std::path::PathBuf| {
        let terms = Terms::parse(file, &fs::read_to_string(file).unwrap()).unwrap();
        terms.agreement(&[]).unwrap().clauses
    };
    drafts.iter().flat_map(read).collect()
}

/// What the clause does not grant of the question.
fn withheld(clause: &Clause, item: &Item, rule: &Rule, question: &Question) -> Vec<String> {
    let mut withheld = Vec::new();
    let mut miss = |is_granted: bool, what: String| {
        if !is_granted {
            withheld.push(what);
        }
    };
    miss(clause.items.iter().any(|code| *code == item.code), "the item".to_owned());
    for role in question.about.keys() {
        miss(clause.roles.contains(role.as_str()), format!("role {role}"));
    }
    for asserted in &question.assertions {
        let name = asserted.attribute.as_str();
        miss(clause.assert.contains(name), format!("assert {name}"));
        let Some(limit) = clause.limit(name) else { continue };
        let compares =
            limit.comparisons.is_empty() || limit.comparisons.contains(&asserted.comparison);
        miss(compares, format!("compare {name}"));
        for operand in &asserted.values {
            let fits = match operand {
                Operand::Scaled(_, scale) => {
                    let steps = (1..=2).map(|times| scale.step * times);
                    steps.map(Value::Integer).all(|value| admits(clause, asserted, value))
                }
                Operand::Parameter(name) => {
                    admits(clause, asserted, Value::Integer(rule.parameters[name]))
                }
                Operand::Literal(value) => admits(clause, asserted, value.clone()),
                _ => false,
            };
            miss(fits, format!("the value of {name}"));
        }
    }
    for name in &question.disclose {
        miss(clause.disclose.contains(name.as_str()), format!("disclose {name}"));
    }
    miss(clause.max_age >= question.fresh_for, "max_age".to_owned());
    if let Some(material) = &question.material {
        miss(clause.replaces.contains(material.as_str()), format!("replaces {material}"));
    }
    withheld
}

fn admits(clause: &Clause, asserted: &crate::catalogue::rule::Asserted, value: Value) -> bool {
    let tried = Assertion {
        attribute: asserted.attribute.clone(),
        comparison: asserted.comparison,
        values: vec![value],
    };
    clause.limit(&asserted.attribute).is_none_or(|limit| limit.admits(&tried))
}

#[test]
fn every_question_of_every_rule_is_open_or_it_is_known_why_not() {
    let catalogue = Catalogue::load(&Path::new(SAMPLES).join("catalogue")).unwrap();
    let clauses = clauses();
    let mut rules = 0;
    let mut closed = BTreeSet::new();
    for item in catalogue.items() {
        let Some(written) = &item.rule else { panic!("{} has no rule", item.code) };
        rules += 1;
        for question in &written.rule.questions {
            let of_fact = clauses.iter().filter(|clause| clause.fact == question.fact);
            let missing: Vec<Vec<String>> =
                of_fact.map(|clause| withheld(clause, item, &written.rule, question)).collect();
            if missing.iter().any(Vec::is_empty) {
                continue;
            }
            let is_known = CLOSED
                .iter()
                .any(|(code, name, _)| item.code.as_str() == *code && question.name == *name);
            assert!(is_known, "{} {} `{}`: {missing:?}", item.code, item.version, question.name);
            closed.insert((item.code.to_string(), question.name.clone()));
        }
    }
    assert_eq!(rules, 22);
    assert_eq!(closed.len(), CLOSED.len(), "what is open now is listed as closed");
}

#[test]
fn a_fact_that_an_item_may_ask_for_is_asked_or_it_is_known_why_not() {
    let catalogue = Catalogue::load(&Path::new(SAMPLES).join("catalogue")).unwrap();
    let mut idle = BTreeSet::new();
    for item in catalogue.items() {
        let questions = item.rule.iter().flat_map(|written| &written.rule.questions);
        let asked: BTreeSet<_> = questions.map(|question| question.fact.clone()).collect();
        let of_item = item.facts.iter().filter(|fact| !asked.contains(*fact));
        idle.extend(of_item.map(|fact| (item.code.to_string(), fact.to_string())));
    }
    let known: BTreeSet<(String, String)> =
        NOT_ASKED.iter().map(|(item, fact, _)| ((*item).to_owned(), (*fact).to_owned())).collect();
    assert_eq!(idle, known);
}
