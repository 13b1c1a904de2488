//! A question of a case in the words of the wire: the same message that a caller of `Verify` would send.

use uuid::Uuid;

use super::read::Applied;
use crate::cases::{Asking, question_id};
use crate::proto::gateway::v1 as wire;
use crate::wire::{comparison, duration, relation, subject, value};

/// The question as its message.
pub(super) fn message(asking: &Asking, applied: &Applied) -> wire::VerifyRequest {
    let subjects = asking.subjects.iter().map(|(named, related)| wire::Subject {
        relation: related.map_or(0, |related| relation(related.relation).into()),
        shown_by: related.map_or(0, |related| related.shown_by),
        ..subject(named)
    });
    let assertions = asking.assertions.iter().map(|asserted| wire::Assertion {
        attribute: asserted.attribute.clone(),
        comparison: comparison(asserted.comparison).into(),
        values: asserted.values.iter().cloned().map(value).collect(),
    });
    let known = applied.item.materials.contains_key(&asking.material);
    wire::VerifyRequest {
        request_id: id(applied.case_id, asking).to_string(),
        fact: asking.fact.as_str().to_owned(),
        subjects: subjects.collect(),
        assertions: assertions.collect(),
        disclose: asking.disclose.clone(),
        purpose: Some(wire::Purpose {
            // A paper that the item does not list would be a flaw of the question; the answer serves all the same.
            replaced_material: if known { asking.material.clone() } else { String::new() },
            ..applied.purpose.clone()
        }),
        operator: Some(applied.operator.clone()),
        max_age: Some(duration(asking.max_age)),
        want_receipt: applied.want_receipts,
    }
}

/// The id of a question, by which a repeated case finds its answer again.
fn id(case_id: [u8; 16], asking: &Asking) -> Uuid {
    let related = asking.subjects.iter().map(|(_, related)| *related);
    Uuid::from_bytes(question_id(case_id, &asking.question, asking.about.iter().zip(related)))
}
