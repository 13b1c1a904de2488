//! The signed head of the tree (c2sp.org/tlog-checkpoint): origin, size, root. Made, parsed, verified.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::note::{self, Note, NoteError, VerifierKey};
use super::tree::Head;
use crate::crypto::SigningKey;

/// Signs the head in the name of the log.
///
/// # Errors
/// When the origin is no key name or the key cannot sign.
pub fn sign(origin: &str, head: &Head, key: &SigningKey) -> Result<String, NoteError> {
    let root = BASE64_STANDARD.encode(head.root);
    note::sign(&format!("{origin}\n{}\n{root}\n", head.size), origin, key)
}

/// The head that a checkpoint signed by `key` states.
///
/// # Errors
/// When the note is malformed, unsigned, falsely signed, or of another log.
pub fn open(checkpoint: &str, key: &VerifierKey) -> Result<Head, NoteError> {
    let note = Note::parse(checkpoint)?;
    note.verify(key)?;
    head(note.text, key.name())
}

/// The head that the text of a log's checkpoint states. Nothing is verified here.
pub(super) fn head(text: &str, log: &str) -> Result<Head, NoteError> {
    let (origin, head) = read(text)?;
    if origin != log {
        let (expected, found) = (log.to_owned(), origin.to_owned());
        return Err(NoteError::Origin { expected, found });
    }
    Ok(head)
}

/// The head that a checkpoint states, signed by the first of the keys that has signed it: a log's keys follow each
/// other, and what one of them signed stays signed.
///
/// # Errors
/// When none has signed, or a signature by one of them is false.
pub fn open_with(checkpoint: &str, keys: &[VerifierKey]) -> Result<Head, NoteError> {
    let mut unsigned = NoteError::Malformed("list of keys: it is empty");
    for key in keys {
        match open(checkpoint, key) {
            Err(error @ NoteError::Unsigned(_)) => unsigned = error,
            opened => return opened,
        }
    }
    Err(unsigned)
}

/// Origin and head in the text of a checkpoint, which nobody need have signed.
pub(super) fn read(text: &str) -> Result<(&str, Head), NoteError> {
    const MALFORMED: NoteError = NoteError::Malformed("checkpoint");
    let mut lines = text.strip_suffix('\n').ok_or(MALFORMED)?.split('\n');
    let origin = lines.next().filter(|origin| !origin.is_empty()).ok_or(MALFORMED)?;
    let size = lines.next().and_then(decimal).ok_or(MALFORMED)?;
    let root = lines.next().and_then(|text| BASE64_STANDARD.decode(text).ok()).ok_or(MALFORMED)?;
    let root = root.try_into().map_err(|_| MALFORMED)?;
    // Extension lines are allowed by the specification and advised against; our logs have none.
    if lines.next().is_some() { Err(MALFORMED) } else { Ok((origin, Head { size, root })) }
}

/// A number without sign or leading zeros.
pub(super) fn decimal(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::testing;
    use crate::crypto::sha256;

    #[test]
    fn opens_what_was_signed_and_nothing_near_it() {
        let key = testing::key();
        let vkey = VerifierKey::new("heyan.test/log", key.public()).unwrap();
        let head = Head { size: 0, root: sha256(&[]) };
        let text = sign("heyan.test/log", &head, &key).unwrap();
        assert!(text.starts_with(
            "heyan.test/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n— heyan.test/log "
        ));
        assert_eq!(open(&text, &vkey).unwrap(), head);

        for (good, bad) in [("\n0\n", "\n1\n"), ("47D", "57D"), ("heyan.test/log\n0", "heyan\n0")] {
            assert!(open(&text.replace(good, bad), &vkey).is_err(), "{bad}");
        }
    }

    #[test]
    fn refuses_signed_texts_of_another_form() {
        let key = testing::key();
        let vkey = VerifierKey::new("log", key.public()).unwrap();
        let root = BASE64_STANDARD.encode([0; 32]);
        for text in [
            "log\n".to_owned(),
            "log\n1\n".to_owned(),
            format!("log\n01\n{root}\n"),
            format!("log\n+1\n{root}\n"),
            format!("log\n-1\n{root}\n"),
            format!("log\n1\n{}\n", &root[..40]),
            format!("log\n1\n{root}\nextension\n"),
            format!("log\n99999999999999999999\n{root}\n"),
        ] {
            let note = note::sign(&text, "log", &key).unwrap();
            assert!(matches!(open(&note, &vkey), Err(NoteError::Malformed(_))), "{text}");
        }
        let foreign = note::sign(&format!("other\n1\n{root}\n"), "log", &key).unwrap();
        assert!(matches!(open(&foreign, &vkey), Err(NoteError::Origin { .. })));
    }
}
