//! A database made of a few bytes at one end, the driver or something that stands in for it at the other.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use secrecy::SecretString;
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use sqlx::{ConnectOptions, Connection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::{Cut, Relay, SOCKET};
use crate::adapters::line::tls;
use crate::adapters::manifest::{Database, Dialect};

/// It bounds nothing but "for ever".
const PATIENCE: Duration = Duration::from_secs(60);

/// An authority, by the name of one that every browser knows.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::OrganizationName, "Internet Security Research Group");
        params.distinguished_name.push(DnType::CommonName, "ISRG Root X1");
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    fn acceptor(&self) -> TlsAcceptor {
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        let chain = vec![params.signed_by(&key, &self.issuer).unwrap().der().clone()];
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// Where a database would be.
struct Scene {
    ours: Authority,
    listener: TcpListener,
    relay: Relay,
}

impl Scene {
    async fn of(dialect: Dialect, statement_timeout: Duration) -> Self {
        let ours = Authority::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let relay = Relay::open(&Database {
            dialect,
            host: "localhost".to_owned(),
            port: listener.local_addr().unwrap().port(),
            database: "front".to_owned(),
            user: "fund_centre".to_owned(),
            password: SecretString::from("pencil"),
            tls: tls::client(ours.pem.as_bytes(), None).unwrap(),
            statement_timeout,
            max_rows: 3,
            max_connections: 2,
        });
        Self { ours, listener, relay: relay.unwrap() }
    }

    /// Somebody in the driver's place.
    async fn driver(&self) -> UnixStream {
        UnixStream::connect(self.relay.folder().join(SOCKET)).await.unwrap()
    }

    async fn accept(&self) -> TcpStream {
        timeout(PATIENCE, self.listener.accept()).await.unwrap().unwrap().0
    }

    /// PostgreSQL's end of a connection, with TLS.
    async fn postgresql(&self) -> TlsStream<TcpStream> {
        let mut server = self.accept().await;
        assert_eq!(server.read_u64().await.unwrap(), 0x0000_0008_04d2_162f);
        server.write_all(b"S").await.unwrap();
        self.ours.acceptor().accept(server).await.unwrap()
    }
}

/// All that the driver hears until the relay hangs up.
async fn heard(driver: &mut UnixStream) -> Vec<u8> {
    let mut heard = Vec::new();
    timeout(PATIENCE, driver.read_to_end(&mut heard)).await.unwrap().unwrap();
    heard
}

/// The other end hears that nobody is there any more.
async fn is_gone(server: &mut TlsStream<TcpStream>) {
    let mut rest = Vec::new();
    let _reset = timeout(PATIENCE, server.read_to_end(&mut rest)).await.unwrap();
}

#[tokio::test]
async fn nobody_else_can_use_the_socket_and_it_goes_with_the_relay() {
    let scene = Scene::of(Dialect::PostgreSql, PATIENCE).await;
    let folder = scene.relay.folder().to_owned();
    assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o7777, 0o700);
    let mut driver = scene.driver().await;
    let mut server = scene.postgresql().await;

    // Another process, and of the same account.
    let script = "import socket, sys\ns = socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\n\
                  s.settimeout(60)\nprint('hung up' if s.recv(1) == b'' else 'heard')";
    let socket = folder.join(SOCKET);
    let other = tokio::task::spawn_blocking(move || {
        Command::new("python3").arg("-c").arg(script).arg(socket).output().unwrap()
    });
    let other = other.await.unwrap();
    assert_eq!(String::from_utf8_lossy(&other.stdout).trim(), "hung up", "{other:?}");

    drop(scene);
    assert!(!folder.exists());
    assert_eq!(heard(&mut driver).await, b"");
    is_gone(&mut server).await;
}

#[tokio::test]
async fn only_the_manifests_authority_is_trusted_whatever_another_calls_itself() {
    for dialect in [Dialect::PostgreSql, Dialect::MySql] {
        let scene = Scene::of(dialect, PATIENCE).await;
        let mut driver = scene.driver().await;
        let mut server = scene.accept().await;
        if dialect == Dialect::MySql {
            greet(&mut server).await;
            assert_eq!(packet(&mut driver).await.1, GREETING);
            driver.write_all(&numbered(1, &LOGIN)).await.unwrap();
            packet(&mut server).await;
        } else {
            server.read_u64().await.unwrap();
            server.write_all(b"S").await.unwrap();
        }
        let stranger = Authority::new();
        let refused = timeout(PATIENCE, stranger.acceptor().accept(server)).await.unwrap();
        assert!(refused.is_err());
        assert_eq!(heard(&mut driver).await, Cut::Stranger.said(dialect));
    }
}

#[tokio::test]
async fn nothing_of_the_driver_is_said_before_tls() {
    for answer in [&b"N"[..], b"E", b"S\0\0\0\0"] {
        let scene = Scene::of(Dialect::PostgreSql, PATIENCE).await;
        let mut driver = scene.driver().await;
        driver.write_all(b"the password").await.unwrap();
        let mut server = scene.accept().await;
        server.read_u64().await.unwrap();
        // Whatever is put behind the answer by somebody on the way is no part of TLS.
        server.write_all(answer).await.unwrap();
        server.shutdown().await.unwrap();
        let mut rest = Vec::new();
        let _reset = timeout(PATIENCE, server.read_to_end(&mut rest)).await.unwrap();
        assert!(!String::from_utf8_lossy(&rest).contains("password"));
        let said = heard(&mut driver).await;
        assert_eq!(said.first(), Some(&b'E'), "{answer:?}");
    }
    // A server of MySQL's protocol that cannot do it.
    let scene = Scene::of(Dialect::MySql, PATIENCE).await;
    let mut driver = scene.driver().await;
    let mut server = scene.accept().await;
    let mut greeting = GREETING.to_vec();
    greeting[22] &= !0x08;
    server.write_all(&numbered(0, &greeting)).await.unwrap();
    assert_eq!(heard(&mut driver).await, Cut::Plain.said(Dialect::MySql));
}

/// The peer that stops is noticed at the other end, whichever it is, and in the middle of a statement.
#[tokio::test]
async fn who_hangs_up_takes_the_other_along() {
    let scene = Scene::of(Dialect::PostgreSql, PATIENCE).await;
    let mut driver = scene.driver().await;
    let mut server = scene.postgresql().await;
    driver.write_all(b"statement").await.unwrap();
    let mut asked = [0; 9];
    server.read_exact(&mut asked).await.unwrap();
    drop(driver);
    is_gone(&mut server).await;

    let mut driver = scene.driver().await;
    let server = scene.postgresql().await;
    drop(server);
    assert_eq!(heard(&mut driver).await, b"");
}

#[tokio::test]
async fn a_database_that_never_ends_its_turn_is_hung_up_on() {
    let hung_up = async |said: &[u8]| {
        let scene = Scene::of(Dialect::PostgreSql, Duration::from_secs(4)).await;
        let mut driver = scene.driver().await;
        let mut server = scene.postgresql().await;
        driver.write_all(b"x").await.unwrap();
        assert_eq!(server.read_u8().await.unwrap(), b'x');
        server.write_all(said).await.unwrap();
        server.flush().await.unwrap();
        let heard = heard(&mut driver).await;
        assert!(heard.ends_with(&Cut::Slow.said(Dialect::PostgreSql)), "{said:?}: {heard:?}");
        is_gone(&mut server).await;
    };
    tokio::join!(hung_up(b""), hung_up(b"D\0\0\0\x09half"), hung_up(b"N\0\0\0\x04"));
}

#[tokio::test]
async fn many_connections_at_once_are_kept_apart() {
    let scene = Scene::of(Dialect::PostgreSql, PATIENCE).await;
    let acceptor = scene.ours.acceptor();
    let mut servers = JoinSet::new();
    let serve = async {
        for _ in 0..100 {
            let mut server = scene.accept().await;
            let acceptor = acceptor.clone();
            servers.spawn(async move {
                server.read_u64().await.unwrap();
                server.write_all(b"S").await.unwrap();
                let mut server = acceptor.accept(server).await.unwrap();
                let mut asked = [0; 4];
                server.read_exact(&mut asked).await.unwrap();
                let row = [&b"D\0\0\0\x08"[..], &asked, b"Z\0\0\0\x05I"].concat();
                server.write_all(&row).await.unwrap();
                server.flush().await.unwrap();
                is_gone(&mut server).await;
            });
        }
    };
    let ask = async |number: u32| {
        let mut driver = scene.driver().await;
        driver.write_all(&number.to_be_bytes()).await.unwrap();
        let mut row = [0; 15];
        timeout(PATIENCE, driver.read_exact(&mut row)).await.unwrap().unwrap();
        assert_eq!(row[5..9], number.to_be_bytes());
    };
    let drivers = futures_util::future::join_all((0..100).map(ask));
    tokio::join!(serve, drivers);
    while let Some(ended) = servers.join_next().await {
        ended.unwrap();
    }
}

/// Of MySQL 8.0.18, as the driver's own tests have it.
const GREETING: &[u8] = b"\n8.0.18\0\x19\0\0\0\x114aB0c\x06g\0\xff\xff\xff\x02\0\xff\xc7\x15\0\0\0\0\0\0\0\0\0\0tL\x03s\x0f[4\rl4. \0caching_sha2_password\0";
/// The shortest log-in.
const LOGIN: [u8; 33] = [0; 33];
const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];

fn numbered(number: u8, body: &[u8]) -> Vec<u8> {
    [&[u8::try_from(body.len()).unwrap(), 0, 0, number], body].concat()
}

async fn packet<S: tokio::io::AsyncRead + Unpin>(stream: &mut S) -> (u8, Vec<u8>) {
    let mut head = [0; 4];
    timeout(PATIENCE, stream.read_exact(&mut head)).await.unwrap().unwrap();
    let mut body = vec![0; usize::from(head[0]) | usize::from(head[1]) << 8];
    stream.read_exact(&mut body).await.unwrap();
    (head[3], body)
}

async fn greet(server: &mut TcpStream) {
    server.write_all(&numbered(0, GREETING)).await.unwrap();
}

/// What MySQL 8 does with an account that it has not seen since it began: the driver alone would ask for a key, to
/// encrypt the password once more.
#[tokio::test]
async fn mysql_gets_the_password_over_tls_when_it_knows_no_digest_of_it() {
    let scene = Scene::of(Dialect::MySql, PATIENCE).await;
    for switch in [None, Some(&b"\xfesha256_password\0abcdefghijabcdefghij\0"[..])] {
        let options = MySqlConnectOptions::new()
            .socket(scene.relay.folder().join(SOCKET))
            .ssl_mode(MySqlSslMode::Disabled)
            .username("fund_centre")
            .password("pencil");
        let server = async {
            let mut server = scene.accept().await;
            greet(&mut server).await;
            let (number, request) = packet(&mut server).await;
            // The wish for TLS is the head of the log-in, and says the same.
            assert_eq!((number, request.len(), request[1] & 0x08), (1, 32, 0x08));
            let mut server = scene.ours.acceptor().accept(server).await.unwrap();
            let (number, login) = packet(&mut server).await;
            assert_eq!((number, &login[..32]), (2, &request[..]));
            let name = String::from_utf8_lossy(&login[32..43]);
            assert_eq!(name, "fund_centre");
            server.write_all(&numbered(3, switch.unwrap_or(&[1, 4]))).await.unwrap();
            server.flush().await.unwrap();
            assert_eq!(packet(&mut server).await, (4, b"pencil\0".to_vec()));
            server.write_all(&numbered(5, OK)).await.unwrap();
            server.flush().await.unwrap();
            let (number, settings) = packet(&mut server).await;
            assert_eq!((number, &settings[..4]), (0, &b"\x03SET"[..]));
            server.write_all(&numbered(1, OK)).await.unwrap();
            server.flush().await.unwrap();
            // COM_QUIT.
            assert_eq!(packet(&mut server).await, (0, vec![1]));
        };
        let driver = async {
            options.connect().await.unwrap().close().await.unwrap();
        };
        tokio::join!(server, driver);
    }
}
