//! An application in the form that the entry of its case commits to: JSON with sorted keys, as a question's request.

use std::collections::BTreeMap;

use serde::Serialize;

use super::request_text::{OperatorText, PurposeText, SubjectText, ValueText, value_text};
use crate::proto::gateway::v1 as wire;

/// An application in the form that entries commit to. Who kept it can make these bytes again and hold them against an
/// opening.
pub fn application_text(application: &wire::CheckCaseRequest) -> Vec<u8> {
    let given = application.given.iter();
    let text = ApplicationText {
        case_id: &application.case_id,
        evidence: application.evidence.iter().map(EvidenceText::of).collect(),
        given: given.map(|(name, value)| (name.as_str(), value_text(value))).collect(),
        operator: application.operator.as_ref().map(OperatorText::of),
        purpose: application.purpose.as_ref().map(PurposeText::of),
        subjects: application.subjects.iter().map(SubjectText).collect(),
        submitted_on: &application.submitted_on,
        want_receipts: application.want_receipts,
    };
    // Texts, numbers and lists of them can always be written.
    serde_json::to_vec(&text).unwrap_or_default()
}

#[derive(Serialize)]
struct ApplicationText<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    case_id: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    evidence: Vec<EvidenceText<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    given: BTreeMap<&'a str, Option<ValueText>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operator: Option<OperatorText<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purpose: Option<PurposeText<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subjects: Vec<SubjectText<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    submitted_on: &'a str,
    want_receipts: bool,
}

#[derive(Serialize)]
struct EvidenceText<'a> {
    #[serde(skip_serializing_if = "String::is_empty")]
    digest: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    issued_on: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    issuer: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
}

impl<'a> EvidenceText<'a> {
    fn of(evidence: &'a wire::Evidence) -> Self {
        Self {
            digest: evidence.digest.iter().map(|byte| format!("{byte:02x}")).collect(),
            issued_on: &evidence.issued_on,
            issuer: &evidence.issuer,
            name: &evidence.name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The form is a promise: openings of long ago are held against it.
    #[test]
    fn an_application_has_one_text() {
        let person = wire::Person {
            document_number: "110101199003070011".to_owned(),
            name: "\u{738b}".to_owned(),
            ..wire::Person::default()
        };
        let value = |kind| wire::Value { kind: Some(kind) };
        let application = wire::CheckCaseRequest {
            case_id: "id".to_owned(),
            purpose: Some(wire::Purpose { item: "W3".to_owned(), ..wire::Purpose::default() }),
            operator: Some(wire::Operator { id: "0042".to_owned(), unit: "hall".to_owned() }),
            submitted_on: "2026-11-23".to_owned(),
            subjects: vec![wire::Subject {
                role: "applicant".to_owned(),
                kind: Some(wire::subject::Kind::Person(person)),
                ..wire::Subject::default()
            }],
            given: [
                ("rent".to_owned(), value(wire::value::Kind::Integer(100_040))),
                ("by".to_owned(), value(wire::value::Kind::Text("t".to_owned()))),
            ]
            .into(),
            evidence: vec![wire::Evidence {
                name: "lease".to_owned(),
                issuer: "counter".to_owned(),
                digest: vec![0, 255],
                issued_on: "2026-11-01".to_owned(),
            }],
            want_receipts: true,
        };
        let text = String::from_utf8(application_text(&application)).unwrap();
        assert_eq!(
            text,
            "{\"case_id\":\"id\",\"evidence\":[{\"digest\":\"00ff\",\"issued_on\":\"2026-11-01\",\
             \"issuer\":\"counter\",\"name\":\"lease\"}],\"given\":{\"by\":{\"text\":\"t\"},\
             \"rent\":{\"integer\":100040}},\"operator\":{\"id\":\"0042\",\"unit\":\"hall\"},\
             \"purpose\":{\"item\":\"W3\"},\"subjects\":[{\"person\":{\"document_number\":\
             \"110101199003070011\",\"document_type\":\"citizen_id\",\"name\":\"\u{738b}\"},\
             \"role\":\"applicant\"}],\"submitted_on\":\"2026-11-23\",\"want_receipts\":true}"
        );
        let empty = application_text(&wire::CheckCaseRequest::default());
        assert_eq!(empty, b"{\"want_receipts\":false}");
    }
}
