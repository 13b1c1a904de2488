//! The values that entries commit to, in the one form of bytes that gateway, caller and court rebuild alike.
//!
//! JSON without spaces, keys sorted, characters beyond ASCII as they are.

use serde_json::{Map, Value as Json, json};

use crate::crypto::{hex, sha256};
use crate::decision::release::Released;
use crate::query::Operator;
use crate::query::subject::{Subject, SubjectKind};

/// Largest committed value that is kept whole; four of them, sealed, fit the log's limit for one record. A question
/// without defects has a tenth of it; a larger value is replaced by its length and digest.
const VALUE_BYTES: usize = 63 << 10;

/// The value as it is committed to: itself, or `{"bytes":…,"sha256":"…"}` of one that is too large.
pub fn bounded(value: Vec<u8>) -> Vec<u8> {
    if value.len() <= VALUE_BYTES {
        return value;
    }
    json!({ "bytes": value.len(), "sha256": hex(&sha256(&value)) }).to_string().into_bytes()
}

/// The subjects in the caller's order, as the gateway normalised them: `[{"person":{…},"role":"…"},…]`.
pub fn subjects(subjects: &[Subject]) -> Vec<u8> {
    let list: Vec<Json> = subjects
        .iter()
        .map(|subject| {
            let fields = match &subject.kind {
                SubjectKind::Person(person) => json!({
                    "document_number": person.document_number,
                    "document_type": person.document_type.name(),
                    "name": person.name,
                }),
                SubjectKind::Employer(employer) => {
                    json!({ "name": employer.name, "uscc": employer.uscc })
                }
                SubjectKind::Property(property) => json!({
                    "address": property.address,
                    "certificate_number": property.certificate_number,
                    "division": property.division,
                    "unit_number": property.unit_number,
                }),
                SubjectKind::Document(document) => json!({
                    "code": document.code,
                    "division": document.division,
                    "number": document.number,
                }),
            };
            json!({ "role": subject.role, subject.kind.name(): fields })
        })
        .collect();
    Json::Array(list).to_string().into_bytes()
}

/// The person who asked: `{"id":"…","unit":"…"}`.
pub fn operator(operator: &Operator) -> Vec<u8> {
    json!({ "id": operator.id, "unit": operator.unit }).to_string().into_bytes()
}

/// The answer: `{"disclosed":{…},"judgements":[…],"verdict":"…"}`.
pub fn answer(released: &Released) -> Vec<u8> {
    let judgements: Vec<Json> = released
        .judgements
        .iter()
        .map(|(attribute, comparison, verdict)| {
            json!({ "attribute": attribute, "comparison": comparison.name(), "verdict": verdict.name() })
        })
        .collect();
    let disclosed: Map<String, Json> =
        released.disclosed.iter().map(|(name, value)| (name.clone(), value.plain())).collect();
    json!({
        "disclosed": disclosed,
        "judgements": judgements,
        "verdict": released.verdict.name(),
    })
    .to_string()
    .into_bytes()
}
