//! A read-only front-end database (前置机): what is the same whichever protocol it speaks.
//!
//! A statement is fixed text from the manifest; what a caller sends can only ever be a parameter. Every question runs in
//! a read-only transaction with the manifest's time limit, on a connection whose certificate and name are checked, and
//! that carries no more than an answer can need (see [`relay`](super::relay)).

use std::io;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::time::Duration;

use futures_util::{FutureExt, TryStreamExt};
use serde_json::{Map, Value as Json};
use sqlx::error::DatabaseError;
use sqlx::pool::{PoolConnection, PoolOptions};
use sqlx::{
    Arguments, AssertSqlSafe, Column, ColumnIndex, Connection, Either, Encode, Executor,
    IntoArguments, Pool, Row, Type, TypeInfo,
};
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::relay::{Cut, Relay};
use super::{Got, Line, Put, Putting, not_carried};
use crate::adapters::failed::Failed;
use crate::adapters::manifest::Database;
use crate::query::record::Unavailable;

/// How much longer than the server we wait: its own limit should speak first, so that the connection stays good.
const GRACE: Duration = Duration::from_millis(250);

/// Bytes of all rows together. An answer to one question is some kilobytes.
const MAX_BYTES: usize = 16 << 20;

/// A statement of the manifest, and what a question puts in it.
#[derive(Clone)]
pub(crate) struct Select {
    /// Text of the manifest, with the placeholders of its dialect.
    pub(crate) statement: String,
    /// Text, integers, truths and nulls, one for each placeholder.
    pub(crate) parameters: Vec<Json>,
}

/// How the driver connects.
type Options<D> = <<D as sqlx::Database>::Connection as Connection>::Options;

/// What differs between the protocols.
pub(crate) trait Dialect: sqlx::Database {
    /// Begins a transaction that cannot write.
    const BEGIN: &'static str;

    /// The same, through the relay whose socket is in that folder.
    fn through(options: Options<Self>, relay: &Path) -> Options<Self>;

    /// Adds a parameter; false when its type is none of those that can be sent.
    fn bind(arguments: &mut Self::Arguments, parameter: &Json) -> bool;

    /// A column's value by the name of its type; `None` when it cannot be read.
    fn value(row: &Self::Row, position: usize, kind: &str) -> Option<Json>;

    /// What the server's refusal means, and its code. Its text may quote values.
    fn refused(error: &dyn DatabaseError) -> (Unavailable, String);
}

/// One database.
pub(crate) struct FrontEnd<D: Dialect> {
    database: Database,
    pool: PoolOptions<D>,
    options: Options<D>,
    opened: OnceCell<Opened<D>>,
    /// Waited for before a connection, so that a database that is away is told apart from one that is busy.
    places: Semaphore,
    timeout: Duration,
    max_rows: usize,
}

impl<D: Dialect> FrontEnd<D> {
    /// Opens nothing yet.
    pub(crate) fn new(database: &Database, pool: PoolOptions<D>, options: Options<D>) -> Self {
        let pool = pool
            .max_connections(database.max_connections)
            // Half of it, so that a database that is away is told apart from one that is slow.
            .acquire_timeout(database.statement_timeout / 2);
        let places = usize::try_from(database.max_connections).unwrap_or(1);
        Self {
            database: database.clone(),
            pool,
            options,
            opened: OnceCell::new(),
            places: Semaphore::new(places),
            timeout: database.statement_timeout,
            max_rows: database.max_rows,
        }
    }

    /// The driver's connections; the first question opens the socket that they go through.
    async fn pool(&self) -> Result<&Pool<D>, Failed> {
        let open = async || {
            let relay = Relay::open(&self.database)?;
            let options = D::through(self.options.clone(), relay.folder());
            let pool = self.pool.clone().connect_lazy_with(options);
            Ok(Opened { pool, _relay: relay })
        };
        let opened = self.opened.get_or_try_init(open).await.map_err(|error: io::Error| {
            let detail = format!("no socket in the folder for temporary files: {error} (TMPDIR)");
            let failed = Failed::unanswered(Unavailable::Unreachable, detail);
            // The agency has no part in it.
            Failed { is_repeated: true, ..failed }
        });
        Ok(&opened?.pool)
    }
}

/// What the first question opens. Dropped, it closes everything.
struct Opened<D: Dialect> {
    pool: Pool<D>,
    _relay: Relay,
}

impl<D> FrontEnd<D>
where
    D: Dialect,
    D::Arguments: IntoArguments<D>,
    for<'c> &'c mut D::Connection: Executor<'c, Database = D>,
    usize: ColumnIndex<D::Row>,
{
    /// Rows of one SELECT as maps by column name. What cannot be read is a contract error, and so is more than the row
    /// limit.
    async fn rows(&self, select: &Select, deadline: Instant) -> Result<Vec<Json>, Failed> {
        let Ok(Ok(_place)) = timeout_at(deadline, self.places.acquire()).await else {
            let detail = "no connection was free in time (max_connections)";
            return Err(Failed::unanswered(Unavailable::Overloaded, detail));
        };
        let deadline = deadline.min(Instant::now() + self.timeout + GRACE);
        // The driver counts on a server that keeps to the protocol, and panics where one does not.
        let asked = AssertUnwindSafe(self.select(select)).catch_unwind();
        match timeout_at(deadline, asked).await {
            Ok(Ok(rows)) => rows,
            Ok(Err(_)) => Err(Failed::contract("the database's answer cannot be read")),
            Err(_) => Err(Failed::unanswered(Unavailable::Timeout, "the statement took too long")),
        }
    }

    async fn select(&self, select: &Select) -> Result<Vec<Json>, Failed> {
        let arguments = arguments::<D>(&select.parameters)?;
        let connection =
            self.pool().await?.acquire().await.map_err(|error| no_connection::<D>(&error))?;
        let mut lent = Lent { connection: Some(connection), is_read: false };
        let Lent { connection: Some(connection), is_read } = &mut lent else {
            return Err(Failed::contract("no connection was lent"));
        };
        let mut transaction =
            connection.begin_with(D::BEGIN).await.map_err(|error| failure::<D>(&error))?;
        match self.gather(&mut transaction, select, arguments).await {
            Ok(rows) => {
                transaction.commit().await.map_err(|error| failure::<D>(&error))?;
                *is_read = true;
                Ok(rows)
            }
            Err(Ended::Refused(failed)) => {
                *is_read = transaction.rollback().await.is_ok();
                Err(failed)
            }
            Err(Ended::Left(failed)) => Err(failed),
        }
    }

    async fn gather(
        &self,
        connection: &mut D::Connection,
        select: &Select,
        arguments: D::Arguments,
    ) -> Result<Vec<Json>, Ended> {
        let left = |detail: String| Err(Ended::Left(Failed::contract(detail)));
        // The text is the manifest's, checked on load to be one SELECT; nothing of a question is ever put into it.
        let statement = AssertSqlSafe(select.statement.clone());
        let begun = Instant::now();
        let mut stream = connection.fetch_many(sqlx::query_with(statement, arguments));
        let (mut rows, mut bytes, mut has_ended) = (Vec::new(), 0_usize, false);
        while let Some(part) = stream.try_next().await.map_err(|error| ended::<D>(&error))? {
            // A statement has one result; rows of a second one are no rows of the first.
            if has_ended {
                return left("the database went on after the end of the rows".to_owned());
            }
            let Either::Right(row) = part else {
                has_ended = true;
                continue;
            };
            if rows.len() == self.max_rows {
                return left(format!("more than {} rows (max_rows)", self.max_rows));
            }
            let row = read::<D>(&row).map_err(Ended::Left)?;
            bytes = bytes.saturating_add(size(&row));
            if bytes > MAX_BYTES {
                return left(format!("rows of more than {MAX_BYTES} bytes"));
            }
            rows.push(Json::Object(row));
        }
        // Without the database's word that these are all, no rows are not "no record".
        if !has_ended {
            return left("the database never said that these are all rows".to_owned());
        }
        // MariaDB may end a statement at its limit and answer with the rows it had, or none, as if they were all.
        if begun.elapsed() >= self.timeout {
            let detail = "the statement took too long";
            return Err(Ended::Refused(Failed::answered(Unavailable::Timeout, detail)));
        }
        Ok(rows)
    }
}

/// Why there are no rows.
enum Ended {
    /// The database said so itself, and waits for the next statement.
    Refused(Failed),
    /// Something may be left to read.
    Left(Failed),
}

fn ended<D: Dialect>(error: &sqlx::Error) -> Ended {
    let failed = failure::<D>(error);
    if matches!(error, sqlx::Error::Database(_)) {
        Ended::Refused(failed)
    } else {
        Ended::Left(failed)
    }
}

/// A connection that goes back to the others only when it was read to the end. The driver would read on in the
/// background what a question left unread, for as long as the database cares to send.
struct Lent<D: Dialect> {
    connection: Option<PoolConnection<D>>,
    is_read: bool,
}

impl<D: Dialect> Drop for Lent<D> {
    fn drop(&mut self) {
        let connection = self.connection.take();
        if !self.is_read {
            drop(connection.map(PoolConnection::detach));
        }
    }
}

impl<D> Line for FrontEnd<D>
where
    D: Dialect,
    D::Arguments: IntoArguments<D>,
    for<'c> &'c mut D::Connection: Executor<'c, Database = D>,
    usize: ColumnIndex<D::Row>,
{
    fn put(&self, put: Put, deadline: Instant) -> Putting<'_> {
        Box::pin(async move {
            let Put::Select(select) = put else { return Err(not_carried()) };
            let rows = self.rows(&select, deadline).await?;
            Ok(Got::Rows { rows, as_of: None })
        })
    }
}

/// Adds a parameter of a type that every database has.
pub(crate) fn bind<D: sqlx::Database>(arguments: &mut D::Arguments, parameter: &Json) -> bool
where
    Option<String>: for<'q> Encode<'q, D> + Type<D>,
    String: for<'q> Encode<'q, D> + Type<D>,
    bool: for<'q> Encode<'q, D> + Type<D>,
    i64: for<'q> Encode<'q, D> + Type<D>,
{
    match parameter {
        Json::Null => arguments.add(None::<String>).is_ok(),
        Json::Bool(truth) => arguments.add(*truth).is_ok(),
        Json::Number(number) => {
            number.as_i64().is_some_and(|integer| arguments.add(integer).is_ok())
        }
        Json::String(text) => arguments.add(text.clone()).is_ok(),
        Json::Array(_) | Json::Object(_) => false,
    }
}

fn arguments<D: Dialect>(parameters: &[Json]) -> Result<D::Arguments, Failed> {
    let mut arguments = D::Arguments::default();
    for (position, parameter) in parameters.iter().enumerate() {
        if !D::bind(&mut arguments, parameter) {
            let detail = format!("parameter {} is no text, integer, truth or null", position + 1);
            return Err(Failed::contract(detail).before_asking());
        }
    }
    Ok(arguments)
}

/// Bytes of the row's text.
fn size(row: &Map<String, Json>) -> usize {
    row.values().filter_map(Json::as_str).map(str::len).sum()
}

fn read<D: Dialect>(row: &D::Row) -> Result<Map<String, Json>, Failed> {
    let mut map = Map::new();
    for (position, column) in row.columns().iter().enumerate() {
        let kind = column.type_info().name();
        let value = D::value(row, position, kind).ok_or_else(|| {
            let name = column.name();
            Failed::contract(format!(
                "column `{name}` of type {kind} cannot be read: cast it in the statement"
            ))
        })?;
        if map.insert(column.name().to_owned(), value).is_some() {
            let detail = format!("two columns are named `{}`", column.name());
            return Err(Failed::contract(detail));
        }
    }
    Ok(map)
}

/// Sorts the errors of connecting. Whatever is not the database's own word means that there was none: the question has
/// not been put.
fn no_connection<D: Dialect>(error: &sqlx::Error) -> Failed {
    match error {
        sqlx::Error::Database(refused) => {
            cut(refused.as_ref()).map_or_else(|| failure::<D>(error), Cut::unreached)
        }
        sqlx::Error::PoolTimedOut => failure::<D>(error),
        _ => unreachable(),
    }
}

/// Sorts the driver's errors. Its texts may quote values, so none of them is kept; the server's code is enough to look up.
fn failure<D: Dialect>(error: &sqlx::Error) -> Failed {
    match error {
        sqlx::Error::Database(refused) => {
            let by_database = || {
                let (reason, code) = D::refused(refused.as_ref());
                Failed::answered(reason, format!("the database answered with {code}"))
            };
            cut(refused.as_ref()).map_or_else(by_database, Cut::failed)
        }
        sqlx::Error::PoolTimedOut => {
            Failed::unanswered(Unavailable::Unreachable, "no connection could be had in time")
        }
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolClosed => unreachable(),
        _ => Failed::contract("the database's answer cannot be read"),
    }
}

/// The relay's word, which it puts as an error of the database.
fn cut(error: &dyn DatabaseError) -> Option<Cut> {
    error.code().as_deref().and_then(Cut::of)
}

fn unreachable() -> Failed {
    let detail = "the database hung up";
    Failed::unanswered(Unavailable::Unreachable, detail)
}
