//! `heyan adapter check`: proves manifests before they are put in force, in levels that each include those before.

mod faults;
mod junit;
mod live;
mod people;
mod programs;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};

use super::leave::Leave;
use crate::adapters::live::Report as Live;
use crate::adapters::{self, Depth, Rehearsal};
use crate::catalogue::Catalogue;
use crate::cli::{NO, findings};
use crate::finding::{Finding, files_in};

/// Arguments of `heyan adapter check`.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// One manifest, or a folder of them
    path: PathBuf,
    /// The catalogue, with its folders `facts` and `items`
    #[arg(long, value_name = "FOLDER")]
    catalogue: PathBuf,
    /// How far to go; each level includes `static` and `replay`
    #[arg(long, value_enum, default_value_t = Level::Replay)]
    level: Level,
    /// Leave secrets, keys and certificates unread, where they are not at hand
    #[arg(long)]
    manifest_only: bool,
    /// Of level `live`: a file that says whom to ask about; without it the command says how to write one
    #[arg(long, value_name = "FILE")]
    questions: Option<PathBuf>,
    /// Of level `live`: how long to wait for one answer
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    deadline: Duration,
    /// Of level `live`
    #[command(flatten)]
    leave: Leave,
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
    /// Then each manifest before a back end that does everything wrong, on a port of this machine: no agency is asked, no
    /// secret is read
    Faults,
    /// Then one question for each fact to the agency itself, about whom --questions says
    Live,
}

/// What was found.
struct Report<'a> {
    path: &'a PathBuf,
    /// Level `static`: flaws of manifests.
    flaws: Vec<Finding>,
    /// What a manifest should be looked at for.
    cautions: Vec<Finding>,
    /// Level `replay`: one for each manifest that can be read.
    rehearsals: Vec<Rehearsal>,
    /// Level `faults`: one for each manifest.
    faults: Vec<faults::Report>,
    /// Level `live`: one for each manifest.
    live: Vec<Live>,
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
        let mut warnings: Vec<String> = self.cautions.iter().map(ToString::to_string).collect();
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
pub(super) async fn run(check: &Check) -> anyhow::Result<ExitCode> {
    refuse_nothing(&check.path)?;
    if check.level != Level::Live && check.questions.is_some() {
        bail!("--questions goes with --level live");
    }
    if check.level == Level::Live && check.manifest_only {
        bail!("--level live needs the secrets and certificates: leave out --manifest-only");
    }
    let catalogue = match Catalogue::load(&check.catalogue) {
        Ok(catalogue) => catalogue,
        Err(findings) => {
            findings::tell(&check.path, &findings, check.json);
            bail!("the catalogue `{}` cannot be used", check.catalogue.display());
        }
    };
    let depth = if check.manifest_only { Depth::ManifestOnly } else { Depth::WithFiles };
    let checked = adapters::check(&check.path, &catalogue, depth);
    let mut report = Report {
        path: &check.path,
        flaws: checked.findings,
        cautions: checked.warnings,
        rehearsals: Vec::new(),
        faults: Vec::new(),
        live: Vec::new(),
    };
    if check.level >= Level::Replay {
        report.rehearsals = adapters::rehearse(&check.path, &catalogue);
    }
    let is_clean = report.findings().is_empty();
    // Nobody is asked through a manifest that is known to read answers wrongly.
    if check.level == Level::Live && is_clean {
        report.live = live::ask(check, &catalogue).await?;
    }
    if check.level == Level::Faults && is_clean {
        report.faults = faults::put(&check.path, &catalogue).await?;
    }
    if let Some(file) = &check.junit {
        let written = std::fs::write(file, junit::xml(&report)?);
        written.with_context(|| format!("`{}` cannot be written", file.display()))?;
    }
    let is_clean = is_clean
        && report.faults.iter().all(faults::Report::is_good)
        && report.live.iter().all(Live::is_good);
    if check.json {
        programs::tell(&report);
    } else {
        people::tell(&report);
    }
    Ok(if is_clean { ExitCode::SUCCESS } else { ExitCode::from(NO) })
}

/// A build server with a wrong path must not be green.
fn refuse_nothing(path: &Path) -> anyhow::Result<()> {
    let shown = path.display();
    if !path.exists() {
        bail!("there is no `{shown}`");
    }
    if path.is_dir() && files_in(path, "toml").is_ok_and(|files| files.is_empty()) {
        bail!(
            "there is no manifest in `{shown}`: name a folder with files that end in .toml, or one file"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests;
