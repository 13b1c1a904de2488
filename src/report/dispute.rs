//! A contested verdict's entries in words and as JSON.

use serde_json::{Value, json};

use crate::audit::entry::{Dispute, DisputeStep};
use crate::crypto::hex;

/// What happened, in a word or two.
pub(super) fn result(dispute: &Dispute) -> String {
    match &dispute.step {
        DisputeStep::Opened(_) => "contested".to_owned(),
        DisputeStep::Delivery(delivery) => match &delivery.result {
            Ok(_) => "delivered".to_owned(),
            Err(failure) => format!("not delivered ({failure})"),
        },
        DisputeStep::Answered(answered) => answered.finding.name().to_owned(),
        DisputeStep::Rechecked(rechecked) => {
            format!("{}, was {}", rechecked.after.name(), rechecked.before.name())
        }
    }
}

/// What it is about.
pub(super) fn subject_matter(dispute: &Dispute) -> String {
    let id = uuid::Uuid::from_bytes(dispute.id);
    match &dispute.step {
        DisputeStep::Opened(opened) => {
            let (fact, provider) = (&opened.fact, &opened.provider);
            format!("{fact} of {provider}, entry {}, dispute {id}", opened.contested)
        }
        DisputeStep::Rechecked(rechecked) => {
            format!("entry {} after {}, dispute {id}", rechecked.outcome, rechecked.contested)
        }
        DisputeStep::Delivery(_) | DisputeStep::Answered(_) => format!("dispute {id}"),
    }
}

/// Every field but the commitments.
pub(super) fn fields(dispute: &Dispute) -> Value {
    let id = uuid::Uuid::from_bytes(dispute.id).to_string();
    match &dispute.step {
        DisputeStep::Opened(opened) => json!({
            "dispute": id,
            "step": "opened",
            "caller": {
                "organisation": opened.caller.organisation.as_str(),
                "system": opened.caller.system.as_str(),
            },
            "contested": opened.contested,
            "verdict": opened.verdict.name(),
            "provider": opened.provider,
            "fact": opened.fact,
            "request_id": hex(&opened.request_id),
            "ground": opened.ground.name(),
            "evidence": opened.evidence,
            "operator_unit": opened.operator_unit,
            "shown": opened.shown,
            "due": opened.due.to_string(),
        }),
        DisputeStep::Delivery(delivery) => json!({
            "dispute": id,
            "step": "delivery",
            "way": delivery.way.name(),
            "ticket": delivery.result.as_ref().ok(),
            "failure": delivery.result.as_ref().err(),
        }),
        DisputeStep::Answered(answered) => json!({
            "dispute": id,
            "step": "answered",
            "finding": answered.finding.name(),
            "on": answered.on.to_string(),
            "brought_by": answered.caller.as_ref().map(|caller| caller.organisation.as_str()),
        }),
        DisputeStep::Rechecked(rechecked) => json!({
            "dispute": id,
            "step": "rechecked",
            "contested": rechecked.contested,
            "outcome": rechecked.outcome,
            "before": rechecked.before.name(),
            "after": rechecked.after.name(),
        }),
    }
}
