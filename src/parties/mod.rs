//! The party register: organisations, the authorities that issue their certificates, their systems and signing keys.

mod file;

use std::collections::BTreeMap;
use std::path::Path;

use rustls::pki_types::CertificateDer;

use crate::crypto::{Digest, PublicKey};
use crate::finding::{self, Finding};
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
    pub authorities: Vec<Authority>,
    /// Its systems and what each may do.
    pub systems: BTreeMap<SystemId, Rights>,
    /// Keys that sign agreements for it.
    pub keys: Vec<SigningKeyEntry>,
    /// The register file, byte for byte, as it enters the log.
    pub document: Vec<u8>,
}

impl Organisation {
    /// Whether this is one of its authorities, by SHA-256 of the authority's own certificate.
    pub fn has_authority(&self, digest: &Digest) -> bool {
        self.authorities.iter().any(|authority| authority.digest == *digest)
    }
}

/// An authority that issues certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// Its own certificate.
    pub certificate: CertificateDer<'static>,
    /// SHA-256 of that: every question looks at it.
    pub digest: Digest,
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
        let files = finding::files_in(folder, "toml").map_err(|finding| vec![finding])?;
        if files.is_empty() {
            let problem =
                "there is no party file (*.toml): `heyan pki init` makes them for a trial";
            return Err(vec![Finding::new(folder, problem)]);
        }
        let mut documents = Vec::with_capacity(files.len());
        let mut findings = Vec::new();
        for file in files {
            match finding::read_text(&file) {
                Ok(text) => documents.push((file.display().to_string(), text.into_bytes())),
                Err(finding) => findings.push(finding),
            }
        }
        match Self::from_documents(documents) {
            Ok(register) if findings.is_empty() => Ok(register),
            Ok(_) => Err(findings),
            Err(more) => {
                findings.extend(more);
                Err(findings)
            }
        }
    }

    /// Reads register files from their bytes; each comes with a name for findings. Pure: replay calls it too.
    ///
    /// # Errors
    /// As [`Register::load`].
    pub fn from_documents(
        documents: impl IntoIterator<Item = (String, Vec<u8>)>,
    ) -> Result<Self, Vec<Finding>> {
        let mut register = Self::default();
        let mut findings = Vec::new();
        for (name, document) in documents {
            match file::read(Path::new(&name), document) {
                Ok(organisation) => register.enter(&name, organisation, &mut findings),
                Err(found) => findings.extend(found),
            }
        }
        if findings.is_empty() { Ok(register) } else { Err(findings) }
    }

    /// Takes an organisation in unless it clashes with one that is there.
    fn enter(&mut self, name: &str, organisation: Organisation, findings: &mut Vec<Finding>) {
        let mut clash = |problem: String| findings.push(Finding::new(name, problem));
        for known in self.organisations.values() {
            if known.id == organisation.id {
                clash(format!("organisation `{}` has another file already", known.id));
            }
            // A shared authority could vouch for either, which is what naming organisations is to prevent.
            if known.authorities.iter().any(|one| organisation.authorities.contains(one)) {
                clash(format!("its authority is also that of `{}`; each needs its own", known.id));
            }
        }
        for entry in &organisation.keys {
            if self.key(&entry.kid).is_some() {
                clash(format!("the key id `{}` is taken; choose another", entry.kid));
            }
            // Whoever holds a shared key could sign for both parties of an agreement.
            let mut others = self.organisations.values().filter(|known| {
                known.id != organisation.id && known.keys.iter().any(|one| one.key == entry.key)
            });
            if let Some(other) = others.next() {
                let kid = &entry.kid;
                clash(format!(
                    "the key `{kid}` is also that of `{}`; each needs its own",
                    other.id
                ));
            }
        }
        self.organisations.insert(organisation.id.clone(), organisation);
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/certs-example/parties");

    fn sample(id: &str) -> String {
        fs::read_to_string(Path::new(SAMPLES).join(format!("{id}.toml"))).unwrap()
    }

    fn problems(documents: &[String]) -> Vec<String> {
        let named = documents
            .iter()
            .enumerate()
            .map(|(number, text)| (number.to_string(), text.clone().into_bytes()));
        let findings = Register::from_documents(named).unwrap_err();
        findings.into_iter().map(|finding| finding.problem).collect()
    }

    #[test]
    fn the_samples_read() {
        let register = Register::load(Path::new(SAMPLES)).unwrap();
        let fund = register.organisation(&"fund-centre".into()).unwrap();
        assert_eq!(
            fund.systems.get("approval").copied(),
            Some(Rights { query: true, ..Rights::default() })
        );
        assert_eq!(fund.document, sample("fund-centre").into_bytes());
        let (organisation, _) = register.key("civil-affairs-1").unwrap();
        assert_eq!(organisation.id.as_str(), "civil-affairs");
        assert!(register.key("civil-affairs-2").is_none());
    }

    #[test]
    fn flaws_and_clashes_are_named() {
        let civil = sample("civil-affairs");
        let key = civil.split("[[keys]]").nth(1).unwrap();
        let public = key.split('"').nth(5).unwrap();
        let weak = civil.replace(public, &format!("AQ{}", "A".repeat(41)));
        for (flawed, problem) in [
            (civil.replace("uscc = \"1", "uscc = \"2"), "the check `check_digit` fails"),
            (civil.replace("id = \"civil-affairs\"", "id = \"Civil\""), "lower-case letters"),
            (civil.replace("EdDSA", "RS256"), "`alg` must be"),
            (civil.replace("EdDSA", "ES256"), "65 bytes"),
            (weak, "`public` is no key"),
            (civil.replace("BEGIN", "BEGIM"), "no certificate in PEM"),
            (civil.replace("rights = []", "rights = [\"query\", \"root\"]"), "unknown variant"),
            (format!("{civil}\n[[keys]]{key}"), "listed twice"),
            (format!("{civil}\n#{}", "x".repeat(60 << 10)), "longer than 61440 bytes"),
        ] {
            assert_ne!(flawed, civil);
            let found = problems(&[flawed]);
            assert!(found.iter().any(|found| found.contains(problem)), "{problem}: {found:?}");
        }
        let keyless = |text: String| text.split("[[keys]]").next().unwrap().to_owned();
        let sharing = format!(
            "{}\n[[keys]]{}",
            keyless(sample("fund-centre")),
            key.replace("affairs-1", "affairs-9")
        );
        let found = problems(&[civil.clone(), sharing]);
        assert!(
            found.iter().any(|found| found.contains("also that of `civil-affairs`")),
            "{found:?}"
        );
        let found = problems(&[civil.clone(), civil]);
        for problem in ["another file", "authority", "is taken"] {
            assert!(found.iter().any(|found| found.contains(problem)), "{problem}: {found:?}");
        }
    }
}
