//! What a call costs when there is more of everything: agreements, adapters, entries in the log, kept answers.
//!
//! `cargo bench --bench growth`, or `-- agreements kept` for some parts. Every size is a gateway of its own; all of a part are
//! asked in turns, eight connections of four streams, and the ratio of each round to the smallest counts. The sizes of
//! the goal take long: `-- --entries 10000000 --kept 1000000` makes seven gigabytes of log and asks a million times first.
//! All of it lies where temporary files do (`TMPDIR`).

#![expect(clippy::indexing_slicing, reason = "a measurement that goes wrong may end there")]

#[path = "../agencies/mod.rs"]
mod agencies;
#[path = "../request/connection.rs"]
mod connection;
#[path = "../request/contender.rs"]
#[allow(dead_code, reason = "only own servers are asked here")]
mod contender;
#[path = "../figures/mod.rs"]
mod figures;
mod grown;
#[path = "../request/installation.rs"]
mod installation;
#[path = "../request/load.rs"]
#[allow(dead_code, reason = "there is no open load here")]
mod load;
#[path = "../log/made.rs"]
#[allow(dead_code, reason = "only a log is made here")]
mod long_log;
#[path = "../agreements/made.rs"]
#[allow(dead_code, reason = "only the agreements are made here")]
mod made;
#[path = "../adapters/many.rs"]
#[allow(dead_code, reason = "only one kind of copies is made here")]
mod many;
mod part;
#[path = "../request/process.rs"]
#[allow(dead_code, reason = "cores are not chosen here")]
mod process;
#[path = "../request/questions.rs"]
#[allow(dead_code, reason = "only own servers are asked here")]
mod questions;
#[path = "../request/ticker.rs"]
mod ticker;

use clap::Parser;

use self::contender::Contender;
use self::figures::Part;

/// The program's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PARTS: &[Part<Options>] = &[
    ("agreements", part::agreements),
    ("adapters", part::adapters),
    ("entries", part::entries),
    ("kept", part::kept),
];

#[derive(Parser)]
pub(crate) struct Options {
    #[command(subcommand)]
    role: Option<agencies::Role>,
    /// Only these parts: agreements, adapters, entries, kept
    parts: Vec<String>,
    /// The most agreements
    #[arg(long, default_value_t = 100_000)]
    agreements: u64,
    /// The most adapters
    #[arg(long, default_value_t = 200)]
    adapters: u64,
    /// The most entries in the log
    #[arg(long, default_value_t = 1_000_000)]
    entries: u64,
    /// The most kept answers
    #[arg(long, default_value_t = 20_000)]
    kept: u32,
    /// Length of one measurement
    #[arg(long, default_value_t = 2)]
    seconds: u64,
    /// Rounds, in each of which all sizes take their turn
    #[arg(long, default_value_t = 5)]
    repeat: usize,
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
    process::pin_this_to_core(process::GENERATOR_CORE);
    figures::run(PARTS, &options.parts, &options, options.json)
}
