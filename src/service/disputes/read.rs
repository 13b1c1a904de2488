//! From the messages of disputes to what the gateway takes: every field checked, every flaw named.

use std::sync::Arc;

use prost::Message as _;
use serde_json::{Value as Json, json};

use crate::audit::commitment::Opening;
use crate::audit::entry::Ground;
use crate::catalogue::Catalogue;
use crate::decision::facts::Defect;
use crate::disputes::DisputeId;
use crate::disputes::paper::TEXT_LIMIT;
use crate::gateway::disputes::Contest;
use crate::identity::Peer;
use crate::proto::gateway::v1 as wire;
use crate::query::time::Timestamp;
use crate::service::question::{self, Defects, uuid7};
use crate::wire::request_text;

/// Papers of one dispute; more than a counter ever copies.
const EVIDENCE_LIMIT: usize = 20;

/// Longest name of an issuer, in characters.
const ISSUER_LIMIT: usize = 128;

/// Reads what opens a dispute. `log` is the catalogue and how many entries there are.
///
/// # Errors
/// Every flaw, by path and check.
pub(super) fn contest(
    given: wire::ContestRequest,
    peer: Arc<Peer>,
    log: (&Catalogue, u64),
    at: Timestamp,
) -> Result<Contest, Vec<Defect>> {
    let mut defects = Defects::default();
    let asked = given.question.clone().unwrap_or_default();
    let (query, flaws) = question::read(&asked, log.0, log.1);
    for Defect { field, check } in flaws {
        defects.add(format!("question.{field}"), &check);
    }
    let id = defects.check("dispute_id", uuid7(&given.dispute_id));
    let ground = Ground::from_name(&given.ground);
    if ground.is_none() {
        defects.add("ground", "unknown");
    }
    let is_text = |text: &str, most: usize| {
        text.chars().count() <= most && !text.contains(|c: char| c.is_control() && c != '\n')
    };
    if !is_text(&given.text, TEXT_LIMIT) {
        defects.add("text", "text");
    }
    if given.evidence.len() > EVIDENCE_LIMIT {
        defects.add("evidence", "too_many");
    }
    for (position, paper) in given.evidence.iter().enumerate() {
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if paper.sha256.len() != 64 || !paper.sha256.bytes().all(is_hex) {
            defects.add(format!("evidence[{position}].sha256"), "hex");
        }
        if paper.issuer.trim().is_empty() || !is_text(&paper.issuer, ISSUER_LIMIT) {
            defects.add(format!("evidence[{position}].issuer"), "text");
        }
    }
    let opening = match given.request_opening.as_slice() {
        [] => None,
        bytes => {
            Some(Opening(defects.check("request_opening", bytes.try_into().map_err(|_| "length"))))
        }
    };
    let operator = question::operator(given.operator.as_ref(), &mut defects);
    if operator.id.is_empty() {
        defects.add("operator", "missing");
    }
    let (Some(ground), true) = (ground, defects.0.is_empty()) else { return Err(defects.0) };
    Ok(Contest {
        id,
        peer,
        entry: given.log_index,
        question: request_text(&asked),
        query,
        opening,
        ground,
        request: contest_text(&given),
        message: given.encode_to_vec(),
        text: given.text,
        evidence: given.evidence.into_iter().map(|paper| (paper.sha256, paper.issuer)).collect(),
        operator,
        at,
    })
}

/// The contested question as it is put again; `None` when what was kept is no such message.
pub(super) fn question_again(
    message: &[u8],
    asked: &wire::RecheckRequest,
) -> Option<wire::VerifyRequest> {
    let contest = wire::ContestRequest::decode(message).ok()?;
    let question = contest.question?;
    Some(wire::VerifyRequest {
        request_id: asked.request_id.clone(),
        operator: super::asks_again(asked.operator.clone(), contest.operator),
        want_receipt: asked.want_receipt,
        ..question
    })
}

/// An operator that names somebody.
pub(super) fn operator_given(given: Option<wire::Operator>) -> Option<wire::Operator> {
    given.filter(|operator| !operator.id.is_empty())
}

/// The caller's id of a dispute.
pub(super) fn dispute_id(text: &str) -> Result<DisputeId, Defect> {
    uuid7(text).map_err(|check| Defect { field: "dispute_id".to_owned(), check: check.to_owned() })
}

/// The entry before which a page begins.
pub(super) fn page_token(text: &str) -> Result<u64, Defect> {
    let flaw = || Defect { field: "page_token".to_owned(), check: "unknown".to_owned() };
    match text {
        "" => Ok(u64::MAX),
        text => text.parse().map_err(|_| flaw()),
    }
}

/// What was written, in the form that the entry commits to: JSON with sorted keys.
fn contest_text(given: &wire::ContestRequest) -> Vec<u8> {
    let question = given.question.as_ref().map(request_text).unwrap_or_default();
    let question: Json = serde_json::from_slice(&question).unwrap_or_default();
    let evidence = given.evidence.iter();
    let evidence = evidence.map(|one| json!({ "issuer": one.issuer, "sha256": one.sha256 }));
    let operator = given.operator.clone().unwrap_or_default();
    json!({
        "dispute_id": given.dispute_id,
        "evidence": evidence.collect::<Vec<_>>(),
        "ground": given.ground,
        "log_index": given.log_index,
        "operator": { "id": operator.id, "unit": operator.unit },
        "question": question,
        "text": given.text,
    })
    .to_string()
    .into_bytes()
}
