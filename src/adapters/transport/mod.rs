//! How a question becomes exchanges over a line, and a reply: one file per transport.

mod exchange;
mod file;
mod grpc;
mod http;
mod render;
mod session;
mod signing;
mod soap;
mod sql;

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;

use tokio::time::Instant;

use self::exchange::Speech;
pub(super) use self::signing::however_written;
use super::failed::Failed;
use super::language::expression::Scope;
use super::line::Line;
use super::manifest::{Access, Operation, Session, Site};
use super::mapping::Reply;
use crate::query::Query;
use crate::query::time::Timestamp;

/// One question to one agency.
pub(crate) struct Ask<'a> {
    pub(crate) operation: &'a Operation,
    /// `None` of a dispute that is brought.
    pub(crate) query: Option<&'a Query>,
    /// Attributes that the permit grants.
    pub(crate) granted: &'a BTreeSet<String>,
    /// What its expressions see, made when the first of them is worked out: a question to a program has none.
    pub(crate) scope: &'a (dyn Fn() -> Arc<Scope> + Send + Sync),
    pub(crate) now: Timestamp,
    pub(crate) deadline: Instant,
    /// What is new in each exchange: no agency takes a number twice, and a question of many pages takes its time.
    pub(crate) moment: &'a (dyn Fn() -> Moment + Send + Sync),
    /// Takes one repetition out of what all questions may repeat; false when nothing is left.
    pub(crate) may_repeat: &'a (dyn Fn() -> bool + Send + Sync),
}

/// When one exchange takes place, and its number used once.
pub(crate) struct Moment {
    pub(crate) now: Timestamp,
    pub(crate) nonce: String,
}

/// A reply under way.
pub(crate) type Asked<'a> = Pin<Box<dyn Future<Output = Result<Reply, Failed>> + Send + 'a>>;

/// A way to speak to an agency.
///
/// One call of `ask` is one attempt: it keeps to the transport's own time limit and to the question's deadline, never
/// repeats what the agency may have acted on, and tells apart a reply from none. It may be called concurrently, and its
/// future may be dropped at any time.
pub(crate) trait Transport: Send + Sync {
    /// Puts the question once.
    fn ask<'a>(&'a self, ask: &'a Ask<'a>) -> Asked<'a>;
}

/// The transport a manifest names, over this line.
pub(super) fn over(
    line: Arc<dyn Line>,
    access: &Access,
    session: Option<Arc<Session>>,
) -> Arc<dyn Transport> {
    let speech = |line, site: &Site| Speech {
        line,
        charset: site.charset,
        heeds_declared: site.heeds_declared,
        shape: Arc::clone(&site.shape),
        max_body: site.max_body,
    };
    match access {
        Access::Http(site) => Arc::new(http::Http::new(speech(line, site), session)),
        Access::Soap(site, version) => {
            Arc::new(soap::Soap::new(speech(line, site), *version, session))
        }
        Access::Sql(_) => Arc::new(sql::Sql::new(line)),
        Access::File(_) => Arc::new(file::Dropped::new(line)),
        Access::Grpc(_) => Arc::new(grpc::Grpc::new(line)),
    }
}
