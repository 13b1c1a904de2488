//! `heyan adapter check --level faults`: each manifest against an agency that does one thing wrong at a time.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value as Json, json};

use crate::adapters::trial::{Aim, Came, Trial};
use crate::catalogue::Catalogue;
use crate::cli::{NO, findings};
use crate::clock;
use crate::finding::files_in;
use crate::hostile::{self, Fault, Good, Hostile, Kind, Papers};
use crate::query::FactCode;

/// For what ends by itself; a reply of the largest size allowed is read in less.
const PATIENCE: Duration = Duration::from_secs(60);
/// For one attempt at a database: the driver tries again and again to connect for half of it.
const ATTEMPT: Duration = Duration::from_secs(20);
/// The deadline of questions whose fault never ends.
const DEADLINE: Duration = Duration::from_secs(1);
/// Beyond a deadline: what a busy machine takes.
const MARGIN: Duration = Duration::from_secs(10);
/// Faults tried at once.
const AT_ONCE: usize = 16;

/// One fault put to one operation.
struct Tried {
    fault: Fault,
    fact: FactCode,
    /// What was being asked for when it went wrong.
    step: &'static str,
    came: String,
    is_good: bool,
    took: Duration,
    detail: String,
}

/// Runs every fault of the transport against every operation of every manifest: exit 0 when each ended in time and
/// without an answer, 1 otherwise.
///
/// # Errors
/// When a hostile back end cannot be opened.
pub(super) async fn run(
    path: &Path,
    catalogue: &Catalogue,
    is_json: bool,
) -> anyhow::Result<ExitCode> {
    let files = if path.is_dir() { files_in(path, "toml") } else { Ok(vec![path.to_owned()]) };
    let files = match files {
        Ok(files) => files,
        Err(finding) => return Ok(findings::tell(path, &[finding], is_json)),
    };
    let papers = Papers::new()?;
    let (mut reports, mut is_good) = (Vec::new(), true);
    for file in files {
        let trial = match Trial::read(&file, catalogue) {
            Ok(trial) => trial,
            Err(flaws) => return Ok(findings::tell(&file, &flaws, is_json)),
        };
        let tried = try_all(&trial, &papers).await?;
        is_good &= tried.iter().all(|tried| tried.is_good);
        if is_json {
            reports.push(report(&file, &trial, &tried));
        } else {
            tell(&file, &trial, &tried);
        }
    }
    if is_json {
        say!("{}", json!({ "level": "faults", "good": is_good, "manifests": reports }));
    }
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::from(NO) })
}

async fn try_all(trial: &Trial, papers: &Papers) -> anyhow::Result<Vec<Tried>> {
    let good = &trial.good(clock::now());
    let mut cases = Vec::new();
    for fault in hostile::faults(trial.plays(), good) {
        for (position, fact) in trial.facts().iter().enumerate() {
            if fault.is_of_connection() && position > 0 {
                continue;
            }
            cases.push((fault.clone(), fact.clone(), false));
            // All operations share the session, so one of them is enough.
            if trial.has_session() && position == 0 {
                cases.push((fault.clone(), fact.clone(), true));
            }
        }
    }
    let tried = stream::iter(cases)
        .map(|(fault, fact, with_session)| try_one(trial, papers, good, fault, fact, with_session));
    tried.buffered(AT_ONCE).try_collect().await
}

async fn try_one(
    trial: &Trial,
    papers: &Papers,
    good: &Good,
    fault: Fault,
    fact: FactCode,
    with_session: bool,
) -> anyhow::Result<Tried> {
    let facts: Vec<String> = trial.facts().iter().map(|fact| fact.as_str().to_owned()).collect();
    let kind = trial.plays();
    let hostile = Hostile::open(papers, kind, &fault, &facts, good)
        .await
        .context("no hostile back end can be opened")?;
    let aim = Aim {
        address: hostile.address(),
        folder: hostile.folder(),
        authority: papers.authority().to_owned(),
        timeout: if [Kind::Postgres, Kind::Mysql].contains(&kind) { ATTEMPT } else { PATIENCE },
        with_session,
    };
    let budget = if fault.is_endless { DEADLINE } else { PATIENCE };
    let began = Instant::now();
    let came = match trial.ask(&aim, &fact, clock::now(), budget).await {
        Ok(came) => came,
        Err(_) => bail!("the manifest changed while it was tried"),
    };
    let took = began.elapsed();
    let is_asked = hostile.reached() > 0;
    let (came, is_right, detail) = match came {
        Came::Found => ("found".to_owned(), false, String::new()),
        Came::NotFound => ("not_found".to_owned(), false, String::new()),
        Came::Conflict => ("conflict".to_owned(), false, String::new()),
        Came::Failed(failure) => {
            let is_right = fault.must.allows(failure.reason);
            (failure.reason.code().to_owned(), is_right, failure.detail)
        }
    };
    let is_kept = hostile.betrayed() == 0;
    let detail = match (is_asked, is_kept) {
        (false, _) => format!("nothing was sent: {detail}"),
        (_, false) => format!("it was given a login in the clear, or a file: {detail}"),
        _ => detail,
    };
    let is_good = is_right && is_asked && is_kept && took < budget + MARGIN;
    let step = if with_session { "session" } else { "question" };
    Ok(Tried { fault, fact, step, came, is_good, took, detail })
}

/// One line for a fault; where something went wrong, one more for each operation in which it did.
fn tell(file: &Path, trial: &Trial, tried: &[Tried]) {
    say!("{} ({}, {} operations)", file.display(), trial.transport(), trial.facts().len());
    let faults = tried.chunk_by(|one, other| one.fault.name == other.fault.name);
    let (mut good, mut all) = (0, 0);
    for same in faults {
        let Some(first) = same.first() else { continue };
        let is_good = same.iter().all(|tried| tried.is_good);
        (good, all) = (good + usize::from(is_good), all + 1);
        let mut came: Vec<&str> = same.iter().map(|tried| tried.came.as_str()).collect();
        came.sort_unstable();
        came.dedup();
        let tick = if is_good { '✓' } else { '✗' };
        say!("  {tick} {:<26} {:<28} {}", first.fault.name, came.join(", "), first.fault.what);
        for bad in same.iter().filter(|tried| !tried.is_good) {
            say!(
                "      {}, {}: {} after {} ms; wanted {}",
                bad.fact,
                bad.step,
                bad.came,
                bad.took.as_millis(),
                bad.fault.must.wanted()
            );
            if !bad.detail.is_empty() {
                say!("      {}", bad.detail);
            }
        }
    }
    say!("{}: {good} of {all} faults withstood", file.display());
}

fn report(file: &Path, trial: &Trial, tried: &[Tried]) -> Json {
    let cases: Vec<Json> = tried
        .iter()
        .map(|tried| {
            json!({
                "fault": tried.fault.name,
                "what": tried.fault.what,
                "fact": tried.fact.as_str(),
                "step": tried.step,
                "good": tried.is_good,
                "came": tried.came,
                "wanted": tried.fault.must.wanted(),
                "milliseconds": u64::try_from(tried.took.as_millis()).unwrap_or(u64::MAX),
                "detail": tried.detail,
            })
        })
        .collect();
    let file: PathBuf = file.to_owned();
    json!({ "file": file, "transport": trial.transport(), "cases": cases })
}
