//! `heyan adapter record`: one question to an agency, kept as a fixture in which everybody and every secret is invented.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::anyhow;
use clap::Args;

use super::asked::Asked;
use super::leave::{Asking, Leave};
use crate::adapters::workbench::{Target, Workbench};
use crate::catalogue::Catalogue;
use crate::cli::findings;
use crate::clock;

/// Arguments of `heyan adapter record`.
#[derive(Debug, Args)]
pub(super) struct Record {
    /// The manifest
    manifest: PathBuf,
    /// The catalogue, with its folders `facts` and `items`
    #[arg(long, value_name = "FOLDER")]
    catalogue: PathBuf,
    #[command(flatten)]
    asked: Asked,
    /// Folder of fixtures; the one that belongs to the manifest when it is not given
    #[arg(long, value_name = "FOLDER")]
    into: Option<PathBuf>,
    /// The fixture's name: what it shows
    #[arg(long)]
    name: String,
    /// Replace a fixture of that name
    #[arg(long)]
    replace: bool,
    /// How long to wait
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = humantime::parse_duration)]
    deadline: Duration,
    #[command(flatten)]
    leave: Leave,
}

/// Asks and writes; the outcome does not matter, as long as every exchange had a reply.
///
/// # Errors
/// Why nothing was written. Never with a value in it.
pub(super) async fn run(command: &Record) -> anyhow::Result<ExitCode> {
    let catalogue = Catalogue::load(&command.catalogue).map_err(|flaws| {
        findings::tell(&command.manifest, &flaws, false);
        anyhow!("the catalogue `{}` cannot be used", command.catalogue.display())
    })?;
    let (query, granted) = command.asked.read(&catalogue)?;
    let bench = Workbench::open(&command.manifest, &catalogue).map_err(|flaws| {
        findings::tell(&command.manifest, &flaws, false);
        anyhow!("the manifest `{}` cannot be used", command.manifest.display())
    })?;
    command.leave.take(&Asking::one(&command.manifest, &bench, &query))?;
    let into = command.into.clone().unwrap_or_else(|| command.manifest.with_extension(""));
    let target = Target { into, name: command.name.clone(), replace: command.replace };
    let recorded = bench.record(&query, &granted, clock::now(), command.deadline, &target).await?;
    say_plain!(
        "{}: `{}`, {}, {} exchanges; it plays. Look at it before you share it: what your manifest reads stays as it was, names in Chinese and numbers apart",
        recorded.file.display(),
        command.name,
        recorded.outcome,
        recorded.exchanges
    );
    Ok(ExitCode::SUCCESS)
}
