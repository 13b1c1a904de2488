//! `heyan audit compare`: what one side of the same questions holds and the other does not.

mod logs;
mod receipts;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::which::Span;
use crate::cli::NO;

#[derive(Debug, Args)]
pub(super) struct Compare {
    /// Folder of the log, or of a copy
    folder: PathBuf,
    /// Folder of receipts (*.tlog-proof) that a consumer has kept
    #[arg(long, value_name = "DIR", required_unless_present = "log", conflicts_with = "log")]
    receipts: Option<PathBuf>,
    /// Folder of another log that recorded the same questions
    #[arg(long, value_name = "DIR")]
    log: Option<PathBuf>,
    /// The consumer whose questions are compared
    #[arg(long, value_name = "ORGANISATION[/SYSTEM]")]
    caller: Option<String>,
    #[command(flatten)]
    span: Span,
    /// The key that the log must have
    #[arg(long, value_name = "KEY")]
    vkey: Option<String>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Findings listed; beyond it they are only counted.
const MOST_LISTED: usize = 10_000;

/// What a comparison came to.
#[derive(Debug, Default)]
struct Compared {
    /// Names and counts, for people and programs.
    counts: Vec<(&'static str, u64)>,
    findings: Vec<Difference>,
    more: u64,
}

/// One thing that one side has and the other has not, or has otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Difference {
    /// Stable name.
    rule: &'static str,
    /// Entry of the log, where it is one.
    index: Option<u64>,
    /// Receipt, or entry of the other log.
    other: Option<String>,
    text: String,
}

impl Compared {
    fn find(
        &mut self,
        rule: &'static str,
        index: Option<u64>,
        other: Option<String>,
        text: String,
    ) {
        if self.findings.len() < MOST_LISTED {
            self.findings.push(Difference { rule, index, other, text });
        } else {
            self.more += 1;
        }
    }
}

pub(super) fn run(arguments: &Compare) -> anyhow::Result<ExitCode> {
    arguments.span.range()?;
    let compared = match (&arguments.receipts, &arguments.log) {
        (Some(folder), _) => receipts::compare(arguments, folder)?,
        (None, Some(other)) => logs::compare(arguments, other)?,
        (None, None) => anyhow::bail!("name either --receipts or --log"),
    };
    if arguments.json {
        say!("{}", as_json(&compared));
    } else {
        say!("{}", in_words(&compared).trim_end());
    }
    let is_same = compared.findings.is_empty();
    Ok(if is_same { ExitCode::SUCCESS } else { ExitCode::from(NO) })
}

impl Compare {
    /// True when questions of this caller are compared.
    fn is_meant(&self, organisation: &str, system: &str) -> bool {
        match self.caller.as_deref().map(|caller| caller.split_once('/')) {
            None => true,
            Some(Some(both)) => both == (organisation, system),
            Some(None) => self.caller.as_deref() == Some(organisation),
        }
    }
}

fn as_json(compared: &Compared) -> Value {
    let counts: serde_json::Map<String, Value> = compared
        .counts
        .iter()
        .map(|(name, count)| (name.replace(' ', "_"), json!(count)))
        .collect();
    let findings: Vec<Value> = compared
        .findings
        .iter()
        .map(|found| {
            json!({
                "rule": found.rule,
                "entry": found.index,
                "other": found.other,
                "problem": found.text,
            })
        })
        .collect();
    json!({ "counts": counts, "findings": findings, "more_findings": compared.more })
}

fn in_words(compared: &Compared) -> String {
    let mut text = String::new();
    for found in &compared.findings {
        let index = found.index.map(|index| format!("entry {index}: ")).unwrap_or_default();
        let other = found.other.as_ref().map(|other| format!("{other}: ")).unwrap_or_default();
        text.push_str(&format!("{}: {index}{other}{}\n", found.rule, found.text));
    }
    for (name, count) in &compared.counts {
        text.push_str(&format!("{name:<22} {count}\n"));
    }
    text.push_str(&match compared.findings.len() as u64 + compared.more {
        0 => "no findings\n".to_owned(),
        1 => "1 finding\n".to_owned(),
        count => format!("{count} findings\n"),
    });
    text
}

/// A path for people, relative to the folder.
fn shown(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests;
