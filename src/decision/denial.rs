//! Why not: an exhaustive list with stable codes, and what the caller can do about each.

use super::facts::Defect;

/// One reason to deny.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The query itself is wrong.
    Malformed(Vec<Defect>),
}
