//! What an agency answered, before anything is judged or released.

use std::collections::BTreeMap;

use super::time::Timestamp;
use super::value::Value;

/// An agency's answer about the subjects of one question.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// Found, not found, or records that disagree.
    pub finding: Finding,
    /// When the data was true: the agency's own statement, or the time of the call.
    pub as_of: Timestamp,
    /// Positions in the query's list of subjects that the agency really checked.
    pub subjects_checked: Vec<u32>,
}

/// The three things an agency that answers can say.
#[derive(Clone, PartialEq, Eq)]
pub enum Finding {
    /// It holds a record; only attributes of the catalogue.
    Found(BTreeMap<String, Value>),
    /// It holds none.
    NotFound,
    /// It holds several that contradict each other.
    Conflict,
}

/// Why no answer could be had. A stable, exhaustive list: none of them is a "no".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unavailable {
    /// The agency took longer than it was given.
    Timeout,
    /// The agency could not be reached.
    Unreachable,
    /// The agency said it cannot answer now, or refused the gateway's credentials.
    Refused,
    /// The agency's answer does not fit the manifest: a missing field, an unknown code, the wrong person.
    ContractError,
    /// A maintenance window of the agency.
    Maintenance,
    /// The gateway's own limit towards this agency is reached.
    Overloaded,
    /// The breaker is open after repeated failures.
    BreakerOpen,
    /// The caller's deadline left no time to ask.
    Deadline,
    /// No adapter serves the fact.
    NoAdapter,
}

impl Unavailable {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Timeout,
        Self::Unreachable,
        Self::Refused,
        Self::ContractError,
        Self::Maintenance,
        Self::Overloaded,
        Self::BreakerOpen,
        Self::Deadline,
        Self::NoAdapter,
    ];

    /// Stable code on the wire and in entries.
    pub fn code(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
            Self::ContractError => "contract_error",
            Self::Maintenance => "maintenance",
            Self::Overloaded => "overloaded",
            Self::BreakerOpen => "breaker_open",
            Self::Deadline => "deadline",
            Self::NoAdapter => "no_adapter",
        }
    }
}
