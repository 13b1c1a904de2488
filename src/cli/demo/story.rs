//! The story, chapter by chapter: each step is really done, and what came of it is held against what should have.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use tokio::signal::unix::{SignalKind, signal};

use super::tamper;
use super::telling::{Asked, Telling};
use super::world::World;
use crate::audit::file::Description;
use crate::audit::note::VerifierKey;
use crate::audit::receipt::Receipt;
use crate::catalogue::Catalogue;
use crate::cli::serve::Node;
use crate::cli::simulate::couple;
use crate::client::{Client, ClientError};
use crate::clock::now;
use crate::proto::gateway::v1 as wire;
use crate::settings::Settings;
use crate::simulate::{self, Simulation, SimulationConfig, samples};
use crate::telemetry;

/// One fact of each agency, in the order of the report: the two of 2018 first.
const TOUR: [(&str, &str); 6] =
    [("M2", "W3"), ("P1", "W3"), ("S1", "L1"), ("H3", "W3"), ("T1", "W1"), ("E2", "D1")];

/// The drafts signed in 2018, and those signed in the third chapter.
const AGREEMENTS_2018: [&str; 2] = ["police", "civil-affairs"];
const AGREEMENTS_LATER: [&str; 4] = ["social-security", "housing", "tax", "market-regulation"];

/// The text of notice (告知) that the applicant was given: the agreement with the tax authority asks for it.
const NOTICE: &str = "hn-gjj-sw-2026";

/// How long the demo waits for one answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Everything that stands while the story is told.
pub(super) struct Stage {
    pub(super) world: World,
    simulation: Simulation,
    node: Node,
    client: Client,
    catalogue: Catalogue,
    pub(super) log: VerifierKey,
}

impl Stage {
    /// Makes the installation, starts the six agencies and the gateway, and tells about it.
    pub(super) async fn set_up(
        folder: &Path,
        people: u32,
        telling: &mut Telling,
    ) -> anyhow::Result<Self> {
        telling.chapter("The stage: everything is made now, on this machine");
        let world = World::make(folder, now())?;
        telling
            .did("made", "certificates and signing keys of 8 organisations, an empty signed log");
        let began = Instant::now();
        let simulation = simulate::start(SimulationConfig {
            people,
            pki: world.path("pki"),
            secrets: world.path("secrets"),
            ..SimulationConfig::default()
        })
        .await
        .map_err(|error| anyhow!("{error}"))?;
        telling.did(
            "simulated",
            &format!(
                "a province of {people} people and six agencies over SOAP, REST, SQL and gRPC, in {:.1} s",
                began.elapsed().as_secs_f64()
            ),
        );
        world.place_adapters(&simulation.ports())?;
        for draft in AGREEMENTS_2018 {
            let id = world.sign(draft)?;
            telling.did("signed", &format!("{id} by fund-centre and {draft}: the state of 2018"));
        }
        let metrics = telemetry::install_metrics()?;
        let settings = Settings::read(&world.path("gateway.toml"), std::iter::empty())
            .map_err(|findings| anyhow!("{findings:?}"))?;
        let log = Description::read(&settings.log.folder)?
            .and_then(|description| description.key())
            .context("the new log has no key")?;
        let catalogue = Catalogue::load(&world.path("catalogue"))
            .map_err(|findings| anyhow!("{findings:?}"))?;
        let node = Node::start(settings, &metrics).await?;
        telling.did("serving", &format!("gRPC with mutual TLS 1.3 on {}", node.address));
        let client = client(&world, &node).await?;
        Ok(Self { world, simulation, node, client, catalogue, log })
    }

    /// The province that everybody is of.
    pub(super) fn province(&self) -> &simulate::province::Province {
        self.simulation.province()
    }

    /// The fund centre's connection.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Plays every chapter; true when all came out as it must.
    pub(super) async fn play(&mut self, telling: &mut Telling) -> anyhow::Result<bool> {
        let mut good = true;
        telling.chapter("2018: two agreements (数据共享协议), so two agencies answer");
        for (fact, item) in TOUR.iter().take(2) {
            good &= self.ask(telling, fact, item).await?.is("CONFIRMED");
        }
        telling.chapter("No agreement, no question: the refusal is recorded too");
        let asked_before = self.simulation.asked("social-security");
        good &= self.ask(telling, "S1", "L1").await?.is("DENIED NO_AGREEMENT");
        good &= self.simulation.asked("social-security") == asked_before;
        telling.did("checked", "the social security agency was not asked");

        telling.chapter("The other four sign; the running gateway takes them up");
        for draft in AGREEMENTS_LATER {
            let id = self.world.sign(draft)?;
            telling.did("signed", &format!("{id} by fund-centre and {draft}"));
        }
        self.node.reload().await;
        for (fact, item) in TOUR {
            good &= self.ask(telling, fact, item).await?.is(self.expected(fact));
        }
        telling.chapter("Compared, not read (只比对，不提供): six months are a step of the agreement, seven are not");
        good &= self.months(telling, 6).await?.is("CONFIRMED");
        good &= self.months(telling, 7).await?.is("DENIED VALUE_NOT_GRANTED");

        telling.chapter("The same question again: kept, yet decided, recorded and counted anew");
        let again = self.ask(telling, "S1", "L1").await?;
        good &= again.is("CONFIRMED") && again.source == "cache";

        good &= self.cases(telling).await?;
        good &= self.outage(telling).await?;
        good &= self.replay(telling).await?;
        Ok(good)
    }

    async fn outage(&mut self, telling: &mut Telling) -> anyhow::Result<bool> {
        telling.chapter("An agency goes down: UNAVAILABLE (无法核验), which is never a \"no\"");
        self.simulation.faults("market-regulation").set_outage(true);
        telling.did("switched", "market regulation (市场监督管理) off");
        let down = self.ask(telling, "E1", "D1").await?;
        let unharmed = self.ask(telling, "P2", "W7").await?;
        self.simulation.faults("market-regulation").set_outage(false);
        Ok(down.is("UNAVAILABLE") && unharmed.is(self.expected("P2")))
    }

    fn expected(&self, fact: &str) -> &'static str {
        samples::question(fact, self.simulation.province()).expect.name()
    }
}

impl Stage {
    /// Asks the sample question of a fact, checks the receipt, tells what came of it.
    async fn ask(&mut self, telling: &mut Telling, fact: &str, item: &str) -> anyhow::Result<Told> {
        let request = self.request(fact, item)?;
        self.put(telling, request).await
    }

    /// Asks whether somebody has paid insurance for so many months of the last twelve.
    async fn months(&mut self, telling: &mut Telling, months: i64) -> anyhow::Result<Told> {
        let at_least = wire::Assertion {
            attribute: "months_last_12".to_owned(),
            comparison: wire::Comparison::GreaterOrEqual.into(),
            values: vec![wire::Value { kind: Some(wire::value::Kind::Integer(months)) }],
        };
        let assertions = vec![at_least];
        let request = wire::VerifyRequest { assertions, ..self.request("S2", "D3")? };
        self.put(telling, request).await
    }

    async fn put(
        &mut self,
        telling: &mut Telling,
        request: wire::VerifyRequest,
    ) -> anyhow::Result<Told> {
        let fact = request.fact.clone();
        let title = self.title(&fact);
        let began = Instant::now();
        let answered = self.client.verify(request, PATIENCE).await;
        let milliseconds = began.elapsed().as_secs_f64() * 1000.0;
        let mut asked = Asked {
            fact: fact.clone(),
            title,
            result: String::new(),
            source: "–".to_owned(),
            log_index: None,
            milliseconds,
            text: String::new(),
            receipt: false,
        };
        match answered {
            Ok(reply) => {
                asked.result =
                    reply.verdict().as_str_name().trim_start_matches("VERDICT_").to_owned();
                let source = reply.source.as_ref().map(|source| source.kind());
                let cached = source == Some(wire::source::Kind::Cache);
                asked.source = if cached { "cache" } else { "agency" }.to_owned();
                asked.log_index = Some(reply.log_index);
                asked.receipt = self.receipt_holds(&reply)?;
                if let Some(why) = &reply.unavailability {
                    asked.text =
                        format!("reason: {}; the application goes to a person", why.reason);
                }
            }
            Err(ClientError::Refused(refused)) => {
                asked.result = format!("DENIED {}", refused.reason);
                asked.log_index = refused.log_index;
                asked.text = refused.message;
            }
            Err(error) => return Err(error).context("the gateway could not be asked"),
        }
        let english =
            self.catalogue.fact(&fact.as_str().into()).map_or("", |known| known.title.as_str());
        asked.text = match asked.text.as_str() {
            "" => english.to_owned(),
            text => format!("{english}: {text}"),
        };
        telling.asked(&asked);
        Ok(Told { result: asked.result, source: asked.source })
    }

    fn request(&self, fact: &str, item: &str) -> anyhow::Result<wire::VerifyRequest> {
        let sample = samples::question(fact, self.simulation.province());
        let version = self
            .catalogue
            .items()
            .filter(|known| known.code.as_str() == item)
            .map(|known| known.version.clone())
            .max()
            .with_context(|| format!("the catalogue has no item {item}"))?;
        let subjects = sample.subjects.iter().map(|subject| wire::Subject {
            relation: wire::Relation::CaseParty.into(),
            ..crate::wire::subject(subject)
        });
        Ok(wire::VerifyRequest {
            request_id: uuid::Uuid::now_v7().to_string(),
            fact: fact.to_owned(),
            subjects: subjects.collect(),
            purpose: Some(wire::Purpose {
                item: item.to_owned(),
                item_version: version,
                case_number: "GJJ-2026-000123".to_owned(),
                notice: NOTICE.to_owned(),
                ..wire::Purpose::default()
            }),
            operator: Some(wire::Operator { id: "desk-7".to_owned(), unit: "hall-1".to_owned() }),
            want_receipt: true,
            ..wire::VerifyRequest::default()
        })
    }

    fn title(&self, fact: &str) -> String {
        self.catalogue.fact(&fact.into()).map(|known| known.title_zh.clone()).unwrap_or_default()
    }

    /// True when the receipt proves, with the log's public key alone, that this entry is in the log.
    fn receipt_holds(&self, reply: &wire::VerifyResponse) -> anyhow::Result<bool> {
        let Some(given) = &reply.receipt else { return Ok(false) };
        let receipt = Receipt::parse(&given.proof)?;
        Ok(receipt.index == reply.log_index && receipt.verify(&given.entry, &self.log).is_ok())
    }

    async fn replay(&mut self, telling: &mut Telling) -> anyhow::Result<bool> {
        telling.chapter("The auditor replays (审计重放): every decision taken again, offline");
        let copy = self.world.path("log-copy");
        tamper::copy(&self.world.path("log"), &copy)?;
        let parties = self.world.path("pki/parties");
        let (verified, report) = tamper::examine(&copy, &parties)?;
        telling.did(
            "verified",
            &format!("{} entries: every byte, hash, root and signature", verified.entries),
        );
        telling.did(
            "replayed",
            &format!(
                "{}, {} decided again: {}",
                counted(report.outcomes, "answer"),
                counted(report.denials, "denial"),
                counted(report.findings.len() as u64, "finding"),
            ),
        );
        for finding in &report.findings {
            telling.did("finding", &format!("entry {}: {}", finding.index, finding.text));
        }
        let place = tamper::flip_one_bit(&copy)?;
        telling.did("tampered", &format!("one bit in a copy of the log, {place}"));
        let caught = tamper::examine(&copy, &parties).err();
        // The copy lies in a long temporary path, which would drown what was found.
        let told = caught.as_ref().map_or("NOT CAUGHT".to_owned(), |error| {
            format!("{error:#}").replace(&format!("{}/", copy.display()), "")
        });
        telling.did("caught", &told);
        Ok(report.findings.is_empty() && verified.entries > 0 && caught.is_some())
    }

    /// Leaves everything running until SIGINT or SIGTERM.
    pub(super) async fn stand(&self, telling: &Telling) -> anyhow::Result<()> {
        telling.aside(&format!(
            "standing: gateway {}, health and metrics http://{}\nask it, from any folder:\n{}\nCtrl-C ends it",
            self.node.address,
            self.node.admin,
            self.line_to_copy()?
        ));
        Ok(until_told().await?)
    }

    /// A question that works as it stands, in a POSIX shell: it asks whether a sample couple is married.
    fn line_to_copy(&self) -> anyhow::Result<String> {
        let program = std::env::current_exe().context("this program has no path")?;
        let pki = fs::canonicalize(self.world.path("pki"))?;
        let identity = pki.join("fund-centre/approval");
        let authority = pki.join("fund-centre/ca.pem");
        let purpose = self.request("M2", "W3")?.purpose.context("a request has a purpose")?;
        Ok(format!(
            "{program} query M2 \\\n  {couple} \\\n  --item {item}@{version} --case GJJ-2026-000124 --operator desk-7/hall-1 \\\n  \
             --gateway https://{gateway} \\\n  --identity {identity} \\\n  --authority {authority}",
            program = quoted(&program),
            couple = couple(self.simulation.province()),
            item = purpose.item,
            version = purpose.item_version,
            gateway = self.node.address,
            identity = quoted(&identity),
            authority = quoted(&authority),
        ))
    }

    /// Stops what runs, in order; the log is closed, and what is left on disk can be served again.
    pub(super) async fn clear(self) -> anyhow::Result<()> {
        drop(self.client);
        self.node.stop().await?;
        self.simulation.stop().await;
        self.world.settle()
    }
}

/// Connects as the fund centre's approval system.
async fn client(world: &World, node: &Node) -> anyhow::Result<Client> {
    let read = |name: &str| std::fs::read(world.path(format!("pki/fund-centre/{name}")));
    let endpoint = format!("https://{}", node.address);
    let (authority, certificate, key) =
        (read("ca.pem")?, read("approval.pem")?, read("approval.key")?);
    Ok(Client::connect(&endpoint, &authority, &certificate, &key, "localhost").await?)
}

/// Waits for SIGINT or SIGTERM.
async fn until_told() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        told = tokio::signal::ctrl_c() => told,
        _ = terminate.recv() => Ok(()),
    }
}

/// A path as one word of a POSIX shell; most need no quotes.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+".contains(letter);
    if path.chars().all(plain) { path } else { format!("'{}'", path.replace('\'', "'\\''")) }
}

fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// What one step came to, for the story to hold against what it should be.
struct Told {
    result: String,
    source: String,
}

impl Told {
    fn is(&self, expected: &str) -> bool {
        self.result == expected
    }
}
