//! `heyan check`: everything `serve` would read, every finding at once, no socket opened.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::findings;
use super::serve::{front_door, sources};
use crate::audit::AuditError;
use crate::audit::file::Description;
use crate::audit::witness;
use crate::clock::now;
use crate::crypto::SigningKey;
use crate::finding::Finding;
use crate::gateway::in_force::{InForce, Journal};
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
    let findings = look(&command.config);
    Ok(findings::tell(&command.config, &findings, command.json))
}

fn look(config: &std::path::Path) -> Vec<Finding> {
    let settings = match Settings::read(config, std::env::vars()) {
        Ok(settings) => settings,
        Err(findings) => return findings,
    };
    let at = now();
    let (in_force, mut findings) =
        InForce::read(&sources(&settings), at, &Journal::default(), None);
    if let Some(in_force) = &in_force
        && let Err(error) = front_door(&settings, &in_force.register)
    {
        findings.push(Finding::new(&settings.tls.certificate, format!("{error:#}")));
    }
    if let Err(error) = SigningKey::read(&settings.log.key) {
        findings.push(Finding::new(&settings.log.key, error.to_string()));
    }
    let log = &settings.log.folder;
    match Description::read(log) {
        Ok(Some(_)) => {}
        Ok(None) => findings.push(Finding::new(log, AuditError::Missing(log.clone()).to_string())),
        Err(error) => findings.push(Finding::new(log, error.to_string())),
    }
    let witness = &settings.log.witness;
    if !witness.as_os_str().is_empty()
        && let Err(error) = witness::check(witness)
    {
        findings.push(Finding::new(witness, error.to_string()));
    }
    findings
}
