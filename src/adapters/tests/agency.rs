//! An agency on a port of its own, and a gateway's folder that points at it.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::facts;
use crate::adapters::Allowed;
use crate::adapters::load::read_folder;
use crate::adapters::{Adapter, Adapters, Answer, Failure};
use crate::finding::Finding;
use crate::query::record::Finding as Found;
use crate::query::subject::{IdentityDocument, Person, Subject, SubjectKind};
use crate::query::time::Timestamp;
use crate::query::value::Value;
use crate::query::{Operator, Purpose, Query};

pub(super) const HE: &str = "430000188001010014";
pub(super) const SHE: &str = "430000188203150023";
pub(super) const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);
pub(super) const BUDGET: Duration = Duration::from_secs(20);

/// A folder as an operator keeps it: an authority, secrets, manifests.
pub(super) struct Office {
    pub(super) folder: TempDir,
    ca: Issuer<'static, KeyPair>,
}

impl Office {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("adapters")).unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        fs::write(folder.path().join("ca.pem"), certificate.pem()).unwrap();
        let office = Self { folder, ca: Issuer::new(params, key) };
        office.secret("app_key", "0123456789abcdef\n");
        office.secret("db_password", "pencil\n");
        office
    }

    pub(super) fn secret(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// A server's side of TLS for that name.
    pub(super) fn server(&self, name: &str, alpn: &[&[u8]]) -> Arc<ServerConfig> {
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.ca).unwrap();
        let chain: Vec<CertificateDer<'static>> = vec![certificate.der().clone()];
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        Arc::new(config)
    }

    pub(super) fn place(&self, name: &str, manifest: &str) {
        fs::write(self.folder.path().join("adapters").join(name), manifest).unwrap();
    }

    pub(super) fn load(&self, previous: Option<&Adapters>) -> (Adapters, Vec<Finding>) {
        let folder = self.folder.path().join("adapters");
        read_folder(&folder, &Allowed::everything(), b"", &facts, previous)
    }

    /// The one adapter of the manifest.
    pub(super) fn adapter(&self, manifest: &str) -> Arc<Adapter> {
        self.place("agency.toml", manifest);
        let (adapters, findings) = self.load(None);
        assert_eq!(findings, []);
        Arc::clone(&adapters.all()[0])
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// What an agency was asked.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    pub(super) line: String,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

/// What it does then.
#[derive(Clone)]
pub(super) enum Does {
    /// Status, content type, body.
    Says(u16, &'static str, Vec<u8>),
    /// Announces more than it sends.
    BreaksOff(&'static str),
    /// Hangs up at once.
    HangsUp,
    /// Says the head of a reply and then nothing.
    Stalls,
    /// Says nothing.
    Sleeps,
    /// Says nothing until its caller has gone, and remembers that as one more line: `hung up`.
    Outlasts,
    /// Sends without end.
    Floods,
}

pub(super) fn json(text: impl Into<String>) -> Does {
    Does::Says(200, "application/json", text.into().into_bytes())
}

type Script = dyn Fn(&Heard) -> Does + Send + Sync;

/// An agency that follows a script. It stops when dropped.
pub(super) struct Agency {
    pub(super) address: SocketAddr,
    heard: Arc<Mutex<Vec<Heard>>>,
    _tasks: JoinSet<()>,
}

impl Agency {
    pub(super) async fn open(
        config: Arc<ServerConfig>,
        script: impl Fn(&Heard) -> Does + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let acceptor = TlsAcceptor::from(config);
        let (script, log): (Arc<Script>, _) = (Arc::new(script), Arc::clone(&heard));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, script, log) =
                    (acceptor.clone(), Arc::clone(&script), Arc::clone(&log));
                connections.spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let _hung_up = serve(stream, &*script, &log).await;
                });
            }
        });
        Self { address, heard, _tasks: tasks }
    }

    pub(super) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: tokio_rustls::server::TlsStream<tokio::net::TcpStream>,
    script: &Script,
    log: &Mutex<Vec<Heard>>,
) -> std::io::Result<()> {
    let mut buffer = Vec::new();
    let head = loop {
        if let Some(end) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break end + 4;
        }
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).await?;
        if count == 0 {
            return Ok(());
        }
        buffer.extend_from_slice(&chunk[..count]);
    };
    let text = String::from_utf8_lossy(&buffer[..head]).into_owned();
    let mut lines = text.lines();
    let mut heard = Heard { line: lines.next().unwrap_or_default().to_owned(), ..Heard::default() };
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        heard.headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length: usize = heard.headers.get("content-length").map_or(0, |text| text.parse().unwrap());
    let mut body = buffer.split_off(head);
    while body.len() < length {
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).await?;
        body.extend_from_slice(&chunk[..count]);
    }
    heard.body = body;
    let does = script(&heard);
    log.lock().unwrap().push(heard);
    if matches!(does, Does::Outlasts) {
        while stream.read(&mut [0; 64]).await.is_ok_and(|count| count > 0) {}
        let gone = Heard { line: "hung up".to_owned(), ..Heard::default() };
        log.lock().unwrap().push(gone);
        return Ok(());
    }
    act(stream, does).await
}

async fn act(
    mut stream: tokio_rustls::server::TlsStream<tokio::net::TcpStream>,
    does: Does,
) -> std::io::Result<()> {
    let head = |status: u16, kind: &str, length: usize| {
        format!(
            "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
        )
    };
    match does {
        Does::Says(status, kind, body) => {
            stream.write_all(head(status, kind, body.len()).as_bytes()).await?;
            stream.write_all(&body).await?;
        }
        Does::BreaksOff(body) => {
            stream.write_all(head(200, "application/json", body.len() + 100).as_bytes()).await?;
            stream.write_all(body.as_bytes()).await?;
        }
        Does::HangsUp => return Ok(()),
        Does::Stalls => {
            stream.write_all(head(200, "application/json", 10).as_bytes()).await?;
            stream.flush().await?;
            std::future::pending::<()>().await;
        }
        Does::Sleeps | Does::Outlasts => std::future::pending::<()>().await,
        Does::Floods => {
            stream
                .write_all(b"HTTP/1.1 200 X\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n")
                .await?;
            loop {
                stream.write_all(&[b' '; 65_536]).await?;
            }
        }
    }
    stream.shutdown().await
}

pub(super) fn person(role: &str, number: &str, name: &str) -> Subject {
    let kind = SubjectKind::Person(Person {
        document_type: IdentityDocument::CitizenId,
        document_number: number.to_owned(),
        name: name.to_owned(),
    });
    Subject { role: role.to_owned(), kind }
}

pub(super) fn query(fact: &str, subjects: Vec<Subject>) -> Query {
    Query {
        request_id: [7; 16],
        fact: fact.into(),
        subjects,
        relations: Vec::new(),
        assertions: vec![],
        disclose: vec![],
        purpose: Purpose { item: "W3".into(), ..Purpose::default() },
        operator: Operator { id: "op-1".to_owned(), unit: "hall-1".to_owned() },
        max_age: None,
        want_receipt: false,
    }
}

pub(super) fn couple() -> Query {
    query("M2", vec![person("person", HE, "张三"), person("spouse", SHE, "李四")])
}

pub(super) async fn ask(adapter: &Adapter, query: &Query) -> Result<Answer, Failure> {
    adapter.ask_granted(&|_| true, query, NOW, BUDGET).await
}

/// The reason and detail of a failure; whatever else came is a failed test.
pub(super) async fn failure(adapter: &Adapter, query: &Query) -> (&'static str, String) {
    match ask(adapter, query).await {
        Err(failure) => {
            for personal in [HE, SHE, "张三", "李四"] {
                assert!(!failure.detail.contains(personal), "{}", failure.detail);
            }
            (failure.reason.code(), failure.detail)
        }
        Ok(answer) => panic!("an answer: {}", told(&answer)),
    }
}

/// An answer in words.
pub(super) fn told(answer: &Answer) -> String {
    match &answer.record.finding {
        Found::Found(attributes) => attributes
            .iter()
            .map(|(name, value)| match value {
                Value::Truth(truth) => format!("{name}={truth}"),
                Value::Integer(whole) => format!("{name}={whole}"),
                Value::Text(text) | Value::Date(text) => format!("{name}={text}"),
                Value::People(people) => format!("{name}={}", people.len()),
            })
            .collect::<Vec<_>>()
            .join(" "),
        Found::NotFound => "not found".to_owned(),
        Found::Conflict => "conflict".to_owned(),
    }
}
