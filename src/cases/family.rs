//! Who belongs to a group: those whom answers tell, and those whom the application declares.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::catalogue::rule::{Found, ToldBy};
use crate::query::identifier;
use crate::query::relation::{Related, Relation};
use crate::query::subject::{IdentityDocument, Person, SubjectKind};
use crate::query::value::{Named, Value};

/// One subject of a case, and how it belongs to it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) subject: SubjectKind,
    pub(super) related: Option<Related>,
}

impl Member {
    /// A person whom an answer has told of.
    fn verified(person: Person, log_index: u64) -> Self {
        let related = Related { relation: Relation::Verified, shown_by: log_index };
        Self { subject: SubjectKind::Person(person), related: Some(related) }
    }

    /// The number that tells a person apart from others.
    pub(super) fn number(&self) -> Option<&str> {
        match &self.subject {
            SubjectKind::Person(person) => Some(&person.document_number),
            _ => None,
        }
    }
}

/// The persons whom an answer's values tell of; `None` when they do not say who.
pub(super) fn told(
    found: &Found,
    disclosed: &BTreeMap<String, Value>,
    log_index: u64,
) -> Option<Vec<Member>> {
    let member = |one: &Named| Some(Member::verified(citizen(one)?, log_index));
    match &found.told_by {
        ToldBy::People(attribute) => match disclosed.get(attribute)? {
            Value::People(people) => people.iter().map(member).collect(),
            _ => None,
        },
        ToldBy::Person { name, number } => {
            let text = |attribute| match disclosed.get(attribute) {
                Some(Value::Text(text)) => Some(text.clone()),
                _ => None,
            };
            Some(vec![member(&Named { name: text(name)?, number: text(number)? })?])
        }
    }
}

fn citizen(one: &Named) -> Option<Person> {
    let name = one.name.trim();
    let document_number = identifier::citizen_id(&one.number).ok()?;
    (!name.is_empty()).then(|| Person {
        document_type: IdentityDocument::CitizenId,
        document_number,
        name: name.to_owned(),
    })
}

/// False of a person who is certainly older. Whoever's age a number does not tell stays, and everyone on the birthday
/// itself: years are full from the day after it.
pub(super) fn is_younger(member: &Member, years: i64, on: Date) -> bool {
    let SubjectKind::Person(person) = &member.subject else { return true };
    // Eighteen characters of a passport are no day of birth.
    let tells = [IdentityDocument::CitizenId, IdentityDocument::ResidencePermit];
    if !tells.contains(&person.document_type) {
        return true;
    }
    let number = &person.document_number;
    let born = number
        .get(6..14)
        .filter(|_| number.len() == 18)
        .and_then(|digits| Date::strptime("%Y%m%d", digits).ok());
    let Some(born) = born else { return true };
    let grown =
        jiff::Span::new().try_years(years).ok().and_then(|span| born.checked_add(span).ok());
    grown.is_none_or(|grown| on <= grown)
}

/// Adds those who are not there yet.
pub(super) fn join(members: &mut Vec<Member>, more: impl IntoIterator<Item = Member>) {
    for member in more {
        let known = members.iter().any(|one| match (one.number(), member.number()) {
            (Some(one), Some(other)) => one == other,
            _ => one.subject == member.subject,
        });
        if !known {
            members.push(member);
        }
    }
}
