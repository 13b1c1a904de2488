//! A receipt held against everything it speaks of: the log's key, the entry, the question that was sent and the answer
//! that came. Needs no connection, and trusts nothing the gateway says about itself.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value as Json, json};
use thiserror::Error;

use super::held;
use crate::audit::commitment::{self, Field, Opening};
use crate::audit::committed::bounded;
use crate::audit::entry::{self, Entry, EntryError, Kind, Outcome};
use crate::audit::note::{NoteError, VerifierKey};
use crate::audit::receipt::Receipt;
use crate::audit::tree::Head;
use crate::crypto::Digest;
use crate::proto::gateway::v1 as wire;

/// Every commitment that an entry can have.
const FIELDS: [Field; 4] = [Field::Subject, Field::Operator, Field::Request, Field::Answer];

/// What a caller knows from elsewhere.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// The keys of the gateway's log: all that it has had, or the one in use.
    pub keys: Vec<VerifierKey>,
    /// SHA-256 of the caller's own certificate, DER; `None` leaves out that the entry is about this caller.
    pub certificate: Option<Digest>,
}

/// A receipt that holds. Opened values are personal data: `Debug` shows the names of their fields only.
#[derive(Clone)]
pub struct Checked {
    /// The tree it is under, signed by the log.
    pub head: Head,
    /// Index of the entry.
    pub index: u64,
    /// What the log says happened.
    pub entry: Entry,
    /// Committed values that came with the receipt, each of which opens its commitment.
    pub opened: Vec<(Field, Vec<u8>)>,
}

impl fmt::Debug for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let opened: Vec<Field> = self.opened.iter().map(|(field, _)| *field).collect();
        f.debug_struct("Checked")
            .field("head", &self.head)
            .field("index", &self.index)
            .field("opened", &opened)
            .finish_non_exhaustive()
    }
}

impl Checked {
    /// The committed value of a field; `None` when the receipt does not open it.
    pub fn value(&self, field: Field) -> Option<&[u8]> {
        let found = self.opened.iter().find(|(opened, _)| *opened == field);
        found.map(|(_, value)| value.as_slice())
    }
}

/// Why a receipt does not count.
#[derive(Debug, Error)]
pub enum ReceiptError {
    /// The answer came without one.
    #[error("the answer came without a receipt")]
    Absent,
    /// The file is none that `heyan query --receipt` writes.
    #[error("this is no saved receipt")]
    NotSaved,
    /// The proof or its checkpoint is not to be believed.
    #[error("the proof does not hold")]
    Proof(#[from] NoteError),
    /// The entry is none.
    #[error("the entry cannot be read")]
    Entry(#[from] EntryError),
    /// Two parts of the receipt speak of different entries.
    #[error("the parts of the receipt are not of one entry")]
    Mixed,
    /// A value or its key is not what the entry commits to.
    #[error("the value of `{0}` is not the one that the entry commits to")]
    Opening(String),
    /// The entry commits to something that the receipt does not open.
    #[error("the receipt does not open `{0}`")]
    Unopened(&'static str),
    /// The entry records no answer.
    #[error("the entry records no answer")]
    NoAnswer,
    /// The entry records no case.
    #[error("the entry records no case")]
    NoCase,
    /// The entry is about something else.
    #[error("the entry has another `{0}` than the question sent or the answer received")]
    Differs(&'static str),
}

/// Checks a receipt alone: the entry is in the log of one of these keys, and every value given with it is the one that
/// the entry commits to. Fields that were taken out of the receipt stay closed.
///
/// # Errors
/// The first thing that does not hold.
pub fn check(receipt: &wire::Receipt, keys: &[VerifierKey]) -> Result<Checked, ReceiptError> {
    let proof = Receipt::parse(&receipt.proof)?;
    let is_one = proof.index == receipt.index
        && proof.extra.as_ref().is_none_or(|extra| *extra == receipt.entry);
    if !is_one {
        return Err(ReceiptError::Mixed);
    }
    let head = proof.verify_with(&receipt.entry, keys)?;
    let entry = entry::decode(&receipt.entry)?;
    let mut opened = Vec::with_capacity(receipt.openings.len());
    for opening in &receipt.openings {
        let flaw = || ReceiptError::Opening(opening.field.clone());
        let field = FIELDS.into_iter().find(|field| field.name() == opening.field);
        let field = field.ok_or_else(flaw)?;
        let digest = entry.kind.commitments().and_then(|given| given.of(field));
        let key = Opening(opening.opening.as_slice().try_into().map_err(|_| flaw())?);
        let is_repeated = opened.iter().any(|(known, _)| *known == field);
        match digest {
            Some(digest)
                if !is_repeated && commitment::check(&digest, field, &opening.value, &key) =>
            {
                opened.push((field, opening.value.clone()));
            }
            _ => return Err(flaw()),
        }
    }
    Ok(Checked { head, index: receipt.index, entry, opened })
}

/// Checks an answer by its receipt: besides [`check`], that the entry records this answer to this question, and that
/// what it commits to, opened in full, is what was sent and what came.
///
/// # Errors
/// The first thing that does not hold.
pub fn check_answer(
    question: &wire::VerifyRequest,
    reply: &wire::VerifyResponse,
    trust: &Trust,
) -> Result<Checked, ReceiptError> {
    let receipt = reply.receipt.as_ref().ok_or(ReceiptError::Absent)?;
    let checked = check(receipt, &trust.keys)?;
    if receipt.index != reply.log_index {
        return Err(ReceiptError::Mixed);
    }
    let Kind::Outcome(outcome) = &checked.entry.kind else { return Err(ReceiptError::NoAnswer) };
    held::against_question(outcome, question, trust.certificate)?;
    held::against_reply(outcome, question, reply)?;
    for field in FIELDS {
        let Some(expected) = expected(field, outcome, question, reply)? else { continue };
        let value = checked.value(field).ok_or(ReceiptError::Unopened(field.name()))?;
        if value != bounded(expected) {
            return Err(ReceiptError::Differs(field.name()));
        }
    }
    Ok(checked)
}

/// Checks the outcome of a case by its receipt: the entry records this outcome of this application, and what it commits
/// to, opened in full, is what was filed.
///
/// # Errors
/// The first thing that does not hold.
pub fn check_case(
    filed: &wire::CheckCaseRequest,
    outcome: &wire::CaseOutcome,
    trust: &Trust,
) -> Result<Checked, ReceiptError> {
    let receipt = outcome.receipt.as_ref().ok_or(ReceiptError::Absent)?;
    let checked = check(receipt, &trust.keys)?;
    if receipt.index != outcome.log_index {
        return Err(ReceiptError::Mixed);
    }
    let Kind::Case(closed) = &checked.entry.kind else { return Err(ReceiptError::NoCase) };
    held::against_case(closed, filed, outcome, trust.certificate)?;
    for (field, expected) in held::filed(filed)? {
        let value = checked.value(field).ok_or(ReceiptError::Unopened(field.name()))?;
        if value != bounded(expected) {
            return Err(ReceiptError::Differs(field.name()));
        }
    }
    Ok(checked)
}

/// What the caller must find committed under a field.
fn expected(
    field: Field,
    outcome: &Outcome,
    question: &wire::VerifyRequest,
    reply: &wire::VerifyResponse,
) -> Result<Option<Vec<u8>>, ReceiptError> {
    if outcome.commitments.of(field).is_none() {
        // An answer commits to all four, or it could be denied later.
        return Err(ReceiptError::Unopened(field.name()));
    }
    let differs = || ReceiptError::Differs(field.name());
    Ok(Some(match field {
        Field::Subject => held::subjects(question).ok_or_else(differs)?,
        Field::Operator => held::operator(question),
        Field::Request => held::request(question),
        Field::Answer => held::answer(reply).ok_or_else(differs)?,
    }))
}

/// The form in which a receipt is kept: JSON, bytes in base64.
pub fn to_json(receipt: &wire::Receipt) -> String {
    let openings = receipt.openings.iter().map(|opening| {
        json!({
            "field": opening.field,
            "opening": BASE64_STANDARD.encode(&opening.opening),
            "value": BASE64_STANDARD.encode(&opening.value),
        })
    });
    let document = json!({
        "index": receipt.index,
        "entry": BASE64_STANDARD.encode(&receipt.entry),
        "proof": receipt.proof,
        "openings": openings.collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

/// A receipt that was kept.
///
/// # Errors
/// When the text is not of that form.
pub fn from_json(text: &str) -> Result<wire::Receipt, ReceiptError> {
    read_json(text).ok_or(ReceiptError::NotSaved)
}

fn read_json(text: &str) -> Option<wire::Receipt> {
    let document: Json = serde_json::from_str(text).ok()?;
    let bytes = |value: &Json, name: &str| BASE64_STANDARD.decode(value.get(name)?.as_str()?).ok();
    let openings = document.get("openings")?.as_array()?.iter().map(|opening| {
        Some(wire::Opening {
            field: opening.get("field")?.as_str()?.to_owned(),
            opening: bytes(opening, "opening")?,
            value: bytes(opening, "value")?,
        })
    });
    Some(wire::Receipt {
        index: document.get("index")?.as_u64()?,
        entry: bytes(&document, "entry")?,
        proof: document.get("proof")?.as_str()?.to_owned(),
        openings: openings.collect::<Option<_>>()?,
    })
}

/// A length of time as entries keep it: whole microseconds.
pub(super) fn micros(given: Option<&prost_types::Duration>) -> Option<Duration> {
    let whole = Duration::try_from(*given?).ok()?;
    Some(Duration::from_micros(u64::try_from(whole.as_micros()).ok()?))
}
