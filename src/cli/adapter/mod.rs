//! `heyan adapter`: what an agency's operator does with manifests, one file per command.

mod check;

use std::process::ExitCode;

use clap::{Args, Subcommand};

/// Arguments of `heyan adapter`.
#[derive(Debug, Args)]
pub struct Adapter {
    #[command(subcommand)]
    command: Commands,
}

#[derive(Debug, Subcommand)]
enum Commands {
    /// Read manifests as the gateway would, play their fixtures, and report every finding at once; opens no socket
    #[command(
        after_help = "Examples:\n  heyan adapter check /etc/heyan/adapters --catalogue /etc/heyan/catalogue\n  \
        heyan adapter check housing.toml --catalogue catalogue --manifest-only\n  \
        heyan adapter check adapters --catalogue catalogue --manifest-only --junit report.xml\n\n\
        The fixtures of housing.toml are the files of the folder housing/ beside it."
    )]
    Check(check::Check),
}

/// Runs it: exit 0 when all is well, 1 with a "no".
///
/// # Errors
/// When it could not tell.
pub fn run(command: Adapter) -> anyhow::Result<ExitCode> {
    match command.command {
        Commands::Check(command) => check::run(&command),
    }
}
