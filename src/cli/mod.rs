//! The commands, one file each, and the exit codes they share: 0 good, 1 a "no", 2 could not tell.

pub mod agreement;
pub mod pki;
pub mod query;

/// Exit code of a "no": findings, a refuted assertion, a denial.
pub const NO: u8 = 1;
/// Exit code when the question could not be answered at all.
pub const COULD_NOT_TELL: u8 = 2;
pub mod simulate;
