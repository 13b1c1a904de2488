//! Why a signed document is refused.

use thiserror::Error;

use super::{SIGNATURE_LIMIT, SIZE_LIMIT};
use crate::agreements::terms::TermsError;
use crate::query::OrganisationId;

/// Why a document is refused.
#[derive(Debug, Error)]
pub enum DocumentError {
    /// Longer than [`SIZE_LIMIT`].
    #[error("the document is longer than {SIZE_LIMIT} bytes")]
    TooLong,
    /// Not the JSON of a signed document.
    #[error("the document is no JWS in general JSON serialization")]
    Malformed(#[source] serde_json::Error),
    /// A part is not base64url in its one form.
    #[error("the `{0}` is not base64url without padding")]
    Encoding(&'static str),
    /// A protected header is not JSON with `alg`, `kid` and `typ` alone.
    #[error("a protected header is not JSON with `alg`, `kid` and `typ` alone")]
    Header(#[source] serde_json::Error),
    /// A header names extensions that must be understood.
    #[error("a protected header has `crit`; no extension is understood")]
    Critical,
    /// Another kind of document.
    #[error("the document's type is `{found}`, not `{expected}`")]
    Type {
        /// What its header says.
        found: String,
        /// What was looked for.
        expected: &'static str,
    },
    /// An algorithm that is not used here, `none` among them.
    #[error("the algorithm `{0}` is neither `EdDSA` nor `ES256`")]
    UnknownAlgorithm(String),
    /// No signature at all.
    #[error("nobody has signed the document")]
    NoSignature,
    /// More signatures than any document has parties.
    #[error("the document has {0} signatures; at most {SIGNATURE_LIMIT} parties sign one")]
    TooManySignatures(usize),
    /// One key signed more than once.
    #[error("the key `{0}` has signed twice")]
    DuplicateKey(String),
    /// One party signed with two keys.
    #[error("`{0}` has signed twice, with two keys")]
    DuplicateParty(OrganisationId),
    /// A key that the register does not have.
    #[error("the party register has no key `{0}`")]
    UnknownKey(String),
    /// The header and the register disagree about the key's algorithm.
    #[error("the key `{0}` is of another algorithm than its signature says")]
    AlgorithmMismatch(String),
    /// The key is not valid at that time.
    #[error("the key `{0}` is not valid at this time")]
    KeyNotValid(String),
    /// The signature is not this key's over these bytes: the payload or a header was changed, or another key signed.
    #[error("the signature of the key `{0}` does not fit the document")]
    WrongSignature(String),
    /// What was made elsewhere is no signature in a form that can be taken over.
    #[error(
        "what is given for the key `{0}` is no signature of its kind: 64 bytes as they are, or for ECDSA their DER"
    )]
    NoSuchSignature(String),
    /// The payload is no agreement.
    #[error("the payload is refused")]
    Terms(#[source] TermsError),
    /// Somebody else signed.
    #[error("`{0}` has signed and is no party to the agreement")]
    Stranger(OrganisationId),
    /// Parties that have not signed; at least one.
    #[error("{} not signed", have(.0))]
    NotSigned(Vec<OrganisationId>),
    /// The key could not sign.
    #[error("the key `{0}` could not sign")]
    Signing(String, #[source] crate::crypto::CryptoError),
}

impl DocumentError {
    /// The error and its causes in one line.
    pub fn in_full(&self) -> String {
        in_full(self)
    }
}

/// An error and its causes in one line.
pub(in crate::agreements) fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn have(parties: &[OrganisationId]) -> String {
    let names: Vec<String> = parties.iter().map(|party| format!("`{party}`")).collect();
    format!("{} {}", names.join(" and "), if names.len() == 1 { "has" } else { "have" })
}
