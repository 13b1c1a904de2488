//! The transport `grpc`: a program of its own, in any language, that implements `heyan.adapter.v1`.

use std::collections::BTreeMap;
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

use super::failed::Failed;
use super::manifest::Program;
use super::mapping::{Named, Reply};
use super::{Ask, Asked, Transport};
use crate::proto::adapter::v1 as wire;
use crate::proto::adapter::v1::adapter_client::AdapterClient;
use crate::proto::adapter::v1::fetch_response::Outcome;
use crate::proto::gateway::v1 as gateway;
use crate::query::Query;
use crate::query::record::Unavailable;
use crate::query::time::Timestamp;
use crate::query::value::Value;
use crate::wire::{read_timestamp, read_value, subject};

/// The only protocol version there is.
const PROTOCOL: u32 = 1;

/// A reply is a few hundred bytes; this leaves room for texts.
const REPLY_BYTES: usize = 1 << 20;

/// One program.
pub(crate) struct Grpc {
    client: AdapterClient<Channel>,
    timeout: Duration,
    /// Facts that the program says it answers; asked once, before the first question.
    described: OnceCell<Vec<String>>,
}

impl Grpc {
    /// Describes the connection; it is opened by the first question and again when it breaks.
    ///
    /// # Errors
    /// What is wrong with the address or the server's name.
    pub(crate) fn new(program: &Program) -> Result<Self, String> {
        let authority = program.authority.clone();
        // The connector speaks TLS itself, so tonic is given the plain scheme.
        let endpoint = Endpoint::from_shared(format!("http://{authority}"))
            .map_err(|_| format!("`{authority}` is no address"))?
            .connect_timeout(program.timeout)
            .tcp_nodelay(true);
        let server_name = ServerName::try_from(program.server_name.clone())
            .map_err(|_| format!("`{}` is no server name", program.server_name))?;
        let mut terms = program.tls.clone();
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
        query: &Query,
        attributes: Vec<String>,
        deadline: Instant,
    ) -> Result<Named, Failed> {
        let limit = deadline.saturating_duration_since(Instant::now()).min(self.timeout);
        let asked = async {
            let facts = self.described.get_or_try_init(|| self.describe()).await?;
            if !facts.iter().any(|fact| fact == query.fact.as_str()) {
                let detail = format!("the program does not answer `{}`", query.fact);
                return Err(Failed::contract(detail));
            }
            let mut request = Request::new(question(query, attributes));
            request.set_timeout(limit);
            let reply =
                self.client.clone().fetch(request).await.map_err(|status| failure(&status))?;
            read(reply.into_inner())
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

impl Transport for Grpc {
    fn kind(&self) -> &'static str {
        "grpc"
    }

    fn ask<'a>(&'a self, ask: &'a Ask<'a>) -> Asked<'a> {
        let attributes = ask.granted.iter().cloned().collect();
        Box::pin(
            async move { self.fetch(ask.query, attributes, ask.deadline).await.map(Reply::Named) },
        )
    }
}

fn question(query: &Query, attributes: Vec<String>) -> wire::FetchRequest {
    wire::FetchRequest {
        fact: query.fact.as_str().to_owned(),
        request_id: query.request_id.to_vec(),
        subjects: query.subjects.iter().map(subject).collect(),
        attributes,
        purpose: Some(gateway::Purpose {
            item: query.purpose.item.as_str().to_owned(),
            item_version: query.purpose.item_version.clone(),
            case_number: query.purpose.case_number.clone(),
            replaced_material: query.purpose.replaced_material.clone(),
            notice: query.purpose.notice.clone(),
            consent: query.purpose.consent.clone(),
        }),
        operator: Some(gateway::Operator {
            id: query.operator.id.clone(),
            unit: query.operator.unit.clone(),
        }),
    }
}

fn read(reply: wire::FetchResponse) -> Result<Named, Failed> {
    match reply.outcome {
        Some(Outcome::Found(found)) => {
            let mut attributes: BTreeMap<String, Value> = BTreeMap::new();
            for (name, value) in &found.attributes {
                let value = read_value(value).ok_or_else(|| {
                    Failed::contract("an attribute holds no value; leave it out instead")
                })?;
                attributes.insert(name.clone(), value);
            }
            let as_of = moment(found.as_of.as_ref())?;
            Ok(Named { attributes: Some(attributes), as_of, checked: found.subjects_checked })
        }
        Some(Outcome::NotFound(not_found)) => {
            let as_of = moment(not_found.as_of.as_ref())?;
            Ok(Named { attributes: None, as_of, checked: Vec::new() })
        }
        Some(Outcome::Unavailable(unavailable)) => Err(Failed {
            retry_after: unavailable.retry_after.and_then(|wait| Duration::try_from(wait).ok()),
            ..refusal(&unavailable.reason)
        }),
        None => Err(Failed::contract("the reply has no outcome")),
    }
}

fn moment(given: Option<&prost_types::Timestamp>) -> Result<Option<Timestamp>, Failed> {
    given
        .map(|given| read_timestamp(given).ok_or_else(|| Failed::contract("`as_of` is no time")))
        .transpose()
}

/// The program's reason, where it is one of ours. Its own words are not kept: they may hold anything.
fn refusal(reason: &str) -> Failed {
    let known = [
        Unavailable::Timeout,
        Unavailable::Unreachable,
        Unavailable::Refused,
        Unavailable::Maintenance,
        Unavailable::ContractError,
    ];
    let reason = known.into_iter().find(|known| known.code() == reason);
    Failed::answered(reason.unwrap_or(Unavailable::Refused), "the program cannot answer now")
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
