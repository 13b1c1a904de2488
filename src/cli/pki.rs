//! `heyan pki`: certificates and keys for trials.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::clock::now;
use crate::pki;

/// Arguments of `heyan pki`.
#[derive(Debug, Args)]
pub struct Pki {
    #[command(subcommand)]
    command: Commands,
}

#[derive(Debug, Subcommand)]
enum Commands {
    /// Make authorities, certificates, signing keys and party files of the demonstration's eight organisations
    #[command(after_help = "Example:\n  heyan pki init pki\n\n\
        For trials only: whoever holds the folder can speak for every organisation in it.")]
    Init {
        /// Folder to make; must not hold such files yet
        folder: PathBuf,
    },
}

/// Runs it.
///
/// # Errors
/// When something is in the way or cannot be written.
pub fn run(command: Pki) -> anyhow::Result<ExitCode> {
    let Commands::Init { folder } = command.command;
    let plans = pki::demonstration();
    pki::init(&folder, &plans, now())?;
    for plan in &plans {
        let systems: Vec<&str> = plan.systems.iter().map(|(system, _)| system.as_str()).collect();
        say!("{:<18} {}  systems: {}", plan.id.as_str(), plan.name_zh, systems.join(", "));
    }
    say!("party files: {}", folder.join("parties").display());
    say!("For trials only: whoever holds this folder can speak for every organisation in it.");
    Ok(ExitCode::SUCCESS)
}
