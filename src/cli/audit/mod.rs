//! `heyan audit`: make a log, verify it, replay it. Verifying and replaying need no running gateway and change nothing.

mod examine;
mod init;
mod progress;
mod rotate;

use std::process::ExitCode;

use clap::{Args, Subcommand};

pub use self::examine::{Examined, Found, examine};

/// Arguments of `heyan audit`.
#[derive(Debug, Args)]
pub struct AuditCommand {
    #[command(subcommand)]
    command: Commands,
}

#[derive(Debug, Subcommand)]
enum Commands {
    /// Make a new log, once; `serve` never does
    #[command(after_help = "Examples:\n  \
        heyan audit init log --key keys/log.key --origin heyan.example.gov.cn/2026 --new-key\n  \
        openssl genpkey -algorithm ed25519 -out keys/log.key && chmod 600 keys/log.key\n\n\
        The origin is the log's name in every checkpoint and receipt: choose one that nobody else uses.\n\
        Exit code 0 made, 2 not made.")]
    Init(init::Init),
    /// Give a log that is not in use another key
    #[command(after_help = "Example:\n  \
        heyan audit rotate log --key keys/log.key --new-key keys/log-2027.key --make\n\n\
        The old key signs an announcement of the new one, which becomes an entry; the checkpoint published with it\n\
        carries the signatures of both. Then set `log.key` to the new file. Keep the old public key: receipts made\n\
        under it are checked with it, and it vouches for the new one.\n\
        Exit code 0 changed, 2 not changed.")]
    Rotate(rotate::Rotate),
    /// Check every byte, hash, root and signature of a log, in order
    #[command(after_help = "Examples:\n  heyan audit verify log\n  \
        heyan audit verify /mnt/copy/log --since last-month.checkpoint\n\n\
        With --since also proves that the log still holds everything that checkpoint covers.\n\
        Exit code 0 whole, 1 not whole (the first bad place is named), 2 could not tell.")]
    Verify(examine::VerifyArguments),
    /// Verify a log, then take every recorded decision again and compare
    #[command(after_help = "Examples:\n  heyan audit replay log\n  \
        heyan audit replay log --parties /audit-office/parties --json\n\n\
        With --parties the party register in the log must be the one in that folder; without, it is taken from the log.\n\
        Exit code 0 no finding, 1 findings, 2 could not tell.")]
    Replay(examine::ReplayArguments),
}

/// Runs it: exit 0 good, 1 with findings.
///
/// # Errors
/// When it could not be done or told: exit 2.
pub fn run(command: AuditCommand) -> anyhow::Result<ExitCode> {
    match command.command {
        Commands::Init(arguments) => init::run(&arguments),
        Commands::Rotate(arguments) => rotate::run(&arguments),
        Commands::Verify(arguments) => examine::verify_log(&arguments),
        Commands::Replay(arguments) => examine::replay_log(&arguments),
    }
}

#[cfg(test)]
mod tests;
