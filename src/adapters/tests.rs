//! Adapters over real sockets: agencies that answer, that are slow, that break off, that answer nonsense.

mod agency;
mod databases;
mod exchanges;
mod file;
mod grpc;
mod hostile;
mod http;
mod http2;
mod limits;
mod mapped;
mod recorded;
mod rehearsed;
mod session;
mod signing;
mod program;
mod promises;
mod soap;
mod sql;

use std::time::Duration;

use crate::catalogue::{Attribute, AttributeKind, Fact, Role};
use crate::query::FactCode;

/// Two facts of the catalogue.
pub(super) fn facts(code: &FactCode) -> Option<Fact> {
    let attribute = |name: &str, kind, optional| Attribute {
        name: name.to_owned(),
        kind,
        title_zh: String::new(),
        optional,
    };
    let role = |name: &str| Role {
        name: name.to_owned(),
        kind: "person".to_owned(),
        optional: false,
        many: false,
    };
    let fact = |agency: &str, roles, attributes| Fact {
        code: code.clone(),
        version: "1".to_owned(),
        title: String::new(),
        title_zh: String::new(),
        agency: agency.into(),
        roles,
        attributes,
        confirms: None,
        fresh_for: Duration::from_secs(60),
    };
    let codes =
        |codes: &[&str]| AttributeKind::Code(codes.iter().map(|&code| code.into()).collect());
    match code.as_str() {
        "M1" => Some(fact(
            "civil-affairs",
            vec![role("person")],
            vec![
                attribute("status", codes(&["married", "divorced", "annulled"]), false),
                attribute("registered_on", AttributeKind::Date, false),
                attribute("certificate_number", AttributeKind::Text, true),
            ],
        )),
        "M2" => Some(fact(
            "civil-affairs",
            vec![role("person"), role("spouse")],
            vec![
                attribute("married", AttributeKind::Truth, false),
                attribute("registered_on", AttributeKind::Date, true),
            ],
        )),
        "P1" => Some(fact(
            "police",
            vec![role("person")],
            vec![
                attribute("identity_match", AttributeKind::Truth, false),
                attribute("deceased", AttributeKind::Truth, false),
            ],
        )),
        _ => None,
    }
}
