//! One manifest of the folder, read again beside the others, which are not even looked at.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::claims::{Claimant, settle};
use super::load::read_one;
use super::manifest::Allowed;
use super::{Adapter, Adapters, manifest};
use crate::catalogue::Catalogue;
use crate::finding::{Finding, files_in};
use crate::query::FactCode;

impl Adapters {
    /// The same with the adapter of that name as its manifest is now: changed, new, or gone with its file. Every other
    /// one stays as it is, with its connections, session and counters.
    ///
    /// # Errors
    /// What is wrong; then nothing changes.
    pub fn reload_one(
        &self,
        name: &str,
        folder: &Path,
        allowed: &Allowed,
        catalogue: &Catalogue,
    ) -> Result<Self, Vec<Finding>> {
        let find = |code: &FactCode| catalogue.fact(code).cloned();
        self.with_one(name, (folder, allowed), catalogue.digest(), &find)
    }

    pub(super) fn with_one(
        &self,
        name: &str,
        (folder, allowed): (&Path, &Allowed),
        catalogue: &[u8],
        find: &manifest::Find<'_>,
    ) -> Result<Self, Vec<Finding>> {
        let known = self.all.iter().find(|adapter| adapter.name() == name);
        let mut all: Vec<Arc<Adapter>> =
            self.all.iter().filter(|adapter| adapter.name() != name).map(Arc::clone).collect();
        match self.file_of(name, folder).map_err(|flaw| vec![flaw])? {
            Some(file) => {
                let adapter =
                    read_one(&file, known, allowed, catalogue, find)?.put_in_force(catalogue)?;
                if adapter.name() != name {
                    let problem = format!(
                        "it is named `{}` now, no longer `{name}`: reload the whole gateway",
                        adapter.name()
                    );
                    return Err(vec![Finding::new(file, problem)]);
                }
                let others = all.iter().map(|one| Claimant::adapter(one.file(), one, Some(one)));
                let this = Claimant::adapter(&file, &adapter, known.map(|known| &**known));
                let claimants: Vec<Claimant> = others.chain([this]).collect();
                let lost: Vec<Finding> = settle(&claimants).into_iter().flatten().collect();
                if !lost.is_empty() {
                    return Err(lost);
                }
                all.push(adapter);
            }
            None if known.is_some() => {}
            None => {
                let problem = format!("none of its manifests is named `{name}`");
                return Err(vec![Finding::new(folder, problem)]);
            }
        }
        all.sort_by(|one, other| one.name().cmp(other.name()));
        Ok(Self::of(all))
    }

    /// The file it came from while that is there, else one that nobody came from and that has this name.
    fn file_of(&self, name: &str, folder: &Path) -> Result<Option<PathBuf>, Finding> {
        let files = files_in(folder, "toml")?;
        let known = self.all.iter().find(|adapter| adapter.name() == name);
        if let Some(known) = known.filter(|known| files.iter().any(|file| file == known.file())) {
            return Ok(Some(known.file().to_owned()));
        }
        let is_free = |file: &&PathBuf| !self.all.iter().any(|adapter| adapter.file() == *file);
        let mut free = files.iter().filter(is_free);
        Ok(free.find(|file| manifest::name_of(file).as_deref() == Some(name)).cloned())
    }
}
