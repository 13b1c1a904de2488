//! Why not: an exhaustive list with stable codes, and what the caller can do about each.

use crate::query::{FactCode, ItemCode, OrganisationId, SystemId};

use super::facts::Defect;

/// One reason to deny, in the order of the checks. It carries words of catalogues and agreements only, never a value
/// that a caller sent about a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The query itself is wrong.
    Malformed(Vec<Defect>),
    /// The certificate carries no usable SPIFFE name.
    CallerUnnamed,
    /// The register has no such organisation.
    UnknownOrganisation,
    /// The organisation has no such system.
    UnknownSystem,
    /// The certificate was issued by another organisation's authority.
    ForeignAuthority,
    /// The system may not put questions.
    NoQueryRight,
    /// The catalogue has no such fact.
    UnknownFact,
    /// No purpose, or an item that the catalogue does not have.
    UnknownItem,
    /// The purpose names no version of the item.
    ItemVersionMissing,
    /// Nobody to ask about.
    SubjectMissing,
    /// Neither an assertion nor a value to disclose.
    NothingAsked,
    /// No agreement between the two organisations.
    NoAgreement(OrganisationId),
    /// Agreements, but none that grants the fact.
    FactNotGranted(FactCode),
    /// The agreement names other systems.
    SystemNotGranted(SystemId),
    /// The clause serves other items.
    PurposeNotGranted(ItemCode),
    /// The agreement begins later.
    NotYetValid(String),
    /// The agreement has ended.
    Expired(String),
    /// A higher version of the agreement is in force.
    Superseded(String),
    /// The clause does not cover subjects in this role.
    RoleNotGranted(String),
    /// The clause does not let this attribute be asserted about.
    AttributeNotGranted(String),
    /// The clause does not let this attribute's value leave.
    DisclosureNotGranted(String),
    /// No case number.
    CaseMissing,
    /// No operator, or no unit of the operator.
    OperatorMissing,
    /// Outside the serving hours of the agreement.
    OutsideHours(String),
    /// The record does not say how much of the quota is used.
    QuotaUnknown(String),
    /// The day's quota is used up.
    QuotaDay(String),
    /// The second's quota is used up.
    QuotaSecond(String),
    /// A freeze order is in force.
    Frozen(String),
    /// The caller's deadline has passed.
    DeadlinePast,
}

impl Denial {
    /// The stable code on the wire, in entries and in tests. A code is never given a second meaning.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "MALFORMED",
            Self::CallerUnnamed => "CALLER_UNNAMED",
            Self::UnknownOrganisation => "UNKNOWN_ORGANISATION",
            Self::UnknownSystem => "UNKNOWN_SYSTEM",
            Self::ForeignAuthority => "FOREIGN_AUTHORITY",
            Self::NoQueryRight => "NO_QUERY_RIGHT",
            Self::UnknownFact => "UNKNOWN_FACT",
            Self::UnknownItem => "UNKNOWN_ITEM",
            Self::ItemVersionMissing => "ITEM_VERSION_MISSING",
            Self::SubjectMissing => "SUBJECT_MISSING",
            Self::NothingAsked => "NOTHING_ASKED",
            Self::NoAgreement(_) => "NO_AGREEMENT",
            Self::FactNotGranted(_) => "FACT_NOT_GRANTED",
            Self::SystemNotGranted(_) => "SYSTEM_NOT_GRANTED",
            Self::PurposeNotGranted(_) => "PURPOSE_NOT_GRANTED",
            Self::NotYetValid(_) => "NOT_YET_VALID",
            Self::Expired(_) => "EXPIRED",
            Self::Superseded(_) => "SUPERSEDED",
            Self::RoleNotGranted(_) => "ROLE_NOT_GRANTED",
            Self::AttributeNotGranted(_) => "ATTRIBUTE_NOT_GRANTED",
            Self::DisclosureNotGranted(_) => "DISCLOSURE_NOT_GRANTED",
            Self::CaseMissing => "CASE_MISSING",
            Self::OperatorMissing => "OPERATOR_MISSING",
            Self::OutsideHours(_) => "OUTSIDE_HOURS",
            Self::QuotaUnknown(_) => "QUOTA_UNKNOWN",
            Self::QuotaDay(_) => "QUOTA_DAY",
            Self::QuotaSecond(_) => "QUOTA_SECOND",
            Self::Frozen(_) => "FROZEN",
            Self::DeadlinePast => "DEADLINE_PAST",
        }
    }

    /// What the caller should change, in one or two sentences.
    pub fn advice(&self) -> String {
        match self {
            Self::Malformed(defects) => {
                let places: Vec<String> = defects
                    .iter()
                    .map(|defect| format!("`{}` ({})", defect.field, defect.check))
                    .collect();
                format!("Correct these fields of the query and send it again: {}.", places.join(", "))
            }
            Self::CallerUnnamed => "Use a certificate with the URI name \
                `spiffe://<trust domain>/<organisation>/<system>`."
                .to_owned(),
            Self::UnknownOrganisation => "The organisation named by the certificate is not in the party register. \
                Ask the gateway's operator to enter it."
                .to_owned(),
            Self::UnknownSystem => "The system named by the certificate is not among those the party register lists \
                for its organisation. Ask the gateway's operator to enter it."
                .to_owned(),
            Self::ForeignAuthority => "The certificate names one organisation and was issued by another's authority. \
                Use a certificate from your own organisation's authority."
                .to_owned(),
            Self::NoQueryRight => "This system is registered without the right to put questions. Ask from a system \
                that has the right `query`, or have the party register changed."
                .to_owned(),
            Self::UnknownFact => "The catalogue has no fact of this code. `ListFacts` gives those it has.".to_owned(),
            Self::UnknownItem => "Name in `purpose.item` a service item of the catalogue. `ListItems` gives those it \
                has."
                .to_owned(),
            Self::ItemVersionMissing => "Name in `purpose.item_version` the version of the item's rule that the case \
                is decided by."
                .to_owned(),
            Self::SubjectMissing => "Name at least one subject, in a role that the fact lists.".to_owned(),
            Self::NothingAsked => "Name at least one assertion, or an attribute to disclose.".to_owned(),
            Self::NoAgreement(provider) => format!(
                "There is no signed agreement under which your organisation may ask `{provider}` anything. \
                 Conclude one; nothing else opens the route."
            ),
            Self::FactNotGranted(fact) => format!(
                "No clause of your agreements grants the fact `{fact}`. Agree on one with the organisation that holds it."
            ),
            Self::SystemNotGranted(system) => format!(
                "The agreement does not list the system `{system}`. Ask from a listed system, or amend the agreement."
            ),
            Self::PurposeNotGranted(item) => format!(
                "The agreement does not grant this fact for the item `{item}`. Ask for an item it lists, or amend the \
                 agreement."
            ),
            Self::NotYetValid(agreement) => {
                format!("The agreement `{agreement}` is not in force yet. Ask again once it is.")
            }
            Self::Expired(agreement) => {
                format!("The agreement `{agreement}` has ended. Conclude a new version of it.")
            }
            Self::Superseded(agreement) => format!(
                "A higher version of the agreement `{agreement}` is in force and does not grant this question. Read \
                 that version."
            ),
            Self::RoleNotGranted(role) => format!(
                "The clause does not cover subjects in the role `{role}`. Leave them out, or amend the agreement."
            ),
            Self::AttributeNotGranted(attribute) => format!(
                "The clause does not let `{attribute}` be asserted about. Assert about an attribute it lists, or \
                 amend the agreement."
            ),
            Self::DisclosureNotGranted(attribute) => format!(
                "The clause does not let the value of `{attribute}` leave. Put an assertion about it instead, or \
                 amend the agreement."
            ),
            Self::CaseMissing => "Name in `purpose.case_number` the open case that the question belongs to.".to_owned(),
            Self::OperatorMissing => "Name in `operator.id` and `operator.unit` the person who asks and their unit."
                .to_owned(),
            Self::OutsideHours(agreement) => {
                format!("The agreement `{agreement}` is served at other hours (China time). Ask again then.")
            }
            Self::QuotaUnknown(agreement) => format!(
                "The gateway did not record how much of the quota of `{agreement}` is used. Tell its operator: this \
                 is a fault of the gateway."
            ),
            Self::QuotaDay(agreement) => format!(
                "The day's quota of the agreement `{agreement}` is used up. Ask again after midnight, China time."
            ),
            Self::QuotaSecond(agreement) => {
                format!("The agreement `{agreement}` is asked too fast. Ask again in the next second.")
            }
            Self::Frozen(order) => format!(
                "Questions of this kind are frozen (`{order}`). Ask the gateway's operator when the freeze will end."
            ),
            Self::DeadlinePast => "No time was left of the deadline. Ask again with a longer one.".to_owned(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
