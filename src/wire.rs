//! Between the vocabulary and its messages, both ways: what the edge, adapters in other programs and clients share.

mod application_text;
mod request_text;

use std::time::Duration;

pub use self::application_text::application_text;
pub use self::request_text::request_text;
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
