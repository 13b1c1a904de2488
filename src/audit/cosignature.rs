//! A second signature on a checkpoint (c2sp.org/tlog-cosignature, type 0x06): ML-DSA-44, which a quantum computer does
//! not forge. It says that at its time this was the largest tree of the log that its key had seen.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::checkpoint;
use super::note::{self, Note, NoteError, is_name, key_id};
use super::tree::Head;
use crate::crypto::CosigningKey;
use crate::query::time::Timestamp;

/// Type byte of an ML-DSA-44 cosignature.
const ML_DSA_44: u8 = 0x06;

/// What every signed message begins with.
const LABEL: &[u8; 12] = b"subtree/v1\n\0";

const MALFORMED: NoteError = NoteError::Malformed("cosigner key");

/// The public half of a cosigner's key, with its name. As text: `name+hex+base64`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CosignerKey {
    name: String,
    id: u32,
    public: Vec<u8>,
}

impl CosignerKey {
    /// Names the key; a log that cosigns for itself uses its origin.
    ///
    /// # Errors
    /// When the name is no key name of at most 255 bytes, or the key has not the length of one.
    pub fn new(name: &str, public: Vec<u8>) -> Result<Self, NoteError> {
        let is_fit = is_name(name) && name.len() <= usize::from(u8::MAX);
        if !is_fit || public.len() != CosigningKey::PUBLIC_BYTES {
            return Err(MALFORMED);
        }
        Ok(Self { name: name.to_owned(), id: key_id(name, ML_DSA_44, &public), public })
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// When it is not exactly what [`fmt::Display`] writes for some key of this type.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let mut parts = text.splitn(3, '+');
        let (name, _, encoded) = (parts.next(), parts.next(), parts.next());
        let bytes = encoded.and_then(|encoded| BASE64_STANDARD.decode(encoded).ok());
        let (Some(name), Some(bytes)) = (name, bytes) else { return Err(MALFORMED) };
        match bytes.split_first() {
            Some((&ML_DSA_44, public)) => Self::new(name, public.to_vec())
                .ok()
                .filter(|key| key.to_string() == text)
                .ok_or(MALFORMED),
            _ => Err(MALFORMED),
        }
    }

    /// Name of the key.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for CosignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encoded = BASE64_STANDARD.encode([&[ML_DSA_44], self.public.as_slice()].concat());
        write!(f, "{}+{:08x}+{encoded}", self.name, self.id)
    }
}

/// Adds a cosignature to a checkpoint that is signed already.
///
/// # Errors
/// When it is no checkpoint, the name no key name, or the key cannot sign.
pub fn cosign(
    checkpoint: &str,
    name: &str,
    key: &CosigningKey,
    at: Timestamp,
) -> Result<String, NoteError> {
    let note = Note::parse(checkpoint)?;
    let (origin, head) = checkpoint::read(note.text)?;
    let key_id = CosignerKey::new(name, key.public())?.id;
    // 0 would say that nothing is claimed about the time.
    let seconds = at.seconds().max(1);
    let signature =
        key.sign(&message(name, seconds, origin, &head)?).map_err(NoteError::Signing)?;
    let payload = [&seconds.to_be_bytes(), signature.as_slice()].concat();
    Ok(format!("{checkpoint}{}", note::line(name, key_id, &payload)))
}

/// Checks that `key` has cosigned the checkpoint. Returns when it says it did, in whole seconds: the latest, where it
/// has done so several times.
///
/// # Errors
/// When it has not, or when a cosignature in its name is false. The log's own signature is [`checkpoint::open`]'s
/// business.
pub fn verify(checkpoint: &str, key: &CosignerKey) -> Result<Timestamp, NoteError> {
    let note = Note::parse(checkpoint)?;
    let (origin, head) = checkpoint::read(note.text)?;
    let mut latest = None;
    for payload in note.signatures_of(&key.name, key.id) {
        let is_false = || NoteError::FalseSignature(key.name.clone());
        let (seconds, signature) = payload.split_first_chunk::<8>().ok_or_else(is_false)?;
        let seconds = u64::from_be_bytes(*seconds);
        let message = message(&key.name, seconds, origin, &head)?;
        if seconds == 0 || !CosigningKey::verifies(&key.public, &message, signature) {
            return Err(is_false());
        }
        latest = latest.max(Some(seconds));
    }
    let latest = latest.ok_or_else(|| NoteError::Unsigned(key.name.clone()))?;
    Ok(Timestamp::from_seconds(latest))
}

/// What is signed: label, name, time, origin, the leaves' range, root.
fn message(name: &str, seconds: u64, origin: &str, head: &Head) -> Result<Vec<u8>, NoteError> {
    let length = |text: &str| {
        u8::try_from(text.len()).map_err(|_| NoteError::Malformed("name: over 255 bytes"))
    };
    Ok([
        LABEL.as_slice(),
        &[length(name)?],
        name.as_bytes(),
        &seconds.to_be_bytes(),
        &[length(origin)?],
        origin.as_bytes(),
        &0_u64.to_be_bytes(),
        &head.size.to_be_bytes(),
        &head.root,
    ]
    .concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::note::VerifierKey;
    use crate::audit::testing;

    const NAME: &str = "heyan.test/log";
    const AT: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn cosigned() -> (String, VerifierKey, CosignerKey) {
        let key = testing::key();
        let cosigner = CosigningKey::from_seed(&[7; 32]).unwrap();
        let head = Head { size: 3, root: [9; 32] };
        let text = checkpoint::sign(NAME, &head, &key).unwrap();
        let text = cosign(&text, NAME, &cosigner, AT).unwrap();
        let vkey = VerifierKey::new(NAME, key.public()).unwrap();
        (text, vkey, CosignerKey::new(NAME, cosigner.public()).unwrap())
    }

    #[test]
    fn both_signatures_verify_and_neither_disturbs_the_other() {
        let (text, vkey, cosigner) = cosigned();
        assert_eq!(checkpoint::open(&text, &vkey).unwrap().size, 3);
        assert_eq!(verify(&text, &cosigner).unwrap(), AT);
        assert_eq!(Note::parse(&text).unwrap().to_text(), text);
        // The line is as long as the specification says: 4 + 8 + 2420 bytes in base64.
        let line = text.lines().last().unwrap();
        assert_eq!(line.rsplit(' ').next().unwrap().len(), 3244);
    }

    #[test]
    fn the_key_reads_as_it_writes() {
        let (_, vkey, cosigner) = cosigned();
        let text = cosigner.to_string();
        assert_eq!(CosignerKey::parse(&text).unwrap(), cosigner);
        assert!(CosignerKey::parse(&vkey.to_string()).is_err(), "another type");
        assert!(VerifierKey::parse(&text).is_err(), "no key for receipts");
        assert!(CosignerKey::parse(&text.replace(NAME, "heyan.test/lag")).is_err());
        assert!(CosignerKey::parse(&text[..text.len() - 4]).is_err());
    }

    #[test]
    fn another_tree_time_or_key_is_false() {
        let (text, _, cosigner) = cosigned();
        let other = CosigningKey::from_seed(&[8; 32]).unwrap();
        let other = CosignerKey::new(NAME, other.public()).unwrap();
        assert!(matches!(verify(&text, &other), Err(NoteError::Unsigned(_))));
        let is_false =
            |text: &str| matches!(verify(text, &cosigner), Err(NoteError::FalseSignature(_)));
        assert!(is_false(&text.replace("\n3\n", "\n4\n")));
        let (head, line) = text.trim_end().rsplit_once('\n').unwrap();
        let (name, encoded) = line.rsplit_once(' ').unwrap();
        let payload = BASE64_STANDARD.decode(encoded).unwrap();
        for place in [4, 11, 12, payload.len() - 1] {
            let mut changed = payload.clone();
            changed[place] ^= 1;
            let encoded = BASE64_STANDARD.encode(changed);
            assert!(is_false(&format!("{head}\n{name} {encoded}\n")), "byte {place}");
        }
        let cut = BASE64_STANDARD.encode(&payload[..10]);
        assert!(is_false(&format!("{head}\n{name} {cut}\n")));
        assert!(cosign("no note", NAME, &CosigningKey::from_seed(&[7; 32]).unwrap(), AT).is_err());
    }
}
