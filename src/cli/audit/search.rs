//! `heyan audit search`: which entries are like this.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::columns::Columns;
use super::output::Output;
use super::reading::Reading;
use super::subject::{Subject, Wanted};
use super::which::Which;
use crate::audit::entry::Entry;
use crate::audit::walk::Seen;
use crate::report::calendar;
use crate::report::known::Known;
use crate::report::{csv, fields, words};

#[derive(Debug, Args)]
pub(super) struct Search {
    /// Folder of the log, or of a copy; a gateway may be writing to it
    folder: PathBuf,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    subject: Subject,
    /// Show at most so many; 0 for all
    #[arg(long, value_name = "N", default_value_t = 1000)]
    limit: u64,
    /// One JSON object a line, with every field of the entry
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Comma-separated values
    #[arg(long)]
    csv: bool,
    /// Write it to this file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

const COLUMNS: [&str; 9] =
    ["index", "time (China)", "kind", "caller", "question", "item", "case", "result", "agreement"];

pub(super) fn run(arguments: &Search) -> anyhow::Result<ExitCode> {
    let selection = arguments.which.selection()?;
    let mut output = Output::new(arguments.output.as_deref())?;
    let mut columns = Columns::new(COLUMNS);
    let mut known = Known::default();
    let mut wanted = arguments.subject.wanted(&arguments.folder)?;
    let mut matched = 0_u64;
    if arguments.csv {
        output.write_all(csv::line(csv::ENTRY_COLUMNS).as_bytes())?;
    }
    let reading = Reading::new(&arguments.folder, "searching", arguments.json);
    let verified = reading.entries(&mut |seen, entry| {
        known.entry(entry);
        if !selection.takes(entry, &known) {
            return Ok(());
        }
        if let Some(wanted) = &mut wanted
            && !wanted.is_met(seen, entry)?
        {
            return Ok(());
        }
        matched += 1;
        if arguments.limit != 0 && matched > arguments.limit {
            return Ok(());
        }
        if arguments.json {
            writeln!(output, "{}", fields::entry(seen.index, seen.written_at, entry, seen.bytes))?;
        } else if arguments.csv {
            let row = csv::entry(seen.index, seen.written_at, entry, &known);
            output.write_all(row.as_bytes())?;
        } else {
            columns.row(row(seen, entry, &known), &mut output)?;
        }
        Ok(())
    })?;
    let is_cut = arguments.limit != 0 && matched > arguments.limit;
    if !arguments.json && !arguments.csv {
        columns.finish(&mut output)?;
        writeln!(output, "{matched} of {} entries", verified.entries)?;
    }
    output.finish()?;
    for doubt in wanted.iter().flat_map(Wanted::doubts) {
        eprintln!("{doubt}");
    }
    if is_cut {
        eprintln!("the first {} are shown; --limit 0 shows all", arguments.limit);
    }
    Ok(ExitCode::SUCCESS)
}

fn row(seen: &Seen<'_>, entry: &Entry, known: &Known) -> [String; COLUMNS.len()] {
    let kind = &entry.kind;
    let agreement = known.agreement_of(kind).unwrap_or_default().to_owned();
    let (caller, question, item, case) = match kind.facts() {
        Some(facts) => {
            let fact = facts.fact.as_ref().map_or("?", |fact| fact.as_str());
            let provider = facts.provider.as_ref().map_or("?", |provider| provider.as_str());
            (
                format!("{}/{}", facts.caller.organisation, facts.caller.system),
                format!("{fact} {provider}"),
                facts.item.to_string(),
                facts.case_number.clone(),
            )
        }
        None => (String::new(), words::subject_matter(kind), String::new(), String::new()),
    };
    [
        seen.index.to_string(),
        calendar::moment(entry.at),
        fields::kind_name(kind).to_owned(),
        caller,
        question,
        item,
        case,
        words::result(kind),
        agreement,
    ]
}
