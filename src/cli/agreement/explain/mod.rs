//! `heyan agreement explain`: may they ask this, and why, or why not; in short what decided it, in full every check.
//!
//! Of a question that was never asked, from files; or of one that a log holds, from the log alone.

mod asked;
mod limits;
mod logged;
mod signed;
mod tell;
mod words;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;

use self::asked::Asked;
use super::source::Lang;
use super::{all, register};
use crate::catalogue::Catalogue;
use crate::cli::NO;
use crate::clock::now;
use crate::decision::agreements::AgreementSet;
use crate::decision::examine::{Examination, examine};
use crate::decision::facts::Facts;
use crate::query::time::Timestamp;
use crate::report::calendar;
use crate::settings::Settings;

pub(super) const EXAMPLES: &str = "Examples:\n  \
    heyan agreement explain --config gateway.toml --caller fund-centre/approval \\\n    \
    --fact M2 --item W3 --all\n  \
    heyan agreement explain --agreements draft.toml --catalogue catalogue --parties parties \\\n    \
    --caller fund-centre/approval --fact M2 --item W3@2026.2 \\\n    \
    --at 2026-11-29T10:00 --used day=20000\n  \
    heyan agreement explain --log log --entry 4711 --lang zh\n\n\
    Without --role, --assert and --disclose it asks what the catalogue says the fact\n\
    confirms, about the roles it needs. Drafts (*.toml) count as if they were signed.\n\
    With --log nothing else is needed: what was in force then is in the log.\n\
    Exit code 0 permitted, 1 denied, 2 could not tell.";

#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The settings file: names the folders that are not given
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A folder of signed agreements, a document (*.json) or a draft (*.toml); may be given several times
    #[arg(long, value_name = "PATH")]
    agreements: Vec<PathBuf>,
    /// Folder of signed orders; without it, and without --config, there are none
    #[arg(long, value_name = "DIR")]
    orders: Option<PathBuf>,
    /// Folder of facts and items
    #[arg(long, value_name = "DIR")]
    catalogue: Option<PathBuf>,
    /// Folder of the party register
    #[arg(long, value_name = "DIR")]
    parties: Option<PathBuf>,
    #[command(flatten)]
    asked: Asked,
    /// When it is asked, China time unless it says otherwise: 2026-11-29T10:00; left out, now
    #[arg(long, value_name = "TIME", value_parser = moment)]
    at: Option<Timestamp>,
    /// Folder of a log, or of a copy: explain what it holds
    #[arg(long, value_name = "DIR", requires = "entry")]
    log: Option<PathBuf>,
    /// Index of the entry of the log
    #[arg(long, value_name = "INDEX", requires = "log")]
    entry: Option<u64>,
    /// Show every check with what it compared, and the agreements that were not looked at
    #[arg(long = "all")]
    whole: bool,
    /// Language of the page
    #[arg(long, value_enum, default_value = "en")]
    lang: Lang,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A question with everything that was found out about it.
struct Explained {
    facts: Facts,
    examined: Examination,
    /// Beginnings of higher versions and the like are looked up here.
    versions: Vec<(String, u32, Timestamp)>,
    /// Title of the fact in both languages, where a catalogue was read.
    title: Option<(String, String)>,
    /// What an entry of a log says was decided: a code, or the clause.
    recorded: Option<logged::Recorded>,
    /// Files and entries that were left out, and why.
    left_out: Vec<String>,
}

impl Explained {
    fn new(facts: Facts, agreements: &AgreementSet) -> Self {
        let examined = examine(&facts, agreements);
        let is_looked_at =
            |id: &String| examined.candidates.iter().any(|one| one.agreement.id == *id);
        let versions = agreements.all().iter().filter(|one| is_looked_at(&one.id));
        let versions = versions.map(|one| (one.id.clone(), one.version, one.effective_from));
        let versions = versions.collect();
        let (title, recorded, left_out) = (None, None, Vec::new());
        Self { facts, examined, versions, title, recorded, left_out }
    }
}

pub(super) fn run(command: &Explain) -> anyhow::Result<ExitCode> {
    let explained = match (&command.log, command.entry) {
        (Some(log), Some(entry)) => logged::explained(log, entry, command.json)?,
        _ => from_files(command)?,
    };
    if command.json {
        super::print(&tell::json(&explained));
    } else {
        say!("{}", tell::page(&explained, command.lang, command.whole).trim_end());
    }
    let is_permitted = explained.examined.conclusion.is_ok();
    Ok(if is_permitted { ExitCode::SUCCESS } else { ExitCode::from(NO) })
}

fn from_files(command: &Explain) -> anyhow::Result<Explained> {
    let settings = match &command.config {
        Some(file) => Some(Settings::read(file, std::env::vars()).map_err(all)?),
        None => None,
    };
    let folder = |given: &Option<PathBuf>, set: fn(&Settings) -> &PathBuf, name: &str| {
        let found = given.clone().or_else(|| settings.as_ref().map(set).cloned());
        found.with_context(|| format!("give --config, or --{name}"))
    };
    let catalogue = folder(&command.catalogue, |settings| &settings.catalogue, "catalogue")?;
    let catalogue = Catalogue::load(&catalogue).map_err(all)?;
    let parties = register(&folder(&command.parties, |settings| &settings.parties, "parties")?)?;
    let mut paths = command.agreements.clone();
    if paths.is_empty() {
        paths.push(folder(&None, |settings| &settings.agreements, "agreements")?);
    }
    let orders = folder(&command.orders, |settings| &settings.orders, "orders").ok();
    let orders = orders.filter(|folder| command.orders.is_some() || folder.is_dir());
    let at = command.at.unwrap_or_else(now);
    let read = signed::read(&paths, orders.as_deref(), &parties, at)?;
    let facts = command.asked.facts(&catalogue, &parties, &read, at)?;
    let title = facts.fact.as_ref().and_then(|code| catalogue.fact(code));
    let title = title.map(|fact| (fact.title.clone(), fact.title_zh.clone()));
    let explained = Explained::new(facts, &read.agreements);
    Ok(Explained { title, left_out: read.left_out, ..explained })
}

/// A moment with an offset, or one in China.
fn moment(text: &str) -> Result<Timestamp, String> {
    match text.parse::<jiff::Timestamp>() {
        Ok(at) => u64::try_from(at.as_microsecond())
            .map(Timestamp)
            .map_err(|_| format!("`{text}` is before 1970")),
        Err(_) => calendar::beginning(text),
    }
}

/// The caller as `organisation/system`.
fn caller(text: &str) -> anyhow::Result<(&str, &str)> {
    match text.split_once('/') {
        Some((organisation, system)) if !organisation.is_empty() && !system.is_empty() => {
            Ok((organisation, system))
        }
        _ => bail!("--caller: write ORGANISATION/SYSTEM, such as fund-centre/approval"),
    }
}

#[cfg(test)]
mod tests;
