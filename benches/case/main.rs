//! What whole applications cost: a loan case of a couple with two children (L1) before six simulated agencies.
//!
//! `cargo bench --bench case` runs every part, `-- chain cpu` some, `--json` prints them for programs. The gateway is the
//! built program, the agencies another process; with two cores and `taskset` the gateway has core 0, and this generator and
//! the agencies share core 1. Numbers of one machine say little: quote the ratios, and only those of one run, with nothing
//! else running. The goals are those of `docs/performance.md`.

#![expect(clippy::indexing_slicing, reason = "a measurement that goes wrong may end there")]

#[path = "../agencies/mod.rs"]
mod agencies;
mod batch;
mod chain;
mod cpu;
mod families;
#[path = "../figures/mod.rs"]
mod figures;
mod flight;
mod installation;
#[path = "../request/process.rs"]
mod process;
mod running;

use clap::Parser;

use self::families::Families;
pub(crate) use self::figures::Line;
use self::figures::Part;
use self::installation::Installation;

/// What all parts measure on.
pub(crate) struct Ground {
    pub(crate) installation: Installation,
    pub(crate) families: Families,
    pub(crate) options: Options,
}

const PARTS: &[Part<Ground>] =
    &[("chain", chain::run), ("cpu", cpu::run), ("flight", flight::run), ("batch", batch::run)];

#[derive(Parser)]
pub(crate) struct Options {
    #[command(subcommand)]
    role: Option<agencies::Role>,
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

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    if let Some(role) = &options.role {
        return role.play();
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
    figures::run(PARTS, &options.parts, &ground, options.json)
}

/// What stands at that share of all, in percent; NaN of none.
pub(crate) fn share(mut all: Vec<f64>, percent: usize) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() * percent / 100).or(all.last()).copied().unwrap_or(f64::NAN)
}
