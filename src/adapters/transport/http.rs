//! The transport `[http]`: JSON, forms or XML over HTTPS.

use std::sync::Arc;

use serde_json::Value as Json;

use super::exchange::{Exchange, Heard, Seen, Speech};
use super::session::Session;
use super::{Ask, Asked, Transport, render};
use crate::adapters::failed::Failed;
use crate::adapters::language::expression::{Held, Scope};
use crate::adapters::language::json;
use crate::adapters::language::xml::{self, Shape};
use crate::adapters::manifest::{Question, Session as Steps};
use crate::adapters::mapping::Reply;
use crate::query::record::Unavailable;

/// One agency over HTTPS.
pub(crate) struct Http {
    exchange: Exchange,
}

impl Http {
    /// Over a site, with a session where the manifest has one.
    pub(crate) fn new(site: Speech, session: Option<Arc<Steps>>) -> Self {
        let session = session.map(|steps| Session::new(steps, read));
        Self { exchange: Exchange { site, session, read } }
    }
}

impl Transport for Http {
    fn ask<'a>(&'a self, ask: &'a Ask<'a>) -> Asked<'a> {
        Box::pin(async move {
            let Question::Http(request) = &ask.operation.question else {
                return Err(Failed::contract("the operation is not one of `[http]`"));
            };
            let charset = self.exchange.site.charset;
            let render = |scope: &Arc<Scope>| render::request(request, scope, charset);
            let document = self.exchange.ask(ask, &render).await?;
            match no_answer(&document.resp) {
                Some(failed) => Err(failed),
                None => Ok(Reply::Document(document)),
            }
        })
    }
}

/// Why a status alone says that this is no answer. Whatever its body looks like, a server that reports its own error has
/// not said "no record", and no redirect is ever followed.
pub(super) fn no_answer(resp: &Held) -> Option<Failed> {
    let status = resp.get("status").and_then(|status| status.as_u64())?;
    let detail = match status {
        200..300 | 400..500 => return None,
        500.. => format!("the agency answered with status {status}"),
        _ => format!("the agency points elsewhere (status {status})"),
    };
    Some(Failed::answered(Unavailable::Refused, detail))
}

/// A reply as expressions see it. What its content type says is a hint; what it is, decides. Nothing at all is null;
/// what begins like XML or JSON is that or is not read; anything else is a text.
pub(super) fn read(heard: Heard, shape: &Shape) -> Result<Seen, Failed> {
    let text = heard.text.trim_start();
    let body = match text.chars().next() {
        None => Ok(Json::Null),
        Some('<') => {
            xml::read(text, shape).map_err(|_| "the body begins like XML and cannot be read")
        }
        Some(first) => match json::read(text) {
            Some(body) => Ok(body),
            None if ['{', '[', '"'].contains(&first) => Err(NO_JSON),
            None => Ok(Json::String(heard.text.clone())),
        },
    };
    let (body, unread) = match body {
        Ok(body) => (body, None),
        Err(problem) => (Json::Null, Some(Failed::contract(problem))),
    };
    let resp = Held::map([
        ("status", Json::from(heard.status)),
        ("headers", Json::Object(heard.headers)),
        ("body", body),
        ("text", Json::String(heard.text)),
    ]);
    Ok(Seen { resp, unread })
}

const NO_JSON: &str = "the body begins like JSON and cannot be read: it breaks off, has a key twice, or a number too large";
