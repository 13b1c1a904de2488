//! Social security over the PostgreSQL wire, asked by a real driver.

use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{Connection as _, Row as _};

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

#[tokio::test]
async fn a_wrong_password_user_database_or_no_tls_is_refused() {
    let standing = Standing::start().await;
    let right = || options(&standing);
    for wrong in [
        right().password("wrong"),
        right().username("postgres"),
        right().database("other"),
        right().ssl_mode(PgSslMode::Disable),
        right().ssl_root_cert(standing.pki("police").join("ca.pem")),
    ] {
        assert!(PgConnection::connect_with(&wrong).await.is_err());
    }
    assert_eq!(standing.simulation.asked("social-security"), 0);
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
