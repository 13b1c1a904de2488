//! From an entry's seed to its sealed fields, and from the day's key to the seed.

use bytes::Bytes;
use secrecy::zeroize::Zeroizing;

use super::VaultError;
use super::keys::DayKey;
use super::record::{self, Record, Wrap};
use super::subject::Identifier;
use crate::audit::commitment::{Field, Seed};
use crate::audit::entry::{Commitments, DisputeStep, Kind};
use crate::crypto::{self, Digest, sha256};

const FIELD_KEY: &[u8] = b"heyan/vault/field-key/v1\0";
const FIELD: &[u8] = b"heyan/vault/field/v1\0";
const SEED: &[u8] = b"heyan/vault/seed/v1\0";

/// A field's key comes from a seed that is new for each entry, and encrypts one text ever: no nonce can repeat.
const ONLY_ONCE: [u8; 12] = [0; 12];

/// Which entry of which log a record belongs to. What is sealed for one opens for no other.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The log's name.
    pub origin: &'a str,
    /// The caller's id of the question, of the dispute or of the case.
    pub request_id: &'a [u8; 16],
    /// Which of the question's entries.
    pub stage: Stage,
}

/// The kinds of entry that have a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// An agency is about to be asked.
    Intent,
    /// A question was answered.
    Outcome,
    /// A question was denied.
    Denial,
    /// A verdict is contested; the id is the dispute's.
    Dispute,
    /// The agency answered a dispute; the id is the dispute's.
    DisputeAnswer,
    /// An application was run to its end; the id is the case's.
    Case,
}

impl Stage {
    fn number(self) -> u8 {
        match self {
            Self::Intent => 1,
            Self::Outcome => 2,
            Self::Denial => 3,
            Self::Dispute => 4,
            Self::DisputeAnswer => 5,
            Self::Case => 6,
        }
    }
}

impl<'a> Place<'a> {
    /// The place of a recorded entry, with what it commits to; `None` of kinds that have no record.
    pub fn of(origin: &'a str, kind: &'a Kind) -> Option<(Self, &'a Commitments)> {
        let (stage, request_id) = match kind {
            Kind::Intent(intent) => (Stage::Intent, &intent.facts.request_id),
            Kind::Outcome(outcome) => (Stage::Outcome, &outcome.facts.request_id),
            Kind::Denial(denied) => (Stage::Denial, &denied.facts.request_id),
            Kind::Dispute(dispute) => match &dispute.step {
                DisputeStep::Opened(_) => (Stage::Dispute, &dispute.id),
                DisputeStep::Answered(_) => (Stage::DisputeAnswer, &dispute.id),
                DisputeStep::Delivery(_) | DisputeStep::Rechecked(_) => return None,
            },
            Kind::Case(closed) => (Stage::Case, &closed.case_id),
            _ => return None,
        };
        Some((Self { origin, request_id, stage }, kind.commitments()?))
    }

    fn bytes(&self) -> Vec<u8> {
        let length = (self.origin.len() as u64).to_be_bytes();
        [&length[..], self.origin.as_bytes(), self.request_id, &[self.stage.number()]].concat()
    }
}

/// Seals fields and wraps their seed under the day's key; also says what the entry's `sealed` is.
pub(super) fn seal(
    day: &DayKey,
    place: &Place<'_>,
    seed: &Seed,
    fields: &[(Field, &[u8])],
) -> Result<(Record, Digest), VaultError> {
    let place_bytes = place.bytes();
    let mut sealed = Vec::with_capacity(fields.len());
    for (field, value) in fields {
        let bound: [&[u8]; 3] = [FIELD, &place_bytes, field.name().as_bytes()];
        sealed
            .push((*field, crypto::aead_seal(&field_key(seed, *field), ONLY_ONCE, &bound, value)?));
    }
    let sealed = record::join(&sealed)?;
    let digest = sha256(&sealed);
    let subjects = fields.iter().find(|(field, _)| *field == Field::Subject);
    let identifiers = subjects.map(|(_, value)| Identifier::of_subjects(value)).unwrap_or_default();
    let wrap = wrap(day, place, seed, &digest, &identifiers)?;
    Ok((Record { wrap, sealed }, digest))
}

/// Wraps the seed under the day's key. The wrap is bound to the place, the sealed part and the tags.
pub(super) fn wrap(
    day: &DayKey,
    place: &Place<'_>,
    seed: &Seed,
    sealed: &Digest,
    identifiers: &[Identifier],
) -> Result<Wrap, VaultError> {
    let (tags, check) = day.subject.tags(sealed, identifiers);
    let mut wrap =
        Wrap { key: day.name, nonce: nonce()?, seed: [0; record::WRAPPED_BYTES], check, tags };
    let bound = bound_to_seed(place, &wrap, sealed);
    let wrapped = crypto::aead_seal(day.wrapping(), wrap.nonce, &[&bound], seed.as_bytes())?;
    wrap.seed =
        wrapped.try_into().map_err(|_| VaultError::Damaged("a wrapped seed has another length"))?;
    Ok(wrap)
}

/// The entry's seed.
pub(super) fn unwrap(
    day: &DayKey,
    place: &Place<'_>,
    wrap: &Wrap,
    sealed: &Digest,
) -> Result<Seed, VaultError> {
    let bound = bound_to_seed(place, wrap, sealed);
    crypto::aead_open(day.wrapping(), wrap.nonce, &[&bound], &wrap.seed)
        .map(Zeroizing::new)
        .and_then(|seed| seed.as_slice().try_into().ok().map(Seed::from_bytes))
        .ok_or(VaultError::Damaged(
            "its seed does not open: it belongs to another entry, or was changed",
        ))
}

/// One field's value; no other field is touched.
pub(super) fn open(
    seed: &Seed,
    place: &Place<'_>,
    sealed: &[u8],
    field: Field,
) -> Result<Vec<u8>, VaultError> {
    let fields = record::split(sealed)?;
    let (_, text) = fields
        .iter()
        .find(|(known, _)| *known == field)
        .ok_or(VaultError::NoField(field.name()))?;
    let bound: [&[u8]; 3] = [FIELD, &place.bytes(), field.name().as_bytes()];
    crypto::aead_open(&field_key(seed, field), ONLY_ONCE, &bound, text)
        .ok_or(VaultError::Damaged("a field does not open"))
}

/// The fields that the sealed part holds.
pub(super) fn fields(sealed: &Bytes) -> Result<Vec<Field>, VaultError> {
    Ok(record::split(sealed)?.into_iter().map(|(field, _)| field).collect())
}

fn field_key(seed: &Seed, field: Field) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(seed.mac(&[FIELD_KEY, field.name().as_bytes()]))
}

fn bound_to_seed(place: &Place<'_>, wrap: &Wrap, sealed: &Digest) -> Vec<u8> {
    let day = wrap.key.day.0.to_be_bytes();
    let version = wrap.key.version.to_be_bytes();
    let parts: [&[u8]; 7] =
        [SEED, &place.bytes(), &day, &version, sealed, &wrap.check, wrap.tags.as_flattened()];
    parts.concat()
}

/// A day's key wraps as many seeds as the day has entries: random nonces stay apart up to 2^32 of them.
pub(super) fn nonce() -> Result<[u8; 12], VaultError> {
    let random = crypto::random()?;
    let mut nonce = [0; 12];
    nonce.copy_from_slice(random.first_chunk::<12>().unwrap_or(&[0; 12]));
    Ok(nonce)
}
