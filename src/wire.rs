//! Between the vocabulary and its messages, both ways: what the edge, adapters in other programs and clients share.

use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use crate::proto::gateway::v1 as wire;
use crate::query::identifier;
use crate::query::relation::{Related, Relation};
use crate::query::subject::{
    Document, Employer, IdentityDocument, Person, Property, Subject, SubjectKind,
};
use crate::query::time::Timestamp;
use crate::query::value::{Comparison, Named, Value, Verdict};

/// A subject as its message.
pub fn subject(subject: &Subject) -> wire::Subject {
    let kind = match &subject.kind {
        SubjectKind::Person(person) => wire::subject::Kind::Person(wire::Person {
            document_type: identity_document(person.document_type).into(),
            document_number: person.document_number.clone(),
            name: person.name.clone(),
        }),
        SubjectKind::Employer(employer) => wire::subject::Kind::Employer(wire::Employer {
            uscc: employer.uscc.clone(),
            name: employer.name.clone(),
        }),
        SubjectKind::Property(property) => wire::subject::Kind::Property(wire::Property {
            unit_number: property.unit_number.clone(),
            certificate_number: property.certificate_number.clone(),
            address: property.address.clone(),
            division: property.division.clone(),
        }),
        SubjectKind::Document(document) => wire::subject::Kind::Document(wire::Document {
            number: document.number.clone(),
            code: document.code.clone(),
            division: document.division.clone(),
        }),
    };
    wire::Subject { role: subject.role.clone(), kind: Some(kind), ..Default::default() }
}

/// The kind of document as a message has it.
pub fn identity_document(kind: IdentityDocument) -> wire::IdentityDocument {
    match kind {
        IdentityDocument::CitizenId => wire::IdentityDocument::CitizenId,
        IdentityDocument::ResidencePermit => wire::IdentityDocument::ResidencePermit,
        IdentityDocument::PermanentResidence => wire::IdentityDocument::PermanentResidence,
        IdentityDocument::Passport => wire::IdentityDocument::Passport,
        IdentityDocument::Military => wire::IdentityDocument::Military,
        IdentityDocument::Other => wire::IdentityDocument::Other,
    }
}

/// The relation as its message.
pub fn relation(relation: Relation) -> wire::Relation {
    match relation {
        Relation::CaseParty => wire::Relation::CaseParty,
        Relation::Declared => wire::Relation::Declared,
        Relation::Verified => wire::Relation::Verified,
        Relation::Mandated => wire::Relation::Mandated,
    }
}

/// How a message says that its subject belongs to the case. One without a relation says nothing; `Err` is one unknown.
///
/// # Errors
/// The number of an unknown relation.
pub fn read_relation(given: &wire::Subject) -> Result<Option<Related>, i32> {
    let relation = match wire::Relation::try_from(given.relation) {
        Err(_) => return Err(given.relation),
        Ok(wire::Relation::Unspecified) => return Ok(None),
        Ok(wire::Relation::CaseParty) => Relation::CaseParty,
        Ok(wire::Relation::Declared) => Relation::Declared,
        Ok(wire::Relation::Verified) => Relation::Verified,
        Ok(wire::Relation::Mandated) => Relation::Mandated,
    };
    Ok(Some(Related { relation, shown_by: given.shown_by }))
}

/// The kind of document that a message names; an absent one is a citizen ID, an unknown one `None`.
pub fn read_identity_document(given: i32) -> Option<IdentityDocument> {
    Some(match wire::IdentityDocument::try_from(given).ok()? {
        wire::IdentityDocument::Unspecified | wire::IdentityDocument::CitizenId => {
            IdentityDocument::CitizenId
        }
        wire::IdentityDocument::ResidencePermit => IdentityDocument::ResidencePermit,
        wire::IdentityDocument::PermanentResidence => IdentityDocument::PermanentResidence,
        wire::IdentityDocument::Passport => IdentityDocument::Passport,
        wire::IdentityDocument::Military => IdentityDocument::Military,
        wire::IdentityDocument::Other => IdentityDocument::Other,
    })
}

/// The subject of a message as a gateway understands it: identifiers in their one form, texts trimmed. `None` when a
/// gateway refuses it.
pub fn read_subject(given: &wire::Subject) -> Option<Subject> {
    let trimmed = |text: &str| text.trim().to_owned();
    let unless_empty = |text: &str, read: fn(&str) -> Result<String, &'static str>| {
        if text.trim().is_empty() { Some(String::new()) } else { read(text).ok() }
    };
    let kind = match given.kind.as_ref()? {
        wire::subject::Kind::Person(person) => {
            let document_type = read_identity_document(person.document_type)?;
            SubjectKind::Person(Person {
                document_type,
                document_number: identifier::document(document_type, &person.document_number)
                    .ok()?,
                name: trimmed(&person.name),
            })
        }
        wire::subject::Kind::Employer(employer) => SubjectKind::Employer(Employer {
            uscc: identifier::uscc(&employer.uscc).ok()?,
            name: trimmed(&employer.name),
        }),
        wire::subject::Kind::Property(property) => SubjectKind::Property(Property {
            unit_number: unless_empty(&property.unit_number, identifier::unit_number)?,
            certificate_number: trimmed(&property.certificate_number),
            address: trimmed(&property.address),
            division: unless_empty(&property.division, identifier::division)?,
        }),
        wire::subject::Kind::Document(document) => SubjectKind::Document(Document {
            number: trimmed(&document.number),
            code: trimmed(&document.code),
            division: unless_empty(&document.division, identifier::division)?,
        }),
    };
    Some(Subject { role: given.role.clone(), kind })
}

/// A value as its message.
pub fn value(value: Value) -> wire::Value {
    let kind = match value {
        Value::Truth(truth) => wire::value::Kind::Truth(truth),
        Value::Integer(integer) => wire::value::Kind::Integer(integer),
        Value::Text(text) => wire::value::Kind::Text(text),
        Value::Date(date) => wire::value::Kind::Date(date),
        Value::People(people) => wire::value::Kind::People(wire::People {
            people: people
                .into_iter()
                .map(|Named { name, number }| wire::NamedPerson { name, number })
                .collect(),
        }),
    };
    wire::Value { kind: Some(kind) }
}

/// The value of a message; `None` when it holds nothing.
pub fn read_value(given: &wire::Value) -> Option<Value> {
    Some(match given.kind.as_ref()? {
        wire::value::Kind::Truth(truth) => Value::Truth(*truth),
        wire::value::Kind::Integer(integer) => Value::Integer(*integer),
        wire::value::Kind::Text(text) => Value::Text(text.clone()),
        wire::value::Kind::Date(date) => Value::Date(date.clone()),
        wire::value::Kind::People(people) => Value::People(
            people
                .people
                .iter()
                .map(|one| Named { name: one.name.clone(), number: one.number.clone() })
                .collect(),
        ),
    })
}

/// A verdict as its message.
pub fn verdict(verdict: Verdict) -> wire::Verdict {
    match verdict {
        Verdict::Confirmed => wire::Verdict::Confirmed,
        Verdict::Refuted => wire::Verdict::Refuted,
        Verdict::NotFound => wire::Verdict::NotFound,
        Verdict::Stale => wire::Verdict::Stale,
        Verdict::Conflict => wire::Verdict::Conflict,
        Verdict::Unavailable => wire::Verdict::Unavailable,
    }
}

/// The verdict of a message; `None` when it names none.
pub fn read_verdict(given: wire::Verdict) -> Option<Verdict> {
    Some(match given {
        wire::Verdict::Unspecified => return None,
        wire::Verdict::Confirmed => Verdict::Confirmed,
        wire::Verdict::Refuted => Verdict::Refuted,
        wire::Verdict::NotFound => Verdict::NotFound,
        wire::Verdict::Stale => Verdict::Stale,
        wire::Verdict::Conflict => Verdict::Conflict,
        wire::Verdict::Unavailable => Verdict::Unavailable,
    })
}

/// A comparison as its message.
pub fn comparison(comparison: Comparison) -> wire::Comparison {
    match comparison {
        Comparison::Eq => wire::Comparison::Equal,
        Comparison::Ne => wire::Comparison::NotEqual,
        Comparison::Lt => wire::Comparison::Less,
        Comparison::Le => wire::Comparison::LessOrEqual,
        Comparison::Gt => wire::Comparison::Greater,
        Comparison::Ge => wire::Comparison::GreaterOrEqual,
        Comparison::In => wire::Comparison::In,
        Comparison::Exists => wire::Comparison::Exists,
        Comparison::NameMatch => wire::Comparison::NameMatch,
    }
}

/// The comparison of a message; `None` when it names none.
pub fn read_comparison(given: wire::Comparison) -> Option<Comparison> {
    Some(match given {
        wire::Comparison::Unspecified => return None,
        wire::Comparison::Equal => Comparison::Eq,
        wire::Comparison::NotEqual => Comparison::Ne,
        wire::Comparison::Less => Comparison::Lt,
        wire::Comparison::LessOrEqual => Comparison::Le,
        wire::Comparison::Greater => Comparison::Gt,
        wire::Comparison::GreaterOrEqual => Comparison::Ge,
        wire::Comparison::In => Comparison::In,
        wire::Comparison::Exists => Comparison::Exists,
        wire::Comparison::NameMatch => Comparison::NameMatch,
    })
}

/// A point in time as the well-known message.
pub fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: i64::try_from(at.seconds()).unwrap_or(i64::MAX),
        nanos: i32::try_from((at.0 % 1_000_000) * 1000).unwrap_or_default(),
    }
}

/// The point in time of the well-known message; `None` before 1970 or out of range.
pub fn read_timestamp(given: &prost_types::Timestamp) -> Option<Timestamp> {
    let seconds = u64::try_from(given.seconds).ok()?;
    let micros = u64::try_from(given.nanos).ok()? / 1000;
    seconds.checked_mul(1_000_000)?.checked_add(micros).map(Timestamp)
}

/// A length of time as the well-known message.
pub fn duration(length: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(length.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(length.subsec_nanos()).unwrap_or_default(),
    }
}

/// A request in the form that entries commit to: JSON with sorted keys, codes by their stable names, nothing that the
/// caller left out. Who kept the request can make these bytes again and hold them against an opening.
pub fn request_text(request: &wire::VerifyRequest) -> Vec<u8> {
    let list = |items: Vec<Json>| Json::Array(items);
    let mut fields = texts(&[("request_id", &request.request_id), ("fact", &request.fact)]);
    fields.insert("subjects".to_owned(), list(request.subjects.iter().map(subject_text).collect()));
    let assertions = request.assertions.iter().map(assertion_text).collect();
    fields.insert("assertions".to_owned(), list(assertions));
    fields.insert("disclose".to_owned(), json!(request.disclose));
    if let Some(purpose) = &request.purpose {
        let purpose = texts(&[
            ("item", &purpose.item),
            ("item_version", &purpose.item_version),
            ("case_number", &purpose.case_number),
            ("replaced_material", &purpose.replaced_material),
            ("notice", &purpose.notice),
            ("consent", &purpose.consent),
        ]);
        fields.insert("purpose".to_owned(), Json::Object(purpose));
    }
    if let Some(operator) = &request.operator {
        let operator = texts(&[("id", &operator.id), ("unit", &operator.unit)]);
        fields.insert("operator".to_owned(), Json::Object(operator));
    }
    if let Some(age) = &request.max_age {
        let age = json!({ "seconds": age.seconds, "nanos": age.nanos });
        fields.insert("max_age".to_owned(), age);
    }
    fields.insert("want_receipt".to_owned(), json!(request.want_receipt));
    fields.retain(|_, value| !matches!(value, Json::Array(items) if items.is_empty()));
    Json::Object(fields).to_string().into_bytes()
}

fn subject_text(subject: &wire::Subject) -> Json {
    let mut fields = texts(&[("role", &subject.role)]);
    let kind = subject.kind.as_ref().map(|kind| match kind {
        wire::subject::Kind::Person(person) => {
            let mut fields =
                texts(&[("document_number", &person.document_number), ("name", &person.name)]);
            let document = read_identity_document(person.document_type);
            let document =
                document.map_or(json!(person.document_type), |known| json!(known.name()));
            fields.insert("document_type".to_owned(), document);
            ("person", fields)
        }
        wire::subject::Kind::Employer(employer) => {
            ("employer", texts(&[("uscc", &employer.uscc), ("name", &employer.name)]))
        }
        wire::subject::Kind::Property(property) => (
            "property",
            texts(&[
                ("unit_number", &property.unit_number),
                ("certificate_number", &property.certificate_number),
                ("address", &property.address),
                ("division", &property.division),
            ]),
        ),
        wire::subject::Kind::Document(document) => (
            "document",
            texts(&[
                ("number", &document.number),
                ("code", &document.code),
                ("division", &document.division),
            ]),
        ),
    });
    fields.extend(kind.map(|(name, kind)| (name.to_owned(), Json::Object(kind))));
    if subject.relation != 0 {
        let known = read_relation(subject).ok().flatten();
        let relation = known.map_or(json!(subject.relation), |known| json!(known.relation.name()));
        fields.insert("relation".to_owned(), relation);
    }
    if subject.shown_by != 0 {
        fields.insert("shown_by".to_owned(), json!(subject.shown_by));
    }
    Json::Object(fields)
}

fn assertion_text(assertion: &wire::Assertion) -> Json {
    let compared = wire::Comparison::try_from(assertion.comparison).ok().and_then(read_comparison);
    let compared = compared.map_or(json!(assertion.comparison), |known| json!(known.name()));
    let value = |given: &wire::Value| match read_value(given) {
        Some(Value::Truth(truth)) => json!({ "truth": truth }),
        Some(Value::Integer(integer)) => json!({ "integer": integer }),
        Some(Value::Text(text)) => json!({ "text": text }),
        Some(Value::Date(date)) => json!({ "date": date }),
        Some(Value::People(people)) => json!({ "people": people }),
        None => Json::Null,
    };
    json!({
        "attribute": assertion.attribute,
        "comparison": compared,
        "values": assertion.values.iter().map(value).collect::<Vec<_>>(),
    })
}

/// The fields that hold something.
fn texts(fields: &[(&str, &String)]) -> Map<String, Json> {
    let given = fields.iter().filter(|(_, text)| !text.is_empty());
    given.map(|(name, text)| ((*name).to_owned(), json!(text))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The form is a promise: receipts of long ago are held against it.
    #[test]
    fn a_request_has_one_text() {
        let person = wire::Person {
            document_type: 0,
            document_number: "110101199003070011".to_owned(),
            name: "\u{738b}".to_owned(),
        };
        let request = wire::VerifyRequest {
            request_id: "id".to_owned(),
            fact: "S2".to_owned(),
            subjects: vec![wire::Subject {
                role: "person".to_owned(),
                kind: Some(wire::subject::Kind::Person(person)),
                ..Default::default()
            }],
            assertions: vec![wire::Assertion {
                attribute: "months".to_owned(),
                comparison: wire::Comparison::GreaterOrEqual.into(),
                values: vec![wire::Value { kind: Some(wire::value::Kind::Integer(6)) }],
            }],
            max_age: Some(prost_types::Duration { seconds: 60, nanos: 0 }),
            ..wire::VerifyRequest::default()
        };
        let text = String::from_utf8(request_text(&request)).unwrap();
        assert_eq!(
            text,
            "{\"assertions\":[{\"attribute\":\"months\",\"comparison\":\"ge\",\"values\":[{\"integer\":6}]}],\
             \"fact\":\"S2\",\"max_age\":{\"nanos\":0,\"seconds\":60},\"request_id\":\"id\",\
             \"subjects\":[{\"person\":{\"document_number\":\"110101199003070011\",\
             \"document_type\":\"citizen_id\",\"name\":\"\u{738b}\"},\"role\":\"person\"}],\"want_receipt\":false}"
        );
        let odd = wire::VerifyRequest {
            assertions: vec![wire::Assertion { comparison: 77, ..wire::Assertion::default() }],
            ..wire::VerifyRequest::default()
        };
        let text = String::from_utf8(request_text(&odd)).unwrap();
        assert!(text.contains("\"comparison\":77"), "what is unknown stays visible: {text}");
    }
}
