//! The gateway as an operator runs it: the built program on an installation in one folder, before simulated agencies.
//!
//! The samples are as delivered, but for the limits that protect an agency from its callers: they would be measured
//! instead of the gateway.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::ensure;
use heyan::audit::{self, Audit};
use heyan::cli::demo::world::World;
use heyan::clock::now;
use heyan::crypto::SigningKey;

use super::agencies::Agencies;
use super::made::Made;
use super::process::Server;

/// The program that is measured.
pub(crate) const GATEWAY: &str = env!("CARGO_BIN_EXE_heyan");

const AGREEMENT: &str = include_str!("../../config-example/agreements/police.toml");

/// More than any load here has under way.
const IN_FLIGHT: usize = 1024;

/// An installation, and the agencies behind it. These share the generator's core, so their CPU time is not counted.
pub(crate) struct Installation {
    world: World,
    agencies: Agencies,
}

impl Installation {
    /// Makes everything and starts the agencies in front of a province of so many people. So many agreements lie beside
    /// the one that is asked under.
    pub(crate) fn make(folder: &Path, people: u32, agreements: usize) -> anyhow::Result<Self> {
        let world = World::make(folder, now())?;
        if agreements > 0 {
            Made::fill(folder, agreements)?;
        }
        let agencies = Agencies::start(folder, people)?;
        world.place_adapters(&agencies.ports)?;

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
        let installation = Self { world, agencies };
        installation.sign_version(1)?;
        Ok(installation)
    }

    /// Has this version of the agreement that is asked under signed, beside those before it.
    pub(crate) fn sign_version(&self, version: u32) -> anyhow::Result<()> {
        let text = replaced(AGREEMENT, "quota", "")?;
        let text = replaced(&text, "version", &format!("version = {version}\n"))?;
        self.world.sign_text(&format!("police-{version}"), &text).map(drop)
    }

    /// Makes the agency that is asked misbehave, or behave again.
    #[allow(dead_code, reason = "not every bench makes trouble")]
    pub(crate) fn switch(&self, word: &str) -> anyhow::Result<()> {
        self.agencies.switch("police", word)
    }

    /// Starts one gateway on it, with a log of its own, and the vault if asked for.
    pub(crate) fn start_gateway(&self, log: &str, has_vault: bool) -> anyhow::Result<Server> {
        self.create_log(log)?;
        self.start_on(log, has_vault, &[])
    }

    /// Makes an empty log.
    pub(crate) fn create_log(&self, log: &str) -> anyhow::Result<()> {
        let key = SigningKey::read(&self.world.path("keys/log.key"))?;
        let settings = audit::Settings::default();
        Ok(Audit::create(&self.world.path(log), &key, "heyan.test/bench", now(), &settings)?)
    }

    /// The same on a log that is there, with these settings beside.
    pub(crate) fn start_on(
        &self,
        log: &str,
        has_vault: bool,
        settings: &[(&str, &str)],
    ) -> anyhow::Result<Server> {
        let mut variables = vec![
            ("HEYAN__LOG__FOLDER", log),
            ("HEYAN__LOG__SEGMENT_BYTES", "64 MiB"),
            ("HEYAN__TELEMETRY__LOG", "info"),
        ];
        if !has_vault {
            variables.extend([("HEYAN__VAULT__KEY", ""), ("HEYAN__VAULT__SUBJECT_KEY", "")]);
        }
        variables.extend_from_slice(settings);
        let config = self.world.path("gateway.toml");
        Server::start_gateway(GATEWAY, &config, &variables)
    }

    /// A path inside it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.world.path(name)
    }
}

/// The text with something else for the line of this key, which must be there: else a renamed limit would be measured.
fn replaced(text: &str, key: &str, instead: &str) -> anyhow::Result<String> {
    let is_key = |line: &str| line.split(['=', ' ']).next() == Some(key);
    ensure!(text.lines().any(is_key), "the sample has no `{key}`");
    let lines = text.split_inclusive('\n');
    Ok(lines.map(|line| if is_key(line) { instead } else { line }).collect())
}
