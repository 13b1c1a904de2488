//! `heyan dispute`: contest an answer, see what became of it, and ask again.

mod tell;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};

use super::query::question::Asked;
use super::query::{Gateway, answer};
use super::{COULD_NOT_TELL, NO};
use crate::audit::commitment::Field;
use crate::client::{Client, ClientError};
use crate::crypto::{self, hex};
use crate::proto::gateway::v1 as message;

/// Arguments of `heyan dispute`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heyan dispute open M1 --entry 41 --request-id UUID --person 'NAME/NUMBER' --item W3@2026.2 \\\n      \
        --case GJJ-2026-000001 --operator 0042/counter-3 --ground out-of-date \\\n      \
        --text 'divorced in June' --evidence 'certificate.pdf=civil affairs, Yuelu' …\n  \
    heyan dispute list --overdue …\n  \
    heyan dispute show UUID …\n  \
    heyan dispute ask-again UUID …\n\n\
    … stands for --identity and --authority, as for `heyan query`.\n\n\
    Exit code: 0 done (`ask-again`: CONFIRMED), 1 a \"no\" (`ask-again`: REFUTED; `list\n\
    --overdue`: some are), 2 could not tell.")]
pub struct Dispute {
    #[command(subcommand)]
    command: Commands,
}

#[derive(Debug, Subcommand)]
enum Commands {
    /// Contest an answer that your organisation got
    Open(Box<Open>),
    /// The disputes of your organisation, and those about the data it holds
    List(List),
    /// One dispute
    Show(One),
    /// Put the contested question again, once; the new answer can be contested in its turn
    AskAgain(Again),
}

#[derive(Debug, Args)]
struct Open {
    #[command(flatten)]
    asked: Asked,
    /// Entry of the answer, as it named it
    #[arg(long, value_name = "INDEX")]
    entry: u64,
    /// Why
    #[arg(long)]
    ground: Ground,
    /// For the agency, in a few sentences
    #[arg(long, default_value = "", hide_default_value = true)]
    text: String,
    /// A paper that shows it, and who issued it; the paper stays here, its digest goes along
    #[arg(long, value_name = "FILE=ISSUER")]
    evidence: Vec<String>,
    /// The answer's receipt, as `heyan query --receipt` wrote it: shows that this was the question
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
    /// Repeat an earlier contest under its id
    #[arg(long, value_name = "UUID")]
    dispute_id: Option<String>,
    #[command(flatten)]
    gateway: Gateway,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct List {
    /// Only those whose day is over without an answer
    #[arg(long)]
    overdue: bool,
    #[command(flatten)]
    gateway: Gateway,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct One {
    /// The dispute
    #[arg(value_name = "UUID")]
    id: String,
    #[command(flatten)]
    gateway: Gateway,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Again {
    #[command(flatten)]
    one: One,
    /// Who asks now, and their unit; without it, who contested
    #[arg(long, value_name = "ID/UNIT")]
    operator: Option<String>,
}

/// Why an answer is contested.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Ground {
    /// The agency answered about somebody else
    WrongPerson,
    /// What it holds is out of date
    OutOfDate,
    /// It holds a wrong value
    WrongValue,
    /// It lacks a record that there is
    MissingRecord,
    /// Another; the text tells
    Other,
}

impl Ground {
    fn code(self) -> &'static str {
        use crate::audit::entry::Ground as Code;
        match self {
            Self::WrongPerson => Code::WrongPerson,
            Self::OutOfDate => Code::OutOfDate,
            Self::WrongValue => Code::WrongValue,
            Self::MissingRecord => Code::MissingRecord,
            Self::Other => Code::Other,
        }
        .name()
    }
}

/// Runs the subcommand.
///
/// # Errors
/// When an argument is not well formed, a file is missing, or the gateway cannot be reached.
pub async fn run(command: Dispute) -> anyhow::Result<ExitCode> {
    match command.command {
        Commands::Open(arguments) => open(*arguments).await,
        Commands::List(arguments) => list(arguments).await,
        Commands::Show(arguments) => show(arguments).await,
        Commands::AskAgain(arguments) => ask_again(arguments).await,
    }
}

async fn open(arguments: Open) -> anyhow::Result<ExitCode> {
    let contest = arguments.contest()?;
    let id = contest.dispute_id.clone();
    let client = arguments.gateway.connect().await?;
    match client.contest(contest).await {
        Ok(dispute) => {
            tell::one(&dispute, arguments.json);
            Ok(ExitCode::SUCCESS)
        }
        Err(ClientError::Refused(refused)) => Ok(tell_refusal(&refused, arguments.json)),
        Err(error) => {
            Err(error).context(format!("repeat with `--dispute-id {id}`: it is opened once"))
        }
    }
}

impl Open {
    fn contest(&self) -> anyhow::Result<message::ContestRequest> {
        let mut question = self.asked.question()?;
        if !self.asked.is_repeated() {
            bail!("--request-id: give the id of the question whose answer is contested");
        }
        question.want_receipt = self.receipt.is_some();
        let evidence = self.evidence.iter().map(|given| {
            let (file, issuer) = given.split_once('=').context("--evidence: write FILE=ISSUER")?;
            let paper = std::fs::read(file).with_context(|| format!("cannot read `{file}`"))?;
            let sha256 = hex(&crypto::sha256(&paper));
            Ok(message::DisputeEvidence { sha256, issuer: issuer.to_owned() })
        });
        let request_opening = match &self.receipt {
            None => Vec::new(),
            Some(file) => opening(file)?,
        };
        Ok(message::ContestRequest {
            dispute_id: self.dispute_id.clone().unwrap_or_else(Client::request_id),
            log_index: self.entry,
            operator: question.operator.clone(),
            question: Some(question),
            request_opening,
            ground: self.ground.code().to_owned(),
            text: self.text.clone(),
            evidence: evidence.collect::<anyhow::Result<_>>()?,
        })
    }
}

/// What opens the entry's commitment to the request.
fn opening(file: &std::path::Path) -> anyhow::Result<Vec<u8>> {
    let unreadable = || format!("`{}` is no receipt of `heyan query`", file.display());
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read the receipt `{}`", file.display()))?;
    let receipt = crate::client::receipt::from_json(&text).with_context(unreadable)?;
    let name = Field::Request.name();
    let of_it = receipt.openings.into_iter().find(|opened| opened.field == name);
    Ok(of_it.with_context(unreadable)?.opening)
}

async fn list(arguments: List) -> anyhow::Result<ExitCode> {
    let client = arguments.gateway.connect().await?;
    let wanted = message::ListDisputesRequest { overdue: arguments.overdue, ..Default::default() };
    match client.disputes(wanted).await {
        Ok(disputes) => {
            tell::many(&disputes, arguments.json);
            let is_finding = arguments.overdue && !disputes.is_empty();
            Ok(if is_finding { ExitCode::from(NO) } else { ExitCode::SUCCESS })
        }
        Err(ClientError::Refused(refused)) => Ok(tell_refusal(&refused, arguments.json)),
        Err(error) => Err(error.into()),
    }
}

async fn show(arguments: One) -> anyhow::Result<ExitCode> {
    let client = arguments.gateway.connect().await?;
    let wanted =
        message::ListDisputesRequest { dispute_id: arguments.id.clone(), ..Default::default() };
    match client.disputes(wanted).await {
        Ok(disputes) => match disputes.first() {
            Some(dispute) => {
                tell::one(dispute, arguments.json);
                Ok(ExitCode::SUCCESS)
            }
            None => bail!("there is no dispute `{}` of your organisation", arguments.id),
        },
        Err(ClientError::Refused(refused)) => Ok(tell_refusal(&refused, arguments.json)),
        Err(error) => Err(error.into()),
    }
}

async fn ask_again(arguments: Again) -> anyhow::Result<ExitCode> {
    let Again { one, operator } = arguments;
    let operator = operator.map(|given| {
        let (id, unit) = given.rsplit_once('/').context("--operator: write ID/UNIT")?;
        Ok::<_, anyhow::Error>(message::Operator { id: id.to_owned(), unit: unit.to_owned() })
    });
    let asked = message::RecheckRequest {
        dispute_id: one.id.clone(),
        request_id: Client::request_id(),
        operator: operator.transpose()?,
        want_receipt: false,
    };
    let client = one.gateway.connect().await?;
    match client.recheck(asked, None, one.gateway.timeout).await {
        Ok(came) => Ok(tell::again(&came, one.json)),
        Err(ClientError::Refused(refused)) => Ok(tell_refusal(&refused, one.json)),
        Err(error) => Err(error).context("see `heyan dispute show` before asking once more"),
    }
}

fn tell_refusal(refused: &crate::client::Refused, json: bool) -> ExitCode {
    answer::print_refusal(refused, json);
    ExitCode::from(COULD_NOT_TELL)
}
