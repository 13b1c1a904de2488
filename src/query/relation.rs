//! How a subject belongs to the case that a question serves.

use serde::{Deserialize, Serialize};

/// What ties a subject to the case, as the caller answers for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// A party of the case: has applied or signed.
    CaseParty,
    /// The applicant has declared it.
    Declared,
    /// An earlier answer has shown it.
    Verified,
    /// A written mandate (授权委托).
    Mandated,
}

/// A relation and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Related {
    /// What ties them.
    pub relation: Relation,
    /// Index of the log's entry that has shown it; 0 when none is named. Only `Verified` has one.
    pub shown_by: u64,
}

impl Relation {
    /// Every relation, in the order of their names here.
    pub const ALL: [Self; 4] = [Self::CaseParty, Self::Declared, Self::Verified, Self::Mandated];

    /// Stable name, as entries and agreements write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::CaseParty => "case_party",
            Self::Declared => "declared",
            Self::Verified => "verified",
            Self::Mandated => "mandated",
        }
    }

    /// The relation of that stable name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|relation| relation.name() == name)
    }
}
