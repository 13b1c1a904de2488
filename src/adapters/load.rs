//! The folder of manifests: every one that is good is in force, every flaw is told.

use std::path::Path;
use std::sync::Arc;

use super::claims::{Claimant, settle};
use super::fixture::{self, Rehearsal};
use super::language::room::each_with_room;
use super::manifest::{self, Allowed, Depth, Find, Manifest};
use super::{Adapter, Adapters};
use crate::catalogue::Catalogue;
use crate::crypto::sha256_parts;
use crate::finding::{Finding, files_in};
use crate::query::FactCode;

impl Adapters {
    /// Reads every `*.toml` of the folder. A manifest with a flaw is left out, or stays as it was in `previous`; one
    /// that did not change keeps its connections, session and counters. One that is gone is gone.
    pub fn load(
        folder: &Path,
        allowed: &Allowed,
        catalogue: &Catalogue,
        previous: Option<&Self>,
    ) -> (Self, Vec<Finding>) {
        let find = |code: &FactCode| catalogue.fact(code).cloned();
        read_folder(folder, allowed, catalogue.digest(), &find, previous)
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
    let mut claimants = Vec::new();
    let read = each_with_room(&files, |file| manifest::read(file, depth, &find));
    for (file, read) in files.iter().zip(read) {
        match read.unwrap_or_else(|| Err(vec![manifest::gave_up(file)])) {
            Ok(read) => {
                claimants.push(Claimant::reading(file, &read));
                checked.warnings.extend(read.warnings);
            }
            Err(flaws) => checked.findings.extend(flaws),
        }
    }
    checked.findings.extend(settle(&claimants).into_iter().flatten());
    checked
}

/// Plays the fixtures of a manifest, or of every manifest of a folder, that can be read at all. Opens no socket, reads
/// no secret.
pub fn rehearse(path: &Path, catalogue: &Catalogue) -> Vec<Rehearsal> {
    let find = |code: &FactCode| catalogue.fact(code).cloned();
    let files = if path.is_dir() { files_in(path, "toml") } else { Ok(vec![path.to_owned()]) };
    let rehearsed = each_with_room(&files.unwrap_or_default(), |file| {
        let manifest = manifest::read(file, Depth::ManifestOnly, &find).ok()?;
        Some(fixture::rehearse(&manifest, &find, true))
    });
    rehearsed.into_iter().flatten().flatten().collect()
}

pub(super) fn read_folder(
    folder: &Path,
    allowed: &Allowed,
    catalogue: &[u8],
    find: &Find<'_>,
    previous: Option<&Adapters>,
) -> (Adapters, Vec<Finding>) {
    let files = match files_in(folder, "toml") {
        Ok(files) => files,
        // The folder may be away for a moment; what was good goes on.
        Err(finding) => return (previous.cloned().unwrap_or_default(), vec![finding]),
    };
    let known = |file: &Path| {
        previous.and_then(|before| before.all.iter().find(|adapter| adapter.file() == file))
    };
    let mut findings = Vec::new();
    let mut wanted: Vec<(&Path, Arc<Adapter>)> = Vec::new();
    let read = each_with_room(&files, |file| read_one(file, known(file), allowed, catalogue, find));
    for (file, read) in files.iter().zip(read) {
        let read = read.unwrap_or_else(|| Err(vec![manifest::gave_up(file)]));
        let adapter = match read.and_then(|read| read.put_in_force(catalogue)) {
            Ok(adapter) => Some(adapter),
            Err(flaws) => {
                findings.extend(flaws);
                known(file).map(Arc::clone)
            }
        };
        wanted.extend(adapter.map(|adapter| (file.as_path(), adapter)));
    }
    let claimants: Vec<Claimant> = wanted
        .iter()
        .map(|(file, adapter)| Claimant::adapter(file, adapter, known(file).map(|known| &**known)))
        .collect();
    let mut all: Vec<Arc<Adapter>> = Vec::new();
    for ((file, adapter), lost) in wanted.into_iter().zip(settle(&claimants)) {
        match lost {
            None => all.push(adapter),
            Some(finding) => {
                findings.push(finding);
                all.extend(known(file).map(Arc::clone));
            }
        }
    }
    all.sort_by(|one, other| one.name().cmp(other.name()));
    (Adapters::of(all), findings)
}

/// One manifest, read.
pub(super) enum Read {
    /// As it was: nothing of what made the adapter has changed.
    Same(Arc<Adapter>),
    /// Another, whose fixtures have come out as they say, and the one before it under this file.
    Changed(Box<Manifest>, Option<Arc<Adapter>>),
}

/// Reads one manifest beside what is `known` of it, and plays its fixtures. Opens nothing, so it may run anywhere.
pub(super) fn read_one(
    file: &Path,
    known: Option<&Arc<Adapter>>,
    allowed: &Allowed,
    catalogue: &[u8],
    find: &Find<'_>,
) -> Result<Read, Vec<Finding>> {
    let mut manifest = manifest::read_within(file, Depth::WithFiles, allowed, find)?;
    manifest.fingerprint = sha256_parts(&[&manifest.fingerprint, &fixture::digest(file)]);
    if let Some(same) = known.filter(|adapter| adapter.is_of(&manifest, catalogue)) {
        return Ok(Read::Same(Arc::clone(same)));
    }
    let findings = fixture::rehearse(&manifest, find, false).findings();
    match findings.is_empty() {
        true => Ok(Read::Changed(Box::new(manifest), known.map(Arc::clone))),
        false => Err(findings),
    }
}

impl Read {
    /// The adapter. Lines are set up on the caller's thread: some want to be inside its runtime.
    pub(super) fn put_in_force(self, catalogue: &[u8]) -> Result<Arc<Adapter>, Vec<Finding>> {
        match self {
            Self::Same(adapter) => Ok(adapter),
            Self::Changed(manifest, before) => {
                if !fixture::are_there(&manifest.file) {
                    tracing::warn!(
                        adapter = %manifest.name,
                        "the adapter has no fixtures, so nothing shows that it maps answers rightly; make some with `heyan adapter record`"
                    );
                }
                let adapter = Adapter::new(*manifest, catalogue).map_err(|flaw| vec![flaw])?;
                Ok(Arc::new(match before {
                    Some(before) => adapter.succeeding(&before),
                    None => adapter,
                }))
            }
        }
    }
}
