//! Signed agreements: JWS in General JSON Serialization (RFC 7515 §7.2.1), one signature per party. Pure.

use thiserror::Error;

use crate::crypto::SigningKey;
use crate::decision::agreement::Agreement;
use crate::parties::Register;
use crate::query::time::Timestamp;

/// Why a document is refused.
#[derive(Debug, Error)]
pub enum DocumentError {
    /// Not the JSON of a signed document.
    #[error("the document is no JWS in general JSON serialization: {0}")]
    Malformed(String),
}

/// Who signs, and with what.
pub struct Signer<'a> {
    /// Identifier of the key in the party register.
    pub kid: &'a str,
    /// The private key.
    pub key: &'a SigningKey,
}

/// Signs a payload, once for each signer.
///
/// # Errors
/// When a key cannot sign.
pub fn sign(_payload: &[u8], _signers: &[Signer<'_>]) -> Result<Vec<u8>, DocumentError> {
    Err(DocumentError::Malformed("not yet".to_owned()))
}

/// Checks form, both signatures and terms, with the keys that are valid at `at`.
///
/// # Errors
/// The first check that fails; nothing of the document may then be used.
pub fn verify(
    _document: &[u8],
    _parties: &Register,
    _at: Timestamp,
) -> Result<Agreement, DocumentError> {
    Err(DocumentError::Malformed("not yet".to_owned()))
}
