//! `heyan audit report`: what a log comes to, by agreement and month.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};

use super::output::Output;
use super::reading::Reading;
use super::subject::Subject;
use crate::audit::commitment::Field;
use crate::audit::entry::Entry;
use crate::audit::walk::Seen;
use crate::catalogue::Catalogue;
use crate::crypto::hex;
use crate::report::calendar::Month;
use crate::report::figures::{Figures, Scope};
use crate::report::html::{self, Origin};
use crate::report::known::Known;
use crate::report::render;
use crate::report::statement::{Names, Statement};
use crate::vault::VaultError;
use crate::vault::open::Opener;

#[derive(Debug, Args)]
pub(super) struct Report {
    /// Folder of the log, or of a copy; a gateway may be writing to it
    folder: PathBuf,
    /// Only this month, such as 2026-11 (China time)
    #[arg(long)]
    month: Option<Month>,
    /// Only this agreement
    #[arg(long, value_name = "ID")]
    agreement: Option<String>,
    /// Instead of figures: who asked about the --subject (个人信息查询记录)
    #[arg(long, requires = "subject", conflicts_with = "agreement")]
    statement: bool,
    /// Catalogue that gives facts and items their names in a statement
    #[arg(long, value_name = "DIR")]
    catalogue: Option<PathBuf>,
    #[command(flatten)]
    subject: Subject,
    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Write it to this file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people at a terminal
    Table,
    /// For spreadsheets; without the unusual use
    Csv,
    /// For programs
    Json,
    /// One page with charts, for reading and printing
    Html,
}

pub(super) fn run(arguments: &Report) -> anyhow::Result<ExitCode> {
    let text = match arguments.statement {
        true => statement(arguments)?,
        false => figures(arguments)?,
    };
    let mut output = Output::new(arguments.output.as_deref())?;
    output.write_all(text.as_bytes())?;
    output.finish()?;
    Ok(ExitCode::SUCCESS)
}

fn figures(arguments: &Report) -> anyhow::Result<String> {
    if arguments.subject.is_given() {
        bail!("--subject goes with --statement; figures are not made of one person");
    }
    let scope = Scope { month: arguments.month, agreement: arguments.agreement.clone() };
    let mut figures = Figures::new(scope);
    let mut operators = Operators::new(&arguments.folder, &arguments.subject)?;
    let is_quiet = arguments.format == Format::Json;
    let reading = Reading::new(&arguments.folder, "counting", is_quiet);
    let verified = reading.entries(&mut |seen, entry| {
        let operator = operators.of(seen, entry)?;
        figures.entry(seen.written_at, entry, operator.as_deref());
        Ok(())
    })?;
    let known = figures.known().clone();
    let report = figures.finish();
    Ok(match arguments.format {
        Format::Table => render::table(&report),
        Format::Csv => render::comma_separated(&report),
        Format::Json => format!("{}\n", render::as_json(&report)),
        Format::Html => {
            let (log, root) = (verified.origin, hex(&verified.root));
            html::report(&report, &known, &Origin { log, entries: verified.entries, root })
        }
    })
}

fn statement(arguments: &Report) -> anyhow::Result<String> {
    let names = arguments.catalogue.as_deref().map(names).transpose()?.unwrap_or_default();
    let wanted = arguments.subject.wanted(&arguments.folder)?;
    let mut wanted = wanted.context("a statement is about a --subject")?;
    let (mut statement, mut known) = (Statement::default(), Known::default());
    let is_quiet = arguments.format == Format::Json;
    let reading = Reading::new(&arguments.folder, "searching", is_quiet);
    let verified = reading.entries(&mut |seen, entry| {
        known.entry(entry);
        let is_meant = arguments.month.is_none_or(|month| month == Month::of(entry.at));
        if is_meant && wanted.is_met(seen, entry)? {
            statement.entry(seen.index, entry);
        }
        Ok(())
    })?;
    let sheet = statement.finish(known, names, verified.origin, wanted.doubts());
    Ok(match arguments.format {
        Format::Table => sheet.text(),
        Format::Csv => sheet.comma_separated(),
        Format::Json => format!("{}\n", sheet.as_json()),
        Format::Html => sheet.html(),
    })
}

fn names(folder: &Path) -> anyhow::Result<Names> {
    let catalogue = match Catalogue::load(folder) {
        Ok(catalogue) => catalogue,
        Err(findings) => {
            let findings: Vec<String> = findings.iter().map(ToString::to_string).collect();
            bail!("the catalogue cannot be used: {}", findings.join("; "))
        }
    };
    let mut names = Names::default();
    for fact in catalogue.facts() {
        let code = fact.code.to_string();
        for attribute in &fact.attributes {
            let key = (code.clone(), attribute.name.clone());
            names.attributes.insert(key, attribute.title_zh.clone());
        }
        names.facts.insert(code, (fact.title_zh.clone(), fact.title.clone()));
    }
    for item in catalogue.items() {
        let titles = (item.title_zh.clone(), item.title.clone());
        names.items.insert(item.code.to_string(), titles);
    }
    Ok(names)
}

/// Tells the persons at the desks apart, for whoever holds the vault's key.
struct Operators(Option<Opener>);

impl Operators {
    fn new(log: &Path, subject: &Subject) -> anyhow::Result<Self> {
        let opener = subject.opening()?.map(|(keys, master)| Opener::new(log, keys, master));
        Ok(Self(opener.transpose()?))
    }

    /// `None` without the key, and where no record is kept any more.
    fn of(&mut self, seen: &Seen<'_>, entry: &Entry) -> anyhow::Result<Option<String>> {
        let Some(opener) = &mut self.0 else { return Ok(None) };
        if entry.kind.facts().is_none() {
            return Ok(None);
        }
        let opened = opener.unlock(seen.index, entry, &seen.private);
        match opened.and_then(|record| record.open(Field::Operator)) {
            Ok(opened) => {
                let value: serde_json::Value = serde_json::from_slice(&opened.value)?;
                Ok(value.get("id").and_then(|id| id.as_str()).map(str::to_owned))
            }
            Err(error @ VaultError::WrongKey(_)) => Err(error.into()),
            Err(_) => Ok(None),
        }
    }
}
