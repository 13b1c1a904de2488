//! What the adapters cost, and whether one agency's trouble stays its own; each figure with its goal.
//!
//! `cargo bench --bench adapters` runs every part, `-- mapping limits` some, `--json` prints them for programs. The agencies
//! are the simulated ones, the manifests the samples. Numbers of one machine say little; the goals are those of
//! `docs/performance.md`.

#![expect(clippy::indexing_slicing, reason = "a measurement that goes wrong may end there")]

mod failing;
#[path = "../figures/mod.rs"]
mod figures;
mod gateway;
mod isolation;
mod load;
mod many;
mod mapping;
mod process;
mod province;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub(crate) use self::figures::Line;
use self::figures::Part;

/// The program's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PARTS: &[Part<Options>] = &[
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

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    if let Some(Role::LoadFolder { adapters, catalogue }) = &options.role {
        println!("{}", load::load(adapters, catalogue)?);
        return Ok(());
    }
    figures::run(PARTS, &options.parts, &options, options.json)
}

/// The one in the middle.
pub(crate) fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}
