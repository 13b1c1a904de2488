//! Signing outside: for keys that no file holds, such as those of a hardware module. What is to be signed goes out; the
//! signature comes in and is checked before it counts.
//!
//! Nothing has to be kept between the two but the document: its payload is in it, and the header of a key's signature
//! is always the same text.

use super::DocumentError;
use super::envelope::{Envelope, Header};
use crate::crypto::{Algorithm, PublicKey};

/// A document around a payload that nobody has signed yet. It grants nothing; signatures are put into it one by one.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn unsigned(payload: &[u8]) -> Result<Vec<u8>, DocumentError> {
    Envelope::of(payload).write()
}

/// What this key is to sign under a document of this type, byte for byte: ASCII, without a line's end.
///
/// # Errors
/// When it is no such document.
pub fn to_sign(
    typ: &'static str,
    document: &[u8],
    kid: &str,
    algorithm: Algorithm,
) -> Result<Vec<u8>, DocumentError> {
    let envelope = Envelope::read(document)?;
    envelope.payload()?;
    Ok(envelope.to_sign(&Header::protected(typ, kid, algorithm)?).into_bytes())
}

/// The document with the signature that was made elsewhere over [`to_sign`]'s bytes. ECDSA's may come in DER, as most
/// programs make it; JOSE's form is what is kept. Other signatures are kept as they are and not checked: see
/// [`super::open`].
///
/// # Errors
/// When it is no such document, or the signature is not this key's over those bytes.
pub fn attach(
    typ: &'static str,
    document: &[u8],
    kid: &str,
    key: &PublicKey,
    signature: &[u8],
) -> Result<Vec<u8>, DocumentError> {
    let mut envelope = Envelope::read(document)?;
    let protected = Header::protected(typ, kid, key.algorithm)?;
    let Some(signature) = key.as_jose(signature) else {
        return Err(DocumentError::NoSuchSignature(kid.to_owned()));
    };
    if !key.verifies(envelope.to_sign(&protected).as_bytes(), &signature) {
        return Err(DocumentError::WrongSignature(kid.to_owned()));
    }
    envelope.put(protected, &signature);
    envelope.write()
}
