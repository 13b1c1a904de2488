//! Connections that the ordinary client would not make: other TLS terms, calls without its own deadline.

use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use heyan::pki::Issued;
use heyan::proto::gateway::v1::verification_client::VerificationClient;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_util::task::TaskTracker;
use tonic::body::Body;

use super::{Lab, PATIENCE};

/// One HTTP/2 connection, as a service that generated clients take. Adds no deadline and no retry.
#[derive(Clone)]
pub(crate) struct Raw {
    requests: SendRequest<Body>,
}

impl tower::Service<http::Request<Body>> for Raw {
    type Response = http::Response<hyper::body::Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.requests.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(self.requests.send_request(request))
    }
}

/// Certificate and key of one of the installation's systems.
pub(crate) fn identity(lab: &Lab, organisation: &str, system: &str) -> Issued {
    let read = |ending: &str| {
        let file = lab.path("pki").join(organisation).join(format!("{system}.{ending}"));
        std::fs::read_to_string(file).unwrap()
    };
    Issued { certificate: read("pem"), key: read("key") }
}

/// TLS terms of a caller that trusts the gateway's authority.
pub(crate) fn tls(
    authority: &Path,
    identity: Option<&Issued>,
    versions: &[&'static SupportedProtocolVersion],
) -> ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let terms = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots);
    let mut terms = match identity {
        None => terms.with_no_client_auth(),
        Some(issued) => {
            let certificate = CertificateDer::from_pem_slice(issued.certificate.as_bytes());
            let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes());
            terms.with_client_auth_cert(vec![certificate.unwrap()], key.unwrap()).unwrap()
        }
    };
    terms.alpn_protocols = vec![b"h2".to_vec()];
    terms
}

/// Connects on these terms; the error is what went wrong, in words.
///
/// With TLS 1.3 a client is done before the server has seen its certificate: that refusal comes with the first call.
pub(crate) async fn connect(address: SocketAddr, terms: ClientConfig) -> Result<Raw, String> {
    let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
    let name = ServerName::try_from("localhost").unwrap();
    let connector = TlsConnector::from(Arc::new(terms));
    let stream = connector.connect(name, stream).await.map_err(|error| format!("{error:?}"))?;
    let (requests, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .map_err(|e| format!("{e:?}"))?;
    TaskTracker::new().spawn(connection);
    Ok(Raw { requests })
}

/// A connection as one of the installation's systems.
pub(crate) async fn raw(lab: &Lab, organisation: &str, system: &str) -> Raw {
    let issued = identity(lab, organisation, system);
    let authority = lab.path("pki/fund-centre/ca.pem");
    let terms = tls(&authority, Some(&issued), &[&rustls::version::TLS13]);
    connect(lab.node().address, terms).await.unwrap()
}

/// The generated client over such a connection.
pub(crate) fn verification(raw: Raw) -> VerificationClient<Raw> {
    VerificationClient::with_origin(raw, "https://localhost".parse().unwrap())
}

/// One page over plain HTTP: its status and body.
pub(crate) async fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let asked = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await.unwrap();
        reply
    };
    let reply = tokio::time::timeout(PATIENCE, asked).await.unwrap();
    let status = reply.split(' ').nth(1).unwrap().parse().unwrap();
    (status, reply.split_once("\r\n\r\n").unwrap().1.to_owned())
}
