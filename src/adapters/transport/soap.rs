//! The transport `[soap]`: envelopes over HTTPS, XML inside XML where an agency wants that.

use std::sync::Arc;

use http::Method;
use serde_json::Value as Json;

use super::exchange::{Exchange, Heard, Reader, Seen, Speech};
use super::render::Pairs;
use super::session::Session;
use super::signing::{Signing, When};
use super::{Ask, Asked, Transport, http as plain, render};
use crate::adapters::failed::Failed;
use crate::adapters::language::charset::Charset;
use crate::adapters::language::envelope::{self, Version};
use crate::adapters::language::expression::{Held, Scope};
use crate::adapters::language::template::Template;
use crate::adapters::language::xml::Shape;
use crate::adapters::line::https::Outgoing;
use crate::adapters::manifest::{Envelope, Question, Session as Steps, Sign};
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
        let read: Reader = match version {
            Version::V1_1 => |heard, shape| read(Version::V1_1, heard, shape),
            Version::V1_2 => |heard, shape| read(Version::V1_2, heard, shape),
        };
        Self { exchange: Exchange { site, session, read }, version }
    }
}

impl Transport for Soap {
    fn ask<'a>(&'a self, ask: &'a Ask<'a>) -> Asked<'a> {
        Box::pin(async move {
            let Question::Soap(envelope) = &ask.operation.question else {
                return Err(Failed::contract("the operation is not one of `[soap]`"));
            };
            let charset = self.exchange.site.charset;
            let render = |scope: &Arc<Scope>| render(envelope, self.version, charset, scope);
            let document = self.exchange.ask(ask, &render).await?;
            // A Fault comes with a status of its own, and is read by the rules.
            let has_fault = document.resp.get("fault").is_some_and(|fault| !fault.is_null());
            match plain::no_answer(&document.resp).filter(|_| !has_fault) {
                Some(failed) => Err(failed),
                None => Ok(Reply::Document(document)),
            }
        })
    }
}

fn render(
    envelope: &Envelope,
    version: Version,
    charset: Charset,
    scope: &Arc<Scope>,
) -> Result<Outgoing, Failed> {
    let inner = envelope.inner.as_ref().map(|inner| fill("request.inner", inner, scope));
    let inner = inner.transpose()?.unwrap_or_default();
    let fill_with_inner = |key: &str, template: &Template| {
        template
            .fill_with(scope, "inner", &Held::from(inner.as_str()))
            .map_err(|(fault, expression)| Failed::expression(key, expression, fault))
    };
    let mut headers = render::headers(&envelope.headers, scope)?;
    let (header, body, secrets) = match &envelope.sign {
        Some(sign) => signed(envelope, sign, &inner, &mut headers, scope)?,
        None => {
            let header = envelope.header.as_ref();
            let header = header.map(|header| fill_with_inner("request.header", header));
            let header = header.transpose()?.unwrap_or_default();
            (header, fill_with_inner("request.body", &envelope.body)?, Vec::new())
        }
    };
    let header = match header.as_str() {
        "" => header,
        inside => format!("<soap:Header>{inside}</soap:Header>"),
    };
    let name = charset.name();
    let namespace = version.namespace();
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"{name}\"?>\
         <soap:Envelope xmlns:soap=\"{namespace}\">{header}<soap:Body>{body}</soap:Body></soap:Envelope>"
    );
    let bytes = charset.encode(&text).ok_or_else(|| uncarried(envelope, &inner, charset, scope))?;
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
        payload: Some((content_type, bytes)),
        secrets,
    })
}

/// What stands in the header and in the body, and what of it must never be shown. The signature is made of what does
/// not hold it.
fn signed(
    envelope: &Envelope,
    sign: &Sign,
    inner: &str,
    headers: &mut Pairs,
    scope: &Arc<Scope>,
) -> Result<(String, String, Vec<String>), Failed> {
    let mut signing = Signing::begin(sign, scope)?;
    signing.see("method", || Ok("POST"))?;
    signing.see("path", || Ok(envelope.path.as_str()))?;
    signing.see("action", || Ok(envelope.action.as_str()))?;
    // The envelope's own templates look at it too.
    signing.show("inner", inner);
    let unsigned = match envelope.body_holds_signature {
        true => None,
        false => Some(fill("request.body", &envelope.body, signing.scope())?),
    };
    signing.see("body", || Ok(unsigned.as_deref().unwrap_or_default()))?;
    signing.see("headers", || Ok(render::seen(headers, None)))?;
    signing.look()?;
    headers.extend(signing.texts("headers", &sign.headers, When::Before)?);
    signing.see("headers", || Ok(render::seen(headers, None)))?;
    signing.sign()?;
    headers.extend(signing.texts("headers", &sign.headers, When::After)?);
    render::sendable(headers)?;
    let mut header = String::new();
    for (key, template) in [("sign.header", &sign.header), ("request.header", &envelope.header)] {
        if let Some(template) = template {
            header.push_str(&fill(key, template, signing.scope())?);
        }
    }
    let body = match unsigned {
        Some(body) => body,
        None => fill("request.body", &envelope.body, signing.scope())?,
    };
    Ok((header, body, signing.into_secrets()))
}

/// Which part of the request the charset cannot carry, and the expression that fills it so, where it is one.
fn uncarried(envelope: &Envelope, inner: &str, charset: Charset, scope: &Arc<Scope>) -> Failed {
    let problem = render::uncarried(charset);
    let templates = [
        ("request.inner", envelope.inner.as_ref()),
        ("request.header", envelope.header.as_ref()),
        ("request.body", Some(&envelope.body)),
    ];
    let mut scope = Scope::inside(scope);
    scope.set("inner", inner);
    for (key, template) in templates {
        let carries = |text: &str| charset.encode(text).is_some();
        if let Some(expression) = template.and_then(|template| template.first_not(&scope, &carries))
        {
            return Failed::expression(key, expression, problem);
        }
    }
    Failed::contract(format!("request: {problem}"))
}

fn fill(key: &str, template: &Template, scope: &Scope) -> Result<String, Failed> {
    template.fill(scope).map_err(|(fault, expression)| Failed::expression(key, expression, fault))
}

/// A reply as expressions see it: `body` starts below `Body`, and a Fault stands apart. What is no envelope is not read.
///
/// A service that does not know the version it is asked in may say so in a Fault of the other one. Anything else in the
/// other version is not what the manifest describes.
fn read(asked: Version, heard: Heard, shape: &Shape) -> Result<Seen, Failed> {
    let (body, fault, unread) = match envelope::open(&heard.text, shape) {
        Some(opened) if opened.version != asked && opened.fault.is_null() => {
            let (theirs, ours) = (opened.version.number(), asked.number());
            let problem = format!("the answer is SOAP {theirs}; the manifest's is {ours}");
            return Err(Failed::contract(problem));
        }
        Some(opened) => (opened.body, opened.fault, None),
        None => {
            let unread = Failed::contract("the reply is no SOAP envelope that can be read");
            (Json::Null, Json::Null, Some(unread))
        }
    };
    let resp = Held::map([
        ("status", Json::from(heard.status)),
        ("headers", Json::Object(heard.headers)),
        ("body", body),
        ("text", Json::String(heard.text)),
        ("fault", fault),
    ]);
    Ok(Seen { resp, unread })
}
