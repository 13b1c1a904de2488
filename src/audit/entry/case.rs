//! What a log says of applications: the rules they are run by, and what each came to.

use super::Commitments;
use crate::crypto::Digest;
use crate::decision::facts::CallerFacts;

/// The rule of one version of an item, as the catalogue that comes into use next holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleEvent {
    /// Item code.
    pub item: String,
    /// Version of the item.
    pub version: String,
    /// The rule's file, byte for byte.
    pub document: Vec<u8>,
    /// First day of the version, `YYYY-MM-DD`, China time.
    pub effective_from: String,
    /// Day after the last; empty while open.
    pub effective_to: String,
}

/// An application that was run to its end. Its questions have entries of their own, under the same case number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseClosed {
    /// The caller's id of the case, UUIDv7.
    pub case_id: [u8; 16],
    /// Who asked.
    pub caller: CallerFacts,
    /// Item code.
    pub item: String,
    /// Version of the item.
    pub item_version: String,
    /// SHA-256 of the rule's file.
    pub rule: Digest,
    /// Case number (办件编号).
    pub case_number: String,
    /// Unit of the operator.
    pub operator_unit: String,
    /// What was found out, as JSON of `cases::Course`: names nobody.
    pub course: String,
    /// READY, NEEDS_COUNTER or REFUTED.
    pub outcome: String,
    /// Name and state of each need, in the rule's order.
    pub needs: Vec<(String, String)>,
    /// The caller went away before the end.
    pub abandoned: bool,
    /// The application, hidden: its subjects, its operator, and all that it states. `None` in entries of before cases
    /// committed to it.
    pub commitments: Option<Commitments>,
}
