//! `heyan audit`: make a log, verify it, replay it, open and erase what was sealed beside it. Verifying and replaying need no running gateway and change nothing.

mod erase;
mod examine;
mod init;
mod open;
mod progress;
mod vault;

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
    /// Open the sealed record of one entry, with the vault's key
    #[command(after_help = "Examples:\n  \
        heyan audit open log 1207 --keys /mnt/vault --key vault.key\n  \
        heyan audit open log 1207 --keys /mnt/vault --key vault.key --field operator\n  \
        heyan audit open log 1207 --keys /mnt/vault --key vault.key --field answer --disclose answer.json\n\n\
        Every field is held against the entry's commitment. What it prints is personal data.\n\
        Exit code 0 opened, 1 nothing to open (none kept, erased, damaged), 2 could not tell (another key, no such entry).")]
    Open(open::Open),
    /// Check a field that somebody disclosed against the entry in the log; needs no key
    #[command(after_help = "Example:\n  heyan audit check-opening answer.json log\n\n\
        Exit code 0 the entry commits to this value, 1 it does not, 2 could not tell.")]
    CheckOpening(open::CheckOpening),
    /// Erase sealed records for good; the gateway must be stopped
    #[command(after_help = "Examples:\n  \
        heyan audit erase --config gateway.toml --entry 1207 --ground PIPL-47\n  \
        heyan audit erase --config gateway.toml --day 2026-11-23 --ground RETENTION-END\n\n\
        Intent and outcome of a question go together. The tree, receipts, verify and replay stay as they are; the erasure\n\
        is itself an entry. If it is interrupted, run the same command again. Copies of the key folder must be destroyed by\n\
        whoever made them.\n\
        Exit code 0 erased, 2 not, or not wholly.")]
    Erase(erase::Erase),
    /// Make the vault's keys, or hold them against the log
    Vault(vault::VaultCommand),
}

/// Runs it: exit 0 good, 1 with findings.
///
/// # Errors
/// When it could not be done or told: exit 2.
pub fn run(command: AuditCommand) -> anyhow::Result<ExitCode> {
    match command.command {
        Commands::Init(arguments) => init::run(&arguments),
        Commands::Verify(arguments) => examine::verify_log(&arguments),
        Commands::Replay(arguments) => examine::replay_log(&arguments),
        Commands::Open(arguments) => open::run(&arguments),
        Commands::CheckOpening(arguments) => open::check_opening(&arguments),
        Commands::Erase(arguments) => super::on_runtime(erase::run(arguments)),
        Commands::Vault(command) => vault::run(&command),
    }
}

#[cfg(test)]
mod tests;
