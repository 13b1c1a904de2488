//! Accepts TCP, speaks TLS, serves HTTP: the one accept loop of every simulated agency and of the tax adapter.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::SimulateError;
use super::faults::Faults;

/// A client that has not finished its TLS handshake by then is dropped.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// Pause after a failed accept (no file descriptors left, say), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Certificate and key of one server, and who may connect.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    /// Certificate chain, PEM.
    pub(super) certificate: PathBuf,
    /// Private key, PEM.
    pub(super) key: PathBuf,
    /// Authority that clients must be certified by; `None` admits everybody.
    pub(super) client_authority: Option<PathBuf>,
}

/// Reads the files of an identity. `alpn` lists what the server speaks, best first.
pub(super) fn tls(identity: &Identity, alpn: &[&[u8]]) -> Result<Arc<ServerConfig>, SimulateError> {
    let chain = certificates(&identity.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&identity.key)
        .map_err(|error| SimulateError::Pem(identity.key.clone(), error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    let builder = match &identity.client_authority {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let roots = Arc::new(authority(path)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build()?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder.with_single_cert(chain, key)?;
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    Ok(Arc::new(config))
}

/// The certificates of a PEM file; at least one.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, SimulateError> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| SimulateError::Pem(path.to_owned(), error))
}

/// The authorities of a PEM file.
pub(super) fn authority(path: &Path) -> Result<RootCertStore, SimulateError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate)?;
    }
    Ok(roots)
}

/// Opens a listening socket and tells its address.
pub(super) async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), SimulateError> {
    let failed = |error| SimulateError::Bind(address, error);
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// Tasks of the simulation and the word to stop them.
#[derive(Clone, Default)]
pub(super) struct Tasks {
    pub(super) tracker: TaskTracker,
    pub(super) stop: CancellationToken,
}

/// Serves HTTP/1.1 and HTTP/2 over TLS until told to stop. During an outage connections are dropped before TLS.
pub(super) fn serve(
    tasks: &Tasks,
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    faults: Faults,
    router: Router,
) {
    let acceptor = TlsAcceptor::from(tls);
    accept(tasks, listener, faults, move |stream| {
        let (acceptor, router) = (acceptor.clone(), router.clone());
        async move {
            let handshake = tokio::time::timeout(HANDSHAKE_LIMIT, acceptor.accept(stream));
            if let Ok(Ok(stream)) = handshake.await {
                serve_connection(stream, router).await;
            }
        }
    });
}

/// Serves plain HTTP: the control endpoint on the loopback.
pub(super) fn serve_plain(tasks: &Tasks, listener: TcpListener, router: Router) {
    accept(tasks, listener, Faults::default(), move |stream| {
        let router = router.clone();
        async move { serve_connection(stream, router).await }
    });
}

/// The accept loop: one tracked task per connection, each ended by the word to stop.
pub(super) fn accept<F, C>(tasks: &Tasks, listener: TcpListener, faults: Faults, connection: F)
where
    F: Fn(TcpStream) -> C + Send + 'static,
    C: Future<Output = ()> + Send + 'static,
{
    let tracker = tasks.tracker.clone();
    let stop = tasks.stop.clone();
    tasks.tracker.spawn(async move {
        loop {
            let accepted: io::Result<(TcpStream, SocketAddr)> = tokio::select! {
                () = stop.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            let Ok((stream, _)) = accepted else {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            if faults.is_out() {
                drop(stream);
                continue;
            }
            let _ = stream.set_nodelay(true);
            let (stop, work) = (stop.clone(), connection(stream));
            tracker.spawn(async move {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = work => {}
                }
            });
        }
    });
}

async fn serve_connection<S>(stream: S, router: Router)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // A client that breaks off is none of the agency's business.
    let _ = auto::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .await;
}
