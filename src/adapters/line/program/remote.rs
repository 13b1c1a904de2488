//! A program that somebody else runs, at the end of a TLS connection.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tonic::transport::Endpoint;
use tower::service_fn;

use super::conversation::Conversation;
use crate::adapters::line::{Got, Line, Put, Putting, not_carried};
use crate::adapters::manifest::{Elsewhere, Program};

/// One program.
pub(super) struct Remote {
    conversation: Conversation,
    timeout: Duration,
    /// Facts that the program says it answers; asked once, before the first question.
    described: OnceCell<Vec<String>>,
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
            .connect_timeout(program.timeout)
            .tcp_nodelay(true);
        let server_name = ServerName::try_from(place.server_name.clone())
            .map_err(|_| format!("`{}` is no server name", place.server_name))?;
        let mut terms = place.tls.clone();
        terms.alpn_protocols = vec![b"h2".to_vec()];
        let terms = TlsConnector::from(Arc::new(terms));
        let connect = service_fn(move |_: http::Uri| {
            let (authority, name, terms) = (authority.clone(), server_name.clone(), terms.clone());
            async move {
                let stream = TcpStream::connect(&authority).await?;
                stream.set_nodelay(true)?;
                Ok::<_, io::Error>(TokioIo::new(terms.connect(name, stream).await?))
            }
        });
        let channel = endpoint.connect_with_connector_lazy(connect);
        let conversation = Conversation::over(channel, program.name.clone(), program.timeout);
        Ok(Self { conversation, timeout: program.timeout, described: OnceCell::new() })
    }
}

impl Line for Remote {
    fn put(&self, put: Put, deadline: Instant) -> Putting<'_> {
        Box::pin(async move {
            let Put::Fetch(question) = put else { return Err(not_carried()) };
            let deadline = deadline.min(Instant::now() + self.timeout);
            let describe = || self.conversation.describe(deadline);
            let facts = self.described.get_or_try_init(describe).await?;
            self.conversation.fetch(facts, question, deadline).await.map(Got::Fetched)
        })
    }
}
