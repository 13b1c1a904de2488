//! Signed requests over real sockets. Every signature was worked out with Python's hashlib, hmac and base64.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::time::Instant;

use super::agency::*;
use super::facts;
use crate::adapters::Adapter;
use crate::adapters::failed::Failed;
use crate::adapters::line::https::Outgoing;
use crate::adapters::line::{Line, Put, Putting};
use crate::adapters::manifest::{self, Depth};
use crate::adapters::transport::however_written;
use crate::query::record::Unavailable;

/// A manifest with these lines about signing and this request.
fn manifest(port: u16, sign: &str, request: &str) -> String {
    format!(
        r#"
schema = 1
name = "civil-affairs"
version = "1.0.0"
agency = "civil-affairs"
[secrets]
app_key = {{ file = "../app_key" }}
[settings]
app = "gjj"
[http]
base = "https://localhost:{port}"
ca = "../ca.pem"
{sign}
[[operation]]
fact = "M2"
[operation.request]
path = "/couple"
{request}
[operation.outcome]
found = 'resp.body.ok'
[operation.attributes]
married = 'true'
registered_on = 'null'
"#
    )
}

async fn agency(sign: &str, request: &str) -> (Office, Agency, Arc<Adapter>) {
    let office = Office::new();
    let agency = Agency::open(office.server("localhost", &[]), |heard| {
        let is_token = heard.line.contains("/token");
        let token = r#"{"secret": "day-secret", "end": 4102444800000}"#;
        json(if is_token { token } else { r#"{"ok": true}"# })
    })
    .await;
    let adapter = office.adapter(&manifest(agency.address.port(), sign, request));
    (office, agency, adapter)
}

/// What the agency heard last.
async fn heard(sign: &str, request: &str) -> Heard {
    let (_office, agency, adapter) = agency(sign, request).await;
    let answer = ask(&adapter, &couple()).await.map_err(|failure| failure.detail).unwrap();
    assert_eq!(told(&answer), "married=true");
    agency.heard().pop().unwrap()
}

const JSON: &str = "json = { n = 'subject.person.document_number', name = 'subject.person.name' }";

#[tokio::test]
async fn a_string_of_the_whole_request_in_headers() {
    let sign = r#"
[sign]
values = { stamp = 'time(now, "yyyyMMdd")', digest = 'hex(sm3(body))', line = 'values.stamp + "|" + values.digest' }
string = 'join([method, path, query_sorted, headers["x-app"], values.line], "\n")'
algorithm = "hmac-sm3"
key = "app_key"
encoding = "base64"
headers = { X-App = 'cfg.app', authorization = '"HMAC " + signature' }
query = { t = 'values.stamp' }
"#;
    let heard = heard(sign, &format!("query = {{ z = '\"2 &\"', a = '\"张\"' }}\n{JSON}")).await;
    assert_eq!(heard.headers["authorization"], "HMAC GBeFI41lgQ3RRi92YKPtBbNjVkG+8uIzj5CWUOX/89E=");
    assert_eq!(heard.headers["x-app"], "gjj");
    assert!(heard.line.contains("a=%E5%BC%A0") && heard.line.contains("t=20231115"));
}

#[tokio::test]
async fn sorted_fields_in_a_form() {
    let request = r#"form = { empty = '""', number = 'subject.person.document_number', name = 'subject.person.name' }"#;
    let sign = |rest: &str| {
        format!(
            r#"
[sign]
values = {{ sorted = 'join(fields.filter(f, f.value != "").map(f, f.name + "=" + f.value), "&")' }}
form = {{ appid = 'cfg.app', time = 'time(now, "yyyyMMdd")', sign = 'signature' }}
{rest}
"#
        )
    };
    let of_md5 = sign(
        "string = 'values.sorted + \"&key=\" + secret.app_key'\nalgorithm = \"md5\"\nencoding = \"upper-hex\"",
    );
    let body = String::from_utf8(heard(&of_md5, request).await.body).unwrap();
    let fields: BTreeMap<&str, &str> =
        body.split('&').filter_map(|field| field.split_once('=')).collect();
    assert_eq!(fields["sign"], "AA2610EF95E02B64F2CA2CBC99520DAE");
    assert_eq!((fields["appid"], fields["time"], fields["empty"]), ("gjj", "20231115", ""));

    // What is signed may be bytes: here the same text, as it goes over the wire before it is escaped.
    let of_sm3 = sign(
        "string = 'gb18030(values.sorted + secret.app_key)'\nalgorithm = \"sm3\"\nencoding = \"hex\"",
    );
    let body = String::from_utf8(heard(&of_sm3, request).await.body).unwrap();
    let expected = "947317ccd8d91b305fc65fe2403f5d0d4ddfd5abe7769f9958e0fe098ad7e9ce";
    assert!(body.ends_with(&format!("sign={expected}")), "{body}");
}

#[tokio::test]
async fn a_member_of_the_document_that_is_signed() {
    let sign = r#"
[sign]
string = 'body + secret.app_key'
algorithm = "sha256"
encoding = "base64"
json = { app = 'cfg.app', sign = 'signature' }
"#;
    let body: serde_json::Value = serde_json::from_slice(&heard(sign, JSON).await.body).unwrap();
    let expected = serde_json::json!({
        "app": "gjj", "n": HE, "name": "张三", "sign": "mbX3X0/fzxrWaEL8FdiqfflhjzAlreaAsx738dcu+pw=",
    });
    assert_eq!(body, expected);
}

const SESSION: &str = r#"
[session]
request = { path = "/token" }
values = { secret = 'resp.body.secret' }
expires = 'resp.body.end'
"#;
const SIGN: &str = r#"
[sign]
string = 'fact + path + time(now, "yyyyMMdd")'
algorithm = "hmac-sha256"
key = "session.secret"
encoding = "hex"
headers = { x-sign = 'signature' }
"#;

#[tokio::test]
async fn who_asks_for_a_secret_signs_otherwise_or_not_at_all() {
    let of_session = r#"
[session.sign]
string = 'path + time(now, "yyyyMMdd")'
algorithm = "hmac-sha256"
key = "app_key"
encoding = "base64"
headers = { x-token-sign = 'signature' }
"#;
    for (between, expected) in
        [(of_session, Some("eE1fwim0N3fj7Pp27P3xD7ryJte+/rhzqibdTaqASSQ=")), ("", None)]
    {
        let (_office, agency, adapter) = agency(&format!("{SESSION}{between}{SIGN}"), JSON).await;
        let answer = ask(&adapter, &couple()).await.map_err(|failure| failure.detail).unwrap();
        assert_eq!(told(&answer), "married=true");
        let heard = agency.heard();
        assert_eq!(heard[0].headers.get("x-token-sign").map(String::as_str), expected);
        assert!(!heard[0].headers.contains_key("x-sign"));
        assert!(!heard[1].headers.contains_key("x-token-sign"));
        let signature = "d4727424a76345ac2befece4e337250d8d8c0fa6a0f153b024c6dd6dd73d4ba7";
        assert_eq!(heard[1].headers["x-sign"], signature);
    }
}

/// An envelope with these parts.
async fn envelope(sign: &str, body: &str) -> String {
    let office = Office::new();
    let agency = Agency::open(office.server("localhost", &[]), |_| {
        let body = "<r><ok>1</ok></r>";
        let text = format!(
            "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>{body}</s:Body></s:Envelope>"
        );
        Does::Says(200, "text/xml", text.into_bytes())
    })
    .await;
    let request = format!(
        "action = \"urn:query\"\ninner = \"<P><N>{{subject.person.document_number}}</N><XM>{{subject.person.name}}</XM></P>\"\n{body}"
    );
    let sign = format!("[sign]\nalgorithm = \"hmac-sm3\"\nkey = 'secret[\"app_key\"]'\n{sign}");
    let text = manifest(agency.address.port(), &sign, &request)
        .replace("[http]", "[soap]")
        .replace("resp.body.ok", "resp.body.r.ok == \"1\"");
    let adapter = office.adapter(&text);
    let query = query("M2", vec![person("person", HE, "<张三>"), person("spouse", SHE, "李四")]);
    let answer = ask(&adapter, &query).await.map_err(|failure| failure.detail).unwrap();
    assert_eq!(told(&answer), "married=true");
    String::from_utf8(agency.heard().pop().unwrap().body).unwrap()
}

#[tokio::test]
async fn envelopes_carry_signatures_in_header_or_body() {
    let of_inner = "string = 'action + \"|\" + inner'\nencoding = \"base64\"\n";
    let signature = "BqWU7FCS0JVxGh4WNcx9iEEE/xD4wfgDPugToBmdYu0=";
    let body = "body = \"<q><in0>{inner}</in0></q>\"";
    let in_header = format!("{of_inner}header = \"<sign a='{{signature}}'/>\"");
    let text = envelope(&in_header, &format!("header = \"<own/>\"\n{body}")).await;
    let header = format!("<soap:Header><sign a='{signature}'/><own/></soap:Header>");
    assert!(text.contains(&header), "{text}");

    let text =
        envelope(of_inner, "body = \"<q><in0>{inner}</in0><in1>{signature}</in1></q>\"").await;
    assert!(text.contains(&format!("<in1>{signature}</in1>")), "{text}");

    let of_body = "string = 'body'\nencoding = \"hex\"\nheader = \"<sign>{signature}</sign>\"";
    let text = envelope(of_body, body).await;
    let signature = "b55d1803393758ff2604874f297933a56a3ea1db20085229577b69c1ec6647f3";
    assert!(text.contains(&format!("<sign>{signature}</sign>")), "{text}");
}

#[tokio::test]
async fn a_string_without_a_value_sends_nothing() {
    let sign = SIGN.replace("session.secret", "app_key").replace("fact + path", "headers.nope");
    let (_office, agency, adapter) = agency(&sign, JSON).await;
    let (reason, detail) = failure(&adapter, &couple()).await;
    assert_eq!(reason, "contract_error");
    assert!(detail.contains("sign.string") && detail.contains("agency.toml:"), "{detail}");
    assert_eq!(agency.heard().len(), 0);
}

/// Keeps what is put over it.
#[derive(Default)]
struct Kept(Mutex<Vec<Outgoing>>);

impl Line for Kept {
    fn put(&self, put: Put, _: Instant) -> Putting<'_> {
        Box::pin(async move {
            if let Put::Http(outgoing) = put {
                self.0.lock().unwrap().push(outgoing);
            }
            Err(Failed::unanswered(Unavailable::Unreachable, "nobody is there"))
        })
    }
}

#[tokio::test]
async fn what_is_made_from_a_secret_is_known_in_every_way_it_is_written() {
    let office = Office::new();
    let sign = r#"
[sign]
values = { open = '"shown"', salt = 'lower(secret.app_key)', salted = 'values.salt + "/<"' }
string = 'body'
algorithm = "sha256"
encoding = "base64"
form = { open = 'values.open', salted = 'values.salted', key = 'secret.app_key + "!"', sign = 'signature' }
"#;
    office.place("agency.toml", &manifest(1, sign, "form = { n = '\"1\"' }"));
    let file = office.path().join("adapters/agency.toml");
    let read =
        manifest::read(&file, Depth::WithFiles, &facts).map_err(|flaws| format!("{flaws:?}"));
    let line = Arc::new(Kept::default());
    let over = Arc::clone(&line);
    let adapter = Adapter::over(over, read.unwrap(), b"");
    assert_eq!(failure(&adapter, &couple()).await.0, "unreachable");
    let sent = line.0.lock().unwrap().pop().unwrap();
    let body = String::from_utf8(sent.payload.unwrap().1).unwrap();
    let written = body.rsplit_once("sign=").unwrap().1;
    assert!(written.ends_with("%3D"), "{body}");
    let hidden = however_written(&sent.secrets);
    for secret in [
        "0123456789abcdef",
        "0123456789abcdef/<",
        "0123456789abcdef%2F%3C",
        "0123456789abcdef/&lt;",
        "0123456789abcdef!",
        written,
        &written.replace("%3D", "=").replace("%2B", "+").replace("%2F", "/"),
    ] {
        assert!(hidden.iter().any(|known| known == secret), "{secret}: {hidden:?}");
    }
    assert!(!hidden.iter().any(|known| known == "shown"));
}

/// Wherever a manifest looks at it, in a header or only in what is signed.
#[tokio::test]
async fn a_nonce_is_drawn_anew_for_each_question() {
    let sign = "[sign]\nstring = 'nonce'\nalgorithm = \"sha256\"\nencoding = \"hex\"\nheaders = { x-sig = 'signature' }";
    for (sign, request, header) in
        [("", "headers = { x-once = 'nonce' }", "x-once"), (sign, "", "x-sig")]
    {
        let (_office, agency, adapter) = agency(sign, request).await;
        for _ in 0..2 {
            ask(&adapter, &couple()).await.map_err(|failure| failure.detail).unwrap();
        }
        let sent: Vec<String> =
            agency.heard().iter().map(|heard| heard.headers[header].clone()).collect();
        assert!(sent[0] != sent[1], "{header}: {sent:?}");
        let digits = if header == "x-once" { 32 } else { 64 };
        let is_hex = |text: &String| {
            text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        assert!(sent.iter().all(is_hex), "{header}: {sent:?}");
    }
}
