//! What an entry commits to without saying it: subject, operator, request, answer.

use serde_json::{Map, Value as Json, json};

use super::exchange::Opened;
use crate::audit::commitment::{self, Field, Seed};
use crate::audit::entry::Commitments;
use crate::crypto::{CryptoError, Digest};
use crate::decision::release::Released;
use crate::query::subject::{Subject, SubjectKind};
use crate::query::value::Value;
use crate::query::{Operator, Query};

/// Commitments of one entry, and the openings that only the caller gets.
pub(super) struct Sealed {
    pub(super) commitments: Commitments,
    pub(super) openings: Vec<Opened>,
}

/// Commits to the question and, when there is one, its answer.
///
/// The committed bytes are JSON with sorted keys: a caller, a court or another program can read and rebuild them.
pub(super) fn seal(
    query: &Query,
    request: &Digest,
    answer: Option<&Released>,
) -> Result<Sealed, CryptoError> {
    let seed = Seed::random()?;
    let mut openings = Vec::with_capacity(4);
    let mut commit = |field: Field, value: Vec<u8>| {
        let (commitment, opening) = commitment::commit(&seed, field, &value);
        openings.push(Opened { field: field.name(), opening, value });
        Some(commitment)
    };
    let commitments = Commitments {
        subject: commit(Field::Subject, subjects(&query.subjects)),
        operator: commit(Field::Operator, operator(&query.operator)),
        request: commit(Field::Request, request.to_vec()),
        answer: answer.and_then(|released| commit(Field::Answer, released_as_json(released))),
        sealed: None,
    };
    Ok(Sealed { commitments, openings })
}

fn subjects(subjects: &[Subject]) -> Vec<u8> {
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

fn operator(operator: &Operator) -> Vec<u8> {
    json!({ "id": operator.id, "unit": operator.unit }).to_string().into_bytes()
}

/// The answer in the form that is committed to: `{"disclosed":{…},"judgements":[…],"verdict":"…"}`.
fn released_as_json(released: &Released) -> Vec<u8> {
    let judgements: Vec<Json> = released
        .judgements
        .iter()
        .map(|(attribute, comparison, verdict)| {
            json!({ "attribute": attribute, "comparison": comparison.name(), "verdict": verdict.name() })
        })
        .collect();
    let disclosed: Map<String, Json> = released
        .disclosed
        .iter()
        .map(|(name, value)| {
            let value = match value {
                Value::Truth(truth) => json!(truth),
                Value::Integer(integer) => json!(integer),
                Value::Text(text) | Value::Date(text) => json!(text),
            };
            (name.clone(), value)
        })
        .collect();
    json!({
        "disclosed": disclosed,
        "judgements": judgements,
        "verdict": released.verdict.name(),
    })
    .to_string()
    .into_bytes()
}
