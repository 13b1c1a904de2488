//! `heyan check`: everything `serve` would read, every finding at once, no socket opened.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::findings;
use super::serve::{front_door, sources, vault_keys};
use crate::audit::note::VerifierKey;
use crate::audit::verify::{Expected, Verified, verify};
use crate::audit::{AuditError, witness};
use crate::clock::now;
use crate::crypto::{CosigningKey, SigningKey};
use crate::finding::Finding;
use crate::gateway::in_force::{InForce, Journal, Reading};
use crate::settings::Settings;

/// Arguments of `heyan check`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  heyan check --config /etc/heyan/gateway.toml")]
pub struct Check {
    /// The settings file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Print findings as JSON
    #[arg(long)]
    json: bool,
}

/// Runs it: exit 0 when there is nothing to mend, 1 with findings.
///
/// # Errors
/// None of its own; what cannot be read is a finding.
pub fn run(command: Check) -> anyhow::Result<ExitCode> {
    let mut warnings = Vec::new();
    let findings = look(&command.config, command.json, &mut warnings);
    Ok(findings::tell_with(&command.config, &findings, &warnings, command.json))
}

fn look(config: &Path, is_quiet: bool, warnings: &mut Vec<String>) -> Vec<Finding> {
    let settings = match Settings::read(config, std::env::vars()) {
        Ok(settings) => settings,
        Err(findings) => return findings,
    };
    let at = now();
    // What the log has adopted and followed is judged as of then, and acts once.
    let mut journal = Journal::default();
    let log = &settings.log.folder;
    let (read, of_witness) = hold(log, &settings.log.witness, &mut journal);
    let bar = progress(is_quiet);
    let (in_force, mut findings) = InForce::read(&Reading {
        sources: &sources(&settings),
        at,
        journal: &journal,
        previous: None,
        progress: &|done, all| {
            bar.set_length(all as u64);
            bar.set_position(done as u64);
        },
    });
    bar.finish_and_clear();
    findings.extend(of_witness);
    let ending = in_force.iter().flat_map(|in_force| in_force.ending(at));
    warnings.extend(ending.map(|ending| ending.to_string()));
    let of_adapters = in_force.iter().flat_map(|in_force| in_force.adapters.warnings());
    warnings.extend(of_adapters.map(ToString::to_string));
    if let Some(in_force) = &in_force
        && let Err(error) = front_door(&settings, &in_force.register)
    {
        findings.push(Finding::new(&settings.tls.certificate, format!("{error:#}")));
    }
    match (SigningKey::read(&settings.log.key), &read) {
        (Err(error), _) => findings.push(Finding::new(&settings.log.key, error.to_string())),
        (Ok(key), Ok(log)) => {
            let own = VerifierKey::new(&log.origin, key.public());
            if own.is_ok_and(|own| own.to_string() != log.current_vkey) {
                let problem = format!("not the log's key, which is now `{}`", log.current_vkey);
                findings.push(Finding::new(&settings.log.key, problem));
            }
        }
        (Ok(_), Err(_)) => {}
    }
    let cosigner = &settings.log.cosigner_key;
    if !cosigner.as_os_str().is_empty()
        && let Err(error) = CosigningKey::read(cosigner)
    {
        findings.push(Finding::new(cosigner, error.to_string()));
    }
    if let Err(error) = read {
        findings.push(Finding::new(log, format!("{:#}", anyhow::Error::new(error))));
    }
    let vault = vault_keys(&settings).and_then(|keys| match keys {
        Some(keys) => Ok(keys.prove()?),
        None => Ok(()),
    });
    if let Err(error) = vault {
        findings.push(Finding::new(&settings.vault.keys, format!("{error:#}")));
    }
    let witness = &settings.log.witness;
    if !witness.as_os_str().is_empty()
        && let Err(error) = witness::check(witness)
    {
        findings.push(Finding::new(witness, error.to_string()));
    }
    findings
}

/// How far the agreements are read: on a terminal, to standard error, and nowhere else.
fn progress(is_quiet: bool) -> ProgressBar {
    if is_quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    let template = "agreements {bar:32} {human_pos} of {human_len}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

/// Reads the log, and holds it against what the witness file saw, as a start does: what is wrong with either.
pub(super) fn hold(
    log: &Path,
    witness: &Path,
    journal: &mut Journal,
) -> (Result<Verified, AuditError>, Option<Finding>) {
    // Before the log: one in use may publish more meanwhile, never less.
    let seen = match witness::read(witness) {
        Ok(seen) => seen,
        Err(error) => {
            let problem = format!("{:#}", anyhow::Error::new(error));
            let read =
                verify(log, Expected::default(), &mut |index, entry| journal.visit(index, entry));
            return (read, Some(Finding::new(witness, problem)));
        }
    };
    let expected = Expected { since: seen.as_deref(), vkey: None };
    let read = verify(log, expected, &mut |index, entry| journal.visit(index, entry));
    let Err(error) = read else { return (read, None) };
    // Which of the two is at fault, only the log alone can tell.
    let mut again = Journal::default();
    match seen
        .map(|_| verify(log, Expected::default(), &mut |index, entry| again.visit(index, entry)))
    {
        Some(Ok(verified)) => {
            *journal = again;
            let error = anyhow::Error::new(error).context("the log is not the one that it saw");
            (Ok(verified), Some(Finding::new(witness, format!("{error:#}"))))
        }
        Some(Err(_)) | None => (Err(error), None),
    }
}
