//! `heyan adapter try`: one question through a manifest, with every step of it shown to the operator who asked.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Args;
use serde_json::Value as Json;

use super::asked::Asked;
use super::leave::{Asking, Leave};
use crate::adapters::workbench::{Conclusion, Received, Sent, Step, Steps, Workbench};
use crate::catalogue::Catalogue;
use crate::cli::{COULD_NOT_TELL, NO, findings};
use crate::clock;
use crate::query::time::Timestamp;

/// Arguments of `heyan adapter try`.
#[derive(Debug, Args)]
pub(super) struct Try {
    /// The manifest
    manifest: PathBuf,
    /// The catalogue, with its folders `facts` and `items`
    #[arg(long, value_name = "FOLDER")]
    catalogue: PathBuf,
    #[command(flatten)]
    asked: Asked,
    /// Play a fixture instead of asking anybody: its file, and after a colon its name where it is not the first
    #[arg(long, value_name = "FILE[:NAME]", conflicts_with_all = ["fact", "subject", "attribute", "at"])]
    fixture: Option<String>,
    /// Time of the question (RFC 3339); now when it is not given
    #[arg(long, value_name = "TIME")]
    at: Option<jiff::Timestamp>,
    /// How long to wait
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = humantime::parse_duration)]
    deadline: Duration,
    #[command(flatten)]
    leave: Leave,
    /// Print the steps as JSON
    #[arg(long)]
    json: bool,
}

/// Asks and shows: exit 0 when a record was found, 1 when there is none or several disagree, 2 without an answer.
///
/// # Errors
/// When the manifest, the catalogue or the question cannot be used.
pub(super) async fn run(command: &Try) -> anyhow::Result<ExitCode> {
    let catalogue = Catalogue::load(&command.catalogue).map_err(|flaws| {
        findings::tell(&command.manifest, &flaws, command.json);
        anyhow!("the catalogue `{}` cannot be used", command.catalogue.display())
    })?;
    let steps = match &command.fixture {
        Some(fixture) => from_fixture(command, fixture, &catalogue).await?,
        None => asked(command, &catalogue).await?,
    };
    if command.json {
        say_plain!("{}", serde_json::to_string_pretty(&steps)?);
    } else {
        tell(&steps);
    }
    Ok(match steps.conclusion {
        Conclusion::Found { .. } => ExitCode::SUCCESS,
        Conclusion::NotFound { .. } | Conclusion::Conflict { .. } => ExitCode::from(NO),
        Conclusion::Unavailable { .. } => ExitCode::from(COULD_NOT_TELL),
    })
}

async fn from_fixture(
    command: &Try,
    fixture: &str,
    catalogue: &Catalogue,
) -> anyhow::Result<Steps> {
    let bench = Workbench::open_without_files(&command.manifest, catalogue).map_err(|flaws| {
        findings::tell(&command.manifest, &flaws, command.json);
        anyhow!("the manifest `{}` cannot be used", command.manifest.display())
    })?;
    let (file, name) = match fixture.split_once(".toml:") {
        Some((file, name)) => (format!("{file}.toml"), Some(name)),
        None => (fixture.to_owned(), None),
    };
    let steps = bench.try_fixture(Path::new(&file), name, command.deadline).await;
    steps.map_err(|flaws| {
        findings::tell(Path::new(&file), &flaws, command.json);
        anyhow!("the fixture `{fixture}` cannot be played")
    })
}

async fn asked(command: &Try, catalogue: &Catalogue) -> anyhow::Result<Steps> {
    let (query, granted) = command.asked.read(catalogue)?;
    let bench = Workbench::open(&command.manifest, catalogue).map_err(|flaws| {
        findings::tell(&command.manifest, &flaws, command.json);
        anyhow!("the manifest `{}` cannot be used", command.manifest.display())
    })?;
    command.leave.take(&Asking::one(&command.manifest, &bench, &query))?;
    let at = command.at.map_or_else(|| Ok(clock::now()), timestamp)?;
    let steps = bench.try_one(&query, &granted, at, command.deadline).await;
    steps.map_err(|flaw| anyhow!("{flaw}"))
}

/// A time of the command line.
pub(super) fn timestamp(at: jiff::Timestamp) -> anyhow::Result<Timestamp> {
    u64::try_from(at.as_microsecond()).map(Timestamp).context("--at lies before 1970")
}

fn tell(steps: &Steps) {
    say_plain!("{} of {} {} ({})", steps.fact, steps.adapter, steps.version, steps.file.display());
    say_plain!("at {}, to {}", moment(steps.at), steps.place);
    for step in &steps.steps {
        match step {
            Step::Sent(sent) => tell_sent(sent),
            Step::Received(received) => tell_received(received),
            Step::Broke { reason, detail } => say_plain!("\n<- nothing ({reason}): {detail}"),
            Step::Evaluated(evaluated) => {
                let line = evaluated.line.map_or_else(String::new, |line| format!(":{line}"));
                say_plain!("\n{}{line}", evaluated.key);
                say_plain!("  {}", evaluated.expression);
                for glimpse in &evaluated.saw {
                    let value = glimpse.value.as_ref();
                    let value = value.map_or_else(|| "(nothing)".to_owned(), Json::to_string);
                    say_plain!("    saw    {} = {value}", glimpse.path);
                }
                match (&evaluated.yielded, &evaluated.fault) {
                    (Some(value), _) => say_plain!("    yields {value}"),
                    (None, fault) => {
                        say_plain!("    fault  {}", fault.as_deref().unwrap_or_default())
                    }
                }
            }
        }
    }
    tell_conclusion(steps);
}

fn tell_sent(sent: &Sent) {
    match sent {
        Sent::Request { method, target, headers, body } => {
            say_plain!("\n-> {method} {target}");
            for (name, value) in headers {
                say_plain!("   {name}: {value}");
            }
            if let Some(body) = body {
                say_plain!("\n   {body}");
            }
        }
        Sent::Statement { statement, parameters } => {
            say_plain!("\n-> {statement}");
            for (position, parameter) in parameters.iter().enumerate() {
                say_plain!("   ${} = {parameter}", position + 1);
            }
        }
        Sent::Message(message) => say_plain!("\n-> {message:#}"),
    }
}

fn tell_received(received: &Received) {
    match received {
        Received::Reply { status, headers, body } => {
            say_plain!("\n<- {status}");
            for (name, value) in headers {
                say_plain!("   {name}: {}", value.as_str().unwrap_or_default());
            }
            say_plain!("\n   {body}");
        }
        Received::Rows { rows, as_of } => {
            say_plain!("\n<- {} rows", rows.len());
            for row in rows {
                say_plain!("   {row}");
            }
            if let Some(as_of) = as_of {
                say_plain!("   as of {}", moment(*as_of));
            }
        }
        Received::Message(message) => say_plain!("\n<- {message:#}"),
    }
}

fn tell_conclusion(steps: &Steps) {
    let by = steps.decided_by.as_ref().map_or_else(String::new, |(key, line)| {
        let line = line.map_or_else(String::new, |line| format!(":{line}"));
        format!(" by {key}{line}")
    });
    match &steps.conclusion {
        Conclusion::Found { attributes, as_of, dropped } => {
            say_plain!("\nFOUND{by}, as of {}", moment(*as_of));
            for told in attributes {
                let entry =
                    told.entry.as_ref().map_or_else(String::new, |entry| format!(", {entry}"));
                say_plain!("  {} = {}  ({}{entry})", told.name, told.value, told.kind);
            }
            if !dropped.is_empty() {
                say_plain!("  dropped, not granted: {}", dropped.join(", "));
            }
        }
        Conclusion::NotFound { as_of } => say_plain!("\nNOT FOUND{by}, as of {}", moment(*as_of)),
        Conclusion::Conflict { as_of } => say_plain!("\nCONFLICT{by}, as of {}", moment(*as_of)),
        Conclusion::Unavailable { reason, detail } => {
            say_plain!("\nUNAVAILABLE ({reason}): {detail}")
        }
    }
}

/// China Standard Time, in which everybody concerned lives.
fn moment(at: Timestamp) -> String {
    let micros = i64::try_from(at.0).unwrap_or(i64::MAX);
    jiff::Timestamp::from_microsecond(micros)
        .map(|at| at.display_with_offset(jiff::tz::offset(8)).to_string())
        .unwrap_or_default()
}
