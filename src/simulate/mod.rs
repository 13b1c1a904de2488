//! Six simulated agencies over their real protocols, in front of one synthetic province.
//!
//! Nothing here is part of the gateway: it talks to these servers as it would to the real ones, through the manifests in
//! `config-example/adapters/`. Credentials are really checked, clocks and secrets really expire, and every agency can be made
//! to fail while it runs. `docs/simulation.md` shows each wire on one page.

pub mod calendar;
pub mod clock;
pub mod faults;
pub mod institution_register;
pub mod numbers;
pub mod province;
pub mod random;
pub mod samples;
pub mod secrets;
pub mod tax_adapter;

mod agency;
mod civil_affairs;
mod control;
mod front_end;
mod housing;
mod market_regulation;
mod platform;
mod police;
pub(crate) mod postgres_wire;
mod serve_tls;
mod social_security;
mod tax;
mod tokens;
mod xml;

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use axum::Router;
use thiserror::Error;

use self::agency::Agency;
use self::clock::Clock;
use self::faults::Faults;
use self::province::{Province, ProvinceError};
use self::secrets::Secrets;
use self::serve_tls::{Identity, Tasks};
use self::tax_adapter::{TaxAdapterConfig, TaxAdapterServer};

/// The agencies, with the ports that the sample manifests name. Of the tax bureau it is the XML service's.
pub const AGENCIES: [(&str, u16); 6] = [
    ("police", 7501),
    ("civil-affairs", 7502),
    ("social-security", 7503),
    ("housing", 7504),
    ("tax", 7515),
    ("market-regulation", 7506),
];

/// The port at which the sample manifests look for the tax adapter.
pub const TAX_ADAPTER_PORT: u16 = 7505;
/// The port of the switchboard when `heyan simulate` runs by itself.
pub const CONTROL_PORT: u16 = 7500;

/// Why the simulation does not start.
#[derive(Debug, Error)]
pub enum SimulateError {
    /// The province cannot be drawn.
    #[error("the province cannot be made")]
    Province(#[from] ProvinceError),
    /// An address is taken, or not ours.
    #[error("cannot listen on {0}")]
    Bind(SocketAddr, #[source] io::Error),
    /// A certificate or key file.
    #[error("cannot read the PEM file `{path}`: run `heyan pki init` first", path = .0.display())]
    Pem(PathBuf, #[source] rustls::pki_types::pem::Error),
    /// Certificate and key do not fit, or are of a kind rustls does not take.
    #[error("the certificate or its key is not usable")]
    Tls(#[from] rustls::Error),
    /// No client could ever be accepted.
    #[error("no verifier for client certificates")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
    /// A secret's file.
    #[error("cannot read or write the secret `{path}`", path = .0.display())]
    Secret(PathBuf, #[source] io::Error),
    /// The machine has no randomness.
    #[error("the system gave no random bytes")]
    Random,
    /// The front-end database.
    #[error("the front-end database cannot be loaded")]
    Database(#[from] rusqlite::Error),
    /// The adapter's HTTP client.
    #[error("the tax adapter's client cannot be made")]
    Client(#[source] reqwest::Error),
    /// A fault was asked of an agency that does not exist.
    #[error("no agency is called `{0}`")]
    UnknownAgency(String),
}

/// What to simulate, and where.
#[derive(Clone, Debug)]
pub struct SimulationConfig {
    /// People in the province; a tenth as many employers. 200 to 2,000,000.
    pub people: u32,
    /// The same seed gives the same province.
    pub seed: u64,
    /// Loopback address of every server.
    pub host: IpAddr,
    /// The sample manifests' fixed ports; otherwise the system chooses, see [`Simulation::ports`].
    pub fixed_ports: bool,
    /// Folder with `ORGANISATION/{agency.pem, agency.key, ca.pem}`, as `heyan pki init` writes it.
    pub pki: PathBuf,
    /// Organisation whose gateway may ask the tax adapter.
    pub consumer: String,
    /// Folder of the shared secrets; missing ones are made.
    pub secrets: PathBuf,
}

impl Default for SimulationConfig {
    fn default() -> Self {
        Self {
            people: 100_000,
            seed: 2018,
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            fixed_ports: false,
            pki: PathBuf::from("pki"),
            consumer: "fund-centre".to_owned(),
            secrets: PathBuf::from("secrets"),
        }
    }
}

/// Six running agencies and the tax adapter. They stop when told to, or when this is dropped.
pub struct Simulation {
    province: Arc<Province>,
    clock: Clock,
    agencies: BTreeMap<&'static str, (Agency, SocketAddr)>,
    tax_adapter: TaxAdapterServer,
    control: SocketAddr,
    tasks: Tasks,
}

/// Draws the province and starts every server.
///
/// # Errors
/// When certificates or secrets cannot be read, an address is taken, or the size of the province is out of bounds.
pub async fn start(config: SimulationConfig) -> Result<Simulation, SimulateError> {
    let clock = Clock::default();
    let province = Arc::new(Province::generate(config.seed, config.people, clock.today())?);
    let secrets = Arc::new(Secrets::open(&config.secrets)?);
    let tasks = Tasks::default();
    let mut agencies = BTreeMap::new();
    for (name, port) in AGENCIES {
        let agency = Agency::new(Arc::clone(&province), Arc::clone(&secrets), clock.clone());
        let port = if config.fixed_ports { port } else { 0 };
        let (listener, address) = serve_tls::bind(SocketAddr::new(config.host, port)).await?;
        let identity = identity(&config.pki, name);
        agencies.insert(name, (agency.clone(), address));
        let routes: Router = match name {
            "police" => police::routes(agency.clone()),
            "civil-affairs" => civil_affairs::routes(agency.clone()),
            "housing" => housing::routes(agency.clone()),
            "tax" => tax::routes(agency.clone()),
            "market-regulation" => market_regulation::routes(agency.clone()),
            _ => {
                let tls = serve_tls::tls(&identity, &[b"postgresql"])?;
                social_security::serve(&tasks, listener, tls, agency)?;
                continue;
            }
        };
        // City systems are as old as they are: somebody has to answer over HTTP/1.1 alone, so that this way is gone too.
        let alpn: &[&[u8]] = if name == "housing" { &[b"http/1.1"] } else { &[b"h2", b"http/1.1"] };
        let tls = serve_tls::tls(&identity, alpn)?;
        serve_tls::serve(&tasks, listener, tls, agency.faults, routes);
    }
    let bureau = agencies.get("tax").map_or(0, |(_, address)| address.port());
    let tax_adapter = tax_adapter::start(adapter_config(&config, bureau)).await?;
    let port = if config.fixed_ports { CONTROL_PORT } else { 0 };
    let (listener, control) = serve_tls::bind(SocketAddr::new(config.host, port)).await?;
    serve_tls::serve_plain(&tasks, listener, control::routes(agencies.clone()));
    Ok(Simulation { province, clock, agencies, tax_adapter, control, tasks })
}

fn identity(pki: &Path, organisation: &str) -> Identity {
    let folder = pki.join(organisation);
    Identity {
        certificate: folder.join("agency.pem"),
        key: folder.join("agency.key"),
        client_authority: None,
    }
}

fn adapter_config(config: &SimulationConfig, bureau: u16) -> TaxAdapterConfig {
    let tax = config.pki.join("tax");
    let port = if config.fixed_ports { TAX_ADAPTER_PORT } else { 0 };
    TaxAdapterConfig {
        listen: SocketAddr::new(config.host, port),
        certificate: tax.join("agency.pem"),
        key: tax.join("agency.key"),
        client_authority: config.pki.join(&config.consumer).join("ca.pem"),
        upstream: format!("https://{}/TaxService", SocketAddr::new(config.host, bureau)),
        upstream_authority: tax.join("ca.pem"),
        password: config.secrets.join("tax-password"),
    }
}

impl Simulation {
    /// The province that all six agencies answer from.
    pub fn province(&self) -> &Province {
        &self.province
    }

    /// The clock of all six agencies.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Where each agency listens; of the tax bureau, its XML service.
    pub fn addresses(&self) -> BTreeMap<String, SocketAddr> {
        let each = self.agencies.iter();
        each.map(|(name, (_, address))| ((*name).to_owned(), *address)).collect()
    }

    /// Where the gRPC adapter in front of the tax bureau listens.
    pub fn tax_adapter(&self) -> SocketAddr {
        self.tax_adapter.address
    }

    /// Where the switchboard listens.
    pub fn control(&self) -> SocketAddr {
        self.control
    }

    /// Ports of the sample manifests, each with the one that is really listened on.
    pub fn ports(&self) -> Vec<(u16, u16)> {
        let real = |name| self.agencies.get(name).map_or(0, |(_, address)| address.port());
        let agencies = AGENCIES.into_iter().map(|(name, port)| (port, real(name)));
        agencies.chain([(TAX_ADAPTER_PORT, self.tax_adapter.address.port())]).collect()
    }

    /// How many questions reached the agency so far, wrong credentials included and logins not; 0 for an unknown name.
    pub fn asked(&self, agency: &str) -> u64 {
        self.agencies.get(agency).map_or(0, |(agency, _)| agency.asked())
    }

    /// The agency's fault switches; those of nobody for an unknown name.
    pub fn faults(&self, agency: &str) -> Faults {
        self.agencies.get(agency).map_or_else(Faults::default, |(agency, _)| agency.faults.clone())
    }

    /// Disputes that the agency took by a call, oldest first; only civil affairs and the police do.
    pub fn disputes(&self, agency: &str) -> Vec<serde_json::Value> {
        let agency = self.agencies.get(agency);
        let taken = agency.map(|(agency, _)| agency.disputes.lock());
        let taken = taken.map(|taken| taken.unwrap_or_else(PoisonError::into_inner));
        taken.map(|taken| taken.values().cloned().collect()).unwrap_or_default()
    }

    /// Stops every server and waits until the last connection has ended.
    pub async fn stop(self) {
        self.tasks.stop.cancel();
        self.tasks.tracker.close();
        self.tasks.tracker.wait().await;
        self.tax_adapter.stop().await;
    }
}

impl Drop for Simulation {
    fn drop(&mut self) {
        self.tasks.stop.cancel();
    }
}

#[cfg(test)]
mod tests;
