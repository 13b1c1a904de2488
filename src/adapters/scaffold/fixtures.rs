//! Starter fixtures that fit the beginning of the manifest: found, not found, unavailable, a reply that breaks the contract.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::leaf::{Leaf, leaves, subjects};
use super::operation::{method, named_keys, path, reply_element, soap_body};
use super::{Kind, Plan, attribute};
use crate::adapters::fixture::{
    Body, Exchange, Expect, Failing, Fixture, FixtureFile, Question, Reply, Request, Said, made_up,
    write as toml,
};
use crate::catalogue::Fact;
use crate::crypto::{self, MacKey};
use crate::query::time::Timestamp;
use crate::query::{ItemCode, Operator, Purpose};

/// The question's own number in every starter fixture.
const REQUEST_ID: [u8; 16] = [0, 0, 0, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 1];
/// The same as text.
const REQUEST_ID_TEXT: &str = "00000000-0000-7000-8000-000000000001";
/// The number used once.
const NONCE: &str = "00000000000000000000000000000001";
/// What a program says that cannot answer for a while.
const MAINTENANCE: &str = "maintenance";
/// Behind a number, this is nobody's.
const SOMEBODY_ELSE: &str = "-1";
/// Seconds of a day.
const DAY: u64 = 86_400;
/// China is eight hours ahead of UTC all year, seconds.
const CHINA: u64 = 8 * 3_600;
/// As the HTTP template has it.
const ACCESS_KEY: &str = "our-key-at-the-agency";

/// The file of one fact.
pub(super) fn write(plan: &Plan, fact: &Fact) -> String {
    let leaves = leaves(fact);
    let secret = match plan.kind {
        Kind::Http => Some("app_secret"),
        Kind::Sql => Some("db_password"),
        Kind::Soap | Kind::File | Kind::Grpc => None,
    };
    let secrets = secret.map(|name| (name.to_owned(), made_up(name))).into_iter().collect();
    let one = |name: &str, reply: Reply, expect: Expect| Fixture {
        name: name.to_owned(),
        line: 0,
        at: plan.at,
        nonces: vec![NONCE.to_owned()],
        question: question(fact),
        exchanges: vec![Exchange { line: 0, request: request(plan, fact, &leaves), reply }],
        expect,
    };
    // A file says when its table was true, also of whom it does not hold.
    let as_of = table_time(plan);
    let expect = |outcome: &str| Expect {
        outcome: outcome.to_owned(),
        as_of: as_of.filter(|_| matches!(outcome, "found" | "not_found")),
        ..Expect::default()
    };
    let attributes: BTreeMap<String, Json> = fact
        .attributes
        .iter()
        .map(|attribute| (attribute.name.clone(), attribute::sample(attribute).1))
        .collect();
    let silence = match plan.kind {
        Kind::Grpc => {
            Reply::Said(Said::Unavailable { reason: MAINTENANCE.to_owned(), retry_after: None })
        }
        Kind::Http => http(503, "text/plain", "down for maintenance"),
        Kind::Soap | Kind::Sql | Kind::File => Reply::Fails(Failing::Unreachable),
    };
    let because = match plan.kind {
        Kind::Http => None,
        Kind::Soap | Kind::Sql | Kind::File => Some(Failing::Unreachable.name()),
        Kind::Grpc => Some(MAINTENANCE),
    };
    let reason = because.map(str::to_owned);
    let mut fixtures = vec![
        one("found", found(plan, fact, &leaves), Expect { attributes, ..expect("found") }),
        one("not found", not_found(plan), expect("not_found")),
        one("unavailable", silence, Expect { reason, ..expect("unavailable") }),
    ];
    let (reply, key) = nonsense(plan, fact, &leaves);
    let key = key.map(str::to_owned);
    fixtures.push(one("nonsense", reply, Expect { key, ..expect("contract_error") }));
    if plan.kind != Kind::Grpc && leaves.iter().any(|leaf| leaf.is_key) {
        let key = Some("outcome.echo".to_owned());
        let reply = record_reply(plan, record(plan.kind, fact, &leaves, SOMEBODY_ELSE));
        fixtures.push(one("somebody else", reply, Expect { key, ..expect("contract_error") }));
    }
    let file = FixtureFile { fact: fact.code.clone(), secrets, fixtures };
    let remark = "#:schema ../fixture.schema.json\n\
        # What was asked once and what was said, to try the manifest with: everybody in it is invented.\n\
        # These fit the manifest as `heyan adapter new` wrote it; change them with it.\n\n";
    format!("{remark}{}", toml(&file))
}

fn question(fact: &Fact) -> Question {
    Question {
        request_id: REQUEST_ID,
        granted: None,
        subjects: subjects(fact),
        purpose: Purpose {
            item: ItemCode::new("W3"),
            item_version: "2026.2".to_owned(),
            case_number: "GJJ-2026-000001".to_owned(),
            ..Purpose::default()
        },
        operator: Operator { id: "desk-7".to_owned(), unit: "hall-1".to_owned() },
    }
}

fn request(plan: &Plan, fact: &Fact, leaves: &[Leaf]) -> Request {
    match plan.kind {
        Kind::Http => {
            let key = MacKey::new(made_up("app_secret").as_bytes());
            let signed = key.mac(&[ACCESS_KEY.as_bytes(), REQUEST_ID_TEXT.as_bytes()]);
            let signature = crypto::hex(&signed);
            let mut headers = BTreeMap::from([
                ("X-Access-Key".to_owned(), ACCESS_KEY.to_owned()),
                ("X-Signature".to_owned(), signature),
            ]);
            let is_get = method(plan) == "GET";
            let mut target = path(plan);
            let mut body = String::new();
            if is_get {
                let pairs: Vec<String> = leaves
                    .iter()
                    .map(|leaf| format!("{}={}", leaf.name, encoded(&leaf.value)))
                    .collect();
                target = format!("{target}?{}", pairs.join("&"));
            } else {
                headers
                    .insert("Content-Type".to_owned(), "application/json;charset=utf-8".to_owned());
                let map: Map<String, Json> =
                    leaves.iter().map(|leaf| (leaf.name.clone(), json!(leaf.value))).collect();
                body = Json::Object(map).to_string();
            }
            Request::Http {
                method: method(plan).to_owned(),
                target,
                headers,
                body: Body::Text(body),
            }
        }
        Kind::Soap => soap_request(plan, leaves),
        Kind::Sql => Request::Select {
            statement: None,
            parameters: leaves
                .iter()
                .filter(|leaf| leaf.is_key)
                .map(|leaf| json!(leaf.value))
                .collect(),
        },
        Kind::File => Request::Select {
            statement: None,
            parameters: named_keys(plan.kind, leaves)
                .take(1)
                .map(|(_, leaf)| json!(leaf.value))
                .collect(),
        },
        Kind::Grpc => {
            let mut attributes: Vec<String> =
                fact.attributes.iter().map(|attribute| attribute.name.clone()).collect();
            attributes.sort_unstable();
            Request::Fetch { attributes }
        }
    }
}

fn soap_request(plan: &Plan, leaves: &[Leaf]) -> Request {
    let service = plan.service.as_ref();
    let action = service.map_or("query", |service| &service.action);
    let is_1_2 = service.is_some_and(|service| service.is_soap_1_2);
    let (namespace, kind) = match is_1_2 {
        true => (
            "http://www.w3.org/2003/05/soap-envelope",
            format!("application/soap+xml; charset=utf-8; action=\"{action}\""),
        ),
        false => {
            ("http://schemas.xmlsoap.org/soap/envelope/", "text/xml; charset=utf-8".to_owned())
        }
    };
    let mut headers = BTreeMap::from([("Content-Type".to_owned(), kind)]);
    if !is_1_2 {
        headers.insert("SOAPAction".to_owned(), format!("\"{action}\""));
    }
    let inside = soap_body(plan, leaves, |leaf| leaf.value.clone());
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><soap:Envelope xmlns:soap=\"{namespace}\"><soap:Body>{inside}</soap:Body></soap:Envelope>"
    );
    Request::Http { method: "POST".to_owned(), target: path(plan), headers, body: Body::Text(body) }
}

/// When the table was true that was dropped into a folder: at midnight before the question.
fn table_time(plan: &Plan) -> Option<Timestamp> {
    let seconds = plan.at.seconds();
    let midnight = (seconds + CHINA) / DAY * DAY - CHINA;
    (plan.kind == Kind::File).then(|| Timestamp::from_seconds(midnight))
}

/// What the agency writes of the record: attributes, and whom it is about, with `mark` behind the number that it is looked
/// up by; over lines that look up all of them, behind each.
fn record(kind: Kind, fact: &Fact, leaves: &[Leaf], mark: &str) -> Map<String, Json> {
    let as_written = |value: Json| match (kind, &value) {
        (Kind::File, Json::Number(number)) => json!(number.to_string()),
        _ => value,
    };
    let attributes = fact
        .attributes
        .iter()
        .map(|attribute| (attribute.name.clone(), as_written(attribute::sample(attribute).0)));
    let keys = named_keys(kind, leaves).enumerate().map(|(place, (name, leaf))| {
        let mark = if kind == Kind::File && place > 0 { "" } else { mark };
        (name.to_owned(), json!(format!("{}{mark}", leaf.value)))
    });
    attributes.chain(keys).collect()
}

fn found(plan: &Plan, fact: &Fact, leaves: &[Leaf]) -> Reply {
    if plan.kind != Kind::Grpc {
        return record_reply(plan, record(plan.kind, fact, leaves, ""));
    }
    let attributes = fact.attributes.iter();
    let attributes = attributes
        .map(|attribute| (attribute.name.clone(), attribute::sample(attribute).1))
        .collect();
    Reply::Said(Said::Found { attributes, as_of: None, subjects_checked: Vec::new() })
}

fn record_reply(plan: &Plan, record: Map<String, Json>) -> Reply {
    match plan.kind {
        Kind::Soap => {
            let text =
                |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let fields: String = record
                .iter()
                .map(|(name, value)| format!("<{name}>{}</{name}>", text(value)))
                .collect();
            soap(plan, &format!("<code>0</code><record>{fields}</record>"))
        }
        Kind::Sql | Kind::File => {
            Reply::Rows { rows: vec![Json::Object(record)], as_of: table_time(plan) }
        }
        Kind::Http | Kind::Grpc => {
            let body = json!({ "code": "0", "data": record });
            http(200, "application/json", &body.to_string())
        }
    }
}

fn not_found(plan: &Plan) -> Reply {
    match plan.kind {
        Kind::Http => {
            http(200, "application/json", &json!({ "code": "1", "data": null }).to_string())
        }
        Kind::Soap => soap(plan, "<code>1</code>"),
        Kind::Sql | Kind::File => Reply::Rows { rows: Vec::new(), as_of: table_time(plan) },
        Kind::Grpc => Reply::Said(Said::NotFound { as_of: None }),
    }
}

/// A reply that is none, and the key of the first expression that cannot be evaluated for it: there is no code in a
/// proxy's page. Of rows, two are one too many; of a program's record, it is empty.
fn nonsense(plan: &Plan, fact: &Fact, leaves: &[Leaf]) -> (Reply, Option<&'static str>) {
    let page = "<html><body>502 Bad Gateway</body></html>";
    match plan.kind {
        Kind::Http | Kind::Soap => (http(200, "text/html", page), Some("outcome.not_found")),
        Kind::Sql | Kind::File => {
            let row = Json::Object(record(plan.kind, fact, leaves, ""));
            (Reply::Rows { rows: vec![row.clone(), row], as_of: table_time(plan) }, None)
        }
        Kind::Grpc => {
            let attributes = BTreeMap::new();
            let found = Said::Found { attributes, as_of: None, subjects_checked: Vec::new() };
            (Reply::Said(found), None)
        }
    }
}

fn http(status: u16, kind: &str, body: &str) -> Reply {
    let headers = BTreeMap::from([("content-type".to_owned(), kind.to_owned())]);
    Reply::Http { status, headers, body: Body::Text(body.to_owned()) }
}

fn soap(plan: &Plan, inside: &str) -> Reply {
    let element = reply_element(plan);
    let namespace = match plan.service.as_ref().is_some_and(|service| service.is_soap_1_2) {
        true => "http://www.w3.org/2003/05/soap-envelope",
        false => "http://schemas.xmlsoap.org/soap/envelope/",
    };
    let body = format!(
        "<soap:Envelope xmlns:soap=\"{namespace}\"><soap:Body><{element}>{inside}</{element}></soap:Body></soap:Envelope>"
    );
    http(200, "text/xml", &body)
}

/// As a query writes it: everything but letters, digits and `-._~` in hexadecimal.
fn encoded(value: &str) -> String {
    let mut text = String::new();
    for byte in value.bytes() {
        match byte {
            b'-' | b'.' | b'_' | b'~' => text.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => text.push(char::from(byte)),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}
