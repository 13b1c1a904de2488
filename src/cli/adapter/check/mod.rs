//! `heyan adapter check`: proves manifests before they are put in force, in levels that each include those before.

mod junit;
mod people;
mod programs;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};

use crate::adapters::{self, Depth, Rehearsal};
use crate::catalogue::Catalogue;
use crate::cli::{NO, findings};
use crate::finding::Finding;

/// Arguments of `heyan adapter check`.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// One manifest, or a folder of them
    path: PathBuf,
    /// The catalogue, with its folders `facts` and `items`
    #[arg(long, value_name = "FOLDER")]
    catalogue: PathBuf,
    /// How far to go; each level includes those before
    #[arg(long, value_enum, default_value_t = Level::Replay)]
    level: Level,
    /// Leave secrets, keys and certificates unread, where they are not at hand
    #[arg(long)]
    manifest_only: bool,
    /// Print everything as JSON
    #[arg(long)]
    json: bool,
    /// Write a report in JUnit's XML, for a build server
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

/// How far a check goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Level {
    /// Manifests and what they name
    Static,
    /// Their fixtures too, with the clock stopped
    Replay,
}

/// What was found.
struct Report<'a> {
    path: &'a PathBuf,
    /// Level `static`: flaws of manifests.
    flaws: Vec<Finding>,
    /// Level `replay`: one for each manifest that can be read.
    rehearsals: Vec<Rehearsal>,
}

impl Report<'_> {
    /// Everything to mend, level by level.
    fn findings(&self) -> Vec<Finding> {
        let mut findings = self.flaws.clone();
        for rehearsal in &self.rehearsals {
            findings.extend(rehearsal.findings());
            findings.extend(rehearsal.missing.iter().cloned());
        }
        findings
    }

    /// What should be seen to, and changes no exit code.
    fn warnings(&self) -> Vec<String> {
        let make = "make some with `heyan adapter record`";
        let mut warnings = Vec::new();
        for rehearsal in &self.rehearsals {
            let file = rehearsal.manifest.display();
            let folder = rehearsal.manifest.with_extension("");
            if !rehearsal.has_fixtures {
                let folder = folder.display();
                warnings.push(format!("{file}: there are no fixtures in `{folder}/`; {make}"));
            }
            for fact in &rehearsal.bare {
                warnings.push(format!("{file}: `{fact}` has no fixtures; {make}"));
            }
        }
        warnings
    }
}

/// Runs it: exit 0 when there is nothing to mend, 1 with findings.
///
/// # Errors
/// When there is nothing to read, no catalogue to hold it against, or the report cannot be written.
pub(super) fn run(check: &Check) -> anyhow::Result<ExitCode> {
    if !check.path.exists() {
        bail!("there is no `{}`", check.path.display());
    }
    let catalogue = match Catalogue::load(&check.catalogue) {
        Ok(catalogue) => catalogue,
        Err(findings) => {
            findings::tell(&check.path, &findings, check.json);
            bail!("the catalogue `{}` cannot be used", check.catalogue.display());
        }
    };
    let depth = if check.manifest_only { Depth::ManifestOnly } else { Depth::WithFiles };
    let mut report = Report {
        path: &check.path,
        flaws: adapters::check(&check.path, &catalogue, depth),
        rehearsals: Vec::new(),
    };
    if check.level >= Level::Replay {
        report.rehearsals = adapters::rehearse(&check.path, &catalogue);
    }
    if let Some(file) = &check.junit {
        let written = std::fs::write(file, junit::xml(&report)?);
        written.with_context(|| format!("`{}` cannot be written", file.display()))?;
    }
    if check.json {
        programs::tell(&report);
    } else {
        people::tell(&report);
    }
    Ok(if report.findings().is_empty() { ExitCode::SUCCESS } else { ExitCode::from(NO) })
}

#[cfg(test)]
mod tests;
