//! The gateway as an operator runs it, before six agencies in a process of their own whose latency can be set.
//!
//! The samples are as delivered, but for what would be measured instead: kept answers and quotas; and where a part says so,
//! the limits towards agencies, which protect them from a flood.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::ensure;
use heyan::audit::{self, Audit};
use heyan::cli::demo::world::World;
use heyan::client::Client;
use heyan::clock::now;
use heyan::crypto::SigningKey;

use super::agencies::Agencies;
use super::process::Server;

/// The program that is measured.
pub(crate) const GATEWAY: &str = env!("CARGO_BIN_EXE_heyan");

/// Names of the drafts and manifests of the samples.
pub(crate) const AGENCIES: [&str; 6] =
    ["police", "civil-affairs", "social-security", "housing", "tax", "market-regulation"];

/// The manifests as delivered.
pub(crate) const DELIVERED: &str = "adapters";
/// The same without rates, and with more places than any part here needs.
pub(crate) const UNLIMITED: &str = "adapters-unlimited";

/// An installation, and the agencies behind it.
pub(crate) struct Installation {
    world: World,
    agencies: Agencies,
}

impl Installation {
    /// Makes everything and starts the agencies in front of a province of so many people.
    pub(crate) fn make(folder: &Path, people: u32) -> anyhow::Result<Self> {
        let world = World::make(folder, now())?;
        let agencies = Agencies::start(folder, people)?;
        world.place_adapters(&agencies.ports)?;
        let drafts = Path::new(env!("CARGO_MANIFEST_DIR")).join("config-example/agreements");
        fs::create_dir(world.path(UNLIMITED))?;
        for agency in AGENCIES {
            let draft = fs::read_to_string(drafts.join(format!("{agency}.toml")))?;
            world.sign_text(agency, &without(&draft, &["quota", "cache"]))?;
            let name = format!("{agency}.toml");
            let text = fs::read_to_string(world.path(DELIVERED).join(&name))?;
            fs::write(world.path(UNLIMITED).join(&name), unlimited(&text)?)?;
            // Played at each start; the other parts of this bench measure nothing of it.
            let _ = fs::remove_dir_all(world.path(DELIVERED).join(agency));
        }
        Ok(Self { world, agencies })
    }

    /// Starts one gateway with these manifests, a log of its own and these limits.
    pub(crate) fn start(
        &self,
        name: &str,
        adapters: &str,
        limits: &[(&str, &str)],
    ) -> anyhow::Result<Server> {
        let key = SigningKey::read(&self.world.path("keys/log.key"))?;
        let (log, settings) = (format!("log-{name}"), audit::Settings::default());
        Audit::create(&self.world.path(&log), &key, "heyan.test/bench", now(), &settings)?;
        let mut variables = vec![
            ("HEYAN__LOG__FOLDER", log.as_str()),
            ("HEYAN__LOG__SEGMENT_BYTES", "64 MiB"),
            ("HEYAN__ADAPTERS", adapters),
            ("HEYAN__TELEMETRY__LOG", "error,heyan::cli=info"),
        ];
        variables.extend_from_slice(limits);
        Server::start_gateway(GATEWAY, &self.world.path("gateway.toml"), &variables)
    }

    /// From now on each agency takes so long for an answer.
    pub(crate) fn delay(&self, of: impl Fn(&str) -> Duration) -> anyhow::Result<()> {
        for agency in AGENCIES {
            let word = format!("delay:{}ms", of(agency).as_millis());
            self.agencies.switch(agency, &word)?;
        }
        Ok(())
    }

    /// A connection of its own, as the fund centre's approval system.
    pub(crate) async fn connect(&self, gateway: &Server) -> anyhow::Result<Client> {
        let read = |name: &str| fs::read(self.path("pki/fund-centre").join(name));
        let (authority, certificate, key) =
            (read("ca.pem")?, read("approval.pem")?, read("approval.key")?);
        let endpoint = format!("https://{}", gateway.address());
        Ok(Client::connect(&endpoint, &authority, &certificate, &key, "localhost").await?)
    }

    /// A path inside the installation.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.world.path(name)
    }
}

fn key_of(line: &str) -> &str {
    line.split(['=', ' ']).next().unwrap_or_default()
}

fn without(text: &str, keys: &[&str]) -> String {
    text.split_inclusive('\n').filter(|line| !keys.contains(&key_of(line))).collect()
}

/// A limit that has another name meanwhile would be measured: so each must be there.
fn unlimited(text: &str) -> anyhow::Result<String> {
    for key in ["rate_per_second", "max_in_flight"] {
        ensure!(text.lines().any(|line| key_of(line) == key), "a sample has no `{key}`");
    }
    // Below the deadlines here: a slow agency must not be taken for a failed one.
    let text = without(text, &["rate_per_second", "max_in_flight", "timeout", "statement_timeout"]);
    let text = text.replacen("[resilience]\n", "[resilience]\nmax_in_flight = 1024\n", 1);
    let text =
        text.replacen("[sql]\n", "[sql]\nstatement_timeout = \"60s\"\nmax_connections = 256\n", 1);
    let text = text.replacen("[http]\n", "[http]\ntimeout = \"60s\"\n", 1);
    Ok(text.replacen("[grpc]\n", "[grpc]\ntimeout = \"60s\"\n", 1))
}
