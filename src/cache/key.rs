//! The key of a kept answer, made from the permit and the query: no permit, no key.

use crate::crypto::{CryptoError, Digest, MacKey};
use crate::decision::Permit;
use crate::query::Query;
use crate::query::subject::SubjectKind;

/// A 256-bit keyed hash over agreement, clause, fact, subjects and the last change of what stands behind the answer. Tells nothing about any person.
///
/// The attributes need no place of their own: what is kept is the record under one clause, and the clause is in.
/// All 256 bits are kept because a collision would hand one person's answer to another.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key(Digest);

/// Makes keys under a secret of this process.
pub(super) struct Keys(MacKey);

impl Keys {
    pub(super) fn new() -> Result<Self, CryptoError> {
        Ok(Self(MacKey::new(&crate::crypto::random()?)))
    }

    pub(super) fn of(&self, permit: &Permit, query: &Query, since: u64) -> Key {
        let mut parts: Vec<&[u8]> = Vec::with_capacity(5 + query.subjects.len() * 6);
        let since = since.to_be_bytes();
        let clause = permit.clause_number().to_be_bytes();
        parts.push(&permit.agreement().digest);
        parts.push(&clause);
        parts.push(&since);
        parts.push(query.fact.as_str().as_bytes());
        for subject in &query.subjects {
            parts.push(subject.role.as_bytes());
            parts.push(subject.kind.name().as_bytes());
            match &subject.kind {
                SubjectKind::Person(person) => parts.extend([
                    person.document_type.name().as_bytes(),
                    person.document_number.as_bytes(),
                    person.name.as_bytes(),
                ]),
                SubjectKind::Employer(employer) => {
                    parts.extend([employer.uscc.as_bytes(), employer.name.as_bytes()]);
                }
                SubjectKind::Property(property) => parts.extend([
                    property.unit_number.as_bytes(),
                    property.certificate_number.as_bytes(),
                    property.address.as_bytes(),
                    property.division.as_bytes(),
                ]),
                SubjectKind::Document(document) => parts.extend([
                    document.number.as_bytes(),
                    document.code.as_bytes(),
                    document.division.as_bytes(),
                ]),
            }
        }
        Key(self.0.mac(&[&framed(&parts)]))
    }
}

/// Puts each part's length before it, so that no two lists of parts read the same.
fn framed(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}
