//! New connections: full handshakes and resumed ones, both sides with certificates, against a server that is rustls and
//! nothing else.
//!
//! A handshake counts when the server's first bytes of HTTP/2 have come: only then has it accepted the certificate.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ServerConfig, WebPkiClientVerifier};
use rustls::{HandshakeKind, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use super::Contender;

/// Connections that are being made at any moment: enough that the server never waits for one.
const AT_ONCE: usize = 16;

/// Before each measurement.
const WARM_UP: Duration = Duration::from_millis(300);

/// An empty SETTINGS frame: what an HTTP/2 server says first.
const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];

/// What a client says first.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// One measurement.
#[derive(Clone, Copy)]
pub(crate) struct Sample {
    /// Handshakes a second.
    pub(crate) rate: f64,
    /// CPU time of the server for each.
    pub(crate) cpu_micros: Option<f64>,
    /// Share of them that went on from an earlier one.
    pub(crate) resumed: f64,
}

/// Makes connections for `length`, each with a whole handshake or each resumed where the server lets it.
pub(crate) async fn measure(
    contender: &Contender,
    resumes: bool,
    length: Duration,
) -> anyhow::Result<Sample> {
    run(contender, resumes, WARM_UP).await?;
    let (cpu_before, started) = (contender.server.cpu()?, Instant::now());
    let (made, resumed) = run(contender, resumes, length).await?;
    let (cpu, elapsed) = (contender.server.cpu()?, started.elapsed());
    let used = cpu.zip(cpu_before).map(|(after, before)| after.saturating_sub(before));
    Ok(Sample {
        rate: made as f64 / elapsed.as_secs_f64(),
        cpu_micros: used.map(|used| used.as_secs_f64() * 1e6 / made as f64),
        resumed: resumed as f64 / made as f64,
    })
}

/// Handshakes, and how many of them were resumed.
async fn run(contender: &Contender, resumes: bool, length: Duration) -> anyhow::Result<(u64, u64)> {
    let end = Instant::now() + length;
    let (made, resumed) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut tasks = JoinSet::new();
    for _ in 0..AT_ONCE {
        // Each has a store of its own, so that it finds the ticket of its own last connection.
        let resumption =
            if resumes { Resumption::in_memory_sessions(4) } else { Resumption::disabled() };
        let terms = contender.caller.terms(resumption)?;
        let (caller, address) = (contender.caller.clone(), contender.server.address().to_owned());
        let (made, resumed) = (Arc::clone(&made), Arc::clone(&resumed));
        tasks.spawn(async move {
            while Instant::now() < end {
                let mut stream = caller.reach(&address, &terms).await?;
                stream.write_all(PREFACE).await?;
                let read = stream.read(&mut [0; 64]).await.context("the first bytes")?;
                ensure!(read > 0, "the server closed the connection after its handshake");
                let kind = stream.get_ref().1.handshake_kind();
                made.fetch_add(1, Ordering::Relaxed);
                let is_resumed = kind == Some(HandshakeKind::Resumed);
                resumed.fetch_add(u64::from(is_resumed), Ordering::Relaxed);
            }
            Ok(())
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok((made.load(Ordering::Relaxed), resumed.load(Ordering::Relaxed)))
}

/// Serves handshakes and the first frame, with the gateway's own certificate, from this folder, until the generator is
/// gone. Prints its address first.
pub(crate) fn serve(folder: &Path) -> anyhow::Result<()> {
    super::process::end_with_standard_input();
    let acceptor = TlsAcceptor::from(terms(folder)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        let mut tasks = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await?;
            tasks.spawn(greet(acceptor.clone(), stream));
            while tasks.try_join_next().is_some() {}
        }
    })
}

async fn greet(acceptor: TlsAcceptor, stream: TcpStream) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = acceptor.accept(stream).await?;
    let mut said = [0; 256];
    stream.read_exact(said.get_mut(..PREFACE.len()).context("no room")?).await?;
    stream.write_all(&SETTINGS).await?;
    while stream.read(&mut said).await? > 0 {}
    Ok(())
}

fn terms(folder: &Path) -> anyhow::Result<Arc<ServerConfig>> {
    let read = |name: &str| fs::read(folder.join(name));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&read("ca.pem")?)?)?;
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read("gateway.pem")?).collect();
    let mut terms = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier.build()?)
        .with_single_cert(chain?, PrivateKeyDer::from_pem_slice(&read("gateway.key")?)?)?;
    terms.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(terms))
}
