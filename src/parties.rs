//! The party register: organisations, the authorities that issue their certificates, their systems and signing keys.

use std::collections::BTreeMap;
use std::path::Path;

use rustls::pki_types::CertificateDer;

use crate::crypto::PublicKey;
use crate::finding::Finding;
use crate::query::time::Timestamp;
use crate::query::{OrganisationId, SystemId};

/// Every registered organisation. Immutable: a change makes a new register.
#[derive(Clone, Debug, Default)]
pub struct Register {
    organisations: BTreeMap<OrganisationId, Organisation>,
}

/// A party.
#[derive(Clone, Debug)]
pub struct Organisation {
    /// Identifier, such as `civil-affairs`.
    pub id: OrganisationId,
    /// English name.
    pub name: String,
    /// Chinese name.
    pub name_zh: String,
    /// 统一社会信用代码, checked.
    pub uscc: String,
    /// Authorities whose certificates may name this organisation. No other organisation lists the same one.
    pub authorities: Vec<CertificateDer<'static>>,
    /// Its systems and what each may do.
    pub systems: BTreeMap<SystemId, Rights>,
    /// Keys that sign agreements for it.
    pub keys: Vec<SigningKeyEntry>,
    /// The register file, byte for byte, as it enters the log.
    pub document: Vec<u8>,
}

/// What a system may do at the gateway. Every right is off unless granted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// Put questions.
    pub query: bool,
    /// Read the audit log.
    pub audit: bool,
    /// Run the gateway.
    pub operate: bool,
}

/// One key that signs for an organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKeyEntry {
    /// Identifier, unique in the whole register.
    pub kid: String,
    /// The key.
    pub key: PublicKey,
    /// First moment at which documents signed with it are accepted.
    pub valid_from: Timestamp,
    /// First moment at which they no longer are.
    pub valid_to: Timestamp,
}

impl Register {
    /// Reads every `*.toml` of the folder.
    ///
    /// # Errors
    /// Every flaw found; a register with one flaw is not used at all.
    pub fn load(folder: &Path) -> Result<Self, Vec<Finding>> {
        Err(vec![Finding::new(folder, "cannot be read yet")])
    }

    /// Reads register files from their bytes; each comes with a name for findings. Pure: replay calls it too.
    ///
    /// # Errors
    /// As [`Register::load`].
    pub fn from_documents(
        documents: impl IntoIterator<Item = (String, Vec<u8>)>,
    ) -> Result<Self, Vec<Finding>> {
        Err(documents
            .into_iter()
            .map(|(name, _)| Finding::new(name, "cannot be read yet"))
            .collect())
    }

    /// One organisation.
    pub fn organisation(&self, id: &OrganisationId) -> Option<&Organisation> {
        self.organisations.get(id)
    }

    /// All of them, by id.
    pub fn organisations(&self) -> impl Iterator<Item = &Organisation> {
        self.organisations.values()
    }

    /// The signing key of that id, and whose it is.
    pub fn key(&self, kid: &str) -> Option<(&Organisation, &SigningKeyEntry)> {
        self.organisations().find_map(|organisation| {
            organisation
                .keys
                .iter()
                .find(|entry| entry.kid == kid)
                .map(|entry| (organisation, entry))
        })
    }
}
