//! What many agreements cost: deciding among them, loading them, publishing one more.
//!
//! `cargo bench --bench agreements` runs every part, `-- decision` one. Numbers of one machine say little; the last
//! column holds each against its goal.

#![expect(clippy::indexing_slicing, reason = "a measurement that goes wrong may end there")]

mod asked;
mod decision;
mod load;
mod made;
mod publish;

use clap::Parser;

/// The program's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One part: its name, and what measures it.
type Part = (&'static str, fn(&Options) -> anyhow::Result<Vec<Line>>);

const PARTS: &[Part] =
    &[("decision", decision::run), ("load", load::run), ("publish", publish::run)];

#[derive(Parser)]
pub(crate) struct Options {
    /// Only these parts
    parts: Vec<String>,
    /// Agreements at the most
    #[arg(long, default_value_t = 100_000)]
    agreements: usize,
    /// Passed by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

/// One measurement.
pub(crate) struct Line {
    /// What was measured.
    pub(crate) what: String,
    /// Among how many agreements.
    pub(crate) agreements: usize,
    /// What was found, with its unit.
    pub(crate) found: String,
    /// What it is held against; may be empty.
    pub(crate) goal: String,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    for (name, run) in PARTS {
        if !options.parts.is_empty() && !options.parts.iter().any(|part| part == name) {
            continue;
        }
        println!("{name}");
        for Line { what, agreements, found, goal } in run(&options)? {
            println!("  {what:<34} {agreements:>8} agreements  {found:>14}  {goal}");
        }
    }
    Ok(())
}
