//! A program that somebody else runs, at the end of a TLS connection.
//!
//! Every connection is asked first what is at its end: after a pause it may be another program, or another version. So
//! a connection that has ended is never replaced under a question's feet; a new one is opened and asked.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use rustix::net::sockopt;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::Endpoint;
use tower::service_fn;

use super::conversation::{Conversation, NOT_PUT, Spent};
use crate::adapters::failed::Failed;
use crate::adapters::line::{Got, Line, Put, Putting, not_carried};
use crate::adapters::manifest::{Elsewhere, Program};
use crate::proto::adapter::v1 as wire;
use crate::query::record::Unavailable;

/// What was sent and is not acknowledged for so long was sent to nobody: a firewall may have forgotten the connection
/// without a word. By itself the system goes on for a quarter of an hour.
const UNACKNOWLEDGED: Duration = Duration::from_secs(10);
/// A sign of life on an idle connection, below what firewalls forget after; and between two that are not acknowledged.
const SIGN_OF_LIFE: Duration = Duration::from_secs(60);
const AGAIN: Duration = Duration::from_secs(10);
/// The same inside TLS, past whatever stands between. Servers written in C take more than one in five minutes for an
/// attack.
const PING: Duration = Duration::from_secs(330);
const PONG: Duration = Duration::from_secs(20);
/// After so many questions in a row without a word another connection is tried. More than open the breaker by default.
const SILENT: u32 = 8;
/// One connection, and a second one where the first had ended before the question was put.
const CONNECTIONS: usize = 2;

/// One program.
pub(super) struct Remote {
    name: String,
    timeout: Duration,
    endpoint: Endpoint,
    server: Arc<Server>,
    /// Locked while one question opens a connection; the others wait for that, each within its own deadline.
    held: Mutex<Option<Arc<Connected>>>,
}

struct Server {
    authority: String,
    name: ServerName<'static>,
    terms: TlsConnector,
}

/// A connection to a program that has said what it is.
struct Connected {
    conversation: Conversation,
    /// Facts that the program says it answers.
    facts: Vec<String>,
    /// Questions in a row without a word.
    silent: AtomicU32,
}

impl Remote {
    /// Describes the connection; it is opened by the first question and again when it breaks.
    ///
    /// # Errors
    /// What is wrong with the address or the server's name.
    pub(super) fn new(program: &Program, place: &Elsewhere) -> Result<Self, String> {
        let authority = place.authority.clone();
        // The connector speaks TLS itself, so tonic is given the plain scheme.
        let endpoint = Endpoint::from_shared(format!("http://{authority}"))
            .map_err(|_| format!("`{authority}` is no address"))?
            .http2_keep_alive_interval(PING)
            .keep_alive_timeout(PONG)
            .keep_alive_while_idle(true);
        let name = ServerName::try_from(place.server_name.clone())
            .map_err(|_| format!("`{}` is no server name", place.server_name))?;
        let mut terms = place.tls.clone();
        terms.alpn_protocols = vec![b"h2".to_vec()];
        let terms = TlsConnector::from(Arc::new(terms));
        Ok(Self {
            name: program.name.clone(),
            timeout: program.timeout,
            endpoint,
            server: Arc::new(Server { authority, name, terms }),
            held: Mutex::default(),
        })
    }

    async fn ask(
        &self,
        question: wire::FetchRequest,
        deadline: Instant,
    ) -> Result<wire::FetchResponse, Failed> {
        let mut last = Failed::unanswered(Unavailable::Unreachable, NOT_PUT);
        for _ in 0..CONNECTIONS {
            let connected =
                timeout_at(deadline, self.connected(deadline)).await.map_err(|_| {
                    let detail = "the program did not say in time what it is";
                    Failed::unanswered(Unavailable::Timeout, detail)
                })??;
            let Connected { conversation, facts, silent } = &*connected;
            // Whoever mends the program starts it again: the next question asks anew what is there.
            if !facts.contains(&question.fact) {
                self.forget(&connected).await;
            }
            match conversation.fetch(facts, question.clone(), deadline).await {
                Err(failed) if failed.reason == Unavailable::Unreachable => {
                    self.forget(&connected).await;
                    if failed.detail != NOT_PUT {
                        return Err(failed);
                    }
                    last = failed;
                }
                Err(failed) if failed.reason == Unavailable::Timeout => {
                    if silent.fetch_add(1, Ordering::AcqRel) + 1 >= SILENT {
                        self.forget(&connected).await;
                    }
                    return Err(failed);
                }
                heard => {
                    silent.store(0, Ordering::Release);
                    return heard;
                }
            }
        }
        Err(last)
    }

    /// The connection, opened where there is none, to a program that has said what it is.
    async fn connected(&self, deadline: Instant) -> Result<Arc<Connected>, Failed> {
        let mut held = self.held.lock().await;
        if let Some(connected) = &*held {
            return Ok(Arc::clone(connected));
        }
        let (server, is_spent) = (Arc::clone(&self.server), Arc::new(AtomicBool::new(false)));
        let connect = service_fn(move |_: http::Uri| {
            let (server, is_spent) = (Arc::clone(&server), Arc::clone(&is_spent));
            async move {
                if is_spent.swap(true, Ordering::AcqRel) {
                    return Err(tower::BoxError::from(Spent));
                }
                Ok(TokioIo::new(server.connect().await?))
            }
        });
        let channel = self.endpoint.connect_with_connector(connect).await.map_err(|_| {
            Failed::unanswered(Unavailable::Unreachable, "there is no connection to the program")
        })?;
        let conversation = Conversation::over(channel, self.name.clone(), self.timeout);
        let facts = conversation.describe(deadline).await?;
        let connected = Arc::new(Connected { conversation, facts, silent: AtomicU32::new(0) });
        *held = Some(Arc::clone(&connected));
        Ok(connected)
    }

    /// Lets go of a connection, unless there is a newer one already.
    async fn forget(&self, gone: &Arc<Connected>) {
        let mut held = self.held.lock().await;
        if held.as_ref().is_some_and(|held| Arc::ptr_eq(held, gone)) {
            *held = None;
        }
    }
}

impl Server {
    async fn connect(&self) -> io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(&self.authority).await?;
        stream.set_nodelay(true)?;
        keep_alive(&stream)?;
        self.terms.connect(self.name.clone(), stream).await
    }
}

/// Has the system find out that nobody is at the other end any more.
fn keep_alive(stream: &TcpStream) -> io::Result<()> {
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, SIGN_OF_LIFE)?;
    sockopt::set_tcp_keepintvl(stream, AGAIN)?;
    #[cfg(target_os = "linux")]
    {
        let unacknowledged = u32::try_from(UNACKNOWLEDGED.as_millis()).unwrap_or(u32::MAX);
        sockopt::set_tcp_user_timeout(stream, unacknowledged)?;
    }
    Ok(())
}

impl Line for Remote {
    fn put(&self, put: Put, deadline: Instant) -> Putting<'_> {
        Box::pin(async move {
            let Put::Fetch(question) = put else { return Err(not_carried()) };
            let deadline = deadline.min(Instant::now() + self.timeout);
            self.ask(question, deadline).await.map(Got::Fetched)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_that_nobody_acknowledges_is_given_up() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        keep_alive(&stream).unwrap();
        assert!(sockopt::socket_keepalive(&stream).unwrap());
        assert_eq!(sockopt::tcp_keepidle(&stream).unwrap(), SIGN_OF_LIFE);
        assert_eq!(sockopt::tcp_keepintvl(&stream).unwrap(), AGAIN);
        #[cfg(target_os = "linux")]
        assert_eq!(sockopt::tcp_user_timeout(&stream).unwrap(), 10_000);
    }
}
