//! The transport `[http]`: JSON, forms or XML over HTTPS.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::exchange::Exchange;
use super::failed::Failed;
use super::https::{Https, Incoming};
use super::manifest::{Question, Session as Steps, Site};
use super::mapping::Reply;
use super::session::Session;
use super::{Ask, Asked, Transport, render, xml};
use crate::query::record::Unavailable;

/// One agency over HTTPS.
pub(crate) struct Http {
    exchange: Exchange,
}

impl Http {
    /// Opens nothing yet.
    ///
    /// # Errors
    /// When the TLS library refuses the configuration.
    pub(crate) fn new(site: &Site, session: Option<Steps>) -> Result<Self, reqwest::Error> {
        let arrays: Arc<[String]> = Arc::from(site.arrays.as_slice());
        let session = session.map(|steps| Session::new(steps, read, Arc::clone(&arrays)));
        Ok(Self { exchange: Exchange { wire: Https::new(site)?, session, read, arrays } })
    }
}

impl Transport for Http {
    fn kind(&self) -> &'static str {
        "http"
    }

    fn ask<'a>(&'a self, ask: &'a Ask<'a>) -> Asked<'a> {
        Box::pin(async move {
            let Question::Http(request) = &ask.operation.question else {
                return Err(Failed::contract("the operation is not one of `[http]`"));
            };
            let charset = self.exchange.wire.charset();
            let render = |scope: &_| render::request(request, scope, charset);
            let document = self.exchange.ask(ask, &render).await?;
            // Whatever its body looks like, a server that reports its own error has not said "no record".
            match document.resp.get("status").and_then(Json::as_u64) {
                Some(status) if status >= 500 => {
                    let detail = format!("the agency answered with status {status}");
                    Err(Failed::answered(Unavailable::Refused, detail))
                }
                _ => Ok(Reply::Document(document)),
            }
        })
    }
}

/// A reply as expressions see it. What its content type says is a hint; what it is, decides.
pub(super) fn read(incoming: Incoming, arrays: &[String]) -> Json {
    let text = incoming.text.trim_start();
    let body = if text.starts_with('<') {
        xml::read(text, arrays).ok()
    } else {
        serde_json::from_str::<Json>(text).ok()
    };
    let body = body.unwrap_or_else(|| Json::String(incoming.text.clone()));
    json!({
        "status": incoming.status,
        "headers": incoming.headers,
        "body": body,
        "text": incoming.text,
    })
}
