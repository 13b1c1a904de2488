//! What a kept answer costs between the wire's messages, counted instead of timed: on a busy machine a count stays what
//! it is.
//!
//! ```console
//! $ cargo bench --bench kept
//! $ valgrind --tool=callgrind --instr-atstart=no PROGRAM --callgrind --answers 2000
//! ```
//! The first prints CPU time, the second leaves a profile of the measured answers alone; `PROGRAM` is what `cargo bench
//! --no-run --bench kept` names. Instructions and calls of the allocator come from that profile, divided by the answers.
//! Everything runs in one process: the service, the gateway with its log on disk and its vault, and the simulated
//! agencies, which are asked once about each person beforehand and have nothing to do while it counts. The connection is
//! not measured: TLS, HTTP/2, and the encoding of messages are those of any server.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::Parser;
use futures_util::future::join_all;
use heyan::cli::demo::world::World;
use heyan::cli::serve::Node;
use heyan::client::Client;
use heyan::clock::now;
use heyan::identity::{Chains, Peer};
use heyan::proto::gateway::v1 as wire;
use heyan::service::{BatchLimits, Limits, Services};
use heyan::settings::Settings;
use heyan::simulate::clock::Clock;
use heyan::simulate::province::{Province, Trait};
use heyan::simulate::{self, SimulationConfig, samples};
use heyan::telemetry;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::Request;
use wire::verification_server::Verification;

/// The gateway's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const AGREEMENT: &str = include_str!("../../config-example/agreements/police.toml");

/// People whose answers are kept.
const PEOPLE: u32 = 100;

#[derive(Parser)]
struct Options {
    /// Answers that are measured
    #[arg(long, default_value_t = 20_000)]
    answers: usize,
    /// Questions at once: as many as are ready share one flush
    #[arg(long, default_value_t = 64)]
    at_once: usize,
    /// Keep no sealed records of requests and answers
    #[arg(long)]
    without_vault: bool,
    /// Tell callgrind when to count
    #[arg(long)]
    callgrind: bool,
    /// Passed by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    ensure!(options.at_once > 0, "--at-once must be at least 1");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure(&options))
}

async fn measure(options: &Options) -> anyhow::Result<()> {
    let ground = Ground::make(options.without_vault).await?;
    // Twice: the second time the answers are kept ones.
    for first in [true, false] {
        ground.ask(ground.requests(PEOPLE as usize)?, options.at_once, first).await?;
    }
    let requests = ground.requests(options.answers)?;
    if options.callgrind {
        count(true)?;
    }
    let before = cpu()?;
    ground.ask(requests, options.at_once, false).await?;
    let used = cpu()?.saturating_sub(before);
    if options.callgrind {
        count(false)?;
    }
    println!("answers: {}, at once: {}", options.answers, options.at_once);
    println!("CPU for each: {:.1} µs", used.as_secs_f64() * 1e6 / options.answers as f64);
    ground.node.stop().await
}

/// A gateway before agencies, all in this process.
struct Ground {
    services: Services,
    peer: Arc<Peer>,
    province: Province,
    citizens: Vec<u32>,
    node: Node,
    _agencies: simulate::Simulation,
    _folder: TempDir,
}

impl Ground {
    async fn make(without_vault: bool) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let world = World::make(&folder.path().join("world"), now())?;
        let config = SimulationConfig {
            people: 10 * PEOPLE,
            pki: world.path("pki"),
            secrets: world.path("secrets"),
            ..SimulationConfig::default()
        };
        let province = Province::generate(config.seed, config.people, Clock::default().today())?;
        // The population register knows no foreigners.
        let citizens = (0..config.people).filter(|&index| {
            province.person(index).is_some_and(|person| !person.has(Trait::Foreigner))
        });
        let citizens = citizens.take(PEOPLE as usize).collect();
        let agencies = simulate::start(config).await?;
        world.place_adapters(&agencies.ports())?;
        let manifest = world.path("adapters/police.toml");
        fs::write(&manifest, without(&fs::read_to_string(&manifest)?, "rate_per_second")?)?;
        world.sign_text("police", &without(AGREEMENT, "quota")?)?;
        let mut variables = vec![("HEYAN__LOG__SEGMENT_BYTES", "64 MiB")];
        if without_vault {
            variables.extend([("HEYAN__VAULT__KEY", ""), ("HEYAN__VAULT__SUBJECT_KEY", "")]);
        }
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let variables = variables.into_iter().map(owned);
        let settings = Settings::read(&world.path("gateway.toml"), variables);
        let settings = settings.map_err(|findings| anyhow::anyhow!("{findings:?}"))?;
        let chain = fs::read(world.path("pki/fund-centre/approval.pem"))?;
        let chain = CertificateDer::pem_slice_iter(&chain).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|_| anyhow::anyhow!("the certificate is none"))?;
        let trust_domain = settings.trust.domain.clone();
        let node = Node::start(settings, &telemetry::install_metrics()?).await?;
        let register = &node.gateway().in_force().register;
        let peer = Arc::new(Chains::new(&trust_domain).read(&chain, register, now())?);
        let services = Services::new(
            Arc::clone(node.gateway()),
            limits(),
            TaskTracker::new(),
            CancellationToken::new(),
        );
        Ok(Self { services, peer, province, citizens, node, _agencies: agencies, _folder: folder })
    }

    /// So many questions about the same people in turn, each in a case of its own.
    fn requests(&self, count: usize) -> anyhow::Result<Vec<Request<wire::VerifyRequest>>> {
        let people = self.citizens.iter().cycle();
        let request = |(number, &person): (usize, &u32)| {
            let subject = samples::person(&self.province, "person", person);
            let mut request = Request::new(wire::VerifyRequest {
                request_id: Client::request_id(),
                fact: "P1".to_owned(),
                subjects: vec![heyan::wire::subject(&subject)],
                purpose: Some(wire::Purpose {
                    item: "W3".to_owned(),
                    item_version: "2026.1".to_owned(),
                    case_number: format!("GJJ-2026-{number:08}"),
                    ..wire::Purpose::default()
                }),
                operator: Some(wire::Operator {
                    id: "0042".to_owned(),
                    unit: "counter-3".to_owned(),
                }),
                ..wire::VerifyRequest::default()
            });
            request.extensions_mut().insert(Arc::clone(&self.peer));
            request
        };
        let requests: Vec<_> = (0..count).zip(people).map(request).collect();
        ensure!(requests.len() == count, "nobody to ask about");
        Ok(requests)
    }

    /// Asks all, so many at once. Anything but a confirmation makes the figures worthless, and so does one that is not
    /// kept, but for the `first` time.
    async fn ask(
        &self,
        requests: Vec<Request<wire::VerifyRequest>>,
        at_once: usize,
        first: bool,
    ) -> anyhow::Result<()> {
        let mut requests = requests.into_iter().peekable();
        while requests.peek().is_some() {
            let asked = requests.by_ref().take(if first { 1 } else { at_once });
            for reply in join_all(asked.map(|request| self.services.verify(request))).await {
                let reply = reply.map_err(|status| anyhow::anyhow!("{status}"))?.into_inner();
                let source = reply.source.as_ref().map(wire::Source::kind);
                let expected = match first {
                    true => wire::source::Kind::Agency,
                    false => wire::source::Kind::Cache,
                };
                if reply.verdict() != wire::Verdict::Confirmed || source != Some(expected) {
                    bail!("{} from {source:?}", reply.verdict().as_str_name());
                }
            }
        }
        Ok(())
    }
}

fn limits() -> Limits {
    Limits {
        in_flight: 1024,
        processor_wait: Duration::from_secs(600),
        patient_percent: 50,
        cases: 1,
        cases_per_caller: 1,
        case_deadline: Duration::from_secs(60),
        application_age: Duration::from_secs(60),
        disputes: 1,
        disputes_per_caller: 1,
        batch: BatchLimits {
            in_flight: 1,
            deadline: Duration::from_secs(60),
            asking: Duration::from_secs(60),
        },
    }
}

/// The text without the line of this key, which must be there.
fn without(text: &str, key: &str) -> anyhow::Result<String> {
    let is_key = |line: &str| line.split(['=', ' ']).next() == Some(key);
    ensure!(text.lines().any(is_key), "the sample has no `{key}`");
    Ok(text.split_inclusive('\n').filter(|line| !is_key(line)).collect())
}

/// Tells callgrind, in which this runs, to count or to leave off.
fn count(on: bool) -> anyhow::Result<()> {
    let pid = std::process::id().to_string();
    let state = if on { "on" } else { "off" };
    let told = Command::new("callgrind_control").args(["-i", state, &pid]).status()?;
    ensure!(told.success(), "callgrind_control could not reach this process");
    Ok(())
}

/// CPU time of this process so far, of all its threads.
fn cpu() -> anyhow::Result<Duration> {
    let mut nanos = 0;
    for thread in fs::read_dir("/proc/self/task")? {
        let text = fs::read_to_string(thread?.path().join("schedstat"))?;
        nanos += text.split_whitespace().next().context("no CPU time")?.parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanos))
}
