//! `heyan audit erase`: sealed records made unreadable for good, with the gateway stopped.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use clap::Args;
use serde_json::json;

use crate::audit::{self, Audit};
use crate::cli::serve::vault_keys;
use crate::clock::now;
use crate::crypto::SigningKey;
use crate::settings::Settings;
use crate::vault::day::Day;
use crate::vault::erase::{Done, Eraser, Order, Step, What, history};

#[derive(Debug, Args)]
pub(super) struct Erase {
    /// The gateway's settings, which name log, vault and keys
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Entry whose question is erased; may be given several times
    #[arg(long, value_name = "INDEX", required_unless_present = "day")]
    entry: Vec<u64>,
    /// Day of which everything is erased, China time, such as 2026-11-23
    #[arg(long, value_name = "DATE", conflicts_with = "entry")]
    day: Option<Day>,
    /// Code of the legal ground; becomes part of the log, in clear and for ever
    #[arg(long, value_name = "CODE")]
    ground: String,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: Erase) -> anyhow::Result<ExitCode> {
    let settings = Settings::read(&arguments.config, std::env::vars()).map_err(|findings| {
        let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
        anyhow!("the settings cannot be used\n  {}", lines.join("\n  "))
    })?;
    let keys = vault_keys(&settings)?.context("the vault is off: `vault.key` is not set")?;
    let key = SigningKey::read(&settings.log.key)?;
    let log =
        audit::Settings { segment_bytes: settings.log.segment_bytes, ..audit::Settings::default() };
    let folder = &settings.log.folder;
    let audit = Audit::open(folder, Arc::new(key), &log, &mut |_, _| {})
        .with_context(|| format!("the log in {} cannot be opened", folder.display()))?;
    let history = history(folder)?;

    let what = match arguments.day {
        Some(day) => What::Day(day),
        None => What::Entries(arguments.entry),
    };
    let mut eraser = Eraser { log: folder, audit: &audit, keys: &keys, history, at: now() };
    let order = Order { what, ground: arguments.ground };
    let erased = eraser
        .erase(&order, &mut |step| {
            eprintln!("{}", in_words(step));
            Ok(())
        })
        .await;
    audit.close().await;
    tell(&erased?, arguments.json);
    Ok(ExitCode::SUCCESS)
}

fn in_words(step: &Step) -> String {
    match step {
        Step::Recorded(index) => format!("recorded as entry {index}"),
        Step::NewKey(name) => format!("new key {name}"),
        Step::Kept(count) => format!("{count} other records of the day kept under it"),
        Step::Destroyed(name) => format!("key {name} destroyed"),
        Step::Ended(name) => format!("end of key {name} recorded"),
    }
}

fn tell(done: &Done, json: bool) {
    let days: Vec<String> = done.days.iter().map(ToString::to_string).collect();
    if json {
        say!("{}", json!({ "entries": done.entries, "days": days, "kept": done.kept }));
        return;
    }
    let entries: Vec<String> = done.entries.iter().map(ToString::to_string).collect();
    match entries.as_slice() {
        [] => say!("erased: everything of {}", days.join(", ")),
        _ => say!("erased: the records of entries {}", entries.join(", ")),
    }
    say!("Copies of the key folder from before still open them: destroy those too.");
}
