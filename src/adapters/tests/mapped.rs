//! What a manifest says of a reply: who was checked, since when, and what is missing.

use std::time::Duration;

use super::agency::*;
use crate::query::time::Timestamp;

/// An operation for M2 whose reply is `{"when": …, "who": …}`, with these keys of its own.
fn manifest(agency: &Agency, keys: &str, outcome: &str, attributes: &str) -> String {
    format!(
        r#"
schema = 1
name = "civil-affairs"
version = "1.0.0"
agency = "civil-affairs"
[http]
base = "https://localhost:{port}"
ca = "../ca.pem"
timeout = "10s"
[resilience]
attempt_timeout = "1100ms"
[[operation]]
fact = "M2"
idempotent = true
{keys}
[operation.request]
path = "/"
headers = {{ x-now = 'string(now)' }}
[operation.outcome]
{outcome}
[operation.attributes]
{attributes}
"#,
        port = agency.address.port()
    )
}

const MARRIED: &str = "married = 'true'\nregistered_on = 'null'";

async fn agency(office: &Office, reply: &'static str) -> Agency {
    Agency::open(office.server("localhost", &[]), move |_| json(reply)).await
}

#[tokio::test]
async fn who_was_checked_is_among_those_asked_about() {
    let office = Office::new();
    for (who, expected) in [
        ("[0, 1]", Some(&[0, 1][..])),
        ("[1, 0, 1]", Some(&[0, 1])),
        ("[1]", Some(&[1])),
        ("[2]", None),
        ("[0, 1, 2]", None),
        ("[-1]", None),
        ("\"0\"", None),
    ] {
        let reply = format!("{{\"who\": {who}}}").leak();
        let agency = agency(&office, reply).await;
        let checked = "checked = 'resp.body.who.map(x, int(x))'";
        let checked = if who.starts_with('"') { "checked = 'resp.body.who'" } else { checked };
        let adapter = office.adapter(&manifest(&agency, checked, "found = 'true'", MARRIED));
        match expected {
            Some(expected) => {
                let answer = ask(&adapter, &couple()).await.map_err(|failure| failure.detail);
                assert_eq!(answer.unwrap().record.subjects_checked, expected, "{who}");
            }
            None => {
                let (reason, detail) = failure(&adapter, &couple()).await;
                assert_eq!(reason, "contract_error", "{who}: {detail}");
                assert!(detail.contains("no list of positions"), "{detail}");
            }
        }
    }
}

#[tokio::test]
async fn a_null_is_an_answer_only_where_the_attribute_is_optional() {
    let office = Office::new();
    let agency = agency(&office, "{}").await;
    let with = |attributes: &str| manifest(&agency, "", "found = 'true'", attributes);
    let adapter = office.adapter(&with("married = 'null'\nregistered_on = 'null'"));
    let (reason, detail) = failure(&adapter, &couple()).await;
    assert_eq!(reason, "contract_error");
    assert!(detail.contains("agency.toml:22 M2: attributes.married"), "{detail}");
    assert!(detail.ends_with("the attribute is not optional"), "{detail}");
    let adapter = office.adapter(&with(MARRIED));
    assert_eq!(ask(&adapter, &couple()).await.map(|one| told(&one)), Ok("married=true".into()));
}

#[tokio::test]
async fn the_time_of_data_is_a_past_one_or_that_of_the_call() {
    let office = Office::new();
    // In milliseconds: NOW, ten minutes after it, a second more, and no time at all.
    for (when, found, others) in [
        ("1700000000000", Some(NOW), NOW),
        (
            "1700000600000",
            Some(NOW.plus(Duration::from_secs(600))),
            NOW.plus(Duration::from_secs(600)),
        ),
        ("1700003600000", None, NOW),
        ("null", None, NOW),
    ] {
        let reply = format!("{{\"when\": {when}}}").leak();
        let agency = agency(&office, reply).await;
        for outcome in [
            "found = 'true'",
            "conflict = 'true'\nfound = 'false'",
            "not_found = 'true'\nfound = 'false'",
        ] {
            let as_of = "as_of = 'resp.body.when'";
            let adapter = office.adapter(&manifest(&agency, as_of, outcome, MARRIED));
            let answer = ask(&adapter, &couple()).await;
            let as_of = answer.as_ref().map(|answer| answer.record.as_of).ok();
            // A call has its own time, a little after the question's.
            let is_of_call = |at: &Timestamp| *at >= others && *at < others.plus(BUDGET);
            match outcome.starts_with("found") {
                true => assert_eq!(as_of, found, "{when}"),
                false => {
                    assert!(as_of.is_some_and(|at| is_of_call(&at)), "{when} {outcome} {as_of:?}")
                }
            }
        }
    }
}

#[tokio::test]
async fn another_attempt_is_made_at_its_own_time() {
    let office = Office::new();
    let turn = std::sync::atomic::AtomicBool::new(false);
    let script = move |_: &Heard| match turn.swap(true, std::sync::atomic::Ordering::SeqCst) {
        false => Does::Outlasts,
        true => json("{}"),
    };
    let agency = Agency::open(office.server("localhost", &[]), script).await;
    let adapter = office.adapter(&manifest(&agency, "", "found = 'true'", MARRIED));
    assert!(ask(&adapter, &couple()).await.is_ok());
    let said = agency.heard().into_iter().filter_map(|heard| heard.headers.get("x-now").cloned());
    let said: Vec<u64> = said.map(|said| said.parse().unwrap()).collect();
    // A signature made for the first would be too old for the second.
    assert!(said.len() == 2 && said[0] < said[1], "{said:?}");
}
