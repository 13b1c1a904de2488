//! What whole applications cost: a loan case of a couple with two children (L1) before six simulated agencies.
//!
//! `cargo bench --bench case` runs every part, `-- chain cpu` some, `--json` prints them for programs. The gateway is the
//! built program, the agencies another process; with two cores and `taskset` the gateway has core 0, and this generator and
//! the agencies share core 1. Numbers of one machine say little: quote the ratios, and only those of one run, with nothing
//! else running. The goals are those of `docs/performance.md`.

#![expect(clippy::indexing_slicing, reason = "a measurement that goes wrong may end there")]

mod batch;
mod chain;
mod cpu;
mod families;
mod flight;
mod installation;
#[path = "../request/process.rs"]
mod process;
mod running;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use serde_json::{Value, json};

use self::families::Families;
use self::installation::Installation;

/// What all parts measure on.
pub(crate) struct Ground {
    pub(crate) installation: Installation,
    pub(crate) families: Families,
    pub(crate) options: Options,
}

/// One part: its name, and what measures it.
type Part = (&'static str, fn(&Ground) -> anyhow::Result<Vec<Line>>);

const PARTS: &[Part] =
    &[("chain", chain::run), ("cpu", cpu::run), ("flight", flight::run), ("batch", batch::run)];

#[derive(Parser)]
pub(crate) struct Options {
    #[command(subcommand)]
    role: Option<Role>,
    /// Only these parts: chain, cpu, flight, batch
    parts: Vec<String>,
    /// Times that a case, and then its questions one after another, are run in `chain`
    #[arg(long, default_value_t = 40)]
    rounds: usize,
    /// Cases of one measurement in `cpu`, and of the same number of rounds of single questions
    #[arg(long, default_value_t = 300)]
    cases: usize,
    /// Measurements in `cpu`; the median counts
    #[arg(long, default_value_t = 5)]
    repeat: usize,
    /// Cases at once in `flight`
    #[arg(long, default_value_t = 1_000)]
    at_once: usize,
    /// What each agency takes for an answer in `flight`, in milliseconds
    #[arg(long, default_value_t = 300)]
    delay: u64,
    /// Rows of the longer list in `batch`; the shorter has a tenth
    #[arg(long, default_value_t = 100_000)]
    rows: usize,
    /// People in the province; more than `--rows`
    #[arg(long, default_value_t = 120_000, value_parser = clap::value_parser!(u32).range(20_000..=2_000_000))]
    people: u32,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    /// Passed by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Subcommand)]
enum Role {
    /// Be the agencies of the installation in this folder
    #[command(hide = true)]
    ServeAgencies { folder: PathBuf, people: u32 },
}

/// One measurement.
pub(crate) struct Line {
    /// What was measured, with its unit.
    what: String,
    /// What was found.
    found: f64,
    /// What it may be at most.
    goal: Option<f64>,
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
    if let Some(Role::ServeAgencies { folder, people }) = &options.role {
        return installation::serve_agencies(folder, *people);
    }
    let pinned = process::pin_this_to_core(process::GENERATOR_CORE);
    let families = Families::draw(options.people)?;
    let folder = tempfile::tempdir()?;
    let installation = Installation::make(&folder.path().join("world"), options.people)?;
    let ground = Ground { installation, families, options };
    let options = &ground.options;
    if !options.json {
        println!("pinned to cores: {}", if pinned { "yes" } else { "no" });
    }
    let mut all = serde_json::Map::new();
    for (name, run) in PARTS {
        if !options.parts.is_empty() && !options.parts.iter().any(|part| part == name) {
            continue;
        }
        let lines = run(&ground)?;
        if options.json {
            all.insert((*name).to_owned(), lines.iter().map(as_json).collect());
            continue;
        }
        println!("{name:<66}{:>12}{:>9}{:>8}", "measured", "goal", "ratio");
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
        Some(0.0) => println!("  {what:<64}{found:>12.3}{:>9}", "0"),
        Some(goal) => {
            println!("  {what:<64}{found:>12.3}{:>9}{:>8.2}", format!("≤ {goal}"), goal / found);
        }
        None => println!("  {what:<64}{found:>12.3}"),
    }
}

fn as_json(Line { what, found, goal }: &Line) -> Value {
    json!({ "what": what, "found": found, "goal": goal })
}

/// What stands at that share of all, in percent; NaN of none.
pub(crate) fn share(mut all: Vec<f64>, percent: usize) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() * percent / 100).or(all.last()).copied().unwrap_or(f64::NAN)
}
