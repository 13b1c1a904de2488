//! From a reply to the wire.

use crate::gateway::exchange::{Receipt, Reply, Source};
use crate::proto::gateway::v1 as wire;
use crate::wire::{comparison, duration, timestamp, value, verdict};

/// The reply as its message.
pub(super) fn write(reply: &Reply) -> wire::VerifyResponse {
    let subjects_checked = reply
        .subjects_checked
        .iter()
        .map(|(role, position)| wire::SubjectChecked { role: role.clone(), position: *position })
        .collect();
    let judgements = reply
        .judgements
        .iter()
        .map(|(attribute, compared, judged)| wire::Judgement {
            attribute: attribute.clone(),
            comparison: comparison(*compared).into(),
            verdict: verdict(*judged).into(),
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
            .iter()
            .map(|(name, released)| (name.clone(), value(released.clone())))
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
            agreement: reply.grant.agreement.clone(),
            version: reply.grant.version,
            clause: reply.grant.clause,
        }),
        unavailability: reply.no_answer.as_ref().map(|why| wire::Unavailability {
            reason: why.reason.code().to_owned(),
            retry_after: why.retry_after.map(duration),
        }),
        masked: reply.masked.clone(),
        keep_until: reply.keep_until.map(timestamp),
        receipt: reply.receipt.as_deref().map(receipt),
    }
}

/// A receipt as its message.
pub(super) fn receipt(receipt: &Receipt) -> wire::Receipt {
    wire::Receipt {
        index: receipt.index,
        entry: receipt.entry.clone(),
        proof: receipt.proof.clone(),
        openings: receipt
            .openings
            .iter()
            .map(|opening| wire::Opening {
                field: opening.field.name().to_owned(),
                opening: opening.opening.0.to_vec(),
                value: opening.value.clone(),
            })
            .collect(),
    }
}
