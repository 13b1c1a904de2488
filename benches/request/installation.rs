//! The gateway as an operator runs it: the built program on an installation in one folder, before simulated agencies.
//!
//! The samples are as delivered, but for the limits that protect an agency from its callers: they would be measured
//! instead of the gateway.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use heyan::audit::{self, Audit};
use heyan::cli::demo::world::World;
use heyan::clock::now;
use heyan::crypto::SigningKey;
use heyan::simulate::{self, SimulationConfig};

use super::process::{self, Server};

/// The program that is measured.
pub(crate) const GATEWAY: &str = env!("CARGO_BIN_EXE_heyan");

const AGREEMENT: &str = include_str!("../../config-example/agreements/police.toml");

/// More than any load here has under way.
const IN_FLIGHT: usize = 1024;

/// An installation, and the agencies behind it. These share the generator's core, so their CPU time is not counted.
pub(crate) struct Installation {
    world: World,
    /// Held so that it runs.
    _agencies: Server,
}

impl Installation {
    /// Makes everything and starts the agencies in front of a province of so many people.
    pub(crate) fn make(folder: &Path, people: u32) -> anyhow::Result<Self> {
        let world = World::make(folder, now())?;
        let arguments = ["serve-agencies", &folder.to_string_lossy(), &people.to_string()];
        let (agencies, ports) = Server::start_this(process::GENERATOR_CORE, &arguments)?;
        let ports: Option<Vec<(u16, u16)>> = ports.split_whitespace().map(pair).collect();
        world.place_adapters(&ports.with_context(|| "the agencies said no ports")?)?;

        let manifest = world.path("adapters/police.toml");
        let mut text = fs::read_to_string(&manifest)?;
        for (key, instead) in [
            ("rate_per_second", String::new()),
            ("max_in_flight", format!("max_in_flight = {IN_FLIGHT}\n")),
            // Below the generator's deadline: a slow agency must not be taken for a failed one.
            ("timeout", "timeout = \"9s\"\n".to_owned()),
        ] {
            text = replaced(&text, key, &instead)?;
        }
        fs::write(&manifest, text)?;
        world.sign_text("police", &replaced(AGREEMENT, "quota", "")?)?;
        Ok(Self { world, _agencies: agencies })
    }

    /// Starts one gateway on it, with a log of its own, and the vault if asked for.
    pub(crate) fn start_gateway(&self, log: &str, has_vault: bool) -> anyhow::Result<Server> {
        let key = SigningKey::read(&self.world.path("keys/log.key"))?;
        let settings = audit::Settings::default();
        Audit::create(&self.world.path(log), &key, "heyan.test/bench", now(), &settings)?;
        let mut variables = vec![
            ("HEYAN__LOG__FOLDER", log),
            ("HEYAN__LOG__SEGMENT_BYTES", "64 MiB"),
            ("HEYAN__TELEMETRY__LOG", "info"),
        ];
        if !has_vault {
            variables.extend([("HEYAN__VAULT__KEY", ""), ("HEYAN__VAULT__SUBJECT_KEY", "")]);
        }
        let config = self.world.path("gateway.toml");
        Server::start_gateway(GATEWAY, &config, &variables)
    }

    /// Folder of the certificates.
    pub(crate) fn pki(&self) -> PathBuf {
        self.world.path("pki")
    }
}

/// `7501=40123`
fn pair(text: &str) -> Option<(u16, u16)> {
    let (sampled, real) = text.split_once('=')?;
    Some((sampled.parse().ok()?, real.parse().ok()?))
}

/// The text with something else for the line of this key, which must be there: else a renamed limit would be measured.
fn replaced(text: &str, key: &str, instead: &str) -> anyhow::Result<String> {
    let is_key = |line: &str| line.split(['=', ' ']).next() == Some(key);
    ensure!(text.lines().any(is_key), "the sample has no `{key}`");
    let lines = text.split_inclusive('\n');
    Ok(lines.map(|line| if is_key(line) { instead } else { line }).collect())
}

/// Serves the agencies until the generator is gone. Prints their ports first.
pub(crate) fn serve_agencies(folder: &Path, people: u32) -> anyhow::Result<()> {
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
        println!("{}", ports.join(" "));
        std::future::pending::<anyhow::Result<()>>().await
    })
}
