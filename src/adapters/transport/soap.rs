//! The transport `[soap]`: envelopes over HTTPS, XML inside XML where an agency wants that.

use std::sync::Arc;

use http::Method;
use serde_json::{Value as Json, json};

use super::charset::{charset_name, encode};
use super::exchange::{Exchange, Heard, Speech};
use super::session::Session;
use super::{Ask, Asked, Transport, http as plain, render};
use crate::adapters::failed::Failed;
use crate::adapters::language::expression::Scope;
use crate::adapters::language::template::Template;
use crate::adapters::language::xml;
use crate::adapters::line::https::Outgoing;
use crate::adapters::manifest::{Charset, Envelope, Question, Session as Steps, Version};
use crate::adapters::mapping::Reply;

/// One agency over SOAP.
pub(crate) struct Soap {
    exchange: Exchange,
    version: Version,
}

impl Soap {
    /// Over a site. A session is had by plain HTTP on the same site.
    pub(crate) fn new(site: Speech, version: Version, session: Option<Arc<Steps>>) -> Self {
        let session = session.map(|steps| Session::new(steps, plain::read));
        Self { exchange: Exchange { site, session, read }, version }
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
            let charset = self.exchange.site.charset;
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
            .map_err(|(fault, expression)| Failed::expression(key, expression, fault))
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
    template.fill(scope).map_err(|(fault, expression)| Failed::expression(key, expression, fault))
}

/// A reply as expressions see it: `body` starts below `Body`, and a Fault stands apart. What is no envelope stays text.
fn read(heard: Heard, arrays: &[String]) -> Json {
    let tree = xml::read(&heard.text, arrays).ok();
    let body = tree.as_ref().and_then(|tree| tree.get("Envelope")?.get("Body"));
    let fault = body.and_then(|body| body.get("Fault")).cloned().unwrap_or(Json::Null);
    let body = body.cloned().unwrap_or_else(|| Json::String(heard.text.clone()));
    json!({
        "status": heard.status,
        "headers": heard.headers,
        "body": body,
        "text": heard.text,
        "fault": fault,
    })
}
