//! `heyan simulate`: six agencies and a province to try the gateway on, and a seventh agency to add to it.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};

use crate::simulate::faults::Faults;
use crate::simulate::institution_register::{self, InstitutionRegister, RegisterConfig};
use crate::simulate::province::Province;
use crate::simulate::tax_adapter::{self, TaxAdapterConfig};
use crate::simulate::{self, AGENCIES, SimulationConfig, samples};

/// Arguments of `heyan simulate`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  \
    heyan pki init pki\n  \
    heyan simulate --pki pki --secrets secrets\n  \
    heyan simulate --pki pki --secrets secrets --fault police=outage,housing=delay:3s+jitter:1s\n  \
    curl -d outage http://127.0.0.1:7500/faults/police\n\n\
    The ports are those that config-example/adapters names. Everybody in the province is invented."
)]
pub struct Simulate {
    #[command(subcommand)]
    command: Option<Commands>,
    #[command(flatten)]
    province: ProvinceArguments,
}

#[derive(Debug, Args)]
struct ProvinceArguments {
    /// Folder that `heyan pki init` has made
    #[arg(long, value_name = "DIR", default_value = "pki")]
    pki: PathBuf,
    /// Folder of the secrets shared with the gateway; missing ones are made
    #[arg(long, value_name = "DIR", default_value = "secrets")]
    secrets: PathBuf,
    /// People in the province
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(200..=2_000_000))]
    people: u32,
    /// The same seed gives the same province
    #[arg(long, default_value_t = 2018)]
    seed: u64,
    /// Let the system choose the ports
    #[arg(long)]
    any_port: bool,
    /// AGENCY=FAULT from the start: outage, delay:2s, jitter:500ms, errors:50 (of a thousand), html, truncated, wrong-person,
    /// missing-fields, cities:3 (housing); several of one agency joined by `+`
    #[arg(long, value_name = "FAULTS", value_delimiter = ',')]
    fault: Vec<String>,
}

#[derive(Debug, Subcommand)]
enum Commands {
    /// Run the gRPC adapter in front of the tax bureau by itself, as an operator would
    TaxAdapter(TaxAdapterArguments),
    /// Run a seventh agency, the register of public institutions (编办), for the tutorial: docs/tutorial-adapter.md
    #[command(after_help = "Example:\n  \
        heyan simulate institution-register --pki pki --secret office/app-secret\n  \
        curl -d outage http://127.0.0.1:7508/faults/institution-register")]
    InstitutionRegister(RegisterArguments),
}

#[derive(Debug, Args)]
struct RegisterArguments {
    /// Folder in which `heyan pki add` has made the organisation `institution-register`
    #[arg(long, value_name = "DIR", default_value = "pki")]
    pki: PathBuf,
    /// File of the secret shared with the gateway; made when it is missing
    #[arg(long, value_name = "FILE", default_value = "office/app-secret")]
    secret: PathBuf,
    /// The seed of the province that the six agencies answer from
    #[arg(long, default_value_t = 2018)]
    seed: u64,
    /// Let the system choose the ports
    #[arg(long)]
    any_port: bool,
    /// FAULT from the start: outage, delay:2s, jitter:500ms, errors:50 (of a thousand), html, truncated, wrong-person,
    /// missing-fields; several joined by `+`
    #[arg(long, value_name = "FAULTS")]
    fault: Option<String>,
}

#[derive(Debug, Args)]
struct TaxAdapterArguments {
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1:7505")]
    listen: SocketAddr,
    /// The bureau's service
    #[arg(long, default_value = "https://127.0.0.1:7515/TaxService")]
    upstream: String,
    /// The bureau's authority, PEM
    #[arg(long, value_name = "FILE")]
    upstream_ca: PathBuf,
    /// File with the bureau's password
    #[arg(long, value_name = "FILE")]
    password: PathBuf,
    /// The adapter's certificate chain, PEM
    #[arg(long, value_name = "FILE")]
    certificate: PathBuf,
    /// The adapter's private key, PEM
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Authority of the gateways that may ask, PEM
    #[arg(long, value_name = "FILE")]
    client_ca: PathBuf,
}

/// Runs until Ctrl-C.
///
/// # Errors
/// When certificates or secrets cannot be read, or an address is taken.
pub async fn run(arguments: Simulate) -> anyhow::Result<ExitCode> {
    match arguments.command {
        Some(Commands::TaxAdapter(arguments)) => run_tax_adapter(arguments).await,
        Some(Commands::InstitutionRegister(arguments)) => run_register(arguments).await,
        None => run_province(arguments.province).await,
    }
}

async fn run_province(arguments: ProvinceArguments) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let simulation = simulate::start(SimulationConfig {
        people: arguments.people,
        seed: arguments.seed,
        fixed_ports: !arguments.any_port,
        pki: arguments.pki,
        secrets: arguments.secrets,
        ..SimulationConfig::default()
    })
    .await?;
    for fault in &arguments.fault {
        let (agency, words) = fault.split_once('=').context("a fault is AGENCY=FAULT")?;
        ensure!(AGENCIES.iter().any(|(name, _)| *name == agency), "no agency is called `{agency}`");
        apply(&simulation.faults(agency), words)?;
    }
    let province = simulation.province();
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{} people, {} employers, {} homes in {:.2} s",
        province.population(),
        province.employer_count(),
        province.home_count(),
        began.elapsed().as_secs_f64()
    )?;
    for (agency, address) in simulation.addresses() {
        writeln!(out, "{agency:<18} {address}  {}", protocol(&agency))?;
    }
    writeln!(
        out,
        "{:<18} {}  gRPC (heyan.adapter.v1), mutual TLS",
        "tax adapter",
        simulation.tax_adapter()
    )?;
    writeln!(
        out,
        "{:<18} http://{}  GET / · POST /faults/AGENCY",
        "switchboard",
        simulation.control()
    )?;
    writeln!(out, "a couple to ask about (heyan query M2): {}", couple(province))?;
    writeln!(out, "Ctrl-C ends it")?;
    drop(out);
    tokio::signal::ctrl_c().await?;
    simulation.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// The sample couple, as arguments of `heyan query`.
pub(super) fn couple(province: &Province) -> String {
    let argument = |role: &str, index: u32| {
        let number = province.person(index).map(|person| person.number()).unwrap_or_default();
        format!("--{role} '{}/{number}'", province.name(index))
    };
    format!("{} {}", argument("person", samples::HUSBAND), argument("spouse", samples::WIFE))
}

fn protocol(agency: &str) -> &'static str {
    match agency {
        "police" => "SOAP 1.1 over TLS",
        "social-security" => "PostgreSQL wire over TLS",
        "housing" => "forms over TLS",
        "tax" => "XML over TLS",
        _ => "JSON over TLS",
    }
}

fn apply(faults: &Faults, words: &str) -> anyhow::Result<()> {
    words.split('+').try_for_each(|word| faults.apply(word).map_err(Into::into))
}

async fn run_register(arguments: RegisterArguments) -> anyhow::Result<ExitCode> {
    let mut config = RegisterConfig {
        seed: arguments.seed,
        pki: arguments.pki.join(institution_register::NAME),
        secret: arguments.secret,
        ..RegisterConfig::default()
    };
    if arguments.any_port {
        config.listen.set_port(0);
        config.control.set_port(0);
    }
    let register = institution_register::start(config).await?;
    if let Some(words) = &arguments.fault {
        apply(register.faults(), words)?;
    }
    tell_register(&register);
    tokio::signal::ctrl_c().await?;
    register.stop().await;
    Ok(ExitCode::SUCCESS)
}

fn tell_register(register: &InstitutionRegister) {
    let (name, institutions) = (institution_register::NAME, register.institutions().count());
    say!("{name}  {}  JSON over TLS, {institutions} institutions", register.address());
    say!("switchboard           http://{}  GET / · POST /faults/{name}", register.control());
    for wanted in [true, false] {
        if let Some((uscc, known_as, _)) =
            register.institutions().find(|(.., active)| *active == wanted)
        {
            let state = if wanted { "in being" } else { "abolished or deregistered" };
            say!("{state}: --employer '{known_as}/{uscc}'");
        }
    }
    say!("Ctrl-C ends it");
}

async fn run_tax_adapter(arguments: TaxAdapterArguments) -> anyhow::Result<ExitCode> {
    let adapter = tax_adapter::start(TaxAdapterConfig {
        listen: arguments.listen,
        certificate: arguments.certificate,
        key: arguments.key,
        client_authority: arguments.client_ca,
        upstream: arguments.upstream,
        upstream_authority: arguments.upstream_ca,
        password: arguments.password,
    })
    .await?;
    say!("tax adapter on {}; Ctrl-C ends it", adapter.address);
    tokio::signal::ctrl_c().await?;
    adapter.stop().await;
    Ok(ExitCode::SUCCESS)
}
