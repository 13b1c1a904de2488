//! Applications for renting (W3) by people of the province.

use std::collections::HashMap;

use heyan::catalogue::AttributeKind;
use heyan::catalogue::rule::Rule;
use heyan::client::Client;
use heyan::proto::gateway::v1 as wire;
use heyan::simulate::samples;

use crate::support::{Lab, OPERATOR};

/// The case number of all of them.
pub(crate) fn case_number() -> &'static str {
    "GJJ-2026-000777"
}

pub(crate) fn truth(truth: bool) -> wire::Value {
    wire::Value { kind: Some(wire::value::Kind::Truth(truth)) }
}

pub(crate) fn integer(integer: i64) -> wire::Value {
    wire::Value { kind: Some(wire::value::Kind::Integer(integer)) }
}

/// An application to withdraw for rent.
pub(crate) struct Renting {
    request: wire::CheckCaseRequest,
}

impl Renting {
    /// By the person of that index, of whom nothing else is said.
    pub(crate) fn of(lab: &Lab, index: u32) -> Self {
        let applicant = samples::person(lab.simulation.province(), "applicant", index);
        let given = HashMap::from([
            ("months_in_a_row".to_owned(), integer(12)),
            ("withdrawn_within_12_months".to_owned(), truth(false)),
            ("amount_fen".to_owned(), integer(1_800_000)),
        ]);
        Self {
            request: wire::CheckCaseRequest {
                case_id: Client::request_id(),
                purpose: Some(wire::Purpose {
                    item: "W3".to_owned(),
                    case_number: case_number().to_owned(),
                    ..wire::Purpose::default()
                }),
                operator: Some(wire::Operator {
                    id: OPERATOR.to_owned(),
                    unit: "hall-1".to_owned(),
                }),
                subjects: vec![heyan::wire::subject(&applicant)],
                given,
                ..wire::CheckCaseRequest::default()
            },
        }
    }

    /// With the declaration of being single, of today.
    pub(crate) fn single(mut self) -> Self {
        self.request.evidence.push(wire::Evidence {
            name: "single_declaration".to_owned(),
            issuer: "applicant".to_owned(),
            digest: vec![7; 32],
            issued_on: today(),
        });
        self
    }

    /// With the tenant's lease.
    pub(crate) fn with_lease(mut self, lab: &Lab) -> Self {
        let sample = samples::question("H7", lab.simulation.province());
        let mut lease = heyan::wire::subject(&sample.subjects[0]);
        "lease".clone_into(&mut lease.role);
        self.request.subjects.push(lease);
        self
    }

    pub(crate) fn request(self) -> wire::CheckCaseRequest {
        self.request
    }
}

/// States everything that a rule asks for and nobody has stated yet, and names a paper where it wants one.
pub(crate) fn complete(request: &mut wire::CheckCaseRequest, rule: &Rule) {
    request.given.retain(|name, _| rule.given(name).is_some());
    for given in rule.given.iter().filter(|given| !given.optional) {
        let value = match &given.kind {
            AttributeKind::Truth => truth(false),
            _ => integer(12),
        };
        request.given.entry(given.name.clone()).or_insert(value);
    }
    let papers = rule.parties.iter().filter(|party| !party.optional && party.kind == "document");
    for paper in papers {
        let number = "HT-2026-000001".to_owned();
        let document = wire::Document { number, ..wire::Document::default() };
        request.subjects.push(wire::Subject {
            role: paper.name.clone(),
            kind: Some(wire::subject::Kind::Document(document)),
            ..wire::Subject::default()
        });
    }
}

/// The day in China.
pub(crate) fn today() -> String {
    let at = i64::try_from(heyan::clock::now().0).unwrap();
    let at = jiff::Timestamp::from_microsecond(at).unwrap();
    jiff::tz::offset(8).to_datetime(at).date().to_string()
}
