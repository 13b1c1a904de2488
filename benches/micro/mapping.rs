//! The gateway's whole work on a question to an agency but for the socket: limits, request, signature, reading, mapping.
//! For typical facts of the three kinds of replies; `cargo bench --bench adapters -- mapping` has all thirty.

use std::sync::LazyLock;

use divan::Bencher;
use heyan::adapters::cost::Cost;
use heyan::clock::now;
use tokio::runtime::Runtime;

use super::province::Province;

/// Agencies that each gave one reply; it is read again and again.
static PROVINCE: LazyLock<Province> = LazyLock::new(|| Province::make().expect("a province"));

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
});

/// XML in SOAP, JSON over HTTP, a row of a database, a reply of a program.
#[divan::bench(args = ["P1", "M2", "S1", "T1"])]
fn question_and_mapping(bencher: Bencher<'_, '_>, fact: &str) {
    let cost = asked_once(fact);
    bencher.bench_local(|| RUNTIME.block_on(cost.ask()).map_err(drop).is_ok());
}

/// The limits alone: places, breaker, rate, budget.
#[divan::bench]
fn limits(bencher: Bencher<'_, '_>) {
    let cost = asked_once("M2");
    bencher.bench_local(|| RUNTIME.block_on(cost.pass()).is_ok());
}

fn asked_once(fact: &str) -> Cost {
    // It blocks on a runtime of its own, which cannot be done within another one.
    LazyLock::force(&PROVINCE);
    RUNTIME.block_on(cost(fact))
}

async fn cost(fact: &str) -> Cost {
    let sample = PROVINCE.sample(fact);
    let agency = &PROVINCE.catalogue.fact(&fact.into()).expect("a fact of the catalogue").agency;
    let query = Province::query(fact, sample.subjects);
    let manifest = PROVINCE.path(format!("adapters/{}.toml", agency.as_str()));
    let cost = Cost::of(&manifest, &PROVINCE.catalogue, query, now()).await;
    let cost = cost.expect("an answer of the agency");
    assert!(cost.ask().await.expect("an answer").1.record.finding == sample.record);
    cost
}
