//! A sealed record's bytes. Pure.
//!
//! Numbers are big-endian.
//! ```text
//! record   u16 length of the wrap, the wrap, the sealed part
//! wrap     u8 version, 1        u32 day, since 1970-01-01 in China      u32 version of the day's key
//!          12 nonce             48 the seed under the day's key         16 check of the tags
//!          16 each: tags, one for each identifier of a subject
//! sealed   u8 2                 the fields encrypted as one text: per field u8 number, u32 length, its value
//!          or u8 1              per field u8 number, u32 length, its ciphertext
//! ```

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::VaultError;
use super::day::{Day, KeyName};
use crate::audit::commitment::Field;

const VERSION: u8 = 1;
/// Bytes of a wrapped seed: 32, and AES-GCM's tag.
pub(super) const WRAPPED_BYTES: usize = 48;
/// A tag hides which identifier made it; 16 bytes make an accident as rare as with AES.
pub(super) const TAG_BYTES: usize = 16;
const WRAP_BYTES: usize = 1 + 4 + 4 + 12 + WRAPPED_BYTES + TAG_BYTES;

/// A tag, or the check over all tags.
pub(super) type Tag = [u8; TAG_BYTES];

/// What leads from the day's key to the entry's seed, and lets the subject key find the entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrap {
    /// The key it needs.
    pub key: KeyName,
    pub(super) nonce: [u8; 12],
    pub(super) seed: [u8; WRAPPED_BYTES],
    pub(super) check: Tag,
    pub(super) tags: Vec<Tag>,
}

/// A whole record, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its wrap as it was when the entry was made.
    pub wrap: Wrap,
    /// What the entry's `sealed` is the SHA-256 of.
    pub sealed: Bytes,
}

impl Wrap {
    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(WRAP_BYTES + self.tags.len() * TAG_BYTES);
        bytes.put_u8(VERSION);
        bytes.put_u32(self.key.day.0);
        bytes.put_u32(self.key.version);
        bytes.put_slice(&self.nonce);
        bytes.put_slice(&self.seed);
        bytes.put_slice(&self.check);
        self.tags.iter().for_each(|tag| bytes.put_slice(tag));
        bytes
    }

    /// From its bytes.
    ///
    /// # Errors
    /// When they are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, VaultError> {
        let wrong = || VaultError::Damaged("its wrap has another form");
        let (fixed, tags) = bytes.split_at_checked(WRAP_BYTES).ok_or_else(wrong)?;
        let mut rest = fixed;
        if rest.get_u8() != VERSION {
            return Err(VaultError::Damaged("its version is not 1"));
        }
        let key = KeyName { day: Day(rest.get_u32()), version: rest.get_u32() };
        let (tags, over) = tags.as_chunks::<TAG_BYTES>();
        if !over.is_empty() {
            return Err(wrong());
        }
        let mut wrap = Self {
            key,
            nonce: [0; 12],
            seed: [0; WRAPPED_BYTES],
            check: [0; TAG_BYTES],
            tags: tags.to_vec(),
        };
        rest.copy_to_slice(&mut wrap.nonce);
        rest.copy_to_slice(&mut wrap.seed);
        rest.copy_to_slice(&mut wrap.check);
        Ok(wrap)
    }
}

impl Record {
    /// Its bytes.
    ///
    /// # Errors
    /// When the wrap has more than 65,535 bytes.
    pub fn encode(&self) -> Result<Bytes, VaultError> {
        let wrap = self.wrap.encode();
        let mut bytes = BytesMut::with_capacity(2 + wrap.len() + self.sealed.len());
        bytes.put_u16(
            u16::try_from(wrap.len()).map_err(|_| VaultError::Damaged("its wrap is too long"))?,
        );
        bytes.put_slice(&wrap);
        bytes.put_slice(&self.sealed);
        Ok(bytes.freeze())
    }

    /// From its bytes.
    ///
    /// # Errors
    /// When they are none.
    pub fn decode(bytes: &Bytes) -> Result<Self, VaultError> {
        let cut = || VaultError::Damaged("it is cut short");
        let (length, _) = bytes.split_first_chunk::<2>().ok_or_else(cut)?;
        let end = 2 + usize::from(u16::from_be_bytes(*length));
        let wrap = Wrap::decode(bytes.get(2..end).ok_or_else(cut)?)?;
        Ok(Self { wrap, sealed: bytes.slice(end..) })
    }
}

/// Bytes of the wrap of so many tags.
pub(super) fn wrap_bytes(tags: usize) -> Result<u16, VaultError> {
    u16::try_from(WRAP_BYTES + tags * TAG_BYTES)
        .map_err(|_| VaultError::Damaged("its wrap is too long"))
}

/// How a sealed part holds its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Each encrypted by itself: read for ever, made no more.
    Each,
    /// All encrypted as one text.
    Whole,
}

impl Form {
    /// The form that the sealed part's first byte names, and what follows it.
    pub(super) fn of(sealed: &[u8]) -> Result<(Self, &[u8]), VaultError> {
        match sealed.split_first() {
            Some((1, rest)) => Ok((Self::Each, rest)),
            Some((2, rest)) => Ok((Self::Whole, rest)),
            Some(_) => Err(VaultError::Damaged("its version is neither 1 nor 2")),
            None => Err(VaultError::Damaged("it is empty")),
        }
    }
}

/// First byte of the sealed parts that are made.
pub(super) const WHOLE: u8 = 2;

/// Bytes of the fields, put together.
pub(super) fn joined_bytes(fields: &[(Field, &[u8])]) -> usize {
    fields.iter().map(|(_, text)| 5 + text.len()).sum()
}

/// Puts the fields together, behind what is there.
pub(super) fn join(fields: &[(Field, &[u8])], bytes: &mut Vec<u8>) -> Result<(), VaultError> {
    for (field, text) in fields {
        let length = u32::try_from(text.len());
        bytes.put_u8(number(*field));
        bytes.put_u32(length.map_err(|_| VaultError::Damaged("a field is too long"))?);
        bytes.put_slice(text);
    }
    Ok(())
}

/// Takes them apart: each field at most once, in ascending order.
pub(super) fn split(joined: &[u8]) -> Result<Vec<(Field, &[u8])>, VaultError> {
    let mut rest = joined;
    let mut fields: Vec<(Field, &[u8])> = Vec::with_capacity(Field::ALL.len());
    while let Some((&given, after)) = rest.split_first() {
        let wrong = || VaultError::Damaged("its fields do not fit");
        let field =
            Field::ALL.into_iter().find(|field| number(*field) == given).ok_or_else(wrong)?;
        let (length, after) = after.split_first_chunk::<4>().ok_or_else(wrong)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| wrong())?;
        let (text, after) = after.split_at_checked(length).ok_or_else(wrong)?;
        if fields.last().is_some_and(|(last, _)| number(*last) >= given) {
            return Err(wrong());
        }
        fields.push((field, text));
        rest = after;
    }
    Ok(fields)
}

/// The field's number in sealed records; never another for the same field.
fn number(field: Field) -> u8 {
    match field {
        Field::Subject => 1,
        Field::Operator => 2,
        Field::Request => 3,
        Field::Answer => 4,
    }
}
