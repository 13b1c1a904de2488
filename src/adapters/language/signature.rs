//! How a string is signed: the algorithms and ways of writing that agencies ask for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::crypto::{self, MacKey};

/// What makes the signature of a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    /// HMAC with SHA-256.
    HmacSha256,
    /// HMAC with SM3.
    HmacSm3,
    /// SHA-256 over a string that holds the key itself.
    Sha256,
    /// SM3, likewise.
    Sm3,
    /// MD5, likewise.
    Md5,
}

impl Algorithm {
    /// What manifests call them.
    pub(crate) const NAMES: [(&'static str, Self); 5] = [
        ("hmac-sha256", Self::HmacSha256),
        ("hmac-sm3", Self::HmacSm3),
        ("sha256", Self::Sha256),
        ("sm3", Self::Sm3),
        ("md5", Self::Md5),
    ];

    /// Whether it takes a key beside the string.
    pub(crate) fn takes_key(self) -> bool {
        matches!(self, Self::HmacSha256 | Self::HmacSm3)
    }

    /// The signature; `key` counts only where one is taken.
    pub(crate) fn sign(self, key: &[u8], string: &[u8]) -> Vec<u8> {
        match self {
            Self::HmacSha256 => MacKey::new(key).mac(&[string]).to_vec(),
            Self::HmacSm3 => crypto::hmac_sm3(key, string).to_vec(),
            Self::Sha256 => crypto::sha256(string).to_vec(),
            Self::Sm3 => crypto::sm3(string).to_vec(),
            Self::Md5 => crypto::md5(string).to_vec(),
        }
    }
}

/// How the bytes of a signature are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Base64 with padding.
    Base64,
    /// Hexadecimal, lower case.
    Hex,
    /// Hexadecimal, upper case.
    UpperHex,
}

impl Encoding {
    /// What manifests call them.
    pub(crate) const NAMES: [(&'static str, Self); 3] =
        [("base64", Self::Base64), ("hex", Self::Hex), ("upper-hex", Self::UpperHex)];

    /// The bytes as text.
    pub(crate) fn write(self, bytes: &[u8]) -> String {
        match self {
            Self::Base64 => STANDARD.encode(bytes),
            Self::Hex => crypto::hex(bytes),
            Self::UpperHex => crypto::hex(bytes).to_uppercase(),
        }
    }
}
