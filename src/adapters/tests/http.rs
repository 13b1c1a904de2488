//! REST: the national platform's day key, forms in GB 18030, pages, and every way to go wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::agency::*;
use crate::adapters::Adapter;
use crate::crypto::MacKey;

pub(super) fn manifest(agency: &Agency, name: &str) -> String {
    manifest_at(agency.address.port(), name)
}

/// The same, of an agency on that port.
pub(super) fn manifest_at(port: u16, name: &str) -> String {
    format!(
        r#"
schema = 1
name = "civil-affairs"
version = "1.0.0"
agency = "civil-affairs"
[http]
base = "https://{name}:{port}"
ca = "../ca.pem"
timeout = "400ms"
max_body = 100000
[resilience]
retries = 1
[[operation]]
fact = "M2"
idempotent = true
document = 'json(resp.body.datas)'
as_of = 'ms(doc.time, "yyyy-MM-dd HH:mm:ss")'
[operation.request]
path = "/couple"
headers = {{ x-id = 'request_id' }}
json = {{ name_man = 'subject.person.sex == "M" ? subject.person.name : subject.spouse.name', n = 'subject.person.document_number' }}
[operation.outcome]
unavailable = 'resp.status != 200 || resp.body.code == "12000"'
not_found = 'count(doc.rows) == 0'
conflict = 'count(doc.rows) > 1'
found = 'doc.rows[0].status in ["0", "1", "2"]'
echo = 'doc.rows[0].number == subject.person.document_number'
[operation.attributes]
married = 'codes.matched[doc.rows[0].status]'
registered_on = 'date(or_null(doc.rows[0], "op_date"))'
[operation.codes.matched]
"1" = true
"0" = false
"#
    )
}

pub(super) fn reply(rows: &str) -> Does {
    let datas = format!(r#"{{"time": "2023-11-14 08:00:00", "rows": {rows}}}"#);
    json(serde_json::json!({ "code": "00", "datas": datas }).to_string())
}

pub(super) fn row(status: &str, number: &str, date: &str) -> String {
    format!(r#"[{{"status": "{status}", "number": "{number}", "op_date": "{date}"}}]"#)
}

async fn agency(
    script: impl Fn(&Heard) -> Does + Send + Sync + 'static,
) -> (Office, Agency, Arc<Adapter>) {
    let office = Office::new();
    let agency = Agency::open(office.server("localhost", &[]), script).await;
    let adapter = office.adapter(&manifest(&agency, "localhost"));
    (office, agency, adapter)
}

#[tokio::test]
async fn what_an_agency_can_say() {
    for (rows, expected) in [
        (row("1", HE, "20180131"), "married=true registered_on=2018-01-31"),
        (row("0", HE, "无"), "married=false"),
        ("[]".to_owned(), "not found"),
        (row("1", HE, "").replace("}]", "}, {}]"), "conflict"),
    ] {
        let (_office, agency, adapter) = agency(move |_| reply(&rows)).await;
        let answer = ask(&adapter, &couple()).await.map_err(|failure| failure.detail).unwrap();
        assert_eq!(told(&answer), expected);
        assert_eq!(answer.record.subjects_checked, [0, 1]);
        assert_eq!(answer.record.as_of.seconds(), 1_699_920_000);
        let heard = &agency.heard()[0];
        assert_eq!(heard.line, "POST /couple HTTP/1.1");
        assert_eq!(heard.headers["x-id"], "07070707-0707-0707-0707-070707070707");
        let body: serde_json::Value = serde_json::from_slice(&heard.body).unwrap();
        assert_eq!(body, serde_json::json!({ "name_man": "张三", "n": HE }));
        let state = adapter.state();
        assert_eq!((state.answered, state.unavailable, state.in_flight), (1, 0, 0));
    }
}

#[tokio::test]
async fn what_is_not_granted_stays_behind() {
    let (_office, _agency, adapter) = agency(|_| reply(&row("1", HE, "20180131"))).await;
    let answer = adapter.ask_granted(&|name| name == "married", &couple(), NOW, BUDGET).await;
    let answer = answer.map_err(|failure| failure.detail).unwrap();
    assert_eq!((told(&answer).as_str(), answer.dropped), ("married=true", 1));
    assert_eq!(adapter.state().dropped_attributes, 1);
}

#[tokio::test]
async fn nonsense_is_a_contract_error() {
    let html = || Does::Says(200, "text/html", b"<html><p>login</p></html>".to_vec());
    for (does, expected) in [
        (reply(&row("1", SHE, "")), "outcome.echo"),
        (reply(&row("2", HE, "")), "attributes.married"),
        (reply(&row("7", HE, "")), "no rule of `outcome` is true"),
        (reply(&row("1", HE, "yesterday")), "attributes.registered_on"),
        (reply(r#"[{"status": "1"}]"#), "there is no field `number`"),
        (reply(r#"{"a": 1}"#), "outcome"),
        (json(r#"{"code": "00"}"#), "document `json(resp.body.datas)`: there is no field `datas`"),
        (json(r#"{"code": "00", "datas": "{"}"#), "document"),
        (json(r#"{"code": "00", "datas"#), "begins like JSON"),
        (json(r#"{"code": "00", "code": "12000"}"#), "begins like JSON"),
        (Does::Says(200, "text/html", b"<html><p>busy</html>".to_vec()), "begins like XML"),
        (reply(r#""""#), "outcome.not_found"),
        (reply("{}"), "outcome.not_found"),
        (json(""), "outcome.unavailable"),
        (html(), "outcome.unavailable"),
        (Does::Says(200, "application/json", vec![0xd5, 0xc5]), "charset"),
        (Does::Says(200, "application/json", vec![b' '; 10_000_000]), "max_body"),
        (Does::Floods, "max_body"),
        (json("[".repeat(50_000)), "begins like JSON"),
        (json(format!("[0{}]", ",0".repeat(40_000))), "outcome.unavailable"),
        (json(r#"{"code": "00", "datas": "{\"time\": \"2033-11-14 08:00:00\", \"rows\": [{\"status\":\"1\",\"number\":\"HE\"}]}"}"#.replace("HE", HE)), "as_of"),
    ] {
        let (_office, agency, adapter) = agency(move |_| does.clone()).await;
        let (reason, detail) = failure(&adapter, &couple()).await;
        assert_eq!(reason, "contract_error", "{expected}: {detail}");
        assert!(detail.contains(" M2: ") && detail.contains(expected), "{detail}");
        // What an expression says about itself, it says with its line.
        let is_of_the_manifest = !["charset", "max_body", "no rule", "begins like"].iter().any(|all| expected.starts_with(all));
        let has_line = detail.strip_prefix("agency.toml:").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        assert_eq!(has_line, is_of_the_manifest, "{detail}");
        assert_eq!(agency.heard().len(), 1, "a contract error is not asked about again");
        assert_eq!(adapter.state().contract_errors, 1);
    }
}

#[tokio::test]
async fn an_agency_that_cannot_answer() {
    for (does, expected, asked) in [
        (json(r#"{"code": "12000"}"#), "refused", 1),
        (Does::Says(502, "text/html", b"<html>Bad gateway".to_vec()), "refused", 1),
        // A body that would read as an answer does not make one of a server's error.
        (
            Does::Says(500, "application/json", br#"{"code":"00","datas":"[]"}"#.to_vec()),
            "refused",
            1,
        ),
        (Does::Says(302, "text/html", vec![]), "refused", 1),
        (Does::HangsUp, "unreachable", 2),
        (Does::BreaksOff("{\"code\": \"00\""), "unreachable", 1),
        (Does::Sleeps, "timeout", 2),
        (Does::Stalls, "timeout", 1),
    ] {
        let (_office, agency, adapter) = agency(move |_| does.clone()).await;
        let (reason, detail) = failure(&adapter, &couple()).await;
        assert_eq!((reason, agency.heard().len()), (expected, asked), "{detail}");
        assert_eq!(adapter.state().last_failure.map(|last| last.reason), Some(expected));
    }
}

#[tokio::test]
async fn only_the_named_authority_and_the_right_name_are_trusted() {
    let office = Office::new();
    let elsewhere = Agency::open(office.server("example.org", &[]), |_| reply("[]")).await;
    let adapter = office.adapter(&manifest(&elsewhere, "localhost"));
    let (reason, detail) = failure(&adapter, &couple()).await;
    assert_eq!(reason, "unreachable", "{detail}");

    let stranger = Agency::open(Office::new().server("localhost", &[]), |_| reply("[]")).await;
    let adapter = office.adapter(&manifest(&stranger, "localhost"));
    let (reason, detail) = failure(&adapter, &couple()).await;
    assert_eq!(reason, "unreachable", "{detail}");
    assert!(stranger.heard().is_empty() && elsewhere.heard().is_empty());
}

/// The national platform's scheme: a day key, encrypted with the long-lived one, signs every call.
#[tokio::test]
async fn a_day_key_is_had_once_and_again_when_it_rolls() {
    let office = Office::new();
    // Made with `openssl enc -aes-128-ecb` from `day-secret-2026`.
    let sealed = "NZayaIGYa337l7L4gUIrsg==";
    let calls = AtomicUsize::new(0);
    let script = move |heard: &Heard| {
        let sign = |key: &str| {
            let text = format!("sid-7330000000001{}", heard.headers["gjgxjhpt_rtime"]);
            STANDARD.encode(MacKey::new(key.as_bytes()).mac(&[text.as_bytes()]))
        };
        if heard.line.contains("refreshappsecret") {
            assert_eq!(heard.headers["gjgxjhpt_sign"], sign("0123456789abcdef"));
            return json(format!(
                r#"{{"code": "0", "data": {{"secret": "{sealed}", "secretEndTime": {}}}}}"#,
                NOW.0 / 1_000 + 3_600_000
            ));
        }
        assert_eq!(heard.headers["gjgxjhpt_sign"], sign("day-secret-2026"));
        assert_eq!(heard.headers["gjgxjhpt_rid"], "330000000001");
        // The third call meets midnight.
        if calls.fetch_add(1, Ordering::SeqCst) == 2 {
            json(r#"{"code": -41}"#)
        } else {
            reply(&row("1", HE, ""))
        }
    };
    let agency = Agency::open(office.server("localhost", &[]), script).await;
    let text = manifest(&agency, "localhost")
        .replace(
            "[resilience]",
            r#"[secrets]
app_key = { file = "../app_key" }
[settings]
rid = "330000000001"
sid = "sid-7"
[session]
request = { path = "/refreshappsecret", headers = { gjgxjhpt_rid = 'cfg.rid', gjgxjhpt_sid = 'cfg.sid', gjgxjhpt_rtime = 'string(now)', gjgxjhpt_sign = 'base64(hmac_sha256(secret.app_key, cfg.sid + cfg.rid + string(now)))' } }
values = { secret = 'aes_ecb_decrypt(secret.app_key, resp.body.data.secret)' }
expires = 'resp.body.data.secretEndTime'
failed = 'resp.body.code != "0"'
rejected = 'resp.body.code == -41'
[resilience]"#,
        )
        .replace(
            "headers = { x-id = 'request_id' }",
            "headers = { gjgxjhpt_rid = 'cfg.rid', gjgxjhpt_sid = 'cfg.sid', gjgxjhpt_rtime = 'string(now)', gjgxjhpt_sign = 'base64(hmac_sha256(session.secret, cfg.sid + cfg.rid + string(now)))' }",
        );
    let adapter = office.adapter(&text);
    let query = couple();
    let (one, other) = tokio::join!(ask(&adapter, &query), ask(&adapter, &query));
    assert!(one.is_ok() && other.is_ok());
    let third = ask(&adapter, &query).await.map_err(|failure| failure.detail);
    assert_eq!(told(&third.unwrap()), "married=true");
    let refreshed = agency.heard().iter().filter(|heard| heard.line.contains("refresh")).count();
    assert_eq!((refreshed, agency.heard().len()), (2, 6), "once for two at once, once at midnight");
}

#[tokio::test]
async fn a_session_that_is_not_given_is_unavailable() {
    for (does, expected) in [
        (json(r#"{"code": "-50"}"#), "refused"),
        (Does::Says(500, "text/plain", b"oops".to_vec()), "refused"),
        (json(r#"{"code": "0", "secret": "x", "end": 5}"#), "contract_error"),
        (json(r#"{"code": "0"}"#), "contract_error"),
        (Does::Sleeps, "timeout"),
    ] {
        let office = Office::new();
        let agency = Agency::open(office.server("localhost", &[]), move |_| does.clone()).await;
        let session = "[session]\nrequest = { path = \"/token\" }\nvalues = { secret = 'resp.body.secret' }\nexpires = 'resp.body.end'\nfailed = 'resp.body.code != \"0\"'\n[resilience]";
        let text = manifest(&agency, "localhost").replace("[resilience]", session);
        let adapter = office.adapter(&text.replace("retries = 1", "retries = 0"));
        let (reason, detail) = failure(&adapter, &couple()).await;
        assert_eq!(reason, expected, "{detail}");
        // Whoever comes right after is told so without the agency being asked again.
        assert_eq!(failure(&adapter, &couple()).await.0, expected);
        assert_eq!(agency.heard().len(), 1);
    }
}

/// The provincial gateway's scheme: a form in GB 18030, signed with MD5.
#[tokio::test]
async fn forms_and_replies_in_gb18030() {
    let office = Office::new();
    let says = Arc::new(std::sync::Mutex::new("application/json;charset=GBK"));
    let kind = Arc::clone(&says);
    let script = move |heard: &Heard| {
        let form = String::from_utf8(heard.body.clone()).unwrap();
        assert!(
            form.contains("name=%D5%C5%C8%FD") && form.contains("requestTime=1700000000"),
            "{form}"
        );
        let (_, sign) = form.split_once("sign=").unwrap();
        assert_eq!(sign.split('&').next().unwrap().len(), 32);
        let text = format!(r#"{{"code":"00","name":"张三","rows":{}}}"#, row("1", HE, ""));
        Does::Says(200, *kind.lock().unwrap(), encoding_rs::GB18030.encode(&text).0.into_owned())
    };
    let agency = Agency::open(office.server("localhost", &[]), script).await;
    let text = manifest(&agency, "localhost")
        .replace("timeout =", "charset = \"gb18030\"\ntimeout =")
        .replace(
            "document = 'json(resp.body.datas)'\nas_of = 'ms(doc.time, \"yyyy-MM-dd HH:mm:ss\")'",
            "",
        )
        .replace("[resilience]", "[secrets]\nkey = { file = \"../app_key\" }\n[resilience]")
        .replace("outcome]", "outcome]\n#")
        .replace("unavailable", "unavailable = 'doc.name != subject.person.name'\n#");
    let start = text.find("json = {").unwrap();
    let end = start + text[start..].find('\n').unwrap();
    let form = "form = { appKey = '\"APP\"', requestTime = 'string(now)', name = 'subject.person.name', sign = 'hex(md5(lower(\"APP\") + lower(secret.key) + string(now)))' }";
    let text = text[..start].to_owned() + form + &text[end..];
    let adapter = office.adapter(&text);
    let answer = ask(&adapter, &couple()).await.map_err(|failure| failure.detail);
    assert_eq!(told(&answer.unwrap()), "married=true");
    // Nobody can say which of the two is right, and a name read in the wrong charset is another name.
    *says.lock().unwrap() = "application/json;charset=UTF-8";
    let (reason, detail) = failure(&adapter, &couple()).await;
    assert_eq!(reason, "contract_error");
    assert!(detail.contains("says its charset is UTF-8; the manifest's is gb18030"), "{detail}");
    // Unless the operator knows that the agency's server says so of everything.
    let text = text.replace("charset =", "declared_charset = \"ignored\"\ncharset =");
    let answer = ask(&office.adapter(&text), &couple()).await.map_err(|failure| failure.detail);
    assert_eq!(told(&answer.unwrap()), "married=true");
}

#[tokio::test]
async fn pages_are_gathered_and_bounded() {
    let office = Office::new();
    let script = |heard: &Heard| {
        let page: usize = heard.line.split("page=").nth(1).unwrap()[..1].parse().unwrap();
        match page {
            1 => json(r#"{"total": 3, "rows": [{"status": "9"}, {"status": "9"}]}"#),
            2 => json(format!(r#"{{"total": 3, "rows": {}}}"#, row("1", HE, ""))),
            _ => json(r#"{"total": 3, "rows": []}"#),
        }
    };
    let agency = Agency::open(office.server("localhost", &[]), script).await;
    let paged = |max: u32| {
        manifest(&agency, "localhost")
            .replace("path = \"/couple\"", "path = \"/couple\"\nquery = { page = 'page' }")
            .replace("document = 'json(resp.body.datas)'", "document = '{\"rows\": [last(resp.rows)]}'")
            .replace("as_of = 'ms(doc.time, \"yyyy-MM-dd HH:mm:ss\")'", "")
            .replace("unavailable = 'resp.status != 200 || resp.body.code == \"12000\"'", "unavailable = 'resp.status != 200'")
            .replace("[operation.outcome]", &format!("[operation.paging]\nrows = 'resp.body.rows'\nmore = 'page * 2 < resp.body.total'\nmax_pages = {max}\n[operation.outcome]"))
    };
    let answer = ask(&office.adapter(&paged(2)), &couple()).await.map_err(|failure| failure.detail);
    assert_eq!(told(&answer.unwrap()), "married=true");
    assert_eq!(agency.heard().len(), 2);
    let (reason, detail) = failure(&office.adapter(&paged(1)), &couple()).await;
    assert_eq!(reason, "contract_error", "{detail}");
}

#[tokio::test]
async fn a_first_page_without_rows_is_no_empty_list() {
    let (office, agency, _) = agency(|_| json(r#"{"code": "00"}"#)).await;
    let text = manifest(&agency, "localhost")
        .replace("document = 'json(resp.body.datas)'", "")
        .replace("as_of = 'ms(doc.time, \"yyyy-MM-dd HH:mm:ss\")'", "")
        .replace("not_found = 'count(doc.rows) == 0'\nconflict = 'count(doc.rows) > 1'\nfound = 'doc.rows[0].status in [\"0\", \"1\", \"2\"]'\necho = 'doc.rows[0].number == subject.person.document_number'", "found = 'true'")
        .replace("'codes.matched[doc.rows[0].status]'", "'false'")
        .replace("'date(or_null(doc.rows[0], \"op_date\"))'", "'null'")
        .replace("[operation.outcome]", "[operation.paging]\nrows = 'resp.body.rows'\nmore = 'false'\n[operation.outcome]");
    let (reason, detail) = failure(&office.adapter(&text), &couple()).await;
    assert_eq!(reason, "contract_error");
    assert!(detail.contains("paging.rows"), "{detail}");
}

#[tokio::test]
async fn the_deadline_is_kept() {
    let office = Office::new();
    let agency = Agency::open(office.server("localhost", &[]), |_| Does::Sleeps).await;
    let adapter = office.adapter(&manifest(&agency, "localhost").replace("400ms", "60s"));
    let started = std::time::Instant::now();
    let late = adapter.ask_granted(&|_| true, &couple(), NOW, Duration::from_millis(50)).await;
    assert_eq!(late.err().unwrap().reason.code(), "timeout");
    // Far below the site's own timeout, and far above what a busy machine needs for this.
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    let none = adapter.ask_granted(&|_| true, &couple(), NOW, Duration::ZERO).await;
    assert_eq!(none.err().unwrap().reason.code(), "deadline");
    assert!(agency.heard().len() <= 1);
}
