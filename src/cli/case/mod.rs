//! `heyan case`: one application for a service item, from its file to the outcome.

mod application;
mod events;
mod form;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};

use self::events::Telling;
use super::query::{Gateway, answer};
use super::{COULD_NOT_TELL, NO};
use crate::audit::note::VerifierKey;
use crate::client::{Client, ClientError};
use crate::proto::gateway::v1 as message;
use message::case_event::Kind;
use message::case_outcome::Outcome;

/// Arguments of `heyan case`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    mut_arg("timeout", |timeout| timeout.default_value("60s")),
    after_help = "Examples:\n  \
    heyan case form W3 > application.toml       # then fill it in\n  \
    heyan case --file application.toml \\\n      \
        --identity pki/fund-centre/approval --authority pki/fund-centre/ca.pem\n  \
    heyan case --file application.toml --json … | jq -c 'select(.outcome)'\n\n\
    Exit code: 0 READY, 1 REFUTED, 2 NEEDS_COUNTER or could not tell. What is missing is\n\
    never a \"no\": a person goes on with it."
)]
pub struct CaseCommand {
    #[command(subcommand)]
    act: Option<Act>,
    #[command(flatten)]
    run: Option<Run>,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Print the application form of an item, with a comment on everything it asks for
    Form(form::Form),
}

#[derive(Debug, Args)]
struct Run {
    /// The application, a TOML file as `heyan case form` prints it
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    gateway: Gateway,
    /// Repeat an earlier application under its id: no agency is asked twice within ten minutes
    #[arg(long, value_name = "UUID")]
    case_id: Option<String>,
    /// No valid receipt, no answer: hold each answer's receipt against the question put
    #[arg(long, requires = "log_key")]
    require_receipts: bool,
    /// Public key of the gateway's log, as `heyan audit init` printed it; once for each that it has had
    #[arg(long, value_name = "KEY", value_parser = VerifierKey::parse)]
    log_key: Vec<VerifierKey>,
    /// Print every event as one line of JSON
    #[arg(long)]
    json: bool,
}

/// Runs the application and tells what happens.
///
/// # Errors
/// When the file is not well formed or the gateway cannot be reached.
pub fn run(command: CaseCommand) -> anyhow::Result<ExitCode> {
    match (command.act, command.run) {
        (Some(Act::Form(form)), _) => form::print(&form),
        (None, Some(run)) => super::on_runtime(check(run)),
        (None, None) => bail!("which application? `heyan case form W3` prints a form to fill in"),
    }
}

async fn check(command: Run) -> anyhow::Result<ExitCode> {
    let mut application = application::read(&command.file)?;
    application.case_id = command.case_id.unwrap_or_else(Client::request_id);
    let case_id = application.case_id.clone();
    let again = || format!("repeat with `--case-id {case_id}`: what was answered is not asked again");
    let mut client = command.gateway.connect().await?;
    if command.require_receipts {
        client = client.requiring_receipts(command.log_key);
    }
    let mut events = match client.check_case(application, command.gateway.timeout).await {
        Ok(events) => events,
        Err(ClientError::Refused(refused)) => {
            answer::print_refusal(&refused, command.json);
            return Ok(ExitCode::from(COULD_NOT_TELL));
        }
        Err(error) => return Err(error).with_context(again),
    };
    let mut telling = Telling::new(command.json);
    let mut outcome = None;
    loop {
        match events.next().await {
            Ok(Some(event)) => {
                telling.event(&event);
                if let Some(Kind::Outcome(last)) = event.kind {
                    outcome = Some(last.outcome());
                }
            }
            Ok(None) => break,
            Err(ClientError::Refused(refused)) => {
                answer::print_refusal(&refused, command.json);
                break;
            }
            Err(error @ ClientError::Receipt(_)) => return Err(error.into()),
            Err(error) => return Err(error).with_context(again),
        }
    }
    Ok(match outcome {
        Some(Outcome::Ready) => ExitCode::SUCCESS,
        Some(Outcome::Refuted) => ExitCode::from(NO),
        _ => ExitCode::from(COULD_NOT_TELL),
    })
}
