//! The simulated agencies as a process of their own, so that their CPU time is not the gateway's.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Subcommand;
use heyan::simulate::{self, SimulationConfig};

use super::process::{self, Server};

/// What a bench's program is started again as.
#[derive(Subcommand)]
pub(crate) enum Role {
    /// Be the agencies of the installation in this folder
    #[command(hide = true)]
    ServeAgencies { folder: PathBuf, people: u32 },
}

impl Role {
    /// Until the generator is gone.
    pub(crate) fn play(&self) -> anyhow::Result<()> {
        let Self::ServeAgencies { folder, people } = self;
        serve(folder, *people)
    }
}

/// Agencies that run.
pub(crate) struct Agencies {
    /// Their switchboard.
    #[allow(dead_code, reason = "not every bench makes trouble")]
    control: SocketAddr,
    /// For each sampled port the one that is served.
    pub(crate) ports: Vec<(u16, u16)>,
    /// Held so that they run.
    _server: Server,
}

impl Agencies {
    /// Starts this program again as the agencies of the installation in that folder, with the generator's core.
    pub(crate) fn start(folder: &Path, people: u32) -> anyhow::Result<Self> {
        let arguments = ["serve-agencies", &folder.to_string_lossy(), &people.to_string()];
        let (server, said) = Server::start_this(process::GENERATOR_CORE, &arguments)?;
        let (control, ports) = said.split_once(' ').with_context(|| "no ports")?;
        let ports: Option<Vec<(u16, u16)>> = ports.split_whitespace().map(pair).collect();
        let ports = ports.with_context(|| "the agencies said no ports")?;
        Ok(Self { control: control.parse()?, ports, _server: server })
    }

    /// Makes one of them misbehave, or behave again: `outage`, `errors:50`, `off`.
    #[allow(dead_code, reason = "not every bench makes trouble")]
    pub(crate) fn switch(&self, agency: &str, word: &str) -> anyhow::Result<()> {
        let mut stream = TcpStream::connect(self.control)?;
        write!(
            stream,
            "POST /faults/{agency} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\
             Content-Length: {}\r\n\r\n{word}",
            word.len()
        )?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply)?;
        ensure!(reply.starts_with("HTTP/1.1 2"), "{agency}: {reply}");
        Ok(())
    }
}

/// `7501=40123`
fn pair(text: &str) -> Option<(u16, u16)> {
    let (sampled, real) = text.split_once('=')?;
    Some((sampled.parse().ok()?, real.parse().ok()?))
}

/// Serves the agencies until the generator is gone. Prints the switchboard and their ports first.
fn serve(folder: &Path, people: u32) -> anyhow::Result<()> {
    process::end_with_standard_input();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let simulation = simulate::start(SimulationConfig {
            people,
            pki: folder.join("pki"),
            secrets: folder.join("secrets"),
            ..SimulationConfig::default()
        })
        .await?;
        let ports: Vec<String> =
            simulation.ports().iter().map(|(sampled, real)| format!("{sampled}={real}")).collect();
        println!("{} {}", simulation.control(), ports.join(" "));
        std::future::pending::<anyhow::Result<()>>().await
    })
}
