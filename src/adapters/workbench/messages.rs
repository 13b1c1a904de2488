//! What goes to a program and comes from it, as JSON with the names that fixtures have.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::proto::adapter::v1 as wire;
use crate::proto::adapter::v1::fetch_response::Outcome;
use crate::proto::gateway::v1 as gateway;
use crate::query::subject::SubjectKind;
use crate::query::value::Value;
use crate::wire::{read_subject, read_value};

/// A question to a program.
pub(super) fn asked(question: &wire::FetchRequest) -> Json {
    let purpose = question.purpose.clone().unwrap_or_default();
    let operator = question.operator.clone().unwrap_or_default();
    json!({
        "fact": question.fact,
        "request_id": uuid::Uuid::from_slice(&question.request_id).unwrap_or_default().to_string(),
        "subject": question.subjects.iter().map(subject).collect::<Vec<_>>(),
        "attributes": question.attributes,
        "purpose": {
            "item": purpose.item,
            "item_version": purpose.item_version,
            "case_number": purpose.case_number,
        },
        "operator": { "id": operator.id, "unit": operator.unit },
    })
}

/// With the fields that fixtures have.
fn subject(message: &gateway::Subject) -> Json {
    let role = &message.role;
    let Some(subject) = read_subject(message) else { return json!({ "role": role }) };
    match subject.kind {
        SubjectKind::Person(person) => json!({
            "role": role,
            "document_type": person.document_type.name(),
            "document_number": person.document_number,
            "name": person.name,
        }),
        SubjectKind::Employer(employer) => {
            json!({ "role": role, "uscc": employer.uscc, "name": employer.name })
        }
        SubjectKind::Property(home) => json!({
            "role": role,
            "unit_number": home.unit_number,
            "certificate_number": home.certificate_number,
            "address": home.address,
            "division": home.division,
        }),
        SubjectKind::Document(document) => json!({
            "role": role,
            "number": document.number,
            "code": document.code,
            "division": document.division,
        }),
    }
}

/// A program's reply.
pub(super) fn said(reply: &wire::FetchResponse) -> Json {
    match &reply.outcome {
        Some(Outcome::Found(found)) => {
            let attributes: BTreeMap<&String, Option<Json>> = found
                .attributes
                .iter()
                .map(|(name, value)| (name, read_value(value).as_ref().map(Value::plain)))
                .collect();
            let as_of = found.as_of.as_ref().map(ToString::to_string);
            let checked = &found.subjects_checked;
            json!({ "found": { "attributes": attributes, "as_of": as_of, "subjects_checked": checked } })
        }
        Some(Outcome::NotFound(not_found)) => {
            json!({ "not_found": { "as_of": not_found.as_of.as_ref().map(ToString::to_string) } })
        }
        Some(Outcome::Unavailable(unavailable)) => {
            json!({ "unavailable": { "reason": unavailable.reason } })
        }
        None => Json::Null,
    }
}
