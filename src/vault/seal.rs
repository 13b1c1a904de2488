//! From an entry's seed to its sealed fields, and from the day's key to the seed.

use secrecy::zeroize::Zeroizing;

use super::VaultError;
use super::keys::DayKey;
use super::record::{self, Form, Wrap};
use super::subject::Identifier;
use crate::audit::beside::{Private, Unwrapped};
use crate::audit::commitment::{Field, Seed};
use crate::audit::entry::{Commitments, DisputeStep, Kind};
use crate::crypto::{self, AEAD_TAG_BYTES, AeadKey, Digest};

const RECORD_KEY: &[u8] = b"heyan/vault/record-key/v2\0";
const RECORD: &[u8] = b"heyan/vault/record/v2\0";
const SEED: &[u8] = b"heyan/vault/seed/v1\0";

/// A key of each field, where a sealed part holds them each by itself.
const FIELD_KEY: &[u8] = b"heyan/vault/field-key/v1\0";
const FIELD: &[u8] = b"heyan/vault/field/v1\0";

/// The key comes from a seed that is new for each entry, and encrypts one text ever: no nonce can repeat.
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

/// Seals fields and wraps their seed under the day's key; also says what the entry's `sealed` is. All of it is written
/// where it will stand.
pub(super) fn seal(
    day: &DayKey,
    place: &Place<'_>,
    seed: &Seed,
    fields: &[(Field, &[u8])],
    identifiers: &[Identifier],
) -> Result<(Private, Digest), VaultError> {
    let wrap_bytes = record::wrap_bytes(identifiers.len())?;
    let room = 1 + record::joined_bytes(fields) + AEAD_TAG_BYTES;
    let unwrapped = Unwrapped::new(wrap_bytes, room, |bytes| {
        bytes.push(record::WHOLE);
        let start = bytes.len();
        record::join(fields, bytes)?;
        let bound = [RECORD, &place.bytes()].concat();
        let text = bytes.get_mut(start..).unwrap_or_default();
        let tag = AeadKey::new(&record_key(seed))?.seal(ONLY_ONCE, &bound, text)?;
        bytes.extend_from_slice(&tag);
        Ok::<(), VaultError>(())
    })?;
    let digest = *unwrapped.digest();
    let wrap = wrap(day, place, seed, &digest, identifiers)?;
    let private = unwrapped.wrapped(&wrap.encode());
    Ok((private.ok_or(VaultError::Damaged("its wrap has another length"))?, digest))
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
    let (text, tag) = wrap.seed.split_at_mut(seed.as_bytes().len());
    text.copy_from_slice(seed.as_bytes());
    tag.copy_from_slice(&day.wrapping().seal(wrap.nonce, &bound, text)?);
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
    day.wrapping()
        .open(wrap.nonce, &bound, &wrap.seed)
        .map(Zeroizing::new)
        .and_then(|seed| seed.as_slice().try_into().ok().map(Seed::from_bytes))
        .ok_or(VaultError::Damaged(
            "its seed does not open: it belongs to another entry, or was changed",
        ))
}

/// One field's value.
pub(super) fn open(
    seed: &Seed,
    place: &Place<'_>,
    sealed: &[u8],
    field: Field,
) -> Result<Vec<u8>, VaultError> {
    let none = || VaultError::NoField(field.name());
    let of = |fields: &[u8]| {
        let fields = record::split(fields)?;
        let found = fields.into_iter().find(|(known, _)| *known == field);
        found.map(|(_, text)| text.to_vec()).ok_or_else(none)
    };
    match Form::of(sealed)? {
        (Form::Whole, text) => of(&whole(seed, place, text)?),
        (Form::Each, fields) => {
            let bound = [FIELD, &place.bytes(), field.name().as_bytes()].concat();
            let key = Zeroizing::new(seed.mac(&[FIELD_KEY, field.name().as_bytes()]));
            crypto::aead_open(&key, ONLY_ONCE, &bound, &of(fields)?)
                .ok_or(VaultError::Damaged("a field does not open"))
        }
    }
}

/// The fields that the sealed part holds.
pub(super) fn fields(
    seed: &Seed,
    place: &Place<'_>,
    sealed: &[u8],
) -> Result<Vec<Field>, VaultError> {
    let names =
        |fields: &[u8]| Ok(record::split(fields)?.into_iter().map(|(field, _)| field).collect());
    match Form::of(sealed)? {
        (Form::Whole, text) => names(&whole(seed, place, text)?),
        (Form::Each, fields) => names(fields),
    }
}

/// All fields, put together, as they were before they were encrypted as one text.
fn whole(seed: &Seed, place: &Place<'_>, text: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let bound = [RECORD, &place.bytes()].concat();
    crypto::aead_open(&record_key(seed), ONLY_ONCE, &bound, text)
        .map(Zeroizing::new)
        .ok_or(VaultError::Damaged("its sealed part does not open"))
}

fn record_key(seed: &Seed) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(seed.mac(&[RECORD_KEY]))
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
