//! `heyan serve`: put the parts together, open the door, drain when told to stop.

use std::mem::take;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use arc_swap::ArcSwap;
use clap::Args;
use metrics::gauge;
use metrics_exporter_prometheus::PrometheusHandle;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::service::Routes;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{health, spare};
use crate::accounts::Accounts;
use crate::adapters::Allowed;
use crate::admin::{self, AdminState};
use crate::audit::entry::{Entry, Kind, NodeChange, NodeEvent};
use crate::audit::file::Description;
use crate::audit::summary::Summary;
use crate::audit::{self, Audit, AuditError};
use crate::cache::AnswerCache;
use crate::clock::now;
use crate::crypto::{CosigningKey, SigningKey};
use crate::gateway::disputes::{self, Disputes};
use crate::gateway::in_force::{InForce, Journal, Reading, Sources};
use crate::gateway::ledger::Ledger;
use crate::gateway::{self, Gateway, Parts};
use crate::identity::Chains;
use crate::listener::{self, Desk, Listener, tls_terms};
use crate::parties::Register;
use crate::query::time::Timestamp;
use crate::service::{self, BatchLimits, Services};
use crate::settings::Settings;
use crate::telemetry;
use crate::vault::history::History;
use crate::vault::master::{Master, Power};
use crate::vault::{KeyFolder, Keys, Vault};
use crate::workers::{self, Worker, Workers};

/// Agreements read between two lines of the log: one in about two seconds.
const TOLD_EVERY: usize = 10_000;

/// Changes, and agreements that end, named in the log at once; the rest is a number.
const TOLD_MOST: usize = 100;

/// Arguments of `heyan serve`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heyan serve --config /etc/heyan/gateway.toml\n  \
    HEYAN__LISTEN=0.0.0.0:7443 heyan serve --config gateway.toml\n\n\
    SIGTERM drains and stops. SIGHUP reads certificates, parties, agreements, orders and adapters again.")]
pub struct Serve {
    /// The settings file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// When anything that must be right at start is not; each finding is printed.
pub async fn run(command: Serve) -> anyhow::Result<ExitCode> {
    let settings = Settings::read(&command.config, std::env::vars()).map_err(|findings| {
        let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("the settings cannot be used\n  {}", lines.join("\n  "))
    })?;
    telemetry::install_logging(&settings.telemetry)?;
    let metrics = telemetry::install_metrics()?;
    // Before the log is read, which may take long: until somebody listens for it, SIGHUP ends the process.
    let mut hang_up = signal(SignalKind::hangup())?;
    let node = Node::start(settings, &metrics).await?;
    tracing::info!(address = %node.address, admin = %node.admin, "serving");

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    loop {
        tokio::select! {
            _ = hang_up.recv() => node.reload().await,
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        }
    }
    tracing::info!("draining");
    node.stop().await?;
    Ok(ExitCode::SUCCESS)
}

/// The front door, and where its certificate comes from.
struct Door {
    listener: Arc<Listener>,
    settings: Settings,
    gateway: Arc<Gateway>,
}

impl Door {
    /// Reads certificate and key again, and takes the authorities from the register in force.
    fn renew(&self) {
        match front_door(&self.settings, &self.gateway.in_force().register) {
            Ok(terms) => self.listener.tls.store(terms),
            Err(error) => tracing::error!(%error, "the certificate was not reloaded"),
        }
    }

    /// Renews whenever something came into force, whoever asked for that: a party entered over the wire must be able
    /// to connect.
    async fn follow(self: Arc<Self>, stop: CancellationToken) {
        while stop.run_until_cancelled(self.gateway.turned_over()).await.is_some() {
            self.renew();
        }
    }
}

/// A running gateway.
pub struct Node {
    /// Where callers connect.
    pub address: SocketAddr,
    /// Loopback: health, readiness, metrics.
    pub admin: SocketAddr,
    gateway: Arc<Gateway>,
    door: Arc<Door>,
    stop: CancellationToken,
    /// The acceptor and the loopback server.
    servers: TaskTracker,
    /// Questions under way.
    questions: TaskTracker,
    /// Last, for whatever ends ends on its own thread.
    _workers: Workers,
}

impl Node {
    /// Reads, checks, opens the log, records what comes into force, then opens the door.
    ///
    /// # Errors
    /// What could not be read, bound or recorded.
    pub async fn start(settings: Settings, metrics: &PrometheusHandle) -> anyhow::Result<Self> {
        let gateway = Arc::new(open_gateway(&settings).await?);
        let questions = TaskTracker::new();
        let stop = CancellationToken::new();
        let socket = TcpListener::bind(settings.listen)
            .await
            .with_context(|| format!("cannot listen on {}", settings.listen))?;
        let admin_socket = TcpListener::bind(settings.admin)
            .await
            .with_context(|| format!("cannot listen on {}", settings.admin))?;
        let (address, admin) = (socket.local_addr()?, admin_socket.local_addr()?);

        let (reporter, health_service) = tonic_health::server::health_reporter();
        let services = services(&settings, &gateway, &questions, &stop);
        let workers = Workers::start(threads(&settings)).context("no threads to answer with")?;
        let desk = |worker: &Worker| {
            let _there = worker.runtime().enter();
            let routes = routes(&settings, &services.on_this_runtime())?;
            let routes = routes.add_service(health_service.clone()).prepare();
            Ok(Desk { worker: worker.clone(), routes })
        };
        let desks: anyhow::Result<Vec<Desk>> = workers.all().iter().map(desk).collect();
        let listener = Arc::new(open_door(&settings, &gateway, desks?)?);
        let servers = TaskTracker::new();
        servers.spawn(Arc::clone(&listener).serve(socket, stop.clone()));
        let (ready, readiness) = watch::channel(Ok(()));
        servers.spawn(health::watch(Arc::clone(&gateway), ready, reporter, stop.clone()));
        let state = AdminState::new(readiness, metrics.clone());
        let state = match settings.log.serve_tiles {
            true => state.with_log(gateway.audit().clone()),
            false => state,
        };
        let admin_stop = stop.clone();
        servers.spawn(async move {
            if let Err(error) = admin::serve(admin_socket, state, admin_stop).await {
                tracing::error!(error = &error as &dyn std::error::Error, "the admin port failed");
            }
        });
        let door = Arc::new(Door { listener, settings, gateway: Arc::clone(&gateway) });
        servers.spawn(Arc::clone(&door).follow(stop.clone()));
        servers.spawn(Arc::clone(&gateway).tend_disputes(stop.clone(), now));
        servers.spawn(spare::give_back_often(stop.clone()));
        Ok(Self { address, admin, gateway, door, stop, servers, questions, _workers: workers })
    }

    /// Reads certificates, parties, agreements, orders and adapters again. What is bad keeps its last good version.
    pub async fn reload(&self) {
        let reloaded = self.gateway.reload(now).await;
        tell_changes(&reloaded.changes, "reloaded");
        warn_of_ends(&self.gateway.in_force(), now());
        warn_of_manifests(&self.gateway.in_force());
        for finding in &reloaded.findings {
            tracing::error!(%finding, "not reloaded");
        }
        self.door.renew();
    }

    /// The gateway inside.
    pub fn gateway(&self) -> &Arc<Gateway> {
        &self.gateway
    }

    /// Refuses new connections, lets questions under way finish, records the stop, closes the log.
    ///
    /// # Errors
    /// When the log could not record the stop.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.stop.cancel();
        self.servers.close();
        self.servers.wait().await;
        self.questions.close();
        self.questions.wait().await;
        self.gateway.in_force().adapters.end().await;
        let audit = self.gateway.audit();
        audit.append(node_event(NodeChange::Stopped, now())).await?;
        audit.clone().close().await;
        Ok(())
    }
}

/// The folders that these settings name.
pub fn sources(settings: &Settings) -> Sources {
    Sources {
        parties: settings.parties.clone(),
        catalogue: settings.catalogue.clone(),
        agreements: settings.agreements.clone(),
        orders: settings.orders.clone(),
        adapters: settings.adapters.clone(),
        allowed: Allowed {
            secrets: Some(settings.manifests.secrets.clone()),
            programs: settings.manifests.programs,
            queues: Some(settings.manifests.queues.clone()),
        },
    }
}

/// Opens the log for writing. Comes with what its entries add up to.
fn open_log(settings: &Settings) -> anyhow::Result<(Audit, Summary)> {
    let key = SigningKey::read(&settings.log.key)?;
    let cosigner_key = &settings.log.cosigner_key;
    let cosigner = match cosigner_key.as_os_str().is_empty() {
        true => None,
        false => Some(Arc::new(CosigningKey::read(cosigner_key)?)),
    };
    let log = audit::Settings {
        cosigner,
        segment_bytes: settings.log.segment_bytes,
        publish_every: settings.log.publish_every,
        queue: settings.limits.log_queue,
        reread_at_start: settings.log.reread_at_start,
        witness: Some(settings.log.witness.clone()).filter(|path| !path.as_os_str().is_empty()),
    };
    Audit::resume(&settings.log.folder, Arc::new(key), &log, &mut |_, _| {})
        .with_context(|| format!("the log in {} cannot be opened", settings.log.folder.display()))
}

/// Opens the log, rebuilds what is counted from it, and records what comes into force.
async fn open_gateway(settings: &Settings) -> anyhow::Result<Gateway> {
    let at = now();
    let (audit, mut summary) = open_log(settings)?;
    let mut journal = Journal::resume(&audit, &summary)?;
    let ledger = Ledger::resume(&summary);
    let (history, contested) = (take(&mut summary.vault), take(&mut summary.disputes));
    // Agreements are read into the memory that the rest of it took.
    drop(summary);
    let sources = sources(settings);
    let (in_force, findings) = InForce::read(&Reading {
        sources: &sources,
        at,
        journal: &journal,
        previous: None,
        progress: &|done, all| {
            if done > 0 && done.is_multiple_of(TOLD_EVERY) {
                tracing::info!(done, all, "reading agreements");
            }
        },
    });
    for finding in &findings {
        tracing::error!(%finding, "refused");
    }
    let Some(mut in_force) = in_force else {
        let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
        bail!("parties and catalogue must be right\n  {}", lines.join("\n  "));
    };
    spare::give_back();
    let vault = open_vault(settings, history)?;
    let disputes = Disputes::resume(
        &disputes::Settings {
            folder: settings.disputes.folder.clone(),
            look_every: settings.disputes.look_every,
            opened_per_day: settings.disputes.opened_per_day,
        },
        &audit,
        &contested,
    )?;
    audit.append(node_event(NodeChange::Started, at)).await?;
    if let Some(vault) = &vault {
        // Better now than with the first question.
        vault.ready(at, &audit).await.context("the vault cannot be used")?;
    }
    let findings = in_force.begin().await;
    findings.iter().for_each(|finding| tracing::error!(%finding, "not started"));
    let done = journal.record(&audit, &mut in_force, at).await?;
    for finding in &done.findings {
        tracing::error!(%finding, "refused");
    }
    tell_changes(&done.words, "in force");
    warn_of_ends(&in_force, at);
    warn_of_manifests(&in_force);
    drop(done);
    spare::give_back();
    Ok(Gateway::new(Parts {
        in_force,
        sources,
        journal,
        ledger,
        cache: AnswerCache::new(settings.cache.bytes)?,
        audit,
        vault,
        disputes,
        limits: gateway::Limits {
            deadline_default: settings.limits.deadline_default,
            deadline_margin: settings.limits.deadline_margin,
            request_id_window: settings.limits.request_id_window,
            request_id_entries: settings.limits.request_id_entries,
            request_id_bytes: settings.limits.request_id_bytes,
        },
    }))
}

/// Names changes, of very many the first.
fn tell_changes(changes: &[String], what: &'static str) {
    for change in changes.iter().take(TOLD_MOST) {
        tracing::info!(change, "{what}");
    }
    if let Some(more) = changes.len().checked_sub(TOLD_MOST).filter(|more| *more > 0) {
        tracing::info!(more, "{what}");
    }
}

/// Names agreements that end soon or have ended, of very many the first.
fn warn_of_ends(in_force: &InForce, at: Timestamp) {
    let ending = in_force.ending(at);
    for ending in ending.iter().take(TOLD_MOST) {
        tracing::warn!("{ending}");
    }
    if let Some(more) = ending.len().checked_sub(TOLD_MOST).filter(|more| *more > 0) {
        tracing::warn!(more, "agreements end soon or have ended");
    }
}

/// Names what manifests should be mended for in time, of very many the first.
fn warn_of_manifests(in_force: &InForce) {
    for warning in in_force.adapters.warnings().take(TOLD_MOST) {
        tracing::warn!("{warning}");
    }
}

/// The vault, when it is on.
fn open_vault(settings: &Settings, history: History) -> anyhow::Result<Option<Vault>> {
    let Some(keys) = vault_keys(settings)? else { return Ok(None) };
    if let Some(erasure) = history.unfinished() {
        tracing::warn!(
            erasure,
            "an erasure was interrupted: stop, and run the same `heyan audit erase` again"
        );
    }
    let vault = Vault::new(keys, &settings.vault.keys, history);
    vault.map(Some).context("the vault cannot be used")
}

/// The vault's keys, when it is on.
///
/// # Errors
/// When a key or the log's description cannot be read.
pub fn vault_keys(settings: &Settings) -> anyhow::Result<Option<Keys>> {
    if !settings.vault.is_on() {
        return Ok(None);
    }
    let log = &settings.log.folder;
    let description = Description::read(log)?.ok_or_else(|| AuditError::Missing(log.clone()))?;
    let folder = KeyFolder::new(&settings.vault.keys, &description.origin);
    let open = Master::read(&settings.vault.key, Power::Open)?;
    let find = Master::read(&settings.vault.subject_key, Power::Find)?;
    Ok(Some(Keys::new(folder, open, find)))
}

fn node_event(change: NodeChange, at: Timestamp) -> Entry {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    Entry { at, kind: Kind::Node(NodeEvent { change, version }) }
}

/// How many threads answer.
fn threads(settings: &Settings) -> usize {
    match settings.threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from).min(workers::MOST),
        chosen => chosen,
    }
}

fn services(
    settings: &Settings,
    gateway: &Arc<Gateway>,
    questions: &TaskTracker,
    stop: &CancellationToken,
) -> Services {
    let limits = &settings.limits;
    let limits = service::Limits {
        in_flight: limits.in_flight,
        processor_wait: limits.processor_wait,
        patient_percent: limits.patient_percent,
        cases: limits.cases,
        cases_per_caller: limits.cases_per_caller,
        case_deadline: limits.case_deadline,
        application_age: limits.application_age,
        disputes: settings.disputes.calls,
        disputes_per_caller: settings.disputes.calls_per_caller,
        batch: BatchLimits {
            in_flight: limits.batch_in_flight,
            deadline: limits.batch_deadline,
            asking: limits.deadline_default,
        },
    };
    Services::new(Arc::clone(gateway), limits, questions.clone(), stop.clone())
}

/// What is served behind the door, but for health.
fn routes(settings: &Settings, services: &Services) -> anyhow::Result<Routes> {
    let routes = services.routes(settings.limits.message_bytes);
    if !settings.reflection {
        return Ok(routes);
    }
    // Version 1, and the alpha version that clients of other makes still speak.
    let described = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(crate::proto::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    Ok(routes.add_service(described().build_v1()?).add_service(described().build_v1alpha()?))
}

fn open_door(
    settings: &Settings,
    gateway: &Arc<Gateway>,
    desks: Vec<Desk>,
) -> anyhow::Result<Listener> {
    let (chains, known) = (Chains::new(&settings.trust.domain), Arc::clone(gateway));
    let accounts = Accounts::default();
    Ok(Listener {
        tls: ArcSwap::new(front_door(settings, &gateway.in_force().register)?),
        read_peer: Box::new(move |chain| {
            let register = Arc::clone(&known.in_force().register);
            let peer = chains.read(chain, &register, now()).ok()?;
            Some(peer.counted_in(&accounts, &register))
        }),
        desks,
        limits: listener::Limits {
            connections: settings.limits.connections,
            handshakes: settings.limits.handshakes,
            handshake_timeout: settings.limits.handshake_timeout,
            streams_per_connection: settings.limits.streams_per_connection,
            header_bytes: settings.limits.header_bytes,
            drain_timeout: settings.limits.drain_timeout,
        },
    })
}

/// The TLS terms of these settings, with the register's authorities.
///
/// # Errors
/// When certificate or key cannot be read or do not fit.
pub fn front_door(settings: &Settings, register: &Register) -> anyhow::Result<Arc<ServerConfig>> {
    let certificate = &settings.tls.certificate;
    let chain: Vec<_> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| anyhow::anyhow!("{}: {error}", certificate.display()))?;
    if let Some(leaf) = chain.first()
        && let Ok((_, parsed)) = X509Certificate::from_der(leaf)
    {
        let expires = parsed.validity().not_after.timestamp();
        gauge!(telemetry::CERTIFICATE_EXPIRES).set(expires as f64);
    }
    crate::crypto::refuse_exposed(&settings.tls.key)?;
    let key = PrivateKeyDer::from_pem_file(&settings.tls.key)
        .map_err(|error| anyhow::anyhow!("{}: {error}", settings.tls.key.display()))?;
    Ok(tls_terms(register, chain, key)?)
}
