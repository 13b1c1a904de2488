//! `heyan audit`: make a log, verify and replay it, take evidence and figures out of it, open and erase what was sealed
//! beside it. What reads a log needs no running gateway, changes nothing, and reports nothing from one that is not whole.

mod columns;
mod compare;
mod cosigner;
mod erase;
mod examine;
pub(super) mod export;
mod init;
pub(super) mod open;
mod output;
mod progress;
mod prove;
pub(super) mod reading;
mod report;
mod search;
mod subject;
mod vault;
pub(super) mod which;
mod rotate;

use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Subcommand};

pub use self::examine::{Examined, Found, examine};
use super::NO;
use crate::audit::AuditError;

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
    /// Make or show the key of ML-DSA-44 that cosigns published checkpoints
    #[command(after_help = "Examples:\n  \
        heyan audit cosigner keys/cosigner.seed --origin heyan.example.gov.cn/2026 --new-key\n  \
        heyan audit cosigner keys/cosigner.seed --origin heyan.example.gov.cn/2026 --check log/checkpoint\n\n\
        The gateway uses it when the settings name it: log.cosigner_key. The origin must be the log's.\n\
        Exit code 0 done, 1 the checkpoint is not cosigned with it, 2 could not tell.")]
    Cosigner(cosigner::Cosigner),
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
        heyan audit replay log --parties /audit-office/parties --json\n  \
        heyan audit replay log --keys /mnt/vault --key vault.key\n\n\
        With --parties the party register in the log must be the one in that folder; without, it is taken from the log.\n\
        With --keys and --key of the vault, what each application states is opened and compared again.\n\
        Exit code 0 no finding, 1 findings, 2 could not tell.")]
    Replay(examine::ReplayArguments),
    /// Make a receipt for one entry, or prove that the log continues an earlier checkpoint
    #[command(after_help = "Examples:\n  \
        heyan audit prove log 4711 -o 4711.tlog-proof\n  \
        heyan audit prove log 4711 --checkpoint october.checkpoint\n  \
        heyan audit prove log --from october.checkpoint -o october-to-today.proof\n\n\
        The receipt carries the entry, the proof and the signed checkpoint: `heyan audit check` needs nothing else but the key.\n\
        The whole log is checked on the way. Exit code 0 proved, 1 the log is not whole, 2 could not tell.")]
    Prove(prove::Prove),
    /// Check a receipt or a proof, without the log; say what the entry says
    #[command(after_help = "Examples:\n  \
        heyan audit check 4711.tlog-proof --vkey 'heyan.example.gov.cn/2026+1a2b3c4d+AX…'\n  \
        heyan audit check october-to-today.proof --vkey \"$(cat log.vkey)\" --json\n\n\
        Take the key from whoever runs the log, once, and not from the receipt.\n\
        Exit code 0 good, 1 not good, 2 could not tell.")]
    Check(prove::Check),
    /// Find entries: who asked what, for which case, with which result
    #[command(after_help = "Examples:\n  \
        heyan audit search log --case GJJ-2026-000123\n  \
        heyan audit search log --caller fund-centre/approval --from 2026-11-01 --to 2026-11-30 --kind denial\n  \
        heyan audit search log --provider police --verdict refuted --csv -o refuted.csv\n  \
        heyan audit search log --subject - --keys /mnt/vault --subject-key vault-subject.key < person.txt\n\n\
        Days and moments are China time. All conditions must hold. The whole log is checked on the way.\n\
        Exit code 0 searched, 1 the log is not whole (and nothing is shown), 2 could not tell.")]
    Search(Box<search::Search>),
    /// Count by agreement and month: answers, denials, times, cache, disclosure, unusual use
    #[command(after_help = "Examples:\n  \
        heyan audit report log --month 2026-11\n  \
        heyan audit report log --month 2026-11 --format html -o 2026-11.html\n  \
        heyan audit report log --agreement hn-gjj-mz-2018-001 --format csv -o figures.csv\n  \
        heyan audit report log --keys /mnt/vault --key vault.key\n  \
        heyan audit report log --statement --subject - --keys /mnt/vault --subject-key vault-subject.key --format html -o statement.html\n\n\
        With --key, unusual use is told by operator too: personal data. A statement says who asked about one person, when,\n\
        what for, under which agreement, and what was given.\n\
        Months are China time. Unusual use is found by five simple rules, which the page explains; it is not wrong by itself.\n\
        Exit code 0 counted, 1 the log is not whole (and nothing is shown), 2 could not tell.")]
    Report(report::Report),
    /// Write a part of the log as files that open without our software, each entry with its receipt
    #[command(after_help = "Examples:\n  \
        heyan audit export log november --from 2026-11-01 --to 2026-11-30\n  \
        heyan audit export log for-civil-affairs --agreement hn-gjj-mz-2018-001\n  \
        heyan audit export log everything --all --receipts one-file\n\n\
        The folder has a page, a table, every entry as JSON, its receipt, the documents then in force, and a script that checks it all.\n\
        Days are China time. Exit code 0 written, 1 the log is not whole (and nothing is written), 2 could not tell.")]
    Export(export::Export),
    /// Hold a log against the receipts a consumer has kept, or against another log
    #[command(after_help = "Examples:\n  \
        heyan audit compare log --receipts /fund-centre/receipts\n  \
        heyan audit compare log --receipts receipts --caller fund-centre --from 2026-11-01 --to 2026-11-30\n  \
        heyan audit compare log --log /mnt/other-gateway/log --caller fund-centre/approval --json\n\n\
        A receipt that the log does not hold means that the log was cut or forked. With --caller, answers without a receipt are findings too.\n\
        Memory: 500 bytes for each receipt; of two logs a million questions at a time, and as many passes as that takes.\n\
        Exit code 0 alike, 1 findings, or a log that is not whole, 2 could not tell.")]
    Compare(compare::Compare),
    /// Open the sealed record of one entry, with the vault's key
    #[command(after_help = "Examples:\n  \
        heyan audit open log 1207 --keys /mnt/vault --key vault.key\n  \
        heyan audit open log 1207 --keys /mnt/vault --key vault.key --field operator\n  \
        heyan audit open log 1207 --keys /mnt/vault --key vault.key --field answer --disclose answer.json\n\n\
        Every field is held against the entry's commitment. Only that entry is read: `heyan audit verify` tells whether\n\
        the log is whole. What it prints is personal data.\n\
        Exit code 0 opened, 1 nothing to open (none kept, erased, damaged), 2 could not tell (another key, no such entry).")]
    Open(open::Open),
    /// Check a field that somebody disclosed against the entry in the log; needs no key
    #[command(after_help = "Example:\n  heyan audit check-opening answer.json log\n\n\
        It reads that one entry. Whether the log is whole, `heyan audit verify` tells.\n\
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
    let result = match command.command {
        Commands::Init(arguments) => init::run(&arguments),
        Commands::Cosigner(arguments) => cosigner::run(&arguments),
        Commands::Rotate(arguments) => rotate::run(&arguments),
        Commands::Verify(arguments) => examine::verify_log(&arguments),
        Commands::Replay(arguments) => examine::replay_log(&arguments),
        Commands::Prove(arguments) => prove::prove(&arguments),
        Commands::Check(arguments) => prove::check(&arguments),
        Commands::Search(arguments) => search::run(&arguments),
        Commands::Report(arguments) => report::run(&arguments),
        Commands::Export(arguments) => export::run(&arguments),
        Commands::Compare(arguments) => compare::run(&arguments),
        Commands::Open(arguments) => open::run(&arguments),
        Commands::CheckOpening(arguments) => open::check_opening(&arguments),
        Commands::Erase(arguments) => super::on_runtime(erase::run(arguments)),
        Commands::Vault(command) => vault::run(&command),
    };
    // Who reads a log wants the one that is there, not a new one.
    if let Err(error) = &result
        && let Some(AuditError::Missing(folder)) = error.downcast_ref()
    {
        let folder = folder.display();
        bail!("there is no log in `{folder}`: name the folder that holds `log.toml` and `wal`");
    }
    match result {
        Err(error) if error.is::<reading::Damaged>() => {
            eprintln!("{error}");
            Ok(ExitCode::from(NO))
        }
        result => result,
    }
}

#[cfg(test)]
mod trial;
#[cfg(test)]
mod evidence_tests;
#[cfg(test)]
mod figures_tests;
#[cfg(test)]
mod tests;
