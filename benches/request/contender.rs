//! A server to be measured, how it is asked, and what the kernel says it used.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};

use super::connection::{Caller, Connection};
use super::process::{self, Server};
use super::questions::Questions;

/// One server to be measured, and how it is asked.
pub(crate) struct Contender {
    pub(crate) label: String,
    pub(crate) server: Served,
    pub(crate) caller: Caller,
    pub(crate) questions: Arc<Questions>,
}

impl Contender {
    /// A connection of its own.
    pub(crate) async fn connect(&self) -> anyhow::Result<Connection> {
        let opened = Connection::open(self.server.address(), &self.caller).await;
        opened.with_context(|| format!("{} does not take a connection", self.label))
    }
}

/// A server that runs: started here, or by somebody else.
pub(crate) struct Served {
    address: String,
    /// Of its processes, as far as they are known.
    processes: Vec<u32>,
    /// Held so that it runs.
    _own: Option<Server>,
}

impl From<Server> for Served {
    fn from(server: Server) -> Self {
        let (address, processes) = (server.address().to_owned(), vec![server.pid()]);
        Self { address, processes, _own: Some(server) }
    }
}

impl Served {
    /// `host:port`
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// CPU time that its processes have used so far.
    pub(crate) fn cpu(&self) -> anyhow::Result<Option<Duration>> {
        let used: Duration = self
            .processes
            .iter()
            .map(|pid| process::cpu_of(*pid))
            .sum::<anyhow::Result<Duration>>()?;
        Ok((!self.processes.is_empty()).then_some(used))
    }

    /// Resident memory of its processes.
    pub(crate) fn resident_megabytes(&self) -> anyhow::Result<Option<u64>> {
        let resident = self.processes.iter().map(|pid| process::resident_megabytes_of(*pid));
        let resident = resident.sum::<anyhow::Result<u64>>()?;
        Ok((!self.processes.is_empty()).then_some(resident))
    }
}

/// A server that somebody else runs: `[LABEL=]HOST:PORT[/PID[+PID]]`. With its processes, what they used is told too.
#[derive(Clone)]
pub(crate) struct Stranger {
    pub(crate) label: String,
    address: String,
    processes: Vec<u32>,
}

impl std::str::FromStr for Stranger {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (label, rest) = text.split_once('=').unwrap_or((text, text));
        let (address, processes) = rest.split_once('/').unwrap_or((rest, ""));
        ensure!(address.contains(':'), "`{text}` is not `[LABEL=]HOST:PORT[/PID[+PID]]`");
        let processes: Result<Vec<u32>, _> =
            processes.split('+').filter(|pid| !pid.is_empty()).map(str::parse).collect();
        let processes = processes.with_context(|| format!("`{text}`: a process is a number"))?;
        Ok(Self { label: label.to_owned(), address: address.to_owned(), processes })
    }
}

impl From<Stranger> for Served {
    fn from(stranger: Stranger) -> Self {
        Self { address: stranger.address, processes: stranger.processes, _own: None }
    }
}
