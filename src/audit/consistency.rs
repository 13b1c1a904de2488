//! The proof that one checkpoint of a log continues another, as text that travels alone.
//!
//! ```text
//! heyan/audit/consistency-proof/v1
//! hashes of RFC 9162 §2.1.4, base64, one a line
//!
//! the earlier checkpoint, a signed note
//!
//! the later checkpoint, a signed note
//! ```

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::checkpoint;
use super::note::{NoteError, VerifierKey};
use super::tree::{self, Head};
use crate::crypto::Digest;

const HEADER: &str = "heyan/audit/consistency-proof/v1";

/// Longest proof read: no two trees need more.
const MAX_HASHES: usize = 128;

/// A consistency proof taken apart; nothing is verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consistency {
    /// The proof.
    pub hashes: Vec<Digest>,
    /// The earlier checkpoint.
    pub earlier: String,
    /// The later checkpoint.
    pub later: String,
}

impl Consistency {
    /// True when a text is meant to be one.
    pub fn is_begun(text: &str) -> bool {
        text.starts_with(HEADER)
    }

    /// The text form.
    pub fn to_text(&self) -> String {
        let mut text = format!("{HEADER}\n");
        for hash in &self.hashes {
            text.push_str(&BASE64_STANDARD.encode(hash));
            text.push('\n');
        }
        format!("{text}\n{}\n{}", self.earlier, self.later)
    }

    /// Reads the text form, strictly.
    ///
    /// # Errors
    /// When it is not exactly what [`Consistency::to_text`] writes.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        const MALFORMED: NoteError = NoteError::Malformed("consistency proof");
        let parts: Vec<&str> = text.split("\n\n").collect();
        let [proof, earlier, by, later, later_by] = parts.as_slice() else { return Err(MALFORMED) };
        let mut lines = proof.split('\n');
        if lines.next() != Some(HEADER) {
            return Err(MALFORMED);
        }
        let hashes = lines
            .take(MAX_HASHES + 1)
            .map(|line| {
                let bytes = BASE64_STANDARD.decode(line).map_err(|_| MALFORMED)?;
                bytes.try_into().map_err(|_| MALFORMED)
            })
            .collect::<Result<Vec<Digest>, _>>()?;
        if hashes.len() > MAX_HASHES {
            return Err(MALFORMED);
        }
        let (earlier, later) = (format!("{earlier}\n\n{by}\n"), format!("{later}\n\n{later_by}"));
        Ok(Self { hashes, earlier, later })
    }

    /// Checks both signatures and the proof. Returns the two heads, earlier first.
    ///
    /// # Errors
    /// When a checkpoint is not the log's, or the later does not continue the earlier.
    pub fn verify(&self, key: &VerifierKey) -> Result<(Head, Head), NoteError> {
        let earlier = checkpoint::open(&self.earlier, key)?;
        let later = checkpoint::open(&self.later, key)?;
        if tree::verify_consistency(&earlier, &later, &self.hashes) {
            Ok((earlier, later))
        } else {
            Err(NoteError::Proof)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::prover::Single;
    use crate::audit::testing;
    use crate::audit::tree::Frontier;

    #[test]
    fn only_what_was_written_is_read_and_holds() {
        let key = testing::key();
        let vkey = VerifierKey::new("log", key.public()).unwrap();
        let leaf = |byte: u8| tree::leaf_hash(&[byte]);
        let signed = |size: u8| {
            let mut tree = Frontier::default();
            (0..size).for_each(|byte| tree.push(leaf(byte), |_, _| {}));
            let head = Head { size: u64::from(size), root: tree.root() };
            checkpoint::sign("log", &head, &key).unwrap()
        };
        let mut single = Single::consistency(3, 7).unwrap();
        (0..7).for_each(|byte| single.leaf(leaf(byte)));
        let hashes = single.proof().unwrap();
        let proof = Consistency { hashes, earlier: signed(3), later: signed(7) };
        let text = proof.to_text();
        assert!(Consistency::is_begun(&text));
        assert_eq!(Consistency::parse(&text).unwrap(), proof);
        let (earlier, later) = proof.verify(&vkey).unwrap();
        assert_eq!((earlier.size, later.size), (3, 7));
        for place in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[place] ^= 1;
            let believed = String::from_utf8(bytes)
                .ok()
                .and_then(|text| Consistency::parse(&text).ok())
                .is_some_and(|proof| proof.verify(&vkey).is_ok());
            assert!(!believed, "byte {place}");
        }
        // Of equal checkpoints there is nothing to prove.
        let same = Consistency { hashes: Vec::new(), earlier: signed(3), later: signed(3) };
        let read = Consistency::parse(&same.to_text()).unwrap();
        assert_eq!((&read, read.verify(&vkey).is_ok()), (&same, true));
    }
}
