//! Everything a decision may look at, and nothing else. Each field is in the entry.

use std::time::Duration;

use super::PermitRef;
use super::agreements::Placed;
use crate::crypto::{Digest, hex};
use crate::query::relation::Relation;
use crate::query::subject::Subject;
use crate::query::time::Timestamp;
use crate::query::value::{Assertion, Comparison};
use crate::query::{FactCode, ItemCode, OrganisationId, Query, SystemId};

/// The recorded circumstances of one query. Holds no personal data.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Facts {
    /// Version of the rules that decided.
    pub rules: u32,
    /// The caller's id of the request.
    pub request_id: [u8; 16],
    /// Dense number of this question among the caller's, from 1; see [`CallerFacts::numbered_as`].
    pub caller_sequence: u64,
    /// When the request came in.
    pub received_at: Timestamp,
    /// Time the caller gave us; `None` when it set no deadline.
    pub deadline: Option<Duration>,
    /// Who asks.
    pub caller: CallerFacts,
    /// The fact; `None` when the catalogue has no such code.
    pub fact: Option<FactCode>,
    /// The organisation that answers it; `None` with an unknown fact.
    pub provider: Option<OrganisationId>,
    /// The purpose's item, as named; empty when missing or unknown.
    pub item: ItemCode,
    /// Version of the item; empty when missing.
    pub item_version: String,
    /// Case number; empty when missing.
    pub case_number: String,
    /// Paper replaced; may be empty.
    pub replaced_material: String,
    /// Unit of the operator; empty when missing.
    pub operator_unit: String,
    /// Whether an operator was named.
    pub operator_present: bool,
    /// Notice that the person was given, by the code of its text; empty when none was named.
    pub notice: String,
    /// Reference of the person's consent; empty when none was named.
    pub consent: String,
    /// The subjects, in order.
    pub roles: Vec<RoleFact>,
    /// The assertions, in order.
    pub assertions: Vec<AssertionFact>,
    /// Attributes whose values are wanted.
    pub disclose: Vec<String>,
    /// Oldest acceptable answer.
    pub max_age: Option<Duration>,
    /// What is wrong with the query itself.
    pub defects: Vec<Defect>,
    /// Permits already given under each agreement that could apply.
    pub quota: Vec<QuotaUse>,
    /// Freezes in force that stop such a question, by the names of [`super::freeze::Scope`].
    pub freezes: Vec<String>,
    /// Digest of the catalogue that named provider and roles.
    pub catalogue_digest: Digest,
}

/// Who asks, from the certificate, held against the party register.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CallerFacts {
    /// Organisation named by the certificate.
    pub organisation: OrganisationId,
    /// System named by the certificate.
    pub system: SystemId,
    /// SHA-256 of the certificate.
    pub certificate: Digest,
    /// What the register says.
    pub standing: Standing,
}

/// A subject, without who it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RoleFact {
    /// Role that the fact lists.
    pub role: String,
    /// `person`, `employer`, `property` or `document`.
    pub kind: String,
    /// How the subject belongs to the case, as the caller says.
    pub relation: Option<Relation>,
    /// The entry that has shown it: its index in the log; 0 when none was named.
    pub shown_by: u64,
}

/// An assertion, without its values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AssertionFact {
    /// Attribute of the fact.
    pub attribute: String,
    /// How it compares.
    pub comparison: Comparison,
    /// Clauses that limit the values of this attribute, and whose limit these values keep.
    pub within: Vec<PermitRef>,
}

/// The subjects of a question, as decisions see them.
pub fn roles(query: &Query) -> Vec<RoleFact> {
    let role = |(position, subject): (usize, &Subject)| {
        let related = query.relations.get(position).copied().flatten();
        RoleFact {
            role: subject.role.clone(),
            kind: subject.kind.name().to_owned(),
            relation: related.map(|related| related.relation),
            shown_by: related.map_or(0, |related| related.shown_by),
        }
    };
    query.subjects.iter().enumerate().map(role).collect()
}

/// The assertions of a question, as decisions see them; `clauses` are those that might grant it.
pub fn assertions(query: &Query, clauses: &[Placed]) -> Vec<AssertionFact> {
    let keeps = |assertion: &Assertion, Placed { agreement, position, .. }: &Placed| {
        let clause = agreement.clauses.get(*position)?;
        let limit = clause.limit(&assertion.attribute).filter(|limit| limit.is_about_values())?;
        limit.admits(assertion).then(|| PermitRef::to(agreement, *position))
    };
    let asked = query.assertions.iter().map(|assertion| AssertionFact {
        attribute: assertion.attribute.clone(),
        comparison: assertion.comparison,
        within: clauses.iter().filter_map(|placed| keeps(assertion, placed)).collect(),
    });
    asked.collect()
}

impl CallerFacts {
    /// Under which name the caller's questions are numbered. Its own, when the organisation's authority vouches for the
    /// certificate; otherwise none and the certificate's digest: whoever only claims a name takes no number of those
    /// who bear it.
    pub fn numbered_as(&self) -> (OrganisationId, SystemId) {
        if self.standing.is_vouched() {
            (self.organisation.clone(), self.system.clone())
        } else {
            (OrganisationId::default(), SystemId::new(hex(&self.certificate)))
        }
    }
}

impl Standing {
    /// True when an authority of the organisation that the certificate names has issued it.
    pub fn is_vouched(self) -> bool {
        match self {
            Self::Registered | Self::UnknownSystem | Self::NoQueryRight => true,
            Self::UnknownOrganisation | Self::ForeignAuthority | Self::Unnamed => false,
        }
    }
}

/// What the party register says of a certificate that passed the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Organisation and system are registered and may put questions.
    Registered,
    /// No such organisation.
    UnknownOrganisation,
    /// The organisation has no such system.
    UnknownSystem,
    /// Issued by another organisation's authority.
    ForeignAuthority,
    /// No usable SPIFFE name in the certificate.
    Unnamed,
    /// Registered, but without the right to put questions.
    NoQueryRight,
}

/// One flaw of a query: where, and which check failed. Never the value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Defect {
    /// Path in the request, such as `subjects[0].person.document_number`.
    pub field: String,
    /// Stable code of the check, such as `check_digit`.
    pub check: String,
}

/// How much of an agreement's quota is used.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct QuotaUse {
    /// The agreement.
    pub agreement: String,
    /// Permits given today, China time, before this question.
    pub day: u64,
    /// Permits given in this second.
    pub second: u64,
    /// Permits given this month, China time.
    pub month: u64,
}
