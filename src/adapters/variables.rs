//! What expressions see of a question. Personal data: it lives in memory for as long as the question does.

use serde_json::Value as Json;

use super::language::expression::{Held, Scope};
use crate::catalogue::Role;
use crate::query::Query;
use crate::query::subject::{IdentityDocument, Person, SubjectKind};

/// Binds `subject`, `all`, `has_role`, `purpose`, `operator` and `request_id`.
pub(crate) fn bind(scope: &mut Scope, query: &Query, roles: &[Role]) {
    let (mut first, mut all, mut has) = (Vec::new(), Vec::new(), Vec::new());
    for role in roles {
        let of_role = query.subjects.iter().filter(|subject| subject.role == role.name);
        let filled: Vec<Held> = of_role.map(|subject| fields(&subject.kind)).collect();
        let name = || role.name.clone();
        has.push((name(), Held::from(Json::Bool(!filled.is_empty()))));
        first.extend(filled.first().map(|subject| (name(), subject.clone())));
        all.push((name(), Held::list(filled)));
    }
    scope.set("subject", Held::map(first));
    scope.set("all", Held::map(all));
    scope.set("has_role", Held::map(has));
    let purpose = &query.purpose;
    scope.set(
        "purpose",
        Held::map([
            ("item", purpose.item.as_str()),
            ("item_version", &purpose.item_version),
            ("case_number", &purpose.case_number),
            ("replaced_material", &purpose.replaced_material),
        ]),
    );
    let operator = &query.operator;
    scope.set("operator", Held::map([("id", operator.id.as_str()), ("unit", &operator.unit)]));
    scope.set("request_id", Json::String(uuid::Uuid::from_bytes(query.request_id).to_string()));
}

fn fields(kind: &SubjectKind) -> Held {
    match kind {
        SubjectKind::Person(person) => Held::map([
            ("document_type", person.document_type.name()),
            ("document_number", &person.document_number),
            ("name", &person.name),
            ("sex", sex(person)),
        ]),
        SubjectKind::Employer(employer) => {
            Held::map([("uscc", employer.uscc.as_str()), ("name", &employer.name)])
        }
        SubjectKind::Property(property) => Held::map([
            ("unit_number", property.unit_number.as_str()),
            ("certificate_number", &property.certificate_number),
            ("address", &property.address),
            ("division", &property.division),
        ]),
        SubjectKind::Document(document) => Held::map([
            ("number", document.number.as_str()),
            ("code", &document.code),
            ("division", &document.division),
        ]),
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
