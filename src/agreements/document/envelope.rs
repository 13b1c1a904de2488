//! The form of a signed document: JWS in General JSON Serialization (RFC 7515 §7.2.1), read strictly. No key is looked
//! at here.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};

use super::{DocumentError, SIGNATURE_LIMIT, SIZE_LIMIT};
use crate::agreements::json;
use crate::crypto::Algorithm;

/// The longest protected header, bytes: three short words. It bounds what an error repeats of it.
const HEADER_LIMIT: usize = 512;

/// `payload` and every part of a signature stay the text that they are: it is what was signed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Envelope {
    pub(super) payload: String,
    pub(super) signatures: Vec<Signature>,
}

/// `header`, the unprotected one, is refused with every other unknown key: nothing unsigned is read.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Signature {
    pub(super) protected: String,
    pub(super) signature: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    pub(super) alg: String,
    pub(super) kid: String,
    pub(super) typ: String,
    /// Whether it is there at all, whatever it holds.
    #[serde(default, skip_serializing, deserialize_with = "present")]
    crit: bool,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

impl Envelope {
    /// Around a payload that nobody has signed yet.
    pub(super) fn of(payload: &[u8]) -> Self {
        Self { payload: BASE64_URL_SAFE_NO_PAD.encode(payload), signatures: Vec::new() }
    }

    pub(super) fn read(document: &[u8]) -> Result<Self, DocumentError> {
        if document.len() > SIZE_LIMIT {
            return Err(DocumentError::TooLong);
        }
        let envelope: Self = json::read(document).map_err(DocumentError::Malformed)?;
        match envelope.signatures.len() {
            0..=SIGNATURE_LIMIT => Ok(envelope),
            many => Err(DocumentError::TooManySignatures(many)),
        }
    }

    pub(super) fn write(&self) -> Result<Vec<u8>, DocumentError> {
        let mut document = serde_json::to_vec_pretty(self).map_err(DocumentError::Malformed)?;
        document.push(b'\n');
        Ok(document)
    }

    /// What a key signs, by RFC 7515 §5.1, step 5. All of it is ASCII.
    pub(super) fn to_sign(&self, protected: &str) -> String {
        format!("{protected}.{}", self.payload)
    }

    /// Puts a signature beside those that are there.
    pub(super) fn put(&mut self, protected: String, signature: &[u8]) {
        let signature = BASE64_URL_SAFE_NO_PAD.encode(signature);
        self.signatures.push(Signature { protected, signature });
    }

    pub(super) fn payload(&self) -> Result<Vec<u8>, DocumentError> {
        decode("payload", &self.payload)
    }
}

impl Signature {
    pub(super) fn bytes(&self) -> Result<Vec<u8>, DocumentError> {
        decode("signature", &self.signature)
    }
}

impl Header {
    pub(super) fn read(typ: &'static str, protected: &str) -> Result<Self, DocumentError> {
        let bytes = decode("protected", protected)?;
        if bytes.len() > HEADER_LIMIT {
            let long = format!("it is longer than {HEADER_LIMIT} bytes");
            return Err(DocumentError::Header(serde::de::Error::custom(long)));
        }
        let header: Self = json::read(&bytes).map_err(DocumentError::Header)?;
        if header.crit {
            return Err(DocumentError::Critical);
        }
        if header.typ != typ {
            return Err(DocumentError::Type { found: header.typ, expected: typ });
        }
        Ok(header)
    }

    /// The key and the algorithm that a header names, whatever else is in it: for showing. Empty where it names none.
    pub(super) fn named(protected: &str) -> (String, String) {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Named {
            kid: String,
            alg: String,
        }
        let bytes = decode("protected", protected).unwrap_or_default();
        let Named { kid, alg } = serde_json::from_slice(&bytes).unwrap_or_default();
        (kid, alg)
    }

    /// The header of this key's signature, encoded: for the same key always the same text.
    pub(super) fn protected(
        typ: &'static str,
        kid: &str,
        algorithm: Algorithm,
    ) -> Result<String, DocumentError> {
        let header = Self {
            alg: algorithm.name().to_owned(),
            kid: kid.to_owned(),
            typ: typ.to_owned(),
            crit: false,
        };
        let header = serde_json::to_vec(&header).map_err(DocumentError::Header)?;
        Ok(BASE64_URL_SAFE_NO_PAD.encode(header))
    }
}

/// No padding, no other alphabet, no white space, no bits that mean nothing: one text for the same bytes.
fn decode(part: &'static str, text: &str) -> Result<Vec<u8>, DocumentError> {
    BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| DocumentError::Encoding(part))
}
