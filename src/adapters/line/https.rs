//! One HTTPS site: a request out, its reply back, within a time and a size.

use std::error::Error;
use std::io;
use std::iter;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Body;
use serde_json::{Map, Value as Json};
use tokio::time::{Instant, timeout_at};

use super::connections::Connections;
use super::{Got, Line, Put, Putting, not_carried};
use crate::adapters::failed::Failed;
use crate::adapters::manifest::Site;
use crate::query::record::Unavailable;

/// Connections to one site. It follows no redirect, which could carry personal data to a host that nobody agreed on; it
/// knows no proxy; and whether to ask again is decided in one place, `limits/`.
pub(crate) struct Https {
    connections: Connections,
    authority: Authority,
    timeout: Duration,
    max_body: usize,
}

/// A request, rendered.
#[derive(Clone)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    /// Content type and bytes.
    pub(crate) payload: Option<(String, Vec<u8>)>,
    /// What `[sign]` made of a secret, the signature too. Never shown, however it is written above.
    pub(crate) secrets: Vec<String>,
}

/// A reply.
#[derive(Clone)]
pub(crate) struct Incoming {
    pub(crate) status: u16,
    /// Lower-case names; values of one name joined by a comma.
    pub(crate) headers: Map<String, Json>,
    pub(crate) body: Vec<u8>,
}

impl Https {
    /// Opens nothing yet.
    ///
    /// # Errors
    /// What is wrong with the address.
    pub(crate) fn new(site: &Site) -> Result<Self, String> {
        let address = site.base.strip_prefix("https://").unwrap_or(&site.base);
        let authority = Authority::try_from(address)
            .map_err(|_| format!("HTTPS cannot be set up: `{address}` is no address"))?;
        let connections = Connections::to(site);
        Ok(Self { connections, authority, timeout: site.timeout, max_body: site.max_body })
    }

    /// One request and its reply, before the site's own timeout and before `deadline`.
    ///
    /// # Errors
    /// Timeout, unreachable, or a reply too long.
    async fn send(&self, outgoing: Outgoing, deadline: Instant) -> Result<Incoming, Failed> {
        let deadline = deadline.min(Instant::now() + self.timeout);
        let request = self.request(outgoing)?;
        let (response, _place) = match timeout_at(deadline, self.connections.put(request)).await {
            Ok(Ok(begun)) => begun,
            Ok(Err(error)) => return Err(unreachable(&error, false)),
            Err(_) => return Err(Failed::unanswered(Unavailable::Timeout, "no reply in time")),
        };
        let status = response.status().as_u16();
        let headers = headers(response.headers());
        // Nobody asked for a packed reply, and what is said to be packed must not be read as if it were not.
        let is_packed = response
            .headers()
            .get(CONTENT_ENCODING)
            .is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"));
        if is_packed {
            let detail = "the reply is packed (content-encoding), which was not asked for";
            return Err(Failed::contract(detail));
        }
        let bytes = match timeout_at(deadline, self.body(response.into_body())).await {
            Ok(bytes) => bytes?,
            Err(_) => {
                return Err(Failed::answered(Unavailable::Timeout, "half a reply in time"));
            }
        };
        Ok(Incoming { status, headers, body: bytes })
    }

    fn request(&self, outgoing: Outgoing) -> Result<Request<Full<Bytes>>, Failed> {
        let unsendable = || Failed::contract("the request cannot be written").before_asking();
        let mut uri = Uri::builder().scheme(Scheme::HTTPS).authority(self.authority.clone());
        uri = uri.path_and_query(target(outgoing.target).ok_or_else(unsendable)?);
        let mut request = Request::builder()
            .method(outgoing.method)
            .uri(uri.build().map_err(|_| unsendable())?)
            .header(ACCEPT, HeaderValue::from_static("*/*"));
        let mut content_type = None;
        for (name, value) in outgoing.headers {
            match name {
                name if name.eq_ignore_ascii_case(CONTENT_TYPE.as_str()) => {
                    content_type = Some(value);
                }
                name if name.eq_ignore_ascii_case(ACCEPT.as_str()) => {
                    let value = HeaderValue::try_from(value).map_err(|_| unsendable())?;
                    request.headers_mut().map(|headers| headers.insert(ACCEPT, value));
                }
                name => request = request.header(name, value),
            }
        }
        let mut body = Full::default();
        if let Some((usual, bytes)) = outgoing.payload {
            request = request.header(CONTENT_TYPE, content_type.unwrap_or(usual));
            body = Full::from(bytes);
        }
        request.body(body).map_err(|_| unsendable())
    }

    /// Stops reading as soon as the reply is too long.
    async fn body(&self, mut reply: hyper::body::Incoming) -> Result<Vec<u8>, Failed> {
        let too_long = || {
            Failed::contract(format!(
                "the reply is longer than `max_body` ({} bytes)",
                self.max_body
            ))
        };
        let announced = reply.size_hint().exact().unwrap_or(0);
        let announced = usize::try_from(announced).unwrap_or(usize::MAX);
        if announced > self.max_body {
            return Err(too_long());
        }
        let mut body = Vec::with_capacity(announced);
        while let Some(frame) = reply.frame().await {
            let frame = frame.map_err(|error| unreachable(&error, true))?;
            let Ok(chunk) = frame.into_data() else { continue };
            if body.len() + chunk.len() > self.max_body {
                return Err(too_long());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// Path and query, with what stands for itself in a manifest and may not in an address written as addresses do.
fn target(target: String) -> Option<PathAndQuery> {
    const REFUSED: [char; 7] = ['"', '<', '>', '`', '{', '}', '\\'];
    if !target.contains(REFUSED) {
        return PathAndQuery::try_from(target).ok();
    }
    let mut written = String::with_capacity(target.len() + 16);
    for character in target.chars() {
        match REFUSED.contains(&character) {
            true => written.push_str(&format!("%{:02X}", u32::from(character))),
            false => written.push(character),
        }
    }
    PathAndQuery::try_from(written).ok()
}

impl Line for Https {
    fn put(&self, put: Put, deadline: Instant) -> Putting<'_> {
        Box::pin(async move {
            let Put::Http(outgoing) = put else { return Err(not_carried()) };
            self.send(outgoing, deadline).await.map(Got::Http)
        })
    }
}

fn headers(received: &HeaderMap) -> Map<String, Json> {
    let mut headers = Map::new();
    for (name, value) in received {
        let Ok(value) = value.to_str() else { continue };
        match headers.get_mut(name.as_str()) {
            Some(Json::String(others)) => {
                others.push_str(", ");
                others.push_str(value);
            }
            _ => {
                headers.insert(name.as_str().to_owned(), Json::from(value));
            }
        }
    }
    headers
}

/// An error and its causes, none of which tells the address, whose query may name a person.
fn unreachable(error: &(dyn Error + 'static), answered: bool) -> Failed {
    let mut detail =
        if answered { "the reply broke off" } else { "the agency cannot be reached" }.to_owned();
    let mut is_timeout = false;
    for error in iter::successors(Some(error), |&error| error.source()) {
        detail.push_str(": ");
        match error.downcast_ref::<h2::Error>() {
            Some(error) => detail.push_str(&in_http2(error)),
            None => detail.push_str(&error.to_string()),
        }
        let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
        is_timeout |= kind == Some(io::ErrorKind::TimedOut)
            || error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_timeout);
    }
    let reason = if is_timeout { Unavailable::Timeout } else { Unavailable::Unreachable };
    Failed { answered, ..Failed::unanswered(reason, detail) }
}

/// Not as the library tells it, which repeats what the agency said along with it: that may be anything.
fn in_http2(error: &h2::Error) -> String {
    const UNSPOKEN: [h2::Reason; 2] = [h2::Reason::FRAME_SIZE_ERROR, h2::Reason::PROTOCOL_ERROR];
    match error.reason() {
        Some(reason) if error.is_library() && UNSPOKEN.contains(&reason) => {
            "what it says is no HTTP/2, which it had offered: `http = \"1.1\"` in the manifest \
             has it asked over HTTP/1.1"
                .to_owned()
        }
        Some(reason) => format!("HTTP/2: {reason}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_address_can_hold_is_written_as_addresses_do() {
        let written = |text: &str| target(text.to_owned()).map(|target| target.to_string());
        for (text, expected) in [
            ("/a/b?c=d%20e&f=%E5%BC%A0", "/a/b?c=d%20e&f=%E5%BC%A0"),
            ("/a/{b}|c", "/a/%7Bb%7D|c"),
            ("/a<b>\"`\\?c=1", "/a%3Cb%3E%22%60%5C?c=1"),
        ] {
            assert_eq!(written(text).as_deref(), Some(expected));
        }
    }
}
