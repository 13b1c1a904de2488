//! `heyan batch`: one question about each row of a list, at the gateway's pace, and never twice.

mod blanks;
mod columns;
mod form;
mod journal;
mod outcome;
mod outputs;
mod plan;
mod progress;
mod pump;
mod rows;
mod sheet;
mod signals;
mod tally;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};

use self::columns::Columns;
use self::journal::{Journal, Opening};
use self::outputs::Outputs;
use self::plan::{Asked, Plan};
use self::progress::Progress;
use self::pump::Pump;
use self::rows::Rows;
use self::sheet::{Encoding, Sheet};
use super::query::Gateway;
use crate::client::Client;
use crate::clock::now;

/// Arguments of `heyan batch`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  \
    heyan batch form P1 --identity pki/fund-centre/approval --authority pki/fund-centre/ca.pem > staff.toml\n  \
    heyan batch staff.csv --form staff.toml --identity … --authority …\n  \
    heyan batch staff.csv --fact P1 --item D2@2026.1 --case GJJ-2026-000001 --operator 0042/batch \\\n      \
        --column person.document_number=身份证号 --column person.name=姓名 …\n\n\
    Beside the list come LIST.results.csv, LIST.failed.csv and LIST.journal. After a stop or a crash the same\n\
    command goes on: rows that have a result are left alone, and nobody is asked about twice.\n\n\
    Exit code: 0 all CONFIRMED, 1 some REFUTED, 2 some could not be told. None of those is a \"no\"."
)]
pub struct Batch {
    #[command(subcommand)]
    form: Option<Forms>,
    #[command(flatten)]
    run: Run,
}

#[derive(Debug, Subcommand)]
enum Forms {
    /// Print a form for a fact: which column holds what, to be filled in
    Form(form::Form),
}

#[derive(Debug, Args)]
struct Run {
    /// The list: CSV in UTF-8 or GB18030, its first row names the columns
    #[arg(value_name = "FILE", required = true)]
    list: Option<PathBuf>,
    #[command(flatten)]
    asked: Asked,
    // None beside a subcommand, which brings its own.
    #[command(flatten)]
    gateway: Option<Gateway>,
    /// Where results go, less the endings; without it beside the list
    #[arg(long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// How the list is written; without it, UTF-8 where it looks like that, else GB18030
    #[arg(long, value_enum)]
    encoding: Option<Encoding>,
    /// Questions under way at once; the gateway takes no more than its own limit
    #[arg(long, value_name = "COUNT", default_value = "64", value_parser = clap::value_parser!(u16).range(1..=1024))]
    in_flight: u16,
    /// Ask again about rows without a verdict: those that nobody knows whether they were asked, those of agencies that did
    /// not answer, and those that were refused. The only way that anybody is asked about twice
    #[arg(long)]
    ask_again: bool,
    /// Print one JSON document at the end
    #[arg(long)]
    json: bool,
}

/// Asks about every row, or prints a form.
///
/// # Errors
/// When list, form or journal cannot be used, or the gateway cannot be reached.
pub async fn run(command: Batch) -> anyhow::Result<ExitCode> {
    match command.form {
        Some(Forms::Form(form)) => form::print(form).await,
        None => ask(command.run).await,
    }
}

async fn ask(run: Run) -> anyhow::Result<ExitCode> {
    let (Some(list), Some(gateway)) = (&run.list, &run.gateway) else {
        bail!("which list, and which gateway? `heyan batch FILE.csv --identity … --authority …`");
    };
    let plan = Plan::new(&run.asked)?;
    let sheet = Sheet::open(list, run.encoding)
        .with_context(|| format!("the list `{}` cannot be read", list.display()))?;
    let stem = run.output.clone().unwrap_or_else(|| less_ending(list));
    refuse_over_list(list, &stem)?;
    let client = gateway.connect().await?;
    let columns = bind(&client, &plan, &sheet).await?;

    let opening =
        Opening { at: now(), list: sheet.digest(), plan: plan.digest(), ask_again: run.ask_again };
    let mut journal = Journal::open(&beside(&stem, "journal"), &opening)?;
    let outputs = Outputs::begin(&stem, &mut journal)?;
    let total = sheet.count();
    let progress = Progress::new(total, run.json);
    let rows = Rows::new(sheet, columns, &plan);
    let mut pump = Pump::new(journal, outputs, rows, progress, usize::from(run.in_flight));
    let ended = pump.run(&client, &signals::stop()?).await;
    let tally = pump.close()?;
    let lost = ended.err();
    tally.print(&stem, total, lost.as_ref(), run.json);
    Ok(tally.exit_code(total))
}

async fn bind(client: &Client, plan: &Plan, sheet: &Sheet) -> anyhow::Result<Columns> {
    let facts = client.facts().await?;
    let known = facts.iter().find(|fact| fact.code == plan.fact());
    let fact = known.with_context(|| format!("the gateway knows no fact `{}`", plan.fact()))?;
    Columns::bind(fact, plan.columns(), sheet.header())
}

/// A list's name without the ending of lists: what stands behind another dot is part of it.
fn less_ending(list: &Path) -> PathBuf {
    let ending = list.extension().map(|ending| ending.to_ascii_lowercase());
    match ending.as_deref().and_then(OsStr::to_str) {
        Some("csv" | "tsv" | "txt") => list.with_extension(""),
        _ => list.to_owned(),
    }
}

/// The rows of an earlier batch that failed can be the list of the next one, but not under a name at which it is written anew.
fn refuse_over_list(list: &Path, stem: &Path) -> anyhow::Result<()> {
    let Ok(read) = list.canonicalize() else { return Ok(()) };
    let written = ["results.csv", "failed.csv", "journal"].map(|ending| beside(stem, ending));
    if written.iter().any(|file| file.canonicalize().is_ok_and(|file| file == read)) {
        bail!("`{}` would be written over while it is read: give another --output", list.display());
    }
    Ok(())
}

/// Not `with_extension`, which would cut a name at its last dot.
fn beside(stem: &Path, ending: &str) -> PathBuf {
    let mut path = stem.as_os_str().to_owned();
    path.push(".");
    path.push(ending);
    path.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_named_after_their_list_and_never_written_over_it() {
        for (list, expected) in
            [("a/staff.csv", "a/staff"), ("staff.CSV", "staff"), ("2026.11", "2026.11"), ("x", "x")]
        {
            assert_eq!(less_ending(Path::new(list)), Path::new(expected), "{list}");
        }
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("staff.failed.csv");
        std::fs::write(&list, "x").unwrap();
        assert!(refuse_over_list(&list, &less_ending(&list)).is_ok());
        let error = refuse_over_list(&list, &folder.path().join("staff")).unwrap_err().to_string();
        assert!(error.ends_with("give another --output"), "{error}");
    }
}
