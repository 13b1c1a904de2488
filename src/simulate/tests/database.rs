//! Social security over the PostgreSQL wire, asked by a real driver.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{Connection as _, Row as _};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use super::{Standing, trusting};
use crate::simulate::faults::Nonsense;
use crate::simulate::samples;

/// A local socket for the driver, which speaks no TLS, and TLS from there to the database.
struct Tunnel {
    folder: TempDir,
    _carrying: JoinSet<()>,
}

impl Tunnel {
    fn open(standing: &Standing, authority: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).unwrap();
        let address = standing.simulation.addresses()["social-security"];
        let terms = trusting(&standing.pki(authority).join("ca.pem"));
        let mut carrying = JoinSet::new();
        carrying.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((driver, _)) = listener.accept().await {
                connections.spawn(carry(
                    driver,
                    address,
                    TlsConnector::from(Arc::new(terms.clone())),
                ));
            }
        });
        Self { folder, _carrying: carrying }
    }

    fn options(&self, standing: &Standing) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(self.folder.path())
            .port(5432)
            .username("fund_centre")
            .password(standing.secrets.get("social-security-password"))
            .database("front")
            .ssl_mode(PgSslMode::Disable)
    }
}

async fn carry(mut driver: UnixStream, address: SocketAddr, terms: TlsConnector) {
    let Ok(mut stream) = TcpStream::connect(address).await else { return };
    if first_byte(&mut stream, 80_877_103).await != Some(b'S') {
        return;
    }
    let name = ServerName::try_from("127.0.0.1").unwrap();
    if let Ok(mut stream) = terms.connect(name, stream).await {
        // An end on either side is the end.
        let _ = tokio::io::copy_bidirectional(&mut driver, &mut stream).await;
    }
}

#[tokio::test]
async fn a_driver_asks_with_bound_parameters_in_a_read_only_transaction() {
    let standing = Standing::start().await;
    let tunnel = Tunnel::open(&standing, "social-security");
    let province = standing.simulation.province();
    let number = province.person(samples::HUSBAND).unwrap().number();
    let expected = province.insurance(samples::HUSBAND).unwrap();
    let mut connection = PgConnection::connect_with(&tunnel.options(&standing)).await.unwrap();
    sqlx::raw_sql("SET statement_timeout = 2000").execute(&mut connection).await.unwrap();
    let mut transaction = connection.begin_with("BEGIN READ ONLY").await.unwrap();
    let sql =
        "SELECT aac003, aae202, aac040, aae003 FROM sic_payment WHERE aac002 = $1 AND aae202 <= $2";
    let rows =
        sqlx::query(sql).bind(&number).bind(12_i64).fetch_all(&mut *transaction).await.unwrap();
    transaction.rollback().await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].get::<String, _>("aac003"), province.name(samples::HUSBAND));
    assert_eq!(rows[0].get::<i64, _>("aae202"), i64::from(expected.months_last_12));
    assert_eq!(rows[0].get::<i64, _>("aae003"), expected.last.period());

    let sql = "SELECT aae031 FROM sic_employment WHERE aac002 = $1";
    let row = sqlx::query(sql).bind(&number).fetch_one(&mut connection).await.unwrap();
    assert_eq!(row.get::<Option<String>, _>(0), None, "still employed");
    let none = sqlx::query(sql).bind("nobody").fetch_optional(&mut connection).await.unwrap();
    assert!(none.is_none());
    assert_eq!(standing.simulation.asked("social-security"), 3);
    connection.close().await.unwrap();
}

#[tokio::test]
async fn nothing_but_select_is_carried_out() {
    let standing = Standing::start().await;
    let tunnel = Tunnel::open(&standing, "social-security");
    let mut connection = PgConnection::connect_with(&tunnel.options(&standing)).await.unwrap();
    for sql in [
        "DELETE FROM sic_person",
        "INSERT INTO sic_unit VALUES ('', '', '', 0, 0, '')",
        "PRAGMA query_only = OFF",
        "ATTACH 'x' AS y",
        "WITH d AS (SELECT 1) DELETE FROM sic_person",
        "SELECT no_such_column FROM sic_person",
    ] {
        assert!(sqlx::query(sql).execute(&mut connection).await.is_err(), "{sql}");
    }
    let row =
        sqlx::query("SELECT count(*) AS n FROM sic_unit").fetch_one(&mut connection).await.unwrap();
    assert_eq!(row.get::<String, _>("n"), "100");
}

/// Why the database does not let in; empty when the connection fails before it is asked.
async fn refusal(options: &PgConnectOptions) -> String {
    let error = PgConnection::connect_with(options).await.unwrap_err();
    error.as_database_error().and_then(|error| error.code()).unwrap_or_default().into_owned()
}

#[tokio::test]
async fn a_wrong_password_user_database_or_no_tls_is_refused() {
    let standing = Standing::start().await;
    let tunnel = Tunnel::open(&standing, "social-security");
    let strange = Tunnel::open(&standing, "police");
    let address = standing.simulation.addresses()["social-security"];
    let right = || tunnel.options(&standing);
    // Without a socket the driver goes to the port, and speaks no TLS there.
    let bare = PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(address.port())
        .username("fund_centre")
        .database("front")
        .ssl_mode(PgSslMode::Disable);
    for (wrong, code) in [
        (right().password("wrong"), "28P01"),
        (right().password(""), "28P01"),
        (right().username("postgres"), "28P01"),
        (right().database("other"), "3D000"),
        (bare, "28000"),
        (strange.options(&standing), ""),
    ] {
        assert_eq!(refusal(&wrong).await, code);
    }
    assert_eq!(standing.simulation.asked("social-security"), 0);
}

/// Sends what opens a connection, a code alone, and tells the first byte of the answer.
async fn first_byte(stream: &mut TcpStream, code: u32) -> Option<u8> {
    stream.write_u32(8).await.ok()?;
    stream.write_u32(code).await.ok()?;
    stream.read_u8().await.ok()
}

#[tokio::test]
async fn tls_is_offered_to_who_asks_and_nobody_is_offered_anything_in_an_outage() {
    let standing = Standing::start().await;
    let address = standing.simulation.addresses()["social-security"];
    let (tls, kerberos, plain) = (80_877_103, 80_877_104, 196_608);
    let mut stream = TcpStream::connect(address).await.unwrap();
    assert_eq!(first_byte(&mut stream, kerberos).await, Some(b'N'));
    assert_eq!(first_byte(&mut stream, tls).await, Some(b'S'));
    let mut stream = TcpStream::connect(address).await.unwrap();
    assert_eq!(first_byte(&mut stream, plain).await, Some(b'E'));
    standing.simulation.faults("social-security").set_outage(true);
    let mut stream = TcpStream::connect(address).await.unwrap();
    assert!(stream.read_u8().await.is_err(), "dropped before TLS");
}

#[tokio::test]
async fn a_stop_ends_open_connections() {
    let standing = Standing::start().await;
    let tunnel = Tunnel::open(&standing, "social-security");
    let address = standing.simulation.addresses()["social-security"];
    let mut connection = PgConnection::connect_with(&tunnel.options(&standing)).await.unwrap();
    let mut halfway = TcpStream::connect(address).await.unwrap();
    assert_eq!(first_byte(&mut halfway, 80_877_103).await, Some(b'S'));
    standing.simulation.stop().await;
    assert!(connection.ping().await.is_err());
    assert!(halfway.read_u8().await.is_err());
}

#[tokio::test]
async fn faults_reach_open_connections() {
    let standing = Standing::start().await;
    let tunnel = Tunnel::open(&standing, "social-security");
    let faults = standing.simulation.faults("social-security");
    let number = standing.simulation.province().person(samples::HUSBAND).unwrap().number();
    let sql = "SELECT aac002, aac031 FROM sic_person WHERE aac002 = $1";
    let mut connection = PgConnection::connect_with(&tunnel.options(&standing)).await.unwrap();
    faults.set_nonsense(Nonsense::WrongPerson);
    let row = sqlx::query(sql).bind(&number).fetch_one(&mut connection).await.unwrap();
    assert_ne!(row.get::<String, _>("aac002"), number);
    faults.set_nonsense(Nonsense::MissingFields);
    let row = sqlx::query(sql).bind(&number).fetch_one(&mut connection).await.unwrap();
    assert_eq!(row.get::<Option<String>, _>("aac031"), None);
    faults.set_outage(true);
    assert!(sqlx::query(sql).bind(&number).fetch_one(&mut connection).await.is_err());
    assert!(PgConnection::connect_with(&tunnel.options(&standing)).await.is_err());
    faults.clear();
    assert!(PgConnection::connect_with(&tunnel.options(&standing)).await.is_ok());
}
