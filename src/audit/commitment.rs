//! Hiding commitments: the log binds itself to a value without holding it, and one field can be opened alone.
//!
//! From one random seed per entry comes an opening per field, and from the opening the commitment. Whoever holds the
//! log alone learns nothing, not even whether two entries concern the same person; whoever is given a value and its
//! opening can check both. Destroying the seed leaves the log as it is and its commitments closed for ever.

use std::fmt;

use secrecy::zeroize::Zeroizing;

use crate::crypto::{self, CryptoError, Digest, MacKey};

const OPENING_TAG: &[u8] = b"heyan/audit/opening/v1\0";
const COMMITMENT_TAG: &[u8] = b"heyan/audit/commitment/v1\0";

/// The secret behind one entry's commitments. Never stored in the log in clear; overwritten when dropped.
pub struct Seed {
    bytes: Zeroizing<[u8; 32]>,
    /// The same, expanded: a dozen keys come from one seed.
    key: MacKey,
}

impl Seed {
    /// A new one.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn random() -> Result<Self, CryptoError> {
        crypto::random().map(Self::from_bytes)
    }

    /// One that was kept.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self { key: MacKey::new(&bytes), bytes: Zeroizing::new(bytes) }
    }

    /// Its bytes, to be kept where they can be destroyed.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// HMAC-SHA256 of the parts under the seed: what is derived from it.
    pub fn mac(&self, parts: &[&[u8]]) -> Digest {
        self.key.mac(parts)
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// What is given, with the value, to someone who may check one field.
#[derive(Clone, PartialEq, Eq)]
pub struct Opening(pub [u8; 32]);

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opening(..)")
    }
}

/// The fields that entries commit to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The subjects of a question.
    Subject,
    /// The person who asked.
    Operator,
    /// The whole request.
    Request,
    /// The whole answer.
    Answer,
}

impl Field {
    /// Every field, in the order of their numbers in sealed records.
    pub const ALL: [Self; 4] = [Self::Subject, Self::Operator, Self::Request, Self::Answer];

    /// The field of that stable name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }

    /// Stable name, part of what is hashed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Operator => "operator",
            Self::Request => "request",
            Self::Answer => "answer",
        }
    }
}

/// Commits to one field's value in canonical form.
pub fn commit(seed: &Seed, field: Field, value: &[u8]) -> (Digest, Opening) {
    let opening = Opening(seed.mac(&[OPENING_TAG, field.name().as_bytes()]));
    (commitment(&opening, field, value), opening)
}

/// True when `commitment` is to this value of this field.
pub fn check(commitment: &Digest, field: Field, value: &[u8], opening: &Opening) -> bool {
    *commitment == self::commitment(opening, field, value)
}

fn commitment(opening: &Opening, field: Field, value: &[u8]) -> Digest {
    // Lengths keep "name, value" from being read as another name with another value. The key always has 32 bytes:
    // HMAC takes a shorter key and the same key padded with zeros for one.
    let name = field.name().as_bytes();
    MacKey::new(&opening.0).mac(&[
        COMMITMENT_TAG,
        &(name.len() as u64).to_be_bytes(),
        name,
        &(value.len() as u64).to_be_bytes(),
        value,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_for_its_own_field_and_value_only() {
        let seed = Seed::from_bytes([7; 32]);
        let (digest, opening) = commit(&seed, Field::Subject, b"value");
        assert!(check(&digest, Field::Subject, b"value", &opening));
        assert!(!check(&digest, Field::Subject, b"valuf", &opening));
        assert!(!check(&digest, Field::Operator, b"value", &opening));
        assert!(!check(&digest, Field::Subject, b"value", &Opening([0; 32])));
        let (_, other) = commit(&seed, Field::Operator, b"value");
        assert_ne!(opening, other, "an opening opens one field");
    }

    #[test]
    fn hides_equal_values_of_different_entries() {
        let (first, _) = commit(&Seed::random().unwrap(), Field::Subject, b"value");
        let (second, _) = commit(&Seed::random().unwrap(), Field::Subject, b"value");
        assert_ne!(first, second);
    }

    /// Computed with Python's `hmac` from the same description; the form is a promise to auditors.
    #[test]
    fn known_answer() {
        let (digest, opening) = commit(&Seed::from_bytes([7; 32]), Field::Answer, b"CONFIRMED");
        assert_eq!(
            crypto::hex(&opening.0),
            "300f8ecdfc57b438f133a83c9f76c73f012c41f0d20464f92646df1517eb4556"
        );
        assert_eq!(
            crypto::hex(&digest),
            "5bae98d132a03ea77227866a0f5d193c224a453a87db92194f56e972123589af"
        );
    }
}
