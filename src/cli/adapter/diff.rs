//! `heyan adapter diff`: what changes between two versions of a manifest, in words.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{anyhow, bail};
use clap::Args;
use serde_json::{Value as Json, json};

use crate::adapters::comparison::{Came, Changed, Comparison, Turned, compare};
use crate::adapters::portrait::{Bearing, Portrait};
use crate::catalogue::Catalogue;
use crate::cli::{NO, findings};
use crate::crypto;

/// Arguments of `heyan adapter diff`.
#[derive(Debug, Args)]
pub(super) struct Diff {
    /// The manifest as it is, such as the gateway's own
    old: PathBuf,
    /// What is to take its place
    new: PathBuf,
    /// The catalogue, with its folders `facts` and `items`
    #[arg(long, value_name = "FOLDER")]
    catalogue: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Compares: exit 0 when both mean the same, 1 when they do not.
///
/// # Errors
/// When one of them, or the catalogue, cannot be read.
pub(super) fn run(command: &Diff) -> anyhow::Result<ExitCode> {
    let catalogue = Catalogue::load(&command.catalogue).map_err(|flaws| {
        findings::tell(&command.catalogue, &flaws, command.json);
        anyhow!("the catalogue `{}` cannot be used", command.catalogue.display())
    })?;
    let comparison = match compare(&command.old, &command.new, &catalogue) {
        Ok(comparison) => comparison,
        Err(flaws) => {
            findings::tell(&command.new, &flaws, command.json);
            bail!("a manifest with flaws cannot be compared: mend it first");
        }
    };
    if command.json {
        say!("{:#}", document(&comparison));
    } else {
        lines(&comparison, &catalogue).iter().for_each(|line| say!("{line}"));
    }
    Ok(if comparison.is_same() { ExitCode::SUCCESS } else { ExitCode::from(NO) })
}

fn lines(comparison: &Comparison, catalogue: &Catalogue) -> Vec<String> {
    let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let mut lines = Vec::new();
    for (word, portrait) in [("old", &comparison.old), ("new", &comparison.new)] {
        let (file, name) = (portrait.file.display(), &portrait.name);
        lines.push(format!("{word}  {file}  {name} {}", portrait.version));
    }
    for place in &comparison.places {
        lines.push(String::new());
        lines.push(paint(colour, "1", &heading(place, catalogue)));
        for change in &place.changes {
            let (mark, code) = mark(change.bearing);
            lines.push(format!("  {}  {}", paint(colour, code, mark), change.text));
        }
    }
    let replay = &comparison.replay;
    if let Some(folder) = &replay.folder {
        let (folder, played, turned) = (folder.display(), replay.played, replay.turned.len());
        lines.push(String::new());
        let head = format!("Fixtures of {folder}: {turned} of {played} come out otherwise");
        lines.push(paint(colour, "1", &head));
        for turned in &replay.turned {
            let (fact, name) = (&turned.fact, &turned.name);
            lines.push(format!("  {fact}, fixture `{name}`: {}", turned.words()));
        }
        lines.extend(replay.flaws.iter().map(|flaw| format!("  not played: {flaw}")));
    }
    lines.push(String::new());
    lines.extend(summary(comparison));
    lines
}

fn heading(place: &Changed, catalogue: &Catalogue) -> String {
    let Some(code) = &place.fact else { return "Every question".to_owned() };
    match catalogue.fact(code) {
        Some(fact) => format!("{code}  {}  {}", fact.title_zh, fact.title),
        None => code.to_string(),
    }
}

/// The same width each, so that they stand in a column.
fn mark(bearing: Bearing) -> (&'static str, &'static str) {
    match bearing {
        Bearing::Answers => ("! answers", "33"),
        Bearing::Reach => ("  reach  ", "36"),
        Bearing::Label => ("  label  ", "2"),
    }
}

fn paint(colour: bool, code: &str, text: &str) -> String {
    if colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

fn summary(comparison: &Comparison) -> Vec<String> {
    let changes = || comparison.places.iter().flat_map(|place| &place.changes);
    let count = |bearing| changes().filter(|change| change.bearing == bearing).count();
    let mut lines = Vec::new();
    if comparison.is_same() {
        lines.push("Both mean the same.".to_owned());
    } else {
        let (answers, reach) = (count(Bearing::Answers), count(Bearing::Reach));
        lines.push(format!(
            "{answers} may change answers, {reach} only how the agency is reached, {} only what it is called.",
            count(Bearing::Label)
        ));
    }
    let facts: Vec<String> = comparison.let_go().iter().map(ToString::to_string).collect();
    if !facts.is_empty() {
        lines.push(format!(
            "A gateway that takes the new file lets go of what it keeps of the agency's answers ({}) and asks \
             anew. The keys that answers are kept under do not change.",
            facts.join(", ")
        ));
    }
    lines
}

fn document(comparison: &Comparison) -> Json {
    let side = |portrait: &Portrait| {
        json!({
            "file": portrait.file,
            "name": portrait.name,
            "version": portrait.version,
            "digest": crypto::hex(&portrait.digest),
        })
    };
    let changes: Vec<Json> = comparison
        .places
        .iter()
        .flat_map(|place| {
            place.changes.iter().map(|change| {
                json!({
                    "fact": place.fact.as_ref().map(|fact| fact.as_str()),
                    "bears_on": change.bearing.name(),
                    "key": change.key,
                    "old": change.old,
                    "new": change.new,
                    "text": change.text,
                })
            })
        })
        .collect();
    let replay = &comparison.replay;
    let flaws: Vec<String> = replay.flaws.iter().map(ToString::to_string).collect();
    let let_go: Vec<String> = comparison.let_go().iter().map(ToString::to_string).collect();
    json!({
        "same": comparison.is_same(),
        "may_change_answers": comparison.may_change_answers(),
        "old": side(&comparison.old),
        "new": side(&comparison.new),
        "changes": changes,
        "kept_answers_let_go": let_go,
        "fixtures": {
            "folder": replay.folder,
            "played": replay.played,
            "turned": replay.turned.iter().map(turned).collect::<Vec<_>>(),
            "not_played": flaws,
        },
    })
}

fn turned(turned: &Turned) -> Json {
    let came = |came: &Came| json!({ "outcome": came.outcome, "detail": came.detail, "attributes": came.attributes });
    json!({
        "file": turned.file,
        "line": turned.line,
        "fact": turned.fact.as_str(),
        "name": turned.name,
        "old": came(&turned.old),
        "new": came(&turned.new),
        "text": turned.words(),
    })
}
