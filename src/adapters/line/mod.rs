//! What goes over the line to an agency, one exchange at a time.
//!
//! A [`Line`] carries bytes, statements or messages and understands none of them: what they mean is the transport's
//! business. So a fixture can stand in for an agency, and what went over the line can be shown.

mod connections;
pub(super) mod drop;
pub(super) mod front;
pub(super) mod https;
pub(super) mod mysql;
pub(super) mod postgres;
pub(super) mod program;
mod relay;
pub(super) mod tls;

use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::Value as Json;
use tokio::time::Instant;

use self::drop::{DropFolder, Lookup};
use self::front::Select;
use self::https::{Https, Incoming, Outgoing};
use self::program::ProgramState;
use super::failed::Failed;
use super::manifest::{Access, Dialect};
use crate::proto::adapter::v1 as wire;
use crate::query::time::Timestamp;

/// One thing put to an agency. Personal data and secrets are in it.
#[derive(Clone)]
pub(crate) enum Put {
    /// A request over HTTPS.
    Http(Outgoing),
    /// A statement and its parameters.
    Select(Select),
    /// What is looked up in a dropped table.
    Lookup(Lookup),
    /// A question to a program in front of the agency.
    Fetch(wire::FetchRequest),
}

/// What came back. Personal data is in it.
#[derive(Clone)]
pub(crate) enum Got {
    /// A reply over HTTPS.
    Http(Incoming),
    /// The rows of a statement, as maps by column name.
    Rows {
        /// The rows.
        rows: Vec<Json>,
        /// When they were true, where the line itself knows.
        as_of: Option<Timestamp>,
    },
    /// A program's reply.
    Fetched(wire::FetchResponse),
}

/// An exchange under way.
pub(crate) type Putting<'a> = Pin<Box<dyn Future<Output = Result<Got, Failed>> + Send + 'a>>;

/// A start under way: what could not be, in words.
pub(crate) type Beginning<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>>;

/// An end under way.
pub(crate) type Ending<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// The way to one agency, or what stands in for it.
///
/// One call is one exchange: it keeps to the line's own time limit and to `deadline`, and never repeats anything. It
/// may be called concurrently, and its future may be dropped at any time.
pub(crate) trait Line: Send + Sync {
    /// Puts one thing and hears what comes back.
    fn put(&self, put: Put, deadline: Instant) -> Putting<'_>;

    /// False while it is known that nothing can be put: a program of the gateway's own does not run.
    fn is_up(&self) -> bool {
        true
    }

    /// Starts what the line itself must run, which has to answer these facts, and waits until it runs or does not. What
    /// was begun before is left alone. Nothing depends on this call: the first question starts it as well.
    fn begin(&self, _facts: Vec<String>) -> Beginning<'_> {
        Box::pin(ready(Ok(())))
    }

    /// Ends what was started, for good, and waits for that. A line that is dropped ends it too, and waits for nothing.
    fn end(&self) -> Ending<'_> {
        Box::pin(ready(()))
    }

    /// What is known of the program that the line runs, if it runs one.
    fn program(&self) -> Option<ProgramState> {
        None
    }
}

/// The line a manifest describes. Nothing is opened before the first question.
///
/// # Errors
/// Why it cannot be set up.
pub(super) fn open(access: &Access) -> Result<Arc<dyn Line>, String> {
    Ok(match access {
        Access::Http(site) | Access::Soap(site, _) => Arc::new(Https::new(site)?),
        Access::Sql(database) => match database.dialect {
            Dialect::PostgreSql => Arc::new(postgres::open(database)),
            Dialect::MySql => Arc::new(mysql::open(database)),
        },
        Access::File(folder) => Arc::new(DropFolder::new(folder)),
        Access::Grpc(program) => program::open(program)?,
    })
}

/// What a line answers to what it does not carry: a mistake of ours, told rather than panicked about.
pub(crate) fn not_carried() -> Failed {
    Failed::contract("this line does not carry that")
}
