//! Signed agreements: JWS in General JSON Serialization (RFC 7515 §7.2.1), one signature per party. Pure. Orders are
//! signed and opened in the same way, as another type.
//!
//! The signed bytes are the payload as it stands in the document. Any JOSE library can check it; this reading is
//! stricter than one: three header fields and no others, two parties, both of whom have signed.

use std::collections::BTreeSet;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

use super::terms::{Terms, TermsError};
use crate::crypto::{Algorithm, SigningKey};
use crate::decision::agreement::Agreement;
use crate::parties::{Register, SigningKeyEntry};
use crate::query::OrganisationId;
use crate::query::time::Timestamp;

/// The media type in every protected header.
pub const TYPE: &str = "heyan-agreement+jws";

/// The longest document read, bytes. The log stores each one whole in one entry of at most 65,535 bytes; this leaves
/// room for the entry's other fields. The largest of the samples is a tenth of it.
pub const SIZE_LIMIT: usize = 60 * 1024;

/// Why a document is refused.
#[derive(Debug, Error)]
pub enum DocumentError {
    /// Longer than [`SIZE_LIMIT`].
    #[error("the document is longer than {SIZE_LIMIT} bytes")]
    TooLong,
    /// Not the JSON of a signed document.
    #[error("the document is no JWS in general JSON serialization")]
    Malformed(#[source] serde_json::Error),
    /// A part is not base64url without padding.
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
    /// The payload is no agreement.
    #[error("the payload is refused")]
    Terms(#[source] TermsError),
    /// Somebody else signed.
    #[error("`{0}` has signed and is no party to the agreement")]
    Stranger(OrganisationId),
    /// A party has not signed.
    #[error("`{0}` has not signed")]
    NotSigned(OrganisationId),
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
pub(super) fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Who signs, and with what.
pub struct Signer<'a> {
    /// Identifier of the key in the party register.
    pub kid: &'a str,
    /// The private key.
    pub key: &'a SigningKey,
}

/// What a document says and who has signed it so far.
#[derive(Debug)]
pub struct Opened {
    /// The terms.
    pub terms: Terms,
    /// The same as decisions use them.
    pub agreement: Agreement,
    /// Parties that have signed, with the keys they used.
    pub signed_by: Vec<(OrganisationId, String)>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    payload: String,
    signatures: Vec<Signature>,
}

/// `header`, the unprotected one, is refused with every other unknown key: nothing unsigned is read.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signature {
    protected: String,
    signature: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: String,
    typ: String,
    /// Whether it is there at all, whatever it holds.
    #[serde(default, skip_serializing, deserialize_with = "present")]
    crit: bool,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// Signs a payload, once for each signer.
///
/// # Errors
/// When a key cannot sign.
pub fn sign(payload: &[u8], signers: &[Signer<'_>]) -> Result<Vec<u8>, DocumentError> {
    sign_as(TYPE, payload, signers)
}

/// The same for a document of any type.
pub(super) fn sign_as(
    typ: &'static str,
    payload: &[u8],
    signers: &[Signer<'_>],
) -> Result<Vec<u8>, DocumentError> {
    let empty =
        Envelope { payload: BASE64_URL_SAFE_NO_PAD.encode(payload), signatures: Vec::new() };
    add(typ, empty, signers)
}

/// Adds signatures to a document that others may have signed already. Those are kept as they are and not checked: see
/// [`open`].
///
/// # Errors
/// When it is no such document, or a key cannot sign.
pub fn countersign(document: &[u8], signers: &[Signer<'_>]) -> Result<Vec<u8>, DocumentError> {
    add(TYPE, envelope(document)?, signers)
}

fn add(
    typ: &'static str,
    mut envelope: Envelope,
    signers: &[Signer<'_>],
) -> Result<Vec<u8>, DocumentError> {
    for Signer { kid, key } in signers {
        let header = Header {
            alg: key.public().algorithm.name().to_owned(),
            kid: (*kid).to_owned(),
            typ: typ.to_owned(),
            crit: false,
        };
        let header = serde_json::to_vec(&header).map_err(DocumentError::Header)?;
        let protected = BASE64_URL_SAFE_NO_PAD.encode(header);
        let signature = key
            .sign(signing_input(&protected, &envelope.payload).as_bytes())
            .map_err(|error| DocumentError::Signing((*kid).to_owned(), error))?;
        let signature = BASE64_URL_SAFE_NO_PAD.encode(signature);
        envelope.signatures.push(Signature { protected, signature });
    }
    let mut document = serde_json::to_vec_pretty(&envelope).map_err(DocumentError::Malformed)?;
    document.push(b'\n');
    Ok(document)
}

/// Checks form, both signatures and terms, with the keys that are valid at `at`, which is when the agreement is
/// adopted.
///
/// # Errors
/// The first check that fails; nothing of the document may then be used.
pub fn verify(
    document: &[u8],
    parties: &Register,
    at: Timestamp,
) -> Result<Agreement, DocumentError> {
    let opened = open(document, parties, at)?;
    for party in [&opened.agreement.consumer, &opened.agreement.provider] {
        if !opened.signed_by.iter().any(|(signer, _)| signer == party) {
            return Err(DocumentError::NotSigned(party.clone()));
        }
    }
    Ok(opened.agreement)
}

/// As [`verify`], for a document that may still lack a signature; those it has must be good.
///
/// # Errors
/// The first check that fails.
pub fn open(document: &[u8], parties: &Register, at: Timestamp) -> Result<Opened, DocumentError> {
    let Signed { payload, signed_by } = signed(TYPE, document, parties, at)?;
    let terms = Terms::from_payload(&payload).map_err(DocumentError::Terms)?;
    let agreement = terms.agreement(&payload).map_err(DocumentError::Terms)?;
    for (signer, _) in &signed_by {
        if *signer != agreement.consumer && *signer != agreement.provider {
            return Err(DocumentError::Stranger(signer.clone()));
        }
    }
    Ok(Opened { terms, agreement, signed_by })
}

/// Bytes that somebody has signed, and who.
pub(super) struct Signed {
    pub(super) payload: Vec<u8>,
    /// Each organisation once, with its key; at least one.
    pub(super) signed_by: Vec<(OrganisationId, String)>,
}

/// Checks the form and every signature of a document of this type. The payload comes out only when its bytes are known
/// to be somebody's word.
pub(super) fn signed(
    typ: &'static str,
    document: &[u8],
    parties: &Register,
    at: Timestamp,
) -> Result<Signed, DocumentError> {
    let envelope = envelope(document)?;
    if envelope.signatures.is_empty() {
        return Err(DocumentError::NoSignature);
    }
    let mut kids = BTreeSet::new();
    let mut signed_by: Vec<(OrganisationId, String)> = Vec::new();
    for signature in &envelope.signatures {
        let header = header(typ, &signature.protected)?;
        if !kids.insert(header.kid.clone()) {
            return Err(DocumentError::DuplicateKey(header.kid));
        }
        let Some((organisation, entry)) = parties.key(&header.kid) else {
            return Err(DocumentError::UnknownKey(header.kid));
        };
        check_signature(&envelope, signature, &header, entry, at)?;
        if signed_by.iter().any(|(signer, _)| *signer == organisation.id) {
            return Err(DocumentError::DuplicateParty(organisation.id.clone()));
        }
        signed_by.push((organisation.id.clone(), header.kid));
    }
    Ok(Signed { payload: decode("payload", &envelope.payload)?, signed_by })
}

/// The terms of a document, whoever signed it or did not: for showing, never for granting.
///
/// # Errors
/// When it is no such document or its payload is no agreement.
pub fn peek(document: &[u8]) -> Result<Terms, DocumentError> {
    Terms::from_payload(&payload(document)?).map_err(DocumentError::Terms)
}

/// What stands in a document of any type. No signature is looked at.
pub(super) fn payload(document: &[u8]) -> Result<Vec<u8>, DocumentError> {
    decode("payload", &envelope(document)?.payload)
}

fn envelope(document: &[u8]) -> Result<Envelope, DocumentError> {
    if document.len() > SIZE_LIMIT {
        return Err(DocumentError::TooLong);
    }
    serde_json::from_slice(document).map_err(DocumentError::Malformed)
}

fn header(typ: &'static str, protected: &str) -> Result<Header, DocumentError> {
    let header: Header =
        serde_json::from_slice(&decode("protected", protected)?).map_err(DocumentError::Header)?;
    if header.crit {
        return Err(DocumentError::Critical);
    }
    if header.typ != typ {
        return Err(DocumentError::Type { found: header.typ, expected: typ });
    }
    Ok(header)
}

fn check_signature(
    envelope: &Envelope,
    signature: &Signature,
    header: &Header,
    entry: &SigningKeyEntry,
    at: Timestamp,
) -> Result<(), DocumentError> {
    let Some(algorithm) = Algorithm::from_name(&header.alg) else {
        return Err(DocumentError::UnknownAlgorithm(header.alg.clone()));
    };
    let kid = || header.kid.clone();
    if algorithm != entry.key.algorithm {
        return Err(DocumentError::AlgorithmMismatch(kid()));
    }
    if at < entry.valid_from || entry.valid_to <= at {
        return Err(DocumentError::KeyNotValid(kid()));
    }
    let bytes = decode("signature", &signature.signature)?;
    let input = signing_input(&signature.protected, &envelope.payload);
    if entry.key.verifies(input.as_bytes(), &bytes) {
        Ok(())
    } else {
        Err(DocumentError::WrongSignature(kid()))
    }
}

/// RFC 7515 §5.1, step 5.
fn signing_input(protected: &str, payload: &str) -> String {
    format!("{protected}.{payload}")
}

fn decode(part: &'static str, text: &str) -> Result<Vec<u8>, DocumentError> {
    BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| DocumentError::Encoding(part))
}

#[cfg(test)]
pub(super) mod tests;
