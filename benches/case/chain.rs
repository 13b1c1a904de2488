//! How much longer a case takes than its longest chain of questions, where each waits for the one before it.
//!
//! A case and its questions one after another are run in turns over one connection. The chain is found in the rule; each
//! question counts with what it took by itself in the same round.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, anyhow};
use heyan::catalogue::Catalogue;
use heyan::catalogue::rule::{From, On, Rule};
use heyan::query::ItemCode;

use super::installation::UNLIMITED;
use super::running::{alone, ready};
use super::{Ground, Line, share};

/// What the case may take beyond its chain, in ms.
const GOAL: f64 = 10.0;

/// What each agency takes for an answer, so that chains differ.
fn latency(agency: &str) -> Duration {
    Duration::from_millis(match agency {
        "police" => 20,
        "civil-affairs" => 30,
        "social-security" => 25,
        "housing" => 40,
        "tax" => 35,
        _ => 15,
    })
}

pub(crate) fn run(ground: &Ground) -> anyhow::Result<Vec<Line>> {
    let Ground { installation, families, options } = ground;
    let catalogue =
        Catalogue::load(&installation.path("catalogue")).map_err(|all| anyhow!("{all:?}"))?;
    let rule = catalogue.items().filter(|item| item.code == ItemCode::new("L1"));
    let rule = rule.last().and_then(|item| item.rule.clone()).context("L1 has no rule")?;
    let gateway = installation.start("chain", UNLIMITED, &[])?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    installation.delay(latency)?;
    let (mut cases, mut chains, mut over, mut count) = (vec![], vec![], vec![], 0);
    runtime.block_on(async {
        let client = installation.connect(&gateway).await?;
        // Connections are up, and days have their keys.
        for number in 0..families.count().min(5) {
            ready(&client, families.application(number)).await?;
        }
        for round in 0..options.rounds {
            let ran = ready(&client, families.application(round)).await?;
            let mut took: BTreeMap<String, f64> = BTreeMap::new();
            for (name, question) in &ran.put {
                let alone = millis(alone(&client, question).await?);
                let slowest = took.entry(name.clone()).or_default();
                *slowest = slowest.max(alone);
            }
            let chain =
                took.keys().map(|name| longest(&rule.rule, name, &took)).fold(0.0, f64::max);
            count = ran.put.len();
            cases.push(millis(ran.took));
            chains.push(chain);
            over.push(millis(ran.took) - chain);
        }
        anyhow::Ok(())
    })?;
    installation.delay(|_| Duration::ZERO)?;
    Ok(vec![
        Line::goal("case beyond its longest chain, median, ms", share(over.clone(), 50), GOAL),
        Line::told("  the same, nine in ten, ms", share(over, 90)),
        Line::told("case, median, ms", share(cases, 50)),
        Line::told("its longest chain, one after another, median, ms", share(chains, 50)),
        Line::told("questions of a case", count as f64),
    ])
}

pub(crate) fn millis(took: Duration) -> f64 {
    took.as_secs_f64() * 1e3
}

/// What a question took, and before it the longest chain that it waits for.
fn longest(rule: &Rule, name: &str, took: &BTreeMap<String, f64>) -> f64 {
    let Some(question) = rule.question(name) else { return 0.0 };
    let conditions = question.when.iter().filter_map(|condition| match &condition.on {
        On::Question(name, _) => Some(name.clone()),
        _ => None,
    });
    let mut before: Vec<String> = conditions.collect();
    question.about.values().for_each(|who| sources(rule, who, &mut before));
    let before = before.iter().map(|name| longest(rule, name, took)).fold(0.0, f64::max);
    before + took.get(name).copied().unwrap_or_default()
}

/// The questions that tell who belongs to a group.
fn sources(rule: &Rule, who: &str, found: &mut Vec<String>) {
    match rule.group(who).map(|group| &group.from) {
        Some(From::Together(parts)) => parts.iter().for_each(|part| sources(rule, part, found)),
        Some(From::Found(told)) => {
            found.push(told.question.clone());
            found.extend(told.shown_by.clone());
        }
        None => {}
    }
}
