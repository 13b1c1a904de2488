//! `heyan audit verify` and `heyan audit replay`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::{Value, json};

use super::progress::Progress;
use super::reading::{checkpoint_in, key_in};
use crate::audit::commitment::Field;
use crate::audit::entry::{Entry, Kind};
use crate::audit::verify::{Expected, Verified, verify};
use crate::audit::walk::{Seen, walk_entries};
use crate::audit::{AuditError, entry, records};
use crate::cli::NO;
use crate::crypto::hex;
use crate::parties::Register;
use crate::replay::{Replay, Report};
use crate::vault::VaultError;
use crate::vault::master::{Master, Power};
use crate::vault::open::Opener;

#[derive(Debug, Args)]
pub(super) struct VerifyArguments {
    /// Folder of the log, or of a copy
    folder: PathBuf,
    /// A checkpoint of this log, kept elsewhere
    #[arg(long, value_name = "FILE")]
    since: Option<PathBuf>,
    /// A key that the log must have: its first, as `audit init` printed it, or one that it went over to
    #[arg(long, value_name = "KEY")]
    vkey: Option<String>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ReplayArguments {
    /// Folder of the log, or of a copy
    folder: PathBuf,
    /// Your own party register
    #[arg(long, value_name = "DIR")]
    parties: Option<PathBuf>,
    /// Folder of the vault's day keys, to open what each application states and compare it again
    #[arg(long, value_name = "DIR", requires = "key")]
    keys: Option<PathBuf>,
    /// The vault's master key
    #[arg(long, value_name = "FILE", requires = "keys")]
    key: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn verify_log(arguments: &VerifyArguments) -> anyhow::Result<ExitCode> {
    // A key or a file that is none says nothing about the log.
    let since = arguments.since.as_deref().map(checkpoint_in).transpose()?;
    arguments.vkey.as_deref().map(key_in).transpose()?;
    let expected = Expected { since: since.as_deref(), vkey: arguments.vkey.as_deref() };
    let examined = verify_folder(&arguments.folder, expected, arguments.json)?;
    Ok(tell(&examined, arguments.json))
}

pub(super) fn replay_log(arguments: &ReplayArguments) -> anyhow::Result<ExitCode> {
    let parties = arguments.parties.as_deref();
    let vault = arguments.keys.as_deref().zip(arguments.key.as_deref());
    let examined = examine_with(&arguments.folder, parties, vault, arguments.json)?;
    Ok(tell(&examined, arguments.json))
}

/// What an examination of a log came to.
#[derive(Debug)]
pub struct Examined {
    /// Entries read.
    pub entries: u64,
    /// Decisions taken again.
    pub decisions: u64,
    /// What is wrong, in order.
    pub findings: Vec<Found>,
    /// What was found whole; `None` when the log itself is not.
    verified: Option<Verified>,
    /// Only of a replay.
    report: Option<Report>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The entry, where it is one.
    pub index: Option<u64>,
    /// Stable name of the rule that is broken; `log` when the log is not whole.
    pub rule: &'static str,
    /// For people.
    pub text: String,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.index {
            Some(index) => write!(f, "entry {index}: {}: {}", self.rule, self.text),
            None => write!(f, "{}: {}", self.rule, self.text),
        }
    }
}

/// Verifies the log and takes every decision again. With `parties`, the register in the log must be that folder's.
///
/// # Errors
/// When log or parties cannot be looked at. A log that is not whole is a finding, not an error.
pub fn examine(folder: &Path, parties: Option<&Path>) -> anyhow::Result<Examined> {
    examine_with(folder, parties, None, false)
}

fn examine_with(
    folder: &Path,
    parties: Option<&Path>,
    vault: Option<(&Path, &Path)>,
    is_quiet: bool,
) -> anyhow::Result<Examined> {
    let mut opener = match vault {
        Some((keys, key)) => Some(Opener::new(folder, keys, Master::read(key, Power::Open)?)?),
        None => None,
    };
    let mut unopened = None;
    let anchors = parties.map(load_parties).transpose()?;
    let mut replay = Replay::new(anchors);
    let mut progress = Progress::new("replaying", folder, is_quiet);
    let result = walk_entries(folder, Expected::default(), &mut |seen, entry| {
        progress.step();
        if let (Some(opener), Kind::Case(_)) = (&mut opener, &entry.kind) {
            match filed(opener, seen, entry) {
                Ok(Some((subject, request))) => replay.filed(seen.index, &subject, &request),
                Ok(None) => {}
                Err(error) => drop(unopened.get_or_insert((seen.index, error))),
            }
        }
        replay.entry(seen.index, entry);
    });
    progress.end();
    if let Some((index, error)) = unopened {
        return Err(error)
            .with_context(|| format!("the application of entry {index} does not open"));
    }
    for index in replay.wanted() {
        // What cannot be read again is a finding of the replay, or of the verification.
        if let Ok(Some((stored, _))) = records::at(folder, index)
            && let Ok(entry) = entry::decode(&stored)
        {
            replay.shown(index, &entry);
        }
    }
    let report = replay.finish();
    let mut examined = judge(result)?;
    examined.entries = report.entries;
    examined.decisions = report.intents + report.outcomes + report.denials;
    examined.findings.extend(report.findings.iter().map(|finding| Found {
        index: Some(finding.index),
        rule: finding.rule,
        text: finding.text.clone(),
    }));
    // Of a log that is not whole nothing is counted: the numbers would pass for its own.
    examined.report = examined.verified.is_some().then_some(report);
    Ok(examined)
}

/// Subjects and application of a case; `None` where nothing was kept of them, or it was erased.
fn filed(
    opener: &mut Opener,
    seen: &Seen<'_>,
    entry: &Entry,
) -> Result<Option<(String, String)>, VaultError> {
    let unlocked = match opener.unlock(seen.index, entry, &seen.private) {
        Err(VaultError::NoRecord | VaultError::Gone(_)) => return Ok(None),
        unlocked => unlocked?,
    };
    let text = |field| {
        let opened = unlocked.open(field)?;
        String::from_utf8(opened.value).map_err(|_| VaultError::Damaged("a field is no text"))
    };
    Ok(Some((text(Field::Subject)?, text(Field::Request)?)))
}

fn verify_folder(
    folder: &Path,
    expected: Expected<'_>,
    is_quiet: bool,
) -> anyhow::Result<Examined> {
    let mut progress = Progress::new("verifying", folder, is_quiet);
    let result = verify(folder, expected, &mut |_, _| progress.step());
    let entries = progress.end();
    let mut examined = judge(result)?;
    examined.entries = entries;
    Ok(examined)
}

/// Tells a log that is at fault from one that could not be looked at.
fn judge(result: Result<Verified, AuditError>) -> anyhow::Result<Examined> {
    let mut examined =
        Examined { entries: 0, decisions: 0, findings: Vec::new(), verified: None, report: None };
    let text = match result {
        Ok(verified) => {
            let left_over = verified.left_over.as_ref().map(|left_over| {
                format!(
                    "`{}` has {} bytes from byte {} on that belong to no frame: left by a write cut short, and never \
                     acknowledged, or put there later; the next start sets them aside",
                    left_over.path.display(),
                    left_over.bytes,
                    left_over.offset
                )
            });
            examined.verified = Some(verified);
            left_over
        }
        Err(error) if error.is_finding() => Some(format!("{:#}", anyhow::Error::new(error))),
        Err(error) => return Err(error.into()),
    };
    examined.findings.extend(text.map(|text| Found { index: None, rule: "log", text }));
    Ok(examined)
}

fn tell(examined: &Examined, json: bool) -> ExitCode {
    if json {
        say!("{}", as_json(examined));
    } else {
        say!("{}", in_words(examined).trim_end());
    }
    if examined.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(NO) }
}

pub(super) fn as_json(examined: &Examined) -> Value {
    let findings: Vec<Value> = examined
        .findings
        .iter()
        .map(|found| json!({ "entry": found.index, "rule": found.rule, "problem": found.text }))
        .collect();
    let log = examined.verified.as_ref().map(|verified| {
        json!({
            "origin": verified.origin,
            "vkey": verified.vkey,
            "current_vkey": verified.current_vkey,
            "frames": verified.frames,
            "root": hex(&verified.root),
            "published": verified.published,
        })
    });
    let replay = examined.report.as_ref().map(|report| {
        json!({
            "intents": report.intents,
            "outcomes": report.outcomes,
            "cached": report.cached,
            "denials": report.denials,
            "verdicts": report.verdicts,
            "denied": report.denied,
            "unanswered": report.unanswered,
            "lost": report.lost,
            "cases": report.cases,
            "retaken": report.retaken,
            "on_word": report.on_word,
            "more_findings": report.more_findings,
        })
    });
    json!({ "entries": examined.entries, "log": log, "replay": replay, "findings": findings })
}

pub(super) fn in_words(examined: &Examined) -> String {
    let mut lines: Vec<String> = examined.findings.iter().map(ToString::to_string).collect();
    if let Some(verified) = &examined.verified {
        lines.push(format!("log        {}", verified.origin));
        lines.push(format!("key        {}", verified.vkey));
        if verified.current_vkey != verified.vkey {
            lines.push(format!("key now    {}", verified.current_vkey));
        }
        lines.push(format!("entries    {} in {} frames", verified.entries, verified.frames));
        lines.push(format!("root       {}", hex(&verified.root)));
        lines.push(format!("published  {}", verified.published));
    }
    if let Some(report) = &examined.report {
        let listed = |names: Vec<String>| match names.is_empty() {
            true => String::new(),
            false => format!(" ({})", names.join(", ")),
        };
        let verdicts = report.verdicts.iter().map(|(name, count)| format!("{name} {count}"));
        let denied = report.denied.iter().map(|(code, count)| format!("{code} {count}"));
        lines.push(format!("answers    {}{}", report.outcomes, listed(verdicts.collect())));
        lines.push(format!("  cached   {}", report.cached));
        lines.push(format!("denials    {}{}", report.denials, listed(denied.collect())));
        lines.push(format!("unanswered {}, lost to crashes {}", report.unanswered, report.lost));
        lines.extend(cases(report));
    }
    let more = examined.report.as_ref().map_or(0, |report| report.more_findings);
    lines.push(match examined.findings.len() as u64 + more {
        0 => "no findings".to_owned(),
        1 => "1 finding".to_owned(),
        count => format!("{count} findings"),
    });
    if examined.verified.is_none() {
        lines.push(
            "Do not edit it. Copy the folder aside, and hold it against the copies, checkpoints and receipts of others."
                .to_owned(),
        );
    }
    lines.join("\n") + "\n"
}

/// What was compared again of the applications, and what was not.
fn cases(report: &Report) -> Vec<String> {
    if report.cases == 0 {
        return Vec::new();
    }
    let (cases, retaken, on_word) = (report.cases, report.retaken, report.on_word);
    let mut lines =
        vec![format!("cases      {cases}, {retaken} comparisons with what was stated made again")];
    if on_word > 0 {
        lines.push(format!(
            "on word    {on_word} comparisons with amounts, days and texts: --keys and --key of the vault open them"
        ));
    }
    lines
}

fn load_parties(folder: &Path) -> anyhow::Result<Register> {
    match Register::load(folder) {
        Ok(register) => Ok(register),
        Err(findings) => {
            let findings: Vec<String> = findings.iter().map(ToString::to_string).collect();
            bail!("the party register cannot be used: {}", findings.join("; "))
        }
    }
}
