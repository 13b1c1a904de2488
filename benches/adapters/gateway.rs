//! Whole gateways on one installation, asked over the wire as a system of the fund centre asks them.
//!
//! The samples are as delivered but for what would be measured instead, kept answers, quotas and rates, and for notices.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use heyan::audit::{self, Audit};
use heyan::cli::serve::Node;
use heyan::client::Client;
use heyan::clock::now;
use heyan::crypto::SigningKey;
use heyan::proto::gateway::v1 as wire;
use heyan::settings::Settings;
use heyan::telemetry;
use tokio::runtime::Runtime;

use super::province::Province;

/// One fact of each agency, and an item that may ask for it.
pub(crate) const FACTS: [(&str, &str, &str); 6] = [
    ("police", "P1", "W3"),
    ("civil-affairs", "M2", "W3"),
    ("social-security", "S1", "W1"),
    ("housing", "H3", "W3"),
    ("tax", "T2", "W1"),
    ("market-regulation", "E1", "D1"),
];

/// A gateway that runs, on a runtime of its own as `heyan serve` has.
pub(crate) struct Gateway {
    node: Option<Node>,
    runtime: Runtime,
    pki: PathBuf,
}

/// Signs the six agreements without quotas, without notices, and without leave to keep answers.
pub(crate) fn sign_agreements(province: &Province) -> anyhow::Result<()> {
    let drafts = Path::new(env!("CARGO_MANIFEST_DIR")).join("config-example/agreements");
    for (agency, ..) in FACTS {
        let draft = fs::read_to_string(drafts.join(format!("{agency}.toml")))?;
        province.world.sign_text(agency, &without(&draft, &["quota", "cache", "notices"]))?;
    }
    Ok(())
}

/// The manifest of that agency in a text of its own, without a rate.
pub(crate) fn manifest(province: &Province, agency: &str) -> anyhow::Result<String> {
    let text = fs::read_to_string(province.path(format!("adapters/{agency}.toml")))?;
    Ok(without(&text, &["rate_per_second"]))
}

fn without(text: &str, keys: &[&str]) -> String {
    let is_kept = |line: &&str| !keys.iter().any(|key| line.split(['=', ' ']).next() == Some(key));
    text.split_inclusive('\n').filter(is_kept).collect()
}

impl Gateway {
    /// Starts one with the manifests of that folder and a log of its own.
    pub(crate) fn start(province: &Province, name: &str, adapters: &Path) -> anyhow::Result<Self> {
        let log = province.path(format!("log-{name}"));
        let key = SigningKey::read(&province.path("keys/log.key"))?;
        Audit::create(&log, &key, "heyan.test/bench", now(), &audit::Settings::default())?;
        let variables = [
            ("HEYAN__LOG__FOLDER", log.display().to_string()),
            ("HEYAN__LOG__SEGMENT_BYTES", "64 MiB".to_owned()),
            ("HEYAN__ADAPTERS", adapters.display().to_string()),
        ];
        let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value));
        let settings = Settings::read(&province.path("gateway.toml"), variables)
            .map_err(|all| anyhow!("{all:?}"))?;
        let metrics = telemetry::install_metrics()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let node = runtime.block_on(Node::start(settings, &metrics))?;
        Ok(Self { node: Some(node), runtime, pki: province.path("pki/fund-centre") })
    }

    /// A connection of its own.
    pub(crate) async fn connect(&self) -> anyhow::Result<Client> {
        let address = self.node.as_ref().context("it runs")?.address;
        let read = |name: &str| fs::read(self.pki.join(name));
        let (authority, certificate, key) =
            (read("ca.pem")?, read("approval.pem")?, read("approval.key")?);
        let endpoint = format!("https://{address}");
        Ok(Client::connect(&endpoint, &authority, &certificate, &key, "localhost").await?)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if let Some(node) = self.node.take() {
            let _ended = self.runtime.block_on(node.stop());
        }
    }
}

/// The sample question about that fact, for that item, in a case of its own.
pub(crate) fn question(
    province: &Province,
    (fact, item): (&str, &str),
) -> anyhow::Result<wire::VerifyRequest> {
    let versions = province.catalogue.items().filter(|known| known.code.as_str() == item);
    let version = versions.last().context("no such item")?.version.clone();
    Ok(wire::VerifyRequest {
        request_id: Client::request_id(),
        fact: fact.to_owned(),
        subjects: province.sample(fact).subjects.iter().map(heyan::wire::subject).collect(),
        purpose: Some(wire::Purpose {
            item: item.to_owned(),
            item_version: version,
            case_number: "GJJ-2026-000123".to_owned(),
            ..wire::Purpose::default()
        }),
        operator: Some(wire::Operator { id: "0042".to_owned(), unit: "counter-3".to_owned() }),
        ..wire::VerifyRequest::default()
    })
}
