//! `heyan audit open` and `check-opening`: what was sealed, for those with the key; one field of it, for everybody.

use std::fs::{self, OpenOptions};
use std::io::{IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use clap::Args;
use clap::builder::PossibleValuesParser;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use crate::audit::commitment::{Field, Opening};
use crate::audit::entry::{self, Entry, Kind};
use crate::audit::file::Description;
use crate::audit::{AuditError, records};
use crate::cli::NO;
use crate::vault::VaultError;
use crate::vault::day::Day;
use crate::vault::erase::history;
use crate::vault::master::{Master, Power};
use crate::vault::open::{Opened, Opener, check};

#[derive(Debug, Args)]
pub(super) struct Open {
    /// Folder of the log, or of a copy
    log: PathBuf,
    /// Index of the entry
    index: u64,
    /// Folder of the vault's day keys
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    /// The vault's master key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Open this field only; may be given several times
    #[arg(long, value_parser = PossibleValuesParser::new(["subject", "operator", "request", "answer"]))]
    field: Vec<String>,
    /// Write the one field and what proves it into a new file, for somebody without the key
    #[arg(long, value_name = "FILE", requires = "field")]
    disclose: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct CheckOpening {
    /// What `audit open --disclose` wrote
    file: PathBuf,
    /// Folder of the log, or of a copy
    log: PathBuf,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// One field of one entry, with what proves it. The names are those of receipts.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Disclosure {
    origin: String,
    index: u64,
    field: String,
    opening: String,
    value: String,
}

pub(super) fn run(arguments: &Open) -> anyhow::Result<ExitCode> {
    if arguments.disclose.is_some() && arguments.field.len() != 1 {
        bail!("--disclose writes one field: name exactly one with --field");
    }
    let master = Master::read(&arguments.key, Power::Open)?;
    let mut opener = Opener::new(&arguments.log, &arguments.keys, master)?;
    let (entry, private) = entry_at(&arguments.log, arguments.index)?;
    let opened = opener.unlock(arguments.index, &entry, &private).and_then(|unlocked| {
        let wanted: Vec<Field> = match arguments.field.as_slice() {
            [] => unlocked.fields()?,
            names => names.iter().filter_map(|name| Field::from_name(name)).collect(),
        };
        wanted.into_iter().map(|field| unlocked.open(field)).collect::<Result<Vec<_>, _>>()
    });
    let opened = match opened {
        Ok(opened) => opened,
        Err(error) => return refuse(arguments, &entry, error),
    };
    match (&arguments.disclose, opened.as_slice()) {
        (Some(file), [one]) => {
            disclose(file, &origin(&arguments.log)?, arguments.index, one)?;
            eprintln!("{} holds the {}: personal data", file.display(), one.field.name());
        }
        _ => tell(arguments, &entry, &opened),
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn check_opening(arguments: &CheckOpening) -> anyhow::Result<ExitCode> {
    let path = arguments.file.display();
    let text = fs::read(&arguments.file).with_context(|| format!("cannot read `{path}`"))?;
    let disclosed: Disclosure = serde_json::from_slice(&text)
        .with_context(|| format!("`{path}` is not what `audit open --disclose` writes"))?;
    let field = Field::from_name(&disclosed.field).context("an unknown field is disclosed")?;
    let opening = BASE64_STANDARD.decode(&disclosed.opening)?;
    let opening = opening.try_into().map_err(|_| anyhow::anyhow!("an opening has 32 bytes"))?;
    let value = BASE64_STANDARD.decode(&disclosed.value)?;
    if disclosed.origin != origin(&arguments.log)? {
        bail!("`{path}` is about the log `{}`, and this is another", disclosed.origin);
    }
    let (entry, _) = entry_at(&arguments.log, disclosed.index)?;
    let holds = check(&entry, field, &value, &Opening(opening));
    let (index, name) = (disclosed.index, field.name());
    if arguments.json {
        say!("{}", json!({ "entry": index, "field": name, "holds": holds }));
    } else if holds {
        say!("entry {index} commits to this {name}");
    } else {
        say!("entry {index} does not commit to this {name}");
    }
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::from(NO) })
}

/// Why nothing was opened: a "no" where the log itself says so, an error where it cannot be told.
fn refuse(arguments: &Open, entry: &Entry, error: VaultError) -> anyhow::Result<ExitCode> {
    let index = arguments.index;
    let (state, text) = match error {
        VaultError::NoRecord | VaultError::NoField(_) => ("none", error.to_string()),
        VaultError::Stripped | VaultError::Damaged(_) => ("damaged", error.to_string()),
        VaultError::Gone(_) => match erasure(&arguments.log, index, entry)? {
            Some(by) => ("erased", format!("erased for good, as entry {by} records")),
            None => return Err(error.into()),
        },
        error => return Err(error.into()),
    };
    if arguments.json {
        say!("{}", json!({ "entry": index, "state": state, "problem": text }));
    } else {
        say!("entry {index}: {text}");
    }
    Ok(ExitCode::from(NO))
}

/// The erasure that took the entry's record, as the log tells.
pub(in crate::cli) fn erasure(
    log: &Path,
    index: u64,
    entry: &Entry,
) -> anyhow::Result<Option<u64>> {
    let history = history(log)?;
    let of_day = history.erased_day(Day::of(entry.at)).filter(|&by| by > index);
    Ok(history.erased(index).or(of_day))
}

fn tell(arguments: &Open, entry: &Entry, opened: &[Opened]) {
    if std::io::stdout().is_terminal() {
        eprintln!("This is personal data. Look at it, and leave it nowhere.");
    }
    let index = arguments.index;
    if arguments.json {
        let fields: Map<String, Json> = opened
            .iter()
            .map(|one| {
                (
                    one.field.name().to_owned(),
                    serde_json::from_slice(&one.value).unwrap_or(Json::Null),
                )
            })
            .collect();
        say!(
            "{}",
            json!({ "entry": index, "kind": kind(entry), "state": "open", "fields": fields })
        );
        return;
    }
    say!("entry      {index}, {}", kind(entry));
    for one in opened {
        say!("{:<10} {}", one.field.name(), String::from_utf8_lossy(&one.value));
    }
    say!("Each field is the one that the entry commits to.");
}

fn kind(entry: &Entry) -> &'static str {
    match &entry.kind {
        Kind::Intent(_) => "intent",
        Kind::Outcome(_) => "outcome",
        Kind::Denial(_) => "denial",
        _ => "event",
    }
}

fn disclose(file: &Path, origin: &str, index: u64, opened: &Opened) -> anyhow::Result<()> {
    let document = serde_json::to_string_pretty(&Disclosure {
        origin: origin.to_owned(),
        index,
        field: opened.field.name().to_owned(),
        opening: BASE64_STANDARD.encode(opened.opening.0),
        value: BASE64_STANDARD.encode(&opened.value),
    })?;
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .and_then(|mut opened| writeln!(opened, "{document}"))
        .with_context(|| format!("cannot write `{}`", file.display()))
}

fn entry_at(log: &Path, index: u64) -> anyhow::Result<(Entry, bytes::Bytes)> {
    let found = records::at(log, index)?.ok_or(VaultError::OutOfRange(index))?;
    Ok((entry::decode(&found.0)?, found.1))
}

fn origin(log: &Path) -> anyhow::Result<String> {
    let description = Description::read(log)?.ok_or_else(|| AuditError::Missing(log.to_owned()))?;
    Ok(description.origin)
}
