//! One party file: strict TOML, complete in itself, so that its bytes in the log are all a replay needs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;

use super::{Authority, Organisation, Rights, SigningKeyEntry};
use crate::crypto::{Algorithm, PublicKey, sha256};
use crate::finding::{self, Finding};
use crate::query::time::Timestamp;
use crate::query::{OrganisationId, SystemId, identifier};

/// Names go into certificates' paths and into every entry.
const NAME_LIMIT: usize = 64;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    id: String,
    name: String,
    name_zh: String,
    uscc: String,
    /// PEM certificates.
    authorities: Vec<String>,
    #[serde(default)]
    systems: BTreeMap<String, System>,
    #[serde(default)]
    keys: Vec<Key>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct System {
    rights: BTreeSet<Right>,
}

#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
enum Right {
    Query,
    Audit,
    Operate,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    kid: String,
    /// JOSE name: `EdDSA` or `ES256`.
    alg: String,
    /// base64url: 32 bytes for EdDSA, the uncompressed point of 65 bytes for ES256.
    public: String,
    valid_from: jiff::Timestamp,
    valid_to: jiff::Timestamp,
}

/// The longest party file, bytes: the log stores it whole in one entry of at most 65,535 bytes.
const SIZE_LIMIT: usize = 60 * 1024;

/// Reads one party file, noting every flaw.
pub(super) fn read(name: &Path, document: Vec<u8>) -> Result<Organisation, Vec<Finding>> {
    if document.len() > SIZE_LIMIT {
        let problem = format!("the file is longer than {SIZE_LIMIT} bytes");
        return Err(vec![Finding::new(name, problem)]);
    }
    let text = std::str::from_utf8(&document)
        .map_err(|_| vec![Finding::new(name, "the file is not UTF-8 text")])?;
    let file: File = finding::parse_toml(name, text).map_err(|finding| vec![finding])?;
    let mut problems = Vec::new();
    check_names(&file, &mut problems);
    let uscc = identifier::uscc(&file.uscc).unwrap_or_else(|check| {
        problems.push(format!("`uscc` is no 统一社会信用代码: the check `{check}` fails"));
        String::new()
    });
    let authorities = authorities(&file.authorities, &mut problems);
    let mut kids = BTreeSet::new();
    for entry in file.keys.iter().filter(|entry| !kids.insert(&entry.kid)) {
        problems.push(format!("the key id `{}` is listed twice; choose another", entry.kid));
    }
    let keys = file.keys.iter().filter_map(|entry| key(entry, &mut problems)).collect();
    if !problems.is_empty() {
        return Err(problems.into_iter().map(|problem| Finding::new(name, problem)).collect());
    }
    Ok(Organisation {
        id: OrganisationId::new(file.id),
        name: file.name,
        name_zh: file.name_zh,
        uscc,
        authorities,
        systems: file
            .systems
            .into_iter()
            .map(|(id, system)| (SystemId::new(id), rights(&system)))
            .collect(),
        keys,
        document,
    })
}

fn check_names(file: &File, problems: &mut Vec<String>) {
    for name in std::iter::once(&file.id).chain(file.systems.keys()) {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || name.len() > NAME_LIMIT || !name.bytes().all(allowed) {
            problems.push(format!(
                "`{name}` must be 1 to {NAME_LIMIT} lower-case letters, digits or `-`, as in a certificate's path"
            ));
        }
    }
}

fn authorities(given: &[String], problems: &mut Vec<String>) -> Vec<Authority> {
    if given.is_empty() {
        problems
            .push("`authorities` is empty: no certificate could name this organisation".to_owned());
    }
    let mut read = Vec::with_capacity(given.len());
    for (position, pem) in given.iter().enumerate() {
        match CertificateDer::from_pem_slice(pem.as_bytes()) {
            Ok(certificate) if webpki::anchor_from_trusted_cert(&certificate).is_ok() => {
                read.push(Authority { digest: sha256(&certificate), certificate });
            }
            _ => problems.push(format!("`authorities[{position}]` is no certificate in PEM")),
        }
    }
    read
}

fn key(entry: &Key, problems: &mut Vec<String>) -> Option<SigningKeyEntry> {
    let kid = &entry.kid;
    let Some(algorithm) = Algorithm::from_name(&entry.alg) else {
        problems.push(format!("key `{kid}`: `alg` must be `EdDSA` or `ES256`"));
        return None;
    };
    let length = match algorithm {
        Algorithm::EdDsa => 32,
        Algorithm::Es256 => 65,
    };
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(&entry.public).unwrap_or_default();
    if bytes.len() != length {
        problems.push(format!("key `{kid}`: `public` must be base64url of {length} bytes"));
    } else if !(PublicKey { algorithm, bytes: bytes.clone() }).is_sound() {
        problems.push(format!(
            "key `{kid}`: `public` is no key: under it anything or nothing verifies"
        ));
    }
    if entry.valid_to <= entry.valid_from {
        problems.push(format!("key `{kid}`: `valid_to` must be after `valid_from`"));
    }
    Some(SigningKeyEntry {
        kid: kid.clone(),
        key: PublicKey { algorithm, bytes },
        valid_from: timestamp(entry.valid_from),
        valid_to: timestamp(entry.valid_to),
    })
}

fn timestamp(at: jiff::Timestamp) -> Timestamp {
    Timestamp(u64::try_from(at.as_microsecond()).unwrap_or_default())
}

fn rights(system: &System) -> Rights {
    Rights {
        query: system.rights.contains(&Right::Query),
        audit: system.rights.contains(&Right::Audit),
        operate: system.rights.contains(&Right::Operate),
    }
}
