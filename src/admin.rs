//! The loopback port: health, readiness and metrics, for the machine's own supervisor and collector; and the published
//! log as tiles, for whoever copies it from here to where others may read it.
//!
//! Nobody is asked who they are here, so it is bound on loopback only, knows no query and changes nothing.

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use crate::audit::Audit;
use crate::audit::tiles::Tile;
use crate::telemetry;

/// Tiles read at once: each keeps a thread busy with a disk that answers of the gateway need more.
const TILES_AT_ONCE: usize = 4;

/// Where the log's files stand.
const LOG: &str = "/log/";

/// A file that will never be another.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Whether calls should be sent here, or why not, in a few words for the operator.
pub type Readiness = Result<(), String>;

/// What the port tells.
#[derive(Clone)]
pub struct AdminState {
    readiness: watch::Receiver<Readiness>,
    metrics: Arc<PrometheusHandle>,
    log: Option<Audit>,
    readers: Arc<Semaphore>,
}

impl AdminState {
    /// Follows `readiness` and renders `metrics`.
    pub fn new(readiness: watch::Receiver<Readiness>, metrics: PrometheusHandle) -> Self {
        let readers = Arc::new(Semaphore::new(TILES_AT_ONCE));
        Self { readiness, metrics: Arc::new(metrics), log: None, readers }
    }

    /// Shows the published part of this log too.
    pub fn with_log(self, log: Audit) -> Self {
        Self { log: Some(log), ..self }
    }
}

/// Why the port is not served.
#[derive(Debug, Error)]
pub enum AdminError {
    /// Other machines could reach it.
    #[error("the admin port must be bound on loopback, not on `{0}`")]
    NotLoopback(std::net::SocketAddr),
    /// The socket failed.
    #[error("the admin port failed")]
    Socket(#[from] io::Error),
}

/// Serves `/healthz` (the process runs), `/readyz` (200, or 503 and why), `/metrics` and, with a log, `/log/checkpoint`
/// and `/log/tile/…` (c2sp.org/tlog-tiles) until `stop`; also keeps the collected samples small. Replies in progress when `stop` comes are finished.
///
/// # Errors
/// [`AdminError::NotLoopback`] at once; [`AdminError::Socket`] when the listener fails.
pub async fn serve(
    listener: TcpListener,
    state: AdminState,
    stop: CancellationToken,
) -> Result<(), AdminError> {
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        return Err(AdminError::NotLoopback(address));
    }
    let metrics = Arc::clone(&state.metrics);
    let router = Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(render))
        .route("/log/{*path}", get(published))
        .with_state(state);
    let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
    tokio::select! {
        served = served.into_future() => Ok(served?),
        () = keep_up(&metrics) => Ok(()),
    }
}

async fn readyz(State(state): State<AdminState>) -> (StatusCode, String) {
    match &*state.readiness.borrow() {
        Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n")),
    }
}

async fn render(State(state): State<AdminState>) -> impl IntoResponse {
    let text = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (text, state.metrics.render())
}

/// One file of the published log. The path is taken as it was sent: every file has one name.
async fn published(State(state): State<AdminState>, uri: Uri) -> Response {
    let Some(log) = state.log else { return absent() };
    let path = uri.path().strip_prefix(LOG).unwrap_or_default();
    if path == "checkpoint" {
        let headers = [
            (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
            (header::CACHE_CONTROL, "no-cache"),
        ];
        return (headers, log.published().checkpoint.clone()).into_response();
    }
    let Some(tile) = Tile::parse(path) else { return absent() };
    // Closed only when the program ends.
    let Ok(_turn) = state.readers.acquire().await else { return absent() };
    match tokio::task::spawn_blocking(move || log.tile(&tile)).await {
        Ok(Ok(Some(bytes))) => {
            let headers = [
                (header::CONTENT_TYPE, "application/octet-stream"),
                (header::CACHE_CONTROL, FOR_EVER),
            ];
            (headers, bytes).into_response()
        }
        Ok(Ok(None)) => absent(),
        Ok(Err(error)) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a tile of the log could not be read"
            );
            unreadable()
        }
        Err(_) => unreadable(),
    }
}

/// What is not there now may be there in a second.
fn absent() -> Response {
    let headers = [(header::CACHE_CONTROL, "no-store")];
    (StatusCode::NOT_FOUND, headers, "the published log has no such file\n").into_response()
}

fn unreadable() -> Response {
    let headers = [(header::CACHE_CONTROL, "no-store")];
    (StatusCode::INTERNAL_SERVER_ERROR, headers, "the log could not be read\n").into_response()
}

async fn keep_up(metrics: &PrometheusHandle) {
    let mut ticks = tokio::time::interval(telemetry::UPKEEP);
    loop {
        ticks.tick().await;
        metrics.run_upkeep();
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::task::JoinSet;

    use super::*;

    async fn get(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await.unwrap();
        reply
    }

    #[tokio::test]
    async fn tells_health_readiness_and_metrics_until_stopped() {
        let (readiness, receiver) = watch::channel(Err("the log is being read".to_owned()));
        let state = AdminState::new(receiver, telemetry::install_metrics().unwrap());
        metrics::counter!(telemetry::RELOADS, "result" => "admin_test").increment(1);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, state, stop.clone()));

        assert!(get(address, "/healthz").await.starts_with("HTTP/1.1 200"));
        let waiting = get(address, "/readyz").await;
        assert!(waiting.starts_with("HTTP/1.1 503"), "{waiting}");
        assert!(waiting.ends_with("not ready: the log is being read\n"), "{waiting}");
        readiness.send(Ok(())).unwrap();
        assert!(get(address, "/readyz").await.starts_with("HTTP/1.1 200"));
        let metrics = get(address, "/metrics").await;
        assert!(metrics.contains("heyan_reloads_total{result=\"admin_test\"} 1"), "{metrics}");
        assert!(get(address, "/nothing").await.starts_with("HTTP/1.1 404"));

        stop.cancel();
        tasks.join_next().await.unwrap().unwrap().unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn refuses_to_be_reached_from_outside() {
        let (_readiness, receiver) = watch::channel(Ok(()));
        let state = AdminState::new(receiver, telemetry::install_metrics().unwrap());
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let refused = serve(listener, state, CancellationToken::new()).await;
        assert!(matches!(refused, Err(AdminError::NotLoopback(_))));
    }
}
