//! `heyan case verify`: the evidence of a case, checked without the log and without the gateway.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::json;

use crate::audit::note::VerifierKey;
use crate::cli::{COULD_NOT_TELL, NO};
use crate::evidence::check::{Checked, Expected, Finding, check};
use crate::evidence::{Files, zip};
use crate::parties::Register;

/// This program, as packages name it.
pub(in crate::cli) const PROGRAM: &str = concat!("heyan ", env!("CARGO_PKG_VERSION"));

/// What no package can show: whoever makes one can leave it out.
const ONLY_LOG: &str = "orders, withdrawals, freezes and disputes that are not in it are seen only in the log (heyan audit replay)";

pub(super) const EXAMPLES: &str = "Examples:\n  \
    heyan case verify GJJ-2026-000777.zip --log-key 'heyan.example.gov.cn/2026+1a2b3c4d+AX…'\n  \
    heyan case verify unpacked/ --log-key \"$(cat log.vkey)\" --parties /audit-office/parties --json\n\n\
    Checks digests, receipts, the log's signature, what was opened, the parties' signatures; takes every decision again\n\
    and concludes the case again. Take the key from whoever runs the log, once, and not from the package: without\n\
    --log-key this proves only that the package agrees with itself.\n\
    Exit code 0 all good, 1 findings, 2 could not tell.";

/// Arguments of `heyan case verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// The package: a ZIP as `heyan case export` wrote it, or a folder
    bundle: PathBuf,
    /// Public key of the log, as `heyan audit init` printed it; once for each that it has had
    #[arg(long, value_name = "KEY", value_parser = VerifierKey::parse)]
    log_key: Vec<VerifierKey>,
    /// Folder of the party register as you hold it: that of the package must be the same
    #[arg(long, value_name = "DIR")]
    parties: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Verify) -> anyhow::Result<ExitCode> {
    let parties = arguments.parties.as_deref().map(register).transpose()?;
    let (files, mut findings) = read(&arguments.bundle)?;
    let program = PROGRAM.to_owned();
    let log_keys = arguments.log_key.clone();
    let is_keyless = log_keys.is_empty();
    // Of what is no package at all there is nothing more to say.
    let mut checked = match files.is_empty() && !findings.is_empty() {
        true => Checked::default(),
        false => check(&files, Expected { log_keys, parties, program }),
    };
    findings.append(&mut checked.findings);
    checked.findings = findings;
    match arguments.json {
        true => tell_json(&checked, is_keyless),
        false => tell(&checked, is_keyless),
    }
    Ok(match (checked.findings.is_empty(), checked.not_compared.is_empty()) {
        (false, _) => ExitCode::from(NO),
        (true, false) => ExitCode::from(COULD_NOT_TELL),
        (true, true) => ExitCode::SUCCESS,
    })
}

fn register(folder: &Path) -> anyhow::Result<Register> {
    Register::load(folder).map_err(|findings| {
        let first = findings.first().map(ToString::to_string).unwrap_or_default();
        anyhow::anyhow!("the party register cannot be used: {first}")
    })
}

fn tell(checked: &Checked, is_keyless: bool) {
    if let Some(case) = &checked.case {
        say!("case       {} of item {} {}", case.case_number, case.item, case.item_version);
        say!("outcome    {}, entry {} of {}", case.outcome, case.entry, case.origin);
        let (answers, persons) = (case.answers, case.persons.name());
        say!("answers    {answers}; {} fields opened (persons: {persons})", checked.openings);
    }
    say!("checked    {} files, {} entries", checked.files, checked.entries);
    if checked.retaken > 0 {
        say!("stated     {} comparisons with what was stated, made again", checked.retaken);
    }
    if checked.on_word > 0 {
        let count = checked.on_word;
        say!(
            "on word    {count} comparisons with amounts, days and texts: the application is not opened here"
        );
    }
    if checked.case.is_some() {
        say!("only log   {ONLY_LOG}");
    }
    if is_keyless {
        say!(
            "key        the package's own: this proves only that it agrees with itself; use --log-key"
        );
    }
    if !checked.not_compared.is_empty() {
        let files = checked.not_compared.join(", ");
        say!(
            "untold     {files}: written by another version, not compared; read case.json instead"
        );
    }
    for finding in &checked.findings {
        say!("FINDING    {}: {} ({})", finding.file, finding.text, finding.rule);
    }
    match checked.findings.len() {
        0 if checked.not_compared.is_empty() => say!("all good"),
        0 => say!("good but for what is untold"),
        count => say!("NOT good: {count} findings"),
    }
}

fn tell_json(checked: &Checked, is_keyless: bool) {
    let case = checked.case.as_ref().map(|case| {
        json!({
            "entry": case.entry,
            "origin": case.origin,
            "case_number": case.case_number,
            "item": case.item,
            "item_version": case.item_version,
            "outcome": case.outcome,
            "answers": case.answers,
            "persons": case.persons.name(),
        })
    });
    let findings = checked
        .findings
        .iter()
        .map(|finding| json!({ "file": finding.file, "rule": finding.rule, "text": finding.text }));
    say!(
        "{}",
        json!({
            "good": checked.findings.is_empty(),
            "only_with_itself": is_keyless,
            "case": case,
            "files": checked.files,
            "entries": checked.entries,
            "openings": checked.openings,
            "retaken": checked.retaken,
            "on_word": checked.on_word,
            "seen_only_in_log": ONLY_LOG,
            "not_compared": checked.not_compared,
            "findings": findings.collect::<Vec<_>>(),
        })
    );
}

/// The files of the package, and what is wrong with the whole.
fn read(bundle: &Path) -> anyhow::Result<(Files, Vec<Finding>)> {
    let shown = bundle.display().to_string();
    let found = fs::metadata(bundle).with_context(|| format!("cannot read `{shown}`"))?;
    if found.is_dir() {
        let mut files = Files::new();
        let mut findings = Vec::new();
        folder(bundle, "", &mut files, &mut findings)?;
        return Ok((files, findings));
    }
    let bytes = bounded(bundle, zip::BYTES_MOST)?;
    let wrong =
        |why: zip::ZipError| Finding { file: shown.clone(), rule: "zip", text: why.to_string() };
    Ok(match zip::unpack(&bytes) {
        Ok((files, true)) => (files, Vec::new()),
        Ok((files, false)) => (files, vec![wrong(zip::ZipError::Other)]),
        Err(why) => (Files::new(), vec![wrong(why)]),
    })
}

/// Reads a folder, as deep as a package is; links and what is no file are findings.
fn folder(
    at: &Path,
    prefix: &str,
    files: &mut Files,
    findings: &mut Vec<Finding>,
) -> anyhow::Result<()> {
    let unreadable = || format!("cannot read `{}`", at.display());
    for entry in fs::read_dir(at).with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?;
        let name = entry.file_name();
        let path = format!("{prefix}{}", name.to_string_lossy());
        let mut find = |text: &str| {
            let text = text.to_owned();
            findings.push(Finding { file: path.clone(), rule: "folder", text });
        };
        let kind = entry.file_type().with_context(unreadable)?;
        if kind.is_dir() && prefix.is_empty() {
            folder(&entry.path(), &format!("{path}/"), files, findings)?;
        } else if !kind.is_file() {
            find("is no plain file, and has no place in a package");
        } else if !zip::is_path(&path) {
            find("has a path that no package has");
        } else if files.len() == zip::FILES_MOST {
            bail!("`{}` has more files than any package", at.display());
        } else {
            let read: usize = files.values().map(Vec::len).sum();
            files.insert(path, bounded(&entry.path(), zip::BYTES_MOST.saturating_sub(read))?);
        }
    }
    Ok(())
}

fn bounded(path: &Path, most: usize) -> anyhow::Result<Vec<u8>> {
    let shown = path.display();
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(most as u64 + 1).read_to_end(&mut bytes))
        .with_context(|| format!("cannot read `{shown}`"))?;
    if bytes.len() > most {
        bail!("`{shown}` is larger than the 64 MiB that a package may have");
    }
    Ok(bytes)
}
