//! From the wire to a question: every field checked, every flaw named by its path and the check it failed.
//!
//! A question with flaws is still built, as far as it goes, so that its denial can be recorded with what was asked.

use std::time::Duration;

use crate::catalogue::{Catalogue, Fact};
use crate::decision::facts::Defect;
use crate::proto::gateway::v1 as wire;
use crate::query::identifier;
use crate::query::relation::{Related, Relation};
use crate::query::subject::{
    Document, Employer, IdentityDocument, Person, Property, Subject, SubjectKind,
};
use crate::query::value::{Assertion, Value};
use crate::query::{FactCode, ItemCode, Operator, Purpose, Query};
use crate::wire::{read_comparison, read_identity_document, read_relation, read_value};

/// At most this many subjects: the housing agency's own limit of nine family members, and room for their partners.
const SUBJECTS_LIMIT: usize = 20;
/// At most this many assertions and disclosures: more than any fact has attributes.
const ATTRIBUTES_LIMIT: usize = 32;
/// Longest name or address in characters; the longest registered address seen has 180.
const TEXT_LIMIT: usize = 256;

/// Reads a request; `entries` is how many the log has. The query is whole only when there are no defects.
///
/// What is not said at all (no item, no case, no operator, nobody to ask about) is no defect: the decision has a denial
/// for each.
pub(super) fn read(
    request: &wire::VerifyRequest,
    catalogue: &Catalogue,
    entries: u64,
) -> (Query, Vec<Defect>) {
    let mut defects = Defects::default();
    let fact = catalogue.fact(&FactCode::new(request.fact.as_str()));
    let (subjects, relations) =
        subjects(&request.subjects, fact, entries, &mut defects).into_iter().unzip();
    let query = Query {
        request_id: defects.check("request_id", uuid7(&request.request_id)),
        // An unknown code is caller's text; it stays out of the entry.
        fact: fact.map(|fact| fact.code.clone()).unwrap_or_default(),
        subjects,
        relations,
        assertions: assertions(request, fact, &mut defects),
        disclose: disclose(&request.disclose, fact, &mut defects),
        purpose: purpose(request.purpose.as_ref(), catalogue, &mut defects),
        operator: operator(request.operator.as_ref(), &mut defects),
        max_age: max_age(request.max_age.as_ref(), &mut defects),
        want_receipt: request.want_receipt,
    };
    (query, defects.0)
}

/// What is wrong with a message, by path.
#[derive(Default)]
pub(super) struct Defects(pub(super) Vec<Defect>);

impl Defects {
    pub(super) fn add(&mut self, field: impl Into<String>, check: &str) {
        self.0.push(Defect { field: field.into(), check: check.to_owned() });
    }

    /// The value, or its default with the failed check noted.
    pub(super) fn check<T: Default>(
        &mut self,
        field: impl Into<String>,
        result: Result<T, &'static str>,
    ) -> T {
        result.unwrap_or_else(|check| {
            self.add(field, check);
            T::default()
        })
    }
}

/// A field under a path. It becomes text when something is wrong with it, which is seldom.
#[derive(Clone, Copy)]
struct Under<'a>(&'a str, &'static str);

impl From<Under<'_>> for String {
    fn from(Under(path, field): Under<'_>) -> Self {
        [path, field].concat()
    }
}

/// The id that a caller made for a question or a case.
pub(super) fn uuid7(text: &str) -> Result<[u8; 16], &'static str> {
    match uuid::Uuid::try_parse(text) {
        Ok(id) if id.get_version_num() == 7 => Ok(*id.as_bytes()),
        Ok(_) => Err("uuid_version"),
        Err(_) if text.is_empty() => Err("missing"),
        Err(_) => Err("uuid"),
    }
}

/// The subjects, each with how it belongs to the case.
fn subjects(
    given: &[wire::Subject],
    fact: Option<&Fact>,
    entries: u64,
    defects: &mut Defects,
) -> Vec<(Subject, Option<Related>)> {
    if given.len() > SUBJECTS_LIMIT {
        defects.add("subjects", "too_many");
        return Vec::new();
    }
    let mut subjects: Vec<(Subject, Option<Related>)> = Vec::with_capacity(given.len());
    for (position, subject) in given.iter().enumerate() {
        let path = format!("subjects[{position}]");
        let related = related(subject, &path, entries, defects);
        let Some(kind) = &subject.kind else {
            defects.add(path, "missing");
            continue;
        };
        let kind = subject_kind(kind, &path, defects);
        let role = fact.and_then(|fact| fact.roles.iter().find(|role| role.name == subject.role));
        match role {
            Some(role) if role.kind == kind.name() => {
                subjects.push((Subject { role: role.name.clone(), kind }, related));
            }
            Some(_) => defects.add(path, "wrong_kind"),
            None if fact.is_some() => defects.add(format!("{path}.role"), "unknown_role"),
            None => {}
        }
    }
    for role in fact.map(|fact| fact.roles.as_slice()).unwrap_or_default() {
        let count = subjects.iter().filter(|(subject, _)| subject.role == role.name).count();
        if count == 0 && !role.optional && !given.is_empty() && defects.0.is_empty() {
            defects.add(format!("subjects.{}", role.name), "missing");
        }
        if count > 1 && !role.many {
            defects.add(format!("subjects.{}", role.name), "repeated");
        }
    }
    subjects
}

/// How the subject belongs to the case. An index of an entry belongs to a relation that an answer has shown, and to no
/// other; it is recorded in clear, so it must be one of an entry that there is, and can be no other number.
fn related(
    subject: &wire::Subject,
    path: &str,
    entries: u64,
    defects: &mut Defects,
) -> Option<Related> {
    let relation = match read_relation(subject) {
        Ok(related) => related.map(|related| related.relation),
        Err(_) => {
            defects.add(Under(path, ".relation"), "unknown");
            None
        }
    };
    let shown_by = match (subject.shown_by, relation) {
        (0, _) => Ok(0),
        (index, Some(Relation::Verified)) if index < entries => Ok(index),
        (_, Some(Relation::Verified)) => Err("no_such_entry"),
        _ => Err("misplaced"),
    };
    let shown_by = defects.check(Under(path, ".shown_by"), shown_by);
    relation.map(|relation| Related { relation, shown_by })
}

/// The subject itself, normalised.
pub(super) fn subject_kind(
    kind: &wire::subject::Kind,
    path: &str,
    defects: &mut Defects,
) -> SubjectKind {
    match kind {
        wire::subject::Kind::Person(person) => {
            SubjectKind::Person(self::person(person, path, defects))
        }
        wire::subject::Kind::Employer(employer) => SubjectKind::Employer(Employer {
            uscc: defects.check(Under(path, ".employer.uscc"), identifier::uscc(&employer.uscc)),
            name: text(&employer.name, Under(path, ".employer.name"), defects),
        }),
        wire::subject::Kind::Property(property) => {
            SubjectKind::Property(self::property(property, path, defects))
        }
        wire::subject::Kind::Document(document) => {
            if document.number.trim().is_empty() {
                defects.add(Under(path, ".document.number"), "missing");
            }
            SubjectKind::Document(Document {
                number: text(&document.number, Under(path, ".document.number"), defects),
                code: text(&document.code, Under(path, ".document.code"), defects),
                division: division(&document.division, Under(path, ".document.division"), defects),
            })
        }
    }
}

fn person(person: &wire::Person, path: &str, defects: &mut Defects) -> Person {
    let document_type = read_identity_document(person.document_type).unwrap_or_else(|| {
        defects.add(Under(path, ".person.document_type"), "unknown");
        IdentityDocument::Other
    });
    let number = identifier::document(document_type, &person.document_number);
    let name_path = Under(path, ".person.name");
    if person.name.trim().is_empty() {
        defects.add(name_path, "missing");
    }
    Person {
        document_type,
        document_number: defects.check(Under(path, ".person.document_number"), number),
        name: text(&person.name, name_path, defects),
    }
}

fn property(property: &wire::Property, path: &str, defects: &mut Defects) -> Property {
    let unit_number = if property.unit_number.trim().is_empty() {
        String::new()
    } else {
        let checked = identifier::unit_number(&property.unit_number);
        defects.check(Under(path, ".property.unit_number"), checked)
    };
    let named = !property.unit_number.trim().is_empty()
        || !property.certificate_number.trim().is_empty()
        || !property.address.trim().is_empty();
    if !named {
        defects.add(Under(path, ".property"), "missing");
    }
    let certificate = Under(path, ".property.certificate_number");
    Property {
        unit_number,
        certificate_number: text(&property.certificate_number, certificate, defects),
        address: text(&property.address, Under(path, ".property.address"), defects),
        division: division(&property.division, Under(path, ".property.division"), defects),
    }
}

fn division(given: &str, path: Under<'_>, defects: &mut Defects) -> String {
    if given.trim().is_empty() {
        return String::new();
    }
    defects.check(path, identifier::division(given))
}

fn text(given: &str, path: impl Into<String> + Copy, defects: &mut Defects) -> String {
    let trimmed = given.trim();
    if trimmed.chars().count() > TEXT_LIMIT {
        defects.add(path, "too_long");
    }
    if trimmed.chars().any(char::is_control) {
        defects.add(path, "control_character");
    }
    trimmed.to_owned()
}

fn assertions(
    request: &wire::VerifyRequest,
    fact: Option<&Fact>,
    defects: &mut Defects,
) -> Vec<Assertion> {
    if request.assertions.len() > ATTRIBUTES_LIMIT {
        defects.add("assertions", "too_many");
        return Vec::new();
    }
    let Some(fact) = fact else { return Vec::new() };
    if request.assertions.is_empty() && request.disclose.is_empty() {
        return fact.confirms.iter().cloned().collect();
    }
    let read = |(position, given): (usize, &wire::Assertion)| {
        let path = format!("assertions[{position}]");
        let Some(attribute) = fact.attribute(&given.attribute) else {
            defects.add(format!("{path}.attribute"), "unknown_attribute");
            return None;
        };
        let Some(comparison) = read_comparison(given.comparison()) else {
            defects.add(format!("{path}.comparison"), "missing");
            return None;
        };
        let values: Vec<Value> = given.values.iter().filter_map(read_value).collect();
        if values.len() != given.values.len() {
            defects.add(format!("{path}.values"), "missing");
        }
        let assertion = Assertion { attribute: attribute.name.clone(), comparison, values };
        if let Err((field, check)) = fact.check_assertion(&assertion) {
            defects.add(format!("{path}.{field}"), check);
        }
        Some(assertion)
    };
    request.assertions.iter().enumerate().filter_map(read).collect()
}

fn disclose(given: &[String], fact: Option<&Fact>, defects: &mut Defects) -> Vec<String> {
    let Some(fact) = fact else { return Vec::new() };
    if given.len() > ATTRIBUTES_LIMIT {
        defects.add("disclose", "too_many");
        return Vec::new();
    }
    let known = |(position, name): (usize, &String)| {
        let found = fact.attributes.iter().find(|attribute| attribute.name == *name);
        if found.is_none() {
            defects.add(format!("disclose[{position}]"), "unknown_attribute");
        }
        found.map(|attribute| attribute.name.clone())
    };
    given.iter().enumerate().filter_map(known).collect()
}

fn purpose(given: Option<&wire::Purpose>, catalogue: &Catalogue, defects: &mut Defects) -> Purpose {
    let Some(given) = given else { return Purpose::default() };
    let code = ItemCode::new(given.item.as_str());
    let item = catalogue.item(&code, &given.item_version);
    // A version of an item that is not known says nothing.
    if item.is_none() && catalogue.has_item(&code) && !given.item_version.is_empty() {
        defects.add("purpose.item_version", "unknown_version");
    }
    let known_material = given.replaced_material.is_empty()
        || item.is_none_or(|item| item.materials.contains_key(&given.replaced_material));
    if !known_material {
        defects.add("purpose.replaced_material", "unknown_material");
    }
    Purpose {
        // An unknown code is caller's text; it stays out of the entry.
        item: if catalogue.has_item(&code) { code } else { ItemCode::default() },
        item_version: item.map(|item| item.version.clone()).unwrap_or_default(),
        case_number: unless_empty("purpose.case_number", &given.case_number, reference, defects),
        replaced_material: match item {
            Some(_) if known_material => given.replaced_material.clone(),
            _ => String::new(),
        },
        notice: unless_empty("purpose.notice", &given.notice, notice, defects),
        consent: unless_empty("purpose.consent", &given.consent, reference, defects),
    }
}

/// The text as `read` has it; one that was not given stays empty.
pub(super) fn unless_empty(
    path: &str,
    given: &str,
    read: fn(&str) -> Result<String, &'static str>,
    defects: &mut Defects,
) -> String {
    if given.is_empty() { String::new() } else { defects.check(path, read(given)) }
}

/// The code of a text of notice goes into entries in clear; it names a text, and nobody.
pub(super) fn notice(given: &str) -> Result<String, &'static str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    match given {
        _ if given.len() > 64 => Err("length"),
        _ if !given.bytes().all(allowed) => Err("characters"),
        _ if identifier::contains_identity_number(given) => Err("identity_number_inside"),
        _ => Ok(given.to_owned()),
    }
}

/// The number of a case, and that of a consent, go into entries in clear, so they may not carry a person's number.
pub(super) fn reference(given: &str) -> Result<String, &'static str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    match given.len() {
        4..=64 if !given.bytes().all(allowed) => Err("characters"),
        4..=64 if identifier::contains_identity_number(given) => Err("identity_number_inside"),
        4..=64 => Ok(given.to_owned()),
        _ => Err("length"),
    }
}

/// The operator's unit goes into entries in clear; their id does not.
pub(super) fn operator(given: Option<&wire::Operator>, defects: &mut Defects) -> Operator {
    let Some(given) = given else { return Operator::default() };
    let unit = match given.unit.trim() {
        unit if unit.chars().count() > 64 => Err("length"),
        unit if !unit.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') => {
            Err("characters")
        }
        unit if identifier::contains_identity_number(unit) => Err("identity_number_inside"),
        unit => Ok(unit.to_owned()),
    };
    Operator {
        id: text(&given.id, "operator.id", defects),
        unit: defects.check("operator.unit", unit),
    }
}

fn max_age(given: Option<&prost_types::Duration>, defects: &mut Defects) -> Option<Duration> {
    let given = *given?;
    match Duration::try_from(given) {
        // As exact as an entry is: what was asked is held against it when the answer is contested.
        Ok(wanted) => {
            Some(Duration::from_micros(wanted.as_micros().try_into().unwrap_or(u64::MAX)))
        }
        Err(_) => {
            defects.add("max_age", "negative");
            None
        }
    }
}
