//! The folder of manifests: every one that is good is in force, every flaw is told.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::fixture::{self, Rehearsal};
use super::manifest::{self, Depth, Manifest};
use super::{Adapter, Adapters};
use crate::catalogue::{Catalogue, Fact};
use crate::crypto::sha256_parts;
use crate::finding::{Finding, files_in};
use crate::query::FactCode;

impl Adapters {
    /// Reads every `*.toml` of the folder. A manifest with a flaw is left out, or stays as it was in `previous`; one
    /// that did not change keeps its connections, session and counters. One that is gone is gone.
    pub fn load(
        folder: &Path,
        catalogue: &Catalogue,
        previous: Option<&Self>,
    ) -> (Self, Vec<Finding>) {
        let find = |code: &FactCode| catalogue.fact(code).cloned();
        read_folder(folder, catalogue.digest(), &find, previous)
    }
}

/// What came of looking at manifests.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// What keeps a manifest out of force.
    pub findings: Vec<Finding>,
    /// What does not, and should be seen to in time. Of manifests without findings only.
    pub warnings: Vec<Finding>,
}

/// Every flaw of a manifest, or of every manifest of a folder, without putting any in force.
pub fn check(path: &Path, catalogue: &Catalogue, depth: Depth) -> Checked {
    let find = |code: &FactCode| catalogue.fact(code).cloned();
    let files = if path.is_dir() { files_in(path, "toml") } else { Ok(vec![path.to_owned()]) };
    let files = match files {
        Ok(files) => files,
        Err(finding) => return Checked { findings: vec![finding], warnings: Vec::new() },
    };
    let mut checked = Checked::default();
    let mut claimed = Claims::default();
    for file in files {
        match manifest::read(&file, depth, &find) {
            Ok(read) => {
                let facts = read.operations.iter().map(|operation| &operation.fact);
                checked.findings.extend(claimed.claim(&file, &read.name, facts).err());
                checked.warnings.extend(read.warnings);
            }
            Err(flaws) => checked.findings.extend(flaws),
        }
    }
    checked
}

/// Plays the fixtures of a manifest, or of every manifest of a folder, that can be read at all. Opens no socket, reads
/// no secret.
pub fn rehearse(path: &Path, catalogue: &Catalogue) -> Vec<Rehearsal> {
    let find = |code: &FactCode| catalogue.fact(code).cloned();
    let files = if path.is_dir() { files_in(path, "toml") } else { Ok(vec![path.to_owned()]) };
    let files = files.unwrap_or_default().into_iter();
    files
        .filter_map(|file| manifest::read(&file, Depth::ManifestOnly, &find).ok())
        .map(|manifest| fixture::rehearse(&manifest, &find, true))
        .collect()
}

/// The manifest, once its fixtures have come out as they say.
fn rehearsed(
    manifest: Manifest,
    find: &dyn Fn(&FactCode) -> Option<Fact>,
) -> Result<Manifest, Vec<Finding>> {
    let rehearsal = fixture::rehearse(&manifest, find, false);
    if !rehearsal.has_fixtures {
        tracing::warn!(
            adapter = %manifest.name,
            "the adapter has no fixtures, so nothing shows that it maps answers rightly; make some with `heyan adapter record`"
        );
    }
    match rehearsal.findings() {
        findings if findings.is_empty() => Ok(manifest),
        findings => Err(findings),
    }
}

pub(super) fn read_folder(
    folder: &Path,
    catalogue: &[u8],
    find: &dyn Fn(&FactCode) -> Option<Fact>,
    previous: Option<&Adapters>,
) -> (Adapters, Vec<Finding>) {
    let mut files = match files_in(folder, "toml") {
        Ok(files) => files,
        // The folder may be away for a moment; what was good goes on.
        Err(finding) => return (previous.cloned().unwrap_or_default(), vec![finding]),
    };
    let known = |file: &Path| {
        previous.and_then(|before| before.all.iter().find(|adapter| adapter.file() == file))
    };
    // A newcomer cannot take a fact away from a manifest that is in force.
    files.sort_by_key(|file| known(file).is_none());
    let mut findings = Vec::new();
    let mut claims = Claims::default();
    let mut all: Vec<Arc<Adapter>> = Vec::new();
    for file in files {
        let adapter = match read_one(&file, known(&file), catalogue, find) {
            Ok(adapter) => Some(adapter),
            Err(flaws) => {
                findings.extend(flaws);
                known(&file).map(Arc::clone)
            }
        };
        let Some(adapter) = adapter else { continue };
        match claims.claim(&file, adapter.name(), adapter.facts()) {
            Ok(()) => all.push(adapter),
            Err(finding) => findings.push(finding),
        }
    }
    all.sort_by(|one, other| one.name().cmp(other.name()));
    (Adapters::of(all), findings)
}

/// The adapter of one manifest: `known` when nothing of that has changed.
pub(super) fn read_one(
    file: &Path,
    known: Option<&Arc<Adapter>>,
    catalogue: &[u8],
    find: &dyn Fn(&FactCode) -> Option<Fact>,
) -> Result<Arc<Adapter>, Vec<Finding>> {
    let mut manifest = manifest::read(file, Depth::WithFiles, find)?;
    manifest.fingerprint = sha256_parts(&[&manifest.fingerprint, &fixture::digest(file)]);
    match known.filter(|adapter| adapter.is_of(&manifest, catalogue)) {
        Some(adapter) => Ok(Arc::clone(adapter)),
        None => {
            let manifest = rehearsed(manifest, find)?;
            let adapter = Adapter::new(manifest, catalogue).map_err(|flaw| vec![flaw])?;
            Ok(Arc::new(match known {
                Some(known) => adapter.succeeding(known),
                None => adapter,
            }))
        }
    }
}

/// Which manifest has which name and answers which fact.
#[derive(Default)]
pub(super) struct Claims {
    names: BTreeMap<String, String>,
    facts: BTreeMap<FactCode, String>,
}

impl Claims {
    pub(super) fn claim<'a>(
        &mut self,
        file: &Path,
        name: &str,
        facts: impl Iterator<Item = &'a FactCode>,
    ) -> Result<(), Finding> {
        let shown = file.display().to_string();
        if let Some(other) = self.names.get(name) {
            let problem =
                format!("the name `{name}` is that of `{other}`: this manifest is left out");
            return Err(Finding::new(file, problem));
        }
        let facts: Vec<&FactCode> = facts.collect();
        for fact in &facts {
            if let Some(other) = self.facts.get(*fact) {
                let problem =
                    format!("`{fact}` is answered by `{other}`: this manifest is left out");
                return Err(Finding::new(file, problem));
            }
        }
        self.names.insert(name.to_owned(), shown.clone());
        self.facts.extend(facts.into_iter().map(|fact| (fact.clone(), shown.clone())));
        Ok(())
    }
}
