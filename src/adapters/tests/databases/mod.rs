//! Real database servers, PostgreSQL and MariaDB: what both must do, whichever dialect they speak.

mod mariadb;
mod postgresql;
mod server;

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Value as Json, json};
use tokio::sync::RwLockReadGuard;
use tokio::time::Instant;

use self::server::{Place, Server, running};
use super::agency::*;
use crate::adapters::Adapter;
use crate::adapters::failed::Failed;
use crate::adapters::line::front::Select;
use crate::adapters::line::{Got, Line, Put, mysql, postgres, tls};
use crate::adapters::manifest::{Database, Dialect};
use crate::query::Query;

/// Tests of the suite, for one kind of server.
macro_rules! suite {
    ($kind:expr; $($name:ident)*) => {
        $(#[tokio::test]
        async fn $name() {
            super::$name($kind).await;
        })*
    };
    ($kind:expr) => {
        suite! {
            $kind;
            found_not_found_and_conflict
            parameters_are_never_statements
            nothing_can_be_written
            more_rows_than_the_limit
            the_server_ends_what_takes_too_long
            the_line_is_encrypted_and_has_limits
            another_password_authority_or_name
            more_questions_than_connections
            stopped_in_the_middle_and_begun_again
        }
    };
}
use suite;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    PostgreSql,
    MariaDb,
}

impl Kind {
    fn place(self) -> &'static Place {
        static POSTGRESQL: Place = Place::const_new(None);
        static MARIADB: Place = Place::const_new(None);
        match self {
            Self::PostgreSql => &POSTGRESQL,
            Self::MariaDb => &MARIADB,
        }
    }

    fn program(self) -> &'static str {
        match self {
            Self::PostgreSql => "postgres",
            Self::MariaDb => "mariadbd",
        }
    }

    /// What it writes in its log when it takes questions.
    fn ready(self) -> &'static str {
        match self {
            Self::PostgreSql => "ready to accept connections",
            Self::MariaDb => "ready for connections",
        }
    }

    fn tables(self) -> String {
        let own = match self {
            Self::PostgreSql => postgresql::TABLES,
            Self::MariaDb => mariadb::TABLES,
        };
        own.replace("{MARRIAGES}", MARRIAGES)
    }

    /// A value for a WHERE that takes a minute, by waiting and by working.
    fn slow(self) -> [&'static str; 2] {
        match self {
            Self::PostgreSql => ["pg_sleep(60) IS NULL", "pg_sleep(60) IS NULL"],
            Self::MariaDb => ["SLEEP(60) = 1", "BENCHMARK(100000000000, MD5(name)) = 1"],
        }
    }

    /// How many statements like `$1` run, this one apart.
    fn under_way(self) -> &'static str {
        match self {
            Self::PostgreSql => {
                "SELECT count(*) AS n FROM pg_stat_activity \
                 WHERE state = 'active' AND query LIKE $1 AND pid <> pg_backend_pid()"
            }
            Self::MariaDb => {
                "SELECT COUNT(*) AS n FROM information_schema.PROCESSLIST \
                 WHERE INFO LIKE $1 AND ID <> CONNECTION_ID()"
            }
        }
    }

    async fn front(self) -> Front {
        let server = running(self).await;
        let office = Office::new();
        fs::write(office.path().join("ca.pem"), &server.ca).unwrap();
        Front { kind: self, server, office }
    }
}

const MARRIAGES: &str = "
('430000188001010014', '张三', '10', '2018-01-31', 'J430000-2018-000001'),
('430000188203150023', '李四', '20', '2020-02-29', NULL),
('430000199001010019', '𠮷田·买买提', '10', '1999-12-31', '字第〇壹号'),
('430000199902020029', '王五', '10', '2001-01-01', NULL),
('430000199902020029', '王五', '20', '2002-02-02', NULL)";

/// A running server, and an office that may ask it.
struct Front {
    kind: Kind,
    server: RwLockReadGuard<'static, Server>,
    office: Office,
}

impl Front {
    fn manifest(&self, timeout: &str, condition: &str) -> String {
        let (port, dialect) = (
            self.server.port,
            match self.kind {
                Kind::PostgreSql => "postgresql",
                Kind::MariaDb => "mysql",
            },
        );
        format!(
            r#"
schema = 1
name = "civil-affairs"
version = "1.0.0"
agency = "civil-affairs"
[secrets]
password = {{ file = "../db_password" }}
[sql]
dialect = "{dialect}"
host = "localhost"
port = {port}
database = "front"
user = "fund_centre"
password = "password"
ca = "../ca.pem"
statement_timeout = "{timeout}"
max_rows = 3
max_connections = 2
[[operation]]
fact = "M1"
statement = "SELECT number, name, status, registered_on, certificate FROM marriage WHERE number = $1{condition}"
parameters = ['subject.person.document_number']
[operation.outcome]
not_found = 'size(resp.rows) == 0'
conflict = 'size(resp.rows) > 1'
found = 'true'
echo = 'doc[0].number == subject.person.document_number && doc[0].name == subject.person.name'
[operation.attributes]
status = 'codes.status[doc[0].status]'
registered_on = 'doc[0].registered_on'
certificate_number = 'doc[0].certificate'
[operation.codes.status]
"10" = "married"
"20" = "divorced"
"#
        )
    }

    fn adapter(&self) -> Arc<Adapter> {
        self.office.adapter(&self.manifest("20s", ""))
    }

    fn line(&self, statement_timeout: Duration) -> Arc<dyn Line> {
        let mut database = Database {
            dialect: Dialect::PostgreSql,
            host: "localhost".to_owned(),
            port: self.server.port,
            database: "front".to_owned(),
            user: "fund_centre".to_owned(),
            password: SecretString::from("pencil"),
            tls: tls::client(self.server.ca.as_bytes(), None).unwrap(),
            statement_timeout,
            max_rows: 20,
            max_connections: 2,
        };
        match self.kind {
            Kind::PostgreSql => Arc::new(postgres::open(&database)),
            Kind::MariaDb => {
                database.dialect = Dialect::MySql;
                Arc::new(mysql::open(&database))
            }
        }
    }

    /// A statement put past the manifest and its checks.
    async fn put(&self, line: &dyn Line, text: &str, put: &[Json]) -> Result<Vec<Json>, Failed> {
        let statement = match self.kind {
            Kind::PostgreSql => text.to_owned(),
            Kind::MariaDb => text.replace("$1", "?").replace("$2", "?"),
        };
        let select = Select { statement, parameters: put.to_vec() };
        match line.put(Put::Select(select), Instant::now() + BUDGET).await? {
            Got::Rows { rows, .. } => Ok(rows),
            _ => panic!("a database answers with rows"),
        }
    }

    async fn rows(&self, text: &str, put: &[Json]) -> Result<Vec<Json>, Failed> {
        let line = self.line(BUDGET);
        self.put(&*line, text, put).await
    }

    async fn marriages(&self) -> Json {
        let counted =
            self.rows("SELECT count(*) AS n FROM marriage WHERE $1 = 1", &[json!(1)]).await;
        counted.unwrap()[0]["n"].clone()
    }

    /// Waits until a statement like that runs, or does no more.
    async fn wait_until(&self, runs: bool, like: &str) {
        let line = self.line(BUDGET);
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(40) {
            let rows = self.put(&*line, self.kind.under_way(), &[json!(like)]).await.unwrap();
            if (rows[0]["n"] != json!(0)) == runs {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("waited in vain until `{like}` runs: {runs}");
    }
}

fn about(number: &str, name: &str) -> Query {
    query("M1", vec![person("person", number, name)])
}

async fn answer(adapter: &Adapter, query: &Query) -> String {
    told(&ask(adapter, query).await.unwrap_or_else(|failure| panic!("{}", failure.detail)))
}

async fn found_not_found_and_conflict(kind: Kind) {
    let front = kind.front().await;
    let adapter = front.adapter();
    let he = "certificate_number=J430000-2018-000001 registered_on=2018-01-31 status=married";
    assert_eq!(answer(&adapter, &about(HE, "张三")).await, he);
    assert_eq!(
        answer(&adapter, &about(SHE, "李四")).await,
        "registered_on=2020-02-29 status=divorced"
    );
    let rare = "certificate_number=字第〇壹号 registered_on=1999-12-31 status=married";
    assert_eq!(answer(&adapter, &about("430000199001010019", "𠮷田·买买提")).await, rare);
    assert_eq!(answer(&adapter, &about("430000199902020029", "王五")).await, "conflict");
    assert_eq!(answer(&adapter, &about("430000200001010010", "张三")).await, "not found");
    // The row of somebody else of that number.
    assert_eq!(failure(&adapter, &about(HE, "李四")).await.0, "contract_error");
}

async fn parameters_are_never_statements(kind: Kind) {
    let front = kind.front().await;
    let adapter = front.adapter();
    let before = front.marriages().await;
    for attempt in [
        "' OR '1'='1",
        "\\' OR 1=1 -- ",
        "'; DROP TABLE marriage; --",
        "\"; DELETE FROM marriage; #",
        "430000188001010014'/*",
        "$1",
        "?",
        "%",
        "\u{a5}' OR 1=1 -- ",
        "縗' OR 1=1 -- ",
        "\u{feff}430000188001010014",
        "",
    ] {
        assert_eq!(answer(&adapter, &about(attempt, "张三")).await, "not found", "{attempt}");
        let put = [json!(attempt), json!(attempt)];
        let rows = front.rows("SELECT $1 AS said, $2 AS twice", &put).await.unwrap();
        assert_eq!(rows, [json!({ "said": attempt, "twice": attempt })]);
    }
    assert_eq!(front.marriages().await, before);
}

async fn nothing_can_be_written(kind: Kind) {
    let front = kind.front().await;
    let before = front.marriages().await;
    // The role may write, so that only the transaction stands in the way.
    for statement in [
        "SELECT scribble($1) AS n",
        "DELETE FROM marriage WHERE number = $1",
        "INSERT INTO marriage (number) VALUES ($1)",
        "UPDATE marriage SET name = 'x' WHERE number = $1",
    ] {
        let failed = front.rows(statement, &[json!(HE)]).await.unwrap_err();
        assert_eq!(failed.reason.code(), "contract_error", "{statement}: {}", failed.detail);
        let code = if kind == Kind::PostgreSql { "SQLSTATE 25006" } else { "error 1792" };
        assert!(failed.detail.ends_with(code), "{statement}: {}", failed.detail);
    }
    assert_eq!(front.marriages().await, before);
}

async fn more_rows_than_the_limit(kind: Kind) {
    let front = kind.front().await;
    let adapter = front.office.adapter(&front.manifest("20s", " OR 1 = 1"));
    for _ in 0..3 {
        let (reason, detail) = failure(&adapter, &about(HE, "张三")).await;
        assert_eq!(reason, "contract_error");
        assert!(detail.contains("max_rows"), "{detail}");
    }
}

async fn the_server_ends_what_takes_too_long(kind: Kind) {
    let front = kind.front().await;
    let [_, working] = kind.slow();
    let adapter = front.office.adapter(&front.manifest("5s", &format!(" AND {working}")));
    assert_eq!(failure(&adapter, &about(HE, "张三")).await.0, "timeout");

    // Nobody waits for this one any more.
    let line = front.line(Duration::from_secs(6));
    let statement =
        format!("SELECT name AS given_up FROM marriage WHERE number = $1 AND {working}");
    let asked = [json!(HE)];
    tokio::select! {
        ended = front.put(&*line, &statement, &asked) => {
            assert_eq!(ended.unwrap_err().reason.code(), "timeout");
        }
        () = front.wait_until(true, "%given_up%") => {}
    }
    front.wait_until(false, "%given_up%").await;
}

async fn the_line_is_encrypted_and_has_limits(kind: Kind) {
    let front = kind.front().await;
    let (statement, expected) = match kind {
        Kind::PostgreSql => (
            "SELECT ssl, current_setting('statement_timeout') AS most, \
             current_setting('transaction_read_only') AS r FROM pg_stat_ssl \
             WHERE pid = pg_backend_pid() AND $1 = 1",
            json!({ "ssl": true, "most": "7500ms", "r": "on" }),
        ),
        Kind::MariaDb => (
            "SELECT VARIABLE_VALUE <> '' AS encrypted, CAST(@@max_statement_time AS CHAR) AS most, \
             @@tx_read_only AS r FROM information_schema.SESSION_STATUS \
             WHERE VARIABLE_NAME = 'Ssl_cipher' AND $1 = 1",
            json!({ "encrypted": 1, "most": "7.500000", "r": 1 }),
        ),
    };
    let line = front.line(Duration::from_millis(7_500));
    assert_eq!(front.put(&*line, statement, &[json!(1)]).await.unwrap(), [expected]);
}

async fn another_password_authority_or_name(kind: Kind) {
    let front = kind.front().await;
    let manifest = front.manifest("6s", "");
    let elsewhere = front.office.adapter(&manifest.replace("\"localhost\"", "\"127.0.0.1\""));
    assert_eq!(failure(&elsewhere, &about(HE, "张三")).await.0, "unreachable");
    let stranger = Office::new().adapter(&manifest);
    assert_eq!(failure(&stranger, &about(HE, "张三")).await.0, "unreachable");
    let unknown = front.office.adapter(&manifest.replace("\"fund_centre\"", "\"somebody\""));
    assert_eq!(failure(&unknown, &about(HE, "张三")).await.0, "refused");
    front.office.secret("db_password", "wrong");
    let (reason, detail) = failure(&front.office.adapter(&manifest), &about(HE, "张三")).await;
    assert_eq!(reason, "refused");
    assert!(!detail.contains("wrong") && !detail.contains("fund_centre"), "{detail}");
}

async fn more_questions_than_connections(kind: Kind) {
    let front = kind.front().await;
    let adapter = front.adapter();
    let question = about(SHE, "李四");
    let answers = (0..20).map(|_| answer(&adapter, &question));
    for answer in futures_util::future::join_all(answers).await {
        assert_eq!(answer, "registered_on=2020-02-29 status=divorced");
    }
}

async fn stopped_in_the_middle_and_begun_again(kind: Kind) {
    // A server of its own: the others' goes on.
    let server = tokio::sync::RwLock::new(Some(Server::new(kind)));
    let server: &'static Place = Box::leak(Box::new(server));
    let office = Office::new();
    let shared = RwLockReadGuard::try_map(server.read().await, Option::as_ref).ok().unwrap();
    fs::write(office.path().join("ca.pem"), &shared.ca).unwrap();
    let front = Front { kind, server: shared, office };

    let he = "certificate_number=J430000-2018-000001 registered_on=2018-01-31 status=married";
    let adapter = front.office.adapter(&front.manifest("6s", ""));
    assert_eq!(answer(&adapter, &about(HE, "张三")).await, he);
    let [waiting, _] = kind.slow();
    let slow = front.office.adapter(&front.manifest("60s", &format!(" AND {waiting}")));
    let question = about(HE, "张三");
    let (broken, ()) = tokio::join!(failure(&slow, &question), async {
        front.wait_until(true, "%FROM marriage WHERE%").await;
        front.server.end();
    });
    assert!(["refused", "unreachable"].contains(&broken.0), "{broken:?}");
    assert_eq!(failure(&adapter, &about(HE, "张三")).await.0, "unreachable");
    front.server.begin().unwrap();
    assert_eq!(answer(&adapter, &about(HE, "张三")).await, he);
    drop(front);
    drop(server.write().await.take());
}
