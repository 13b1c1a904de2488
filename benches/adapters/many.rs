//! Many manifests: the six samples again and again, each under names and facts of its own.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// A folder of manifests, and the catalogue that has their facts.
pub(crate) struct Many {
    pub(crate) adapters: PathBuf,
    pub(crate) catalogue: PathBuf,
}

/// How far the copies differ.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Each reads other fields of its agency, as 200 agencies would have them. Their fixtures would not fit.
    Apart,
    /// As the samples are, with their fixtures, which are played.
    WithFixtures,
}

impl Many {
    /// Puts so many into these folders, made from the samples of the installation.
    pub(crate) fn fill(&self, installation: &Path, kind: Kind, count: usize) -> anyhow::Result<()> {
        fs::create_dir_all(&self.adapters)?;
        for folder in ["facts", "items"] {
            fs::create_dir_all(self.catalogue.join(folder))?;
        }
        let mut samples: Vec<PathBuf> = fs::read_dir(installation.join("adapters"))?
            .map(|entry| Ok(entry?.path()))
            .collect::<anyhow::Result<_>>()?;
        samples.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
        samples.sort();
        for (number, sample) in samples.iter().cycle().take(count).enumerate() {
            self.copy(installation, sample, number, kind)?;
        }
        Ok(())
    }

    fn copy(
        &self,
        installation: &Path,
        sample: &Path,
        number: usize,
        kind: Kind,
    ) -> anyhow::Result<()> {
        let agency = sample.file_stem().and_then(|name| name.to_str()).context("no name")?;
        let facts = installation.join(format!("catalogue/facts/{agency}.toml"));
        let facts = fs::read_to_string(facts)?;
        let codes: Vec<&str> = facts
            .lines()
            .filter_map(|line| line.strip_prefix("code = \"")?.strip_suffix('"'))
            .collect();
        let renamed = |text: &str| {
            let mut text = text.to_owned();
            for code in &codes {
                let own = format!("{code}X{number}");
                text = text.replace(&format!("\"{code}\"\n"), &format!("\"{own}\"\n"));
                text = text.replace(&format!("\n{code} = "), &format!("\n{own} = "));
            }
            text
        };
        let file = format!("facts/{agency}-{number}.toml");
        fs::write(self.catalogue.join(file), renamed(&facts))?;

        let named = format!("\"{agency}-{number}\"");
        let mut manifest =
            renamed(&fs::read_to_string(sample)?).replacen(&format!("\"{agency}\""), &named, 1);
        if kind == Kind::Apart {
            for (common, own) in [("resp.body", ""), ("doc.", "."), ("doc[", "[")] {
                let before = common.trim_end_matches(['.', '[']);
                manifest = manifest.replace(common, &format!("{before}.of{number}{own}"));
            }
        }
        fs::write(self.adapters.join(format!("{agency}-{number}.toml")), manifest)?;
        let fixtures = sample.with_extension("");
        if kind == Kind::WithFixtures && fixtures.is_dir() {
            let folder = self.adapters.join(format!("{agency}-{number}"));
            fs::create_dir_all(&folder)?;
            for file in fs::read_dir(fixtures)? {
                let file = file?;
                let text = renamed(&fs::read_to_string(file.path())?);
                fs::write(folder.join(file.file_name()), text)?;
            }
        }
        Ok(())
    }
}
