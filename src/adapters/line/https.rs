//! One HTTPS site: a request out, its reply back, within a time and a size.

use std::time::Duration;

use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use reqwest::{Client, Method, Response, redirect};
use serde_json::{Map, Value as Json};
use tokio::time::{Instant, timeout_at};

use super::{Got, Line, Put, Putting, not_carried};
use crate::adapters::failed::Failed;
use crate::adapters::manifest::Site;
use crate::query::record::Unavailable;

/// Connections kept open to one agency while nothing is asked: all that were in use at once, of which there are never
/// more than the largest `max_in_flight`. To close one that is wanted again costs a handshake, which costs more than a
/// question.
const IDLE_CONNECTIONS: usize = 1024;
/// How long they are kept: shorter than the 60 s after which many servers hang up without a word.
const IDLE_TIME: Duration = Duration::from_secs(45);

/// Connections to one site.
pub(crate) struct Https {
    client: Client,
    base: String,
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
    /// What `[sign]` made of a secret, the signature too, in each way that it can be written above. Never shown.
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
    /// When the TLS library refuses the configuration.
    pub(crate) fn new(site: &Site) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .tls_backend_preconfigured(site.tls.clone())
            .https_only(true)
            .no_proxy()
            .referer(false)
            // A redirect could carry personal data to a host that nobody agreed on.
            .redirect(redirect::Policy::none())
            // Whether to ask again is decided in one place, `limits/`.
            .retry(reqwest::retry::never())
            .connect_timeout(site.timeout)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .pool_idle_timeout(IDLE_TIME)
            .build()?;
        Ok(Self { client, base: site.base.clone(), timeout: site.timeout, max_body: site.max_body })
    }

    /// One request and its reply, before the site's own timeout and before `deadline`.
    ///
    /// # Errors
    /// Timeout, unreachable, or a reply too long.
    async fn send(&self, outgoing: Outgoing, deadline: Instant) -> Result<Incoming, Failed> {
        let deadline = deadline.min(Instant::now() + self.timeout);
        let mut request =
            self.client.request(outgoing.method, format!("{}{}", self.base, outgoing.target));
        let mut content_type = None;
        for (name, value) in outgoing.headers {
            if name.eq_ignore_ascii_case(CONTENT_TYPE.as_str()) {
                content_type = Some(value);
            } else {
                request = request.header(name, value);
            }
        }
        if let Some((usual, bytes)) = outgoing.payload {
            request = request.header(CONTENT_TYPE, content_type.unwrap_or(usual)).body(bytes);
        }
        let response = match timeout_at(deadline, request.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(unreachable(&error, false)),
            Err(_) => return Err(Failed::unanswered(Unavailable::Timeout, "no reply in time")),
        };
        let status = response.status().as_u16();
        let headers = headers(&response);
        // Nobody asked for a packed reply, and what is said to be packed must not be read as if it were not.
        let is_packed = response
            .headers()
            .get(CONTENT_ENCODING)
            .is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"));
        if is_packed {
            let detail = "the reply is packed (content-encoding), which was not asked for";
            return Err(Failed::contract(detail));
        }
        let bytes = match timeout_at(deadline, self.body(response)).await {
            Ok(bytes) => bytes?,
            Err(_) => {
                return Err(Failed::answered(Unavailable::Timeout, "half a reply in time"));
            }
        };
        Ok(Incoming { status, headers, body: bytes })
    }

    /// Stops reading as soon as the reply is too long.
    async fn body(&self, mut response: Response) -> Result<Vec<u8>, Failed> {
        let too_long = || {
            Failed::contract(format!(
                "the reply is longer than `max_body` ({} bytes)",
                self.max_body
            ))
        };
        let announced = response.content_length().unwrap_or(0);
        if usize::try_from(announced).map_or(true, |length| length > self.max_body) {
            return Err(too_long());
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(&error, true))? {
            if body.len() + chunk.len() > self.max_body {
                return Err(too_long());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

impl Line for Https {
    fn put(&self, put: Put, deadline: Instant) -> Putting<'_> {
        Box::pin(async move {
            let Put::Http(outgoing) = put else { return Err(not_carried()) };
            self.send(outgoing, deadline).await.map(Got::Http)
        })
    }
}

fn headers(response: &Response) -> Map<String, Json> {
    let mut headers = Map::new();
    for (name, value) in response.headers() {
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

/// The causes of an error, without the address, whose query may name a person.
fn unreachable(error: &reqwest::Error, answered: bool) -> Failed {
    let mut detail =
        if answered { "the reply broke off" } else { "the agency cannot be reached" }.to_owned();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        detail.push_str(": ");
        detail.push_str(&error.to_string());
        cause = error.source();
    }
    let reason = if error.is_timeout() { Unavailable::Timeout } else { Unavailable::Unreachable };
    Failed { answered, ..Failed::unanswered(reason, detail) }
}
