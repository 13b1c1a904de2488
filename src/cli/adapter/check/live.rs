//! Level `live`: each manifest put to the agency it names, one question for each fact, about whom the operator says.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{anyhow, bail};
use serde_json::{Value as Json, json};

use super::super::leave::Asking;
use super::Check;
use crate::adapters::live::{Greeted, Live, Questions, Report, Step, Told};
use crate::adapters::portrait::Portrait;
use crate::catalogue::{Catalogue, Fact, Role};
use crate::cli::{findings, say::plain};
use crate::clock;
use crate::finding::files_in;
use crate::query::time::Timestamp;

const DAY: Duration = Duration::from_secs(86_400);

/// Asks, manifest by manifest.
///
/// # Errors
/// When there are no questions, they cannot be used, or a manifest cannot be put to its agency.
pub(super) async fn ask(check: &Check, catalogue: &Catalogue) -> anyhow::Result<Vec<Report>> {
    let files = if check.path.is_dir() {
        files_in(&check.path, "toml").map_err(|flaw| anyhow!("{flaw}"))?
    } else {
        vec![check.path.clone()]
    };
    let Some(file) = &check.questions else { bail!(how_to(&files, catalogue)) };
    let questions = Questions::read(file, catalogue).map_err(|flaws| {
        findings::tell(file, &flaws, check.json);
        anyhow!("the questions `{}` cannot be used", file.display())
    })?;
    let mut all = Vec::new();
    for manifest in &files {
        let live = Live::open(manifest, catalogue).map_err(|flaws| {
            findings::tell(manifest, &flaws, check.json);
            anyhow!("the manifest `{}` cannot be used", manifest.display())
        })?;
        all.push((manifest, live));
    }
    let facts: Vec<_> = all.iter().flat_map(|(_, live)| live.facts()).collect();
    if let Some((fact, line)) = questions.facts().find(|(fact, _)| !facts.contains(fact)) {
        bail!("{}:{line}: no manifest here answers `{fact}`", file.display());
    }
    let mut reports = Vec::new();
    // Each is written down before the first is asked.
    for (manifest, live) in &all {
        let answered: Vec<_> = live.facts().collect();
        let asked = questions.facts().map(|(fact, _)| fact).filter(|fact| answered.contains(fact));
        check.leave.take(&Asking {
            manifest,
            place: live.place(),
            is_at_home: live.is_at_home(),
            facts: asked.map(|fact| fact.as_str()).collect(),
            request_id: None,
            operator: String::new(),
        })?;
    }
    for (_, live) in all {
        let report = live.ask(&questions, clock::now, check.deadline).await;
        reports.push(report.map_err(|flaw| anyhow!("{flaw}"))?);
    }
    Ok(reports)
}

/// What to write, for the facts of these manifests.
fn how_to(files: &[PathBuf], catalogue: &Catalogue) -> String {
    let portraits = files.iter().filter_map(|file| Portrait::read(file, catalogue).ok());
    let forms: Vec<String> = portraits
        .flat_map(|portrait| portrait.operations)
        .map(|operation| form(&operation.fact))
        .collect();
    format!(
        "--level live asks the agency about somebody: write whom into a file that only you can read (chmod 600), and name it \
         with --questions. One question for each fact; leave out what you do not want asked:\n\n{}",
        forms.join("\n")
    )
}

fn form(fact: &Fact) -> String {
    let (code, zh, title) = (&fact.code, &fact.title_zh, &fact.title);
    let mut text = format!(
        "# {zh} {title}\n[[question]]\nfact = \"{code}\"\npurpose = {{ item = \"…\", item_version = \"…\", case_number = \
         \"…\" }}\noperator = {{ id = \"…\", unit = \"…\" }}\n"
    );
    for role in fact.roles.iter().filter(|role| !role.optional) {
        text.push_str(&subject(role));
    }
    text
}

fn subject(role: &Role) -> String {
    let keys: &[&str] = match role.kind.as_str() {
        "person" => &["document_number", "name"],
        "employer" => &["uscc", "name"],
        "property" => &["unit_number", "certificate_number", "address", "division"],
        _ => &["number", "code", "division"],
    };
    let keys: String = keys.iter().map(|key| format!("{key} = \"…\"\n")).collect();
    format!("\n[[question.subject]]\nrole = \"{}\"\n{keys}", role.name)
}

/// The report for people.
pub(super) fn lines(report: &Report, paint: &dyn Fn(&str, &str) -> String) -> Vec<String> {
    let mut lines = Vec::new();
    let (file, name) = (report.file.display(), &report.adapter);
    lines.push(paint("1", &format!("{file}  live  {name} {} at {}", report.version, report.place)));
    lines.push(format!("  {}", greeted(&report.greeted)));
    for told in &report.told {
        let (mark, code) = if told.is_answered { ("✓", "32") } else { ("✗", "31") };
        let (mark, took) = (paint(code, mark), milliseconds(told.took));
        lines.push(format!("  {mark} {}  {}  {took}", told.fact, told.came));
        for Step { what, came, took, .. } in &told.steps {
            lines.push(format!("      {what} → {came}, {}", milliseconds(*took)));
        }
        lines.extend(record(told));
        lines.extend(told.detail.iter().map(|detail| plain(&format!("      {detail}"))));
        lines.extend(told.next.iter().map(|next| format!("      next: {next}")));
    }
    for fact in &report.unasked {
        lines.push(format!("  – {fact}  not asked: there is no question about it"));
    }
    lines
}

fn record(told: &Told) -> Vec<String> {
    let mut lines = Vec::new();
    if !told.attributes.is_empty() {
        lines.push(format!("      came: {}", told.attributes.join(", ")));
    }
    if !told.absent.is_empty() {
        lines.push(format!("      absent: {}", told.absent.join(", ")));
    }
    if told.dropped > 0 {
        lines.push(format!("      dropped, not granted: {}", told.dropped));
    }
    lines
}

fn greeted(greeted: &Greeted) -> String {
    match greeted {
        Greeted::Well(had) => {
            let left = had.expires.since(clock::now()).as_secs() / DAY.as_secs();
            format!(
                "{}: connected in {}, TLS in {}; certificate of {} (asked for {}), to {}, {left} days",
                had.address,
                milliseconds(had.connecting),
                milliseconds(had.greeting),
                had.names.join(", "),
                had.name,
                day(had.expires)
            )
        }
        Greeted::Badly(address, _, problem) => format!("{address}: no connection: {problem}"),
        Greeted::Untried(why) => format!("no connection of our own: {why}"),
    }
}

/// The report for programs.
pub(super) fn document(report: &Report) -> Json {
    let connection = match &report.greeted {
        Greeted::Well(had) => json!({
            "address": had.address,
            "name": had.name,
            "certificate_names": had.names,
            "certificate_expires": moment(had.expires),
            "connecting_ms": count(had.connecting),
            "tls_ms": count(had.greeting),
        }),
        Greeted::Badly(address, _, problem) => json!({ "address": address, "problem": problem }),
        Greeted::Untried(why) => json!({ "untried": why }),
    };
    let unasked: Vec<&str> = report.unasked.iter().map(|fact| fact.as_str()).collect();
    json!({
        "file": report.file,
        "name": report.adapter,
        "version": report.version,
        "place": report.place,
        "good": report.is_good(),
        "connection": connection,
        "facts": report.told.iter().map(fact).collect::<Vec<_>>(),
        "not_asked": unasked,
    })
}

fn fact(told: &Told) -> Json {
    let steps: Vec<Json> = told
        .steps
        .iter()
        .map(|step| json!({ "what": step.what, "came": step.came, "ms": count(step.took) }))
        .collect();
    json!({
        "fact": told.fact.as_str(),
        "answered": told.is_answered,
        "outcome": told.came,
        "detail": told.detail,
        "next": told.next,
        "attributes": told.attributes,
        "absent": told.absent,
        "dropped": told.dropped,
        "as_of": told.as_of.map(moment),
        "ms": count(told.took),
        "steps": steps,
    })
}

/// What a build server is told of a question that was not answered: one line, and everything.
pub(super) fn failure(told: &Told) -> Option<(String, String)> {
    let detail = told.detail.as_ref()?;
    let next = told.next.as_deref().unwrap_or_default();
    Some((format!("{}: {detail}", told.came), format!("{detail}\nnext: {next}")))
}

fn milliseconds(took: Duration) -> String {
    format!("{} ms", took.as_millis())
}

fn count(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

fn day(at: Timestamp) -> String {
    moment(at).chars().take(10).collect()
}

/// China Standard Time, in which everybody concerned lives.
fn moment(at: Timestamp) -> String {
    let micros = i64::try_from(at.0).unwrap_or(i64::MAX);
    jiff::Timestamp::from_microsecond(micros)
        .map(|at| at.display_with_offset(jiff::tz::offset(8)).to_string())
        .unwrap_or_default()
}

/// Name of a report's suite.
pub(super) fn title(report: &Report) -> String {
    format!("{} live", report.file.display())
}
