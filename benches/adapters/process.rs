//! This program again, as a process of its own, and the CPU time that the kernel counts for it.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;

/// proc_pid_stat(5) counts in these; `getconf CLK_TCK` is 100 on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// Runs this program in another role; the value it prints.
pub(crate) fn measure(role: &[&str]) -> anyhow::Result<Value> {
    let program = std::env::current_exe()?;
    let output = Command::new(program).args(role).stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "`{}` failed", role.join(" "));
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// CPU time of this process so far, the kernel's part included.
pub(crate) fn cpu() -> anyhow::Result<Duration> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The second field is the name in brackets; after it, fields 14 and 15 are 12th and 13th.
    let (_, fields) = stat.rsplit_once(')').context("no name")?;
    let ticks: Result<Vec<u32>, _> =
        fields.split_whitespace().skip(11).take(2).map(str::parse).collect();
    Ok(TICK * ticks?.iter().sum())
}
