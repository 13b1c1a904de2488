//! The agency's short-lived secret: had behind the questions, and what a refused one costs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::agency::*;
use super::exchanges::paged;
use super::http::{manifest, reply, row};
use crate::adapters::Adapter;

/// Longer than anything that works takes, also on a machine under load.
const PATIENCE: Duration = Duration::from_secs(60);
const SESSION: &str = r#"[session]
request = { path = "/token" }
values = { secret = 'resp.body.secret' }
expires = 'resp.body.end'
rejected = 'resp.body.code == -41'
[resilience]"#;

fn token(number: usize, seconds: u64) -> Does {
    let end = NOW.0 / 1_000 + seconds * 1_000;
    json(format!(r#"{{"secret": "secret-{number}", "end": {end}}}"#))
}

fn heard(agency: &Agency, line: &str) -> usize {
    agency.heard().iter().filter(|heard| heard.line.contains(line)).count()
}

async fn at(adapter: &Adapter, seconds: u64) -> String {
    let when = NOW.plus(Duration::from_secs(seconds));
    let answer = adapter.ask_granted(&|_| true, &couple(), when, BUDGET).await;
    answer.map_or_else(|failure| failure.detail, |answer| told(&answer))
}

#[tokio::test]
async fn the_old_secret_is_used_until_it_ends_while_another_is_had() {
    let office = Office::new();
    let tokens = AtomicUsize::new(0);
    let script = move |heard: &Heard| match heard.line.contains("/token") {
        true => match tokens.fetch_add(1, Ordering::SeqCst) {
            // The service is away for a while, within the last tenth of the secret's life.
            0 => token(1, 100),
            1 => Does::Sleeps,
            number => token(number + 1, 10_000),
        },
        false => reply(&row("1", HE, "")),
    };
    let agency = Agency::open(office.server("localhost", &[]), script).await;
    let text = manifest(&agency, "localhost")
        .replace("[resilience]", SESSION)
        .replace("x-id = 'request_id'", "x-id = 'session.secret'");
    let adapter = office.adapter(&text);
    assert_eq!(at(&adapter, 0).await, "married=true");
    let used = || -> Vec<String> {
        let heard = agency.heard();
        let questions = heard.iter().filter(|heard| heard.line.contains("/couple"));
        questions.map(|heard| heard.headers["x-id"].clone()).collect()
    };
    let started = Instant::now();
    while used().last().is_some_and(|secret| secret == "secret-1") {
        assert_eq!(at(&adapter, 95).await, "married=true");
        assert!(started.elapsed() < PATIENCE, "no other secret was had");
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(used().last().map(String::as_str), Some("secret-3"));
    assert_eq!(heard(&agency, "/token"), 3);
}

#[tokio::test]
async fn what_a_refused_secret_makes_be_asked_again_is_counted() {
    let office = Office::new();
    for (resilience, expected, asked) in [
        ("retries = 1", "has just given", 4),
        ("retries = 1\nretry_budget = 0.0\nretry_floor = 0", "retry_budget", 2),
    ] {
        let script = |heard: &Heard| match heard.line.contains("/token") {
            true => token(1, 100),
            false => json(r#"{"code": -41}"#),
        };
        let agency = Agency::open(office.server("localhost", &[]), script).await;
        let text = manifest(&agency, "localhost")
            .replace("[resilience]", SESSION)
            .replace("retries = 1", resilience);
        let (reason, detail) = failure(&office.adapter(&text), &couple()).await;
        assert_eq!(reason, "refused");
        assert!(detail.contains(expected), "{detail}");
        assert_eq!(agency.heard().len(), asked);
    }
}

/// A page that was answered may have been acted on.
#[tokio::test]
async fn what_was_answered_in_part_is_asked_again_only_where_that_does_no_harm() {
    let office = Office::new();
    for (idempotent, expected, asked) in [(true, "has just given", 6), (false, "idempotent", 3)] {
        let script = |heard: &Heard| match heard.line.split(['?', ' ']).nth(1).unwrap() {
            "/token" => token(1, 100),
            _ if heard.line.contains("page=1") => json(r#"{"more": true, "rows": []}"#),
            _ => json(r#"{"code": -41}"#),
        };
        let agency = Agency::open(office.server("localhost", &[]), script).await;
        let text = paged(&agency, 5)
            .replace("[resilience]", SESSION)
            .replace("idempotent = true", &format!("idempotent = {idempotent}"));
        let (reason, detail) = failure(&office.adapter(&text), &couple()).await;
        assert_eq!(reason, "refused");
        assert!(detail.contains(expected), "{detail}");
        assert_eq!(agency.heard().len(), asked);
    }
}
