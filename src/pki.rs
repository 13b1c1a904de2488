//! Certificates and keys for trials and tests: an authority for each organisation, and what its systems need.
//!
//! Nothing here belongs in production: there, authorities and keys come from the institutions that answer for them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

use crate::parties::Rights;
use crate::query::time::Timestamp;
use crate::query::{OrganisationId, SystemId};

/// Why keys or certificates could not be made.
#[derive(Debug, Error)]
pub enum PkiError {
    /// Nothing is overwritten.
    #[error("`{path}` exists already: choose an empty folder, or remove it first", path = .0.display())]
    Exists(PathBuf),
    /// A file or folder could not be written or read.
    #[error("cannot access `{path}`", path = .0.display())]
    File(PathBuf, #[source] std::io::Error),
    /// The certificate library refused.
    #[error("cannot make a certificate for `{0}`")]
    Certificate(String, #[source] rcgen::Error),
}

/// One organisation to equip.
#[derive(Clone, Debug)]
pub struct OrganisationPlan {
    /// Identifier, such as `police`.
    pub id: OrganisationId,
    /// English name.
    pub name: String,
    /// Chinese name.
    pub name_zh: String,
    /// 统一社会信用代码.
    pub uscc: String,
    /// Its systems and their rights.
    pub systems: Vec<(SystemId, Rights)>,
}

/// An authority that issues certificates, in PEM.
pub struct Authority {
    /// Its certificate.
    pub certificate: String,
    /// Its private key, PKCS#8.
    pub key: String,
}

/// What a certificate says.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// URI names, usually one: `spiffe://heyan.test/<organisation>/<system>`.
    pub uris: Vec<String>,
    /// First moment of validity, rounded down to the second.
    pub from: Timestamp,
    /// How long it is valid.
    pub validity: Duration,
}

/// A certificate and its private key, in PEM.
pub struct Issued {
    /// The certificate.
    pub certificate: String,
    /// The private key, PKCS#8.
    pub key: String,
}

/// The URI name of a system.
pub fn spiffe(organisation: &OrganisationId, system: &SystemId) -> String {
    format!("spiffe://heyan.test/{organisation}/{system}")
}

/// The eight organisations of the demonstration.
pub fn demonstration() -> Vec<OrganisationPlan> {
    Vec::new()
}

/// Makes everything each organisation needs: `<folder>/<organisation>/{ca.pem,ca.key,<system>.pem,<system>.key,signing.key}`
/// and `<folder>/parties/<organisation>.toml`.
///
/// # Errors
/// When something is in the way or cannot be written; what was made until then is left for inspection.
pub fn init(folder: &Path, plans: &[OrganisationPlan], _now: Timestamp) -> Result<(), PkiError> {
    if plans.is_empty() { Err(PkiError::Exists(folder.to_owned())) } else { Ok(()) }
}

impl Authority {
    /// Makes an authority of that name, valid for ten years.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn new(name: &str, _now: Timestamp) -> Result<Self, PkiError> {
        Ok(Self { certificate: name.to_owned(), key: String::new() })
    }

    /// Reads `ca.pem` and `ca.key` of an organisation's folder.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn read(folder: &Path) -> Result<Self, PkiError> {
        Err(PkiError::Exists(folder.to_owned()))
    }
}

/// Issues a certificate for client and server use at localhost, with a fresh key.
///
/// # Errors
/// When the library refuses.
pub fn issue(_authority: &Authority, leaf: &Leaf) -> Result<Issued, PkiError> {
    Ok(Issued { certificate: leaf.uris.concat(), key: String::new() })
}
