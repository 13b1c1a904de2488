//! What one request costs the server, in CPU time: a bare tonic server that returns a constant is the measure.
//!
//! `cargo bench --bench request -- --seconds 3 --repeat 5`. Every server is a process of its own, so that the CPU time
//! read from the kernel is the server's alone; with two cores and `taskset` it has core 0 and the generator core 1.
//! Numbers of one machine say little; quote the ratios, and only those of one run.

mod certificates;
mod constant;
mod load;
mod process;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Parser, Subcommand};
use heyan::client::Client;
use heyan::proto::gateway::v1 as wire;

use self::certificates::Caller;
use self::load::{Load, Sample, measure};
use self::process::Server;

/// Closed loops are for CPU time at the limit, the open one is for the time a caller waits at a moderate load.
const LOADS: [Load; 3] = [
    Load::Closed { connections: 8, streams: 4 },
    Load::Closed { connections: 64, streams: 8 },
    Load::Open { connections: 8, rate: 2000 },
];

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
    /// Passed by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Subcommand)]
enum Role {
    /// Be the bare server, with the certificates of this folder
    ServeConstant { folder: PathBuf },
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    match &options.role {
        Some(Role::ServeConstant { folder }) => constant::serve(folder),
        None => compare(&options),
    }
}

/// One server to be measured, and how it is asked.
struct Contender {
    label: &'static str,
    server: Server,
    caller: Caller,
    make_request: fn(u64) -> wire::VerifyRequest,
}

fn compare(options: &Options) -> anyhow::Result<()> {
    let pinned = process::pin_this_to_core(1);
    let folder = tempfile::tempdir()?;
    certificates::write(folder.path())?;
    let contenders = [bare_tonic(folder.path())?];

    println!(
        "CPU time of the server per request; pinned to cores: {}",
        if pinned { "yes" } else { "no" }
    );
    println!(
        "{:<28}{:>16}{:>10}{:>10}{:>8}{:>10}{:>10}{:>8}",
        "server", "load", "req/s", "CPU µs", "ratio", "p50 µs", "p99 µs", "MB"
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for load in LOADS {
        let mut bare = None;
        for contender in &contenders {
            let length = Duration::from_secs(options.seconds);
            let samples: Result<Vec<Sample>, _> = (0..options.repeat.max(1))
                .map(|_| runtime.block_on(measure(contender, load, length)))
                .collect();
            let sample = load::median(samples?)?;
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
    }
    Ok(())
}

fn bare_tonic(folder: &Path) -> anyhow::Result<Contender> {
    let folder_name = folder.to_string_lossy();
    Ok(Contender {
        label: "bare tonic, constant reply",
        server: Server::start_this(&["serve-constant", &folder_name])?,
        caller: Caller::read(folder)?,
        make_request: couple,
    })
}

/// A question about a couple; `number` keeps equal questions apart.
fn couple(number: u64) -> wire::VerifyRequest {
    let person = |role: &str, name: &str, document_number: String| wire::Subject {
        role: role.to_owned(),
        kind: Some(wire::subject::Kind::Person(wire::Person {
            name: name.to_owned(),
            document_number,
            ..wire::Person::default()
        })),
    };
    wire::VerifyRequest {
        request_id: Client::request_id(),
        fact: "M2".to_owned(),
        subjects: vec![
            person("person", "李雷", format!("{:018}", number % 1000)),
            person("spouse", "韩梅梅", format!("{:018}", number % 1000 + 1)),
        ],
        purpose: Some(wire::Purpose {
            item: "W3".to_owned(),
            item_version: "2026.1".to_owned(),
            case_number: format!("GJJ-2026-{number:08}"),
            ..wire::Purpose::default()
        }),
        operator: Some(wire::Operator { id: "0042".to_owned(), unit: "counter-3".to_owned() }),
        ..wire::VerifyRequest::default()
    }
}
