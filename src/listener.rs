//! Accept: TLS 1.3 with a client certificate, HTTP/2 with limits, and a drain that loses nothing.
//!
//! The acceptor is ours so that every connection's certificate is read once and every limit has a name; from the first
//! HTTP/2 frame on, hyper and tonic do the work.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use arc_swap::ArcSwap;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use metrics::{counter, gauge};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::{CancellationToken, PollSemaphore};
use tokio_util::task::TaskTracker;
use tonic::service::Routes;
use tower::ServiceExt;

use crate::identity::Peer;
use crate::parties::Register;
use crate::telemetry;
use crate::workers::Worker;

/// Limits of the front door.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at once; one more is closed before its handshake.
    pub connections: usize,
    /// Steps of handshakes worked on at once; one more waits, and its wait is part of its time.
    pub handshakes: usize,
    /// For a handshake; also for the answer to a keep-alive probe.
    pub handshake_timeout: Duration,
    /// Concurrent calls on one connection.
    pub streams_per_connection: u32,
    /// All header fields of one call, bytes.
    pub header_bytes: u32,
    /// For calls under way at drain.
    pub drain_timeout: Duration,
}

/// Silence after which a connection is probed: below the idle limits of usual firewalls.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Why the front door cannot open.
#[derive(Debug, Error)]
pub enum ListenerError {
    /// No authority of any party can be used.
    #[error("no party's authority can be used to check client certificates")]
    NoAuthority(#[source] rustls::server::VerifierBuilderError),
    /// Certificate and key do not fit, or neither is usable.
    #[error("the server certificate and its key cannot be used together")]
    Certificate(#[source] rustls::Error),
}

/// TLS terms: version 1.3 only, a client certificate from some party's authority, HTTP/2.
///
/// # Errors
/// When certificate, key or authorities cannot be used.
pub fn tls_terms(
    register: &Register,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ServerConfig>, ListenerError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    let authorities = register.organisations().flat_map(|organisation| &organisation.authorities);
    roots.add_parsable_certificates(authorities.map(|authority| authority.certificate.clone()));
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            // Their names would be in every handshake: with hundreds of parties many kilobytes, told to whoever connects.
            .clear_root_hint_subjects()
            .build()
            .map_err(ListenerError::NoAuthority)?;
    let mut terms = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(ListenerError::Certificate)?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(ListenerError::Certificate)?;
    terms.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(terms))
}

/// Reads the certificate chain of a new connection; `None` when it cannot be read.
pub type ReadPeer = Box<dyn Fn(&[CertificateDer<'_>]) -> Option<Peer> + Send + Sync>;

/// What a connection needs to know beside its socket.
pub struct Listener {
    /// TLS terms; replaced on reload, new connections see the new ones.
    pub tls: ArcSwap<ServerConfig>,
    /// Reads a certificate chain against the register in force.
    pub read_peer: ReadPeer,
    /// Who answers behind the door. Never none.
    pub desks: Vec<Desk>,
    /// Limits.
    pub limits: Limits,
}

/// A thread that answers, and its services.
pub struct Desk {
    /// The thread.
    pub worker: Worker,
    /// Its services.
    pub routes: Routes,
}

impl Listener {
    /// Accepts until `stop`, then lets calls under way finish within the drain limit.
    pub async fn serve(self: Arc<Self>, socket: TcpListener, stop: CancellationToken) {
        let places = Arc::new(Semaphore::new(self.limits.connections));
        let steps = PollSemaphore::new(Arc::new(Semaphore::new(self.limits.handshakes)));
        let connections = TaskTracker::new();
        let draining = GracefulShutdown::new();
        let cut = CancellationToken::new();
        while let Some(accepted) = stop.run_until_cancelled(socket.accept()).await {
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of descriptors, mostly: waiting lets some close; returning would end the gateway.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                counter!(telemetry::SHED, "limit" => "connections").increment(1);
                continue;
            };
            // It leaves this runtime for that of the thread with the fewest connections.
            let Some(desk) = freest(&self.desks) else { return };
            let (Ok(stream), belongs) = (stream.into_std(), desk.worker.engage()) else { continue };
            let (listener, watcher) = (Arc::clone(&self), draining.watcher());
            let (cut, steps, routes) = (cut.clone(), steps.clone(), desk.routes.clone());
            gauge!(telemetry::CONNECTIONS).increment(1.0);
            let lasts = async move {
                if let Ok(stream) = TcpStream::from_std(stream) {
                    let lasts = listener.connection(stream, routes, steps, watcher);
                    cut.run_until_cancelled(lasts).await;
                }
                drop((place, belongs));
                gauge!(telemetry::CONNECTIONS).decrement(1.0);
            };
            connections.spawn_on(lasts, desk.worker.runtime());
        }
        drop(socket);
        connections.close();
        self.drain(draining, &connections).await;
        cut.cancel();
        connections.wait().await;
    }

    async fn drain(&self, draining: GracefulShutdown, connections: &TaskTracker) {
        let calls_end = async {
            draining.shutdown().await;
            connections.wait().await;
        };
        if timeout(self.limits.drain_timeout, calls_end).await.is_err() {
            tracing::warn!("the drain limit has passed; connections still open are cut");
        }
    }

    async fn connection(
        &self,
        stream: TcpStream,
        routes: Routes,
        steps: PollSemaphore,
        watcher: Watcher,
    ) {
        let Some((stream, peer)) = self.handshake(stream, steps).await else { return };
        let peer = Arc::new(peer);
        let lasts = peer.lasts();
        let routes = routes.map_request(move |mut request: http::Request<_>| {
            request.extensions_mut().insert(Arc::clone(&peer));
            request
        });
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(self.limits.streams_per_connection)
            .max_header_list_size(self.limits.header_bytes)
            .max_pending_accept_reset_streams(self.limits.streams_per_connection as usize)
            .keep_alive_interval(KEEPALIVE)
            .keep_alive_timeout(self.limits.handshake_timeout)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
        // The handshake looked at the certificate's dates once; a connection can be kept for years.
        match timeout(lasts, watcher.watch(connection)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "a connection ended"),
            Err(_) => tracing::info!("a connection was cut: its certificate has expired"),
        }
    }

    async fn handshake(
        &self,
        stream: TcpStream,
        steps: PollSemaphore,
    ) -> Option<(TlsStream<TcpStream>, Peer)> {
        // A question and its answer are small: waiting to fill a segment would only delay them.
        let _ = stream.set_nodelay(true);
        let acceptor = TlsAcceptor::from(self.tls.load_full());
        let shaking = InSteps { steps, whole: acceptor.accept(stream) };
        let stream = match timeout(self.limits.handshake_timeout, shaking).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                counter!(telemetry::HANDSHAKES_REFUSED, "reason" => "handshake").increment(1);
                tracing::info!(%error, "a handshake failed");
                return None;
            }
            Err(_) => {
                counter!(telemetry::HANDSHAKES_REFUSED, "reason" => "timeout").increment(1);
                return None;
            }
        };
        let peer = (self.read_peer)(stream.get_ref().1.peer_certificates()?)?;
        Some((stream, peer))
    }
}

/// The one whose thread has the fewest connections.
fn freest(desks: &[Desk]) -> Option<&Desk> {
    desks.iter().min_by_key(|desk| desk.worker.connections())
}

/// A handshake whose steps have turns, and not the whole of it: who stops in the middle of one keeps no turn from others,
/// while of a thousand that are ready few go on at once, with calls between them.
struct InSteps<F> {
    steps: PollSemaphore,
    whole: F,
}

impl<F: Future + Unpin> Future for InSteps<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let _turn = ready!(self.steps.poll_acquire(context));
        Pin::new(&mut self.whole).poll(context)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures_util::FutureExt as _;

    use super::*;
    use crate::workers::Workers;

    #[test]
    fn a_connection_belongs_to_the_thread_with_the_fewest() {
        let workers = Workers::start(3).unwrap();
        let desk = |worker: &Worker| Desk { worker: worker.clone(), routes: Routes::default() };
        let desks: Vec<Desk> = workers.all().iter().map(desk).collect();
        let mut held: Vec<_> = (0..6).map(|_| freest(&desks).unwrap().worker.engage()).collect();
        let connections = || desks.iter().map(|desk| desk.worker.connections()).collect::<Vec<_>>();
        assert_eq!(connections(), [2, 2, 2]);
        drop(held.remove(1));
        held.push(freest(&desks).unwrap().worker.engage());
        assert_eq!(connections(), [2, 2, 2], "the place that became free");
    }

    #[test]
    fn a_step_waits_for_its_turn_and_whoever_stops_in_the_middle_holds_none() {
        let turns = Arc::new(Semaphore::new(1));
        let mut steps_done = 0;
        let whole = poll_fn(|_| {
            steps_done += 1;
            assert_eq!(turns.available_permits(), 0, "a step without a turn");
            Poll::<()>::Pending
        });
        let mut shaking = InSteps { steps: PollSemaphore::new(Arc::clone(&turns)), whole };
        let other = Arc::clone(&turns).try_acquire_owned().unwrap();
        assert!((&mut shaking).now_or_never().is_none());
        drop(other);
        for _ in 0..2 {
            assert!((&mut shaking).now_or_never().is_none());
            assert_eq!(turns.available_permits(), 1);
        }
        drop(shaking);
        assert_eq!(steps_done, 2);
    }
}
