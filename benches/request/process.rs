//! A server as a process of its own, and what the kernel says it used.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, fs};

use anyhow::{Context, anyhow, bail, ensure};

/// Linux counts CPU time for user space in hundredths of a second (`USER_HZ`), on every architecture in use.
const TICK: Duration = Duration::from_millis(10);

/// Servers that are measured.
pub(crate) const SERVER_CORE: usize = 0;
/// The generator, and whatever else takes part without being measured.
pub(crate) const GENERATOR_CORE: usize = 1;

/// A running server; killed when dropped.
pub(crate) struct Server {
    address: String,
    child: Child,
}

impl Server {
    /// Starts this program again in another role, on its core where `taskset` is. The first line it prints comes back
    /// too; of a server that is asked directly, it is the address.
    pub(crate) fn start_this(core: usize, arguments: &[&str]) -> anyhow::Result<(Self, String)> {
        let mut child = on_core(core, env::current_exe()?.as_path())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().context("the server has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        ensure!(!line.is_empty(), "`{}` ended before it served", arguments.join(" "));
        let line = line.trim().to_owned();
        Ok((Self { address: line.clone(), child }, line))
    }

    /// Starts `heyan serve`, which logs its address; what it logs after that is passed on.
    pub(crate) fn start_gateway(
        program: &str,
        config: &Path,
        variables: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let mut child = on_core(SERVER_CORE, Path::new(program))
            .args(["serve", "--config"])
            .arg(config)
            .envs(variables.iter().copied())
            .stderr(Stdio::piped())
            .spawn()?;
        let log = BufReader::new(child.stderr.take().context("the gateway has no log")?);
        let (mut lines, mut said) = (log.lines(), Vec::new());
        let mut server = Self { address: String::new(), child };
        while let Some(line) = lines.next().transpose()? {
            if let Some((_, rest)) = line.split_once("serving address=") {
                server.address = rest.split(' ').next().unwrap_or_default().to_owned();
                std::thread::spawn(move || {
                    lines.map_while(Result::ok).for_each(|line| eprintln!("{line}"));
                });
                return Ok(server);
            }
            said.push(line);
        }
        bail!("the gateway does not serve\n{}", said.join("\n"))
    }

    /// `host:port`
    pub(crate) fn address(&self) -> &str {
        &self.address
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

/// Ends this process when its standard input is closed, that is, when the generator is gone.
pub(crate) fn end_with_standard_input() {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
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

fn on_core(core: usize, program: &Path) -> Command {
    if !has_taskset() {
        return Command::new(program);
    }
    let mut pinned = Command::new("taskset");
    pinned.args(["-c", &core.to_string()]).arg(program);
    pinned
}

fn has_taskset() -> bool {
    Command::new("taskset")
        .args(["-c", "0", "true"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
