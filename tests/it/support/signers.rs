//! Organisations with two keys each, Ed25519 and ECDSA, and a draft between them: for tests of signatures alone.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use heyan::clock::now;
use heyan::crypto::SigningKey;
use heyan::parties::Register;
use heyan::pki::Authority;
use heyan::query::time::Timestamp;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};

const ORGANISATIONS: [(&str, &str); 3] = [
    ("fund-centre", "12430000000000027P"),
    ("civil-affairs", "11430000000000051B"),
    ("data-authority", "11430000000000043G"),
];

/// The key `<organisation>-1` is Ed25519, `<organisation>-2` ECDSA P-256.
pub(crate) struct Signers {
    pub(crate) register: Register,
    pub(crate) now: Timestamp,
    /// Identifier, key, and the same as PKCS#8 PEM.
    keys: Vec<(String, SigningKey, String)>,
}

impl Signers {
    pub(crate) fn new() -> Self {
        let now = now();
        let mut keys = Vec::new();
        let mut files = Vec::new();
        for (id, uscc) in ORGANISATIONS {
            let authority = Authority::new(id, now).unwrap().certificate.replace('\r', "");
            let mut file = format!(
                "id = \"{id}\"\nname = \"{id}\"\nname_zh = \"{id}\"\nuscc = \"{uscc}\"\n\
                 authorities = ['''\n{authority}''']\n"
            );
            for (number, kind) in [(1, &PKCS_ED25519), (2, &PKCS_ECDSA_P256_SHA256)] {
                let pair = KeyPair::generate_for(kind).unwrap();
                let der = plain(pair.serialize_der());
                let key = SigningKey::from_pkcs8(&der).unwrap();
                let (kid, public) = (format!("{id}-{number}"), key.public());
                file.push_str(&format!(
                    "[[keys]]\nkid = \"{kid}\"\nalg = \"{}\"\npublic = \"{}\"\n\
                     valid_from = \"2020-01-01T00:00:00Z\"\nvalid_to = \"2099-01-01T00:00:00Z\"\n",
                    public.algorithm.name(),
                    BASE64_URL_SAFE_NO_PAD.encode(&public.bytes),
                ));
                let pem = BASE64_STANDARD.encode(der);
                let pem =
                    format!("-----BEGIN PRIVATE KEY-----\n{pem}\n-----END PRIVATE KEY-----\n");
                keys.push((kid, key, pem));
            }
            files.push((id.to_owned(), file.into_bytes()));
        }
        Self { register: Register::from_documents(files).unwrap(), now, keys }
    }

    pub(crate) fn key(&self, kid: &str) -> &SigningKey {
        &self.keys.iter().find(|(known, ..)| known == kid).unwrap().1
    }

    /// The private key, as a file would hold it.
    pub(crate) fn pem(&self, kid: &str) -> &str {
        &self.keys.iter().find(|(known, ..)| known == kid).unwrap().2
    }

    /// The public keys as a JWK set: what `docs/agreements.md` says of the register's `public`.
    pub(crate) fn jwks(&self) -> serde_json::Value {
        let entries = self.register.organisations().flat_map(|organisation| &organisation.keys);
        let keys = entries.map(|entry| {
            let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
            match entry.key.bytes.as_slice() {
                [4, x_and_y @ ..] if x_and_y.len() == 64 => serde_json::json!({
                    "kty": "EC", "crv": "P-256", "kid": entry.kid,
                    "x": encode(&x_and_y[..32]), "y": encode(&x_and_y[32..]),
                }),
                x => serde_json::json!({
                    "kty": "OKP", "crv": "Ed25519", "kid": entry.kid, "x": encode(x),
                }),
            }
        });
        serde_json::json!({ "keys": keys.collect::<Vec<_>>() })
    }

    /// A draft between the first two; with a platform unless that is empty.
    pub(crate) fn draft(platform: &str) -> String {
        let platform = match platform {
            "" => String::new(),
            id => format!("platform = \"{id}\"\n"),
        };
        format!(
            "schema = 1\nid = \"trial\"\nversion = 1\ntitle = \"A trial\"\ntitle_zh = \"试用协议\"\n\
             consumer = \"fund-centre\"\nprovider = \"civil-affairs\"\n{platform}systems = [\"approval\"]\n\
             effective_from = \"2018-06-01T00:00:00+08:00\"\neffective_to = \"2099-06-01T00:00:00+08:00\"\n\
             retention = {{ keep_for = \"365d\", afterwards = \"delete\" }}\n\
             legal_basis = [\n{{ party = \"fund-centre\", instrument = \"条例\", article = \"24\" }},\n\
             {{ party = \"civil-affairs\", instrument = \"条例\", article = \"20\" }},\n]\n\
             [[clause]]\nfact = \"M2\"\nitems = [\"W1\"]\nroles = [\"person\"]\nassert = [\"married\"]\n\
             max_age = \"3d\"\nmask = {{ name = \"name\" }}\n"
        )
    }
}

/// PKCS#8 as OpenSSL writes it: an Ed25519 key without its public half, which other libraries do not read.
fn plain(der: Vec<u8>) -> Vec<u8> {
    const EDWARDS: &[u8] = b"\x02\x01\x01\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
    match der.get(2..16) {
        Some(EDWARDS) => [b"\x30\x2e\x02\x01\0", &EDWARDS[3..], &der[16..48]].concat(),
        _ => der,
    }
}
