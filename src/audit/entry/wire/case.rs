//! Rules and cases, between value and message.

use super::facts::{caller_in, caller_out};
use super::{commitments_in, commitments_out, digest, required};
use crate::audit::entry::{CaseClosed, EntryError, RuleEvent};
use crate::proto::audit::v1 as stored;

pub(super) fn rule_out(event: &RuleEvent) -> stored::RuleEvent {
    stored::RuleEvent {
        item: event.item.clone(),
        version: event.version.clone(),
        document: event.document.clone(),
        effective_from: event.effective_from.clone(),
        effective_to: event.effective_to.clone(),
    }
}

pub(super) fn rule_in(event: stored::RuleEvent) -> Result<RuleEvent, EntryError> {
    Ok(RuleEvent {
        item: required(event.item, "rule.item")?,
        version: required(event.version, "rule.version")?,
        document: match event.document.is_empty() {
            true => return Err(EntryError::Missing("rule.document")),
            false => event.document,
        },
        effective_from: required(event.effective_from, "rule.effective_from")?,
        effective_to: event.effective_to,
    })
}

pub(super) fn case_out(closed: &CaseClosed) -> stored::Case {
    let need = |(name, state): &(String, String)| stored::NeedState {
        name: name.clone(),
        state: state.clone(),
    };
    stored::Case {
        caller: Some(caller_out(&closed.caller)),
        item: closed.item.clone(),
        item_version: closed.item_version.clone(),
        rule: closed.rule.to_vec(),
        case_number: closed.case_number.clone(),
        operator_unit: closed.operator_unit.clone(),
        course: closed.course.clone(),
        outcome: closed.outcome.clone(),
        needs: closed.needs.iter().map(need).collect(),
        abandoned: closed.abandoned,
        case_id: closed.case_id.to_vec(),
        commitments: closed.commitments.as_ref().map(commitments_out),
    }
}

pub(super) fn case_in(case: stored::Case) -> Result<CaseClosed, EntryError> {
    if case.needs.iter().any(|need| need.name.is_empty() || need.state.is_empty()) {
        return Err(EntryError::Missing("case.needs"));
    }
    Ok(CaseClosed {
        case_id: case.case_id.try_into().map_err(|_| EntryError::Unknown("case.case_id"))?,
        caller: caller_in(case.caller)?,
        item: required(case.item, "case.item")?,
        item_version: required(case.item_version, "case.item_version")?,
        rule: digest(&case.rule, "case.rule")?,
        case_number: required(case.case_number, "case.case_number")?,
        operator_unit: case.operator_unit,
        course: required(case.course, "case.course")?,
        outcome: required(case.outcome, "case.outcome")?,
        needs: case.needs.into_iter().map(|need| (need.name, need.state)).collect(),
        abandoned: case.abandoned,
        commitments: match case.commitments {
            None => None,
            given => Some(commitments_in(given)?),
        },
    })
}
