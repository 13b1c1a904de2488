//! A sealed record on its way to stand beside its entry, with what the entry must say of it. Pure.
//!
//! The sealed part is hashed once, where its record is made: the digest goes into the entry, and the log needs no other
//! look to know that the two belong together.

use bytes::Bytes;

use crate::crypto::{Digest, sha256};

/// Bytes of the length that a record begins with.
const LENGTH_BYTES: usize = 2;

/// What stands beside an entry: its sealed record, or nothing.
#[derive(Clone, Debug, Default)]
pub struct Private {
    bytes: Bytes,
    /// SHA-256 of the sealed part; `None` where there is no record, and of bytes that are none.
    digest: Option<Digest>,
}

impl Private {
    /// The record's bytes; empty where there is none.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// True when the entry that says this of its record can have this one.
    pub(super) fn is_named_by(&self, committed: &[u8]) -> bool {
        match &self.digest {
            Some(digest) => committed == digest,
            None => committed.is_empty() && self.bytes.is_empty(),
        }
    }

    pub(super) fn into_bytes(self) -> Bytes {
        self.bytes
    }
}

/// A record that was made elsewhere.
impl From<Bytes> for Private {
    fn from(bytes: Bytes) -> Self {
        let digest = sealed_part(&bytes).map(sha256);
        Self { bytes, digest }
    }
}

/// The sealed part of a record, which begins with the length of its wrapped seed and that; `None` when it has another
/// form.
pub(super) fn sealed_part(record: &[u8]) -> Option<&[u8]> {
    let (length, rest) = record.split_first_chunk::<LENGTH_BYTES>()?;
    rest.get(usize::from(u16::from_be_bytes(*length))..)
}

/// A record in the making: its sealed part, and room for the wrapped seed, which is bound to the sealed part's digest.
pub struct Unwrapped {
    bytes: Vec<u8>,
    /// Where the sealed part begins.
    sealed: usize,
    digest: Digest,
}

impl Unwrapped {
    /// Room for a wrapped seed of so many bytes, with that much more for what `write` appends: the sealed part.
    ///
    /// # Errors
    /// Those of `write`.
    pub fn new<E>(
        wrap: u16,
        room: usize,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<Self, E> {
        let sealed = LENGTH_BYTES + usize::from(wrap);
        let mut bytes = Vec::with_capacity(sealed + room);
        bytes.extend_from_slice(&wrap.to_be_bytes());
        bytes.resize(sealed, 0);
        write(&mut bytes)?;
        let digest = sha256(bytes.get(sealed..).unwrap_or_default());
        Ok(Self { bytes, sealed, digest })
    }

    /// SHA-256 of the sealed part.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// With its wrapped seed, which must have the length that was said.
    pub fn wrapped(mut self, wrap: &[u8]) -> Option<Private> {
        let place = self.bytes.get_mut(LENGTH_BYTES..self.sealed)?;
        if place.len() != wrap.len() {
            return None;
        }
        place.copy_from_slice(wrap);
        Some(Private { bytes: self.bytes.into(), digest: Some(self.digest) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_named_by_the_digest_of_its_sealed_part_and_by_no_other() {
        let made = Unwrapped::new(3, 6, |bytes: &mut Vec<u8>| {
            bytes.extend_from_slice(b"sealed");
            Ok::<(), ()>(())
        });
        let made = made.unwrap();
        assert_eq!(made.digest(), &sha256(b"sealed"));
        let private = made.wrapped(b"key").unwrap();
        assert_eq!(private.bytes().as_ref(), b"\0\x03keysealed");
        let read = Private::from(private.bytes().clone());
        for private in [&private, &read] {
            assert!(private.is_named_by(&sha256(b"sealed")));
            assert!(!private.is_named_by(&sha256(b"Sealed")) && !private.is_named_by(&[]));
        }
        let none = Private::default();
        assert!(none.is_named_by(&[]) && !none.is_named_by(&sha256(b"")));
        for cut in [&b"\0"[..], b"\0\x09key"] {
            let cut = Private::from(Bytes::copy_from_slice(cut));
            assert!(!cut.is_named_by(&[]) && !cut.is_named_by(&sha256(b"")));
        }
    }

    #[test]
    fn a_wrap_of_another_length_makes_no_record() {
        let made = || Unwrapped::new(3, 0, |_: &mut Vec<u8>| Ok::<(), ()>(())).unwrap();
        assert!(made().wrapped(b"ke").is_none() && made().wrapped(b"keys").is_none());
        assert!(made().wrapped(b"key").is_some());
    }
}
