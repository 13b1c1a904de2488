//! The front door's limits, and its certificate changed while it is open.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use heyan::clock::now;
use heyan::pki::{Authority, Leaf, issue};
use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::pki_types::ServerName;
use rustls::sign::CertifiedKey;
use rustls::version::TLS13;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::Code;

use crate::support::connect::{identity, raw, tls, verification};
use crate::support::entries::outcome;
use crate::support::{Lab, PATIENCE, ask};

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_too_many_is_closed_before_its_handshake() {
    let lab = Lab::start_with(&["police"], "\n[limits]\nconnections = 1\n").await;
    let first = raw(&lab, "fund-centre", "approval").await;
    let size = lab.size();
    let mut second = TcpStream::connect(lab.node().address).await.unwrap();
    let read = tokio::time::timeout(PATIENCE, second.read(&mut [0; 1])).await.unwrap();
    assert!(matches!(read, Ok(0) | Err(_)), "the second connection was served");
    assert_eq!(lab.size(), size);
    let reply = verification(first).verify(lab.question("P2")).await.unwrap().into_inner();
    outcome(&lab.entries(), reply.log_index);
    let (_, metrics) = lab.page("/metrics").await;
    assert!(metrics.contains("heyan_shed_total{limit=\"connections\"}"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_is_not_finished_in_time_loses_its_place() {
    let settings = "\n[limits]\nconnections = 1\nhandshake_timeout = \"100ms\"\n";
    let lab = Lab::start_with(&["police"], settings).await;
    let mut idle = TcpStream::connect(lab.node().address).await.unwrap();
    let read = tokio::time::timeout(PATIENCE, idle.read(&mut [0; 1])).await.unwrap();
    assert!(matches!(read, Ok(0) | Err(_)), "it was kept open");
    // Its place is free again, at the latest when the acceptor has noticed.
    let served = async {
        loop {
            let issued = identity(&lab, "fund-centre", "approval");
            let terms = tls(&lab.path("pki/fund-centre/ca.pem"), Some(&issued), &[&TLS13]);
            let Ok(raw) = crate::support::connect::connect(lab.node().address, terms).await else {
                continue;
            };
            if let Ok(reply) = verification(raw).verify(lab.question("P2")).await {
                break reply.into_inner();
            }
        }
    };
    let reply = tokio::time::timeout(PATIENCE, served).await.unwrap();
    outcome(&lab.entries(), reply.log_index);
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_too_large_are_refused() {
    let lab = Lab::start_with(&["police"], "\n[limits]\nheader_bytes = \"4 KiB\"\n").await;
    let size = lab.size();
    let connection = raw(&lab, "fund-centre", "approval").await;
    let mut request = tonic::Request::new(lab.question("P2"));
    request.metadata_mut().insert("x-filler", "x".repeat(5 << 10).parse().unwrap());
    let status = verification(connection.clone()).verify(request).await.unwrap_err();
    assert_ne!(status.code(), Code::Ok);
    assert_eq!((lab.size(), lab.simulation.asked("police")), (size, 0));
    verification(raw(&lab, "fund-centre", "approval").await)
        .verify(lab.question("P2"))
        .await
        .unwrap();
}

/// Notes which authorities' names a server tells, and has no certificate.
#[derive(Debug, Default)]
struct Told(Mutex<Vec<usize>>);

impl ResolvesClientCert for Told {
    fn resolve(&self, names: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.lock().unwrap().push(names.len());
        None
    }

    fn has_certs(&self) -> bool {
        true
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_connects_is_not_told_who_the_parties_are() {
    let lab = Lab::start(&["police"]).await;
    let told = Arc::new(Told::default());
    let mut terms = tls(&lab.path("pki/fund-centre/ca.pem"), None, &[&TLS13]);
    terms.client_auth_cert_resolver = Arc::clone(&told) as _;
    let stream = TcpStream::connect(lab.node().address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    // The gateway's no comes after the client's part is done.
    let _ = TlsConnector::from(Arc::new(terms)).connect(name, stream).await;
    assert_eq!(*told.0.lock().unwrap(), [0], "asked for a certificate once, by no name");
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_threads_answer_as_there_are_processors() {
    let lab = Lab::start(&["police"]).await;
    let processors = std::thread::available_parallelism().unwrap().get();
    let line = |number: usize| format!("heyan_in_flight_limit{{thread=\"answers-{number}\"}}");
    // Each looks at its own processor, and says so once it has begun.
    let all_have_begun = async {
        while !(0..processors).all({
            let (_, metrics) = lab.page("/metrics").await;
            move |number| metrics.contains(&line(number))
        }) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, all_have_begun).await.unwrap();
    let (_, metrics) = lab.page("/metrics").await;
    assert!(!metrics.contains(&line(processors)), "{metrics}");
}

/// The certificate that the gateway shows.
async fn shown(lab: &Lab) -> Vec<u8> {
    let issued = identity(lab, "fund-centre", "approval");
    let terms = tls(&lab.path("pki/fund-centre/ca.pem"), Some(&issued), &[&TLS13]);
    let stream = TcpStream::connect(lab.node().address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let connected = TlsConnector::from(Arc::new(terms)).connect(name, stream).await;
    connected.unwrap().get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_shown_to_new_connections_and_breaks_no_old_one() {
    let lab = Lab::start(&["police"]).await;
    let client = lab.client().await;
    ask(&client, lab.question("P2")).await;
    let before = shown(&lab).await;

    let authority = Authority::read(&lab.path("pki/fund-centre")).unwrap();
    let uris = vec!["spiffe://heyan.test/fund-centre/gateway".to_owned()];
    let leaf = Leaf { uris, from: now(), validity: Duration::from_secs(86_400) };
    let issued = issue(&authority, &leaf).unwrap();
    std::fs::write(lab.path("pki/fund-centre/gateway.pem"), &issued.certificate).unwrap();
    std::fs::write(lab.path("pki/fund-centre/gateway.key"), &issued.key).unwrap();
    lab.node().reload().await;
    let after = shown(&lab).await;
    assert_ne!(before, after);
    let reply = ask(&client, lab.question("P2")).await;
    outcome(&lab.entries(), reply.log_index);

    // One that does not fit its key is left alone.
    std::fs::write(lab.path("pki/fund-centre/gateway.key"), &authority.key).unwrap();
    lab.node().reload().await;
    assert_eq!(shown(&lab).await, after);
}
