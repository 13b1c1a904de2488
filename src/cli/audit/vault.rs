//! `heyan audit vault`: make the master keys and the folder of day keys, once; hold the folder against the log.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::reading::Reading;
use crate::audit::AuditError;
use crate::audit::file::Description;
use crate::cli::NO;
use crate::vault::KeyFolder;
use crate::vault::erase::history;
use crate::vault::master::{Master, Power};

#[derive(Debug, Args)]
pub(super) struct VaultCommand {
    #[command(subcommand)]
    command: Commands,
}

#[derive(Debug, Subcommand)]
enum Commands {
    /// Make the master keys and the folder of day keys
    #[command(after_help = "Example:\n  \
        heyan audit vault init --keys /mnt/vault --key keys/vault.key --subject-key keys/vault-subject.key\n\n\
        Then set `vault.keys`, `vault.key` and `vault.subject_key` in the gateway's settings. Keep a copy of both master\n\
        keys in a safe: without them nobody opens or finds anything. Never copy the folder of day keys without a plan\n\
        for erasing from the copies too.\n\
        Exit code 0 made, 2 not made.")]
    Init(Init),
    /// Hold the folder of day keys against the log: what is missing, what should have been destroyed
    #[command(after_help = "Examples:\n  \
        heyan audit vault check log --keys /mnt/vault\n  \
        heyan audit vault check log --keys /mnt/vault --key vault.key --subject-key vault-subject.key\n\n\
        With the master keys every file is opened too. A key that the log calls destroyed and that is there again came from\n\
        a copy, or an erasure was cut short: run the same erasure again.\n\
        Exit code 0 all as the log says, 1 findings, 2 could not tell.")]
    Check(Check),
}

#[derive(Debug, Args)]
struct Check {
    /// Folder of the log, or of a copy
    log: PathBuf,
    /// Folder of the day keys
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    /// Master key
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Subject master key
    #[arg(long, value_name = "FILE")]
    subject_key: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Init {
    /// Folder for the day keys; best on a medium of its own
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    /// Master key to make: opens records. The file must not exist
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Subject master key to make: finds records about a person, opens none. The file must not exist
    #[arg(long, value_name = "FILE")]
    subject_key: PathBuf,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: &VaultCommand) -> anyhow::Result<ExitCode> {
    match &command.command {
        Commands::Init(arguments) => init(arguments),
        Commands::Check(arguments) => check(arguments),
    }
}

fn check(arguments: &Check) -> anyhow::Result<ExitCode> {
    let log = &arguments.log;
    let description = Description::read(log)?.ok_or_else(|| AuditError::Missing(log.clone()))?;
    let folder = KeyFolder::new(&arguments.keys, &description.origin);
    // What a damaged log says of its keys proves nothing about them.
    Reading::new(log, "checking", arguments.json).stored(&mut |_| {})?;
    let (history, names) = (history(log)?, folder.names()?);
    let mut findings = Vec::new();
    for (name, in_use) in history.keys() {
        match (in_use, names.contains(&name)) {
            (true, _) if !folder.has(name) => {
                findings.push(format!("{name}: in use by the log, and missing from the folder"));
            }
            (false, true) => {
                findings.push(format!("{name}: destroyed according to the log, and in the folder"));
            }
            _ => {}
        }
    }
    if let Some(index) = history.unfinished() {
        findings.push(format!("the erasure of entry {index} was cut short: run it again"));
    }
    let masters = [(&arguments.key, Power::Open), (&arguments.subject_key, Power::Find)];
    for (path, power) in masters {
        let Some(path) = path else { continue };
        let master = Master::read(path, power)?;
        for name in &names {
            findings.extend(folder.prove(*name, &master).err().map(|error| error.to_string()));
        }
    }
    let in_use = history.keys().filter(|(_, in_use)| *in_use).count();
    let destroyed = history.keys().count() - in_use;
    if arguments.json {
        let findings = json!(findings);
        say!("{}", json!({ "in_use": in_use, "destroyed": destroyed, "findings": findings }));
    } else {
        findings.iter().for_each(|finding| say!("{finding}"));
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        let found = findings.len();
        say!(
            "{in_use} key{} in use, {destroyed} destroyed; {found} finding{}",
            plural(in_use),
            plural(found)
        );
    }
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(NO) })
}

fn init(arguments: &Init) -> anyhow::Result<ExitCode> {
    KeyFolder::make(&arguments.keys)?;
    Master::create(&arguments.key, Power::Open)?;
    Master::create(&arguments.subject_key, Power::Find)?;
    if arguments.json {
        let (keys, key, subject_key) = (&arguments.keys, &arguments.key, &arguments.subject_key);
        say!("{}", json!({ "keys": keys, "key": key, "subject_key": subject_key }));
    } else {
        say!("day keys     {}", arguments.keys.display());
        say!("opens        {}", arguments.key.display());
        say!("finds        {}", arguments.subject_key.display());
        say!("Give each key only to those who need that power; keep a copy of both in a safe.");
    }
    Ok(ExitCode::SUCCESS)
}
