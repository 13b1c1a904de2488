//! Digests, signatures and keys: the only module that names an algorithm.

mod agencies;

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::digest;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, ML_DSA_44, ML_DSA_44_SIGNING, ParsedPublicKey,
    PqdsaKeyPair, UnparsedPublicKey,
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use secrecy::zeroize::Zeroizing;
use thiserror::Error;

pub use self::agencies::{RunningDigest, aes_ecb_decrypt, aes_ecb_encrypt, hmac_sm3, md5, sm3};

/// A SHA-256 digest.
pub type Digest = [u8; 32];

/// What can go wrong with a key or a signature.
#[derive(Debug, Error)]
pub enum CryptoError {
    /// The file cannot be read.
    #[error("cannot read the private key `{path}`", path = .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
    /// Other users could read it.
    #[error("the private key `{path}` is readable by other users (mode {mode:o}): run `chmod 600 {path}`", path = .0.display(), mode = .1)]
    Exposed(PathBuf, u32),
    /// It is no PKCS#8 key in PEM.
    #[error("`{path}` holds no PKCS#8 private key in PEM", path = .0.display())]
    NotPkcs8(PathBuf),
    /// It is a key of a kind not used here.
    #[error("the private key is neither Ed25519 nor ECDSA P-256")]
    UnknownKind,
    /// It is no seed of a cosigner.
    #[error("`{path}` holds neither 64 hexadecimal digits nor a PKCS#8 key of ML-DSA-44 in PEM: `heyan audit cosigner {path} --origin NAME --new-key` makes one", path = .0.display())]
    NotSeed(PathBuf),
    /// Signing failed.
    #[error("the key could not sign")]
    Signing,
    /// Encrypting failed.
    #[error("the key could not encrypt")]
    Sealing,
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> Digest {
    sha256_parts(&[bytes])
}

/// SHA-256 of the parts, one after the other.
pub fn sha256_parts(parts: &[&[u8]]) -> Digest {
    // A tree is made of millions of short hashes: joined on the stack, one costs half of what a context does.
    match parts.iter().map(|part| part.len()).sum() {
        0..=128 => sha256_joined::<128>(parts),
        129..=1024 => sha256_joined::<1024>(parts),
        _ => sha256_of_many(parts),
    }
}

fn sha256_joined<const N: usize>(parts: &[&[u8]]) -> Digest {
    let mut joined = [0; N];
    let mut length = 0;
    for part in parts {
        match joined.get_mut(length..length + part.len()) {
            Some(place) => place.copy_from_slice(part),
            None => return sha256_of_many(parts),
        }
        length += part.len();
    }
    into_array(digest::digest(&digest::SHA256, joined.get(..length).unwrap_or_default()).as_ref())
}

fn sha256_of_many(parts: &[&[u8]]) -> Digest {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    into_array(context.finish().as_ref())
}

/// A key for HMAC-SHA256, expanded once; overwritten when dropped.
///
/// Not `aws_lc_rs`'s: a question makes a dozen short ones, and its contexts cost more to copy than such a text to hash.
pub struct MacKey(Hmac<sha2::Sha256>);

impl MacKey {
    /// From secret bytes of any length.
    pub fn new(secret: &[u8]) -> Self {
        let mut block = Zeroizing::new([0; 64]);
        match block.get_mut(..secret.len()) {
            Some(place) => place.copy_from_slice(secret),
            None => block.iter_mut().zip(sha256(secret)).for_each(|(place, byte)| *place = byte),
        }
        Self(Hmac::new((&*block).into()))
    }

    /// HMAC-SHA256 of the parts, one after the other.
    pub fn mac(&self, parts: &[&[u8]]) -> Digest {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

/// A key for AES-256-GCM, expanded once.
pub struct AeadKey(LessSafeKey);

impl AeadKey {
    /// From 32 secret bytes.
    ///
    /// # Errors
    /// When the library has no memory.
    pub fn new(key: &[u8; 32]) -> Result<Self, CryptoError> {
        let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| CryptoError::Sealing)?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Encrypts where the text stands; the tag, which belongs behind it, comes back. `bound` is not in the result, but
    /// must be the same to open it.
    ///
    /// A nonce must never be used twice with one key: whoever calls this says why it is not.
    ///
    /// # Errors
    /// When the library refuses, which it does for texts of more than 64 GiB.
    pub fn seal(
        &self,
        nonce: [u8; 12],
        bound: &[u8],
        text: &mut [u8],
    ) -> Result<[u8; AEAD_TAG_BYTES], CryptoError> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self.0.seal_in_place_separate_tag(nonce, Aad::from(bound), text);
        let tag = tag.map_err(|_| CryptoError::Sealing)?;
        tag.as_ref().try_into().map_err(|_| CryptoError::Sealing)
    }

    /// Opens what [`AeadKey::seal`] made, its tag at the end; `None` when any byte, the key or what it is bound to is
    /// another.
    pub fn open(&self, nonce: [u8; 12], bound: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let mut text = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        let length = self.0.open_in_place(nonce, Aad::from(bound), &mut text).ok()?.len();
        text.truncate(length);
        Some(text)
    }
}

/// Bytes that [`AeadKey::seal`] adds.
pub const AEAD_TAG_BYTES: usize = 16;

/// [`AeadKey::seal`] with a key for this one text; the tag stands at the end.
///
/// # Errors
/// As [`AeadKey::seal`].
pub fn aead_seal(
    key: &[u8; 32],
    nonce: [u8; 12],
    bound: &[u8],
    text: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    let mut sealed = Vec::with_capacity(text.len() + AEAD_TAG_BYTES);
    sealed.extend_from_slice(text);
    let tag = AeadKey::new(key)?.seal(nonce, bound, &mut sealed)?;
    sealed.extend_from_slice(&tag);
    Ok(sealed)
}

/// [`AeadKey::open`] with a key for this one text.
pub fn aead_open(key: &[u8; 32], nonce: [u8; 12], bound: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    AeadKey::new(key).ok()?.open(nonce, bound, sealed)
}

/// 32 bytes nobody can guess.
pub fn random() -> Result<[u8; 32], CryptoError> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| CryptoError::Signing)?;
    Ok(bytes)
}

/// How a signature is made. The names are those of JOSE (RFC 7518, RFC 8037).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Ed25519.
    EdDsa,
    /// ECDSA on P-256 with SHA-256, fixed-length signature.
    Es256,
}

impl Algorithm {
    /// JOSE name.
    pub fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
        }
    }

    /// The algorithm of that JOSE name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::EdDsa, Self::Es256].into_iter().find(|algorithm| algorithm.name() == name)
    }
}

/// A public key: 32 bytes for Ed25519, the uncompressed point (65 bytes) for P-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// What it verifies.
    pub algorithm: Algorithm,
    /// The key's bytes.
    pub bytes: Vec<u8>,
}

impl PublicKey {
    /// True when `signature` is this key's over `message`.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self.algorithm {
            Algorithm::EdDsa => UnparsedPublicKey::new(&signature::ED25519, &self.bytes)
                .verify(message, signature)
                .is_ok(),
            Algorithm::Es256 => {
                UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, &self.bytes)
                    .verify(message, signature)
                    .is_ok()
            }
        }
    }

    /// Whether it is a key at all: a point of its curve, and none under which a signature fits every message.
    pub fn is_sound(&self) -> bool {
        let algorithm: &dyn signature::VerificationAlgorithm = match self.algorithm {
            Algorithm::EdDsa => &signature::ED25519,
            Algorithm::Es256 => &signature::ECDSA_P256_SHA256_FIXED,
        };
        let is_weak = self.algorithm == Algorithm::EdDsa && is_of_small_order(&self.bytes);
        !is_weak && ParsedPublicKey::new(algorithm, &self.bytes).is_ok()
    }

    /// A signature of this kind as JOSE writes it: 64 bytes. Those of ECDSA may come in DER, as most programs and
    /// modules make them. Whether it is this key's is another question.
    pub fn as_jose(&self, signature: &[u8]) -> Option<Vec<u8>> {
        match (self.algorithm, signature.len()) {
            (_, 64) => Some(signature.to_vec()),
            (Algorithm::EdDsa, _) => None,
            (Algorithm::Es256, _) => ecdsa_from_der(signature),
        }
    }
}

/// Whether this is one of the eight points of Ed25519's small subgroup, in any way of writing its `y`. Whoever registers
/// one as a key can say later that anybody could have signed, and would be right.
fn is_of_small_order(point: &[u8]) -> bool {
    // Two of order 8, then those at the ends of the field: `y` is 0, 1, p - 1, or p and p + 1 for 0 and 1 again.
    const EIGHTH: [[u8; 32]; 2] = [
        [
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef,
            0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88,
            0x6d, 0x53, 0xfc, 0x05,
        ],
        [
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10,
            0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77,
            0x92, 0xac, 0x03, 0x7a,
        ],
    ];
    let [first, middle @ .., last] = point else { return false };
    let last = last & 0x7f;
    let all = |byte: u8| middle.iter().all(|digit| *digit == byte);
    let at_an_end = *first <= 1 && all(0) && last == 0
        || (0xec..=0xee).contains(first) && all(0xff) && last == 0x7f;
    at_an_end
        || EIGHTH.iter().any(|known| {
            known.starts_with(point.get(..31).unwrap_or_default()) && known.ends_with(&[last])
        })
}

/// `r` and `s`, 32 bytes each, of `SEQUENCE { r INTEGER, s INTEGER }` in DER, which has one way of writing each number.
fn ecdsa_from_der(der: &[u8]) -> Option<Vec<u8>> {
    let [0x30, length, rest @ ..] = der else { return None };
    let mut rest = (usize::from(*length) == rest.len()).then_some(rest)?;
    let mut numbers = Vec::with_capacity(64);
    for _ in 0..2 {
        let [0x02, length, behind @ ..] = rest else { return None };
        let (number, behind) = behind.split_at_checked(usize::from(*length))?;
        // A number whose first bit is set would be negative: a zero stands before it, and nowhere else.
        let number = match number {
            [0, digits @ ..] if digits.first().is_some_and(|first| *first >= 0x80) => digits,
            [first, ..] if (1..0x80).contains(first) => number,
            _ => return None,
        };
        numbers.resize(numbers.len() + 32_usize.checked_sub(number.len())?, 0);
        numbers.extend_from_slice(number);
        rest = behind;
    }
    rest.is_empty().then_some(numbers)
}

/// A private key that signs.
pub enum SigningKey {
    /// Ed25519.
    EdDsa(Ed25519KeyPair),
    /// ECDSA P-256.
    Es256(EcdsaKeyPair),
}

impl SigningKey {
    /// Reads a PKCS#8 PEM file that only its owner can read.
    pub fn read(path: &Path) -> Result<Self, CryptoError> {
        refuse_exposed(path)?;
        let key = PrivatePkcs8KeyDer::from_pem_file(path)
            .map_err(|_| CryptoError::NotPkcs8(path.to_owned()))?;
        Self::from_pkcs8(key.secret_pkcs8_der())
    }

    /// From PKCS#8 DER.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, CryptoError> {
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8(der) {
            return Ok(Self::EdDsa(pair));
        }
        EcdsaKeyPair::from_pkcs8(&signature::ECDSA_P256_SHA256_FIXED_SIGNING, der)
            .map(Self::Es256)
            .map_err(|_| CryptoError::UnknownKind)
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        match self {
            Self::EdDsa(pair) => PublicKey {
                algorithm: Algorithm::EdDsa,
                bytes: pair.public_key().as_ref().to_vec(),
            },
            Self::Es256(pair) => PublicKey {
                algorithm: Algorithm::Es256,
                bytes: pair.public_key().as_ref().to_vec(),
            },
        }
    }

    /// Signs the message.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        match self {
            Self::EdDsa(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Self::Es256(pair) => pair
                .sign(&SystemRandom::new(), message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| CryptoError::Signing),
        }
    }
}

/// A private key of ML-DSA-44 (FIPS 204): its signatures stand when quantum computers forge those of Ed25519.
pub struct CosigningKey(PqdsaKeyPair);

impl CosigningKey {
    /// Bytes of the public half.
    pub const PUBLIC_BYTES: usize = 1312;
    /// Bytes of a signature.
    pub const SIGNATURE_BYTES: usize = 2420;

    /// From the 32 secret bytes that stand for it.
    ///
    /// # Errors
    /// When the library refuses them.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, CryptoError> {
        let pair = PqdsaKeyPair::from_seed(&ML_DSA_44_SIGNING, seed);
        pair.map(Self).map_err(|_| CryptoError::Signing)
    }

    /// Reads a file that only its owner can read: the seed as 64 hexadecimal digits, or PKCS#8 PEM.
    ///
    /// # Errors
    /// When it cannot be read, others can, or it holds neither.
    pub fn read(path: &Path) -> Result<Self, CryptoError> {
        refuse_exposed(path)?;
        let text = fs::read_to_string(path)
            .map_err(|error| CryptoError::Unreadable(path.to_owned(), error))?;
        if let Some(seed) = from_hex(text.trim()).and_then(|bytes| bytes.try_into().ok()) {
            return Self::from_seed(&seed);
        }
        let key = PrivatePkcs8KeyDer::from_pem_slice(text.as_bytes()).ok();
        key.and_then(|key| {
            PqdsaKeyPair::from_pkcs8(&ML_DSA_44_SIGNING, key.secret_pkcs8_der()).ok()
        })
        .map(Self)
        .ok_or_else(|| CryptoError::NotSeed(path.to_owned()))
    }

    /// The public half.
    pub fn public(&self) -> Vec<u8> {
        self.0.public_key().as_ref().to_vec()
    }

    /// Signs the message, with an empty context.
    ///
    /// # Errors
    /// When the library has no randomness to give.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let mut signature = vec![0; Self::SIGNATURE_BYTES];
        let length = self.0.sign(message, &mut signature).map_err(|_| CryptoError::Signing)?;
        signature.truncate(length);
        Ok(signature)
    }

    /// True when `signature` is over `message`, by the key whose public half this is.
    pub fn verifies(public: &[u8], message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ML_DSA_44, public).verify(message, signature).is_ok()
    }
}

impl std::fmt::Debug for CosigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CosigningKey(..)")
    }
}

/// Fails when group or others may read the file.
pub fn refuse_exposed(path: &Path) -> Result<(), CryptoError> {
    let unreadable = |error| CryptoError::Unreadable(path.to_owned(), error);
    let mode = fs::metadata(path).map_err(unreadable)?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(CryptoError::Exposed(path.to_owned(), mode)) }
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|nibble| DIGITS.get(usize::from(nibble)))
        .collect()
}

/// Bytes of lower- or upper-case hex; `None` when the text is none.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    let bytes =
        digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit));
    Some(bytes.collect())
}

fn into_array(bytes: &[u8]) -> Digest {
    let mut array = [0; 32];
    array.copy_from_slice(bytes);
    array
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_in_der_become_those_of_jose() {
        let key = |algorithm| PublicKey { algorithm, bytes: Vec::new() };
        let (edwards, ecdsa) = (key(Algorithm::EdDsa), key(Algorithm::Es256));
        assert_eq!(edwards.as_jose(&[7; 64]), Some(vec![7; 64]));
        assert_eq!((edwards.as_jose(&[7; 63]), edwards.as_jose(&[7; 65])), (None, None));
        let der = |text: &str| ecdsa.as_jose(&from_hex(text).unwrap()).map(|bytes| hex(&bytes));
        let short = format!("{:0>64}{:0>64}", "7f", "80");
        assert_eq!(der("300702017f02020080"), Some(short));
        let long = format!("{}{}", "ff".repeat(32), "01".repeat(32));
        let written = format!("3045022100{}0220{}", "ff".repeat(32), "01".repeat(32));
        assert_eq!(der(&written), Some(long));
        assert_eq!(ecdsa.as_jose(&[7; 64]), Some(vec![7; 64]));
        for not_der in [
            "",
            "30",
            "3000",
            "300702017f0202008000",
            "300802017f0202008000",
            "300602017f02020080",
            "310702017f02020080",
            "300703017f02020080",
            "3007028101020200ff",
            "30060201800201ff",
            "30060201000201ff",
            "300802017f02030000ff",
            "300702017f02030080",
            "300402017f0200",
        ] {
            assert_eq!(der(not_der), None, "{not_der}");
        }
        let too_long = format!("3046022101{}022100{}", "ff".repeat(32), "ff".repeat(32));
        assert_eq!(der(&too_long), None);
    }

    #[test]
    fn keys_that_are_none_are_told_from_keys() {
        let key = |algorithm, bytes: Vec<u8>| PublicKey { algorithm, bytes };
        let good = SigningKey::from_pkcs8(&rcgen::KeyPair::generate().unwrap().serialize_der());
        let good = good.unwrap().public();
        assert!(good.is_sound());
        // The identity: `R` is the base point times `S` for every message.
        let identity = from_hex(&format!("01{}", "00".repeat(31))).unwrap();
        let base = format!("58{}", "66".repeat(31));
        let one = format!("01{}", "00".repeat(31));
        let forged = from_hex(&format!("{base}{one}")).unwrap();
        let weak = key(Algorithm::EdDsa, identity);
        assert!(weak.verifies(b"anything", &forged) && weak.verifies(b"at all", &forged));
        assert!(!weak.is_sound());
        let ends = [("00", "00"), ("01", "00"), ("ec", "7f"), ("ed", "7f"), ("ee", "7f")];
        let fillings = ends.map(|(first, last)| {
            format!("{first}{}{last}", if last == "00" { "00" } else { "ff" }.repeat(30))
        });
        for text in fillings.into_iter().chain([
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05".to_owned(),
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a".to_owned(),
        ]) {
            let mut bytes = from_hex(&text).unwrap();
            assert!(!key(Algorithm::EdDsa, bytes.clone()).is_sound(), "{text}");
            bytes[31] |= 0x80;
            assert!(!key(Algorithm::EdDsa, bytes).is_sound(), "{text}");
        }
        assert!(key(Algorithm::EdDsa, from_hex(&base).unwrap()).is_sound());
        let mut off_the_curve = good.bytes;
        off_the_curve[64] ^= 1;
        assert!(!key(Algorithm::Es256, off_the_curve).is_sound());
        assert!(!key(Algorithm::Es256, vec![4; 65]).is_sound());
        assert!(!key(Algorithm::EdDsa, vec![4; 31]).is_sound());
    }

    /// RFC 4231, cases 2 and 6, and a key of exactly one block from Python's `hmac`.
    #[test]
    fn macs_are_those_of_the_standard() {
        let mac = |key: &[u8], parts: &[&[u8]]| hex(&MacKey::new(key).mac(parts));
        assert_eq!(
            mac(b"Jefe", &[b"what do ya want ", b"for nothing?"]),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            mac(&[0xaa; 131], &[b"Test Using Larger Than Block-Size Key - Hash Key First"]),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
        assert_eq!(
            mac(&[0x6b; 64], &[b"text"]),
            "0414bb1d8c0c4556cdb2028727b16610ae377b1a194b6db1f853d4297f2329bc"
        );
    }

    #[test]
    fn hex_goes_both_ways() {
        assert_eq!(from_hex(&hex(&[0, 1, 0xab])).unwrap(), [0, 1, 0xab]);
        assert_eq!((from_hex("0"), from_hex("zz"), from_hex("")), (None, None, Some(vec![])));
    }

    #[test]
    fn a_cosigner_is_read_from_either_form_and_from_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let write = |text: &str, mode| {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        };
        let key = CosigningKey::from_seed(&[7; 32]).unwrap();
        write(&format!("{}\n", "07".repeat(32)), 0o600);
        let read = CosigningKey::read(&path).unwrap();
        assert_eq!(
            (read.public(), read.public().len()),
            (key.public(), CosigningKey::PUBLIC_BYTES)
        );
        let signature = read.sign(b"message").unwrap();
        assert_eq!(signature.len(), CosigningKey::SIGNATURE_BYTES);
        assert!(CosigningKey::verifies(&key.public(), b"message", &signature));
        assert!(!CosigningKey::verifies(&key.public(), b"massage", &signature));
        write(&"07".repeat(32), 0o644);
        assert!(matches!(CosigningKey::read(&path), Err(CryptoError::Exposed(..))));
        write(&"07".repeat(31), 0o600);
        assert!(matches!(CosigningKey::read(&path), Err(CryptoError::NotSeed(_))));
        let document = key.0.to_pkcs8v1().unwrap();
        use base64::Engine;
        let encoded = base64::prelude::BASE64_STANDARD.encode(document.as_ref());
        write(
            &format!("-----BEGIN PRIVATE KEY-----\n{encoded}\n-----END PRIVATE KEY-----\n"),
            0o600,
        );
        assert_eq!(CosigningKey::read(&path).unwrap().public(), key.public());
    }
}
