//! May they? A pure function of recorded facts and agreements in force, shared with replay.
//!
//! No async, no clock, no I/O, no randomness, no logging: whatever a decision looks at is a field of [`Facts`].

pub mod agreement;
pub mod denial;
pub mod facts;

use std::sync::Arc;
use std::time::Duration;

use self::agreement::{Agreement, Clause};
use self::denial::Denial;

/// Version of the rules below, recorded with every decision. Raise it when any check changes what it decides.
pub const RULES: u32 = 1;

/// What a decision yields.
#[derive(Clone, Debug)]
pub enum Decision {
    /// The question may be put, on these terms.
    Permit(Permit),
    /// It may not, for this reason.
    Deny(Denial),
}

/// Leave to ask one question and to release what one clause grants. Only `decide` makes one.
#[derive(Clone, Debug)]
pub struct Permit {
    agreement: Arc<Agreement>,
    /// Position in `agreement.clauses`.
    clause: usize,
}

/// A permit as it is recorded: which clause of which agreement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermitRef {
    /// Identifier of the agreement.
    pub agreement: String,
    /// Its version, from 1.
    pub version: u32,
    /// Number of the clause, from 1.
    pub clause: u32,
}
