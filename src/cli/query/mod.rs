//! `heyan query`: one question from the command line, and its answer for people or programs.

pub(in crate::cli) mod answer;
pub(in crate::cli) mod question;
pub(in crate::cli) mod written;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;

use self::question::Asked;
use super::{COULD_NOT_TELL, NO};
use crate::audit::note::VerifierKey;
use crate::client::{Client, ClientError};
use crate::crypto;
use crate::proto::gateway::v1::{Verdict, VerifyResponse};

/// Arguments of `heyan query`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heyan query M2 --person 'NAME/NUMBER' --spouse 'NAME/NUMBER' \\\n      \
        --item W3@2026.2 --case GJJ-2026-000001 --operator 0042/counter-3 \\\n      \
        --identity pki/fund-centre/approval --authority pki/fund-centre/ca.pem\n  \
    heyan query S2 --person 'NAME/NUMBER' --assert 'months_last_12>=6' …\n  \
    heyan query H2 --property UNIT --subject 'owner=person:NAME/NUMBER' --disclose share …\n  \
    heyan query H3 --subject 'member=person:NAME/NUMBER' --relation member=verified:17 --notice CODE …\n  \
    heyan query M1 … --require-receipt --log-key 'heyan.example.gov.cn/2026+1f2e3d4c+A…'\n\n\
    Assertions: attribute, then one of = != < <= > >= ~ (names match), `in a,b,c` or\n\
    `exists`. Text made of digits is quoted: --assert 'code=\"010\"'.\n\n\
    Exit code: 0 CONFIRMED, 1 REFUTED, 2 anything else: no record, no answer, a\n\
    refusal. None of those is a \"no\".")]
pub struct Query {
    #[command(flatten)]
    asked: Asked,
    #[command(flatten)]
    gateway: Gateway,
    /// Write the receipt to this new file (mode 0600: it opens what the log holds back)
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
    /// No valid receipt, no answer: hold the receipt against the question sent and the answer received
    #[arg(long, requires = "log_key")]
    require_receipt: bool,
    /// Public key of the gateway's log, as `heyan audit init` printed it; once for each that it has had
    #[arg(long, value_name = "KEY", value_parser = VerifierKey::parse)]
    log_key: Vec<VerifierKey>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Whom to ask, and as whom.
#[derive(Debug, Args)]
pub(in crate::cli) struct Gateway {
    /// The gateway
    #[arg(long = "gateway", value_name = "URL", default_value = "https://127.0.0.1:7443")]
    pub(in crate::cli) endpoint: String,
    /// Name in the gateway's certificate
    #[arg(long, value_name = "NAME", default_value = "localhost")]
    pub(in crate::cli) server_name: String,
    /// The asking system's certificate and key, less the endings .pem and .key: DIR/ORGANISATION/SYSTEM
    #[arg(long, value_name = "PATH")]
    pub(in crate::cli) identity: PathBuf,
    /// PEM file of the authority that issued the gateway's certificate
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) authority: PathBuf,
    /// How long to wait, such as 5s
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    pub(in crate::cli) timeout: Duration,
}

/// Asks and prints.
///
/// # Errors
/// When the question is not well formed, a file is missing, or the gateway cannot be reached.
pub async fn run(command: Query) -> anyhow::Result<ExitCode> {
    let mut question = command.asked.question()?;
    question.want_receipt = command.receipt.is_some() || command.require_receipt;
    if let Some(file) = command.receipt.as_deref().filter(|file| file.exists()) {
        bail!("`{}` exists; a receipt is never overwritten", file.display());
    }
    let request_id = question.request_id.clone();
    let mut client = command.gateway.connect().await?;
    if command.require_receipt {
        client = client.requiring_receipts(command.log_key);
    }

    let reply = match client.verify(question, command.gateway.timeout).await {
        Ok(reply) => reply,
        Err(ClientError::Refused(refused)) => {
            answer::print_refusal(&refused, command.json);
            return Ok(ExitCode::from(COULD_NOT_TELL));
        }
        // Repeating would bring the same answer with the same receipt.
        Err(error @ ClientError::Receipt(_)) => return Err(error.into()),
        Err(error) => {
            let hint = format!("repeat with `--request-id {request_id}` to get the same answer");
            return Err(error).context(hint);
        }
    };
    if let Some(file) = &command.receipt {
        answer::write_receipt(file, &reply)?;
    }
    answer::print(&reply, command.receipt.as_deref(), command.json);
    Ok(exit_code(&reply))
}

fn exit_code(reply: &VerifyResponse) -> ExitCode {
    match reply.verdict() {
        Verdict::Confirmed => ExitCode::SUCCESS,
        Verdict::Refuted => ExitCode::from(NO),
        _ => ExitCode::from(COULD_NOT_TELL),
    }
}

impl Gateway {
    /// Connects.
    ///
    /// # Errors
    /// When a file is missing or exposed, or the gateway cannot be reached.
    pub(in crate::cli) async fn connect(&self) -> anyhow::Result<Client> {
        let authority = read(&self.authority, "the gateway's authority")?;
        let certificate = read(&with_ending(&self.identity, "pem"), "the certificate")?;
        let key_file = with_ending(&self.identity, "key");
        crypto::refuse_exposed(&key_file)?;
        let key = read(&key_file, "the private key")?;
        let connected =
            Client::connect(&self.endpoint, &authority, &certificate, &key, &self.server_name);
        Ok(connected.await?)
    }
}

/// `with_extension` would cut a system's name at its first dot.
fn with_ending(identity: &Path, ending: &str) -> PathBuf {
    let mut path = identity.as_os_str().to_owned();
    path.push(".");
    path.push(ending);
    path.into()
}

fn read(file: &Path, what: &str) -> anyhow::Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("cannot read {what} `{}`", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_knowledge_has_a_code_of_its_own() {
        let code = |verdict: Verdict| {
            exit_code(&VerifyResponse { verdict: verdict.into(), ..VerifyResponse::default() })
        };
        assert_eq!(code(Verdict::Confirmed), ExitCode::SUCCESS);
        assert_eq!(code(Verdict::Refuted), ExitCode::from(1));
        for verdict in [Verdict::NotFound, Verdict::Stale, Verdict::Conflict, Verdict::Unavailable]
        {
            assert_eq!(code(verdict), ExitCode::from(2));
        }
    }

    #[test]
    fn an_identity_names_two_files() {
        let path = Path::new("pki/tax/agency.v2");
        assert_eq!(with_ending(path, "key"), Path::new("pki/tax/agency.v2.key"));
    }
}
