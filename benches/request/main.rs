//! What one request costs the server, in CPU time: a bare tonic server that returns a constant is the measure.
//!
//! `cargo bench --bench request -- --seconds 3 --repeat 5`. The gateway is the built program, once answering from kept
//! answers and once asking an agency for each, over SOAP, JSON and gRPC. All get the same questions over the same connections. Every server is a
//! process of its own, so that the CPU time read from the kernel is the server's alone; with two cores and `taskset` it
//! has core 0, while the generator and the simulated agencies share core 1. So requests a second of fresh answers are
//! bounded by the agencies as well; their CPU time is not. Numbers of one machine say little; quote the ratios, and only
//! those of one run.

#[path = "../agencies/mod.rs"]
mod agencies;
mod constant;
mod installation;
mod load;
mod process;
mod questions;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::{Parser, Subcommand};
use heyan::proto::gateway::v1 as wire;
use tokio::runtime::Runtime;
use wire::source::Kind;

use self::installation::{GATEWAY, Installation};
use self::load::{Load, Sample, ask_each_once, measure};
use self::process::Server;
use self::questions::Questions;

/// The gateway's own. A bare server is not bare with a slower one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Closed loops are for CPU time at the limit, the open one is for the time a caller waits at a moderate load, one that
/// the slowest contender bears too.
const LOADS: [Load; 3] = [
    Load::Closed { connections: 8, streams: 4 },
    Load::Closed { connections: 64, streams: 8 },
    Load::Open { connections: 8, rate: 500 },
];

/// People whose answers are kept.
const KEPT: usize = 1000;

#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    role: Option<Role>,
    /// Length of one measurement
    #[arg(long, default_value_t = 2)]
    seconds: u64,
    /// Measurements of each kind; the median in CPU time counts
    #[arg(long, default_value_t = 3)]
    repeat: usize,
    /// People in the province: at least as many as fresh answers are wanted in the whole run
    #[arg(long, default_value_t = 400_000, value_parser = clap::value_parser!(u32).range(2000..=2_000_000))]
    people: u32,
    /// Keep no sealed records of requests and answers
    #[arg(long)]
    without_vault: bool,
    /// Another program, such as the one before a mend, to give fresh answers beside the built one
    #[arg(long)]
    beside: Option<String>,
    /// Only contenders with this in their names, and the bare server
    #[arg(long, default_value = "")]
    only: String,
    /// Passed by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Subcommand)]
enum Role {
    /// Be the bare server, with the certificates of this folder
    ServeConstant { folder: PathBuf },
    /// Be the agencies of the installation in this folder
    ServeAgencies { folder: PathBuf, people: u32 },
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    match &options.role {
        Some(Role::ServeConstant { folder }) => constant::serve(folder),
        Some(Role::ServeAgencies { folder, people }) => agencies::serve(folder, *people),
        None => compare(&options),
    }
}

/// What a caller needs to connect, in PEM.
#[derive(Clone)]
struct Caller {
    authority: Vec<u8>,
    certificate: Vec<u8>,
    key: Vec<u8>,
}

/// One server to be measured, and how it is asked. One gateway gives all fresh answers, one kind after the other.
struct Contender {
    label: String,
    server: Arc<Server>,
    caller: Caller,
    questions: Arc<Questions>,
}

fn compare(options: &Options) -> anyhow::Result<()> {
    let pinned = process::pin_this_to_core(process::GENERATOR_CORE);
    let folder = tempfile::tempdir()?;
    let installation = Installation::make(&folder.path().join("installation"), options.people)?;
    let contenders = contenders(&installation, options)?;

    println!("pinned to cores: {}", if pinned { "yes" } else { "no" });
    println!("program: {:.1} MB", fs::metadata(GATEWAY)?.len() as f64 / 1e6);
    for contender in &contenders {
        println!("{}: {} MB at rest", contender.label, contender.server.resident_megabytes()?);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for contender in contenders.iter().filter(|contender| contender.questions.is_kept()) {
        runtime.block_on(ask_each_once(contender))?;
    }
    println!(
        "{:<28}{:>16}{:>10}{:>10}{:>8}{:>10}{:>10}{:>8}",
        "server", "load", "req/s", "CPU µs", "ratio", "p50 µs", "p99 µs", "MB"
    );
    LOADS.into_iter().try_for_each(|load| compare_under(load, &contenders, &runtime, options))
}

/// One line for each contender; the first is the measure. Memory is what is resident after the load.
fn compare_under(
    load: Load,
    contenders: &[Contender],
    runtime: &Runtime,
    options: &Options,
) -> anyhow::Result<()> {
    let length = Duration::from_secs(options.seconds);
    let mut bare = None;
    for contender in contenders {
        let samples: Result<Vec<Sample>, _> = (0..options.repeat.max(1))
            .map(|_| runtime.block_on(measure(contender, load, length)))
            .collect();
        let sample = load::median(samples.with_context(|| contender.label.clone())?)?;
        let ratio = sample.cpu_micros / *bare.get_or_insert(sample.cpu_micros);
        println!(
            "{:<28}{:>16}{:>10.0}{:>10.1}{:>8.2}{:>10}{:>10}{:>8}",
            contender.label,
            load.to_string(),
            sample.rate,
            sample.cpu_micros,
            ratio,
            sample.p50_micros,
            sample.p99_micros,
            contender.server.resident_megabytes()?,
        );
    }
    Ok(())
}

/// The bare server first. The gateways share certificates, agreements and agencies, and nothing else.
fn contenders(installation: &Installation, options: &Options) -> anyhow::Result<Vec<Contender>> {
    let ways = questions::ways(options.people)?;
    let gateway = |program: &str, log: &str| {
        let server = installation.start_gateway(program, log, !options.without_vault)?;
        Ok::<_, anyhow::Error>(Arc::new(server))
    };
    let pki = installation.pki().join("fund-centre");
    let read = |name: &str| fs::read(pki.join(name));
    let caller = Caller {
        authority: read("ca.pem")?,
        certificate: read("approval.pem")?,
        key: read("approval.key")?,
    };
    let contender = |label: &str, server: &Arc<Server>, questions| Contender {
        label: label.to_owned(),
        server: Arc::clone(server),
        caller: caller.clone(),
        questions: Arc::new(questions),
    };
    let few = |kind| Questions::about_few(&ways.soap, KEPT, kind);
    let bare = contender("bare tonic, constant reply", &bare_tonic(&pki)?, few(Kind::Agency));
    let mut others =
        vec![contender("heyan, kept answer", &gateway(GATEWAY, "log-kept")?, few(Kind::Cache))];
    let programs = [Some((GATEWAY, "log-fresh", "heyan")), beside(options)];
    for (program, log, name) in programs.into_iter().flatten() {
        let server = gateway(program, log)?;
        for (way, what) in [("SOAP", &ways.soap), ("JSON", &ways.json), ("gRPC", &ways.grpc)] {
            let label = format!("{name}, fresh, {way}");
            others.push(contender(&label, &server, Questions::about_everybody(what)));
        }
    }
    others.retain(|contender| contender.label.contains(&options.only));
    Ok([bare].into_iter().chain(others).collect())
}

fn beside(options: &Options) -> Option<(&str, &'static str, &'static str)> {
    Some((options.beside.as_deref()?, "log-beside", "beside"))
}

fn bare_tonic(pki: &Path) -> anyhow::Result<Arc<Server>> {
    let arguments = ["serve-constant", &pki.to_string_lossy()];
    Ok(Arc::new(Server::start_this(process::SERVER_CORE, &arguments)?.0))
}
