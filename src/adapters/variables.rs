//! What expressions see of a question. Personal data: it lives in memory for as long as the question does.

use serde_json::Value as Json;

use super::language::expression::{Held, Scope};
use super::manifest::Manifest;
use crate::catalogue::Role;
use crate::query::Query;
use crate::query::subject::{IdentityDocument, Person, SubjectKind};

/// Which of them some expression of a manifest may look at. `subject` nearly always is.
pub(crate) struct Wanted {
    all: bool,
    has_role: bool,
    purpose: bool,
    operator: bool,
    request_id: bool,
}

impl Wanted {
    /// By the expressions of that manifest.
    pub(crate) fn by(manifest: &Manifest) -> Self {
        Self {
            all: manifest.wants("all"),
            has_role: manifest.wants("has_role"),
            purpose: manifest.wants("purpose"),
            operator: manifest.wants("operator"),
            request_id: manifest.wants("request_id"),
        }
    }
}

/// Binds `subject`, and those of `all`, `has_role`, `purpose`, `operator` and `request_id` that are wanted.
pub(crate) fn bind(scope: &mut Scope, query: &Query, roles: &[Role], wanted: &Wanted) {
    bind_subjects(scope, query, roles, wanted);
    if wanted.purpose {
        let purpose = &query.purpose;
        let fields = [
            ("item", purpose.item.as_str()),
            ("item_version", &purpose.item_version),
            ("case_number", &purpose.case_number),
            ("replaced_material", &purpose.replaced_material),
        ];
        scope.set("purpose", Held::map(fields));
    }
    if wanted.operator {
        let operator = &query.operator;
        scope.set("operator", Held::map([("id", operator.id.as_str()), ("unit", &operator.unit)]));
    }
    if wanted.request_id {
        scope.set("request_id", uuid::Uuid::from_bytes(query.request_id).to_string());
    }
}

fn bind_subjects(scope: &mut Scope, query: &Query, roles: &[Role], wanted: &Wanted) {
    let of_role = |role: &Role| {
        let name = role.name.clone();
        query.subjects.iter().filter(move |subject| subject.role == name)
    };
    let name = |role: &Role| role.name.clone();
    if wanted.has_role {
        let has = |role: &Role| Json::Bool(of_role(role).next().is_some());
        scope.set("has_role", Held::map(roles.iter().map(|role| (name(role), has(role)))));
    }
    if !wanted.all {
        let first = roles.iter().filter_map(|role| {
            let subject = of_role(role).next()?;
            Some((name(role), fields(&subject.kind)))
        });
        scope.set("subject", Held::map(first));
        return;
    }
    let (mut first, mut all) = (Vec::new(), Vec::new());
    for role in roles {
        let filled: Vec<Held> = of_role(role).map(|subject| fields(&subject.kind)).collect();
        first.extend(filled.first().map(|subject| (name(role), subject.clone())));
        all.push((name(role), Held::list(filled)));
    }
    scope.set("subject", Held::map(first));
    scope.set("all", Held::map(all));
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
