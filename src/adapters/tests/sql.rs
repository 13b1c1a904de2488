//! A front-end database that speaks PostgreSQL's protocol over TLS.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::stream;
use pgwire::api::auth::cleartext::CleartextPasswordAuthStartupHandler;
use pgwire::api::auth::{
    AuthSource, DefaultServerParameterProvider, LoginInfo, Password, StartupHandler,
};
use pgwire::api::portal::{Format, Portal};
use pgwire::api::query::{ExtendedQueryHandler, SimpleQueryHandler};
use pgwire::api::results::{DataRowEncoder, FieldInfo, QueryResponse, Response, Tag};
use pgwire::api::stmt::QueryParser;
use pgwire::api::{ClientInfo, PgWireServerHandlers, Type};
use pgwire::error::{ErrorInfo, PgWireError, PgWireResult};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::agency::*;
use crate::simulate::postgres_wire;

/// What the database does with a SELECT.
#[derive(Clone, Copy, Debug)]
enum Does {
    Rows(usize),
    Errors(&'static str),
    Sleeps,
}

/// One place for all that a connection needs; `log` keeps the statements and parameters.
#[derive(Clone)]
struct Desk {
    does: Does,
    log: Arc<Mutex<Vec<String>>>,
}

#[derive(Debug)]
struct Account;

#[async_trait]
impl AuthSource for Account {
    async fn get_password(&self, _: &LoginInfo) -> PgWireResult<Password> {
        Ok(Password::new(None, b"pencil".to_vec()))
    }
}

impl PgWireServerHandlers for Desk {
    fn simple_query_handler(&self) -> Arc<impl SimpleQueryHandler> {
        Arc::new(self.clone())
    }

    fn extended_query_handler(&self) -> Arc<impl ExtendedQueryHandler> {
        Arc::new(self.clone())
    }

    fn startup_handler(&self) -> Arc<impl StartupHandler> {
        let parameters = DefaultServerParameterProvider::default();
        Arc::new(CleartextPasswordAuthStartupHandler::new(Account, parameters))
    }
}

impl Desk {
    async fn carry_out(&self, sql: &str, parameter: Option<String>) -> PgWireResult<Response> {
        self.log
            .lock()
            .unwrap()
            .push(format!("{sql} {}", parameter.as_deref().unwrap_or_default()));
        match sql.split(' ').next().unwrap_or_default() {
            "BEGIN" => return Ok(Response::TransactionStart(Tag::new("BEGIN"))),
            "COMMIT" | "ROLLBACK" => return Ok(Response::TransactionEnd(Tag::new("COMMIT"))),
            _ => {}
        }
        let count = match self.does {
            Does::Rows(count) => count,
            Does::Sleeps => std::future::pending().await,
            Does::Errors(code) => {
                let text = format!("about {}", parameter.unwrap_or_default());
                let error = ErrorInfo::new("ERROR".to_owned(), code.to_owned(), text);
                return Err(PgWireError::UserError(Box::new(error)));
            }
        };
        let fields = Arc::new(fields());
        let mut encoder = DataRowEncoder::new(Arc::clone(&fields));
        let mut rows = Vec::new();
        for _ in 0..count {
            encoder.encode_field(&parameter)?;
            encoder.encode_field(&1_i64)?;
            encoder.encode_field(&true)?;
            encoder.encode_field(&None::<String>)?;
            rows.push(Ok(encoder.take_row()));
        }
        Ok(Response::Query(QueryResponse::new(fields, stream::iter(rows))))
    }
}

fn fields() -> Vec<FieldInfo> {
    [("aac002", Type::TEXT), ("aac031", Type::INT8), ("dead", Type::BOOL), ("nil", Type::VARCHAR)]
        .into_iter()
        .map(|(name, kind)| {
            FieldInfo::new(
                name.to_owned(),
                None,
                None,
                kind,
                pgwire::api::results::FieldFormat::Binary,
            )
        })
        .collect()
}

#[async_trait]
impl SimpleQueryHandler for Desk {
    async fn do_query<C>(&self, _: &mut C, query: &str) -> PgWireResult<Vec<Response>>
    where
        C: ClientInfo + Unpin + Send + Sync,
    {
        Ok(vec![self.carry_out(query, None).await?])
    }
}

#[async_trait]
impl ExtendedQueryHandler for Desk {
    type Statement = String;
    type QueryParser = Self;

    fn query_parser(&self) -> Arc<Self> {
        Arc::new(self.clone())
    }

    async fn do_query<C>(
        &self,
        _: &mut C,
        portal: &Portal<String>,
        _: usize,
    ) -> PgWireResult<Response>
    where
        C: ClientInfo + Unpin + Send + Sync,
    {
        let parameter = match portal.parameter_len() {
            0 => None,
            _ => portal.parameter::<String>(0, &Type::TEXT)?,
        };
        self.carry_out(&portal.statement.statement, parameter).await
    }
}

#[async_trait]
impl QueryParser for Desk {
    type Statement = String;

    async fn parse_sql<C>(
        &self,
        _: &C,
        sql: &str,
        _: &[Option<Type>],
    ) -> PgWireResult<Option<String>>
    where
        C: ClientInfo + Unpin + Send + Sync,
    {
        Ok(Some(sql.to_owned()))
    }

    fn get_parameter_types(&self, sql: &String) -> PgWireResult<Vec<Type>> {
        Ok(vec![Type::TEXT; sql.matches('$').count()])
    }

    fn get_result_schema(&self, sql: &String, _: Option<&Format>) -> PgWireResult<Vec<FieldInfo>> {
        Ok(if sql.starts_with("SELECT") { fields() } else { Vec::new() })
    }
}

struct Database {
    address: SocketAddr,
    log: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

async fn database(office: &Office, name: &str, does: Does) -> Database {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = TlsAcceptor::from(office.server(name, &[]));
    let log = Arc::new(Mutex::new(Vec::new()));
    let desk = Desk { does, log: Arc::clone(&log) };
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, desk) = (acceptor.clone(), desk.clone());
            connections.spawn(async move {
                let _hung_up = postgres_wire::serve_connection(stream, &acceptor, &desk).await;
            });
        }
    });
    Database { address, log, _tasks: tasks }
}

fn manifest(port: u16) -> String {
    format!(
        r#"
schema = 1
name = "police"
version = "1.0.0"
agency = "police"
[secrets]
password = {{ file = "../db_password" }}
[sql]
host = "localhost"
port = {port}
database = "front"
user = "fund_centre"
password = "password"
ca = "../ca.pem"
statement_timeout = "1s"
max_rows = 3
[[operation]]
fact = "P1"
statement = "SELECT aac002, aac031, dead, nil FROM person WHERE aac002 = $1"
parameters = ['subject.person.document_number']
[operation.outcome]
not_found = 'size(resp.rows) == 0'
found = 'true'
echo = 'doc[0].aac002 == subject.person.document_number'
[operation.attributes]
identity_match = 'resp.rows[0].aac031 == 1 && resp.rows[0].nil == null'
deceased = 'resp.rows[0].dead'
"#
    )
}

fn question() -> crate::query::Query {
    query("P1", vec![person("person", HE, "张三")])
}

#[tokio::test]
async fn rows_are_read_in_a_read_only_transaction() {
    let office = Office::new();
    let database = database(&office, "localhost", Does::Rows(1)).await;
    let adapter = office.adapter(&manifest(database.address.port()));
    for _ in 0..2 {
        let answer = ask(&adapter, &question()).await.map_err(|failure| failure.detail).unwrap();
        assert_eq!(told(&answer), "deceased=true identity_match=true");
    }
    let log = database.log.lock().unwrap().clone();
    assert_eq!(log[0].trim(), "BEGIN READ ONLY");
    assert_eq!(
        log[1],
        format!("SELECT aac002, aac031, dead, nil FROM person WHERE aac002 = $1 {HE}")
    );
    assert_eq!(log[2].trim(), "COMMIT");
}

#[tokio::test]
async fn what_a_database_can_do_wrong() {
    for (does, expected) in [
        (Does::Rows(4), "contract_error"),
        (Does::Errors("42P01"), "contract_error"),
        (Does::Errors("53300"), "refused"),
        (Does::Errors("57014"), "timeout"),
        (Does::Sleeps, "timeout"),
    ] {
        let office = Office::new();
        let database = database(&office, "localhost", does).await;
        let adapter = office.adapter(&manifest(database.address.port()));
        let (reason, detail) = failure(&adapter, &question()).await;
        assert_eq!(reason, expected, "{does:?}: {detail}");
    }
    let office = Office::new();
    let none = database(&office, "localhost", Does::Rows(0)).await;
    let adapter = office.adapter(&manifest(none.address.port()));
    let answer = ask(&adapter, &question()).await.map_err(|failure| failure.detail).unwrap();
    assert_eq!(told(&answer), "not found");
}

#[tokio::test]
async fn a_database_with_another_name_or_password_or_none_at_all() {
    let office = Office::new();
    let elsewhere = database(&office, "example.org", Does::Rows(1)).await;
    let adapter = office.adapter(&manifest(elsewhere.address.port()));
    assert_eq!(failure(&adapter, &question()).await.0, "unreachable");
    assert!(elsewhere.log.lock().unwrap().is_empty());

    let here = database(&office, "localhost", Does::Rows(1)).await;
    let adapter = office.adapter(&manifest(1));
    assert_eq!(failure(&adapter, &question()).await.0, "unreachable");
    office.secret("db_password", "wrong");
    let adapter = office.adapter(&manifest(here.address.port()));
    assert_eq!(failure(&adapter, &question()).await.0, "refused");
}
