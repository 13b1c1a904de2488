//! A dispute as its message: what its people may see of it.

use crate::gateway::disputes::Seen;
use crate::proto::gateway::v1 as wire;
use crate::query::OrganisationId;
use crate::wire::{timestamp, verdict};

/// For the organisation `own`: only who contests reads the agency's words.
pub(super) fn dispute(seen: Seen, own: Option<&OrganisationId>) -> wire::Dispute {
    let Seen { course, has_queue, channel, answer, failure, is_overdue } = seen;
    let opened = &course.opened;
    let is_own = own == Some(&opened.caller.organisation);
    let state = match (&course.rechecked, &course.answered, &course.delivered) {
        (Some(_), ..) => "ASKED_AGAIN",
        (None, Some(_), _) => "ANSWERED",
        (None, None, Some(_)) => "DELIVERED",
        (None, None, None) if has_queue => "WAITING",
        (None, None, None) => "PAPER",
    };
    let rechecked = course.rechecked.as_ref();
    wire::Dispute {
        dispute_id: uuid::Uuid::from_bytes(course.id).to_string(),
        state: state.to_owned(),
        log_index: course.index,
        opened_at: Some(timestamp(course.at)),
        caller: opened.caller.organisation.as_str().to_owned(),
        agency: opened.provider.clone(),
        fact: opened.fact.clone(),
        contested: opened.contested,
        verdict_before: verdict(opened.verdict).into(),
        ground: opened.ground.name().to_owned(),
        shown: opened.shown,
        due: opened.due.to_string(),
        overdue: is_overdue,
        delivered_at: course.delivered.as_ref().map(|(at, ..)| timestamp(*at)),
        ticket: course.delivered.as_ref().map(|(.., ticket)| ticket.clone()).unwrap_or_default(),
        failure: failure.unwrap_or_default(),
        finding: course
            .answered
            .as_ref()
            .map(|answered| answered.finding.name().to_owned())
            .unwrap_or_default(),
        answered_on: course.answered.as_ref().map(|one| one.on.to_string()).unwrap_or_default(),
        answer: answer.filter(|_| is_own).unwrap_or_default(),
        new_outcome: rechecked.map(|rechecked| rechecked.outcome).unwrap_or_default(),
        verdict_after: rechecked
            .map(|rechecked| verdict(rechecked.after).into())
            .unwrap_or_default(),
        channel: if state == "PAPER" { channel } else { String::new() },
    }
}
