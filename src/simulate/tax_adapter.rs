//! The adapter in front of the tax bureau: a program of its own that speaks `heyan.adapter.v1` to the gateway (mutual TLS)
//! and XML to the bureau. It is what an operator writes, in any language, for an agency that no manifest can describe.
//!
//! It refuses to guess: a missing field, an unknown flag or a record about another taxpayer is UNAVAILABLE, never a "no".

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use prost_types::Timestamp;
use roxmltree::Node;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use super::SimulateError;
use super::clock::Clock;
use super::faults::Faults;
use super::serve_tls::{self, Identity, Tasks};
use super::tax::USER;
use super::xml;
use crate::proto::adapter::v1::adapter_server::{Adapter, AdapterServer};
use crate::proto::adapter::v1::fetch_response::Outcome;
use crate::proto::adapter::v1::{
    CheckRequest, CheckResponse, DescribeRequest, DescribeResponse, FetchRequest, FetchResponse,
    Found, NotFound, Unavailable,
};
use crate::proto::gateway::v1::subject::Kind;
use crate::proto::gateway::v1::{Subject, Value, value};

/// The one version of the protocol there is.
const PROTOCOL: u32 = 1;
/// Most time the bureau is given; the gateway's deadline is usually shorter and cancels the call.
const BUREAU_LIMIT: Duration = Duration::from_secs(10);
/// Longest reply read from the bureau, bytes.
const MAX_REPLY: usize = 1 << 20;
/// Number of the taxpayers' recorded authorisation that the fund centre acts under.
const AUTHORISATION: &str = "SQ-GJJ-2026-0001";

/// Fact, service code of the bureau, the field that echoes the subject.
const SERVICES: [(&str, &str, &str); 4] = [
    ("T1", "A009", "BDCDYH"),
    ("T2", "A021", "FPHM"),
    ("T3", "A035", "NSRSBH"),
    ("T4", "A047", "NSRSBH"),
];

/// Where the adapter listens, as whom, and where the bureau is.
#[derive(Clone, Debug)]
pub struct TaxAdapterConfig {
    /// Address to listen on; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// The adapter's certificate chain, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// Authority of the gateways that may ask, PEM.
    pub client_authority: PathBuf,
    /// The bureau's service, such as `https://127.0.0.1:7515/TaxService`.
    pub upstream: String,
    /// Authority of the bureau, PEM.
    pub upstream_authority: PathBuf,
    /// File with the bureau's password.
    pub password: PathBuf,
}

/// A running adapter. It stops when told to, or when dropped.
pub struct TaxAdapterServer {
    /// Where it listens.
    pub address: SocketAddr,
    tasks: Tasks,
}

impl TaxAdapterServer {
    /// Stops, and waits until every connection has ended.
    pub async fn stop(&self) {
        self.tasks.stop.cancel();
        self.tasks.tracker.close();
        self.tasks.tracker.wait().await;
    }
}

impl Drop for TaxAdapterServer {
    fn drop(&mut self) {
        self.tasks.stop.cancel();
    }
}

/// Starts the adapter.
///
/// # Errors
/// When a file cannot be read or the address cannot be bound.
pub async fn start(config: TaxAdapterConfig) -> Result<TaxAdapterServer, SimulateError> {
    let identity = Identity {
        certificate: config.certificate.clone(),
        key: config.key.clone(),
        client_authority: Some(config.client_authority.clone()),
    };
    let tls = serve_tls::tls(&identity, &[b"h2"])?;
    let adapter = TaxAdapter::new(&config)?;
    let (listener, address) = serve_tls::bind(config.listen).await?;
    let tasks = Tasks::default();
    let router: Router = Routes::new(AdapterServer::new(adapter)).into_axum_router();
    serve_tls::serve(&tasks, listener, tls, Faults::default(), router);
    Ok(TaxAdapterServer { address, tasks })
}

struct TaxAdapter {
    client: reqwest::Client,
    upstream: String,
    password: String,
    clock: Clock,
}

impl TaxAdapter {
    fn new(config: &TaxAdapterConfig) -> Result<Self, SimulateError> {
        let password = std::fs::read_to_string(&config.password)
            .map_err(|error| SimulateError::Secret(config.password.clone(), error))?;
        let roots = serve_tls::authority(&config.upstream_authority)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(BUREAU_LIMIT)
            .build()
            .map_err(SimulateError::Client)?;
        let password = password.trim_end().to_owned();
        Ok(Self { client, upstream: config.upstream.clone(), password, clock: Clock::default() })
    }

    fn now(&self) -> Option<Timestamp> {
        let now = self.clock.now_ms();
        Some(Timestamp { seconds: now / 1000, nanos: 0 })
    }

    /// Asks the bureau; its reply as text, or why there is none.
    async fn exchange(&self, request: String) -> Result<String, &'static str> {
        let sent = self
            .client
            .post(&self.upstream)
            .basic_auth(USER, Some(&self.password))
            .header("content-type", "application/xml; charset=utf-8")
            .body(request)
            .send()
            .await;
        let mut reply = sent.map_err(|error| reason(&error))?;
        match reply.status().as_u16() {
            200 => {}
            500..=599 | 401 | 403 | 429 => return Err("refused"),
            _ => return Err("contract_error"),
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = reply.chunk().await.map_err(|error| reason(&error))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MAX_REPLY {
                return Err("contract_error");
            }
        }
        String::from_utf8(bytes).map_err(|_| "contract_error")
    }

    async fn ask(&self, request: &FetchRequest) -> Result<Outcome, &'static str> {
        let service = SERVICES.iter().find(|(fact, ..)| *fact == request.fact);
        let &(fact, code, echo) = service.ok_or("no_adapter")?;
        let body = question(fact, &request.subjects).ok_or("contract_error")?;
        let sent = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><TAXBIZML><HEAD>{}{}{}</HEAD><BODY>{body}</BODY></TAXBIZML>",
            xml::element("FWDM", code),
            xml::element("SQBH", AUTHORISATION),
            xml::element("YWLX", request.purpose.as_ref().map_or("", |purpose| &purpose.item)),
        );
        let text = self.exchange(sent).await?;
        let document = xml::parse(&text).ok_or("contract_error")?;
        let reply = document.root();
        match xml::text(reply, "FHM").as_str() {
            "0" => {}
            "" => return Err("contract_error"),
            _ => return Err("refused"),
        }
        let Some(record) = xml::find(reply, "JL") else {
            // No record is an answer only when the bureau counts none.
            let none = xml::text(reply, "JLS") == "0";
            let found = Outcome::NotFound(NotFound { as_of: self.now() });
            return if none { Ok(found) } else { Err("contract_error") };
        };
        if xml::text(record, echo) != echoed(fact, &request.subjects) {
            return Err("contract_error");
        }
        let mut attributes = attributes(fact, record).ok_or("contract_error")?;
        attributes.retain(|name, _| request.attributes.contains(name));
        let subjects = u32::try_from(request.subjects.len()).unwrap_or(0);
        let (as_of, subjects_checked) = (self.now(), (0..subjects).collect());
        Ok(Outcome::Found(Found { attributes, as_of, subjects_checked }))
    }
}

fn reason(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "timeout"
    } else if error.is_connect() || error.is_request() {
        "unreachable"
    } else {
        "contract_error"
    }
}

fn kind<'a>(subjects: &'a [Subject], role: &str) -> Option<&'a Kind> {
    subjects.iter().find(|subject| subject.role == role)?.kind.as_ref()
}

/// The body of the bureau's request; `None` when a subject is missing.
fn question(fact: &str, subjects: &[Subject]) -> Option<String> {
    let person = |role: &str| match kind(subjects, role)? {
        Kind::Person(person) => {
            Some(vec![("NSRSBH", person.document_number.clone()), ("NSRMC", person.name.clone())])
        }
        _ => None,
    };
    let fields = match fact {
        "T1" => match kind(subjects, "property")? {
            Kind::Property(home) => {
                let mut fields = person("payer")?;
                fields.push(("BDCDYH", home.unit_number.replace(' ', "")));
                fields.push(("BDCQZH", home.certificate_number.clone()));
                fields
            }
            _ => return None,
        },
        "T2" => match kind(subjects, "invoice")? {
            Kind::Document(invoice) => {
                let mut fields = person("buyer")?;
                fields.push(("FPHM", invoice.number.clone()));
                fields.push(("FPDM", invoice.code.clone()));
                fields
            }
            _ => return None,
        },
        "T3" => person("person")?,
        _ => match kind(subjects, "employer")? {
            Kind::Employer(employer) => {
                vec![("NSRSBH", employer.uscc.clone()), ("NSRMC", employer.name.clone())]
            }
            _ => return None,
        },
    };
    Some(xml::elements(&fields))
}

/// What the record must echo.
fn echoed(fact: &str, subjects: &[Subject]) -> String {
    let number = match fact {
        "T1" => kind(subjects, "property"),
        "T2" => kind(subjects, "invoice"),
        "T3" => kind(subjects, "person"),
        _ => kind(subjects, "employer"),
    };
    match number {
        Some(Kind::Property(home)) => home.unit_number.replace(' ', ""),
        Some(Kind::Document(invoice)) => invoice.number.clone(),
        Some(Kind::Person(person)) => person.document_number.clone(),
        Some(Kind::Employer(employer)) => employer.uscc.clone(),
        None => String::new(),
    }
}

/// The record's fields under the catalogue's names; `None` when one is missing or makes no sense.
fn attributes(fact: &str, record: Node<'_, '_>) -> Option<HashMap<String, Value>> {
    let flag = |name| match xml::text(record, name).as_str() {
        "Y" => Some(value::Kind::Truth(true)),
        "N" => Some(value::Kind::Truth(false)),
        _ => None,
    };
    let fen = |name| fen(&xml::text(record, name)).map(value::Kind::Integer);
    let day = |name| day(&xml::text(record, name)).map(value::Kind::Date);
    let pairs = match fact {
        "T1" => {
            let paid = flag("WSZT")?;
            // What is not paid yet has no day. That is an answer all the same.
            let paid_on = if paid == value::Kind::Truth(false) { None } else { Some(day("WSRQ")?) };
            let record =
                vec![("paid", paid), ("payer_match", flag("NSRYZ")?), ("base_fen", fen("JSJE")?)];
            record.into_iter().chain(paid_on.map(|day| ("paid_on", day))).collect()
        }
        "T2" => vec![
            ("genuine", flag("ZWBZ")?),
            ("buyer_match", flag("GFYZ")?),
            ("amount_fen", fen("JE")?),
            ("issued_on", day("KPRQ")?),
        ],
        "T3" => vec![
            ("income_12_months_fen", fen("SRHJ")?),
            ("months", value::Kind::Integer(xml::text(record, "SBYS").parse().ok()?)),
        ],
        _ => vec![
            ("loss_last_year", flag("KSBZ")?),
            ("cleared", flag("QSBZ")?),
            ("arrears", flag("QKBZ")?),
        ],
    };
    let named = |(name, kind): (&str, _)| (name.to_owned(), Value { kind: Some(kind) });
    Some(pairs.into_iter().map(named).collect())
}

/// `1234.50` yuan as fen.
fn fen(text: &str) -> Option<i64> {
    let (yuan, rest) = text.split_once('.')?;
    let rest: i64 = if rest.len() == 2 { rest.parse().ok()? } else { return None };
    yuan.parse::<i64>().ok()?.checked_mul(100)?.checked_add(rest)
}

/// `20260114` as `2026-01-14`.
fn day(text: &str) -> Option<String> {
    let digits =
        |range| text.get(range).filter(|part: &&str| part.bytes().all(|b| b.is_ascii_digit()));
    let (year, month, day) = (digits(0..4)?, digits(4..6)?, digits(6..8)?);
    (text.len() == 8).then(|| format!("{year}-{month}-{day}"))
}

#[tonic::async_trait]
impl Adapter for TaxAdapter {
    async fn describe(
        &self,
        request: Request<DescribeRequest>,
    ) -> Result<Response<DescribeResponse>, Status> {
        let range = request.get_ref().lowest_protocol..=request.get_ref().highest_protocol;
        if !range.contains(&PROTOCOL) {
            return Err(Status::failed_precondition("this adapter speaks protocol 1 only"));
        }
        Ok(Response::new(DescribeResponse {
            protocol: PROTOCOL,
            name: "tax".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            facts: SERVICES.iter().map(|(fact, ..)| (*fact).to_owned()).collect(),
        }))
    }

    async fn check(&self, _: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        // A package without authorisation asks about nobody and is refused by name, which shows that the bureau is there.
        let probe = "<TAXBIZML><HEAD><FWDM>A009</FWDM></HEAD></TAXBIZML>".to_owned();
        let reply = match self.exchange(probe).await {
            Ok(text) if text.contains("9003") => {
                CheckResponse { reachable: true, advice: String::new() }
            }
            Ok(_) => CheckResponse {
                reachable: false,
                advice: "the bureau answers, but not as its service does: is the address right?"
                    .to_owned(),
            },
            Err(reason) => CheckResponse {
                reachable: false,
                advice: format!(
                    "the bureau cannot be asked ({reason}): see its address and password"
                ),
            },
        };
        Ok(Response::new(reply))
    }

    async fn fetch(
        &self,
        request: Request<FetchRequest>,
    ) -> Result<Response<FetchResponse>, Status> {
        let outcome = self.ask(request.get_ref()).await.unwrap_or_else(|reason| {
            Outcome::Unavailable(Unavailable { reason: reason.to_owned(), retry_after: None })
        });
        Ok(Response::new(FetchResponse { outcome: Some(outcome) }))
    }
}
