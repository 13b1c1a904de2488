//! `heyan adapter try`: one question through a manifest, with every step of it shown to the operator who asked.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use clap::Args;
use serde_json::Value as Json;

use crate::adapters::workbench::{Conclusion, Received, Sent, Step, Steps, Workbench};
use crate::catalogue::{Catalogue, Fact};
use crate::cli::query::question;
use crate::cli::{COULD_NOT_TELL, NO, findings};
use crate::clock;
use crate::query::time::Timestamp;
use crate::query::{FactCode, ItemCode, Operator, Purpose, Query};
use crate::wire;

/// Arguments of `heyan adapter try`.
#[derive(Debug, Args)]
pub(super) struct Try {
    /// The manifest
    manifest: PathBuf,
    /// The catalogue, with its folders `facts` and `items`
    #[arg(long, value_name = "FOLDER")]
    catalogue: PathBuf,
    /// Fact of the catalogue, such as P1
    #[arg(long, value_name = "FACT")]
    fact: String,
    /// About whom: ROLE=KIND:VALUE as in `heyan query`; without a role, the fact's first role of that kind. A person is
    /// person:NAME:NUMBER or person:NAME/NUMBER
    #[arg(long, value_name = "[ROLE=]KIND:VALUE", required = true)]
    subject: Vec<String>,
    /// Attributes that the permit would grant; all of the fact when none is named
    #[arg(long, value_name = "ATTRIBUTE", value_delimiter = ',')]
    attribute: Vec<String>,
    /// Time of the question (RFC 3339); now when it is not given
    #[arg(long, value_name = "TIME")]
    at: Option<jiff::Timestamp>,
    /// How long to wait
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = humantime::parse_duration)]
    deadline: Duration,
    /// The service item the question is for
    #[arg(long, value_name = "ITEM@VERSION", default_value = "W1@2026.1")]
    item: String,
    /// Case number (办件编号)
    #[arg(long, value_name = "NUMBER", default_value = "TRY-000001")]
    case: String,
    /// Who asks, and their unit
    #[arg(long, value_name = "ID/UNIT", default_value = "try/workbench")]
    operator: String,
    /// Needed where the manifest's address is not one of this machine: somebody is asked about, and the agency records it
    #[arg(long)]
    yes_this_asks_a_real_agency: bool,
    /// Print the steps as JSON
    #[arg(long)]
    json: bool,
}

/// Asks and shows: exit 0 when a record was found, 1 when there is none or several disagree, 2 without an answer.
///
/// # Errors
/// When the manifest, the catalogue or the question cannot be used.
pub(super) async fn run(command: &Try) -> anyhow::Result<ExitCode> {
    let catalogue = Catalogue::load(&command.catalogue).map_err(|flaws| {
        findings::tell(&command.manifest, &flaws, command.json);
        anyhow!("the catalogue `{}` cannot be used", command.catalogue.display())
    })?;
    let code = FactCode::new(command.fact.as_str());
    let fact = catalogue
        .fact(&code)
        .with_context(|| format!("the catalogue has no fact `{}`", command.fact))?;
    let query = query(command, fact)?;
    let granted = granted(command, fact)?;
    let bench = Workbench::open(&command.manifest, &catalogue).map_err(|flaws| {
        findings::tell(&command.manifest, &flaws, command.json);
        anyhow!("the manifest `{}` cannot be used", command.manifest.display())
    })?;
    if !bench.is_at_home() && !command.yes_this_asks_a_real_agency {
        bail!(
            "`{}` is not of this machine: add --yes-this-asks-a-real-agency if you may ask there",
            bench.place()
        );
    }
    let at = command.at.map_or_else(|| Ok(clock::now()), timestamp)?;
    let steps = bench.try_one(&query, &granted, at, command.deadline).await;
    let steps = steps.map_err(|flaw| anyhow!("{flaw}"))?;
    if command.json {
        say!("{}", serde_json::to_string_pretty(&steps)?);
    } else {
        tell(&steps);
    }
    Ok(match steps.conclusion {
        Conclusion::Found { .. } => ExitCode::SUCCESS,
        Conclusion::NotFound { .. } | Conclusion::Conflict { .. } => ExitCode::from(NO),
        Conclusion::Unavailable { .. } => ExitCode::from(COULD_NOT_TELL),
    })
}

fn timestamp(at: jiff::Timestamp) -> anyhow::Result<Timestamp> {
    u64::try_from(at.as_microsecond()).map(Timestamp).context("--at lies before 1970")
}

fn granted(command: &Try, fact: &Fact) -> anyhow::Result<BTreeSet<String>> {
    if let Some(name) = command.attribute.iter().find(|name| fact.attribute(name).is_none()) {
        bail!("--attribute: `{}` has no attribute `{name}`", fact.code);
    }
    if command.attribute.is_empty() {
        return Ok(fact.attributes.iter().map(|attribute| attribute.name.clone()).collect());
    }
    Ok(command.attribute.iter().cloned().collect())
}

fn query(command: &Try, fact: &Fact) -> anyhow::Result<Query> {
    let (item, item_version) =
        command.item.split_once('@').context("--item: write ITEM@VERSION")?;
    let (operator, unit) =
        command.operator.rsplit_once('/').context("--operator: write ID/UNIT")?;
    let mut subjects = Vec::new();
    for text in &command.subject {
        let message = subject(text, fact)?;
        let role = message.role.clone();
        subjects.push(wire::read_subject(&message).with_context(|| {
            format!(
                "--subject {role}: a gateway would refuse its number (length, date or check digit)"
            )
        })?);
    }
    for role in fact.roles.iter().filter(|role| !role.optional) {
        if subjects.iter().all(|subject| subject.role != role.name) {
            bail!("`{}` asks about the role `{}`: add --subject", fact.code, role.name);
        }
    }
    Ok(Query {
        request_id: *uuid::Uuid::new_v4().as_bytes(),
        fact: fact.code.clone(),
        relations: vec![None; subjects.len()],
        subjects,
        assertions: Vec::new(),
        disclose: Vec::new(),
        purpose: Purpose {
            item: ItemCode::new(item),
            item_version: item_version.to_owned(),
            case_number: command.case.clone(),
            ..Purpose::default()
        },
        operator: Operator { id: operator.to_owned(), unit: unit.to_owned() },
        max_age: None,
        want_receipt: false,
    })
}

/// Errors never repeat the value: it is personal data.
fn subject(text: &str, fact: &Fact) -> anyhow::Result<crate::proto::gateway::v1::Subject> {
    let (before, value) =
        text.split_once(':').context("--subject: write ROLE=KIND:VALUE or KIND:VALUE")?;
    let (role, kind) = match before.split_once('=') {
        Some((role, kind)) => (role, kind),
        None => {
            let role = fact.roles.iter().find(|role| role.kind == before).with_context(|| {
                format!("--subject: `{}` has no role for a `{before}`", fact.code)
            })?;
            (role.name.as_str(), before)
        }
    };
    if fact.role(role).is_none_or(|known| known.kind != kind) {
        bail!("--subject: `{}` has no role `{role}` for a `{kind}`", fact.code);
    }
    let value = match value.rsplit_once(':') {
        Some((name, number)) if kind == "person" && !value.contains('/') => {
            format!("{name}/{number}")
        }
        _ => value.to_owned(),
    };
    let kind = question::kind(kind, &value).with_context(|| format!("--subject {role}"))?;
    Ok(question::subject(role, kind))
}

fn tell(steps: &Steps) {
    say!("{} of {} {} ({})", steps.fact, steps.adapter, steps.version, steps.file.display());
    say!("at {}, to {}", moment(steps.at), steps.place);
    for step in &steps.steps {
        match step {
            Step::Sent(sent) => tell_sent(sent),
            Step::Received(received) => tell_received(received),
            Step::Broke { reason, detail } => say!("\n<- nothing ({reason}): {detail}"),
            Step::Evaluated(evaluated) => {
                let line = evaluated.line.map_or_else(String::new, |line| format!(":{line}"));
                say!("\n{}{line}", evaluated.key);
                say!("  {}", evaluated.expression);
                for glimpse in &evaluated.saw {
                    let value = glimpse.value.as_ref();
                    let value = value.map_or_else(|| "(nothing)".to_owned(), Json::to_string);
                    say!("    saw    {} = {value}", glimpse.path);
                }
                match (&evaluated.yielded, &evaluated.fault) {
                    (Some(value), _) => say!("    yields {value}"),
                    (None, fault) => say!("    fault  {}", fault.as_deref().unwrap_or_default()),
                }
            }
        }
    }
    tell_conclusion(steps);
}

fn tell_sent(sent: &Sent) {
    match sent {
        Sent::Request { method, target, headers, body } => {
            say!("\n-> {method} {target}");
            for (name, value) in headers {
                say!("   {name}: {value}");
            }
            if let Some(body) = body {
                say!("\n   {body}");
            }
        }
        Sent::Statement { statement, parameters } => {
            say!("\n-> {statement}");
            for (position, parameter) in parameters.iter().enumerate() {
                say!("   ${} = {parameter}", position + 1);
            }
        }
        Sent::Message(message) => say!("\n-> {message:#}"),
    }
}

fn tell_received(received: &Received) {
    match received {
        Received::Reply { status, headers, body } => {
            say!("\n<- {status}");
            for (name, value) in headers {
                say!("   {name}: {}", value.as_str().unwrap_or_default());
            }
            say!("\n   {body}");
        }
        Received::Rows { rows, as_of } => {
            say!("\n<- {} rows", rows.len());
            for row in rows {
                say!("   {row}");
            }
            if let Some(as_of) = as_of {
                say!("   as of {}", moment(*as_of));
            }
        }
        Received::Message(message) => say!("\n<- {message:#}"),
    }
}

fn tell_conclusion(steps: &Steps) {
    let by = steps.decided_by.as_ref().map_or_else(String::new, |(key, line)| {
        let line = line.map_or_else(String::new, |line| format!(":{line}"));
        format!(" by {key}{line}")
    });
    match &steps.conclusion {
        Conclusion::Found { attributes, as_of, dropped } => {
            say!("\nFOUND{by}, as of {}", moment(*as_of));
            for told in attributes {
                let entry =
                    told.entry.as_ref().map_or_else(String::new, |entry| format!(", {entry}"));
                say!("  {} = {}  ({}{entry})", told.name, told.value, told.kind);
            }
            if !dropped.is_empty() {
                say!("  dropped, not granted: {}", dropped.join(", "));
            }
        }
        Conclusion::NotFound { as_of } => say!("\nNOT FOUND{by}, as of {}", moment(*as_of)),
        Conclusion::Conflict { as_of } => say!("\nCONFLICT{by}, as of {}", moment(*as_of)),
        Conclusion::Unavailable { reason, detail } => say!("\nUNAVAILABLE ({reason}): {detail}"),
    }
}

/// China Standard Time, in which everybody concerned lives.
fn moment(at: Timestamp) -> String {
    let micros = i64::try_from(at.0).unwrap_or(i64::MAX);
    jiff::Timestamp::from_microsecond(micros)
        .map(|at| at.display_with_offset(jiff::tz::offset(8)).to_string())
        .unwrap_or_default()
}
