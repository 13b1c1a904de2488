//! `heyan readiness`: which items could be done without a visit, from the folders of a gateway or from one that runs.

mod heard;
mod table;

use std::collections::BTreeSet;
use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use clap::Args;
use serde_json::json;

use super::query::Gateway;
use super::serve::sources;
use super::{NO, check};
use crate::clock::now;
use crate::finding::Finding;
use crate::gateway::in_force::{InForce, Journal, Reading};
use crate::proto::gateway::v1 as wire;
use crate::query::time::Timestamp;
use crate::query::{OrganisationId, SystemId};
use crate::readiness::{self, View, page, words};
use crate::report::calendar;
use crate::settings::Settings;

/// Findings shown here; `heyan check` shows all of them whole.
const WARNINGS_MOST: usize = 3;
const WARNING_LENGTH: usize = 160;

const EXAMPLES: &str = "Examples:\n  \
    heyan readiness --config /etc/heyan/gateway.toml\n  \
    heyan readiness --config gateway.toml --as fund-centre/approval --at 2027-01-01\n  \
    heyan readiness --config gateway.toml --item L1\n  \
    heyan readiness --config gateway.toml --html readiness.html\n  \
    heyan readiness --identity pki/fund-centre/approval --authority pki/fund-centre/ca.pem\n\n\
    From the folders nobody knows how the agencies do; a running gateway does.\n\
    Exit code: 0 no item lacks an answer, 1 some do, 2 could not tell.";

/// Arguments of `heyan readiness`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Readiness {
    /// The settings file: reads the folders that it names, and opens no socket
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "identity",
        required_unless_present = "identity"
    )]
    config: Option<PathBuf>,
    /// Who asks: ORGANISATION/SYSTEM; left out where only one may
    #[arg(long = "as", value_name = "NAME")]
    caller: Option<String>,
    /// On which day, China time, such as 2027-01-01, or at which moment; left out, now
    #[arg(long, value_name = "DAY", value_parser = calendar::beginning)]
    at: Option<Timestamp>,
    /// How far to look ahead for what lapses
    #[arg(long, value_name = "TIME", default_value = "90d", value_parser = humantime::parse_duration)]
    ahead: Duration,
    /// Show every question of one item
    #[arg(long, value_name = "CODE", conflicts_with_all = ["json", "html"])]
    item: Option<String>,
    /// Write a page that stands alone
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// A running gateway, instead of folders
    #[arg(long = "gateway", value_name = "URL", default_value = "https://127.0.0.1:7443")]
    endpoint: String,
    /// Name in the gateway's certificate
    #[arg(long, value_name = "NAME", default_value = "localhost")]
    server_name: String,
    /// The asking system's certificate and key, less the endings .pem and .key: DIR/ORGANISATION/SYSTEM
    #[arg(long, value_name = "PATH", requires = "authority")]
    identity: Option<PathBuf>,
    /// PEM file of the authority that issued the gateway's certificate
    #[arg(long, value_name = "FILE", requires = "identity")]
    authority: Option<PathBuf>,
    /// How long to wait for it
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    timeout: Duration,
}

/// Runs it: exit 0 when no item lacks an answer, 1 when some do.
///
/// # Errors
/// When folders cannot be read, or the gateway cannot be reached or refuses.
pub async fn run(command: Readiness) -> anyhow::Result<ExitCode> {
    let readiness = match (&command.config, &command.identity, &command.authority) {
        (Some(config), ..) => of_folders(&command, config)?,
        (None, Some(identity), Some(authority)) => {
            of_gateway(&command, identity, authority).await?
        }
        _ => bail!("say where to look: --config FILE, or --identity PATH and --authority FILE"),
    };
    tell(&command, &readiness)?;
    let lacks =
        readiness.items.is_empty() || readiness.items.iter().any(|item| !item.reach.is_through());
    Ok(if lacks { ExitCode::from(NO) } else { ExitCode::SUCCESS })
}

fn tell(command: &Readiness, readiness: &readiness::Readiness) -> anyhow::Result<()> {
    if let Some(file) = &command.html {
        fs::write(file, page::page(readiness))
            .with_context(|| format!("cannot write `{}`", file.display()))?;
    }
    if command.json {
        let mut told = serde_json::to_value(readiness)?;
        if let Some(fields) = told.as_object_mut() {
            fields.insert("explanation".to_owned(), json!(words::explain(readiness)));
        }
        say!("{told:#}");
        return Ok(());
    }
    let is_coloured = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let lines = match &command.item {
        Some(code) => {
            let item = readiness.items.iter().find(|item| item.item.as_str() == code);
            table::item(item.with_context(|| format!("no item `{code}` holds on that day"))?)
        }
        None => table::all(readiness, is_coloured),
    };
    lines.iter().for_each(|line| say!("{line}"));
    if let Some(file) = &command.html {
        say!("written to {}", file.display());
    }
    Ok(())
}

fn of_folders(command: &Readiness, config: &Path) -> anyhow::Result<readiness::Readiness> {
    let settings = Settings::read(config, std::env::vars()).map_err(|found| {
        anyhow!(found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })?;
    // What the log has adopted is judged as of then, and its orders stand.
    let mut journal = Journal::default();
    let (read, _) = check::hold(&settings.log.folder, &settings.log.witness, &mut journal);
    if let Err(error) = read {
        eprintln!("warning: without the log, which cannot be read: {error}");
    }
    let (in_force, findings) = InForce::read(&Reading {
        sources: &sources(&settings),
        at: now(),
        journal: &journal,
        previous: None,
        progress: &|_, _| {},
    });
    warn(&findings, config);
    let in_force =
        in_force.context("parties and catalogue must be mended first; see `heyan check`")?;
    let (organisation, system) = match &command.caller {
        Some(caller) => parse(caller)?,
        None => only(&in_force)?,
    };
    let at = command.at.unwrap_or_else(now);
    Ok(readiness::readiness(&View {
        catalogue: &in_force.catalogue,
        agreements: &in_force.agreements,
        freezes: &in_force.freezes,
        adapters: readiness::adapters(&in_force.adapters, at, false),
        standing: readiness::standing(&in_force.register, &organisation, &system),
        organisation,
        system,
        at,
        ahead: command.ahead,
    }))
}

/// What is wrong with the folders, in few words: what is left out counts as not there.
fn warn(findings: &[Finding], config: &Path) {
    for finding in findings.iter().take(WARNINGS_MOST) {
        let text: String = finding.to_string().chars().take(WARNING_LENGTH).collect();
        eprintln!("warning: {text}");
    }
    if !findings.is_empty() {
        let (all, config) = (findings.len(), config.display());
        eprintln!(
            "warning: {all} to mend, left out here; `heyan check --config {config}` tells all"
        );
    }
}

fn parse(caller: &str) -> anyhow::Result<(OrganisationId, SystemId)> {
    let (organisation, system) = caller
        .split_once('/')
        .filter(|(organisation, system)| !organisation.is_empty() && !system.is_empty())
        .with_context(|| format!("`{caller}` is not ORGANISATION/SYSTEM"))?;
    Ok((organisation.into(), system.into()))
}

/// The only system that may ask: under agreements, else by the register.
fn only(in_force: &InForce) -> anyhow::Result<(OrganisationId, SystemId)> {
    let agreements = in_force.agreements.all().iter();
    let mut callers: BTreeSet<(OrganisationId, SystemId)> = agreements
        .flat_map(|it| it.systems.iter().map(|system| (it.consumer.clone(), system.clone())))
        .collect();
    if callers.is_empty() {
        let organisations = in_force.register.organisations();
        callers.extend(organisations.flat_map(|one| {
            let asking = one.systems.iter().filter(|(_, rights)| rights.query);
            asking.map(|(system, _)| (one.id.clone(), system.clone()))
        }));
    }
    let named: Vec<String> =
        callers.iter().map(|(organisation, system)| format!("{organisation}/{system}")).collect();
    match (callers.pop_first(), callers.is_empty()) {
        (Some(caller), true) => Ok(caller),
        (None, _) => bail!("nobody may ask by the register: say --as ORGANISATION/SYSTEM"),
        (Some(_), false) => bail!("say for whom: --as, one of {}", named.join(", ")),
    }
}

async fn of_gateway(
    command: &Readiness,
    identity: &Path,
    authority: &Path,
) -> anyhow::Result<readiness::Readiness> {
    let gateway = Gateway {
        endpoint: command.endpoint.clone(),
        server_name: command.server_name.clone(),
        identity: identity.to_owned(),
        authority: authority.to_owned(),
        timeout: command.timeout,
    };
    let caller = command.caller.as_deref().map(parse).transpose()?;
    let request = wire::GetReadinessRequest {
        system: caller.as_ref().map(|(_, system)| system.to_string()).unwrap_or_default(),
        at: command.at.map(crate::wire::timestamp),
        ahead: Some(crate::wire::duration(command.ahead)),
    };
    let client = gateway.connect().await?;
    let told = tokio::time::timeout(command.timeout, client.readiness(request))
        .await
        .context("no reply came in time")??;
    let readiness = heard::readiness(told).context("the reply has a field that is not known")?;
    if let Some((organisation, _)) = caller.filter(|(named, _)| *named != readiness.organisation) {
        bail!(
            "a gateway tells each organisation of its own items only: of `{}`, not `{organisation}`",
            readiness.organisation
        );
    }
    Ok(readiness)
}
