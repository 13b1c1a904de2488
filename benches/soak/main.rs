//! An hour of everything at once: questions at a steady rate, the agency failing and recovering, certificates and
//! agreements that change under load. Then the gateway is stopped, its whole log is replayed, and every answer that was
//! given is looked up in it.
//!
//! `cargo bench --bench soak -- --minutes 60`; a minute will do to see that it works. It fails where an answer has no entry,
//! an outcome has nobody who asked, a replay differs, or a change did not come into force.

#[path = "../agencies/mod.rs"]
mod agencies;
mod asked;
#[path = "../request/connection.rs"]
mod connection;
#[path = "../figures/mod.rs"]
mod figures;
#[path = "../request/installation.rs"]
#[allow(dead_code, reason = "one gateway on one log is enough here")]
mod installation;
mod log;
#[path = "../agreements/made.rs"]
#[allow(dead_code, reason = "no more agreements are made here")]
#[allow(clippy::indexing_slicing, reason = "a measurement that goes wrong may end there")]
mod made;
#[path = "../request/process.rs"]
#[allow(dead_code, reason = "cores are not chosen here")]
mod process;
#[path = "../request/questions.rs"]
#[allow(dead_code, reason = "any answer will do here, if it is in the log")]
mod questions;
#[path = "../request/ticker.rs"]
mod ticker;
mod trouble;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Parser;

use self::asked::Asked;
use self::connection::Caller;
use self::figures::{Line, Part};
use self::installation::Installation;
use self::questions::Questions;
use self::trouble::Trouble;

/// The program's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PARTS: &[Part<Options>] = &[("soak", soak)];

/// The log that is written and then replayed.
const LOG: &str = "log-soak";

/// Those who are asked about again and again, so that kept answers are among the answers.
const FEW: usize = 1000;

/// What memory may grow by from the first tenth of the time to the last: noise, and no more.
const GROWTH: f64 = 1.1;

#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    role: Option<agencies::Role>,
    /// How long questions are asked
    #[arg(long, default_value_t = 60)]
    minutes: u64,
    /// Questions a second: every other one about somebody new
    #[arg(long, default_value_t = 200)]
    rate: u32,
    /// People in the province
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u32).range(2000..=2_000_000))]
    people: u32,
    /// Time between two troubles
    #[arg(long, default_value_t = 5)]
    trouble_seconds: u64,
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
    figures::run(PARTS, &[], &options, options.json)
}

fn soak(options: &Options) -> anyhow::Result<Vec<Line>> {
    let folder = tempfile::tempdir()?;
    let place = folder.path().join("installation");
    let installation = Installation::make(&place, options.people, 0)?;
    let gateway = installation.start_gateway(LOG, true)?;
    let people = questions::people(options.people)?;
    let asked = Asked::new(
        gateway.address().to_owned(),
        Caller::of_system(&installation.path("pki/fund-centre"))?,
        [Questions::to_any(&people, FEW), Questions::to_any(&people, people.count())],
    );
    let asked = Arc::new(asked);

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut trouble = Trouble::new(&installation, &gateway);
    let length = Duration::from_secs(options.minutes * 60);
    let every = Duration::from_secs(options.trouble_seconds);
    let mut megabytes = Vec::new();
    let look = || {
        megabytes.push(gateway.resident_megabytes()?);
        Ok(())
    };
    runtime.block_on(asked.run(options.rate, length, every, || trouble.next(), look))?;
    trouble.end()?;
    let (troubles, versions) = (trouble.made(), trouble.versions());
    gateway.stop()?;

    let asked = Arc::into_inner(asked).context("somebody still asks")?;
    let told = asked.told()?;
    let found = log::hold(&installation.path(LOG), &told)?;
    let tenth = (megabytes.len() / 10).max(1);
    let mean = |some: &[u64]| some.iter().sum::<u64>() as f64 / some.len() as f64;
    let (first, last) = (
        mean(megabytes.get(..tenth).context("no memory was read")?),
        mean(megabytes.get(megabytes.len() - tenth..).context("no memory was read")?),
    );
    let mut lines = vec![
        Line::told("answers", told.answers.len() as f64),
        Line::told("  of these no answer of the agency, with the reason", told.unavailable as f64),
        Line::told("refused or lost, without an answer", told.refused as f64),
        Line::told("troubles made", f64::from(troubles)),
        Line::told("memory in the first tenth of the time, MB", first),
        Line::told("memory in the last tenth, MB", last),
        Line::goal("  the last beside the first", last / first, GROWTH),
    ];
    for (reason, count) in &told.reasons {
        lines.push(Line::told(format!("    refused: {reason}"), *count as f64));
    }
    let flaws = found.flaws(versions);
    lines.extend(found.lines());
    ensure!(flaws.is_empty(), "the soak has found flaws:\n{}", flaws.join("\n"));
    Ok(lines)
}
