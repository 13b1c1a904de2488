//! A program of its own, in any language, that implements `heyan.adapter.v1`, over TLS.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use tower::service_fn;

use super::{Got, Line, Put, Putting, not_carried};
use crate::adapters::failed::Failed;
use crate::adapters::manifest::{Place, Program};
use crate::proto::adapter::v1 as wire;
use crate::proto::adapter::v1::adapter_client::AdapterClient;
use crate::query::record::Unavailable;

/// The only protocol version there is.
const PROTOCOL: u32 = 1;

/// A reply is a few hundred bytes; this leaves room for texts.
const REPLY_BYTES: usize = 1 << 20;

/// One program.
pub(crate) struct Remote {
    client: AdapterClient<Channel>,
    timeout: Duration,
    /// Facts that the program says it answers; asked once, before the first question.
    described: OnceCell<Vec<String>>,
}

impl Remote {
    /// Describes the connection; it is opened by the first question and again when it breaks.
    ///
    /// # Errors
    /// What is wrong with the address or the server's name.
    pub(crate) fn new(program: &Program) -> Result<Self, String> {
        let place = match &program.place {
            Place::Remote(place) => place,
            Place::Here(_) => return Err("programs cannot be started yet".to_owned()),
        };
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
        let client = AdapterClient::new(endpoint.connect_with_connector_lazy(connect))
            .max_decoding_message_size(REPLY_BYTES);
        Ok(Self { client, timeout: program.timeout, described: OnceCell::new() })
    }

    /// Puts one question, with its deadline.
    async fn fetch(
        &self,
        question: wire::FetchRequest,
        deadline: Instant,
    ) -> Result<wire::FetchResponse, Failed> {
        let limit = deadline.saturating_duration_since(Instant::now()).min(self.timeout);
        let asked = async {
            let facts = self.described.get_or_try_init(|| self.describe()).await?;
            if !facts.contains(&question.fact) {
                let detail = format!("the program does not answer `{}`", question.fact);
                return Err(Failed::contract(detail));
            }
            let mut request = Request::new(question);
            request.set_timeout(limit);
            let reply = self.client.clone().fetch(request).await;
            Ok(reply.map_err(|status| failure(&status))?.into_inner())
        };
        match timeout(limit, asked).await {
            Ok(fetched) => fetched,
            Err(_) => Err(Failed::unanswered(Unavailable::Timeout, "the program took too long")),
        }
    }

    async fn describe(&self) -> Result<Vec<String>, Failed> {
        let request =
            wire::DescribeRequest { lowest_protocol: PROTOCOL, highest_protocol: PROTOCOL };
        let described =
            self.client.clone().describe(request).await.map_err(|status| failure(&status))?;
        let described = described.into_inner();
        if described.protocol == PROTOCOL {
            return Ok(described.facts);
        }
        let detail = format!("the program chose protocol {}; only 1 is spoken", described.protocol);
        Err(Failed::contract(detail))
    }
}

impl Line for Remote {
    fn put(&self, put: Put, deadline: Instant) -> Putting<'_> {
        Box::pin(async move {
            let Put::Fetch(question) = put else { return Err(not_carried()) };
            self.fetch(question, deadline).await.map(Got::Fetched)
        })
    }
}

/// Sorts the statuses. Their messages are the program's own words and may hold anything, so only the code is kept.
fn failure(status: &Status) -> Failed {
    let reason = match status.code() {
        Code::DeadlineExceeded | Code::Cancelled => Unavailable::Timeout,
        // Tonic's own errors of connecting arrive as Unavailable, or as Unknown with a source.
        Code::Unavailable => Unavailable::Unreachable,
        Code::Unknown if std::error::Error::source(status).is_some() => Unavailable::Unreachable,
        Code::ResourceExhausted | Code::PermissionDenied | Code::Unauthenticated => {
            Unavailable::Refused
        }
        _ => Unavailable::ContractError,
    };
    let detail = format!("the program answered {:?}", status.code());
    if reason == Unavailable::Unreachable {
        return Failed::unanswered(reason, detail);
    }
    Failed::answered(reason, detail)
}
