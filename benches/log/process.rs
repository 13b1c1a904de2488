//! Measurements in processes of their own: what they cost in CPU time and memory, as the kernel counts it.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};

/// proc_pid_stat(5) counts in these; `getconf CLK_TCK` is 100 on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// Runs this program in another role, on one core if asked and possible; the value it prints.
pub(crate) fn measure(one_core: bool, role: &[&str]) -> anyhow::Result<Value> {
    let program = std::env::current_exe()?;
    let has_taskset = Command::new("taskset").args(["-c", "0", "true"]).status().is_ok();
    let mut command = if one_core && has_taskset {
        let mut pinned = Command::new("taskset");
        pinned.args(["-c", "0"]).arg(program);
        pinned
    } else {
        Command::new(program)
    };
    let output = command.args(role).stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "`{}` failed", role.join(" "));
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// CPU time of this process so far: in user space, in the kernel.
pub(crate) fn cpu() -> anyhow::Result<(Duration, Duration)> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').context("no name")?;
    let mut ticks = fields.split_whitespace().skip(11).map(str::parse::<u32>);
    let user = ticks.next().context("no user time")??;
    let system = ticks.next().context("no system time")??;
    Ok((TICK * user, TICK * system))
}

/// Adds this process's peak of resident memory.
pub(crate) fn with_peak(mut result: Value) -> anyhow::Result<Value> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    if let Value::Object(fields) = &mut result {
        fields.insert("peak_mb".to_owned(), json!(kibibytes * 1024.0 / 1e6));
    }
    Ok(result)
}
