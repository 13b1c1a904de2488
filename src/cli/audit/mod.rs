//! `heyan audit`: make a log, verify it, replay it. Verifying and replaying need no running gateway and change nothing.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use rcgen::{KeyPair, PKCS_ED25519};
use serde_json::{Value, json};

use super::NO;
use crate::audit::verify::{Expected, Verified, verify};
use crate::audit::{Audit, AuditError, Settings};
use crate::clock::now;
use crate::crypto::{SigningKey, hex};
use crate::parties::Register;
use crate::replay::{Replay, Report};

/// Entries between two signs of life.
const PROGRESS_EVERY: u64 = 65_536;

/// Arguments of `heyan audit`.
#[derive(Debug, Args)]
pub struct AuditCommand {
    #[command(subcommand)]
    command: Commands,
}

#[derive(Debug, Subcommand)]
enum Commands {
    /// Make a new log, once; `serve` never does
    #[command(after_help = "Examples:\n  \
        heyan audit init log --key keys/log.key --origin heyan.example.gov.cn/2026 --new-key\n  \
        openssl genpkey -algorithm ed25519 -out keys/log.key && chmod 600 keys/log.key\n\n\
        The origin is the log's name in every checkpoint and receipt: choose one that nobody else uses.\n\
        Exit code 0 made, 2 not made.")]
    Init(Init),
    /// Check every byte, hash, root and signature of a log, in order
    #[command(after_help = "Examples:\n  heyan audit verify log\n  \
        heyan audit verify /mnt/copy/log --since last-month.checkpoint\n\n\
        With --since also proves that the log still holds everything that checkpoint covers.\n\
        Exit code 0 whole, 1 not whole (the first bad place is named), 2 could not tell.")]
    Verify(Verify),
    /// Verify a log, then take every recorded decision again and compare
    #[command(after_help = "Examples:\n  heyan audit replay log\n  \
        heyan audit replay log --parties /audit-office/parties --json\n\n\
        With --parties the party register in the log must be the one in that folder; without, it is taken from the log.\n\
        Exit code 0 no finding, 1 findings, 2 could not tell.")]
    Replay(ReplayArguments),
}

#[derive(Debug, Args)]
struct Init {
    /// Folder of the log; new, or empty
    folder: PathBuf,
    /// The log's private key: Ed25519, PKCS#8 PEM, mode 0600
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Make that key first; the file must not exist
    #[arg(long)]
    new_key: bool,
    /// Name of the log: no spaces, no plus sign, by custom like a URL without its scheme
    #[arg(long, value_name = "NAME")]
    origin: String,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Verify {
    /// Folder of the log, or of a copy
    folder: PathBuf,
    /// A checkpoint of this log, kept elsewhere
    #[arg(long, value_name = "FILE")]
    since: Option<PathBuf>,
    /// The key that the log must have, as `audit init` printed it
    #[arg(long, value_name = "KEY")]
    vkey: Option<String>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ReplayArguments {
    /// Folder of the log, or of a copy
    folder: PathBuf,
    /// Your own party register
    #[arg(long, value_name = "DIR")]
    parties: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Runs it: exit 0 good, 1 with findings.
///
/// # Errors
/// When it could not be done or told: exit 2.
pub fn run(command: AuditCommand) -> anyhow::Result<ExitCode> {
    match command.command {
        Commands::Init(arguments) => init(&arguments),
        Commands::Verify(arguments) => {
            let since = arguments.since.as_deref().map(read_text).transpose()?;
            let expected = Expected { since: since.as_deref(), vkey: arguments.vkey.as_deref() };
            let examined = verify_folder(&arguments.folder, expected)?;
            Ok(tell(&examined, arguments.json))
        }
        Commands::Replay(arguments) => {
            let examined = examine(&arguments.folder, arguments.parties.as_deref())?;
            Ok(tell(&examined, arguments.json))
        }
    }
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
    let anchors = parties.map(load_parties).transpose()?;
    let mut replay = Replay::new(anchors);
    let mut progress = Progress::default();
    let result = verify(folder, Expected::default(), &mut |index, entry| {
        progress.step();
        replay.entry(index, entry);
    });
    progress.end();
    let report = replay.finish();
    let mut examined = judge(result)?;
    examined.entries = report.entries;
    examined.decisions = report.intents + report.outcomes + report.denials;
    examined.findings.extend(report.findings.iter().map(|finding| Found {
        index: Some(finding.index),
        rule: finding.rule,
        text: finding.text.clone(),
    }));
    examined.report = Some(report);
    Ok(examined)
}

fn verify_folder(folder: &Path, expected: Expected<'_>) -> anyhow::Result<Examined> {
    let mut progress = Progress::default();
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
        println!("{}", as_json(examined));
    } else {
        print!("{}", in_words(examined));
    }
    if examined.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(NO) }
}

fn as_json(examined: &Examined) -> Value {
    let findings: Vec<Value> = examined
        .findings
        .iter()
        .map(|found| json!({ "entry": found.index, "rule": found.rule, "problem": found.text }))
        .collect();
    let log = examined.verified.as_ref().map(|verified| {
        json!({
            "origin": verified.origin,
            "vkey": verified.vkey,
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
            "more_findings": report.more_findings,
        })
    });
    json!({ "entries": examined.entries, "log": log, "replay": replay, "findings": findings })
}

fn in_words(examined: &Examined) -> String {
    let mut lines: Vec<String> = examined.findings.iter().map(ToString::to_string).collect();
    if let Some(verified) = &examined.verified {
        lines.push(format!("log        {}", verified.origin));
        lines.push(format!("key        {}", verified.vkey));
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
    }
    let more = examined.report.as_ref().map_or(0, |report| report.more_findings);
    lines.push(match examined.findings.len() as u64 + more {
        0 => "no findings".to_owned(),
        1 => "1 finding".to_owned(),
        count => format!("{count} findings"),
    });
    lines.join("\n") + "\n"
}

fn init(arguments: &Init) -> anyhow::Result<ExitCode> {
    if arguments.new_key {
        make_key(&arguments.key)?;
    }
    let key = SigningKey::read(&arguments.key)?;
    Audit::create(&arguments.folder, &key, &arguments.origin, now(), &Settings::default())?;
    let verified = verify(&arguments.folder, Expected::default(), &mut |_, _| {})?;
    let checkpoint = arguments.folder.join("checkpoint");
    if arguments.json {
        let origin = &verified.origin;
        println!(
            "{}",
            json!({ "origin": origin, "vkey": verified.vkey, "checkpoint": checkpoint })
        );
    } else {
        println!("log        {}", verified.origin);
        println!("key        {}", verified.vkey);
        println!("checkpoint {}", checkpoint.display());
        println!("Give the key, as printed here, to everyone who will check receipts or this log.");
    }
    Ok(ExitCode::SUCCESS)
}

fn make_key(path: &Path) -> anyhow::Result<()> {
    let pem = KeyPair::generate_for(&PKCS_ED25519)?.serialize_pem();
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make `{}`", folder.display()))?;
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = file.with_context(|| format!("cannot make the key `{}`", path.display()))?;
    file.write_all(pem.as_bytes())?;
    file.sync_all().with_context(|| format!("cannot write the key `{}`", path.display()))
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

fn read_text(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))
}

/// Counts entries, on a terminal visibly.
struct Progress {
    entries: u64,
    is_shown: bool,
}

impl Default for Progress {
    fn default() -> Self {
        Self { entries: 0, is_shown: std::io::stderr().is_terminal() }
    }
}

impl Progress {
    fn step(&mut self) {
        self.entries += 1;
        if self.is_shown && self.entries.is_multiple_of(PROGRESS_EVERY) {
            eprint!("\r{} entries", self.entries);
        }
    }

    /// Clears the line; how many there were.
    fn end(&self) -> u64 {
        if self.is_shown && self.entries >= PROGRESS_EVERY {
            eprint!("\r\x1b[K");
        }
        self.entries
    }
}

#[cfg(test)]
mod tests;
