//! Disputes, between value and message.

use jiff::civil::Date;

use super::facts::{caller_in, caller_out};
use super::{commitments_in, commitments_out, required, verdict_in, verdict_out};
use crate::audit::entry::{
    Dispute, DisputeAnswered, DisputeDelivery, DisputeOpened, DisputeRechecked, DisputeStep,
    EntryError, Ground, Looked, Way,
};
use crate::proto::audit::v1 as stored;
use stored::dispute::Step;

pub(super) fn dispute_out(dispute: &Dispute) -> stored::Dispute {
    let step = match &dispute.step {
        DisputeStep::Opened(opened) => Step::Opened(opened_out(opened)),
        DisputeStep::Delivery(delivery) => Step::Delivery(delivery_out(delivery)),
        DisputeStep::Answered(answered) => Step::Answered(stored::DisputeAnswered {
            finding: answered.finding.name().to_owned(),
            on: answered.on.to_string(),
            caller: answered.caller.as_ref().map(caller_out),
            commitments: Some(commitments_out(&answered.commitments)),
        }),
        DisputeStep::Rechecked(rechecked) => Step::Rechecked(stored::DisputeRechecked {
            caller: Some(caller_out(&rechecked.caller)),
            contested: rechecked.contested,
            outcome: rechecked.outcome,
            before: verdict_out(rechecked.before).into(),
            after: verdict_out(rechecked.after).into(),
        }),
    };
    stored::Dispute { dispute_id: dispute.id.to_vec(), step: Some(step) }
}

pub(super) fn dispute_in(dispute: stored::Dispute) -> Result<Dispute, EntryError> {
    let id =
        dispute.dispute_id.try_into().map_err(|_| EntryError::Unknown("dispute.dispute_id"))?;
    let step = match dispute.step.ok_or(EntryError::Missing("dispute.step"))? {
        Step::Opened(opened) => DisputeStep::Opened(Box::new(opened_in(opened)?)),
        Step::Delivery(delivery) => DisputeStep::Delivery(delivery_in(delivery)?),
        Step::Answered(answered) => DisputeStep::Answered(Box::new(DisputeAnswered {
            finding: Looked::from_name(&answered.finding)
                .ok_or(EntryError::Unknown("dispute.finding"))?,
            on: day(&answered.on, "dispute.on")?,
            caller: answered.caller.map(|caller| caller_in(Some(caller))).transpose()?,
            commitments: commitments_in(answered.commitments)?,
        })),
        Step::Rechecked(rechecked) => DisputeStep::Rechecked(DisputeRechecked {
            caller: caller_in(rechecked.caller)?,
            contested: rechecked.contested,
            outcome: rechecked.outcome,
            before: verdict_in(rechecked.before)?,
            after: verdict_in(rechecked.after)?,
        }),
    };
    Ok(Dispute { id, step })
}

fn opened_out(opened: &DisputeOpened) -> stored::DisputeOpened {
    stored::DisputeOpened {
        caller: Some(caller_out(&opened.caller)),
        contested: opened.contested,
        verdict: verdict_out(opened.verdict).into(),
        provider: opened.provider.clone(),
        fact: opened.fact.clone(),
        request_id: opened.request_id.to_vec(),
        ground: opened.ground.name().to_owned(),
        evidence: opened.evidence,
        operator_unit: opened.operator_unit.clone(),
        shown: opened.shown,
        due: opened.due.to_string(),
        commitments: Some(commitments_out(&opened.commitments)),
    }
}

fn opened_in(opened: stored::DisputeOpened) -> Result<DisputeOpened, EntryError> {
    Ok(DisputeOpened {
        caller: caller_in(opened.caller)?,
        contested: opened.contested,
        verdict: verdict_in(opened.verdict)?,
        provider: required(opened.provider, "dispute.provider")?,
        fact: required(opened.fact, "dispute.fact")?,
        request_id: opened
            .request_id
            .try_into()
            .map_err(|_| EntryError::Unknown("dispute.request_id"))?,
        ground: Ground::from_name(&opened.ground).ok_or(EntryError::Unknown("dispute.ground"))?,
        evidence: opened.evidence,
        operator_unit: opened.operator_unit,
        shown: opened.shown,
        due: day(&opened.due, "dispute.due")?,
        commitments: commitments_in(opened.commitments)?,
    })
}

fn delivery_out(delivery: &DisputeDelivery) -> stored::DisputeDelivery {
    use stored::dispute_delivery::Way as Out;
    let way = match delivery.way {
        Way::Folder => Out::Folder,
        Way::Call => Out::Call,
    };
    let (ticket, failure) = match delivery.result.clone() {
        Ok(ticket) => (ticket, String::new()),
        Err(failure) => (String::new(), failure),
    };
    stored::DisputeDelivery { way: way.into(), ticket, failure }
}

fn delivery_in(delivery: stored::DisputeDelivery) -> Result<DisputeDelivery, EntryError> {
    use stored::dispute_delivery::Way as In;
    let way = match In::try_from(delivery.way) {
        Ok(In::Folder) => Way::Folder,
        Ok(In::Call) => Way::Call,
        Ok(In::Unspecified) | Err(_) => return Err(EntryError::Unknown("dispute.way")),
    };
    let result = match (delivery.ticket, delivery.failure) {
        (ticket, failure) if failure.is_empty() => Ok(ticket),
        (ticket, failure) if ticket.is_empty() => Err(failure),
        _ => return Err(EntryError::Contradiction("dispute.failure")),
    };
    Ok(DisputeDelivery { way, result })
}

/// A day in its one form: another writing of it would be another entry.
fn day(text: &str, name: &'static str) -> Result<Date, EntryError> {
    let day: Date = text.parse().map_err(|_| EntryError::Unknown(name))?;
    if day.to_string() == text { Ok(day) } else { Err(EntryError::Unknown(name)) }
}
