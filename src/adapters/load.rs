//! The folder of manifests: every one that is good is in force, every flaw is told.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::manifest::{self, Depth};
use super::{Adapter, Adapters};
use crate::catalogue::{Catalogue, Fact};
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

/// Every flaw of a manifest, or of every manifest of a folder, without putting any in force.
pub fn check(path: &Path, catalogue: &Catalogue, depth: Depth) -> Vec<Finding> {
    let find = |code: &FactCode| catalogue.fact(code).cloned();
    let files = if path.is_dir() { files_in(path, "toml") } else { Ok(vec![path.to_owned()]) };
    let files = match files {
        Ok(files) => files,
        Err(finding) => return vec![finding],
    };
    let mut findings = Vec::new();
    let mut claimed = Claims::default();
    for file in files {
        match manifest::read(&file, depth, &find) {
            Ok(read) => {
                let facts = read.operations.iter().map(|operation| &operation.fact);
                findings.extend(claimed.claim(&file, &read.name, facts).err());
            }
            Err(flaws) => findings.extend(flaws),
        }
    }
    findings
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
    let manifest = manifest::read(file, Depth::WithFiles, find)?;
    match known.filter(|adapter| adapter.is_of(&manifest, catalogue)) {
        Some(adapter) => Ok(Arc::clone(adapter)),
        None => Adapter::new(manifest, catalogue).map(Arc::new).map_err(|flaw| vec![flaw]),
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
