//! `heyan adapter`: proves an agency's manifest before it is put in force.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Subcommand};

use super::findings;
use crate::adapters::{self, Depth};
use crate::catalogue::Catalogue;

/// Arguments of `heyan adapter`.
#[derive(Debug, Args)]
pub struct Adapter {
    #[command(subcommand)]
    command: Commands,
}

#[derive(Debug, Subcommand)]
enum Commands {
    /// Read manifests as the gateway would, and report every finding at once; opens no socket
    #[command(
        after_help = "Examples:\n  heyan adapter check /etc/heyan/adapters --catalogue /etc/heyan/catalogue\n  \
        heyan adapter check housing.toml --catalogue catalogue --manifest-only"
    )]
    Check(Check),
}

#[derive(Debug, Args)]
struct Check {
    /// One manifest, or a folder of them
    path: PathBuf,
    /// The catalogue, with its folders `facts` and `items`
    #[arg(long, value_name = "FOLDER")]
    catalogue: PathBuf,
    /// Leave secrets, keys and certificates unread, where they are not at hand
    #[arg(long)]
    manifest_only: bool,
    /// Print findings as JSON
    #[arg(long)]
    json: bool,
}

/// Runs it: exit 0 when there is nothing to mend, 1 with findings.
///
/// # Errors
/// When there is nothing to read, or no catalogue to hold it against.
pub fn run(command: Adapter) -> anyhow::Result<ExitCode> {
    let Commands::Check(check) = command.command;
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
    Ok(findings::tell(&check.path, &findings, check.json))
}
