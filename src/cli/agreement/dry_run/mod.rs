//! `heyan agreement dry-run`: what a draft would have done with the questions of a past log.

mod tell;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::{draft, is_draft, read};
use crate::agreements::document;
use crate::audit::verify::Expected;
use crate::cli::audit::reading::{Reading, checkpoint_in, key_in};
use crate::cli::audit::which::Span;
use crate::cli::{COULD_NOT_TELL, NO};
use crate::clock::now;
use crate::decision::agreement::Agreement;
use crate::rehearse::{Plan, Rehearsal, Report};

pub(super) const EXAMPLES: &str = "Examples:\n  \
    heyan agreement dry-run civil-affairs-v2.toml --log log\n  \
    heyan agreement dry-run half-signed.json --log /mnt/copy/log \\\n    \
    --from 2026-10-01 --to 2026-10-31 --csv\n\n\
    Every question between the two parties is decided again with the draft in the\n\
    place of the version in force (the same `id`), or beside what is in force. Its\n\
    quota is counted from its own permits, all from the beginning of the log. What\n\
    the log does not hold is counted apart, never guessed: values, and what nobody\n\
    asked for then. Signatures of a document are not checked.\n\
    Exit code 0 no question that was permitted would be denied, 1 some would,\n\
    2 could not tell.";

#[derive(Debug, Args)]
pub(super) struct DryRun {
    /// A draft (*.toml), or a document (*.json) whoever has signed it
    draft: PathBuf,
    /// Folder of the log, or of a copy
    #[arg(long, value_name = "DIR")]
    log: PathBuf,
    #[command(flatten)]
    span: Span,
    /// Whether the draft's dates count; left out, they do unless it begins in the future
    #[arg(long, value_enum)]
    dates: Option<Dates>,
    /// A checkpoint of this log, kept elsewhere
    #[arg(long, value_name = "FILE")]
    since: Option<PathBuf>,
    /// A key that the log must have
    #[arg(long, value_name = "KEY")]
    vkey: Option<String>,
    /// Print the table of facts and items as CSV
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Which dates of a draft count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Dates {
    /// Its own
    Own,
    /// None: as if it had been in force throughout
    Ignored,
}

/// What was rehearsed, and what came of it.
struct Rehearsed {
    draft: Agreement,
    ignores_dates: bool,
    report: Report,
}

pub(super) fn run(command: &DryRun) -> anyhow::Result<ExitCode> {
    let rehearsed = rehearse(command)?;
    if command.json {
        super::print(&tell::json(&rehearsed));
    } else if command.csv {
        say!("{}", tell::csv(&rehearsed.report).trim_end());
    } else {
        say!("{}", tell::page(&rehearsed).trim_end());
    }
    let report = &rehearsed.report;
    Ok(match (report.newly_denied(), report.untold_permitted()) {
        (0, 0) => ExitCode::SUCCESS,
        (0, _) => ExitCode::from(COULD_NOT_TELL),
        _ => ExitCode::from(NO),
    })
}

fn rehearse(command: &DryRun) -> anyhow::Result<Rehearsed> {
    let terms = match is_draft(&command.draft) {
        true => draft(&command.draft)?,
        false => document::peek(&read(&command.draft)?)?,
    };
    let draft = terms.agreement(&terms.payload()?)?;
    let range = command.span.range()?;
    let since = command.since.as_deref().map(checkpoint_in).transpose()?;
    command.vkey.as_deref().map(key_in).transpose()?;
    let ignores_dates = match command.dates {
        Some(dates) => dates == Dates::Ignored,
        None => draft.effective_from > now(),
    };
    let mut rehearsal = Rehearsal::new(Plan {
        draft: draft.clone(),
        ignores_dates,
        from: range.from,
        until: range.until,
    });
    let expected = Expected { since: since.as_deref(), vkey: command.vkey.as_deref() };
    let is_quiet = command.json || command.csv;
    let reading = Reading { expected, ..Reading::new(&command.log, "rehearsing", is_quiet) };
    reading.entries(&mut |seen, entry| {
        rehearsal.entry(seen.index, entry);
        Ok(())
    })?;
    Ok(Rehearsed { draft, ignores_dates, report: rehearsal.finish() })
}

#[cfg(test)]
mod tests;
