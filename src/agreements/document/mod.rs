//! Signed agreements: JWS in General JSON Serialization (RFC 7515 §7.2.1), one signature per party. Pure. Orders are
//! signed and opened in the same way, as another type.
//!
//! The signed bytes are the payload as it stands in the document. Any JOSE library can check it; this reading is
//! stricter than one: three header fields and no others, each party once, and all of them. What names an agreement is
//! the digest of its payload: the same signatures may stand in another order or another layout, and ECDSA lets anyone
//! write a signature in a second way (`n - s` for `s`), so that documents of one meaning may differ in bytes.

mod envelope;
mod error;
mod outside;

use self::envelope::{Envelope, Header, Signature};
pub use self::error::DocumentError;
pub(super) use self::error::in_full;
pub use self::outside::{attach, to_sign, unsigned};
use super::terms::Terms;
use crate::crypto::{Algorithm, Digest, SigningKey, sha256};
use crate::decision::agreement::Agreement;
use crate::parties::{Register, SigningKeyEntry};
use crate::query::OrganisationId;
use crate::query::time::Timestamp;

/// The media type in every protected header.
pub const TYPE: &str = "heyan-agreement+jws";

/// The longest document read, bytes. The log stores each one whole in one entry of at most 65,535 bytes; this leaves
/// room for the entry's other fields. The largest of the samples is a tenth of it.
pub const SIZE_LIMIT: usize = 60 * 1024;

/// The most signatures read: those of the two parties and of the platform between them.
pub const SIGNATURE_LIMIT: usize = 3;

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

impl Opened {
    /// Parties whose signature is still missing, in the order in which the terms name them.
    pub fn missing(&self) -> Vec<OrganisationId> {
        let parties = self.terms.parties();
        parties.filter(|party| !self.has_signed(party)).cloned().collect()
    }

    /// Whether this party's signature is there.
    pub fn has_signed(&self, party: &OrganisationId) -> bool {
        self.signed_by.iter().any(|(signer, _)| signer == party)
    }
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
    add(typ, Envelope::of(payload), signers)
}

/// Adds signatures to a document that others may have signed already. Those are kept as they are and not checked: see
/// [`open`].
///
/// # Errors
/// When it is no such document, or a key cannot sign.
pub fn countersign(document: &[u8], signers: &[Signer<'_>]) -> Result<Vec<u8>, DocumentError> {
    add(TYPE, Envelope::read(document)?, signers)
}

fn add(
    typ: &'static str,
    mut envelope: Envelope,
    signers: &[Signer<'_>],
) -> Result<Vec<u8>, DocumentError> {
    for Signer { kid, key } in signers {
        let protected = Header::protected(typ, kid, key.public().algorithm)?;
        let signature = key
            .sign(envelope.to_sign(&protected).as_bytes())
            .map_err(|error| DocumentError::Signing((*kid).to_owned(), error))?;
        envelope.put(protected, &signature);
    }
    envelope.write()
}

/// Checks form, every party's signature and terms, with the keys that are valid at `at`, which is when the agreement is
/// adopted.
///
/// # Errors
/// The first check that fails; nothing of the document may then be used.
pub fn verify(
    document: &[u8],
    parties: &Register,
    at: Timestamp,
) -> Result<Agreement, DocumentError> {
    whole(document, parties, at).map(|opened| opened.agreement)
}

/// The same with the terms as they were written.
///
/// # Errors
/// As [`verify`].
pub fn whole(document: &[u8], parties: &Register, at: Timestamp) -> Result<Opened, DocumentError> {
    let opened = open(document, parties, at)?;
    let missing = opened.missing();
    if missing.is_empty() { Ok(opened) } else { Err(DocumentError::NotSigned(missing)) }
}

/// As [`verify`], for a document that may still lack a signature; those it has must be good.
///
/// # Errors
/// The first check that fails.
pub fn open(document: &[u8], parties: &Register, at: Timestamp) -> Result<Opened, DocumentError> {
    let Signed { payload, signed_by } = signed(TYPE, document, parties, at)?;
    let (terms, agreement) = Terms::with_agreement(&payload).map_err(DocumentError::Terms)?;
    for (signer, _) in &signed_by {
        if !terms.parties().any(|party| party == signer) {
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
    let envelope = Envelope::read(document)?;
    if envelope.signatures.is_empty() {
        return Err(DocumentError::NoSignature);
    }
    let mut signed_by: Vec<(OrganisationId, String)> = Vec::new();
    for signature in &envelope.signatures {
        let signer = signer(typ, &envelope, signature, &signed_by, (parties, at))?;
        signed_by.push(signer);
    }
    Ok(Signed { payload: envelope.payload()?, signed_by })
}

/// Whose signature this is and with which key, beside those before it.
fn signer(
    typ: &'static str,
    envelope: &Envelope,
    signature: &Signature,
    before: &[(OrganisationId, String)],
    (parties, at): (&Register, Timestamp),
) -> Result<(OrganisationId, String), DocumentError> {
    let header = Header::read(typ, &signature.protected)?;
    if before.iter().any(|(_, kid)| *kid == header.kid) {
        return Err(DocumentError::DuplicateKey(header.kid));
    }
    let Some((organisation, entry)) = parties.key(&header.kid) else {
        return Err(DocumentError::UnknownKey(header.kid));
    };
    check_signature(envelope, signature, &header, entry, at)?;
    if before.iter().any(|(signer, _)| *signer == organisation.id) {
        return Err(DocumentError::DuplicateParty(organisation.id.clone()));
    }
    Ok((organisation.id.clone(), header.kid))
}

/// One signature of a document as it stands there, and what comes of checking it.
pub(super) struct Each {
    /// Key and algorithm, as its header names them; empty where it cannot be read.
    pub(super) named: (String, String),
    /// Whose it is, when it holds; `None` where there was no register to check it with.
    pub(super) checked: Option<Result<OrganisationId, DocumentError>>,
}

/// Every signature of an agreement, judged by itself, so that one which fails does not hide the others.
pub(super) fn each(
    document: &[u8],
    terms: &Terms,
    parties: Option<(&Register, Timestamp)>,
) -> Result<Vec<Each>, DocumentError> {
    let envelope = Envelope::read(document)?;
    let mut signed_by = Vec::new();
    let mut all = Vec::with_capacity(envelope.signatures.len());
    for signature in &envelope.signatures {
        let checked = parties.map(|parties| {
            let signer = signer(TYPE, &envelope, signature, &signed_by, parties)?;
            let organisation = signer.0.clone();
            if !terms.parties().any(|party| *party == organisation) {
                return Err(DocumentError::Stranger(organisation));
            }
            signed_by.push(signer);
            Ok(organisation)
        });
        all.push(Each { named: Header::named(&signature.protected), checked });
    }
    Ok(all)
}

/// The terms of a document, whoever signed it or did not: for showing, never for granting.
///
/// # Errors
/// When it is no such document or its payload is no agreement.
pub fn peek(document: &[u8]) -> Result<Terms, DocumentError> {
    Terms::from_payload(&payload(document)?).map_err(DocumentError::Terms)
}

/// What names the agreement in the document: SHA-256 of its payload. No signature is looked at.
///
/// # Errors
/// When it is no such document.
pub fn digest(document: &[u8]) -> Result<Digest, DocumentError> {
    payload(document).map(|payload| sha256(&payload))
}

/// What stands in a document of any type. No signature is looked at.
pub(super) fn payload(document: &[u8]) -> Result<Vec<u8>, DocumentError> {
    Envelope::read(document)?.payload()
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
    let input = envelope.to_sign(&signature.protected);
    if entry.key.verifies(input.as_bytes(), &signature.bytes()?) {
        Ok(())
    } else {
        Err(DocumentError::WrongSignature(kid()))
    }
}

#[cfg(test)]
pub(crate) mod tests;
