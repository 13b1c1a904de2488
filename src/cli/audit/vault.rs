//! `heyan audit vault init`: the vault's two master keys and the folder of its day keys, once.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use crate::vault::KeyFolder;
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
    let Commands::Init(arguments) = &command.command;
    KeyFolder::make(&arguments.keys)?;
    Master::create(&arguments.key, Power::Open)?;
    Master::create(&arguments.subject_key, Power::Find)?;
    if arguments.json {
        let (keys, key, subject_key) = (&arguments.keys, &arguments.key, &arguments.subject_key);
        println!("{}", json!({ "keys": keys, "key": key, "subject_key": subject_key }));
    } else {
        println!("day keys     {}", arguments.keys.display());
        println!("opens        {}", arguments.key.display());
        println!("finds        {}", arguments.subject_key.display());
        println!("Give each key only to those who need that power; keep a copy of both in a safe.");
    }
    Ok(ExitCode::SUCCESS)
}
