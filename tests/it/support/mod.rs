//! A whole installation for one test: certificates, province, agencies, agreements, gateway, in a folder of its own.

pub(crate) mod connect;
pub(crate) mod draft;
pub(crate) mod entries;
pub(crate) mod lines;
pub(crate) mod signers;

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use heyan::audit::entry::Entry;
use heyan::catalogue::Catalogue;
use heyan::cli::demo::world::World;
use heyan::cli::serve::Node;
use heyan::client::{Client, ClientError, Refused};
use heyan::clock::now;
use heyan::proto::gateway::v1 as wire;
use heyan::settings::Settings;
use heyan::simulate::{self, Simulation, SimulationConfig, samples};
use heyan::telemetry;
use tempfile::TempDir;

/// The drafts of `config-example/agreements`, one for each agency.
pub(crate) const ALL: [&str; 6] =
    ["police", "civil-affairs", "social-security", "housing", "tax", "market-regulation"];

/// Longer than anything that works takes, also on a machine under load.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Appears in no file but the questions of these tests.
pub(crate) const OPERATOR: &str = "operator-hepburn-7788";

/// One installation. Everything ends with it.
pub(crate) struct Lab {
    pub(crate) world: World,
    pub(crate) simulation: Simulation,
    pub(crate) catalogue: Catalogue,
    node: Option<Node>,
    folder: TempDir,
}

impl Lab {
    /// An installation that serves, with these drafts signed by both parties.
    pub(crate) async fn start(drafts: &[&str]) -> Self {
        Self::start_with(drafts, "").await
    }

    /// The same with further settings in TOML.
    pub(crate) async fn start_with(drafts: &[&str], settings: &str) -> Self {
        let mut lab = Self::prepare(drafts).await;
        lab.set(settings);
        lab.serve().await;
        lab
    }

    /// Everything but the running gateway.
    pub(crate) async fn prepare(drafts: &[&str]) -> Self {
        Self::prepare_with(drafts, 2000).await
    }

    /// The same over a province of that many people.
    pub(crate) async fn prepare_with(drafts: &[&str], people: u32) -> Self {
        lines::capture();
        let folder = tempfile::tempdir().unwrap();
        let world = World::make(&folder.path().join("world"), now()).unwrap();
        let simulation = simulate::start(SimulationConfig {
            people,
            pki: world.path("pki"),
            secrets: world.path("secrets"),
            ..SimulationConfig::default()
        })
        .await
        .unwrap();
        world.place_adapters(&simulation.ports()).unwrap();
        // What the samples' fixtures show is the same at every start, and the test `renewed` plays them.
        for agency in ALL {
            std::fs::remove_dir_all(world.path(format!("adapters/{agency}"))).unwrap();
        }
        for draft in drafts {
            world.sign(draft).unwrap();
        }
        let catalogue = Catalogue::load(&world.path("catalogue")).unwrap();
        Self { world, simulation, catalogue, node: None, folder }
    }

    /// Adds to the settings file.
    pub(crate) fn set(&self, settings: &str) {
        let mut file = OpenOptions::new().append(true).open(self.path("gateway.toml")).unwrap();
        file.write_all(settings.as_bytes()).unwrap();
    }

    /// Starts the gateway of this installation.
    pub(crate) async fn serve(&mut self) {
        let variables = [
            // Applications of every day that some rule decides, whenever this runs.
            ("HEYAN__LIMITS__APPLICATION_AGE", "36500d"),
            // A machine that builds and tests makes everything wait; no question is refused for that.
            ("HEYAN__LIMITS__PROCESSOR_WAIT", "10m"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings = Settings::read(&self.path("gateway.toml"), variables.into_iter()).unwrap();
        let metrics = telemetry::install_metrics().unwrap();
        self.node = Some(Node::start(settings, &metrics).await.unwrap());
    }

    /// Drains and stops the gateway; the rest stays.
    pub(crate) async fn close(&mut self) {
        self.node.take().unwrap().stop().await.unwrap();
    }

    pub(crate) fn node(&self) -> &Node {
        self.node.as_ref().unwrap()
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.world.path(name)
    }

    /// A folder beside the installation.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("https://{}", self.node().address)
    }

    /// A connection as the fund centre's approval system.
    pub(crate) async fn client(&self) -> Client {
        self.client_as("fund-centre", "approval").await
    }

    /// A connection as any system that has a certificate.
    pub(crate) async fn client_as(&self, organisation: &str, system: &str) -> Client {
        let read = |name: String| std::fs::read(self.path("pki").join(organisation).join(name));
        let certificate = read(format!("{system}.pem")).unwrap();
        let key = read(format!("{system}.key")).unwrap();
        self.client_with(&certificate, &key).await.unwrap()
    }

    /// A connection with this certificate and key, in PEM.
    pub(crate) async fn client_with(
        &self,
        certificate: &[u8],
        key: &[u8],
    ) -> Result<Client, ClientError> {
        let authority = std::fs::read(self.path("pki/fund-centre/ca.pem")).unwrap();
        Client::connect(&self.endpoint(), &authority, certificate, key, "localhost").await
    }

    /// The sample question of a fact, for the first item that may ask it.
    pub(crate) fn question(&self, fact: &str) -> wire::VerifyRequest {
        let item = self.catalogue.items().find(|item| {
            item.effective_to.is_empty() && item.facts.iter().any(|known| known.as_str() == fact)
        });
        self.request(fact, item.map_or(draft::SPARE_ITEM, |item| item.code.as_str()))
    }

    /// The sample question of a fact, for this item.
    pub(crate) fn request(&self, fact: &str, item: &str) -> wire::VerifyRequest {
        let sample = samples::question(fact, self.simulation.province());
        let versions = self.catalogue.items().filter(|known| known.code.as_str() == item);
        let mut subjects: Vec<_> = sample.subjects.iter().map(heyan::wire::subject).collect();
        // The sample agreement with the tax authority demands a word about each subject, a notice and a consent.
        let (mut notice, mut consent) = ("", "");
        if fact.starts_with('T') {
            (notice, consent) = ("hn-gjj-sw-2026", "SQ-2026-000123");
            let related = wire::Relation::CaseParty.into();
            subjects.iter_mut().for_each(|subject| subject.relation = related);
        }
        wire::VerifyRequest {
            request_id: Client::request_id(),
            fact: fact.to_owned(),
            subjects,
            purpose: Some(wire::Purpose {
                item: item.to_owned(),
                item_version: versions.map(|known| known.version.clone()).max().unwrap(),
                case_number: "GJJ-2026-000123".to_owned(),
                notice: notice.to_owned(),
                consent: consent.to_owned(),
                ..wire::Purpose::default()
            }),
            operator: Some(wire::Operator { id: OPERATOR.to_owned(), unit: "hall-1".to_owned() }),
            ..wire::VerifyRequest::default()
        }
    }

    /// Every entry so far, decoded.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let audit = self.node().gateway().audit();
        let stored = audit.entries(0, usize::MAX).unwrap();
        stored.iter().map(|bytes| heyan::audit::entry::decode(bytes).unwrap()).collect()
    }

    /// Entries so far.
    pub(crate) fn size(&self) -> u64 {
        self.node().gateway().audit().size()
    }

    /// A page of the loopback port: its status line and body.
    pub(crate) async fn page(&self, path: &str) -> (u16, String) {
        connect::get(self.node().admin, path).await
    }
}

/// Asks, and expects an answer.
pub(crate) async fn ask(client: &Client, question: wire::VerifyRequest) -> wire::VerifyResponse {
    let fact = question.fact.clone();
    client.verify(question, PATIENCE).await.unwrap_or_else(|error| panic!("{fact}: {error}"))
}

/// Asks, and expects a refusal by the gateway.
pub(crate) async fn refused(client: &Client, question: wire::VerifyRequest) -> Refused {
    match client.verify(question, PATIENCE).await {
        Err(ClientError::Refused(refused)) => *refused,
        Err(error) => panic!("no refusal came: {error}"),
        Ok(reply) => panic!("an answer came: {:?}", reply.verdict()),
    }
}

/// Waits for something that will be so soon; fails after [`PATIENCE`].
pub(crate) async fn until(what: &str, is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
        panic!("it never came to pass that {what}");
    }
}
