//! The gateway as an operator runs it: the built program on an installation in one folder, before simulated agencies.
//!
//! The samples are as delivered, but for the limits that protect an agency from its callers: they would be measured
//! instead of the gateway.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::ensure;
use heyan::audit::{self, Audit};
use heyan::cli::demo::world::World;
use heyan::clock::now;
use heyan::crypto::SigningKey;
use heyan::pki::{Authority, Leaf, issue};

use super::agencies::Agencies;
use super::made::Made;
use super::process::Server;

/// The program that is measured.
pub(crate) const GATEWAY: &str = env!("CARGO_BIN_EXE_heyan");

/// Those that are asked, each with the draft of its agreement: over SOAP, JSON and gRPC.
const ASKED: [(&str, &str); 3] = [
    ("police", include_str!("../../config-example/agreements/police.toml")),
    ("civil-affairs", include_str!("../../config-example/agreements/civil-affairs.toml")),
    ("tax", include_str!("../../config-example/agreements/tax.toml")),
];

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

        add_counter(&world)?;
        let installation = Self { world, agencies };
        for (agency, agreement) in ASKED {
            installation.lift_limits(agency)?;
            installation.sign(agency, agreement, 1)?;
        }
        Ok(installation)
    }

    fn lift_limits(&self, agency: &str) -> anyhow::Result<()> {
        let manifest = self.world.path(format!("adapters/{agency}.toml"));
        let mut text = fs::read_to_string(&manifest)?;
        for (key, instead) in [
            ("rate_per_second", String::new()),
            ("max_in_flight", format!("max_in_flight = {IN_FLIGHT}\n")),
            // Below the generator's deadline: a slow agency must not be taken for a failed one.
            ("timeout", "timeout = \"9s\"\n".to_owned()),
        ] {
            text = replaced(&text, key, &instead)?;
        }
        Ok(fs::write(&manifest, text)?)
    }

    fn sign(&self, agency: &str, agreement: &str, version: u32) -> anyhow::Result<()> {
        let mut text = replaced(agreement, "quota", "")?;
        for (key, instead) in [
            ("version", format!("version = {version}\n")),
            ("systems", "systems = [\"approval\", \"counter\"]\n".to_owned()),
        ] {
            text = replaced(&text, key, &instead)?;
        }
        if agency == "tax" {
            text = replaced(&text, "notices", "")?;
        }
        self.world.sign_text(&format!("{agency}-{version}"), &text).map(drop)
    }

    /// Has this version of the police's agreement signed, beside those before it. Either party may end it at once.
    #[allow(dead_code, reason = "not every bench changes agreements")]
    pub(crate) fn sign_version(&self, version: u32) -> anyhow::Result<()> {
        let [(agency, agreement), ..] = ASKED;
        let ending = "termination = { by = [\"fund-centre\", \"police\"] }\n";
        self.sign(agency, &replaced(agreement, "termination", ending)?, version)
    }

    /// Makes the agency that is asked misbehave, or behave again.
    #[allow(dead_code, reason = "not every bench makes trouble")]
    pub(crate) fn switch(&self, word: &str) -> anyhow::Result<()> {
        self.agencies.switch("police", word)
    }

    /// Starts one gateway on it, with a log of its own, and the vault if asked for. Nobody is refused because others wait for
    /// the processor too: throughput at any wait is measured.
    #[allow(dead_code, reason = "some benches want the limits as delivered")]
    pub(crate) fn start_gateway(&self, log: &str, has_vault: bool) -> anyhow::Result<Server> {
        self.create_log(log)?;
        self.start_on(log, has_vault, &[("HEYAN__LIMITS__PROCESSOR_WAIT", "10m")])
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

/// A second system of the fund centre, so that there are two callers.
fn add_counter(world: &World) -> anyhow::Result<()> {
    let party = world.path("pki/parties/fund-centre.toml");
    let text = fs::read_to_string(&party)?;
    fs::write(party, text + "\n[systems.counter]\nrights = [\"query\"]\n")?;
    let folder = world.path("pki/fund-centre");
    let leaf = Leaf {
        uris: vec!["spiffe://heyan.test/fund-centre/counter".to_owned()],
        from: now(),
        validity: Duration::from_secs(86_400),
    };
    let issued = issue(&Authority::read(&folder)?, &leaf)?;
    fs::write(folder.join("counter.pem"), issued.certificate)?;
    Ok(fs::write(folder.join("counter.key"), issued.key)?)
}

/// The text with something else for the line of this key, which must be there: else a renamed limit would be measured.
fn replaced(text: &str, key: &str, instead: &str) -> anyhow::Result<String> {
    let is_key = |line: &str| line.split(['=', ' ']).next() == Some(key);
    ensure!(text.lines().any(is_key), "the sample has no `{key}`");
    let lines = text.split_inclusive('\n');
    Ok(lines.map(|line| if is_key(line) { instead } else { line }).collect())
}
