//! What one question costs inside the gateway, for each of the 30 facts of the samples: on the reply that the simulated
//! agency gave to its sample question. One thread, nothing waits, the median counts.

use anyhow::{Context, anyhow, ensure};
use heyan::adapters::cost::Cost;
use heyan::clock::now;
use tokio::runtime::Runtime;

use super::province::Province;
use super::{Line, Options, median};

/// Before each measurement, so that caches are filled.
const WARM_UP: usize = 200;

/// The goal for a typical JSON answer, in µs. The others are held against it as well.
const MAPPING: f64 = 30.0;

/// What one fact costs, in µs.
struct Costs {
    fact: String,
    mapping: f64,
    whole: f64,
    limits: f64,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<Vec<Line>> {
    let province = Province::make()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut all = Vec::new();
    for fact in province.catalogue.facts() {
        let fact = fact.code.as_str();
        all.push(of(&province, &runtime, fact, options.times).with_context(|| fact.to_owned())?);
    }
    let mut lines = Vec::new();
    for Costs { fact, mapping, whole, .. } in &all {
        lines.push(Line::goal(format!("{fact}: judging and mapping, µs"), *mapping, MAPPING));
        lines.push(Line::told("  with limits, request, signing, reading, µs", *whole));
    }
    lines.push(Line::goal(
        "median of all facts: judging and mapping, µs",
        median(all.iter().map(|costs| costs.mapping).collect()),
        MAPPING,
    ));
    let limits = median(all.iter().map(|costs| costs.limits).collect());
    lines.push(Line::told("the limits alone (places, breaker, rate, budget), µs", limits));
    Ok(lines)
}

fn of(province: &Province, runtime: &Runtime, fact: &str, times: usize) -> anyhow::Result<Costs> {
    let agency = &province.catalogue.fact(&fact.into()).context("no such fact")?.agency;
    let manifest = province.path(format!("adapters/{}.toml", agency.as_str()));
    let sample = province.sample(fact);
    let query = Province::query(fact, sample.subjects);
    runtime.block_on(async {
        let asked = Cost::of(&manifest, &province.catalogue, query, now()).await;
        let cost = asked.map_err(|problem| anyhow!("{problem}"))?;
        let (mut mapping, mut whole, mut limits) = (Vec::new(), Vec::new(), Vec::new());
        for time in 0..WARM_UP + times {
            let mapped = cost.map().await.map_err(|problem| anyhow!("{problem}"))?;
            let (asked, answer) = cost.ask().await.map_err(|problem| anyhow!("{problem}"))?;
            let passed = cost.pass().await.map_err(|problem| anyhow!("{problem}"))?;
            ensure!(answer.record.finding == sample.record, "another record than the sample's");
            if time >= WARM_UP {
                mapping.push(mapped.as_secs_f64() * 1e6);
                whole.push(asked.as_secs_f64() * 1e6);
                limits.push(passed.as_secs_f64() * 1e6);
            }
        }
        Ok(Costs {
            fact: fact.to_owned(),
            mapping: median(mapping),
            whole: median(whole),
            limits: median(limits),
        })
    })
}
