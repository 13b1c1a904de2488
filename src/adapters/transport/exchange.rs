//! One question over HTTPS: with a session where there is one, page after page where there are several.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};
use tokio::time::Instant;

use super::Ask;
use super::session::{Current, Session};
use crate::adapters::failed::Failed;
use crate::adapters::language::charset::Charset;
use crate::adapters::language::expression::{Held, Scope};
use crate::adapters::language::xml::Shape;
use crate::adapters::line::https::{Incoming, Outgoing};
use crate::adapters::line::{Got, Line, Put, not_carried};
use crate::adapters::manifest::{Operation, Paging};
use crate::adapters::mapping::{self, Document};
use crate::query::record::Unavailable;

/// A site, its session, and how its replies are read.
pub(crate) struct Exchange {
    pub(crate) site: Speech,
    pub(crate) session: Option<Session>,
    /// A reply as expressions see it.
    pub(crate) read: Reader,
}

/// What all pages of one question may be together, in replies of the largest size: they are held at once, several times.
const PAGES_TOGETHER: usize = 4;
/// Values in all replies to one question. Each takes a hundred bytes and more, whatever it takes in the reply.
const MOST_VALUES: usize = 250_000;

/// A reply as expressions see it, or why nothing is to be seen in it.
pub(crate) type Reader = fn(Heard, &Shape) -> Result<Seen, Failed>;

/// A reply as expressions see it.
pub(crate) struct Seen {
    /// What they see as `resp`.
    pub(crate) resp: Held,
    /// Why its body cannot be read: then no rule may find anything in it, or nothing.
    pub(crate) unread: Option<Failed>,
}

/// How one site is spoken to.
#[derive(Clone)]
pub(crate) struct Speech {
    pub(crate) line: Arc<dyn Line>,
    pub(crate) charset: Charset,
    /// A reply that says it is in another charset is refused.
    pub(crate) heeds_declared: bool,
    /// How XML is read.
    pub(crate) shape: Arc<Shape>,
    /// Bytes of one reply.
    pub(crate) max_body: usize,
}

/// A reply, decoded.
pub(crate) struct Heard {
    pub(crate) status: u16,
    pub(crate) headers: Map<String, Json>,
    pub(crate) text: String,
}

impl Speech {
    /// One request and its reply.
    ///
    /// # Errors
    /// As the line's, and a reply that is not in the charset.
    pub(crate) async fn send(
        &self,
        outgoing: Outgoing,
        deadline: Instant,
    ) -> Result<Heard, Failed> {
        let Got::Http(incoming) = self.line.put(Put::Http(outgoing), deadline).await? else {
            return Err(not_carried());
        };
        let text = self.text(&incoming)?;
        Ok(Heard { status: incoming.status, headers: incoming.headers, text })
    }

    /// The body as text, which it is in one charset only.
    fn text(&self, incoming: &Incoming) -> Result<String, Failed> {
        let kind = incoming.headers.get("content-type").and_then(Json::as_str).unwrap_or_default();
        if kind.get(..10).is_some_and(|start| start.eq_ignore_ascii_case("multipart/")) {
            let problem = "the reply comes in several parts (multipart, MTOM), which are not read";
            return Err(Failed::contract(problem));
        }
        let ours = self.charset.name();
        if self.heeds_declared
            && let Some(theirs) = self.charset.contradicted(kind, &incoming.body)
        {
            let problem =
                format!("the reply says its charset is {theirs}; the manifest's is {ours}");
            return Err(Failed::contract(problem));
        }
        self.charset.decode(&incoming.body).ok_or_else(|| {
            Failed::contract(format!("the reply is not written in the manifest's charset, {ours}"))
        })
    }
}

/// What came of one round.
enum Round {
    Read(Document),
    /// The agency no longer takes the session, and said so to this page.
    Rejected {
        page: i64,
    },
}

impl Exchange {
    /// Asks, once more when the session turns out to be over.
    ///
    /// # Errors
    /// Why there is no reply.
    pub(crate) async fn ask(
        &self,
        ask: &Ask<'_>,
        render: &(dyn Fn(&Arc<Scope>) -> Result<Outgoing, Failed> + Sync),
    ) -> Result<Document, Failed> {
        let mut is_again = false;
        loop {
            let current = match &self.session {
                Some(session) => Some(session.current(&self.site, ask).await?),
                None => None,
            };
            let page = match self.round(ask, current.as_ref(), render).await? {
                Round::Read(document) => return Ok(document),
                Round::Rejected { page } => page,
            };
            if let (Some(session), Some(current)) = (&self.session, &current) {
                session.forget(current);
            }
            let detail = if is_again {
                "the agency refuses a session that it has just given (session.rejected)"
            } else if page > 1 && !ask.operation.idempotent {
                "the session ended between two pages, and the operation is not idempotent"
            } else if !(ask.may_repeat)() {
                "the session was over (session.rejected), and nothing more may be repeated (retry_budget)"
            } else {
                is_again = true;
                continue;
            };
            return Err(Failed::answered(Unavailable::Refused, detail));
        }
    }

    async fn round(
        &self,
        ask: &Ask<'_>,
        current: Option<&Current>,
        render: &(dyn Fn(&Arc<Scope>) -> Result<Outgoing, Failed> + Sync),
    ) -> Result<Round, Failed> {
        let mut rows = Vec::new();
        let mut page = 1;
        let mut left = Left::of(&self.site);
        loop {
            let scope = asking(ask, current, page);
            let put = render(&scope).map_err(Failed::before_asking)?;
            let heard = self.site.send(put, ask.deadline).await?;
            let bytes = heard.text.len();
            let Seen { resp, unread } = (self.read)(heard, &self.site.shape)?;
            left.take(bytes, &resp)?;
            if let Some(session) = &self.session
                && session.is_rejected(&resp, &scope)
            {
                return Ok(Round::Rejected { page });
            }
            let paging = ask.operation.paging.as_ref().filter(|_| unread.is_none());
            let Some(paging) = paging else {
                return Ok(Round::Read(Document { resp, scope, incomplete: None, unread }));
            };
            match turn(ask.operation, paging, &resp, &scope, page)? {
                Turn::Rows { of_page, more } => {
                    rows.extend(of_page);
                    if !more {
                        return Ok(Round::Read(gathered(resp, rows, scope)));
                    }
                }
                Turn::NoRows(why) => {
                    let incomplete = Some(why);
                    return Ok(Round::Read(Document { resp, scope, incomplete, unread: None }));
                }
            }
            page += 1;
        }
    }
}

/// What one page holds.
enum Turn {
    Rows {
        of_page: Vec<Held>,
        more: bool,
    },
    /// None, and why; the outcome rules have the word.
    NoRows(Failed),
}

fn turn(
    operation: &Operation,
    paging: &Paging,
    resp: &Held,
    scope: &Arc<Scope>,
    page: i64,
) -> Result<Turn, Failed> {
    let unavailable = operation
        .reading
        .as_ref()
        .is_some_and(|reading| mapping::is_unavailable(reading, resp, scope));
    if unavailable {
        return Ok(Turn::NoRows(Failed::contract("paging: the agency cannot answer")));
    }
    let mut hearing = Scope::inside(scope);
    hearing.set("resp", resp);
    let of_page = match paging.rows.held(&hearing).map(|rows| rows.items()) {
        Ok(Some(rows)) => Ok(rows),
        Ok(None) => Err(Failed::expression("paging.rows", &paging.rows, "it is no list")),
        Err(fault) => Err(Failed::expression("paging.rows", &paging.rows, fault)),
    };
    let of_page = match of_page {
        Ok(rows) => rows,
        // A first page without rows may be an agency's way to say that there is no record.
        Err(failed) if page == 1 => return Ok(Turn::NoRows(failed)),
        Err(failed) => return Err(failed),
    };
    let more = paging
        .more
        .truth(&hearing)
        .map_err(|fault| Failed::expression("paging.more", &paging.more, fault))?;
    if more && page >= paging.max_pages {
        let problem = format!("there are more than {} pages", paging.max_pages);
        return Err(Failed::expression("paging.more", &paging.more, problem));
    }
    Ok(Turn::Rows { of_page, more })
}

fn gathered(resp: Held, rows: Vec<Held>, scope: Arc<Scope>) -> Document {
    let resp = resp.with("rows", Held::list(rows));
    Document { resp, scope, incomplete: None, unread: None }
}

/// What is left of the memory that one question's replies may take.
struct Left {
    bytes: usize,
    values: usize,
}

impl Left {
    fn of(site: &Speech) -> Self {
        Self { bytes: site.max_body.saturating_mul(PAGES_TOGETHER), values: MOST_VALUES }
    }

    fn take(&mut self, bytes: usize, resp: &Held) -> Result<(), Failed> {
        let left = self.bytes.checked_sub(bytes).ok_or_else(|| {
            Failed::contract(format!(
                "all pages together are longer than {PAGES_TOGETHER} `max_body`"
            ))
        })?;
        let values = resp.get("body").map_or(0, |body| body.values());
        let values = self.values.checked_sub(values).ok_or_else(|| {
            Failed::contract(format!("the replies hold more than {MOST_VALUES} values"))
        })?;
        *self = Self { bytes: left, values };
        Ok(())
    }
}

/// What the expressions of one exchange see: the question, and what is new in each exchange.
pub(super) fn asking(ask: &Ask<'_>, current: Option<&Current>, page: i64) -> Arc<Scope> {
    let mut scope = Scope::inside(&(ask.scope)());
    let moment = (ask.moment)();
    scope.set("now", json!(moment.now.0 / 1_000));
    scope.set("nonce", Json::String(moment.nonce));
    if let Some(current) = current {
        scope.set("session", &current.values);
    }
    scope.set("page", json!(page));
    Arc::new(scope)
}
