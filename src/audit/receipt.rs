//! A receipt (c2sp.org/tlog-proof@v1): the proof that one entry is under one checkpoint, as text that travels alone.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::checkpoint::{self, decimal};
use super::note::{NoteError, VerifierKey};
use super::tree::{self, Head};
use crate::crypto::Digest;

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// Longest proof read: a tree of 2^64 leaves has no longer one.
const MAX_HASHES: usize = 64;

/// A receipt taken apart; nothing is verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Bytes that travel along unauthenticated; ours are the entry's, so that the receipt can be checked alone.
    pub extra: Option<Vec<u8>>,
    /// Index of the entry.
    pub index: u64,
    /// The inclusion proof.
    pub hashes: Vec<Digest>,
    /// The checkpoint, a signed note.
    pub checkpoint: String,
}

impl Receipt {
    /// The text form.
    pub fn to_text(&self) -> String {
        let mut text = format!("{HEADER}\n");
        if let Some(extra) = &self.extra {
            text.push_str(&format!("extra {}\n", BASE64_STANDARD.encode(extra)));
        }
        text.push_str(&format!("index {}\n", self.index));
        for hash in &self.hashes {
            text.push_str(&BASE64_STANDARD.encode(hash));
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.checkpoint);
        text
    }

    /// Reads the text form, strictly.
    ///
    /// # Errors
    /// When it is not exactly what [`Receipt::to_text`] writes.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        const MALFORMED: NoteError = NoteError::Malformed("receipt");
        let (proof, checkpoint) = text.split_once("\n\n").ok_or(MALFORMED)?;
        let mut lines = proof.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(MALFORMED);
        }
        let decode = |encoded: &str| BASE64_STANDARD.decode(encoded).map_err(|_| MALFORMED);
        let extra = match lines.peek().and_then(|line| line.strip_prefix("extra ")) {
            Some(encoded) => {
                lines.next();
                Some(decode(encoded)?)
            }
            None => None,
        };
        let index = lines.next().and_then(|line| decimal(line.strip_prefix("index ")?));
        let hashes = lines
            .take(MAX_HASHES + 1)
            .map(|line| decode(line)?.try_into().map_err(|_| MALFORMED))
            .collect::<Result<Vec<Digest>, _>>()?;
        if hashes.len() > MAX_HASHES {
            return Err(MALFORMED);
        }
        let index = index.ok_or(MALFORMED)?;
        Ok(Self { extra, index, hashes, checkpoint: checkpoint.to_owned() })
    }

    /// Checks that `entry`, as stored, is in the log whose key this is. Returns the head it is under.
    ///
    /// # Errors
    /// When the checkpoint is not the log's or the proof does not lead to its root.
    pub fn verify(&self, entry: &[u8], key: &VerifierKey) -> Result<Head, NoteError> {
        self.verify_with(entry, std::slice::from_ref(key))
    }

    /// The same for a log that has had several keys: one of them must have signed.
    ///
    /// # Errors
    /// As [`Receipt::verify`].
    pub fn verify_with(&self, entry: &[u8], keys: &[VerifierKey]) -> Result<Head, NoteError> {
        let head = checkpoint::open_with(&self.checkpoint, keys)?;
        let leaf = tree::leaf_hash(entry);
        if tree::verify_inclusion(&leaf, self.index, head.size, &self.hashes, &head.root) {
            Ok(head)
        } else {
            Err(NoteError::Proof)
        }
    }
}

/// Checks a receipt's text against the entry it is for, in one step.
///
/// # Errors
/// When it is no receipt, or [`Receipt::verify`] fails.
pub fn verify(text: &str, entry: &[u8], key: &VerifierKey) -> Result<Head, NoteError> {
    Receipt::parse(text)?.verify(entry, key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::testing;
    use crate::audit::tree::{Frontier, Growth};

    fn receipt(extra: Option<Vec<u8>>) -> (Receipt, VerifierKey) {
        let key = testing::key();
        let leaves = (0..5_u8).map(|byte| tree::leaf_hash(&[byte]));
        let growth = Growth::new(Frontier::default(), leaves);
        let head = Head { size: 5, root: growth.after().root() };
        let receipt = Receipt {
            extra,
            index: 3,
            hashes: growth.inclusion(3).unwrap(),
            checkpoint: checkpoint::sign("log", &head, &key).unwrap(),
        };
        (receipt, VerifierKey::new("log", key.public()).unwrap())
    }

    #[test]
    fn proves_its_entry_and_no_other() {
        for extra in [None, Some(vec![3])] {
            let (receipt, key) = receipt(extra);
            let read = Receipt::parse(&receipt.to_text()).unwrap();
            assert_eq!(read, receipt);
            assert_eq!(read.verify(&[3], &key).unwrap().size, 5);
            assert!(matches!(read.verify(&[4], &key), Err(NoteError::Proof)));
            let elsewhere = Receipt { index: 4, ..read };
            assert!(matches!(elsewhere.verify(&[3], &key), Err(NoteError::Proof)));
        }
    }

    #[test]
    fn no_single_changed_byte_verifies() {
        let (receipt, key) = receipt(None);
        let text = receipt.to_text();
        for place in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[place] ^= 1;
            let believed = String::from_utf8(bytes)
                .ok()
                .and_then(|text| Receipt::parse(&text).ok())
                .is_some_and(|receipt| receipt.verify(&[3], &key).is_ok());
            assert!(!believed, "byte {place}");
        }
    }
}
