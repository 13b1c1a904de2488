//! A question of a case in the words of the wire: the same message that a caller of `Verify` would send.

use uuid::Uuid;

use super::read::Applied;
use crate::cases::Asking;
use crate::crypto::sha256;
use crate::proto::gateway::v1 as wire;
use crate::wire::{comparison, duration, relation, subject, value};

/// What ids of a case's questions are derived for.
const DERIVATION: &str = "heyan case question 1";

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
        request_id: Uuid::from_bytes(question_id(applied.case_id, asking)).to_string(),
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

/// The id of a question: the case's moment, and the rest from the case, the question, and the places of its subjects with
/// the entries that have shown them. The same question of a repeated case has the same id; one about another family has
/// another. Nothing in it is about a person: it stands in entries in clear.
pub(super) fn question_id(case_id: [u8; 16], asking: &Asking) -> [u8; 16] {
    let mut text = format!("{DERIVATION}\n{}\n{}\n", Uuid::from_bytes(case_id), asking.question);
    for (about, (_, related)) in asking.about.iter().zip(&asking.subjects) {
        let related = related.map(|it| format!("{} {}", it.relation.name(), it.shown_by));
        let related = related.unwrap_or_default();
        text.push_str(&format!("{} {} {} {related}\n", about.role, about.who, about.position));
    }
    let derived = sha256(text.as_bytes());
    let mut id = case_id;
    for (place, (byte, derived)) in id.iter_mut().zip(derived).enumerate() {
        *byte = match place {
            // The moment, in milliseconds (RFC 9562, version 7).
            0..=5 => *byte,
            6 => 0x70 | (derived & 0x0f),
            8 => 0x80 | (derived & 0x3f),
            _ => derived,
        };
    }
    id
}
