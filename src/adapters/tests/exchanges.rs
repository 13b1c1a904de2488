//! What can be read of a reply at all, and what one question of several exchanges may take.

use super::agency::*;
use super::http::{manifest, reply, row};

/// Rules that any text or emptiness would satisfy, put to what cannot be read.
#[tokio::test]
async fn what_cannot_be_read_holds_no_outcome() {
    for (does, expected) in [
        (json(r#"{"code":"404","code":"200"}"#), "contract_error"),
        (Does::Says(200, "text/html", b"<p>404".to_vec()), "contract_error"),
        (json(""), "contract_error"),
        // What a rule says of the status still counts.
        (Does::Says(404, "text/html", b"<p>no such page".to_vec()), "refused"),
        (Does::Says(200, "text/plain", b"404".to_vec()), "not found"),
    ] {
        let office = Office::new();
        let agency = Agency::open(office.server("localhost", &[]), move |_| does.clone()).await;
        let text = manifest(&agency, "localhost")
            .replace("document = 'json(resp.body.datas)'", "")
            .replace("as_of = 'ms(doc.time, \"yyyy-MM-dd HH:mm:ss\")'", "")
            .replace("resp.status != 200 || resp.body.code == \"12000\"", "resp.status != 200")
            .replace("count(doc.rows) == 0", "resp.text.contains(\"404\") || size(resp.body) == 0");
        match ask(&office.adapter(&text), &couple()).await {
            Ok(answer) => assert_eq!(told(&answer), expected),
            Err(failure) => assert_eq!(failure.reason.code(), expected, "{}", failure.detail),
        }
    }
}

/// An agency that mixes up two replies says "no record" about the wrong one.
#[tokio::test]
async fn a_no_about_somebody_else_is_no_answer() {
    for (number, expected) in [(HE, "not found"), (SHE, "outcome.echo")] {
        let rows = row("3", number, "");
        let office = Office::new();
        let agency = Agency::open(office.server("localhost", &[]), move |_| reply(&rows)).await;
        for (not_found, conflict) in [("== \"3\"", "== \"9\""), ("== \"9\"", "== \"3\"")] {
            let status = |is: &str| format!("doc.rows[0].status {is}");
            let text = manifest(&agency, "localhost")
                .replace("count(doc.rows) == 0", &status(not_found))
                .replace("count(doc.rows) > 1", &status(conflict));
            let adapter = office.adapter(&text);
            if number == HE {
                let answer = ask(&adapter, &couple()).await.map_err(|failure| failure.detail);
                let expected = if conflict.contains('3') { "conflict" } else { expected };
                assert_eq!(told(&answer.unwrap()), expected);
            } else {
                let (reason, detail) = failure(&adapter, &couple()).await;
                assert_eq!(reason, "contract_error");
                assert!(detail.contains(expected), "{detail}");
            }
        }
    }
}

/// Pages of this much, and what is read of them.
pub(super) fn paged(agency: &Agency, max_pages: u32) -> String {
    manifest(agency, "localhost")
        .replace("path = \"/couple\"", "path = \"/couple\"\nquery = { page = 'page', at = 'now', once = 'nonce' }")
        .replace("document = 'json(resp.body.datas)'", "document = '{\"rows\": [last(resp.rows)]}'")
        .replace("as_of = 'ms(doc.time, \"yyyy-MM-dd HH:mm:ss\")'", "")
        .replace("unavailable = 'resp.status != 200 || resp.body.code == \"12000\"'", "unavailable = 'resp.status != 200'")
        .replace("[operation.outcome]", &format!("[operation.paging]\nrows = 'resp.body.rows'\nmore = 'resp.body.more'\nmax_pages = {max_pages}\n[operation.outcome]"))
}

fn asked_of(heard: &Heard, name: &str) -> String {
    let query = heard.line.split(['?', ' ']).nth(2).unwrap();
    let entry = query.split('&').find_map(|entry| entry.strip_prefix(&format!("{name}=")));
    entry.unwrap().to_owned()
}

#[tokio::test]
async fn all_pages_together_are_bounded() {
    let office = Office::new();
    // 100 000 bytes a reply are allowed, and four times as much for all.
    let row = format!(r#"{{"status": "9", "fill": "{}"}}"#, "x".repeat(60_000));
    let script = move |_: &Heard| json(format!(r#"{{"more": true, "rows": [{row}]}}"#));
    let agency = Agency::open(office.server("localhost", &[]), script).await;
    let (reason, detail) = failure(&office.adapter(&paged(&agency, 20)), &couple()).await;
    assert!(reason == "contract_error" && detail.contains("all pages together"), "{detail}");
    assert_eq!(agency.heard().len(), 7);

    let many = format!(r#"{{"more": true, "rows": [0{}]}}"#, ",0".repeat(45_000));
    let agency = Agency::open(office.server("localhost", &[]), move |_| json(many.clone())).await;
    let text = paged(&agency, 20).replace("max_body = 100000", "max_body = 1000000");
    let (reason, detail) = failure(&office.adapter(&text), &couple()).await;
    assert!(reason == "contract_error" && detail.contains("values"), "{detail}");
    assert_eq!(agency.heard().len(), 6);
}

/// Agencies that keep used numbers refuse the second page that brings one again.
#[tokio::test]
async fn each_exchange_has_a_number_of_its_own() {
    let office = Office::new();
    let script = |heard: &Heard| {
        if heard.line.contains("/token") {
            return json(format!(r#"{{"secret": "s", "end": {}}}"#, NOW.0 / 1_000 + 60_000));
        }
        let more = asked_of(heard, "page") != "3";
        json(format!(r#"{{"more": {more}, "rows": {}}}"#, row("1", HE, "")))
    };
    let agency = Agency::open(office.server("localhost", &[]), script).await;
    let session = "[session]\nrequest = { path = \"/token\", query = { at = 'now', once = 'nonce' } }\nvalues = { secret = 'resp.body.secret' }\nexpires = 'resp.body.end'\n[resilience]";
    let text = paged(&agency, 5).replace("[resilience]", session);
    let answer = ask(&office.adapter(&text), &couple()).await.map_err(|failure| failure.detail);
    assert_eq!(told(&answer.unwrap()), "married=true");
    let heard = agency.heard();
    let mut nonces: Vec<String> = heard.iter().map(|one| asked_of(one, "once")).collect();
    let times: Vec<u64> = heard.iter().map(|one| asked_of(one, "at").parse().unwrap()).collect();
    assert!(times.is_sorted() && times[0] >= NOW.0 / 1_000, "{times:?}");
    nonces.sort();
    nonces.dedup();
    assert_eq!((heard.len(), nonces.len()), (4, 4));
}
