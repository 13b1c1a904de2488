//! Why one attempt brought no answer, and whose fault that is.

use std::time::Duration;

use super::language::expression::Expression;
use crate::query::FactCode;
use crate::query::record::Unavailable;

/// Who can do something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The agency, or the network on the way to it.
    Agency,
    /// The gateway: its limits, its manifest, its files.
    Gateway,
    /// The caller, who left too little time.
    Caller,
}

/// Why there is no answer. Never a "no".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Stable reason.
    pub reason: Unavailable,
    /// Who can do something about it.
    pub blame: Blame,
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
        let blame = match self.reason {
            Unavailable::Timeout
            | Unavailable::Unreachable
            | Unavailable::Refused
            | Unavailable::ContractError
            | Unavailable::Maintenance => Blame::Agency,
            Unavailable::Overloaded | Unavailable::BreakerOpen | Unavailable::NoAdapter => {
                Blame::Gateway
            }
            Unavailable::Deadline => Blame::Caller,
        };
        let line = self.line.map(|line| format!(":{line}")).unwrap_or_default();
        let detail = format!("{file}{line} {fact}: {}", self.detail);
        Failure { reason: self.reason, blame, retry_after: self.retry_after, detail }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_somebody_who_can_do_something_about_it() {
        for (reason, blame) in [
            (Unavailable::Timeout, Blame::Agency),
            (Unavailable::Unreachable, Blame::Agency),
            (Unavailable::Refused, Blame::Agency),
            (Unavailable::ContractError, Blame::Agency),
            (Unavailable::Maintenance, Blame::Agency),
            (Unavailable::Overloaded, Blame::Gateway),
            (Unavailable::BreakerOpen, Blame::Gateway),
            (Unavailable::NoAdapter, Blame::Gateway),
            (Unavailable::Deadline, Blame::Caller),
        ] {
            let failed = Failed { line: Some(7), ..Failed::unanswered(reason, "why") };
            let failure = failed.into_failure("tax.toml", &FactCode::new("T1"));
            assert_eq!((failure.reason, failure.blame), (reason, blame));
            assert_eq!(failure.detail, "tax.toml:7 T1: why");
        }
    }
}
