//! `heyan adapter check`: proves manifests before they are put in force.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;

use super::faults;
use crate::adapters::{self, Depth};
use crate::catalogue::Catalogue;
use crate::cli::findings;

/// Arguments of `heyan adapter check`.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// One manifest, or a folder of them
    path: PathBuf,
    /// The catalogue, with its folders `facts` and `items`
    #[arg(long, value_name = "FOLDER")]
    catalogue: PathBuf,
    /// Leave secrets, keys and certificates unread, where they are not at hand
    #[arg(long)]
    manifest_only: bool,
    /// Then put each manifest before a back end that does everything wrong, on a port of this machine: no agency is
    /// asked, no secret is read
    #[arg(long)]
    faults: bool,
    /// Print findings as JSON
    #[arg(long)]
    json: bool,
}

/// Runs it: exit 0 when there is nothing to mend, 1 with findings.
///
/// # Errors
/// When there is nothing to read, or no catalogue to hold it against.
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
    let findings = adapters::check(&check.path, &catalogue, depth);
    if check.faults && findings.is_empty() {
        return faults::run(&check.path, &catalogue, check.json);
    }
    Ok(findings::tell(&check.path, &findings, check.json))
}
