//! An operator's workbench: one question through a manifest, with every step of it laid open.
//!
//! It shows personal data on purpose, to the operator who asked, and secrets to nobody. It asks without a permit, so it
//! opens an adapter of its own from a manifest's file and never touches one that is in force.

mod glimpses;
mod journal;
mod keys;
mod mask;
mod leaves;
mod looks;
mod invented;
mod disguise;
mod taken;
mod saved;
mod recorder;
mod messages;
mod shown;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use self::glimpses::Glimpse;
use self::journal::{Journal, Listening};
pub use self::recorder::{RecordError, Recorded, Target};
pub use self::shown::{Conclusion, Evaluated, Received, Sent, Step, Steps, Told};
use super::failed::Failed;
use super::fixture::{self, Script};
use super::line;
use super::manifest::{self, Depth, Manifest};
use super::once::Once;
use super::{Adapter, Answer};
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

    /// Reads the manifest alone, for questions that ask nobody: no secret is read.
    ///
    /// # Errors
    /// Every flaw of the manifest.
    pub fn open_without_files(file: &Path, catalogue: &'a Catalogue) -> Result<Self, Vec<Finding>> {
        let find = |code: &FactCode| catalogue.fact(code).cloned();
        let manifest = manifest::read(file, Depth::ManifestOnly, &find)?;
        Ok(Self { file: file.to_owned(), catalogue, manifest })
    }

    /// Name of the adapter.
    pub fn name(&self) -> &str {
        &self.manifest.name
    }

    /// The facts it answers.
    pub fn facts(&self) -> impl Iterator<Item = &str> {
        self.manifest.operations.iter().map(|operation| operation.fact.as_str())
    }

    /// The agency's address, as the manifest has it.
    pub fn place(&self) -> String {
        self.manifest.access.place()
    }

    /// True when the address is one of this machine: nobody's agency.
    ///
    /// A program that the gateway starts is not: whom it asks is not written in the manifest. A folder is: its agency does
    /// not hear of a question.
    pub fn is_at_home(&self) -> bool {
        self.manifest.access.is_at_home()
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
            Some(journal.witness()),
            self.manifest,
            self.catalogue.digest(),
        );
        let grants = |attribute: &str| granted.contains(attribute);
        let answer = adapter.ask_granted(&grants, query, at, budget).await;
        let head = shown::Head { file: self.file, adapter: name, version, place, at };
        Ok(shown::steps(head, query, &journal, answer, &attributes.unwrap_or_default(), granted))
    }

    /// The same steps from a fixture, by default the first of its file: its question, its clock, its secrets. Asks nobody.
    ///
    /// # Errors
    /// Flaws of the file, or no fixture of that name.
    pub async fn try_fixture(
        self,
        file: &Path,
        name: Option<&str>,
        budget: Duration,
    ) -> Result<Steps, Vec<Finding>> {
        let find = |code: &FactCode| self.catalogue.fact(code).cloned();
        let fixtures = fixture::read(file, &find)?;
        let flaw = |problem: String| vec![Finding::new(file, problem)];
        let mut all = fixtures.fixtures.iter();
        let fixture = all
            .find(|fixture| name.is_none_or(|name| fixture.name == name))
            .ok_or_else(|| flaw(format!("no fixture `{}`", name.unwrap_or_default())))?;
        let operation = self.manifest.operations.iter().find(|known| known.fact == fixtures.fact);
        let operation = operation.ok_or_else(|| {
            flaw(format!("the manifest has no operation for `{}`", fixtures.fact))
        })?;
        let journal = Arc::new(Journal::about(&self.manifest, &fixtures.fact));
        let secrets = fixtures.secrets_for(&self.manifest);
        let query = fixture::query(operation, fixture);
        let granted: BTreeSet<String> = query.disclose.iter().cloned().collect();
        let attributes = operation.catalogue.clone();
        let script = Script::new(
            fixture.exchanges.clone(),
            journal.charset(),
            attributes.clone(),
            fixture.line,
        );
        let once = Once {
            manifest: &self.manifest,
            operation,
            secrets: Some(&secrets),
            witness: Some(journal.witness()),
            at: fixture.at,
            nonces: &fixture.nonces,
            budget,
        };
        let line = Arc::new(Listening::to(Arc::new(script), Arc::clone(&journal)));
        let ended = once.ask(line, &query, &granted).await;
        let answer = ended
            .map(|mapped| Answer { record: mapped.record, dropped: mapped.dropped })
            .map_err(|failed: Failed| {
                let name = self.file.file_name().unwrap_or_default().to_string_lossy();
                failed.into_failure(&name, &query.fact)
            });
        let head = shown::Head {
            file: self.file.clone(),
            adapter: self.manifest.name.clone(),
            version: self.manifest.version.clone(),
            place: format!("{}:{}", file.display(), fixture.line),
            at: fixture.at,
        };
        Ok(shown::steps(head, &query, &journal, answer, &attributes, &granted))
    }
}
