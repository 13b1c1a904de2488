//! `heyan agreement give`: a signed order to a running gateway, followed at once.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::ensure;
use clap::Args;
use serde_json::json;

use super::{print, read};
use crate::agreements::{document, order};
use crate::cli::query::Gateway;
use crate::cli::{NO, on_runtime};
use crate::client::{ClientError, Refused};
use crate::proto::gateway::v1::GiveOrderResponse;

#[derive(Debug, Args)]
pub(super) struct Give {
    /// The signed order
    file: PathBuf,
    #[command(flatten)]
    gateway: Gateway,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: &Give) -> anyhow::Result<ExitCode> {
    let document = read(&command.file)?;
    ensure!(
        document::peek(&document).is_err(),
        "{} is an agreement: `heyan agreement publish` brings it to a gateway",
        command.file.display()
    );
    // What is no order at all need not be sent. Whether its signature holds is for the gateway to say.
    if let Err(error) = order::peek(&document) {
        anyhow::bail!("{} is no order: {}", command.file.display(), error.in_full());
    }
    give(&command.gateway, document, command.json)
}

/// Gives it and prints what came of it: exit 0 when it is in force, 1 when it was refused.
pub(super) fn give(gateway: &Gateway, document: Vec<u8>, json: bool) -> anyhow::Result<ExitCode> {
    on_runtime(async {
        let client = gateway.connect().await?;
        let giving = client.give_order(document);
        let lost = match tokio::time::timeout(gateway.timeout, giving).await {
            Ok(Ok(followed)) => {
                print_followed(&followed, json);
                return Ok(ExitCode::SUCCESS);
            }
            Ok(Err(ClientError::Refused(refused))) => {
                print_refused(&refused, json);
                return Ok(ExitCode::from(NO));
            }
            Ok(Err(error)) => anyhow::Error::new(error),
            Err(_) => anyhow::anyhow!("no reply came in time"),
        };
        Err(lost.context("whether it is in force is not known; it acts once, so give it again"))
    })
}

fn print_followed(followed: &GiveOrderResponse, json: bool) {
    let GiveOrderResponse { id, effect, log_index, is_known, warning } = followed;
    if json {
        let warning = (!warning.is_empty()).then_some(warning);
        return print(&json!({
            "order": id, "effect": effect, "log_index": log_index, "is_known": is_known, "warning": warning,
        }));
    }
    say!("{effect}");
    say!("  order      {id}");
    say!("  recorded   entry {log_index}");
    if *is_known {
        say!("  given      before; nothing was changed now");
    }
    if !warning.is_empty() {
        say!("  warning    {warning}");
    }
}

fn print_refused(refused: &Refused, json: bool) {
    if json {
        print(&json!({ "refused": refused.reason, "message": refused.message }));
    } else {
        eprintln!("{refused}\nNothing was changed.");
    }
}
