//! One connection of the generator: gRPC over h2 by hand, so that asking costs less than answering and any endpoint that
//! speaks gRPC can be asked.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use bytes::{BufMut, Bytes, BytesMut};
use h2::client::SendRequest;
use heyan::proto::gateway::v1 as wire;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Version};
use prost::Message;
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The question of every load.
const PATH: &str = "/heyan.gateway.v1.Verification/Verify";

/// Longer than any answer here takes; one that takes longer fails the run.
const DEADLINE: Duration = Duration::from_secs(10);

/// The same, as it travels.
const DEADLINE_SENT: HeaderValue = HeaderValue::from_static("10S");

/// Calls begun before the server has said how many it takes, as callers' libraries have it. Bare h2 has no bound: what has
/// gathered while a connection was being opened would all go at once, and what is above the server's limit be refused.
const BEFORE_TOLD: usize = 100;

/// What a caller needs to connect, in PEM, and the name that the server's certificate must have.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) authority: Vec<u8>,
    pub(crate) certificate: Vec<u8>,
    pub(crate) key: Vec<u8>,
    pub(crate) server_name: String,
}

impl Caller {
    /// The fund centre's system that asks, from its folder.
    pub(crate) fn of_system(pki: &Path) -> anyhow::Result<Self> {
        Self::read(&pki.join("ca.pem"), &pki.join("approval.pem"), &pki.join("approval.key"))
    }

    /// From files, to a server on this machine.
    pub(crate) fn read(authority: &Path, certificate: &Path, key: &Path) -> anyhow::Result<Self> {
        let read = |path: &Path| fs::read(path).with_context(|| path.display().to_string());
        Ok(Self {
            authority: read(authority)?,
            certificate: read(certificate)?,
            key: read(key)?,
            server_name: "localhost".to_owned(),
        })
    }

    /// TLS 1.3 with the client's certificate, as every server here asks for it.
    pub(crate) fn terms(&self, resumption: Resumption) -> anyhow::Result<Arc<ClientConfig>> {
        let mut roots = RootCertStore::empty();
        for authority in CertificateDer::pem_slice_iter(&self.authority) {
            roots.add(authority?)?;
        }
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.certificate).collect();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut terms = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain?, PrivateKeyDer::from_pem_slice(&self.key)?)?;
        terms.alpn_protocols = vec![b"h2".to_vec()];
        terms.resumption = resumption;
        Ok(Arc::new(terms))
    }

    /// A connection on these terms, its handshake done.
    pub(crate) async fn reach(
        &self,
        address: &str,
        terms: &Arc<ClientConfig>,
    ) -> anyhow::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(address).await.with_context(|| address.to_owned())?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from(self.server_name.clone())?;
        Ok(TlsConnector::from(Arc::clone(terms)).connect(name, stream).await?)
    }
}

/// A connection that questions go over, many at once.
pub(crate) struct Connection {
    calls: SendRequest<Bytes>,
    address: String,
    /// Moves the bytes until this is dropped.
    _driver: JoinSet<()>,
}

impl Connection {
    /// Connects, and agrees on HTTP/2.
    pub(crate) async fn open(address: &str, caller: &Caller) -> anyhow::Result<Self> {
        let stream = caller.reach(address, &caller.terms(Resumption::disabled())?).await?;
        let (calls, connection) = h2::client::Builder::new()
            .initial_max_send_streams(BEFORE_TOLD)
            .handshake(stream)
            .await?;
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            // What goes wrong is told to the calls under way.
            let _ = connection.await;
        });
        Ok(Self { calls, address: address.to_owned(), _driver: driver })
    }

    /// Asks one question. Anything but an answer with the status OK is an error.
    pub(crate) async fn ask(
        &self,
        question: &wire::VerifyRequest,
    ) -> anyhow::Result<wire::VerifyResponse> {
        timeout(DEADLINE, self.exchange(framed(question)?))
            .await
            .context("no answer came in time")?
    }

    async fn exchange(&self, question: Bytes) -> anyhow::Result<wire::VerifyResponse> {
        let mut calls = self.calls.clone().ready().await?;
        let (reply, mut sending) = calls.send_request(self.head()?, false)?;
        sending.send_data(question, true)?;
        let (head, mut body) = reply.await?.into_parts();
        ensure!(head.status == StatusCode::OK, "HTTP status {}", head.status);
        check(&head.headers)?;
        let mut whole = BytesMut::new();
        while let Some(part) = body.data().await {
            let part = part?;
            body.flow_control().release_capacity(part.len())?;
            whole.extend_from_slice(&part);
        }
        if let Some(trailers) = body.trailers().await? {
            check(&trailers)?;
        }
        let message = whole.get(PREFIX..).context("an answer without a message")?;
        Ok(wire::VerifyResponse::decode(message)?)
    }

    fn head(&self) -> anyhow::Result<Request<()>> {
        let mut head = Request::new(());
        *head.method_mut() = Method::POST;
        *head.version_mut() = Version::HTTP_2;
        *head.uri_mut() = format!("https://{}{PATH}", self.address).parse()?;
        let fields = head.headers_mut();
        fields.insert("te", HeaderValue::from_static("trailers"));
        fields.insert("content-type", HeaderValue::from_static("application/grpc"));
        fields.insert("grpc-timeout", DEADLINE_SENT);
        Ok(head)
    }
}

/// Flag and length in front of each message of gRPC.
const PREFIX: usize = 5;

fn framed(question: &wire::VerifyRequest) -> anyhow::Result<Bytes> {
    let length = question.encoded_len();
    let mut frame = BytesMut::with_capacity(PREFIX + length);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(length)?);
    question.encode(&mut frame)?;
    Ok(frame.freeze())
}

/// A status other than OK, wherever it stands.
fn check(fields: &HeaderMap) -> anyhow::Result<()> {
    let text = |name| fields.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
    match text("grpc-status") {
        Some(status) if status != "0" => {
            bail!("gRPC status {status}: {}", text("grpc-message").unwrap_or_default())
        }
        _ => Ok(()),
    }
}
