//! The connections to one HTTPS site: HTTP/2 is offered by ALPN, and spoken where the agency takes it; HTTP/1.1 else.
//!
//! One connection of HTTP/2 carries many questions, but no agency takes any number of them: they are asked in groups, each
//! with connections of its own, which are one of HTTP/2 or as many of HTTP/1.1 as there are questions under way.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::adapters::manifest::Site;

/// Questions of one group. Most servers take 100 or 128 on a connection, and the standard wants no fewer than 100: one that
/// is not taken would wait for others to end.
const GROUP: usize = 64;
/// Groups: as many questions together as the largest `max_in_flight`. What is more than that goes with the first.
const GROUPS: usize = 1024 / GROUP;

/// How long connections are kept while nothing is asked: shorter than the 60 s after which many servers hang up without a
/// word. As many as were in use at once: to close one that is wanted again costs a handshake, more than a question.
const IDLE_TIME: Duration = Duration::from_secs(45);
/// A sign of life on a connection that says nothing, again and again as often as that without an answer, before it is
/// given up: a firewall may have forgotten it without a word.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);
const SIGNS: u32 = 3;
/// What was sent and is not acknowledged for so long was sent to nobody.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);
/// The answer to a sign of life inside HTTP/2 is waited for so long. None is sent while nothing is asked, which some servers
/// take for an attack.
const PONG: Duration = Duration::from_secs(10);
/// Bytes that an agency may send ahead of being read: in one reply as long as most may be, and in all of a connection.
const STREAM_WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 4 * STREAM_WINDOW;

type Requests = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// The connections to one site.
pub(super) struct Connections {
    connector: HttpsConnector<HttpConnector>,
    first: Group,
    /// Made when they are needed: most agencies are never asked so much at once.
    others: Vec<OnceLock<Box<Group>>>,
}

/// Questions that share a connection, where it is one of HTTP/2.
struct Group {
    requests: ArcSwap<Requests>,
    under_way: AtomicUsize,
    /// Replies that began.
    heard: AtomicU64,
    speaks_http2: AtomicBool,
}

/// A question's place in a group, held until its reply has been read.
pub(super) struct Place<'a> {
    connections: &'a Connections,
    group: &'a Group,
    requests: Arc<Requests>,
    /// Replies that had begun when it was put.
    before: u64,
    /// Its own has begun, or failed.
    has_ended: bool,
}

impl Connections {
    /// Opens none yet.
    pub(super) fn to(site: &Site) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(site.timeout));
        tcp.set_keepalive(Some(SIGN_OF_LIFE));
        tcp.set_keepalive_interval(Some(SIGN_OF_LIFE));
        tcp.set_keepalive_retries(Some(SIGNS));
        #[cfg(target_os = "linux")]
        tcp.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
        let tls = HttpsConnectorBuilder::new().with_tls_config(site.tls.clone()).https_only();
        let connector = match site.offers_http2 {
            true => tls.enable_http1().enable_http2().wrap_connector(tcp),
            false => tls.enable_http1().wrap_connector(tcp),
        };
        let first = Group::over(&connector);
        let others = (1..GROUPS).map(|_| OnceLock::new()).collect();
        Self { connector, first, others }
    }

    /// Puts a request and waits until its reply begins. Dropped before that, it is given up.
    ///
    /// # Errors
    /// The agency could not be reached, or hung up.
    pub(super) async fn put(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<(Response<Incoming>, Place<'_>), Error> {
        let mut place = self.place();
        let replied = place.requests.request(request).await;
        place.has_ended = true;
        let response = replied?;
        place.group.heard.fetch_add(1, Ordering::Relaxed);
        let speaks_http2 = response.version() == Version::HTTP_2;
        place.group.speaks_http2.store(speaks_http2, Ordering::Relaxed);
        Ok((response, place))
    }

    /// In the first group that has one, so that few connections carry all there is.
    fn place(&self) -> Place<'_> {
        let others = self
            .others
            .iter()
            .map(|group| group.get_or_init(|| Box::new(Group::over(&self.connector))).as_ref());
        let mut all = std::iter::once(&self.first).chain(others);
        let group = all.find(|group| group.has_taken()).unwrap_or_else(|| {
            self.first.under_way.fetch_add(1, Ordering::Relaxed);
            &self.first
        });
        let requests = group.requests.load_full();
        let before = group.heard.load(Ordering::Relaxed);
        Place { connections: self, group, requests, before, has_ended: false }
    }
}

impl Group {
    fn over(connector: &HttpsConnector<HttpConnector>) -> Self {
        Self {
            requests: ArcSwap::from_pointee(requests(connector)),
            under_way: AtomicUsize::new(0),
            heard: AtomicU64::new(0),
            speaks_http2: AtomicBool::new(false),
        }
    }

    /// Takes a place, if there is one.
    fn has_taken(&self) -> bool {
        let more = |under_way: usize| (under_way < GROUP).then_some(under_way + 1);
        self.under_way.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }
}

impl Drop for Place<'_> {
    /// Where one was given up and nobody has heard a word since it was put, the connection may lead nowhere, and on HTTP/2 all
    /// that come would be put into it: they have another. Those under way stay where they are.
    fn drop(&mut self) {
        self.group.under_way.fetch_sub(1, Ordering::Relaxed);
        let is_silent = !self.has_ended
            && self.group.speaks_http2.load(Ordering::Relaxed)
            && self.group.heard.load(Ordering::Relaxed) == self.before;
        // Only once for each connection, however many are given up on it.
        if is_silent && Arc::ptr_eq(&self.group.requests.load(), &self.requests) {
            self.group.requests.store(Arc::new(requests(&self.connections.connector)));
        }
    }
}

fn requests(connector: &HttpsConnector<HttpConnector>) -> Requests {
    Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIME)
        .pool_max_idle_per_host(GROUP)
        .http2_initial_stream_window_size(STREAM_WINDOW)
        .http2_initial_connection_window_size(CONNECTION_WINDOW)
        .http2_keep_alive_interval(SIGN_OF_LIFE)
        .http2_keep_alive_timeout(PONG)
        .build(connector.clone())
}
