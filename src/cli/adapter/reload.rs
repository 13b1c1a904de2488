//! `heyan adapter reload`: one manifest read again by a running gateway.

use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use serde_json::json;

use crate::cli::NO;
use crate::cli::query::Gateway;

/// Arguments of `heyan adapter reload`.
#[derive(Debug, Args)]
pub(super) struct Reload {
    /// Name of the adapter, as its manifest has it
    name: String,
    #[command(flatten)]
    gateway: Gateway,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs it: exit 0 when the file is in force, 1 when it has flaws.
///
/// # Errors
/// When the gateway cannot be reached or refuses.
pub(super) async fn run(command: &Reload) -> anyhow::Result<ExitCode> {
    let client = command.gateway.connect().await?;
    let reloading = client.reload_adapter(command.name.clone());
    let reloaded = tokio::time::timeout(command.gateway.timeout, reloading)
        .await
        .context("no reply came in time; reload it again, which does no harm")??;
    if command.json {
        let told = json!({
            "name": command.name, "version": reloaded.version, "digest": reloaded.digest,
            "changes": reloaded.changes, "findings": reloaded.findings,
        });
        say!("{told:#}");
    } else {
        reloaded.changes.iter().for_each(|change| say!("{change}"));
        reloaded.findings.iter().for_each(|finding| say_plain!("{finding}"));
        if !reloaded.findings.is_empty() {
            say!("nothing changed: its last good version stays");
        } else if reloaded.changes.is_empty() {
            say!("nothing changed");
        }
    }
    let good = reloaded.findings.is_empty();
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(NO) })
}
