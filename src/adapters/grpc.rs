//! The transport `grpc`: a program of its own, in any language, that implements `heyan.adapter.v1`.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use tower::service_fn;

use super::Failure;
use super::manifest::Program;
use crate::proto::adapter::v1 as wire;
use crate::proto::adapter::v1::adapter_client::AdapterClient;
use crate::proto::adapter::v1::fetch_response::Outcome;
use crate::proto::gateway::v1 as gateway;
use crate::query::Query;
use crate::query::record::{Finding, Unavailable};
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

/// What the program found, its attributes not yet held against the catalogue.
pub(crate) struct Fetched {
    pub(crate) finding: Finding,
    pub(crate) as_of: Option<Timestamp>,
    pub(crate) subjects_checked: Vec<u32>,
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
    pub(crate) async fn fetch(
        &self,
        query: &Query,
        attributes: &[String],
        limit: Duration,
    ) -> Result<Fetched, Failure> {
        let limit = limit.min(self.timeout);
        let asked = async {
            let facts = self.described.get_or_try_init(|| self.describe()).await?;
            if !facts.iter().any(|fact| fact == query.fact.as_str()) {
                let detail = format!("the program does not answer `{}`", query.fact);
                return Err(Failure::agency(Unavailable::ContractError, detail));
            }
            let mut request = Request::new(question(query, attributes));
            request.set_timeout(limit);
            let reply = self.client.clone().fetch(request).await.map_err(|status| failure(&status))?;
            read(reply.into_inner())
        };
        match timeout(limit, asked).await {
            Ok(fetched) => fetched,
            Err(_) => Err(Failure::agency(Unavailable::Timeout, "the program took too long")),
        }
    }

    async fn describe(&self) -> Result<Vec<String>, Failure> {
        let request =
            wire::DescribeRequest { lowest_protocol: PROTOCOL, highest_protocol: PROTOCOL };
        let described =
            self.client.clone().describe(request).await.map_err(|status| failure(&status))?;
        let described = described.into_inner();
        if described.protocol == PROTOCOL {
            return Ok(described.facts);
        }
        let detail = format!("the program chose protocol {}; only 1 is spoken", described.protocol);
        Err(Failure::agency(Unavailable::ContractError, detail))
    }
}

fn question(query: &Query, attributes: &[String]) -> wire::FetchRequest {
    wire::FetchRequest {
        fact: query.fact.as_str().to_owned(),
        request_id: query.request_id.to_vec(),
        subjects: query.subjects.iter().map(subject).collect(),
        attributes: attributes.to_vec(),
        purpose: Some(gateway::Purpose {
            item: query.purpose.item.as_str().to_owned(),
            item_version: query.purpose.item_version.clone(),
            case_number: query.purpose.case_number.clone(),
            replaced_material: query.purpose.replaced_material.clone(),
        }),
        operator: Some(gateway::Operator {
            id: query.operator.id.clone(),
            unit: query.operator.unit.clone(),
        }),
    }
}

fn read(reply: wire::FetchResponse) -> Result<Fetched, Failure> {
    let contract = |detail: &str| Failure::agency(Unavailable::ContractError, detail);
    match reply.outcome {
        Some(Outcome::Found(found)) => {
            let mut attributes: BTreeMap<String, Value> = BTreeMap::new();
            for (name, value) in &found.attributes {
                let value = read_value(value)
                    .ok_or_else(|| contract("an attribute holds no value; leave it out instead"))?;
                attributes.insert(name.clone(), value);
            }
            Ok(Fetched {
                finding: Finding::Found(attributes),
                as_of: found.as_of.as_ref().and_then(read_timestamp),
                subjects_checked: found.subjects_checked,
            })
        }
        Some(Outcome::NotFound(not_found)) => Ok(Fetched {
            finding: Finding::NotFound,
            as_of: not_found.as_of.as_ref().and_then(read_timestamp),
            subjects_checked: Vec::new(),
        }),
        Some(Outcome::Unavailable(unavailable)) => {
            let mut failure =
                Failure::agency(Unavailable::Refused, "the program cannot answer now");
            failure.retry_after =
                unavailable.retry_after.and_then(|wait| Duration::try_from(wait).ok());
            Err(failure)
        }
        None => Err(contract("the reply has no outcome")),
    }
}

/// Sorts the statuses. Their messages are the program's own words and may hold anything, so only the code is kept.
fn failure(status: &Status) -> Failure {
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
    Failure::agency(reason, format!("the program answered {:?}", status.code()))
}
