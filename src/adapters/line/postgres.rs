//! A read-only front-end database (前置机), spoken to in PostgreSQL's protocol.
//!
//! A statement is fixed text from the manifest; what a caller sends can only ever be a parameter. Every question runs in a
//! read-only transaction with the manifest's time limit, on a connection whose certificate and
//! name are checked. The driver trusts the public web authorities beside the manifest's own; it offers no way to leave
//! them out.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::{FutureExt, TryStreamExt};
use secrecy::ExposeSecret;
use serde_json::{Map, Value as Json};
use sqlx::postgres::{PgArguments, PgConnectOptions, PgPoolOptions, PgRow, PgSslMode, PgTypeInfo};
use sqlx::{AssertSqlSafe, Column, Connection, Either, Executor, PgPool, Row, TypeInfo, ValueRef};
use tokio::time::{Instant, timeout_at};

use super::{Got, Line, Put, Putting, not_carried};
use crate::adapters::failed::Failed;
use crate::adapters::manifest::Database;
use crate::query::record::Unavailable;

/// Connections kept towards one database. The bulkhead bounds questions; a front-end box has few places to give.
const CONNECTIONS: u32 = 8;

/// Bytes of all rows together. An answer to one question is some kilobytes.
const MAX_BYTES: usize = 16 << 20;

/// A statement of the manifest, and what a question puts in it.
#[derive(Clone)]
pub(crate) struct Select {
    /// Text of the manifest.
    pub(crate) statement: String,
    /// Text, integers, truths and nulls.
    pub(crate) parameters: Vec<Json>,
}

/// One database.
pub(crate) struct Postgres {
    pool: PgPool,
    timeout: Duration,
    max_rows: usize,
}

impl Postgres {
    /// Describes the connections; none is opened before the first question.
    pub(crate) fn new(database: &Database) -> Self {
        let milliseconds = database.statement_timeout.as_millis().to_string();
        let options = PgConnectOptions::new_without_pgpass()
            .host(&database.host)
            .port(database.port)
            .database(&database.database)
            .username(&database.user)
            .password(database.password.expose_secret())
            .ssl_mode(PgSslMode::VerifyFull)
            .ssl_root_cert_from_pem(database.ca.clone())
            // The server's own limits, for when we are no longer there to enforce ours.
            .options([
                ("statement_timeout", milliseconds.as_str()),
                ("default_transaction_read_only", "on"),
            ])
            .statement_cache_capacity(64)
            .application_name("heyan");
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            // Half of it, so that a database that is away is told apart from one that is slow.
            .acquire_timeout(database.statement_timeout / 2)
            .connect_lazy_with(options);
        Self { pool, timeout: database.statement_timeout, max_rows: database.max_rows }
    }

    /// Rows of one SELECT as maps by column name. Text, integers, truths, dates and nulls are read; all else is a
    /// contract error, and so is more than the row limit.
    async fn rows(
        &self,
        statement: &str,
        parameters: &[Json],
        deadline: Instant,
    ) -> Result<Vec<Json>, Failed> {
        let deadline = deadline.min(Instant::now() + self.timeout);
        // The driver panics on rows whose lengths are wrong. What it was reading has left the connection by then, so the
        // next question finds it in step.
        let selecting = AssertUnwindSafe(self.select(statement, parameters)).catch_unwind();
        match timeout_at(deadline, selecting).await {
            Ok(Ok(rows)) => rows,
            Ok(Err(_)) => Err(Failed::contract("the database's answer cannot be read")),
            Err(_) => Err(Failed::unanswered(Unavailable::Timeout, "the statement took too long")),
        }
    }

    async fn select(&self, statement: &str, parameters: &[Json]) -> Result<Vec<Json>, Failed> {
        let mut connection = self.pool.acquire().await.map_err(|error| no_connection(&error))?;
        let mut transaction =
            connection.begin_with("BEGIN READ ONLY").await.map_err(|error| failure(&error))?;
        let arguments = bind(parameters)?;
        // The text is the manifest's, checked on load to be one SELECT; nothing of a question is ever put into it.
        let statement = AssertSqlSafe(statement.to_owned());
        let mut stream = transaction.fetch_many(sqlx::query_with(statement, arguments));
        let (mut rows, mut bytes, mut has_ended) = (Vec::new(), 0_usize, false);
        while let Some(part) = stream.try_next().await.map_err(|error| failure(&error))? {
            let Either::Right(row) = part else {
                has_ended = true;
                continue;
            };
            bytes = bytes.saturating_add(size(&row));
            if bytes > MAX_BYTES {
                return Err(Failed::contract(format!("rows of more than {MAX_BYTES} bytes")));
            }
            if rows.len() == self.max_rows {
                return Err(Failed::contract(format!(
                    "more than {} rows (max_rows)",
                    self.max_rows
                )));
            }
            rows.push(read(&row)?);
        }
        drop(stream);
        // Without the database's word that these are all, no rows are not "no record".
        if !has_ended {
            return Err(Failed::contract("the database never said that these are all rows"));
        }
        transaction.commit().await.map_err(|error| failure(&error))?;
        Ok(rows)
    }
}

impl Line for Postgres {
    fn put(&self, put: Put, deadline: Instant) -> Putting<'_> {
        Box::pin(async move {
            let Put::Select(select) = put else { return Err(not_carried()) };
            let rows = self.rows(&select.statement, &select.parameters, deadline).await?;
            Ok(Got::Rows { rows, as_of: None })
        })
    }
}

/// Bytes of the row's values.
fn size(row: &PgRow) -> usize {
    let raw = (0..row.columns().len()).filter_map(|position| row.try_get_raw(position).ok());
    raw.filter_map(|value| value.as_bytes().ok().map(<[u8]>::len)).sum()
}

fn bind(parameters: &[Json]) -> Result<PgArguments, Failed> {
    let mut arguments = PgArguments::default();
    for (position, parameter) in parameters.iter().enumerate() {
        let bound = match parameter {
            Json::Null => add(&mut arguments, None::<String>),
            Json::Bool(truth) => add(&mut arguments, *truth),
            Json::Number(number) => match number.as_i64() {
                Some(integer) => add(&mut arguments, integer),
                None => false,
            },
            Json::String(text) => add(&mut arguments, text.clone()),
            Json::Array(_) | Json::Object(_) => false,
        };
        if !bound {
            let detail = format!("parameter {} is no text, integer, truth or null", position + 1);
            return Err(Failed::contract(detail));
        }
    }
    Ok(arguments)
}

fn add<'q, T>(arguments: &mut PgArguments, value: T) -> bool
where
    T: sqlx::Encode<'q, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + 'q,
{
    sqlx::Arguments::add(arguments, value).is_ok()
}

fn read(row: &PgRow) -> Result<Json, Failed> {
    let mut map = Map::new();
    for (position, column) in row.columns().iter().enumerate() {
        let value = read_column(row, position, column.type_info()).ok_or_else(|| {
            let detail = format!(
                "column `{}` of type {} cannot be read: cast it in the statement",
                column.name(),
                column.type_info().name()
            );
            Failed::contract(detail)
        })?;
        map.insert(column.name().to_owned(), value);
    }
    Ok(Json::Object(map))
}

fn read_column(row: &PgRow, position: usize, kind: &PgTypeInfo) -> Option<Json> {
    if row.try_get_raw(position).ok()?.is_null() {
        return Some(Json::Null);
    }
    Some(match kind.name() {
        "BOOL" => Json::from(row.try_get::<bool, _>(position).ok()?),
        "INT2" => Json::from(row.try_get::<i16, _>(position).ok()?),
        "INT4" => Json::from(row.try_get::<i32, _>(position).ok()?),
        "INT8" => Json::from(row.try_get::<i64, _>(position).ok()?),
        "TEXT" | "VARCHAR" | "CHAR" | "NAME" | "UNKNOWN" => {
            Json::from(row.try_get::<String, _>(position).ok()?)
        }
        "DATE" => {
            let raw = row.try_get_raw(position).ok()?;
            Json::from(date(raw.as_bytes().ok()?)?)
        }
        _ => return None,
    })
}

/// PostgreSQL sends a date as days since 2000-01-01.
fn date(bytes: &[u8]) -> Option<String> {
    let days = i32::from_be_bytes(bytes.try_into().ok()?);
    let span = jiff::Span::new().try_days(days).ok()?;
    Some(jiff::civil::date(2000, 1, 1).checked_add(span).ok()?.to_string())
}

/// Sorts the errors of connecting. Whatever is not the database's own word means that there was none: the question has
/// not been put.
fn no_connection(error: &sqlx::Error) -> Failed {
    match error {
        sqlx::Error::Database(_) | sqlx::Error::PoolTimedOut => failure(error),
        _ => Failed::unanswered(
            Unavailable::Unreachable,
            "the database cannot be reached, or its certificate is wrong",
        ),
    }
}

/// Sorts the driver's errors. Its texts may quote values, so none of them is kept; the server's code is enough to look up.
fn failure(error: &sqlx::Error) -> Failed {
    match error {
        sqlx::Error::Database(refused) => {
            let code = refused.code().unwrap_or_default().into_owned();
            // Class 28: authorization; 53, 57: resources and shutdown; 57014: the statement's time limit.
            let reason = match code.as_str() {
                "57014" => Unavailable::Timeout,
                code if code.starts_with("28")
                    || code.starts_with("53")
                    || code.starts_with("57") =>
                {
                    Unavailable::Refused
                }
                _ => Unavailable::ContractError,
            };
            Failed::answered(reason, format!("the database answered with SQLSTATE {code}"))
        }
        sqlx::Error::PoolTimedOut => {
            Failed::unanswered(Unavailable::Unreachable, "no connection could be had in time")
        }
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolClosed => Failed::unanswered(
            Unavailable::Unreachable,
            "the database cannot be reached, or its certificate is wrong",
        ),
        _ => Failed::contract("the database's answer cannot be read"),
    }
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn dates_as_postgresql_sends_them() {
        assert_eq!(date(&0_i32.to_be_bytes()).as_deref(), Some("2000-01-01"));
        assert_eq!(date(&6_605_i32.to_be_bytes()).as_deref(), Some("2018-01-31"));
        assert_eq!(date(&(-1_i32).to_be_bytes()).as_deref(), Some("1999-12-31"));
        // `infinity`, and what is no date at all.
        assert_eq!(date(&i32::MAX.to_be_bytes()), None);
        assert_eq!(date(b"2018-01-31"), None);
    }
}
