//! Social security (人社): a read-only front-end database, loaded in the night (T+1), that speaks the PostgreSQL wire protocol
//! over TLS, with a password. Behind the wire is SQLite in memory.
//!
//! Columns carry the ministry's indicator codes. Only SELECT is carried out; a transaction may be opened and is read-only.

use std::sync::Arc;

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
use tokio_rustls::TlsAcceptor;

use super::SimulateError;
use super::agency::Agency;
use super::faults::{Nonsense, about_somebody_else};
use super::front_end::{Cell, FrontEnd, Kind, Question};
use super::postgres_wire;
use super::secrets::same;
use super::serve_tls::{Tasks, accept};

/// The account of the fund centre.
const USER: &str = "fund_centre";
/// The one database.
const DATABASE: &str = "front";

/// Serves until told to stop.
///
/// # Errors
/// When SQLite does not load the tables.
pub(super) fn serve(
    tasks: &Tasks,
    listener: TcpListener,
    tls: Arc<rustls::ServerConfig>,
    agency: Agency,
) -> Result<(), SimulateError> {
    let database = FrontEnd::load(&agency.province, &agency.clock)?;
    let desk = Arc::new(Desk { agency: agency.clone(), database });
    let acceptor = TlsAcceptor::from(tls);
    accept(tasks, listener, agency.faults, move |stream| {
        let desk = Desks(Arc::clone(&desk));
        let acceptor = acceptor.clone();
        async move {
            // A client that breaks off is none of the agency's business.
            let _ = postgres_wire::serve_connection(stream, &acceptor, &desk).await;
        }
    });
    Ok(())
}

fn error(severity: &str, code: &str, text: &str) -> PgWireError {
    let (severity, code, text) = (severity.to_owned(), code.to_owned(), text.to_owned());
    PgWireError::UserError(Box::new(ErrorInfo::new(severity, code, text)))
}

/// Where questions are taken: parsed, bound, answered.
struct Desk {
    agency: Agency,
    database: FrontEnd,
}

struct Desks(Arc<Desk>);

impl PgWireServerHandlers for Desks {
    fn simple_query_handler(&self) -> Arc<impl SimpleQueryHandler> {
        Arc::new(Wire(Arc::clone(&self.0)))
    }

    fn extended_query_handler(&self) -> Arc<impl ExtendedQueryHandler> {
        Arc::new(Wire(Arc::clone(&self.0)))
    }

    fn startup_handler(&self) -> Arc<impl StartupHandler> {
        let password = self.0.agency.secrets.get("social-security-password").to_owned();
        let mut parameters = DefaultServerParameterProvider::default();
        parameters.is_superuser = false;
        parameters.default_transaction_read_only = true;
        Arc::new(CleartextPasswordAuthStartupHandler::new(Accounts { password }, parameters))
    }
}

/// The one account. Its password comes as it is, since nobody gets here but over TLS.
struct Accounts {
    password: String,
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Accounts")
    }
}

#[async_trait]
impl AuthSource for Accounts {
    async fn get_password(&self, login: &LoginInfo) -> PgWireResult<Password> {
        if login.user() != Some(USER) {
            return Err(error("FATAL", "28P01", "password authentication failed"));
        }
        if login.database() != Some(DATABASE) {
            return Err(error("FATAL", "3D000", "database does not exist"));
        }
        Ok(Password::new(None, self.password.clone().into_bytes()))
    }

    async fn verify_password(
        &self,
        login: &LoginInfo,
        presented: &[u8],
    ) -> PgWireResult<Option<()>> {
        let expected = self.get_password(login).await?;
        if !same(expected.password(), presented) {
            return Err(error("FATAL", "28P01", "password authentication failed"));
        }
        Ok(None)
    }
}

/// What a statement asks for.
#[derive(Clone, Debug)]
enum Statement {
    /// A question, with its columns.
    Select(Question),
    /// BEGIN.
    Begin,
    /// COMMIT or ROLLBACK.
    End,
    /// SET and its kin: taken note of, nothing done.
    Set,
}

/// One connection's protocol, in front of the shared desk.
struct Wire(Arc<Desk>);

impl Wire {
    fn parse(&self, sql: &str) -> PgWireResult<Statement> {
        let text = sql.trim().trim_end_matches(';').trim();
        let word: String = text.chars().take_while(char::is_ascii_alphabetic).collect();
        match word.to_ascii_uppercase().as_str() {
            "BEGIN" | "START" => Ok(Statement::Begin),
            "COMMIT" | "ROLLBACK" | "END" => Ok(Statement::End),
            "SET" | "DISCARD" => Ok(Statement::Set),
            "SELECT" | "WITH" => {
                let question = self.0.database.prepare(text);
                let question = question.map_err(|text| error("ERROR", "42601", &text))?;
                Ok(Statement::Select(question))
            }
            _ => Err(error(
                "ERROR",
                "25006",
                "only SELECT is carried out: the database is read-only",
            )),
        }
    }

    /// Answers one question, with whatever is wrong with the agency today.
    async fn select(
        &self,
        question: &Question,
        parameters: &[Cell],
        fields: Vec<FieldInfo>,
    ) -> PgWireResult<Response> {
        let agency = &self.0.agency;
        agency.count();
        let gone =
            || error("FATAL", "57P01", "terminating connection due to administrator command");
        if agency.faults.is_out() {
            return Err(gone());
        }
        let (delay, fails) = agency.faults.roll();
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        if fails {
            return Err(error("ERROR", "XX000", "internal error"));
        }
        let nonsense = agency.faults.nonsense();
        if matches!(nonsense, Nonsense::Html | Nonsense::Truncated) {
            return Err(gone());
        }
        let rows = self.0.database.select(question, parameters);
        let rows = rows.map_err(|text| error("ERROR", "22000", &text))?;
        let fields = Arc::new(fields);
        let mut encoder = DataRowEncoder::new(Arc::clone(&fields));
        let mut encoded = Vec::with_capacity(rows.len());
        for row in rows {
            for (place, (cell, field)) in row.into_iter().zip(fields.iter()).enumerate() {
                let cell = match (nonsense, cell) {
                    (Nonsense::MissingFields, _) if place % 2 == 1 => Cell::Null,
                    (Nonsense::WrongPerson, Cell::Text(text)) => {
                        Cell::Text(about_somebody_else(&text))
                    }
                    (_, cell) => cell,
                };
                if *field.datatype() == Type::INT8 {
                    encoder.encode_field(&cell.into_integer())?;
                } else {
                    encoder.encode_field(&cell.into_text())?;
                }
            }
            encoded.push(Ok(encoder.take_row()));
        }
        Ok(Response::Query(QueryResponse::new(fields, stream::iter(encoded))))
    }

    async fn carry_out(
        &self,
        statement: &Statement,
        parameters: &[Cell],
        format: &Format,
    ) -> PgWireResult<Response> {
        match statement {
            Statement::Begin => Ok(Response::TransactionStart(Tag::new("BEGIN"))),
            Statement::End => Ok(Response::TransactionEnd(Tag::new("COMMIT"))),
            Statement::Set => Ok(Response::Execution(Tag::new("SET"))),
            Statement::Select(question) => {
                self.select(question, parameters, fields_of(question, format)).await
            }
        }
    }
}

fn fields_of(question: &Question, format: &Format) -> Vec<FieldInfo> {
    let columns = question.columns.iter().enumerate();
    columns
        .map(|(place, (name, kind))| {
            let kind = if *kind == Kind::Integer { Type::INT8 } else { Type::TEXT };
            FieldInfo::new(name.clone(), None, None, kind, format.format_for(place))
        })
        .collect()
}

#[async_trait]
impl SimpleQueryHandler for Wire {
    async fn do_query<C>(&self, _client: &mut C, query: &str) -> PgWireResult<Vec<Response>>
    where
        C: ClientInfo + Unpin + Send + Sync,
    {
        let mut responses = Vec::new();
        for sql in query.split(';').filter(|sql| !sql.trim().is_empty()) {
            let statement = self.parse(sql)?;
            responses.push(self.carry_out(&statement, &[], &Format::UnifiedText).await?);
        }
        Ok(responses)
    }
}

#[async_trait]
impl ExtendedQueryHandler for Wire {
    type Statement = Statement;
    type QueryParser = Self;

    fn query_parser(&self) -> Arc<Self> {
        Arc::new(Self(Arc::clone(&self.0)))
    }

    async fn do_query<C>(
        &self,
        _client: &mut C,
        portal: &Portal<Statement>,
        _max_rows: usize,
    ) -> PgWireResult<Response>
    where
        C: ClientInfo + Unpin + Send + Sync,
    {
        let parameters: Vec<Cell> = (0..portal.parameter_len())
            .map(|place| parameter(portal, place))
            .collect::<Result<_, _>>()?;
        self.carry_out(&portal.statement.statement, &parameters, &portal.result_column_format).await
    }
}

fn parameter(portal: &Portal<Statement>, place: usize) -> PgWireResult<Cell> {
    let kind = portal.statement.parameter_types.get(place).cloned().flatten().unwrap_or(Type::TEXT);
    let integer = |value: Option<i64>| value.map_or(Cell::Null, Cell::Integer);
    Ok(match kind {
        Type::BOOL => integer(portal.parameter::<bool>(place, &kind)?.map(i64::from)),
        Type::INT2 => integer(portal.parameter::<i16>(place, &kind)?.map(i64::from)),
        Type::INT4 => integer(portal.parameter::<i32>(place, &kind)?.map(i64::from)),
        Type::INT8 => integer(portal.parameter::<i64>(place, &kind)?),
        Type::TEXT | Type::VARCHAR | Type::UNKNOWN => {
            portal.parameter::<String>(place, &kind)?.map_or(Cell::Null, Cell::Text)
        }
        _ => return Err(error("ERROR", "0A000", "parameters are text, integer or boolean")),
    })
}

#[async_trait]
impl QueryParser for Wire {
    type Statement = Statement;

    async fn parse_sql<C>(
        &self,
        _client: &C,
        sql: &str,
        _types: &[Option<Type>],
    ) -> PgWireResult<Option<Statement>>
    where
        C: ClientInfo + Unpin + Send + Sync,
    {
        self.parse(sql).map(Some)
    }

    fn get_parameter_types(&self, statement: &Statement) -> PgWireResult<Vec<Type>> {
        Ok(match statement {
            Statement::Select(question) => vec![Type::TEXT; question.parameters],
            _ => Vec::new(),
        })
    }

    fn get_result_schema(
        &self,
        statement: &Statement,
        format: Option<&Format>,
    ) -> PgWireResult<Vec<FieldInfo>> {
        Ok(match statement {
            Statement::Select(question) => {
                fields_of(question, format.unwrap_or(&Format::UnifiedBinary))
            }
            _ => Vec::new(),
        })
    }
}
