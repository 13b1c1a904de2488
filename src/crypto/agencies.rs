//! What agencies' interfaces ask for. Nothing of ours relies on it.

use aws_lc_rs::cipher::{
    AES_128, AES_256, DecryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey,
    UnboundCipherKey,
};

use aws_lc_rs::digest;

use super::{Digest, into_array};

/// MD5, because some agencies sign with it.
pub fn md5(bytes: &[u8]) -> [u8; 16] {
    use md5::Digest as _;
    md5::Md5::digest(bytes).into()
}

/// SM3 (GB/T 32905), which agencies under the commercial cryptography rules sign with.
pub fn sm3(bytes: &[u8]) -> Digest {
    use sm3::Digest as _;
    sm3::Sm3::digest(bytes).into()
}

/// A digest of bytes that come in pieces, as the markers of dropped files hold one.
pub enum RunningDigest {
    /// SHA-256.
    Sha256(digest::Context),
    /// SM3.
    Sm3(sm3::Sm3),
}

impl RunningDigest {
    /// SHA-256 of nothing yet.
    pub fn sha256() -> Self {
        Self::Sha256(digest::Context::new(&digest::SHA256))
    }

    /// SM3 of nothing yet.
    pub fn sm3() -> Self {
        Self::Sm3(sm3::Digest::new())
    }

    /// The next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(digest) => digest.update(bytes),
            Self::Sm3(digest) => sm3::Digest::update(digest, bytes),
        }
    }

    /// The digest of all pieces.
    pub fn finish(self) -> Digest {
        match self {
            Self::Sha256(digest) => into_array(digest.finish().as_ref()),
            Self::Sm3(digest) => sm3::Digest::finalize(digest).into(),
        }
    }
}

/// HMAC-SM3 (GB/T 15852.2) under a key of any length.
pub fn hmac_sm3(key: &[u8], bytes: &[u8]) -> Digest {
    use ::hmac::{Hmac, KeyInit as _, Mac as _};
    let mut block = [0; 64];
    let hashed = sm3(key);
    let key = if key.len() > block.len() { &hashed } else { key };
    for (place, byte) in block.iter_mut().zip(key) {
        *place = *byte;
    }
    let mut mac = Hmac::<sm3::Sm3>::new(&block.into());
    mac.update(bytes);
    mac.finalize().into_bytes().into()
}

/// AES in ECB mode with PKCS#7 padding, because an agency hands out its day key this way.
/// `None` when the key is not 16 or 32 bytes long or the text is not one made with it.
pub fn aes_ecb_decrypt(key: &[u8], ciphertext: &[u8]) -> Option<Vec<u8>> {
    let key = PaddedBlockDecryptingKey::ecb_pkcs7(aes(key)?).ok()?;
    let mut text = ciphertext.to_vec();
    let plain = key.decrypt(&mut text, DecryptionContext::None).ok()?;
    Some(plain.to_vec())
}

/// The text in AES-ECB with PKCS#7 padding, for an invented agency that must speak like a real one; `None` when the key
/// has neither 16 nor 32 bytes.
pub fn aes_ecb_encrypt(key: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
    let key = PaddedBlockEncryptingKey::ecb_pkcs7(aes(key)?).ok()?;
    let mut text = plain.to_vec();
    key.encrypt(&mut text).ok()?;
    Some(text)
}

fn aes(key: &[u8]) -> Option<UnboundCipherKey> {
    let algorithm = match key.len() {
        16 => &AES_128,
        32 => &AES_256,
        _ => return None,
    };
    UnboundCipherKey::new(algorithm, key).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hex;

    #[test]
    fn digests_of_agencies() {
        assert_eq!(hex(&md5(b"abc")), "900150983cd24fb0d6963f7d28e17f72");
    }

    /// The two examples of GB/T 32905-2016, appendix A, and a MAC of OpenSSL's.
    #[test]
    fn sm3_is_that_of_the_standard() {
        assert_eq!(
            hex(&sm3(b"abc")),
            "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
        );
        assert_eq!(
            hex(&sm3("abcd".repeat(16).as_bytes())),
            "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"
        );
        for (key, text, expected) in [
            (
                "key".to_owned(),
                "The quick brown fox jumps over the lazy dog",
                "bd4a34077888162b210645b8ebf74b9af357303789357a27c7fc457244ebd398",
            ),
            (
                "k".repeat(64),
                "",
                "5b2aec6b44c5d9a152bec85845454dfd7651d7be4fc49446f7cd1f2a8b412cee",
            ),
            (
                "k".repeat(65),
                "message",
                "151e07820421e9e9d8209b5cf752ea8e8506981b388a5e4aa8f124057cd3b635",
            ),
        ] {
            assert_eq!(hex(&hmac_sm3(key.as_bytes(), text.as_bytes())), expected);
        }
    }

    /// Made with `openssl enc -aes-128-ecb`.
    #[test]
    fn opens_what_openssl_sealed() {
        let sealed = [
            0x35, 0x96, 0xb2, 0x68, 0x81, 0x98, 0x6b, 0x7d, 0xfb, 0x97, 0xb2, 0xf8, 0x81, 0x42,
            0x2b, 0xb2,
        ];
        assert_eq!(
            aes_ecb_decrypt(b"0123456789abcdef", &sealed).as_deref(),
            Some(&b"day-secret-2026"[..])
        );
        assert_eq!(aes_ecb_decrypt(b"0123456789abcdeF", &sealed), None);
        assert_eq!(aes_ecb_decrypt(b"short", &sealed), None);
        let again = aes_ecb_encrypt(b"0123456789abcdef", b"day-secret-2026");
        assert_eq!(again.as_deref(), Some(&sealed[..]));
        assert_eq!(aes_ecb_encrypt(b"short", b"text"), None);
        assert_eq!(aes_ecb_decrypt(b"0123456789abcdef", &sealed[..7]), None);
    }
}
