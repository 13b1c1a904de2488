//! `heyan audit report`: what a log comes to, by agreement and month.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::output::Output;
use super::reading::Reading;
use crate::crypto::hex;
use crate::report::calendar::Month;
use crate::report::figures::{Figures, Scope};
use crate::report::html::{self, Origin};
use crate::report::render;

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
    let scope = Scope { month: arguments.month, agreement: arguments.agreement.clone() };
    let mut figures = Figures::new(scope);
    let is_quiet = arguments.format == Format::Json;
    let reading = Reading::new(&arguments.folder, "counting", is_quiet);
    let verified = reading.entries(&mut |seen, entry| {
        figures.entry(seen.written_at, entry, None);
        Ok(())
    })?;
    let known = figures.known().clone();
    let report = figures.finish();
    let text = match arguments.format {
        Format::Table => render::table(&report),
        Format::Csv => render::comma_separated(&report),
        Format::Json => format!("{}\n", render::as_json(&report)),
        Format::Html => {
            let (log, root) = (verified.origin, hex(&verified.root));
            html::report(&report, &known, &Origin { log, entries: verified.entries, root })
        }
    };
    let mut output = Output::new(arguments.output.as_deref())?;
    output.write_all(text.as_bytes())?;
    output.finish()?;
    Ok(ExitCode::SUCCESS)
}
