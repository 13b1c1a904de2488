//! What expressions see of a question. Personal data: it lives in memory for as long as the question does.

use serde_json::{Map, Value as Json, json};

use super::language::expression::Scope;
use crate::catalogue::Role;
use crate::query::Query;
use crate::query::subject::{IdentityDocument, Person, SubjectKind};

/// Binds `subject`, `all`, `has_role`, `purpose`, `operator` and `request_id`.
pub(crate) fn bind(scope: &mut Scope, query: &Query, roles: &[Role]) {
    let (mut first, mut all, mut has) = (Map::new(), Map::new(), Map::new());
    for role in roles {
        let filled: Vec<Json> = query
            .subjects
            .iter()
            .filter(|subject| subject.role == role.name)
            .map(|subject| fields(&subject.kind))
            .collect();
        has.insert(role.name.clone(), Json::Bool(!filled.is_empty()));
        if let Some(subject) = filled.first() {
            first.insert(role.name.clone(), subject.clone());
        }
        all.insert(role.name.clone(), Json::Array(filled));
    }
    scope.set("subject", &Json::Object(first));
    scope.set("all", &Json::Object(all));
    scope.set("has_role", &Json::Object(has));
    scope.set(
        "purpose",
        &json!({
            "item": query.purpose.item.as_str(),
            "item_version": query.purpose.item_version,
            "case_number": query.purpose.case_number,
            "replaced_material": query.purpose.replaced_material,
        }),
    );
    scope.set("operator", &json!({ "id": query.operator.id, "unit": query.operator.unit }));
    scope.set("request_id", &json!(uuid::Uuid::from_bytes(query.request_id).to_string()));
}

fn fields(kind: &SubjectKind) -> Json {
    match kind {
        SubjectKind::Person(person) => json!({
            "document_type": person.document_type.name(),
            "document_number": person.document_number,
            "name": person.name,
            "sex": sex(person),
        }),
        SubjectKind::Employer(employer) => json!({ "uscc": employer.uscc, "name": employer.name }),
        SubjectKind::Property(property) => json!({
            "unit_number": property.unit_number,
            "certificate_number": property.certificate_number,
            "address": property.address,
            "division": property.division,
        }),
        SubjectKind::Document(document) => json!({
            "number": document.number,
            "code": document.code,
            "division": document.division,
        }),
    }
}

/// The seventeenth digit of the 18-digit numbers is odd for men. Other documents say nothing.
fn sex(person: &Person) -> &'static str {
    let says = matches!(
        person.document_type,
        IdentityDocument::CitizenId
            | IdentityDocument::ResidencePermit
            | IdentityDocument::PermanentResidence
    );
    match person.document_number.as_bytes().get(16) {
        Some(digit) if says && person.document_number.len() == 18 && digit.is_ascii_digit() => {
            if digit % 2 == 1 {
                "M"
            } else {
                "F"
            }
        }
        _ => "",
    }
}
