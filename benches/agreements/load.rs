//! How long a folder of agreements takes to be read and verified, and what it takes of memory: in a process of its own,
//! so that nothing else is measured.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, ensure};
use heyan::clock::now;
use heyan::gateway::in_force::{InForce, Journal, Reading, Sources};

use super::made::Made;
use super::{Line, Options};

/// Set in the process that measures.
const MEASURING: &str = "HEYAN_BENCH_MEASURING";

pub(crate) fn run(options: &Options) -> anyhow::Result<Vec<Line>> {
    if let Some(count) = measuring() {
        load(count)?;
        std::process::exit(0);
    }
    let agreements = options.agreements;
    let made = Made::of(agreements)?;
    let bytes: u64 = std::fs::read_dir(made.path("agreements"))?
        .filter_map(|entry| entry.ok()?.metadata().ok())
        .map(|file| file.len())
        .sum();
    let [seconds, kilobytes] = in_another_process("load", agreements)?;
    let line = |what: &str, found: String, goal: &str| Line {
        what: what.to_owned(),
        agreements,
        found,
        goal: goal.to_owned(),
    };
    let each = agreements as f64;
    Ok(vec![
        line("a document", format!("{:.0} bytes", bytes as f64 / each), ""),
        line("read and verified in", format!("{seconds:.1} s"), "< 20 s on 2 cores"),
        line("memory", format!("{:.0} MB", kilobytes / 1024.0), "< 300 MB"),
        line("memory of one", format!("{:.0} bytes", kilobytes * 1024.0 / each), ""),
    ])
}

fn load(count: usize) -> anyhow::Result<()> {
    let made = Made::of(count)?;
    let sources = sources(&made);
    let (before, began) = (resident_kilobytes()?, Instant::now());
    let (view, findings) = InForce::read(&Reading {
        sources: &sources,
        at: now(),
        journal: &Journal::default(),
        previous: None,
        progress: &|_, _| {},
    });
    let seconds = began.elapsed().as_secs_f64();
    ensure!(findings.is_empty(), "{:?}", findings.first());
    let view = view.context("nothing was read")?;
    println!("{seconds} {}", resident_kilobytes()? - before);
    drop(view);
    Ok(())
}

fn sources(made: &Made) -> Sources {
    Sources {
        parties: made.path("pki/parties"),
        catalogue: made.path("catalogue"),
        agreements: made.path("agreements"),
        orders: made.path("orders"),
        adapters: made.path("adapters"),
        allowed: heyan::adapters::Allowed::everything(),
    }
}

/// How many agreements the process that measures is to take.
pub(crate) fn measuring() -> Option<usize> {
    std::env::var(MEASURING).ok()?.parse().ok()
}

/// The numbers of the last line that this part prints in a process of its own.
pub(crate) fn in_another_process<const N: usize>(
    part: &str,
    agreements: usize,
) -> anyhow::Result<[f64; N]> {
    let mut command = Command::new(std::env::current_exe()?);
    let output = command.arg(part).env(MEASURING, agreements.to_string()).output()?;
    let told = String::from_utf8(output.stdout)?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the process that measures failed: {told}{errors}");
    let last = told.lines().last().unwrap_or_default();
    let numbers: Vec<f64> = last.split(' ').filter_map(|number| number.parse().ok()).collect();
    numbers.try_into().map_err(|_| anyhow::anyhow!("no measurement came: {told}"))
}

/// Memory of this process that is in use.
pub(crate) fn resident_kilobytes() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("no VmRSS")?;
    Ok(line.split_whitespace().nth(1).context("no number")?.parse()?)
}
