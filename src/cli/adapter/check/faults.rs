//! Level `faults`: each manifest against an agency that does one thing wrong at a time.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value as Json, json};

use crate::adapters::trial::{Aim, Came, Sample, Trial};
use crate::catalogue::Catalogue;
use crate::clock;
use crate::finding::files_in;
use crate::hostile::{self, Fault, Hostile, Kind, Papers};
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

/// What one manifest withstood.
pub(super) struct Report {
    pub(super) file: PathBuf,
    /// Name of the adapter.
    pub(super) adapter: String,
    transport: &'static str,
    operations: usize,
    damaged: Vec<Damaged>,
    tried: Vec<Tried>,
}

/// A reply that was damaged.
struct Damaged {
    fact: FactCode,
    /// What comes of it undamaged; `None` where it is no answer, so that less is proved.
    outcome: Option<&'static str>,
    /// The fixture it is of.
    fixture: String,
}

/// One fault put to one operation.
struct Tried {
    fault: &'static str,
    what: &'static str,
    wanted: &'static str,
    fact: FactCode,
    /// What was being asked for when it went wrong.
    step: &'static str,
    /// What the damaged reply says undamaged.
    outcome: Option<&'static str>,
    came: String,
    is_good: bool,
    took: Duration,
    detail: String,
}

impl Report {
    /// True when every fault was withstood.
    pub(super) fn is_good(&self) -> bool {
        self.tried.iter().all(|tried| tried.is_good)
    }

    /// Facts of which no fixture's answer could be damaged.
    fn unproved(&self) -> impl Iterator<Item = &FactCode> {
        self.damaged.iter().filter(|one| one.outcome.is_none()).map(|one| &one.fact)
    }
}

/// Puts every fault of its transport to every operation of every manifest.
///
/// # Errors
/// When a hostile back end cannot be opened.
pub(super) async fn put(path: &Path, catalogue: &Catalogue) -> anyhow::Result<Vec<Report>> {
    let files = if path.is_dir() { files_in(path, "toml") } else { Ok(vec![path.to_owned()]) };
    let papers = Papers::new()?;
    let mut reports = Vec::new();
    for file in files.map_err(|flaw| anyhow!("{flaw}"))? {
        let Ok(trial) = Trial::read(&file, catalogue) else {
            bail!("`{}` changed while it was checked", file.display());
        };
        reports.push(try_all(&trial, &papers).await?);
    }
    Ok(reports)
}

async fn try_all(trial: &Trial, papers: &Papers) -> anyhow::Result<Report> {
    let mut report = Report {
        file: trial.file().to_owned(),
        adapter: trial.name().to_owned(),
        transport: trial.transport(),
        operations: trial.facts().len(),
        damaged: Vec::new(),
        tried: Vec::new(),
    };
    for (position, fact) in trial.facts().iter().enumerate() {
        for (place, sample) in samples(trial, papers, fact).await?.into_iter().enumerate() {
            let mut cases = Vec::new();
            for fault in hostile::faults(trial.plays(), &sample.good) {
                if fault.is_of_connection() && position > 0 {
                    continue;
                }
                // All operations share the session, so one of them is enough.
                if trial.has_session() && position == 0 && place == 0 {
                    cases.push((fault.clone(), true));
                }
                cases.push((fault, false));
            }
            let tried = stream::iter(cases)
                .map(|(fault, with_session)| try_one(trial, papers, &sample, fault, with_session));
            report.tried.extend(tried.buffered(AT_ONCE).try_collect::<Vec<_>>().await?);
            let Sample { fact, outcome, name: fixture, .. } = sample;
            report.damaged.push(Damaged { fact, outcome, fixture });
        }
    }
    Ok(report)
}

/// Of each outcome the first reply of the fixtures that is an answer when nothing is wrong with it.
async fn samples(trial: &Trial, papers: &Papers, fact: &FactCode) -> anyhow::Result<Vec<Sample>> {
    let mut kept: Vec<Sample> = Vec::new();
    for sample in trial.samples(fact) {
        if kept.iter().any(|known| known.outcome == sample.outcome) {
            continue;
        }
        let none = hostile::none(trial.plays(), &sample.good);
        let tried = try_one(trial, papers, &sample, none, false).await?;
        if Some(tried.came.as_str()) == sample.outcome {
            kept.push(sample);
        }
    }
    if kept.is_empty() {
        kept.push(trial.no_sample(fact, clock::now()));
    }
    Ok(kept)
}

async fn try_one(
    trial: &Trial,
    papers: &Papers,
    sample: &Sample,
    fault: Fault,
    with_session: bool,
) -> anyhow::Result<Tried> {
    let facts: Vec<String> = trial.facts().iter().map(|fact| fact.as_str().to_owned()).collect();
    let kind = trial.plays();
    let hostile = Hostile::open(papers, kind, &fault, &facts, &sample.good)
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
    let Ok(came) = trial.ask_for(&aim, sample, budget).await else {
        bail!("`{}` changed while it was checked", trial.file().display());
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
    Ok(Tried {
        fault: fault.name,
        what: fault.what,
        wanted: fault.must.wanted(),
        fact: sample.fact.clone(),
        step: if with_session { "session" } else { "question" },
        outcome: sample.outcome,
        came,
        is_good,
        took,
        detail,
    })
}

/// The report for people: a line for each fault; where something went wrong, more for each operation in which it did.
pub(super) fn lines(report: &Report, paint: &dyn Fn(&str, &str) -> String) -> Vec<String> {
    let (file, transport) = (report.file.display(), report.transport);
    let head = format!("{file}  faults  ({transport}, {} operations)", report.operations);
    let mut lines = vec![paint("1", &head)];
    let mut names: Vec<&str> = Vec::new();
    for tried in &report.tried {
        if !names.contains(&tried.fault) {
            names.push(tried.fault);
        }
    }
    let mut good = 0;
    for name in &names {
        let same = || report.tried.iter().filter(|tried| tried.fault == *name);
        let is_good = same().all(|tried| tried.is_good);
        good += usize::from(is_good);
        let mut came: Vec<&str> = same().map(|tried| tried.came.as_str()).collect();
        came.sort_unstable();
        came.dedup();
        let mark = if is_good { paint("32", "✓") } else { paint("31", "✗") };
        let what = same().next().map_or("", |tried| tried.what);
        lines.push(format!("  {mark} {name:<26} {:<28} {what}", came.join(", ")));
        for bad in same().filter(|tried| !tried.is_good) {
            let Tried { fact, step, came, wanted, .. } = bad;
            let undamaged = bad.outcome.unwrap_or("no answer");
            lines.push(format!(
                "      {fact}, {step}, of a reply that is {undamaged}: {came} after {} ms; wanted {wanted}",
                bad.took.as_millis(),
            ));
            if !bad.detail.is_empty() {
                lines.push(format!("      {}", bad.detail));
            }
        }
    }
    for fact in report.unproved() {
        lines.push(format!(
            "  – {fact}  no fixture's answer could be damaged, so the replies that were are no answers of it anyway"
        ));
    }
    lines.push(format!("  {good} of {} faults withstood", names.len()));
    lines
}

/// The report for programs.
pub(super) fn document(report: &Report) -> Json {
    let cases = report.tried.iter().map(|tried| {
        json!({
            "fault": tried.fault,
            "what": tried.what,
            "fact": tried.fact.as_str(),
            "step": tried.step,
            "damaged": tried.outcome,
            "good": tried.is_good,
            "came": tried.came,
            "wanted": tried.wanted,
            "ms": milliseconds(tried.took),
            "detail": tried.detail,
        })
    });
    let damaged = report.damaged.iter().map(
        |one| json!({ "fact": one.fact.as_str(), "outcome": one.outcome, "fixture": one.fixture }),
    );
    json!({
        "file": report.file,
        "name": report.adapter,
        "transport": report.transport,
        "good": report.is_good(),
        "damaged": damaged.collect::<Vec<_>>(),
        "cases": cases.collect::<Vec<_>>(),
    })
}

/// Each case for a build server: class, name, what failed, and how long it took.
pub(super) fn cases(
    report: &Report,
) -> impl Iterator<Item = (String, String, Option<(String, String)>, Duration)> {
    report.tried.iter().map(|tried| {
        let class = format!("{}.faults.{}", report.adapter, tried.fact);
        let name = match tried.outcome {
            Some(outcome) => format!("{} ({}, {outcome})", tried.fault, tried.step),
            None => format!("{} ({})", tried.fault, tried.step),
        };
        let failure = (!tried.is_good).then(|| {
            let message = format!("{}; wanted {}", tried.came, tried.wanted);
            let text = format!("{}\n{message}\n{}", tried.what, tried.detail);
            (message, text)
        });
        (class, name, failure, tried.took)
    })
}

/// Faults that were not withstood.
pub(super) fn count(reports: &[Report]) -> usize {
    reports.iter().flat_map(|report| &report.tried).filter(|tried| !tried.is_good).count()
}

fn milliseconds(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}
