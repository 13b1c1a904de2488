//! From a refusal to a `google.rpc.Status` with details: a stable reason, the log index, what to change.

use std::collections::HashMap;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::decision::denial::Denial;
use crate::decision::facts::Defect;
use crate::gateway::exchange::Refusal;

/// The domain of every reason; with it a reason is unique in the world.
pub(super) const DOMAIN: &str = "heyan";

/// When an overloaded gateway may be asked again. One second: a queue of the largest allowed length drains in less.
const OVERLOAD_RETRY: Duration = Duration::from_secs(1);

/// The refusal as the status the caller sees. It names no cause inside the gateway; the gateway's log does.
pub(super) fn status(refusal: &Refusal) -> Status {
    match refusal {
        Refusal::Denied { denial, log_index } => denied(denial, *log_index),
        Refusal::Unrecorded => with_reason(
            Code::Unavailable,
            "the gateway cannot record, so it does not answer; its operators have been told",
            "LOG_STOPPED",
        ),
        Refusal::Overloaded => {
            overloaded("too many questions at once; nothing was asked or recorded")
        }
    }
}

/// A limit was reached: when to come back.
pub(super) fn overloaded(message: &str) -> Status {
    let mut details = reason("OVERLOADED", vec![]);
    details.set_retry_info(Some(OVERLOAD_RETRY));
    Status::with_error_details(Code::ResourceExhausted, message, details)
}

/// Fields of a message that are wrong, by path and check.
pub(super) fn malformed(message: &str, defects: &[Defect]) -> Status {
    let mut details = reason("MALFORMED", vec![]);
    for defect in defects {
        details.add_bad_request_violation(&defect.field, &defect.check);
    }
    Status::with_error_details(Code::InvalidArgument, message, details)
}

/// The stable reason of a refusal, as in its `ErrorInfo`.
pub(super) fn code_of(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Denied { denial, .. } => denial.code(),
        Refusal::Unrecorded => "LOG_STOPPED",
        Refusal::Overloaded => "OVERLOADED",
    }
}

/// A status with a stable reason and nothing else.
pub(super) fn with_reason(code: Code, message: &str, stable: &str) -> Status {
    Status::with_error_details(code, message, reason(stable, vec![]))
}

/// A fault of the gateway itself.
pub(super) fn internal() -> Status {
    let message = "the gateway failed on this question; its operators have been told";
    with_reason(Code::Internal, message, "INTERNAL")
}

fn denied(denial: &Denial, log_index: u64) -> Status {
    let mut metadata = vec![("log_index", log_index.to_string())];
    match denial {
        // For programs: whom to ask about it, and what about.
        Denial::Frozen(name) => metadata.push(("freeze", name.to_string())),
        Denial::Suspended { agreement, by } | Denial::Revoked { agreement, by } => {
            metadata.push(("agreement", agreement.to_string()));
            metadata.push(("by", by.as_str().to_owned()));
        }
        _ => {}
    }
    let mut details = reason(denial.code(), metadata);
    match denial {
        Denial::Malformed(defects) => {
            for defect in defects {
                details.add_bad_request_violation(&defect.field, &defect.check);
            }
        }
        Denial::QuotaMonth(agreement)
        | Denial::QuotaDay(agreement)
        | Denial::QuotaSecond(agreement) => {
            details.add_quota_failure_violation(agreement.as_str(), denial.advice());
        }
        _ => {}
    }
    if matches!(denial, Denial::QuotaSecond(_)) {
        details.set_retry_info(Some(Duration::from_secs(1)));
    }
    Status::with_error_details(code(denial), denial.advice(), details)
}

fn code(denial: &Denial) -> Code {
    match denial {
        // Whatever the agreements say, such a question cannot be asked.
        Denial::Malformed(_)
        | Denial::UnknownFact
        | Denial::UnknownItem
        | Denial::ItemVersionMissing
        | Denial::SubjectMissing
        | Denial::NothingAsked
        | Denial::CaseMissing
        | Denial::OperatorMissing => Code::InvalidArgument,
        Denial::QuotaMonth(_) | Denial::QuotaDay(_) | Denial::QuotaSecond(_) => {
            Code::ResourceExhausted
        }
        Denial::DeadlinePast => Code::DeadlineExceeded,
        _ => Code::PermissionDenied,
    }
}

fn reason(stable: &str, metadata: Vec<(&str, String)>) -> ErrorDetails {
    let metadata: HashMap<String, String> =
        metadata.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    ErrorDetails::with_error_info(stable, DOMAIN, metadata)
}
