//! The form of an agreement: its keys, the same in a TOML draft and in the signed JSON payload. `docs/agreements.md`
//! explains each.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::decision::mask::Mask;
use crate::query::relation::Relation;
use crate::query::value::{Comparison, Value};
use crate::query::{FactCode, ItemCode, OrganisationId, SystemId};

/// The terms two parties sign. The field names are the keys of a draft; `docs/agreements.md` explains each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    pub(super) schema: u32,
    pub(super) id: String,
    pub(super) version: u32,
    pub(super) title: String,
    pub(super) title_zh: String,
    pub(super) consumer: OrganisationId,
    pub(super) provider: OrganisationId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) platform: Option<OrganisationId>,
    pub(super) systems: Vec<SystemId>,
    #[serde(deserialize_with = "crate::agreements::moment::read")]
    pub(super) effective_from: jiff::Timestamp,
    #[serde(deserialize_with = "crate::agreements::moment::read")]
    pub(super) effective_to: jiff::Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) overlap: Option<String>,
    pub(super) legal_basis: Vec<LegalBasis>,
    pub(super) retention: Retention,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) hours: Option<ServingHours>,
    #[serde(default)]
    pub(super) quota: QuotaTerms,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) operator_units: Vec<String>,
    /// Codes of texts of notice, of which the person must have been given one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) notices: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) quality: Option<QualityTerms>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) suspension: Option<EndingTerms>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) termination: Option<EndingTerms>,
    #[serde(default, rename = "undertaking", skip_serializing_if = "Vec::is_empty")]
    pub(super) undertakings: Vec<Undertaking>,
    #[serde(default, rename = "annex", skip_serializing_if = "Vec::is_empty")]
    pub(super) annexes: Vec<Annex>,
    #[serde(default, rename = "contact", skip_serializing_if = "Vec::is_empty")]
    pub(super) contacts: Vec<Contact>,
    #[serde(rename = "clause")]
    pub(super) clauses: Vec<ClauseTerms>,
}

/// The law one party relies on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LegalBasis {
    pub(super) party: OrganisationId,
    pub(super) instrument: String,
    pub(super) article: String,
}

/// What the consumer may keep of answers, and for how long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Retention {
    pub(super) keep_for: String,
    pub(super) afterwards: Disposal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Disposal {
    Delete,
    Anonymise,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServingHours {
    pub(super) days: BTreeSet<Day>,
    pub(super) from: String,
    pub(super) to: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Day {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QuotaTerms {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) per_second: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) per_day: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) per_month: Option<u64>,
}

/// What holds when an answer is contested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QualityTerms {
    pub(super) dispute_channel: String,
    pub(super) provider_response_workdays: u32,
}

/// Who may halt the agreement alone, and how long before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EndingTerms {
    pub(super) by: Vec<OrganisationId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) notice: Option<String>,
}

/// A duty that a party takes on and no gateway can see: it stands in the document all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Undertaking {
    pub(super) party: OrganisationId,
    pub(super) text: String,
}

/// A paper that belongs to the agreement, by its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Annex {
    pub(super) title: String,
    /// Lower-case hex.
    pub(super) sha256: String,
}

/// Where a party is reached about the agreement: an office, never a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Contact {
    pub(super) party: OrganisationId,
    pub(super) office: String,
    pub(super) reach: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClauseTerms {
    pub(super) fact: FactCode,
    pub(super) items: Vec<ItemCode>,
    pub(super) roles: Vec<String>,
    #[serde(default)]
    pub(super) assert: Vec<String>,
    #[serde(default)]
    pub(super) disclose: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) mask: BTreeMap<String, Mask>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) never: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) limits: BTreeMap<String, LimitTerms>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) relations: BTreeMap<String, Vec<Relation>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) consent: bool,
    pub(super) max_age: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cache: Option<CacheWords>,
    /// Papers that citizens need no longer bring, by the codes of the items.
    #[serde(default)]
    pub(super) replaces: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CacheWords {
    pub(super) found: String,
    pub(super) not_found: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) stale: Option<String>,
}

/// How far an attribute may be asserted about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitTerms {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) comparisons: Vec<Comparison>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) values: Vec<LimitValue>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) multiple_of: Option<i64>,
}

/// A value as an author writes it. What type it is of, the attribute says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum LimitValue {
    Truth(bool),
    Integer(i64),
    /// Text, a code, a date or a month.
    Text(String),
}

impl LimitValue {
    /// The values it stands for.
    pub(super) fn values(&self) -> Vec<Value> {
        match self {
            Self::Truth(truth) => vec![Value::Truth(*truth)],
            Self::Integer(number) => vec![Value::Integer(*number)],
            Self::Text(text) => vec![Value::Text(text.clone()), Value::Date(text.clone())],
        }
    }
}
