//! From a reply to the wire.

use std::time::Duration;

use crate::gateway::exchange::{Receipt, Reply, Source};
use crate::proto::gateway::v1 as wire;
use crate::query::time::Timestamp;
use crate::query::value::{Comparison, Value, Verdict};

/// The reply as its message.
pub(super) fn write(reply: Reply) -> wire::VerifyResponse {
    let subjects_checked = reply
        .subjects_checked
        .into_iter()
        .map(|(role, position)| wire::SubjectChecked { role, position })
        .collect();
    let judgements = reply
        .judgements
        .into_iter()
        .map(|(attribute, compared, judged)| wire::Judgement {
            attribute,
            comparison: comparison(compared).into(),
            verdict: verdict(judged).into(),
        })
        .collect();
    let (kind, original_index) = match reply.source {
        Source::Agency => (wire::source::Kind::Agency, 0),
        Source::Cache { original_index } => (wire::source::Kind::Cache, original_index),
    };
    wire::VerifyResponse {
        request_id: uuid::Uuid::from_bytes(reply.request_id).to_string(),
        verdict: verdict(reply.verdict).into(),
        judgements,
        disclosed: reply
            .disclosed
            .into_iter()
            .map(|(name, released)| (name, value(released)))
            .collect(),
        as_of: reply.as_of.map(timestamp),
        source: Some(wire::Source {
            kind: kind.into(),
            agency: reply.agency.as_str().to_owned(),
            original_index,
        }),
        subjects_checked,
        log_index: reply.log_index,
        grant: Some(wire::Grant {
            agreement: reply.grant.agreement,
            version: reply.grant.version,
            clause: reply.grant.clause,
        }),
        unavailability: reply.no_answer.map(|why| wire::Unavailability {
            reason: why.reason.code().to_owned(),
            retry_after: why.retry_after.map(duration),
        }),
        receipt: reply.receipt.map(|proof| receipt(&proof)),
    }
}

fn receipt(receipt: &Receipt) -> wire::Receipt {
    wire::Receipt {
        index: receipt.index,
        entry: receipt.entry.clone(),
        proof: receipt.proof.clone(),
        openings: receipt
            .openings
            .iter()
            .map(|opening| wire::Opening {
                field: opening.field.to_owned(),
                opening: opening.opening.0.to_vec(),
                value: opening.value.clone(),
            })
            .collect(),
    }
}

/// A point in time as the well-known message.
pub(super) fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: i64::try_from(at.seconds()).unwrap_or(i64::MAX),
        nanos: i32::try_from((at.0 % 1_000_000) * 1000).unwrap_or_default(),
    }
}

/// A length of time as the well-known message.
pub(super) fn duration(length: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(length.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(length.subsec_nanos()).unwrap_or_default(),
    }
}

fn value(value: Value) -> wire::Value {
    let kind = match value {
        Value::Truth(truth) => wire::value::Kind::Truth(truth),
        Value::Integer(integer) => wire::value::Kind::Integer(integer),
        Value::Text(text) => wire::value::Kind::Text(text),
        Value::Date(date) => wire::value::Kind::Date(date),
    };
    wire::Value { kind: Some(kind) }
}

fn verdict(verdict: Verdict) -> wire::Verdict {
    match verdict {
        Verdict::Confirmed => wire::Verdict::Confirmed,
        Verdict::Refuted => wire::Verdict::Refuted,
        Verdict::NotFound => wire::Verdict::NotFound,
        Verdict::Stale => wire::Verdict::Stale,
        Verdict::Conflict => wire::Verdict::Conflict,
        Verdict::Unavailable => wire::Verdict::Unavailable,
    }
}

fn comparison(comparison: Comparison) -> wire::Comparison {
    match comparison {
        Comparison::Eq => wire::Comparison::Equal,
        Comparison::Ne => wire::Comparison::NotEqual,
        Comparison::Lt => wire::Comparison::Less,
        Comparison::Le => wire::Comparison::LessOrEqual,
        Comparison::Gt => wire::Comparison::Greater,
        Comparison::Ge => wire::Comparison::GreaterOrEqual,
        Comparison::In => wire::Comparison::In,
        Comparison::Exists => wire::Comparison::Exists,
        Comparison::NameMatch => wire::Comparison::NameMatch,
    }
}
