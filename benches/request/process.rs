//! A server as a process of its own, and what the kernel says it used.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, fs};

use anyhow::{Context, anyhow};

/// Linux counts CPU time for user space in hundredths of a second (`USER_HZ`), on every architecture in use.
const TICK: Duration = Duration::from_millis(10);

/// A running server; killed when dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Server {
    /// Starts this program again in another role, on core 0 where `taskset` is. The first line it prints is its address.
    pub(crate) fn start_this(arguments: &[&str]) -> anyhow::Result<Self> {
        let program = env::current_exe()?;
        let mut command = if has_taskset() {
            let mut pinned = Command::new("taskset");
            pinned.args(["-c", "0"]).arg(&program);
            pinned
        } else {
            Command::new(&program)
        };
        let mut child =
            command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().context("the server has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let address = line.trim().parse().with_context(|| format!("`{line}` is no address"))?;
        Ok(Self { address, child })
    }

    /// CPU time used so far, in user space and in the kernel.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        let stat = self.proc("stat")?;
        // The name in parentheses may hold anything; after it, fields 14 and 15 of proc_pid_stat(5) are 12th and 13th.
        let (_, fields) = stat.rsplit_once(')').context("no name")?;
        let ticks: Result<Vec<u32>, _> =
            fields.split_whitespace().skip(11).take(2).map(str::parse).collect();
        Ok(TICK * ticks?.iter().sum())
    }

    /// Resident memory.
    pub(crate) fn resident_megabytes(&self) -> anyhow::Result<u64> {
        let status = self.proc("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
        Ok(kibibytes.ok_or_else(|| anyhow!("no VmRSS"))?.parse::<u64>()? / 1024)
    }

    fn proc(&self, file: &str) -> anyhow::Result<String> {
        let path = format!("/proc/{}/{file}", self.child.id());
        fs::read_to_string(&path).with_context(|| path)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Keeps this process, and the threads it will start, on one core. False when that cannot be had.
pub(crate) fn pin_this_to_core(core: usize) -> bool {
    let pid = std::process::id().to_string();
    Command::new("taskset")
        .args(["-cp", &core.to_string(), &pid])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn has_taskset() -> bool {
    Command::new("taskset")
        .args(["-c", "0", "true"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
