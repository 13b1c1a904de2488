//! An operator's workbench: one question through a manifest, with every step of it laid open.
//!
//! It shows personal data on purpose, to the operator who asked, and secrets to nobody. It asks without a permit, so it
//! opens an adapter of its own from a manifest's file and never touches one that is in force.

mod glimpses;
mod journal;
mod keys;
mod mask;
mod shown;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use self::glimpses::Glimpse;
use self::journal::{Journal, Listening};
pub use self::shown::{Conclusion, Evaluated, Received, Sent, Step, Steps, Told};
use super::Adapter;
use super::adapter::Nonces;
use super::line;
use super::manifest::{self, Access, Depth, Manifest};
use crate::catalogue::Catalogue;
use crate::finding::Finding;
use crate::query::time::Timestamp;
use crate::query::{FactCode, Query};

/// A manifest on the bench.
pub struct Workbench<'a> {
    file: PathBuf,
    catalogue: &'a Catalogue,
    manifest: Manifest,
}

impl<'a> Workbench<'a> {
    /// Reads the manifest with its secrets and certificates. Opens no connection.
    ///
    /// # Errors
    /// Every flaw of the manifest.
    pub fn open(file: &Path, catalogue: &'a Catalogue) -> Result<Self, Vec<Finding>> {
        let find = |code: &FactCode| catalogue.fact(code).cloned();
        let manifest = manifest::read(file, Depth::WithFiles, &find)?;
        Ok(Self { file: file.to_owned(), catalogue, manifest })
    }

    /// Name of the adapter.
    pub fn name(&self) -> &str {
        &self.manifest.name
    }

    /// The agency's address, as the manifest has it.
    pub fn place(&self) -> String {
        match &self.manifest.access {
            Access::Http(site) | Access::Soap(site, _) => site.base.clone(),
            Access::Sql(database) => {
                format!("{}:{}/{}", database.host, database.port, database.database)
            }
            Access::File(folder) => folder.path.display().to_string(),
            Access::Grpc(program) => program.authority.clone(),
        }
    }

    /// True when the address is one of this machine: nobody's agency.
    pub fn is_at_home(&self) -> bool {
        let place = self.place();
        let host = place.rsplit_once("://").map_or(place.as_str(), |(_, host)| host);
        let host = match host.strip_prefix('[') {
            Some(literal) => literal.split(']').next().unwrap_or_default(),
            None => host.split([':', '/']).next().unwrap_or_default(),
        };
        let is_loopback =
            host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        is_loopback || host == "localhost"
    }

    /// Puts one question to the agency, at the time `at` and for no longer than `budget`, and tells all that happened.
    /// Attributes outside `granted` are dropped, as a permit would have it.
    ///
    /// # Errors
    /// When no connection can be set up.
    pub async fn try_one(
        self,
        query: &Query,
        granted: &BTreeSet<String>,
        at: Timestamp,
        budget: Duration,
    ) -> Result<Steps, Finding> {
        let line = line::open(&self.manifest.access)
            .map_err(|problem| Finding::new(&self.file, problem))?;
        let place = self.place();
        let journal = Arc::new(Journal::about(&self.manifest, &query.fact));
        let name = self.manifest.name.clone();
        let version = self.manifest.version.clone();
        let attributes = self.catalogue.fact(&query.fact).map(|fact| fact.attributes.clone());
        let adapter = Adapter::watched(
            Arc::new(Listening::to(line, Arc::clone(&journal))),
            Nonces::Drawn,
            Some(journal.witness()),
            self.manifest,
            self.catalogue.digest(),
        );
        let grants = |attribute: &str| granted.contains(attribute);
        let answer = adapter.ask_granted(&grants, query, at, budget).await;
        let head = shown::Head { file: self.file, adapter: name, version, place, at };
        Ok(shown::steps(head, query, &journal, answer, &attributes.unwrap_or_default(), granted))
    }
}
