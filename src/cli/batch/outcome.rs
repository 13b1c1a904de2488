//! What became of a row: a verdict, or why there is none.

use serde::{Deserialize, Serialize};

use super::columns::Bad;
use crate::proto::gateway::v1 as wire;
use wire::batch_reply::Result as Told;

/// Reasons that are not the row's: the caller, the agreement, the time, the gateway. Every further row would be refused as
/// well, and each denial is an entry; once the reason is gone, every row can be asked about.
const NOT_THE_ROWS: [&str; 28] = [
    "CALLER_UNNAMED",
    "UNKNOWN_ORGANISATION",
    "UNKNOWN_SYSTEM",
    "FOREIGN_AUTHORITY",
    "NO_QUERY_RIGHT",
    "UNKNOWN_FACT",
    "UNKNOWN_ITEM",
    "ITEM_VERSION_MISSING",
    "NO_AGREEMENT",
    "FACT_NOT_GRANTED",
    "SYSTEM_NOT_GRANTED",
    "PURPOSE_NOT_GRANTED",
    "MATERIAL_NOT_REPLACED",
    "NOT_YET_VALID",
    "EXPIRED",
    "SUPERSEDED",
    "AGREEMENT_SUSPENDED",
    "AGREEMENT_REVOKED",
    "OPERATOR_MISSING",
    "OPERATOR_UNIT_NOT_GRANTED",
    "NOTICE_MISSING",
    "CONSENT_MISSING",
    "OUTSIDE_HOURS",
    "FROZEN",
    "QUOTA_UNKNOWN",
    "QUOTA_DAY",
    "QUOTA_MONTH",
    "LOG_STOPPED",
];

/// China Standard Time, in which everybody concerned lives.
const CHINA: jiff::tz::Offset = jiff::tz::offset(8);

/// What became of a row. Names nobody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub(super) enum Outcome {
    /// The gateway answered.
    Told {
        verdict: String,
        /// When that was true.
        as_of: String,
        /// Who holds the record, and from which entry it was kept, if it was.
        source: String,
        log_index: u64,
    },
    /// There is no answer.
    Failed { kind: Kind, code: String, detail: String, log_index: Option<u64> },
}

/// Why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// The row is no question; it was not sent.
    BadRow,
    /// The gateway refused.
    Refused,
    /// The agency did not answer, or there was no turn to ask it.
    Unavailable,
    /// It was sent, and nobody here knows whether it was asked.
    Uncertain,
}

/// What a reply means for its row.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// The row is done.
    Done(Outcome),
    /// Nobody was asked, and until later nobody will be: why, and in whose words.
    NotNow(String, String),
}

impl Kind {
    /// Its name in files.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::BadRow => "bad_row",
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
            Self::Uncertain => "uncertain",
        }
    }
}

impl Outcome {
    /// Of a row that cannot be asked about.
    pub(super) fn bad(bad: &Bad) -> Self {
        Self::failed(Kind::BadRow, bad.check, &bad.field, None)
    }

    /// Of a row that was sent too long ago.
    pub(super) fn uncertain() -> Self {
        let detail = "sent, and no answer was seen; search the log, or give --ask-again";
        Self::failed(Kind::Uncertain, "sent", detail, None)
    }

    fn failed(kind: Kind, code: &str, detail: &str, log_index: Option<u64>) -> Self {
        let (code, detail) = (code.to_owned(), detail.to_owned());
        Self::Failed { kind, code, detail, log_index }
    }

    /// Under which it is counted.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Told { verdict, .. } => verdict,
            Self::Failed { kind, .. } => kind.name(),
        }
    }

    /// Whether asking again is of any use, when somebody says so.
    pub(super) fn may_change(&self) -> bool {
        matches!(self, Self::Failed { kind, .. } if *kind != Kind::BadRow)
    }
}

/// What the gateway said of a row. `None` for a reply without a result.
pub(super) fn heard(reply: wire::BatchReply) -> Option<Heard> {
    Some(match reply.result? {
        Told::Answer(answer) => Heard::Done(answered(&answer)),
        Told::Refusal(refusal) => refused(refusal),
    })
}

fn answered(answer: &wire::VerifyResponse) -> Outcome {
    let verdict = answer.verdict();
    if verdict == wire::Verdict::Unavailable {
        let reason = answer.unavailability.as_ref().map(|why| why.reason.as_str());
        let code = reason.unwrap_or_default();
        return Outcome::failed(Kind::Unavailable, code, "", Some(answer.log_index));
    }
    let source = answer.source.as_ref().map(|source| match source.kind() {
        wire::source::Kind::Cache => {
            format!("{}, kept from {}", source.agency, source.original_index)
        }
        _ => source.agency.clone(),
    });
    let as_of =
        answer.as_of.as_ref().and_then(|at| jiff::Timestamp::new(at.seconds, at.nanos).ok());
    Outcome::Told {
        verdict: verdict.as_str_name().trim_start_matches("VERDICT_").to_owned(),
        as_of: as_of.map(|at| at.display_with_offset(CHINA).to_string()).unwrap_or_default(),
        source: source.unwrap_or_default(),
        log_index: answer.log_index,
    }
}

fn refused(refusal: wire::BatchRefusal) -> Heard {
    if NOT_THE_ROWS.contains(&refusal.reason.as_str()) {
        return Heard::NotNow(refusal.reason, refusal.message);
    }
    // Nothing was decided or asked.
    let kind = if refusal.reason == "OVERLOADED" { Kind::Unavailable } else { Kind::Refused };
    let defects =
        refusal.defects.iter().map(|defect| format!("{}: {}", defect.field, defect.check));
    let detail = match refusal.defects.is_empty() {
        true => refusal.message,
        false => defects.collect::<Vec<_>>().join("; "),
    };
    Heard::Done(Outcome::failed(kind, &refusal.reason, &detail, refusal.log_index))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(result: Told) -> Heard {
        heard(wire::BatchReply { sequence: 1, result: Some(result) }).unwrap()
    }

    fn refusal(reason: &str) -> wire::BatchRefusal {
        wire::BatchRefusal { reason: reason.to_owned(), ..wire::BatchRefusal::default() }
    }

    #[test]
    fn silence_is_never_a_verdict() {
        let mut answer = wire::VerifyResponse { log_index: 7, ..wire::VerifyResponse::default() };
        answer.set_verdict(wire::Verdict::Unavailable);
        answer.unavailability =
            Some(wire::Unavailability { reason: "timeout".to_owned(), retry_after: None });
        let Heard::Done(outcome) = told(Told::Answer(answer.clone())) else { panic!("not done") };
        assert_eq!(outcome.name(), "unavailable");
        assert!(outcome.may_change());
        answer.set_verdict(wire::Verdict::NotFound);
        let Heard::Done(outcome) = told(Told::Answer(answer)) else { panic!("not done") };
        assert_eq!((outcome.name(), outcome.may_change()), ("NOT_FOUND", false));
    }

    #[test]
    fn a_reason_that_is_not_the_rows_ends_nothing_for_its_row() {
        for reason in ["QUOTA_DAY", "OUTSIDE_HOURS", "AGREEMENT_SUSPENDED", "LOG_STOPPED"] {
            let heard = told(Told::Refusal(refusal(reason)));
            assert_eq!(heard, Heard::NotNow(reason.to_owned(), String::new()));
        }
        let Heard::Done(denied) = told(Told::Refusal(refusal("ROLE_NOT_GRANTED"))) else {
            panic!("not done")
        };
        assert_eq!((denied.name(), denied.may_change()), ("refused", true));
        let bad = Bad { field: "person.name".to_owned(), check: "missing" };
        assert!(!Outcome::bad(&bad).may_change());
        let Heard::Done(busy) = told(Told::Refusal(refusal("OVERLOADED"))) else {
            panic!("not done")
        };
        assert_eq!((busy.name(), busy.may_change()), ("unavailable", true));
    }
}
