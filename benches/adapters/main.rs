//! What the adapters cost, and whether one agency's trouble stays its own; each figure with its goal.
//!
//! `cargo bench --bench adapters` runs every part, `-- mapping limits` some, `--json` prints them for programs. The agencies
//! are the simulated ones, the manifests the samples. Numbers of one machine say little; the goals are those of
//! `docs/performance.md`.

#![expect(clippy::indexing_slicing, reason = "a measurement that goes wrong may end there")]

mod failing;
mod gateway;
mod isolation;
mod load;
mod many;
mod mapping;
mod process;
mod province;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use serde_json::{Value, json};

/// The program's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One part: its name, and what measures it.
type Part = (&'static str, fn(&Options) -> anyhow::Result<Vec<Line>>);

const PARTS: &[Part] = &[
    ("mapping", mapping::run),
    ("load", load::run),
    ("isolation", isolation::run),
    ("failing", failing::run),
];

#[derive(Parser)]
pub(crate) struct Options {
    #[command(subcommand)]
    role: Option<Role>,
    /// Only these parts: mapping, load, isolation, failing
    parts: Vec<String>,
    /// Times that each question is gone through
    #[arg(long, default_value_t = 2_000)]
    times: usize,
    /// Manifests that are loaded
    #[arg(long, default_value_t = 200)]
    adapters: usize,
    /// Pairs of measurements, with the sixth agency well and hung
    #[arg(long, default_value_t = 8)]
    rounds: usize,
    /// Length of one of them
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Questions a second to each agency then
    #[arg(long, default_value_t = 60)]
    rate: u64,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    /// Passed by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Subcommand)]
enum Role {
    /// Load the adapters of a folder, with a catalogue
    #[command(hide = true)]
    LoadFolder { adapters: PathBuf, catalogue: PathBuf },
}

/// One measurement.
pub(crate) struct Line {
    /// What was measured, with its unit.
    pub(crate) what: String,
    /// What was found.
    pub(crate) found: f64,
    /// What it may be at most.
    pub(crate) goal: Option<f64>,
}

impl Line {
    /// A figure with a goal: it may be at most so much.
    pub(crate) fn goal(what: impl Into<String>, found: f64, most: f64) -> Self {
        Self { what: what.into(), found, goal: Some(most) }
    }

    /// A figure beside the others.
    pub(crate) fn told(what: impl Into<String>, found: f64) -> Self {
        Self { what: what.into(), found, goal: None }
    }
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    if let Some(Role::LoadFolder { adapters, catalogue }) = &options.role {
        println!("{}", load::load(adapters, catalogue)?);
        return Ok(());
    }
    let mut all = serde_json::Map::new();
    for (name, run) in PARTS {
        if !options.parts.is_empty() && !options.parts.iter().any(|part| part == name) {
            continue;
        }
        let lines = run(&options)?;
        if options.json {
            all.insert((*name).to_owned(), lines.iter().map(as_json).collect());
            continue;
        }
        println!("{name:<58}{:>12}{:>12}{:>8}", "measured", "goal", "ratio");
        lines.iter().for_each(print);
    }
    if options.json {
        println!("{}", Value::Object(all));
    }
    Ok(())
}

/// The ratio is above 1 where the goal is met, as in the other benches.
fn print(Line { what, found, goal }: &Line) {
    match goal {
        Some(goal) => {
            println!("  {what:<56}{found:>12.3}{:>12}{:>8.2}", format!("≤ {goal}"), goal / found);
        }
        None => println!("  {what:<56}{found:>12.3}"),
    }
}

fn as_json(Line { what, found, goal }: &Line) -> Value {
    json!({ "what": what, "found": found, "goal": goal })
}

/// The one in the middle.
pub(crate) fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}
