//! A server as a process of its own, and what the kernel says it used.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;
use std::{env, fs};

use anyhow::{Context, anyhow, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

/// Servers that are measured; core 0 unless others were chosen.
pub(crate) const SERVER_CORE: usize = 0;
/// The generator, and whatever else takes part without being measured; core 1 unless others were chosen.
pub(crate) const GENERATOR_CORE: usize = 1;

/// The cores chosen for servers and for the generator, as `taskset` names them; `None` leaves all to the system.
static CHOSEN: OnceLock<Option<[String; 2]>> = OnceLock::new();

/// Chooses cores for everything started from here on: `0-3:4-7` gives servers the first four and the generator the
/// others, `any` pins nothing.
#[allow(dead_code, reason = "not every bench lets them be chosen")]
pub(crate) fn choose_cores(text: &str) -> anyhow::Result<()> {
    let chosen = match text.split_once(':') {
        _ if text == "any" => None,
        Some((server, generator)) => Some([server.to_owned(), generator.to_owned()]),
        None => bail!("`{text}` names no cores: say for example `0:1`, or `any`"),
    };
    CHOSEN.set(chosen).map_err(|_| anyhow!("cores were chosen before"))
}

/// As `taskset` names them.
fn cores(place: usize) -> Option<String> {
    match CHOSEN.get() {
        None => Some(place.to_string()),
        Some(chosen) => chosen.as_ref()?.get(place).cloned(),
    }
}

/// A running server; killed when dropped.
pub(crate) struct Server {
    address: String,
    /// Of a gateway: its loopback port.
    admin: String,
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
        Ok((Self { address: line.clone(), admin: String::new(), child }, line))
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
        let mut server = Self { address: String::new(), admin: String::new(), child };
        while let Some(line) = lines.next().transpose()? {
            if let Some((_, rest)) = line.split_once("serving address=") {
                let (address, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                server.address = address.to_owned();
                server.admin = rest.trim_start_matches("admin=").to_owned();
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

    /// What a gateway says of itself, in the text form of Prometheus.
    #[allow(dead_code, reason = "most are measured from outside")]
    pub(crate) fn metrics(&self) -> anyhow::Result<String> {
        metrics_at(&self.admin)
    }

    /// The loopback port of a gateway.
    #[allow(dead_code, reason = "most are measured from outside")]
    pub(crate) fn admin(&self) -> &str {
        &self.admin
    }

    /// CPU time used so far, in user space and in the kernel.
    #[allow(dead_code, reason = "the bench of requests asks for it by process")]
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        cpu_of(self.pid())
    }

    /// Resident memory.
    #[allow(dead_code, reason = "the bench of requests asks for it by process")]
    pub(crate) fn resident_megabytes(&self) -> anyhow::Result<u64> {
        resident_megabytes_of(self.pid())
    }

    /// The part of it that is its own, and no page of a file.
    #[allow(dead_code, reason = "only the soak looks so closely")]
    pub(crate) fn own_kibibytes(&self) -> anyhow::Result<u64> {
        kibibytes_of(self.pid(), "RssAnon:")
    }

    /// Has it end by itself, as an operator would, and waits for that.
    #[allow(dead_code, reason = "most are killed")]
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        self.signal(Signal::TERM)?;
        let status = self.child.wait()?;
        ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }

    /// Sends it a signal.
    #[allow(dead_code, reason = "most are left alone")]
    pub(crate) fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let pid =
            Pid::from_raw(i32::try_from(self.pid())?).context("a process without a number")?;
        Ok(kill_process(pid, signal)?)
    }

    /// Of the process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

/// What the gateway with this loopback port says of itself.
pub(crate) fn metrics_at(admin: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(admin).with_context(|| admin.to_owned())?;
    let head = "GET /metrics HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes())?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply)?;
    ensure!(reply.starts_with("HTTP/1.1 200"), "the metrics cannot be had: {reply}");
    Ok(reply)
}

/// The value of a gauge without labels in what a gateway says.
#[allow(dead_code, reason = "most are measured from outside")]
pub(crate) fn gauge(metrics: &str, name: &str) -> Option<f64> {
    let value = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok();
    metrics.lines().find_map(value)
}

/// CPU time that the threads of this process have used so far, to the nanosecond. What a thread has used is lost when it
/// ends; servers here keep theirs.
pub(crate) fn cpu_of(pid: u32) -> anyhow::Result<Duration> {
    let mut used = Duration::ZERO;
    for thread in fs::read_dir(format!("/proc/{pid}/task")).with_context(|| format!("{pid}"))? {
        // The first of its numbers is the time on a core. A thread may end between being listed and being read.
        let Ok(text) = fs::read_to_string(thread?.path().join("schedstat")) else { continue };
        let nanos = text.split(' ').next().context("an empty schedstat")?;
        used += Duration::from_nanos(nanos.parse()?);
    }
    Ok(used)
}

/// Resident memory of this process.
pub(crate) fn resident_megabytes_of(pid: u32) -> anyhow::Result<u64> {
    Ok(kibibytes_of(pid, "VmRSS:")? / 1024)
}

fn kibibytes_of(pid: u32, what: &str) -> anyhow::Result<u64> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).with_context(|| path)?;
    let line = status.lines().find_map(|line| line.strip_prefix(what));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(kibibytes.ok_or_else(|| anyhow!("no {what}"))?.parse()?)
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

/// Keeps this process, and the threads it will start, on its cores. False when that cannot be had, or is not wanted.
pub(crate) fn pin_this_to_core(core: usize) -> bool {
    let Some(cores) = cores(core) else { return false };
    Command::new("taskset")
        .args(["-cp", &cores, &std::process::id().to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn on_core(core: usize, program: &Path) -> Command {
    let Some(cores) = cores(core).filter(|_| has_taskset()) else { return Command::new(program) };
    let mut pinned = Command::new("taskset");
    pinned.args(["-c", &cores]).arg(program);
    pinned
}

fn has_taskset() -> bool {
    Command::new("taskset")
        .args(["-c", "0", "true"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
