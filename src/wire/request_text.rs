//! A request in the form that entries commit to.
//!
//! JSON with sorted keys, written straight from structs whose fields stand in the order of their names: every question
//! pays for it.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::{read_comparison, read_identity_document, read_relation, read_value};
use crate::proto::gateway::v1 as wire;
use crate::query::value::{Named, Value};

/// A request in the form that entries commit to: JSON with sorted keys, codes by their stable names, nothing that the
/// caller left out. Who kept the request can make these bytes again and hold them against an opening.
pub fn request_text(request: &wire::VerifyRequest) -> Vec<u8> {
    let text = RequestText {
        assertions: request.assertions.iter().map(assertion_text).collect(),
        disclose: &request.disclose,
        fact: &request.fact,
        max_age: request
            .max_age
            .as_ref()
            .map(|age| AgeText { nanos: age.nanos, seconds: age.seconds }),
        operator: request.operator.as_ref().map(OperatorText::of),
        purpose: request.purpose.as_ref().map(PurposeText::of),
        request_id: &request.request_id,
        subjects: request.subjects.iter().map(SubjectText).collect(),
        want_receipt: request.want_receipt,
    };
    // Enough for most: growing copies what is there.
    let mut bytes = Vec::with_capacity(640);
    // Texts, numbers and lists of them can always be written.
    match serde_json::to_writer(&mut bytes, &text) {
        Ok(()) => bytes,
        Err(_) => Vec::new(),
    }
}

#[derive(Serialize)]
struct RequestText<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    assertions: Vec<AssertionText<'a>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    disclose: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    fact: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_age: Option<AgeText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operator: Option<OperatorText<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purpose: Option<PurposeText<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    request_id: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subjects: Vec<SubjectText<'a>>,
    want_receipt: bool,
}

#[derive(Serialize)]
struct AgeText {
    nanos: i32,
    seconds: i64,
}

#[derive(Serialize)]
pub(super) struct OperatorText<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    unit: &'a str,
}

#[derive(Serialize)]
pub(super) struct PurposeText<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    case_number: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    consent: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    item: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    item_version: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    notice: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    replaced_material: &'a str,
}

impl<'a> OperatorText<'a> {
    pub(super) fn of(operator: &'a wire::Operator) -> Self {
        Self { id: &operator.id, unit: &operator.unit }
    }
}

impl<'a> PurposeText<'a> {
    pub(super) fn of(purpose: &'a wire::Purpose) -> Self {
        Self {
            case_number: &purpose.case_number,
            consent: &purpose.consent,
            item: &purpose.item,
            item_version: &purpose.item_version,
            notice: &purpose.notice,
            replaced_material: &purpose.replaced_material,
        }
    }
}

/// A code by its stable name; one that is unknown stays visible as its number.
#[derive(Serialize)]
#[serde(untagged)]
enum Code {
    Known(&'static str),
    Unknown(i32),
}

impl Code {
    fn of(known: Option<&'static str>, number: i32) -> Self {
        known.map_or(Self::Unknown(number), Self::Known)
    }
}

pub(super) struct SubjectText<'a>(pub(super) &'a wire::Subject);

impl Serialize for SubjectText<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let subject = self.0;
        let mut fields = serializer.serialize_map(None)?;
        // Every kind's name comes before "relation".
        match &subject.kind {
            None => {}
            Some(wire::subject::Kind::Person(person)) => fields.serialize_entry(
                "person",
                &PersonText {
                    document_number: &person.document_number,
                    document_type: Code::of(
                        read_identity_document(person.document_type).map(|known| known.name()),
                        person.document_type,
                    ),
                    name: &person.name,
                },
            )?,
            Some(wire::subject::Kind::Employer(employer)) => fields.serialize_entry(
                "employer",
                &EmployerText { name: &employer.name, uscc: &employer.uscc },
            )?,
            Some(wire::subject::Kind::Property(property)) => fields.serialize_entry(
                "property",
                &PropertyText {
                    address: &property.address,
                    certificate_number: &property.certificate_number,
                    division: &property.division,
                    unit_number: &property.unit_number,
                },
            )?,
            Some(wire::subject::Kind::Document(document)) => fields.serialize_entry(
                "document",
                &DocumentText {
                    code: &document.code,
                    division: &document.division,
                    number: &document.number,
                },
            )?,
        }
        if subject.relation != 0 {
            let known = read_relation(subject).ok().flatten().map(|known| known.relation.name());
            fields.serialize_entry("relation", &Code::of(known, subject.relation))?;
        }
        if !subject.role.is_empty() {
            fields.serialize_entry("role", &subject.role)?;
        }
        if subject.shown_by != 0 {
            fields.serialize_entry("shown_by", &subject.shown_by)?;
        }
        fields.end()
    }
}

#[derive(Serialize)]
struct PersonText<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    document_number: &'a str,
    document_type: Code,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
}

#[derive(Serialize)]
struct EmployerText<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    uscc: &'a str,
}

#[derive(Serialize)]
struct PropertyText<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    address: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    certificate_number: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    division: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    unit_number: &'a str,
}

#[derive(Serialize)]
struct DocumentText<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    code: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    division: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    number: &'a str,
}

#[derive(Serialize)]
struct AssertionText<'a> {
    attribute: &'a str,
    comparison: Code,
    values: Vec<Option<ValueText>>,
}

/// A value under the name of its type.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ValueText {
    Truth(bool),
    Integer(i64),
    Text(String),
    Date(String),
    People(Vec<Named>),
}

fn assertion_text(assertion: &wire::Assertion) -> AssertionText<'_> {
    let compared = wire::Comparison::try_from(assertion.comparison).ok().and_then(read_comparison);
    AssertionText {
        attribute: &assertion.attribute,
        comparison: Code::of(compared.map(|known| known.name()), assertion.comparison),
        values: assertion.values.iter().map(value_text).collect(),
    }
}

pub(super) fn value_text(given: &wire::Value) -> Option<ValueText> {
    Some(match read_value(given)? {
        Value::Truth(truth) => ValueText::Truth(truth),
        Value::Integer(integer) => ValueText::Integer(integer),
        Value::Text(text) => ValueText::Text(text),
        Value::Date(date) => ValueText::Date(date),
        Value::People(people) => ValueText::People(people),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

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

    /// Everything a request can hold, as a library writes it that sorts by itself.
    #[test]
    fn keys_are_sorted_and_what_was_left_out_is_not_there() {
        let full = full();
        let text = request_text(&full);
        let sorted = serde_json::from_slice::<Json>(&text).unwrap().to_string();
        assert_eq!(String::from_utf8(text).unwrap(), sorted);
        for part in [
            "\"relation\":\"verified\"",
            "\"relation\":99",
            "\"shown_by\":7",
            "\"document_type\":42",
            "{\"people\":[{\"name\":\"N\",\"number\":\"1\"}]}",
            "\"values\":[{\"truth\":true},{\"text\":\"t\"},{\"date\":\"2026-01-01\"},null,",
            "\"operator\":{},\"purpose\":{\"case_number\":\"1\",\"consent\":\"2\",\"item\":\"3\",",
            "\"property\":{\"address\":\"a\"",
            "\"employer\":{},\"role\":\"employer\"",
            "\"document\":{\"number\":\"9\"}",
            "\"disclose\":[\"members\"]",
        ] {
            assert!(sorted.contains(part), "{part} in {sorted}");
        }
        let empty = request_text(&wire::VerifyRequest::default());
        assert_eq!(empty, b"{\"want_receipt\":false}");
    }

    fn full() -> wire::VerifyRequest {
        use wire::subject::Kind;
        use wire::value::Kind as Held;

        let subject = |role: &str, relation, shown_by, kind| wire::Subject {
            role: role.to_owned(),
            kind: Some(kind),
            relation,
            shown_by,
        };
        let value = |kind| wire::Value { kind: Some(kind) };
        let named = wire::NamedPerson { name: "N".to_owned(), number: "1".to_owned() };
        let person = wire::Person { document_type: 42, ..wire::Person::default() };
        let property = wire::Property { address: "a".to_owned(), ..wire::Property::default() };
        let document = wire::Document { number: "9".to_owned(), ..wire::Document::default() };
        let verified = wire::Relation::Verified.into();
        wire::VerifyRequest {
            subjects: vec![
                subject("person", verified, 7, Kind::Person(person)),
                subject("employer", 0, 0, Kind::Employer(wire::Employer::default())),
                subject("home", 99, 0, Kind::Property(property)),
                subject("", 0, 0, Kind::Document(document)),
            ],
            assertions: vec![wire::Assertion {
                attribute: "any".to_owned(),
                comparison: wire::Comparison::In.into(),
                values: vec![
                    value(Held::Truth(true)),
                    value(Held::Text("t".to_owned())),
                    value(Held::Date("2026-01-01".to_owned())),
                    wire::Value { kind: None },
                    value(Held::People(wire::People { people: vec![named] })),
                ],
            }],
            disclose: vec!["members".to_owned()],
            purpose: Some(wire::Purpose {
                case_number: "1".to_owned(),
                consent: "2".to_owned(),
                item: "3".to_owned(),
                item_version: "4".to_owned(),
                notice: "5".to_owned(),
                replaced_material: "6".to_owned(),
            }),
            operator: Some(wire::Operator::default()),
            ..wire::VerifyRequest::default()
        }
    }
}
