//! Why a clause does not permit, before anybody wants to know it in words.

use super::agreement::Agreement;
use super::denial::{Denial, Name};
use super::facts::AssertionFact;
use super::halts::Halt;

/// Why a clause does not permit, not yet in words: another clause may permit, and then nobody wants to know.
pub(super) enum Why<'a> {
    /// A denial that names the agreement.
    Agreement(fn(Name) -> Denial, &'a Agreement),
    /// A denial that names a word of the question.
    Word(fn(&str) -> Denial, &'a str),
    /// A comparison that is not granted.
    Comparison(&'a AssertionFact),
    /// An order stands against the agreement.
    Halted(&'a Agreement, &'a Halt),
    /// A denial that names nothing.
    Plain(Denial),
}

impl Why<'_> {
    /// In words.
    pub(super) fn denial(self) -> Denial {
        match self {
            Self::Agreement(denial, agreement) => denial(agreement.id.as_str().into()),
            Self::Word(denial, word) => denial(word),
            Self::Comparison(asked) => Denial::ComparisonNotGranted {
                attribute: asked.attribute.as_str().into(),
                comparison: asked.comparison,
            },
            Self::Halted(agreement, halt) => {
                let agreement = agreement.id.as_str().into();
                match halt {
                    Halt::Suspended { by, .. } => Denial::Suspended { agreement, by: by.clone() },
                    Halt::Revoked { by, .. } => Denial::Revoked { agreement, by: by.clone() },
                }
            }
            Self::Plain(denial) => denial,
        }
    }
}
