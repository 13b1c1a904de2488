//! Signed notes (c2sp.org/signed-note): a text, and signatures by named keys. Ed25519 (type 0x01) only; signatures of
//! other types are carried along, and [`super::cosignature`] knows one of them.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use thiserror::Error;

use crate::crypto::{Algorithm, CryptoError, PublicKey, SigningKey, sha256_parts};

/// Type byte of an Ed25519 signature over the text.
const ED25519: u8 = 0x01;

/// Largest note read, in bytes: a checkpoint with a hundred post-quantum cosignatures fits.
const MAX_BYTES: usize = 1 << 20;

/// Most signatures read on one note.
const MAX_SIGNATURES: usize = 100;

/// Why a note, a checkpoint or a receipt is not to be believed, or could not be made.
#[derive(Debug, Error)]
pub enum NoteError {
    /// The text is not of the form its specification gives.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// The signing key is of another kind.
    #[error("a log's key must be Ed25519")]
    KeyKind,
    /// The key could not sign.
    #[error("cannot sign")]
    Signing(#[source] CryptoError),
    /// A signature in the name of a known key is false.
    #[error("the signature of `{0}` is false")]
    FalseSignature(String),
    /// No known key has signed.
    #[error("no signature by `{0}`")]
    Unsigned(String),
    /// A checkpoint of another log.
    #[error("the checkpoint is of the log `{found}`, not of `{expected}`")]
    Origin {
        /// The log that was meant.
        expected: String,
        /// The log that the checkpoint names.
        found: String,
    },
    /// The inclusion proof does not lead from the entry to the root.
    #[error("the proof does not lead from this entry to the checkpoint's root")]
    Proof,
}

/// The public half of a log's key, with the log's name. As text: `name+hex+base64`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: u32,
    key: PublicKey,
}

impl VerifierKey {
    /// Names the key.
    ///
    /// # Errors
    /// When the name is empty, or has white space or a plus sign; when the key is not Ed25519.
    pub fn new(name: &str, key: PublicKey) -> Result<Self, NoteError> {
        if !is_name(name) {
            return Err(NoteError::Malformed("key name"));
        }
        if key.algorithm != Algorithm::EdDsa || key.bytes.len() != 32 {
            return Err(NoteError::KeyKind);
        }
        Ok(Self { name: name.to_owned(), id: key_id(name, ED25519, &key.bytes), key })
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// When it is not exactly what [`fmt::Display`] writes for some Ed25519 key.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let malformed = || NoteError::Malformed("verifier key");
        let mut parts = text.splitn(3, '+');
        let name = parts.next().ok_or_else(malformed)?;
        let encoded = parts.nth(1).ok_or_else(malformed)?;
        let bytes = BASE64_STANDARD.decode(encoded).map_err(|_| malformed())?;
        let (&kind, key) = bytes.split_first().ok_or_else(malformed)?;
        if kind != ED25519 {
            return Err(NoteError::KeyKind);
        }
        let key = PublicKey { algorithm: Algorithm::EdDsa, bytes: key.to_vec() };
        // The id follows from the rest: comparing the text checks it.
        Self::new(name, key).ok().filter(|key| key.to_string() == text).ok_or_else(malformed)
    }

    /// Name of the key, for a log also its origin.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encoded = BASE64_STANDARD.encode([&[ED25519], self.key.bytes.as_slice()].concat());
        write!(f, "{}+{:08x}+{encoded}", self.name, self.id)
    }
}

/// A note taken apart; nothing is verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note<'a> {
    /// The signed text, with its last line end.
    pub text: &'a str,
    signatures: Vec<Signature<'a>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Signature<'a> {
    name: &'a str,
    id: u32,
    bytes: Vec<u8>,
}

impl<'a> Note<'a> {
    /// Takes a note apart.
    ///
    /// # Errors
    /// When it is not of the form that the specification gives.
    pub fn parse(note: &'a str) -> Result<Self, NoteError> {
        const MALFORMED: NoteError = NoteError::Malformed("signed note");
        let has_control = note.bytes().any(|byte| byte < 0x20 && byte != b'\n');
        if note.len() > MAX_BYTES || has_control {
            return Err(MALFORMED);
        }
        // The text may hold blank lines of its own: the last one parts it from the signatures.
        let blank = note.rfind("\n\n").ok_or(MALFORMED)?;
        let (text, lines) = note.split_at_checked(blank + 1).ok_or(MALFORMED)?;
        let lines = lines.strip_prefix('\n').and_then(|lines| lines.strip_suffix('\n'));
        let signatures = lines
            .ok_or(MALFORMED)?
            .split('\n')
            .take(MAX_SIGNATURES + 1)
            .map(Signature::parse)
            .collect::<Result<Vec<_>, _>>()?;
        if signatures.len() > MAX_SIGNATURES {
            Err(MALFORMED)
        } else {
            Ok(Self { text, signatures })
        }
    }

    /// The text form, byte for byte as it was parsed.
    pub fn to_text(&self) -> String {
        let lines = self.signatures.iter().map(|one| line(one.name, one.id, &one.bytes));
        format!("{}\n{}", self.text, lines.collect::<String>())
    }

    /// Signatures in the name of one key.
    pub(super) fn signatures_of(&self, name: &str, id: u32) -> impl Iterator<Item = &[u8]> {
        let of_key = self.signatures.iter().filter(move |one| one.name == name && one.id == id);
        of_key.map(|signature| signature.bytes.as_slice())
    }

    /// Checks that `key` has signed. Signatures by other keys are ignored, as the specification asks.
    ///
    /// # Errors
    /// When it has not, or when a signature in its name is false.
    pub fn verify(&self, key: &VerifierKey) -> Result<(), NoteError> {
        let mut signed = false;
        for signature in self.signatures_of(&key.name, key.id) {
            if !key.key.verifies(self.text.as_bytes(), signature) {
                return Err(NoteError::FalseSignature(key.name.clone()));
            }
            signed = true;
        }
        if signed { Ok(()) } else { Err(NoteError::Unsigned(key.name.clone())) }
    }
}

impl<'a> Signature<'a> {
    fn parse(line: &'a str) -> Result<Self, NoteError> {
        const MALFORMED: NoteError = NoteError::Malformed("signature line");
        let rest = line.strip_prefix("— ").ok_or(MALFORMED)?;
        let (name, encoded) = rest.split_once(' ').ok_or(MALFORMED)?;
        let bytes = BASE64_STANDARD.decode(encoded).map_err(|_| MALFORMED)?;
        let (id, signature) = bytes.split_first_chunk::<4>().ok_or(MALFORMED)?;
        if !is_name(name) || signature.is_empty() {
            return Err(MALFORMED);
        }
        Ok(Self { name, id: u32::from_be_bytes(*id), bytes: signature.to_vec() })
    }
}

/// Signs the text, which must end with a line end.
///
/// # Errors
/// When the text or the name has not the form of a note's, or the key cannot sign.
pub fn sign(text: &str, name: &str, key: &SigningKey) -> Result<String, NoteError> {
    let has_control = text.bytes().any(|byte| byte < 0x20 && byte != b'\n');
    if !text.ends_with('\n') || has_control {
        return Err(NoteError::Malformed("text to sign"));
    }
    Ok(format!("{text}\n{}", signature_line(text, name, key)?))
}

/// Adds the signature of one more key to a note.
///
/// # Errors
/// When it is no note, or the key cannot sign.
pub(super) fn cosign(note: &str, name: &str, key: &SigningKey) -> Result<String, NoteError> {
    let line = signature_line(Note::parse(note)?.text, name, key)?;
    Ok(format!("{note}{line}"))
}

fn signature_line(text: &str, name: &str, key: &SigningKey) -> Result<String, NoteError> {
    let id = VerifierKey::new(name, key.public())?.id;
    let signature = key.sign(text.as_bytes()).map_err(NoteError::Signing)?;
    Ok(line(name, id, &signature))
}

/// One signature line.
pub(super) fn line(name: &str, id: u32, signature: &[u8]) -> String {
    let encoded = BASE64_STANDARD.encode([&id.to_be_bytes(), signature].concat());
    format!("— {name} {encoded}\n")
}

/// The id of a key of any type: a hint for finding it, too short to tell keys apart safely.
pub(super) fn key_id(name: &str, kind: u8, public: &[u8]) -> u32 {
    let [a, b, c, d, ..] = sha256_parts(&[name.as_bytes(), &[b'\n', kind], public]);
    u32::from_be_bytes([a, b, c, d])
}

pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}

#[cfg(test)]
mod tests {
    use signed_note::{Note as TheirNote, StandardVerifier, VerifierList};

    use super::*;
    use crate::audit::testing;

    /// The specimen of the specification.
    const VKEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

    #[test]
    fn reads_the_specimen_key() {
        let key = VerifierKey::parse(VKEY).unwrap();
        assert_eq!((key.name(), key.to_string().as_str()), ("example.com/foo", VKEY));
        let wrong_id = VKEY.replace("530d903a", "530d903b");
        assert!(VerifierKey::parse(&wrong_id).is_err());
        assert!(VerifierKey::parse(&VKEY.replace("530d903a", "530D903A")).is_err());
        assert!(VerifierKey::parse("example.com/foo+530d903a").is_err());
    }

    #[test]
    fn an_independent_crate_reads_what_is_signed() {
        let key = testing::key();
        let vkey = VerifierKey::new("heyan.test/log", key.public()).unwrap();
        let note = sign("three\n\nlines\n", vkey.name(), &key).unwrap();
        let theirs = TheirNote::from_bytes(note.as_bytes()).unwrap();
        let verifier = StandardVerifier::new(&vkey.to_string()).unwrap();
        let (good, unknown) = theirs.verify(&VerifierList::new(vec![Box::new(verifier)])).unwrap();
        assert_eq!(
            (good.len(), unknown.len(), theirs.text()),
            (1, 0, "three\n\nlines\n".as_bytes())
        );
        Note::parse(&note).unwrap().verify(&vkey).unwrap();
    }

    #[test]
    fn unknown_keys_are_ignored_and_false_ones_are_not() {
        let (key, other) = (testing::key(), testing::key());
        let vkey = VerifierKey::new("log", key.public()).unwrap();
        let note = sign("text\n", "log", &key).unwrap();
        let witness = sign("text\n", "witness", &other).unwrap();
        let both = format!("{note}{}\n", witness.lines().last().unwrap());
        Note::parse(&both).unwrap().verify(&vkey).unwrap();

        assert!(matches!(
            Note::parse(&witness).unwrap().verify(&vkey),
            Err(NoteError::Unsigned(_))
        ));
        let changed = note.replace("text", "test");
        let verified = Note::parse(&changed).unwrap().verify(&vkey);
        assert!(matches!(verified, Err(NoteError::FalseSignature(_))));
    }

    #[test]
    fn refuses_what_is_no_note() {
        let key = testing::key();
        let note = sign("text\n", "log", &key).unwrap();
        for cut in 0..note.len() {
            // Cutting the signature's padding or last line end must not pass either.
            if let Some(prefix) = note.get(..cut) {
                assert!(Note::parse(prefix).is_err(), "cut at {cut}");
            }
        }
        assert!(Note::parse(&note.replace("text", "te\tt")).is_err());
        assert!(Note::parse(&note.replace('—', "-")).is_err());
        assert!(sign("no line end", "log", &key).is_err());
        assert!(sign("text\n", "a log", &key).is_err());
    }
}
