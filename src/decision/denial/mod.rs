//! Why not: an exhaustive list with stable codes, and what the caller can do about each.

mod text;

use smol_str::SmolStr;

use crate::query::value::Comparison;
use crate::query::{FactCode, OrganisationId};

use self::text::Text;
use super::facts::Defect;
use super::freeze::Scope;

/// What a denial names: an id or a word of a catalogue or an agreement, or a word of the question that was held against them.
/// Up to 23 bytes, which is most of them, lie in the denial itself, so that a decision allocates nothing for them.
pub type Name = SmolStr;

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
    SystemNotGranted(Name),
    /// The clause serves other items.
    PurposeNotGranted(Name),
    /// The clause replaces other papers.
    MaterialNotReplaced(Name),
    /// The agreement begins later.
    NotYetValid(Name),
    /// The agreement has ended.
    Expired(Name),
    /// A higher version of the agreement is in force.
    Superseded(Name),
    /// A party has suspended the agreement.
    Suspended {
        /// The agreement.
        agreement: Name,
        /// The party, which alone can resume it.
        by: OrganisationId,
    },
    /// A party has revoked the agreement.
    Revoked {
        /// The agreement.
        agreement: Name,
        /// The party.
        by: OrganisationId,
    },
    /// The clause does not cover subjects in this role.
    RoleNotGranted(Name),
    /// Nothing acceptable says how the subject in this role belongs to the case.
    RelationNotProven(Name),
    /// The agreement lets nothing of this attribute leave, ever.
    AttributeWithheld(Name),
    /// The clause does not let this attribute be asserted about.
    AttributeNotGranted(Name),
    /// The clause does not let this attribute be compared like this.
    ComparisonNotGranted {
        /// The attribute.
        attribute: Name,
        /// How it was to be compared.
        comparison: Comparison,
    },
    /// The clause does not let this attribute be compared with such values.
    ValueNotGranted(Name),
    /// The clause does not let this attribute's value leave.
    DisclosureNotGranted(Name),
    /// No case number.
    CaseMissing,
    /// No operator, or no unit of the operator.
    OperatorMissing,
    /// The agreement is for operators of other units.
    OperatorUnitNotGranted(Name),
    /// The question names no notice that the agreement accepts.
    NoticeMissing(Name),
    /// The question refers to no consent, which the clause demands.
    ConsentMissing(Name),
    /// Outside the serving hours of the agreement.
    OutsideHours(Name),
    /// The record does not say how much of the quota is used.
    QuotaUnknown(Name),
    /// The month's quota is used up.
    QuotaMonth(Name),
    /// The day's quota is used up.
    QuotaDay(Name),
    /// The second's quota is used up.
    QuotaSecond(Name),
    /// The agency has frozen such questions; the name is that of the freeze.
    Frozen(Name),
    /// The caller's deadline has passed.
    DeadlinePast,
}

impl Denial {
    /// The stable code on the wire, in entries and in tests. A code is never given a second meaning.
    pub fn code(&self) -> &'static str {
        self.text().code
    }

    /// What the caller should change, in one or two sentences.
    pub fn advice(&self) -> String {
        self.text().advice.replace("{}", &self.named())
    }

    /// The same in Chinese.
    pub fn advice_zh(&self) -> String {
        self.text().advice_zh.replace("{}", &self.named_in_chinese())
    }

    /// What the Chinese advice names: codes alone as in English, and what is said of them in Chinese.
    fn named_in_chinese(&self) -> String {
        match self {
            Self::Malformed(defects) => defects
                .iter()
                .map(|defect| format!("`{}`（{}）", defect.field, defect.check))
                .collect::<Vec<_>>()
                .join("、"),
            Self::ComparisonNotGranted { attribute, comparison } => {
                format!("以 `{}` 方式比较 `{attribute}`", comparison.name())
            }
            Self::Suspended { agreement, by } => format!(" `{agreement}` 已被 `{by}` 暂停"),
            Self::Revoked { agreement, by } => format!(" `{agreement}` 已被 `{by}` 撤销"),
            Self::Frozen(name) => match Scope::parse(name) {
                Some(scope) => format!(" `{}`（`{name}`）", scope.provider),
                None => format!("一份无法识别的指令（`{name}`）"),
            },
            _ => self.named(),
        }
    }

    /// What the advice names.
    fn named(&self) -> String {
        match self {
            Self::Malformed(defects) => defects
                .iter()
                .map(|defect| format!("`{}` ({})", defect.field, defect.check))
                .collect::<Vec<_>>()
                .join(", "),
            Self::NoAgreement(provider) => provider.to_string(),
            Self::FactNotGranted(fact) => fact.to_string(),
            Self::SystemNotGranted(system) => system.to_string(),
            Self::PurposeNotGranted(item) => item.to_string(),
            Self::NotYetValid(name)
            | Self::Expired(name)
            | Self::Superseded(name)
            | Self::MaterialNotReplaced(name)
            | Self::RoleNotGranted(name)
            | Self::RelationNotProven(name)
            | Self::AttributeWithheld(name)
            | Self::AttributeNotGranted(name)
            | Self::ValueNotGranted(name)
            | Self::DisclosureNotGranted(name)
            | Self::OperatorUnitNotGranted(name)
            | Self::NoticeMissing(name)
            | Self::ConsentMissing(name)
            | Self::OutsideHours(name)
            | Self::QuotaUnknown(name)
            | Self::QuotaMonth(name)
            | Self::QuotaDay(name)
            | Self::QuotaSecond(name) => name.to_string(),
            Self::ComparisonNotGranted { attribute, comparison } => {
                format!("`{attribute}` be compared with `{}`", comparison.name())
            }
            Self::Suspended { agreement, by } => format!("`{agreement}` is suspended by `{by}`"),
            Self::Revoked { agreement, by } => format!("`{agreement}` was revoked by `{by}`"),
            Self::Frozen(name) => match Scope::parse(name) {
                Some(scope) => format!("`{}` (`{name}`)", scope.provider),
                None => format!("an order that cannot be read (`{name}`)"),
            },
            Self::CallerUnnamed
            | Self::UnknownOrganisation
            | Self::UnknownSystem
            | Self::ForeignAuthority
            | Self::NoQueryRight
            | Self::UnknownFact
            | Self::UnknownItem
            | Self::ItemVersionMissing
            | Self::SubjectMissing
            | Self::NothingAsked
            | Self::CaseMissing
            | Self::OperatorMissing
            | Self::DeadlinePast => String::new(),
        }
    }

    fn text(&self) -> &'static Text {
        match self {
            Self::Malformed(_) => &text::MALFORMED,
            Self::CallerUnnamed => &text::CALLER_UNNAMED,
            Self::UnknownOrganisation => &text::UNKNOWN_ORGANISATION,
            Self::UnknownSystem => &text::UNKNOWN_SYSTEM,
            Self::ForeignAuthority => &text::FOREIGN_AUTHORITY,
            Self::NoQueryRight => &text::NO_QUERY_RIGHT,
            Self::UnknownFact => &text::UNKNOWN_FACT,
            Self::UnknownItem => &text::UNKNOWN_ITEM,
            Self::ItemVersionMissing => &text::ITEM_VERSION_MISSING,
            Self::SubjectMissing => &text::SUBJECT_MISSING,
            Self::NothingAsked => &text::NOTHING_ASKED,
            Self::NoAgreement(_) => &text::NO_AGREEMENT,
            Self::FactNotGranted(_) => &text::FACT_NOT_GRANTED,
            Self::SystemNotGranted(_) => &text::SYSTEM_NOT_GRANTED,
            Self::PurposeNotGranted(_) => &text::PURPOSE_NOT_GRANTED,
            Self::MaterialNotReplaced(_) => &text::MATERIAL_NOT_REPLACED,
            Self::NotYetValid(_) => &text::NOT_YET_VALID,
            Self::Expired(_) => &text::EXPIRED,
            Self::Superseded(_) => &text::SUPERSEDED,
            Self::Suspended { .. } => &text::AGREEMENT_SUSPENDED,
            Self::Revoked { .. } => &text::AGREEMENT_REVOKED,
            Self::RoleNotGranted(_) => &text::ROLE_NOT_GRANTED,
            Self::RelationNotProven(_) => &text::RELATION_NOT_PROVEN,
            Self::AttributeWithheld(_) => &text::ATTRIBUTE_WITHHELD,
            Self::AttributeNotGranted(_) => &text::ATTRIBUTE_NOT_GRANTED,
            Self::ComparisonNotGranted { .. } => &text::COMPARISON_NOT_GRANTED,
            Self::ValueNotGranted(_) => &text::VALUE_NOT_GRANTED,
            Self::DisclosureNotGranted(_) => &text::DISCLOSURE_NOT_GRANTED,
            Self::CaseMissing => &text::CASE_MISSING,
            Self::OperatorMissing => &text::OPERATOR_MISSING,
            Self::OperatorUnitNotGranted(_) => &text::OPERATOR_UNIT_NOT_GRANTED,
            Self::NoticeMissing(_) => &text::NOTICE_MISSING,
            Self::ConsentMissing(_) => &text::CONSENT_MISSING,
            Self::OutsideHours(_) => &text::OUTSIDE_HOURS,
            Self::QuotaUnknown(_) => &text::QUOTA_UNKNOWN,
            Self::QuotaMonth(_) => &text::QUOTA_MONTH,
            Self::QuotaDay(_) => &text::QUOTA_DAY,
            Self::QuotaSecond(_) => &text::QUOTA_SECOND,
            Self::Frozen(_) => &text::FROZEN,
            Self::DeadlinePast => &text::DEADLINE_PAST,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
