//! The transport `[soap]`: envelopes over HTTPS, XML inside XML where an agency wants that.

use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value as Json, json};

use super::exchange::Exchange;
use super::expression::Scope;
use super::failed::Failed;
use super::https::{Https, Incoming, Outgoing, charset_name, encode};
use super::manifest::{Charset, Envelope, Question, Session as Steps, Site, Version};
use super::mapping::Reply;
use super::session::Session;
use super::template::Template;
use super::{Ask, Asked, Transport, http, render, xml};

/// One agency over SOAP.
pub(crate) struct Soap {
    exchange: Exchange,
    version: Version,
}

impl Soap {
    /// Opens nothing yet. A session is had over plain HTTP on the same site.
    ///
    /// # Errors
    /// When the TLS library refuses the configuration.
    pub(crate) fn new(
        site: &Site,
        version: Version,
        session: Option<Steps>,
    ) -> Result<Self, reqwest::Error> {
        let arrays: Arc<[String]> = Arc::from(site.arrays.as_slice());
        let session = session.map(|steps| Session::new(steps, http::read, Arc::clone(&arrays)));
        Ok(Self { exchange: Exchange { wire: Https::new(site)?, session, read, arrays }, version })
    }
}

impl Transport for Soap {
    fn kind(&self) -> &'static str {
        "soap"
    }

    fn ask<'a>(&'a self, ask: &'a Ask<'a>) -> Asked<'a> {
        Box::pin(async move {
            let Question::Soap(envelope) = &ask.operation.question else {
                return Err(Failed::contract("the operation is not one of `[soap]`"));
            };
            let charset = self.exchange.wire.charset();
            let render = |scope: &Scope| render(envelope, self.version, charset, scope);
            self.exchange.ask(ask, &render).await.map(Reply::Document)
        })
    }
}

fn render(
    envelope: &Envelope,
    version: Version,
    charset: Charset,
    scope: &Scope,
) -> Result<Outgoing, Failed> {
    let inner = envelope.inner.as_ref().map(|inner| fill("request.inner", inner, scope));
    let inner = inner.transpose()?.unwrap_or_default();
    let fill_with_inner = |key: &str, template: &Template| {
        template
            .fill_with(scope, "inner", &Json::String(inner.clone()))
            .map_err(|(fault, source)| Failed::expression(key, source, fault))
    };
    let body = fill_with_inner("request.body", &envelope.body)?;
    let header = match &envelope.header {
        Some(header) => {
            format!("<soap:Header>{}</soap:Header>", fill_with_inner("request.header", header)?)
        }
        None => String::new(),
    };
    let name = charset_name(charset);
    let namespace = match version {
        Version::V1_1 => "http://schemas.xmlsoap.org/soap/envelope/",
        Version::V1_2 => "http://www.w3.org/2003/05/soap-envelope",
    };
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"{name}\"?>\
         <soap:Envelope xmlns:soap=\"{namespace}\">{header}<soap:Body>{body}</soap:Body></soap:Envelope>"
    );
    let mut headers = render::headers(&envelope.headers, scope)?;
    let content_type = match version {
        Version::V1_1 => {
            headers.push(("SOAPAction".to_owned(), format!("\"{}\"", envelope.action)));
            format!("text/xml; charset={name}")
        }
        Version::V1_2 => {
            format!("application/soap+xml; charset={name}; action=\"{}\"", envelope.action)
        }
    };
    Ok(Outgoing {
        method: Method::POST,
        target: envelope.path.clone(),
        headers,
        payload: Some((content_type, encode(charset, &text))),
    })
}

fn fill(key: &str, template: &Template, scope: &Scope) -> Result<String, Failed> {
    template.fill(scope).map_err(|(fault, source)| Failed::expression(key, source, fault))
}

/// A reply as expressions see it: `body` starts below `Body`, and a Fault stands apart. What is no envelope stays text.
fn read(incoming: Incoming, arrays: &[String]) -> Json {
    let tree = xml::read(&incoming.text, arrays).ok();
    let body = tree.as_ref().and_then(|tree| tree.get("Envelope")?.get("Body"));
    let fault = body.and_then(|body| body.get("Fault")).cloned().unwrap_or(Json::Null);
    let body = body.cloned().unwrap_or_else(|| Json::String(incoming.text.clone()));
    json!({
        "status": incoming.status,
        "headers": incoming.headers,
        "body": body,
        "text": incoming.text,
        "fault": fault,
    })
}
