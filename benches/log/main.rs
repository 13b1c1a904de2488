//! What the audit log does in a second: appending, verifying, replaying, opening, proving, each against its goal.
//!
//! `cargo bench --bench log`, or with `-- --entries 10000000` for the size the goals are about. Every measurement runs in
//! a process of its own, so that its CPU time and its peak of memory are its alone. Appending has one core, where
//! `taskset` is; and it is held against raw group commit: the same bytes, written and flushed in the same batches, on the
//! same disk, right after. Numbers of one machine say little; quote the ratios, and only those of one run.

#![expect(clippy::indexing_slicing, reason = "a measurement that goes wrong may end there")]

mod append;
mod made;
mod process;
mod reading;

use std::path::PathBuf;

use anyhow::Context;
use clap::{Parser, Subcommand};
use serde_json::{Value, json};

/// The program's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    role: Option<Role>,
    /// Entries of the log that is verified, replayed and opened
    #[arg(long, default_value_t = 1_000_000)]
    entries: u64,
    /// Length of the measurement of appends
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Tasks that append
    #[arg(long, default_value_t = 64)]
    callers: usize,
    /// Where the logs are made: on the disk to measure. Default: a new folder in the folder for temporary files
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    /// Passed by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Subcommand)]
enum Role {
    /// Append to a new log in this folder
    Append { folder: PathBuf, seconds: u64, callers: usize },
    /// Write what lies in that log again, raw
    Raw { folder: PathBuf },
    /// Make a log of so many entries in this folder
    Make { folder: PathBuf, entries: u64 },
    /// Verify it
    Verify { folder: PathBuf },
    /// Replay it
    Replay { folder: PathBuf },
    /// Open it, prove some entries, close it
    Open { folder: PathBuf },
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let result = match &options.role {
        None => return compare(&options),
        Some(Role::Append { folder, seconds, callers }) => {
            append::append(folder, *seconds, *callers)?
        }
        Some(Role::Raw { folder }) => append::raw(folder)?,
        Some(Role::Make { folder, entries }) => made::make(folder, *entries)?,
        Some(Role::Verify { folder }) => reading::verify(folder)?,
        Some(Role::Replay { folder }) => reading::replay(folder)?,
        Some(Role::Open { folder }) => reading::open(folder)?,
    };
    println!("{}", process::with_peak(result)?);
    Ok(())
}

fn compare(options: &Options) -> anyhow::Result<()> {
    let own;
    let folder = match &options.folder {
        Some(folder) => folder.clone(),
        None => {
            own = tempfile::tempdir()?;
            own.path().to_owned()
        }
    };
    let (appended, log) = (folder.join("appended"), folder.join("log"));
    let name = |path: &PathBuf| path.to_str().map(str::to_owned).context("a path that is no text");
    let (seconds, callers) = (options.seconds.to_string(), options.callers.to_string());
    let append = process::measure(true, &["append", &name(&appended)?, &seconds, &callers])?;
    let raw = process::measure(true, &["raw", &name(&appended)?])?;
    std::fs::remove_dir_all(&appended)?;

    let made = process::measure(false, &["make", &name(&log)?, &options.entries.to_string()])?;
    let verify = process::measure(false, &["verify", &name(&log)?])?;
    let replay = process::measure(false, &["replay", &name(&log)?])?;
    let first = process::measure(false, &["open", &name(&log)?])?;
    let open = process::measure(false, &["open", &name(&log)?])?;
    std::fs::remove_dir_all(&log)?;

    if options.json {
        println!(
            "{}",
            json!({ "append": append, "raw": raw, "made": made, "verify": verify, "replay": replay,
                    "open_without_summary": first, "open": open })
        );
        return Ok(());
    }
    let of = |value: &Value, name: &str| value[name].as_f64().unwrap_or(f64::NAN);
    println!(
        "{:.0} entries of {:.0} bytes in frames of {}",
        of(&made, "entries"),
        of(&made, "entry_bytes"),
        made["frame_entries"]
    );
    println!("{:<44}{:>14}{:>14}{:>9}", "", "measured", "goal", "ratio");
    let rate = of(&append, "per_second");
    more("append, entries/s, 64 callers, one core", rate, 40_000.0);
    more("append / raw group commit, same batches", rate / of(&raw, "per_second"), 0.9);
    less("append, CPU µs/entry outside system calls", of(&append, "user_micros"), 6.0);
    told("  inside system calls, µs/entry", of(&append, "system_micros"));
    told("  entries in a batch", of(&append, "batch"));
    more("verify, entries/s", of(&verify, "per_second"), 1e6);
    told("  CPU µs/entry, all threads", of(&verify, "cpu_micros"));
    less("verify, peak MB", of(&verify, "peak_mb"), 100.0);
    more("replay, entries/s", of(&replay, "per_second"), 3e5);
    told("  CPU µs/entry, all threads", of(&replay, "cpu_micros"));
    less("replay, peak MB", of(&replay, "peak_mb"), 100.0);
    told("  findings", of(&replay, "findings"));
    less("open, s", of(&open, "seconds"), 2.0);
    told("  without a summary", of(&first, "seconds"));
    told("  peak MB", of(&open, "peak_mb"));
    less("inclusion proof, mean ms", of(&open, "proof_ms"), 1.0);
    less("inclusion proof, slowest of 1000, ms", of(&open, "slowest_proof_ms"), 1.0);
    Ok(())
}

/// A line whose number should be at least the goal.
fn more(name: &str, measured: f64, goal: f64) {
    println!("{name:<44}{measured:>14.3}{:>14}{:>9.2}", format!("≥ {goal}"), measured / goal);
}

/// A line whose number should be at most the goal. The ratio is above 1 when it is met, as everywhere.
fn less(name: &str, measured: f64, goal: f64) {
    println!("{name:<44}{measured:>14.3}{:>14}{:>9.2}", format!("≤ {goal}"), goal / measured);
}

fn told(name: &str, measured: f64) {
    println!("{name:<44}{measured:>14.3}");
}
