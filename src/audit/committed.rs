//! The values that entries commit to, in the one form of bytes that gateway, caller and court rebuild alike.
//!
//! JSON without spaces, keys sorted, characters beyond ASCII as they are. Written straight from structs whose fields stand
//! in the order of their names: every question pays for it.

use std::collections::BTreeMap;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::json;

use crate::crypto::{hex, sha256};
use crate::decision::release::Released;
use crate::query::Operator;
use crate::query::subject::{Subject, SubjectKind};
use crate::query::value::Value;

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
    text(&subjects.iter().map(SubjectText).collect::<Vec<_>>())
}

/// The person who asked: `{"id":"…","unit":"…"}`.
pub fn operator(operator: &Operator) -> Vec<u8> {
    text(&OperatorText { id: &operator.id, unit: &operator.unit })
}

/// The answer: `{"disclosed":{…},"judgements":[…],"verdict":"…"}`.
pub fn answer(released: &Released) -> Vec<u8> {
    let judgements = released.judgements.iter();
    text(&AnswerText {
        disclosed: Plain(&released.disclosed),
        judgements: judgements
            .map(|(attribute, comparison, verdict)| JudgementText {
                attribute,
                comparison: comparison.name(),
                verdict: verdict.name(),
            })
            .collect(),
        verdict: released.verdict.name(),
    })
}

/// Texts, numbers and lists of them can always be written.
fn text(value: &impl Serialize) -> Vec<u8> {
    // Enough for most: growing copies what is there.
    let mut text = Vec::with_capacity(256);
    match serde_json::to_writer(&mut text, value) {
        Ok(()) => text,
        Err(_) => Vec::new(),
    }
}

struct SubjectText<'a>(&'a Subject);

impl Serialize for SubjectText<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Subject { role, kind } = self.0;
        // Every kind's name comes before "role".
        let mut fields = serializer.serialize_map(Some(2))?;
        fields.serialize_key(kind.name())?;
        match kind {
            SubjectKind::Person(person) => fields.serialize_value(&PersonText {
                document_number: &person.document_number,
                document_type: person.document_type.name(),
                name: &person.name,
            })?,
            SubjectKind::Employer(employer) => {
                fields.serialize_value(&EmployerText {
                    name: &employer.name,
                    uscc: &employer.uscc,
                })?;
            }
            SubjectKind::Property(property) => fields.serialize_value(&PropertyText {
                address: &property.address,
                certificate_number: &property.certificate_number,
                division: &property.division,
                unit_number: &property.unit_number,
            })?,
            SubjectKind::Document(document) => fields.serialize_value(&DocumentText {
                code: &document.code,
                division: &document.division,
                number: &document.number,
            })?,
        }
        fields.serialize_entry("role", role)?;
        fields.end()
    }
}

#[derive(Serialize)]
struct PersonText<'a> {
    document_number: &'a str,
    document_type: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
struct EmployerText<'a> {
    name: &'a str,
    uscc: &'a str,
}

#[derive(Serialize)]
struct PropertyText<'a> {
    address: &'a str,
    certificate_number: &'a str,
    division: &'a str,
    unit_number: &'a str,
}

#[derive(Serialize)]
struct DocumentText<'a> {
    code: &'a str,
    division: &'a str,
    number: &'a str,
}

#[derive(Serialize)]
struct OperatorText<'a> {
    id: &'a str,
    unit: &'a str,
}

#[derive(Serialize)]
struct AnswerText<'a> {
    disclosed: Plain<'a>,
    judgements: Vec<JudgementText<'a>>,
    verdict: &'a str,
}

#[derive(Serialize)]
struct JudgementText<'a> {
    attribute: &'a str,
    comparison: &'a str,
    verdict: &'a str,
}

/// Values without their types.
struct Plain<'a>(&'a BTreeMap<String, Value>);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value.plain())))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::*;
    use crate::query::subject::{Document, Employer, IdentityDocument, Person, Property};
    use crate::query::value::{Comparison, Named, Verdict};

    /// The text as a library writes it that sorts by itself.
    fn sorted(text: &[u8]) -> Vec<u8> {
        serde_json::from_slice::<Json>(text).unwrap().to_string().into_bytes()
    }

    fn of(role: &str, kind: SubjectKind) -> Subject {
        Subject { role: role.to_owned(), kind }
    }

    #[test]
    fn keys_are_sorted_and_nothing_is_missing() {
        let given = [
            of(
                "spouse",
                SubjectKind::Person(Person {
                    document_type: IdentityDocument::Passport,
                    document_number: "E\"1\\".to_owned(),
                    name: "\u{738b}\u{1}\u{2028}".to_owned(),
                }),
            ),
            of(
                "employer",
                SubjectKind::Employer(Employer { uscc: "U".to_owned(), name: "N".to_owned() }),
            ),
            of(
                "home",
                SubjectKind::Property(Property {
                    unit_number: "1".to_owned(),
                    certificate_number: "2".to_owned(),
                    address: "3".to_owned(),
                    division: "4".to_owned(),
                }),
            ),
            of(
                "paper",
                SubjectKind::Document(Document {
                    number: "1".to_owned(),
                    code: "2".to_owned(),
                    division: String::new(),
                }),
            ),
        ];
        let text = subjects(&given);
        assert_eq!(text, sorted(&text));
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "[{\"person\":{\"document_number\":\"E\\\"1\\\\\",\"document_type\":\"passport\",\
             \"name\":\"\u{738b}\\u0001\u{2028}\"},\"role\":\"spouse\"},\
             {\"employer\":{\"name\":\"N\",\"uscc\":\"U\"},\"role\":\"employer\"},\
             {\"property\":{\"address\":\"3\",\"certificate_number\":\"2\",\"division\":\"4\",\
             \"unit_number\":\"1\"},\"role\":\"home\"},\
             {\"document\":{\"code\":\"2\",\"division\":\"\",\"number\":\"1\"},\"role\":\"paper\"}]"
        );
        let text = operator(&Operator { id: "0042".to_owned(), unit: "counter-3".to_owned() });
        assert_eq!(text, b"{\"id\":\"0042\",\"unit\":\"counter-3\"}");
    }

    #[test]
    fn an_answer_keeps_its_form() {
        let people = vec![Named { name: "N".to_owned(), number: "1".to_owned() }];
        let released = Released {
            verdict: Verdict::Refuted,
            judgements: vec![("months".to_owned(), Comparison::Ge, Verdict::Refuted)],
            disclosed: [
                ("members".to_owned(), Value::People(people)),
                ("alive".to_owned(), Value::Truth(true)),
            ]
            .into(),
            masked: Vec::new(),
        };
        let text = answer(&released);
        assert_eq!(text, sorted(&text));
        let text = String::from_utf8(text).unwrap();
        assert!(text.starts_with("{\"disclosed\":{\"alive\":true,\"members\":[{"), "{text}");
        assert!(text.ends_with(
            "\"judgements\":[{\"attribute\":\"months\",\"comparison\":\"ge\",\"verdict\":\"REFUTED\"}],\
             \"verdict\":\"REFUTED\"}"
        ), "{text}");
    }
}
