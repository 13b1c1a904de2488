//! Why one attempt brought no answer.

use std::time::Duration;

use super::language::expression::Expression;
use crate::query::FactCode;
use crate::query::record::Unavailable;

/// Why there is no answer. Never a "no".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Stable reason.
    pub reason: Unavailable,
    /// When to ask again, where that is known.
    pub retry_after: Option<Duration>,
    /// For the operator's log: manifest, operation, expression; no personal data, no secret, no value of a reply.
    pub detail: String,
}

/// One attempt that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    pub(crate) reason: Unavailable,
    /// The agency has begun to answer, so it may have acted on the question. What is neither answered nor a silence
    /// was not put at all.
    pub(crate) answered: bool,
    /// Told again from an earlier attempt: this time the agency was not asked, so it says nothing new about it.
    pub(crate) is_repeated: bool,
    pub(crate) retry_after: Option<Duration>,
    /// Line of the manifest whose expression did not fit, where it was one.
    pub(crate) line: Option<u32>,
    /// Key of that expression, such as `attributes.married`.
    pub(crate) key: Option<String>,
    pub(crate) detail: String,
}

impl Failed {
    /// Nothing came back.
    pub(crate) fn unanswered(reason: Unavailable, detail: impl Into<String>) -> Self {
        Self {
            reason,
            answered: false,
            is_repeated: false,
            retry_after: None,
            line: None,
            key: None,
            detail: detail.into(),
        }
    }

    /// Something came back, and it is no answer.
    pub(crate) fn answered(reason: Unavailable, detail: impl Into<String>) -> Self {
        Self { answered: true, ..Self::unanswered(reason, detail) }
    }

    /// What came back does not fit the manifest.
    pub(crate) fn contract(detail: impl Into<String>) -> Self {
        Self::answered(Unavailable::ContractError, detail)
    }

    /// It came to nothing before anything was put: the agency has no part in it.
    pub(crate) fn before_asking(self) -> Self {
        Self { answered: false, ..self }
    }

    /// What came back does not fit this expression of the manifest.
    pub(crate) fn expression(
        key: &str,
        expression: &Expression,
        problem: impl std::fmt::Display,
    ) -> Self {
        let detail = format!("{key} `{}`: {problem}", expression.source());
        Self { line: expression.line(), key: Some(key.to_owned()), ..Self::contract(detail) }
    }

    /// As callers of adapters see it: with the manifest's name, the line where one is known, and the operation.
    pub(crate) fn into_failure(self, file: &str, fact: &FactCode) -> Failure {
        let line = self.line.map(|line| format!(":{line}")).unwrap_or_default();
        let detail = format!("{file}{line} {fact}: {}", self.detail);
        Failure { reason: self.reason, retry_after: self.retry_after, detail }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_its_place() {
        let failed = Failed { line: Some(7), ..Failed::unanswered(Unavailable::Timeout, "why") };
        let failure = failed.into_failure("tax.toml", &FactCode::new("T1"));
        assert_eq!(failure.reason, Unavailable::Timeout);
        assert_eq!(failure.detail, "tax.toml:7 T1: why");
    }
}
