//! What one request costs the server, in CPU time: a bare tonic server that returns a constant is the measure.
//!
//! `cargo bench --bench request -- --seconds 3 --repeat 5`. The gateway is the built program, once answering from kept
//! answers and once asking an agency for each, over SOAP, JSON and gRPC. All get the same questions over the same connections. Every server is a
//! process of its own, so that the CPU time read from the kernel is the server's alone; where there is `taskset` servers
//! have core 0, while the generator and the simulated agencies share core 1. So requests a second of fresh answers are
//! bounded by the agencies as well; their CPU time is not. Servers take turns within a round, and each round gives its
//! own ratios. Numbers of one machine say little; quote the ratios, and only those of one run.
//!
//! `--against` puts any other server of the same service beside them; `benches/peers` has nginx, HAProxy and Envoy.

#![expect(clippy::indexing_slicing, reason = "a measurement that goes wrong may end there")]

#[path = "../agencies/mod.rs"]
mod agencies;
mod connection;
mod constant;
mod contender;
mod direct;
mod goals;
mod handshakes;
mod installation;
mod load;
#[path = "../agreements/made.rs"]
#[allow(dead_code, reason = "only the agreements are made here")]
mod made;
mod plot;
mod process;
mod questions;
mod report;
mod ticker;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::{Args, Parser, Subcommand};
use heyan::proto::gateway::v1 as wire;
use tokio::runtime::Runtime;
use wire::source::Kind;

use self::connection::Caller;
use self::contender::{Contender, Served, Stranger};
use self::direct::Direct;
use self::installation::{GATEWAY, Installation};
use self::load::{Load, Sample, ask_each_once, measure};
use self::process::Server;
use self::questions::{Asked, Questions};
use self::report::{AtRest, HandshakeRow, Report, Row};

/// The gateway's own. A bare server is not bare with a slower one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BARE: &str = "bare tonic, constant reply";
const BARE_ON_SEVERAL: &str = "bare tonic, several threads";
const KEPT: &str = "heyan, kept answer";
/// What the names of all begin with that ask an agency for each answer.
const FRESH: &str = "heyan, fresh answer";
const FRESH_SOAP: &str = "heyan, fresh answer, SOAP";
const FRESH_JSON: &str = "heyan, fresh answer, JSON";
const FRESH_GRPC: &str = "heyan, fresh answer, gRPC";
const RUSTLS: &str = "rustls alone";
/// What the names of all begin with that ask an agency without a gateway.
const DIRECT: &str = "agency alone";

/// Closed loops are for CPU time at the limit.
const CLOSED: [Load; 4] = [
    Load::Closed { connections: 8, streams: 4 },
    Load::Closed { connections: 8, streams: 32 },
    Load::Closed { connections: 64, streams: 1 },
    Load::Closed { connections: 64, streams: 8 },
];

/// People whose answers are kept.
const KEPT_PEOPLE: usize = 1000;

#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    role: Option<Role>,
    #[command(flatten)]
    run: Run,
}

#[derive(Args)]
struct Run {
    /// Length of one measurement
    #[arg(long, default_value_t = 2)]
    seconds: u64,
    /// Rounds, in each of which all servers take their turn; the median in CPU time counts
    #[arg(long, default_value_t = 3)]
    repeat: usize,
    /// Questions a second in the open loop: the time a caller waits at a moderate load; 0 leaves it out
    #[arg(long, default_value_t = 2000)]
    rate: u32,
    /// Closed loops, as connections × streams: `8x4,64x8`; default all four
    #[arg(long, value_delimiter = ',')]
    loads: Vec<String>,
    /// Servers: bare, bare-several, kept, soap, json, grpc, rustls; the first and the last are the measures of the others
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "bare,bare-several,kept,soap,json,grpc,rustls"
    )]
    servers: Vec<String>,
    /// People in the province: at least as many as fresh answers are wanted in the whole run
    #[arg(long, default_value_t = 400_000, value_parser = clap::value_parser!(u32).range(2000..=2_000_000))]
    people: u32,
    /// Agreements beside the one that is asked under
    #[arg(long, default_value_t = 10_000)]
    agreements: usize,
    /// Keep no sealed records of requests and answers
    #[arg(long)]
    without_vault: bool,
    /// Cores of the servers and of the generator, as taskset names them: `0-3:4-7`; `any` pins nothing
    #[arg(long, default_value = "0:1")]
    cores: String,
    /// Also measure this server of the same service: `[LABEL=]HOST:PORT[/PID[+PID]]`, with CPU time if its processes are named
    #[arg(long, requires_all = ["identity", "authority"])]
    against: Vec<Stranger>,
    /// Certificate shown to it, PEM, and its key if `--key` does not name another file
    #[arg(long)]
    identity: Option<PathBuf>,
    /// Key of that certificate, PEM
    #[arg(long)]
    key: Option<PathBuf>,
    /// Authority that its certificate must come from, PEM
    #[arg(long)]
    authority: Option<PathBuf>,
    /// Name that its certificate must have
    #[arg(long, default_value = "localhost")]
    name: String,
    /// Write everything that was measured to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Passed by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Subcommand)]
enum Role {
    /// Be the bare server, with the certificates of this folder
    ServeConstant {
        folder: PathBuf,
        #[arg(long)]
        on_several_threads: bool,
    },
    /// Be a server of handshakes and nothing else, with the certificates of this folder
    ServeHandshakes { folder: PathBuf },
    #[command(flatten)]
    Agencies(agencies::Role),
    /// Draw what `--json` wrote, as SVG files in this folder
    Plot { file: PathBuf, folder: PathBuf },
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    match &options.role {
        Some(Role::ServeConstant { folder, on_several_threads }) => {
            constant::serve(folder, *on_several_threads)
        }
        Some(Role::ServeHandshakes { folder }) => handshakes::serve(folder),
        Some(Role::Agencies(role)) => role.play(),
        Some(Role::Plot { file, folder }) => plot::draw(file, folder),
        None => compare(&options.run),
    }
}

fn compare(run: &Run) -> anyhow::Result<()> {
    let loads = loads(run)?;
    process::choose_cores(&run.cores)?;
    let pinned = process::pin_this_to_core(process::GENERATOR_CORE);
    let folder = tempfile::tempdir()?;
    let place = folder.path().join("installation");
    let installation = Installation::make(&place, run.people, run.agreements)?;
    let ways = questions::ways(run.people)?;
    let (contenders, greeter) = contenders(&installation, run, &ways)?;
    let alone = directly(&installation, run, &ways)?;

    let mut report = Report {
        machine: machine(),
        cores: if pinned { run.cores.clone() } else { "any".to_owned() },
        command: std::env::args().skip(1).collect(),
        agreements: run.agreements,
        ..Report::default()
    };
    println!("{}; cores {}; {} agreements", report.machine, report.cores, report.agreements);
    println!("program: {:.1} MB", fs::metadata(GATEWAY)?.len() as f64 / 1e6);
    for contender in &contenders {
        let (server, megabytes) = (contender.label.clone(), contender.server.resident_megabytes()?);
        println!("{server}: {} MB at rest", megabytes.unwrap_or(0));
        report.at_rest.push(AtRest { server, megabytes });
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for contender in contenders.iter().filter(|contender| contender.questions.is_kept()) {
        runtime.block_on(ask_each_once(contender))?;
    }
    let mut failed = Vec::new();
    Row::print_head();
    for load in loads {
        report.loads.extend(under(load, (&contenders, &alone), &runtime, run, &mut failed)?);
    }
    if let Some(greeter) = &greeter {
        let all: Vec<&Contender> = [greeter].into_iter().chain(&contenders).collect();
        HandshakeRow::print_head();
        for resumes in [false, true] {
            report.handshakes.extend(handshakes_of(&all, resumes, &runtime, run, &mut failed));
        }
    }
    goals::print(&report);
    if let Some(path) = &run.json {
        fs::write(path, serde_json::to_string_pretty(&report)?)?;
    }
    ensure!(failed.is_empty(), "not measured:\n{}", failed.join("\n"));
    Ok(())
}

fn loads(run: &Run) -> anyhow::Result<Vec<Load>> {
    let mut loads: Vec<Load> = if run.loads.is_empty() { CLOSED.into() } else { Vec::new() };
    for text in &run.loads {
        let pair = text.split_once('x').context("a load is such as `8x4`")?;
        loads.push(Load::Closed { connections: pair.0.parse()?, streams: pair.1.parse()? });
    }
    if run.rate > 0 {
        loads.push(Load::Open { connections: 8, rate: run.rate });
    }
    Ok(loads)
}

/// One line for each contender; the first is the measure. One that fails is named, and the others go on.
fn under(
    load: Load,
    (contenders, alone): (&[Contender], &[Direct]),
    runtime: &Runtime,
    run: &Run,
    failed: &mut Vec<String>,
) -> anyhow::Result<Vec<Row>> {
    let length = Duration::from_secs(run.seconds);
    let mut rounds: Vec<Vec<Sample>> = contenders.iter().map(|_| Vec::new()).collect();
    let mut has_failed = vec![false; contenders.len()];
    let mut rounds_alone: Vec<Option<Vec<Sample>>> = alone.iter().map(|_| Some(vec![])).collect();
    for _ in 0..run.repeat.max(1) {
        if let Load::Open { rate, .. } = load {
            for (direct, rounds) in alone.iter().zip(&mut rounds_alone) {
                let Some(measured) = rounds.as_mut() else { continue };
                match runtime.block_on(direct.measure(rate, length)) {
                    Ok(sample) => measured.push(sample),
                    Err(error) => {
                        *rounds = None;
                        failed.push(format!("{}, {load}: {error:#}", direct.label));
                    }
                }
            }
        }
        for (place, contender) in contenders.iter().enumerate() {
            if has_failed[place] {
                continue;
            }
            match runtime.block_on(measure(contender, load, length)) {
                Ok(sample) => rounds[place].push(sample),
                Err(error) => {
                    has_failed[place] = true;
                    failed.push(format!("{}, {load}: {error:#}", contender.label));
                }
            }
        }
    }
    let bare: Vec<Option<f64>> =
        rounds.first().into_iter().flatten().map(|sample| sample.cpu_micros).collect();
    let mut rows = Vec::new();
    for ((contender, rounds), has_failed) in contenders.iter().zip(rounds).zip(has_failed) {
        if !has_failed {
            let row = Row::of(&contender.label, load, rounds, &bare)?;
            row.print();
            rows.push(row);
        }
    }
    for (direct, rounds) in alone.iter().zip(rounds_alone) {
        if let Some(rounds) = rounds.filter(|rounds| !rounds.is_empty()) {
            let row = Row::of(&direct.label, load, rounds, &bare)?;
            row.print();
            rows.push(row);
        }
    }
    Ok(rows)
}

/// New connections to each; the first is the measure.
fn handshakes_of(
    contenders: &[&Contender],
    resumes: bool,
    runtime: &Runtime,
    run: &Run,
    failed: &mut Vec<String>,
) -> Vec<HandshakeRow> {
    let length = Duration::from_secs(run.seconds);
    let mut rounds: Vec<Vec<handshakes::Sample>> = contenders.iter().map(|_| Vec::new()).collect();
    let mut has_failed = vec![false; contenders.len()];
    for _ in 0..run.repeat.max(1) {
        for (place, contender) in contenders.iter().enumerate() {
            if has_failed[place] {
                continue;
            }
            match runtime.block_on(handshakes::measure(contender, resumes, length)) {
                Ok(sample) => rounds[place].push(sample),
                Err(error) => {
                    has_failed[place] = true;
                    failed.push(format!("{}, handshakes: {error:#}", contender.label));
                }
            }
        }
    }
    let bare: Vec<Option<f64>> =
        rounds.first().into_iter().flatten().map(|sample| sample.cpu_micros).collect();
    let mut rows = Vec::new();
    for ((contender, rounds), has_failed) in contenders.iter().zip(rounds).zip(has_failed) {
        if !has_failed {
            let row = HandshakeRow::of(contender, resumes, &rounds, &bare);
            row.print();
            rows.push(row);
        }
    }
    rows
}

/// Those that answer questions, the bare server first, and the one that only takes connections. The gateways share
/// certificates, agreements and agencies, and nothing else.
fn contenders(
    installation: &Installation,
    run: &Run,
    ways: &questions::Ways,
) -> anyhow::Result<(Vec<Contender>, Option<Contender>)> {
    let gateway = |log: &str| installation.start_gateway(log, !run.without_vault);
    let pki = installation.path("pki/fund-centre");
    let own = Caller::of_system(&pki)?;
    let contender = |label: &str, server: Served, questions| Contender {
        label: label.to_owned(),
        server,
        caller: own.clone(),
        questions: Arc::new(questions),
    };
    let constant = || Questions::about_few(&ways.soap, KEPT_PEOPLE, Kind::Agency);
    let fresh = |label: &str, log: &str, way: &Asked| {
        Ok::<_, anyhow::Error>(contender(
            label,
            gateway(log)?.into(),
            Questions::about_everybody(way),
        ))
    };
    let (mut asked, mut greeter) = (Vec::new(), None);
    for server in &run.servers {
        asked.push(match server.as_str() {
            "bare" => contender(BARE, start(&["serve-constant"], &pki)?, constant()),
            "bare-several" => {
                let started = start(&["serve-constant", "--on-several-threads"], &pki)?;
                contender(BARE_ON_SEVERAL, started, constant())
            }
            "kept" => contender(
                KEPT,
                gateway("log-kept")?.into(),
                Questions::about_few(&ways.soap, KEPT_PEOPLE, Kind::Cache),
            ),
            "soap" => fresh(FRESH_SOAP, "log-soap", &ways.soap)?,
            "json" => fresh(FRESH_JSON, "log-json", &ways.json)?,
            "grpc" => fresh(FRESH_GRPC, "log-grpc", &ways.grpc)?,
            "rustls" => {
                let started = start(&["serve-handshakes"], &pki)?;
                greeter = Some(contender(RUSTLS, started, constant()));
                continue;
            }
            other => anyhow::bail!("`{other}` is no server: see --help"),
        });
    }
    if let (Some(identity), Some(authority)) = (&run.identity, &run.authority) {
        let key = run.key.as_ref().unwrap_or(identity);
        let mut caller = Caller::read(authority, identity, key)?;
        caller.server_name.clone_from(&run.name);
        for stranger in &run.against {
            asked.push(Contender {
                label: stranger.label.clone(),
                server: stranger.clone().into(),
                caller: caller.clone(),
                questions: Arc::new(Questions::to_any(&ways.soap, KEPT_PEOPLE)),
            });
        }
    }
    Ok((asked, greeter))
}

/// The agencies behind those gateways that ask one for each answer.
fn directly(
    installation: &Installation,
    run: &Run,
    ways: &questions::Ways,
) -> anyhow::Result<Vec<Direct>> {
    let all = [
        ("soap", FRESH_SOAP, "police.toml", &ways.soap),
        ("json", FRESH_JSON, "civil-affairs.toml", &ways.json),
        ("grpc", FRESH_GRPC, "tax.toml", &ways.grpc),
    ];
    let wanted = all.into_iter().filter(|(name, ..)| run.servers.iter().any(|one| one == name));
    let folder = installation.path("");
    wanted
        .map(|(_, fresh, manifest, asked)| {
            Direct::of(&fresh.replace(FRESH, DIRECT), &folder, manifest, asked)
        })
        .collect()
}

/// This program in another role, with the servers' core.
fn start(role: &[&str], pki: &Path) -> anyhow::Result<Served> {
    let pki = pki.to_string_lossy();
    let arguments = [role, &[&pki]].concat();
    Ok(Server::start_this(process::SERVER_CORE, &arguments)?.0.into())
}

/// Processor, cores and kernel, so that nobody compares figures of different machines unawares.
fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let processor = read("/proc/cpuinfo");
    let model =
        processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = processor.lines().filter(|line| line.starts_with("processor")).count();
    let kernel = read("/proc/sys/kernel/osrelease");
    let model = model.map_or("a processor without a name", |(_, name)| name);
    format!("{model}, {cores} cores, Linux {}", kernel.trim())
}
