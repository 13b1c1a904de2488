//! What a request needs to say about a fact's subjects: a name, an expression, and what it comes to for a made-up subject.

use crate::catalogue::{Fact, Role};
use crate::query::subject::{
    Document, Employer, IdentityDocument, Person, Property, Subject, SubjectKind,
};

/// One value of a request about one role.
pub(super) struct Leaf {
    /// Name, such as `person_number`.
    pub(super) name: String,
    /// Expression, such as `subject.person.document_number`.
    pub(super) expression: String,
    /// What it is for the made-up subject; empty where the role is left out.
    pub(super) value: String,
    /// It names the subject, and an answer must repeat it.
    pub(super) is_key: bool,
}

/// The leaves of a fact: first those that name its subjects.
pub(super) fn leaves(fact: &Fact) -> Vec<Leaf> {
    let mut leaves: Vec<Leaf> = fact.roles.iter().flat_map(of_role).collect();
    leaves.sort_by(|one, other| one.name.cmp(&other.name));
    leaves
}

fn of_role(role: &Role) -> Vec<Leaf> {
    let fields: &[(&str, &str)] = match role.kind.as_str() {
        "person" => &[("number", "document_number"), ("name", "name")],
        "employer" => &[("uscc", "uscc"), ("name", "name")],
        "property" => &[("unit", "unit_number")],
        _ => &[("number", "number")],
    };
    let name = &role.name;
    let made_up = made_up(role);
    let leaf = |(position, (suffix, field)): (usize, &(&str, &str))| {
        let value = format!("subject.{name}.{field}");
        Leaf {
            name: format!("{name}_{suffix}"),
            expression: match role.optional {
                true => format!("has_role.{name} ? {value} : \"\""),
                false => value,
            },
            value: match role.optional {
                true => String::new(),
                false => field_of(&made_up, field),
            },
            is_key: position == 0 && !role.optional,
        }
    };
    fields.iter().enumerate().map(leaf).collect()
}

/// The subjects of the starter fixtures: one for each role that must be filled.
pub(super) fn subjects(fact: &Fact) -> Vec<Subject> {
    let needed = fact.roles.iter().filter(|role| !role.optional);
    needed.map(|role| Subject { role: role.name.clone(), kind: made_up(role) }).collect()
}

/// Somebody whose number was never issued: its area is the whole province.
fn made_up(role: &Role) -> SubjectKind {
    match role.kind.as_str() {
        "person" if role.name == "spouse" => person("李安超", "430000198708250029"),
        "person" => person("张博诗", "43000019850312001X"),
        "employer" => SubjectKind::Employer(Employer {
            uscc: "12430000000000027P".to_owned(),
            name: "湖南省湘江图书馆".to_owned(),
        }),
        "property" => SubjectKind::Property(Property {
            unit_number: "430100000000GB00000F00000001".to_owned(),
            ..Property::default()
        }),
        _ => SubjectKind::Document(Document {
            number: "TEST-0001".to_owned(),
            ..Document::default()
        }),
    }
}

fn person(name: &str, number: &str) -> SubjectKind {
    SubjectKind::Person(Person {
        document_type: IdentityDocument::CitizenId,
        document_number: number.to_owned(),
        name: name.to_owned(),
    })
}

fn field_of(subject: &SubjectKind, field: &str) -> String {
    match (subject, field) {
        (SubjectKind::Person(person), "document_number") => person.document_number.clone(),
        (SubjectKind::Person(person), _) => person.name.clone(),
        (SubjectKind::Employer(employer), "uscc") => employer.uscc.clone(),
        (SubjectKind::Employer(employer), _) => employer.name.clone(),
        (SubjectKind::Property(property), _) => property.unit_number.clone(),
        (SubjectKind::Document(document), _) => document.number.clone(),
    }
}
