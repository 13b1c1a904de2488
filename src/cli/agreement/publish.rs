//! `heyan agreement publish`: a signed agreement to a running gateway, in force for the next question.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::Args;
use serde_json::json;

use super::{ensure_signed, print, read};
use crate::agreements::{document, order};
use crate::cli::query::Gateway;
use crate::cli::{NO, on_runtime};
use crate::client::{ClientError, Refused};
use crate::proto::gateway::v1::PublishAgreementResponse;
use crate::query::time::Timestamp;
use crate::report::calendar;

#[derive(Debug, Args)]
pub(super) struct Publish {
    /// The signed document (*.json)
    file: PathBuf,
    #[command(flatten)]
    gateway: Gateway,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Exit 0 when it is in force, 1 when it was refused.
pub(super) fn run(command: &Publish) -> anyhow::Result<ExitCode> {
    ensure_signed(&command.file)?;
    let document = read(&command.file)?;
    ensure!(
        order::peek(&document).is_err(),
        "{} is an order: `heyan agreement give` brings it to a gateway",
        command.file.display()
    );
    // What is no agreement at all need not be sent. Whether its signatures hold is for the gateway to say.
    document::peek(&document)
        .with_context(|| format!("{} is no signed agreement", command.file.display()))?;
    on_runtime(async {
        let client = command.gateway.connect().await?;
        let publishing = client.publish_agreement(document);
        let lost = match tokio::time::timeout(command.gateway.timeout, publishing).await {
            Ok(Ok(published)) => {
                print_published(&published, command.json);
                return Ok(ExitCode::SUCCESS);
            }
            Ok(Err(ClientError::Refused(refused))) => {
                print_refused(&refused, command.json);
                return Ok(ExitCode::from(NO));
            }
            Ok(Err(error)) => anyhow::Error::new(error),
            Err(_) => anyhow::anyhow!("no reply came in time"),
        };
        Err(lost
            .context("whether it is in force is not known; publish it again, which does no harm"))
    })
}

fn print_published(published: &PublishAgreementResponse, json: bool) {
    let PublishAgreementResponse { id, version, digest, log_index, is_known, effective_from } =
        published;
    let begins = effective_from.map(|from| from.to_string()).unwrap_or_default();
    let in_china = effective_from.and_then(|from| u64::try_from(from.seconds).ok());
    let in_china = in_china.map(|seconds| calendar::moment(Timestamp::from_seconds(seconds)));
    if json {
        return print(&json!({
            "id": id, "version": version, "digest": digest, "log_index": log_index,
            "is_known": is_known, "effective_from": begins,
        }));
    }
    say!("agreement {id} version {version}");
    say!("  begins     {} China time", in_china.unwrap_or(begins));
    say!("  digest     {digest}");
    say!("  recorded   entry {log_index}");
    if *is_known {
        say!("  published  before; nothing was changed now");
    }
}

fn print_refused(refused: &Refused, json: bool) {
    let problems: Vec<&str> = refused.fields.iter().map(|(_, problem)| problem.as_str()).collect();
    if json {
        return print(&json!({
            "refused": refused.reason, "message": refused.message, "problems": problems,
        }));
    }
    match problems.as_slice() {
        [] => eprintln!("{refused}"),
        problems => {
            eprintln!("refused ({}):", refused.reason);
            problems.iter().for_each(|problem| eprintln!("  {problem}"));
        }
    }
    eprintln!("Nothing was changed.");
}
