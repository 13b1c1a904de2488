//! `heyan case`: one application for a service item, from its file to the outcome.

mod application;
mod events;
pub(super) mod export;
mod form;
mod table;
pub(super) mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{ArgMatches, Args, Command, FromArgMatches, Subcommand};

use self::events::Telling;
use super::query::{Gateway, answer, written};
use super::{COULD_NOT_TELL, NO};
use crate::audit::note::VerifierKey;
use crate::client::{Client, ClientError};
use crate::proto::gateway::v1 as message;
use message::case_event::Kind;
use message::case_outcome::Outcome;

const EXAMPLES: &str = "Examples:\n  \
    heyan case form W3 > application.toml       # then fill it in\n  \
    heyan case --file application.toml \\\n      \
        --identity pki/fund-centre/approval --authority pki/fund-centre/ca.pem\n  \
    heyan case --file application.toml --json … | jq -c 'select(.outcome)'\n\n\
    Exit code: 0 READY, 1 REFUTED, 2 NEEDS_COUNTER or could not tell. What is missing is\n\
    never a \"no\": a person goes on with it.";

/// How long a case may take when nothing else is said; one question has less.
const TIMEOUT: &str = "60s";

/// `heyan case`: without a subcommand it runs an application.
#[derive(Debug)]
pub enum CaseCommand {
    /// Runs one.
    Run(Run),
    /// Does something else about cases.
    Act(Act),
}

/// What else there is to do about cases.
#[derive(Debug, Subcommand)]
pub enum Act {
    /// Print the application form of an item, with a comment on everything it asks for
    Form(form::Form),
    /// Put the evidence of a case into one file that stands alone, from the log
    #[command(after_help = export::EXAMPLES)]
    Export(export::Export),
    /// Check the evidence of a case, without the log
    #[command(after_help = verify::EXAMPLES)]
    Verify(verify::Verify),
}

impl Args for CaseCommand {
    fn augment_args(command: Command) -> Command {
        // Not derived: arguments that are required of a run are not of a subcommand.
        Act::augment_subcommands(Run::augment_args(command))
            .subcommand_required(false)
            .arg_required_else_help(false)
            .subcommand_negates_reqs(true)
            .args_conflicts_with_subcommands(true)
            .mut_arg("timeout", |timeout| timeout.default_value(TIMEOUT))
            .after_help(EXAMPLES)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for CaseCommand {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        match matches.subcommand_name() {
            Some(_) => Act::from_arg_matches(matches).map(Self::Act),
            None => Run::from_arg_matches(matches).map(Self::Run),
        }
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Arguments of a run.
#[derive(Debug, Args)]
pub struct Run {
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

/// Runs the application and tells what happens, or does something else about cases.
///
/// # Errors
/// When it could not be done or told: exit 2.
pub fn run(command: CaseCommand) -> anyhow::Result<ExitCode> {
    match command {
        CaseCommand::Act(Act::Form(form)) => form::print(&form),
        CaseCommand::Act(Act::Export(export)) => export::run(&export),
        CaseCommand::Act(Act::Verify(verify)) => verify::run(&verify),
        CaseCommand::Run(run) => super::on_runtime(check(run)),
    }
}

async fn check(command: Run) -> anyhow::Result<ExitCode> {
    let mut application = application::read(&command.file)?;
    application.case_id = command.case_id.unwrap_or_else(Client::request_id);
    let case_id = application.case_id.clone();
    let again =
        || format!("repeat with `--case-id {case_id}`: what was answered is not asked again");
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
    let mut telling = Telling::new(command.json, written::reached(&command.gateway));
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
