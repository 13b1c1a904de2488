//! The tax bureau's XML service, and the adapter program in front of it, asked by a gRPC client over mutual TLS.

use std::collections::BTreeMap;
use std::sync::Arc;

use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint, Uri};
use tower::service_fn;

use super::{Standing, trusting};
use crate::proto::adapter::v1::adapter_client::AdapterClient;
use crate::proto::adapter::v1::fetch_response::Outcome;
use crate::proto::adapter::v1::{CheckRequest, DescribeRequest, FetchRequest};
use crate::proto::gateway::v1 as wire;
use crate::query::record::Finding;
use crate::query::subject::{IdentityDocument, Subject, SubjectKind};
use crate::query::value::Value;
use crate::simulate::faults::Nonsense;
use crate::simulate::{samples, serve_tls};

/// A channel to the adapter with the certificate of `organisation/system`, or without any.
async fn channel(
    standing: &Standing,
    identity: Option<&str>,
) -> Result<AdapterClient<Channel>, tonic::transport::Error> {
    let address = standing.simulation.tax_adapter();
    let mut tls = trusting(&standing.pki("tax").join("ca.pem"));
    if let Some(identity) = identity {
        let pem = standing.pki(&format!("{identity}.pem"));
        let key = standing.pki(&format!("{identity}.key"));
        let chain = vec![CertificateDer::from_pem_file(pem).unwrap()];
        let key = PrivateKeyDer::from_pem_file(key).unwrap();
        let roots = serve_tls::authority(&standing.pki("tax").join("ca.pem")).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .unwrap();
    }
    tls.alpn_protocols = vec![b"h2".to_vec()];
    let connector = TlsConnector::from(Arc::new(tls));
    let connect = service_fn(move |_: Uri| {
        let connector = connector.clone();
        async move {
            let stream = TcpStream::connect(address).await?;
            let name = ServerName::try_from("localhost").unwrap();
            Ok::<_, std::io::Error>(TokioIo::new(connector.connect(name, stream).await?))
        }
    });
    let channel = Endpoint::from_static("http://localhost").connect_with_connector(connect).await?;
    Ok(AdapterClient::new(channel))
}

fn on_the_wire(subject: &Subject) -> wire::Subject {
    use wire::subject::Kind;
    let kind = match &subject.kind {
        SubjectKind::Person(person) => Kind::Person(wire::Person {
            document_type: i32::from(person.document_type == IdentityDocument::CitizenId),
            document_number: person.document_number.clone(),
            name: person.name.clone(),
        }),
        SubjectKind::Employer(employer) => Kind::Employer(wire::Employer {
            uscc: employer.uscc.clone(),
            name: employer.name.clone(),
        }),
        SubjectKind::Property(home) => Kind::Property(wire::Property {
            unit_number: home.unit_number.clone(),
            certificate_number: home.certificate_number.clone(),
            address: home.address.clone(),
            division: home.division.clone(),
        }),
        SubjectKind::Document(document) => Kind::Document(wire::Document {
            number: document.number.clone(),
            code: document.code.clone(),
            division: document.division.clone(),
        }),
    };
    wire::Subject { role: subject.role.clone(), kind: Some(kind), ..Default::default() }
}

fn request(standing: &Standing, fact: &str) -> (FetchRequest, BTreeMap<String, Value>) {
    let sample = samples::question(fact, standing.simulation.province());
    let Finding::Found(expected) = sample.record else { panic!("{fact} has no record") };
    let request = FetchRequest {
        fact: fact.to_owned(),
        subjects: sample.subjects.iter().map(on_the_wire).collect(),
        attributes: expected.keys().cloned().collect(),
        ..FetchRequest::default()
    };
    (request, expected)
}

fn value(value: wire::Value) -> Value {
    match value.kind.unwrap() {
        wire::value::Kind::Truth(truth) => Value::Truth(truth),
        wire::value::Kind::Integer(integer) => Value::Integer(integer),
        wire::value::Kind::Text(text) => Value::Text(text),
        wire::value::Kind::Date(date) => Value::Date(date),
        wire::value::Kind::People(_) => panic!("tax tells of nobody"),
    }
}

#[tokio::test]
async fn the_adapter_answers_every_fact_of_the_bureau() {
    let standing = Standing::start().await;
    let mut adapter = channel(&standing, Some("fund-centre/gateway")).await.unwrap();
    let range = DescribeRequest { lowest_protocol: 1, highest_protocol: 3 };
    let described = adapter.describe(range).await.unwrap().into_inner();
    assert_eq!((described.protocol, described.facts.len()), (1, 4));
    assert!(adapter.check(CheckRequest {}).await.unwrap().into_inner().reachable);
    for fact in ["T1", "T2", "T3", "T4"] {
        let (request, expected) = request(&standing, fact);
        let reply = adapter.fetch(request).await.unwrap().into_inner();
        let Some(Outcome::Found(found)) = reply.outcome else { panic!("{fact}: {reply:?}") };
        let found: BTreeMap<String, Value> =
            found.attributes.into_iter().map(|(name, given)| (name, value(given))).collect();
        assert_eq!(found, expected, "{fact}");
    }
    let (mut request, _) = request(&standing, "T3");
    request.attributes = vec!["months".to_owned()];
    let reply = adapter.fetch(request).await.unwrap().into_inner();
    let Some(Outcome::Found(found)) = reply.outcome else { panic!("{reply:?}") };
    assert_eq!(found.attributes.len(), 1, "only what the permit grants");
}

#[tokio::test]
async fn nonsense_of_the_bureau_is_unavailable_and_never_a_no() {
    let standing = Standing::start().await;
    let mut adapter = channel(&standing, Some("fund-centre/gateway")).await.unwrap();
    let faults = standing.simulation.faults("tax");
    let kinds =
        [Nonsense::Html, Nonsense::Truncated, Nonsense::WrongPerson, Nonsense::MissingFields];
    for kind in kinds {
        faults.set_nonsense(kind);
        for fact in ["T1", "T2", "T3", "T4"] {
            let (request, _) = request(&standing, fact);
            let reply = adapter.fetch(request).await.unwrap().into_inner();
            let Some(Outcome::Unavailable(why)) = reply.outcome else { panic!("{kind:?} {fact}") };
            assert_eq!(why.reason, "contract_error", "{kind:?} {fact}");
        }
    }
    faults.set_nonsense(Nonsense::Off);
    faults.set_outage(true);
    let (request, _) = request(&standing, "T3");
    let reply = adapter.fetch(request).await.unwrap().into_inner();
    let Some(Outcome::Unavailable(why)) = reply.outcome else { panic!("{reply:?}") };
    assert!(["unreachable", "refused"].contains(&why.reason.as_str()), "{}", why.reason);
    assert!(!adapter.check(CheckRequest {}).await.unwrap().into_inner().reachable);
}

#[tokio::test]
async fn only_the_centre_may_ask_the_adapter_and_only_the_adapter_the_bureau() {
    let standing = Standing::start().await;
    for identity in [None, Some("police/agency")] {
        let asked = match channel(&standing, identity).await {
            Ok(mut adapter) => adapter.check(CheckRequest {}).await.is_ok(),
            Err(_) => false,
        };
        assert!(!asked, "{identity:?}");
    }
    let client = standing.client("tax");
    let url = standing.url("tax", "/TaxService");
    let reply = client.post(&url).basic_auth("fund-centre-adapter", Some("wrong")).send().await;
    assert_eq!(reply.unwrap().status(), 401);
}
