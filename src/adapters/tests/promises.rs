//! What `[resilience]` promises, over real sockets: what the agency really hears, and who is given up.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::time::sleep;

use super::agency::*;
use crate::adapters::Adapter;

/// Longer than anything that works takes, also on a machine under load.
const PATIENCE: Duration = Duration::from_secs(60);

/// Two operations: M1, and M2 with this in its own section.
fn manifest(agency: &Agency, resilience: &str, of_m2: &str) -> String {
    format!(
        r#"
schema = 1
name = "civil-affairs"
version = "1.0.0"
agency = "civil-affairs"
[http]
base = "https://localhost:{port}"
ca = "../ca.pem"
timeout = "20s"
[resilience]
{resilience}
[[operation]]
fact = "M1"
idempotent = true
[operation.request]
path = "/one"
[operation.outcome]
found = 'resp.status == 200'
[operation.attributes]
status = '"married"'
registered_on = '"2020-01-01"'
certificate_number = 'null'
[[operation]]
fact = "M2"
{of_m2}
[operation.request]
path = "/two"
[operation.outcome]
found = 'resp.status == 200'
[operation.attributes]
married = 'true'
registered_on = 'null'
"#,
        port = agency.address.port()
    )
}

/// An agency that does these things one after the other, and the last again and again.
async fn does(office: &Office, things: Vec<Does>) -> Agency {
    let turn = AtomicUsize::new(0);
    let script = move |_: &Heard| {
        let at = turn.fetch_add(1, Ordering::SeqCst).min(things.len() - 1);
        things[at].clone()
    };
    Agency::open(office.server("localhost", &[]), script).await
}

fn heard(agency: &Agency, line: &str) -> usize {
    agency.heard().iter().filter(|heard| heard.line.contains(line)).count()
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "it never came to pass that {what}");
        sleep(Duration::from_millis(5)).await;
    }
}

async fn in_a_hurry(adapter: &Adapter, millis: u64) -> String {
    let budget = Duration::from_millis(millis);
    match adapter.ask_granted(&|_| true, &couple(), NOW, budget).await {
        Ok(answer) => told(&answer),
        Err(failure) => failure.reason.code().to_owned(),
    }
}

const HEDGED: &str = "idempotent = true\n[operation.resilience]\nhedge_after = \"50ms\"\n";

#[tokio::test]
async fn a_hedge_is_really_asked_and_the_slower_question_is_given_up() {
    let office = Office::new();
    let agency = does(&office, vec![Does::Outlasts, json("{}")]).await;
    let adapter = office.adapter(&manifest(&agency, "retries = 0", HEDGED));
    assert_eq!(
        ask(&adapter, &couple()).await.map(|answer| told(&answer)),
        Ok("married=true".into())
    );
    assert_eq!(heard(&agency, "/two"), 2);
    // Well before its own time limit.
    until("the first is given up", || heard(&agency, "hung up") == 1).await;
    assert_eq!((adapter.state().answered, adapter.state().unavailable), (1, 0));
    assert_eq!(adapter.state().in_flight, 0);
}

#[tokio::test]
async fn a_hedge_is_taken_from_the_budget() {
    let office = Office::new();
    let slow_only = |heard: &Heard| match heard.line.contains("/two") {
        true => Does::Outlasts,
        false => json("{}"),
    };
    let agency = Agency::open(office.server("localhost", &[]), slow_only).await;
    let budget = "retries = 0\nretry_budget = 0.25\nretry_floor = 0";
    let adapter = office.adapter(&manifest(&agency, budget, HEDGED));
    let plain = query("M1", vec![person("person", HE, "张三")]);
    for _ in 0..3 {
        assert!(ask(&adapter, &plain).await.is_ok());
    }
    // The fourth question pays for one hedge, the fifth for none.
    for expected in [2, 3] {
        assert_eq!(in_a_hurry(&adapter, 3_000).await, "timeout");
        assert_eq!((heard(&agency, "/one"), heard(&agency, "/two")), (3, expected));
    }
    until("all of them are given up", || heard(&agency, "hung up") == 3).await;
}

#[tokio::test]
async fn what_must_not_be_asked_twice_is_neither_hedged_nor_repeated() {
    let office = Office::new();
    for (things, reason) in
        [(vec![Does::Outlasts], "timeout"), (vec![Does::HangsUp], "unreachable")]
    {
        let agency = does(&office, things).await;
        let generous = "retries = 3\nretry_budget = 1.0\nretry_floor = 100\nhedge_after = \"50ms\"";
        let adapter = office.adapter(&manifest(&agency, generous, "idempotent = false"));
        assert_eq!(in_a_hurry(&adapter, 3_000).await, reason);
        assert_eq!(heard(&agency, "/two"), 1);
    }
}

#[tokio::test]
async fn half_open_one_question_tries_and_the_others_are_told_to_wait() {
    let office = Office::new();
    let things = vec![Does::HangsUp, Does::HangsUp, json("{}")];
    let agency = does(&office, things).await;
    let breaker = "retries = 0\n[resilience.breaker]\nenough = 1\nopen_for = \"200ms\"";
    let adapter = office.adapter(&manifest(&agency, breaker, "idempotent = true"));
    let breaker = || adapter.state().breaker.name();
    assert_eq!(failure(&adapter, &couple()).await.0, "unreachable");
    for (probe, after) in [("unreachable", "open"), ("married=true", "closed")] {
        assert_ne!(breaker(), "closed");
        until("it may be tried", || breaker() == "half_open").await;
        assert!(adapter.health(NOW).is_serving() && adapter.health(NOW).name() == "trying");
        let before = heard(&agency, "/two");
        // All begin before the first can hear anything.
        let mut asked = join_all((0..5).map(|_| in_a_hurry(&adapter, 20_000))).await;
        assert_eq!(asked.remove(0), probe);
        assert_eq!(asked, ["breaker_open"; 4]);
        assert_eq!(heard(&agency, "/two"), before + 1);
        let now = breaker();
        assert!(now == after || after == "open" && now == "half_open", "{now}");
    }
    let asked = join_all((0..5).map(|_| in_a_hurry(&adapter, 20_000))).await;
    assert_eq!(asked, ["married=true"; 5]);
}

#[tokio::test]
async fn one_question_too_many_is_told_which_limit_it_met() {
    let office = Office::new();
    let agency = does(&office, vec![Does::Outlasts]).await;
    for (places, adapters, operations, detail) in [
        (2, "max_in_flight = 2", "", "2 questions are under way (max_in_flight)"),
        (
            1,
            "max_in_flight = 9",
            "[operation.resilience]\nmax_in_flight = 1",
            "1 questions are under way (max_in_flight of the operation)",
        ),
    ] {
        let adapter = office.adapter(&manifest(&agency, adapters, operations));
        let couple = couple();
        let mut under_way: Vec<_> = (0..places).map(|_| Box::pin(ask(&adapter, &couple))).collect();
        for question in &mut under_way {
            assert!(futures_util::poll!(question).is_pending());
        }
        let refused = ask(&adapter, &couple).await.err().unwrap();
        assert_eq!(refused.reason.code(), "overloaded");
        assert!(refused.detail.ends_with(detail), "{}", refused.detail);
        // Whoever hangs up gives the place back.
        drop(under_way);
        assert_eq!(adapter.state().in_flight, 0);
    }
}

#[tokio::test]
async fn the_callers_deadline_is_over_all_attempts() {
    let office = Office::new();
    let agency = does(&office, vec![Does::Outlasts]).await;
    let patient = "retries = 3\nretry_budget = 1.0\nretry_floor = 100\nattempt_timeout = \"400ms\"";
    let adapter = office.adapter(&manifest(&agency, patient, "idempotent = true"));
    let began = Instant::now();
    assert_eq!(in_a_hurry(&adapter, 700).await, "timeout");
    let took = began.elapsed();
    // Two attempts have begun then at the most, and the second was cut short.
    assert!(took >= Duration::from_millis(400) && heard(&agency, "/two") <= 2, "{took:?}");
    let all_gone = || heard(&agency, "hung up") == heard(&agency, "/two");
    until("every attempt is given up", all_gone).await;
    assert_eq!(in_a_hurry(&adapter, 0).await, "deadline");
}
