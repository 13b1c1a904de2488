//! An hour of everything at once: questions at a steady rate, the agency failing and recovering, certificates and
//! agreements that change under load, orders that stop them. Then the gateway is stopped, its whole log is replayed, and
//! every answer that was given is looked up in it.
//!
//! `cargo bench --bench soak -- --minutes 60`; `--minutes 1 --trouble-seconds 2` will do to see that it works. It fails where
//! an answer or a denial has no entry, an entry has nobody who asked, a replay differs, or a change is not seen from outside.

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
mod memory;
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

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Parser;

use self::asked::Asked;
use self::connection::Caller;
use self::figures::{Line, Part};
use self::installation::Installation;
use self::memory::Memory;
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

/// Bounds of what grows to a bound by design, so low that they are met in each course of troubles: what memory grows by
/// beyond them is a leak. And nobody is refused because others use the processor too.
const SETTINGS: [(&str, &str); 3] = [
    ("HEYAN__CACHE__BYTES", "2 MiB"),
    ("HEYAN__LIMITS__REQUEST_ID_ENTRIES", "8000"),
    ("HEYAN__LIMITS__PROCESSOR_WAIT", "10m"),
];

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
    /// Time between two troubles; all of them take 24 times as long
    #[arg(long, default_value_t = 5)]
    trouble_seconds: u64,
    /// What must not be, found on the way
    #[arg(skip)]
    flaws: RefCell<Vec<String>>,
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
    figures::run(PARTS, &[], &options, options.json)?;
    let flaws = options.flaws.into_inner();
    ensure!(flaws.is_empty(), "the soak has found flaws:\n{}", flaws.join("\n"));
    Ok(())
}

fn soak(options: &Options) -> anyhow::Result<Vec<Line>> {
    let folder = tempfile::tempdir()?;
    let place = folder.path().join("installation");
    let installation = Installation::make(&place, options.people, 0)?;
    installation.create_log(LOG)?;
    let gateway = installation.start_on(LOG, true, &SETTINGS)?;
    let people = questions::people(options.people)?;
    let asked = Asked::new(
        gateway.address().to_owned(),
        Caller::of_system(&installation.path("pki/fund-centre"))?,
        [Questions::to_any(&people, FEW), Questions::to_any(&people, people.count())],
    );
    let asked = Arc::new(asked);

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let length = Duration::from_secs(options.minutes * 60);
    let every = Duration::from_secs(options.trouble_seconds);
    let trouble = Trouble::new(&installation, &gateway, Arc::clone(&asked));
    let is_judged = length >= trouble::course(every) * memory::PARTS;
    let mut memory = Memory::new(is_judged);
    let ((), made) = runtime.block_on(async {
        let asking = asked.run(options.rate, length, || memory.look(&gateway));
        tokio::try_join!(asking, trouble.run(every, length))
    })?;
    // Its connections end with it; else the gateway would wait for them before it stops.
    drop(runtime);
    gateway.stop()?;

    let asked = Arc::into_inner(asked).context("somebody still asks")?;
    let told = asked.told()?;
    let found = log::hold(&installation.path(LOG), &told)?;
    let mut lines = told.lines();
    lines.extend(made.lines());
    lines.extend(memory.lines());
    lines.extend(found.lines());
    *options.flaws.borrow_mut() =
        [told.flaws(), found.flaws(made.versions), memory.flaws()].concat();
    Ok(lines)
}
