//! What an entry commits to without saying it: subject, operator, request, answer.

use super::exchange::Opened;
use crate::audit::commitment::{self, Field, Seed};
use crate::audit::committed::{answer as released_as_json, operator, subjects};
use crate::audit::entry::Commitments;
use crate::crypto::{CryptoError, Digest};
use crate::decision::release::Released;
use crate::query::Query;

/// Commitments of one entry, and the openings that only the caller gets.
pub(super) struct Sealed {
    pub(super) commitments: Commitments,
    pub(super) openings: Vec<Opened>,
}

/// Commits to the question and, when there is one, its answer.
///
/// The committed bytes are JSON with sorted keys: a caller, a court or another program can read and rebuild them.
pub(super) fn seal(
    query: &Query,
    request: &Digest,
    answer: Option<&Released>,
) -> Result<Sealed, CryptoError> {
    let seed = Seed::random()?;
    let mut openings = Vec::with_capacity(4);
    let mut commit = |field: Field, value: Vec<u8>| {
        let (commitment, opening) = commitment::commit(&seed, field, &value);
        openings.push(Opened { field: field.name(), opening, value });
        Some(commitment)
    };
    let commitments = Commitments {
        subject: commit(Field::Subject, subjects(&query.subjects)),
        operator: commit(Field::Operator, operator(&query.operator)),
        request: commit(Field::Request, request.to_vec()),
        answer: answer.and_then(|released| commit(Field::Answer, released_as_json(released))),
        sealed: None,
    };
    Ok(Sealed { commitments, openings })
}
