//! Social security over the PostgreSQL wire, asked by a real driver.

use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{Connection as _, Row as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::Standing;
use crate::simulate::faults::Nonsense;
use crate::simulate::samples;

fn options(standing: &Standing) -> PgConnectOptions {
    let address = standing.simulation.addresses()["social-security"];
    PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(address.port())
        .username("fund_centre")
        .password(standing.secrets.get("social-security-password"))
        .database("front")
        .ssl_mode(PgSslMode::VerifyFull)
        .ssl_root_cert(standing.pki("social-security").join("ca.pem"))
}

#[tokio::test]
async fn a_driver_asks_with_bound_parameters_in_a_read_only_transaction() {
    let standing = Standing::start().await;
    let province = standing.simulation.province();
    let number = province.person(samples::HUSBAND).unwrap().number();
    let expected = province.insurance(samples::HUSBAND).unwrap();
    let mut connection = PgConnection::connect_with(&options(&standing)).await.unwrap();
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
    let mut connection = PgConnection::connect_with(&options(&standing)).await.unwrap();
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
    let right = || options(&standing);
    let strange_authority = standing.pki("police").join("ca.pem");
    for (wrong, code) in [
        (right().password("wrong"), "28P01"),
        (right().password(""), "28P01"),
        (right().username("postgres"), "28P01"),
        (right().database("other"), "3D000"),
        (right().ssl_mode(PgSslMode::Disable), "28000"),
        (right().ssl_root_cert(strange_authority), ""),
    ] {
        assert_eq!(refusal(&wrong).await, code);
    }
    assert_eq!(standing.simulation.asked("social-security"), 0);
}

/// Sends what opens a connection, a code alone, and tells the first byte of the answer.
async fn first_byte(stream: &mut TcpStream, code: u32) -> Option<u8> {
    stream.write_u32(8).await.unwrap();
    stream.write_u32(code).await.unwrap();
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
    let address = standing.simulation.addresses()["social-security"];
    let mut connection = PgConnection::connect_with(&options(&standing)).await.unwrap();
    let mut halfway = TcpStream::connect(address).await.unwrap();
    assert_eq!(first_byte(&mut halfway, 80_877_103).await, Some(b'S'));
    standing.simulation.stop().await;
    assert!(connection.ping().await.is_err());
    assert!(halfway.read_u8().await.is_err());
}

#[tokio::test]
async fn faults_reach_open_connections() {
    let standing = Standing::start().await;
    let faults = standing.simulation.faults("social-security");
    let number = standing.simulation.province().person(samples::HUSBAND).unwrap().number();
    let sql = "SELECT aac002, aac031 FROM sic_person WHERE aac002 = $1";
    let mut connection = PgConnection::connect_with(&options(&standing)).await.unwrap();
    faults.set_nonsense(Nonsense::WrongPerson);
    let row = sqlx::query(sql).bind(&number).fetch_one(&mut connection).await.unwrap();
    assert_ne!(row.get::<String, _>("aac002"), number);
    faults.set_nonsense(Nonsense::MissingFields);
    let row = sqlx::query(sql).bind(&number).fetch_one(&mut connection).await.unwrap();
    assert_eq!(row.get::<Option<String>, _>("aac031"), None);
    faults.set_outage(true);
    assert!(sqlx::query(sql).bind(&number).fetch_one(&mut connection).await.is_err());
    assert!(PgConnection::connect_with(&options(&standing)).await.is_err());
    faults.clear();
    assert!(PgConnection::connect_with(&options(&standing)).await.is_ok());
}
