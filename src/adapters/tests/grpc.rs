//! A program in front of an agency, speaking `heyan.adapter.v1`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tonic::{Request, Response, Status};

use super::agency::*;
use crate::proto::adapter::v1::adapter_server::{Adapter, AdapterServer};
use crate::proto::adapter::v1::fetch_response::Outcome;
use crate::proto::adapter::v1::*;
use crate::proto::gateway::v1::Value;
use crate::proto::gateway::v1::value::Kind;

type Script = dyn Fn() -> Result<FetchResponse, Status> + Send + Sync;

struct Program {
    facts: &'static str,
    protocol: u32,
    script: Arc<Script>,
    asked: Arc<Mutex<Vec<(FetchRequest, bool)>>>,
}

#[tonic::async_trait]
impl Adapter for Program {
    async fn describe(
        &self,
        _: Request<DescribeRequest>,
    ) -> Result<Response<DescribeResponse>, Status> {
        Ok(Response::new(DescribeResponse {
            protocol: self.protocol,
            name: "police".to_owned(),
            version: "1".to_owned(),
            facts: vec![self.facts.to_owned()],
        }))
    }

    async fn check(&self, _: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        Ok(Response::new(CheckResponse { reachable: true, advice: String::new() }))
    }

    async fn fetch(
        &self,
        request: Request<FetchRequest>,
    ) -> Result<Response<FetchResponse>, Status> {
        let has_deadline = request.metadata().contains_key("grpc-timeout");
        self.asked.lock().unwrap().push((request.into_inner(), has_deadline));
        let reply = (self.script)()?;
        Ok(Response::new(reply))
    }
}

struct Running {
    port: u16,
    asked: Arc<Mutex<Vec<(FetchRequest, bool)>>>,
    tasks: JoinSet<()>,
}

async fn program(
    office: &Office,
    name: &str,
    facts: &'static str,
    protocol: u32,
    script: impl Fn() -> Result<FetchResponse, Status> + Send + Sync + 'static,
) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    program_at(listener, office, name, facts, protocol, script)
}

fn program_at(
    listener: TcpListener,
    office: &Office,
    name: &str,
    facts: &'static str,
    protocol: u32,
    script: impl Fn() -> Result<FetchResponse, Status> + Send + Sync + 'static,
) -> Running {
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(office.server(name, &[b"h2"]));
    let asked = Arc::new(Mutex::new(Vec::new()));
    let service = Program { facts, protocol, script: Arc::new(script), asked: Arc::clone(&asked) };
    let mut tasks = JoinSet::new();
    let service = TowerToHyperService::new(AdapterServer::new(service));
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, service) = (acceptor.clone(), service.clone());
            connections.spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let server = Builder::new(TokioExecutor::new()).http2_only();
                let _hung_up = server.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Running { port, asked, tasks }
}

fn manifest(port: u16) -> String {
    format!(
        r#"
schema = 1
name = "police"
version = "1.0.0"
agency = "police"
[grpc]
endpoint = "https://127.0.0.1:{port}"
server_name = "localhost"
ca = "../ca.pem"
timeout = "1s"
[[operation]]
fact = "P1"
"#
    )
}

fn truth(truth: bool) -> Value {
    Value { kind: Some(Kind::Truth(truth)) }
}

fn found(attributes: &[(&str, Value)]) -> Result<FetchResponse, Status> {
    let attributes =
        attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let found = Found {
        attributes,
        as_of: Some(prost_types::Timestamp { seconds: 1_699_000_000, nanos: 0 }),
        subjects_checked: vec![0],
    };
    Ok(FetchResponse { outcome: Some(Outcome::Found(found)) })
}

/// What is found about the only subject, true at that second, with these positions checked.
fn stated(seconds: i64, checked: &[u32]) -> Result<FetchResponse, Status> {
    let attributes =
        [("identity_match".to_owned(), truth(true)), ("deceased".to_owned(), truth(false))];
    let found = Found {
        attributes: attributes.into(),
        as_of: Some(prost_types::Timestamp { seconds, nanos: 0 }),
        subjects_checked: checked.to_vec(),
    };
    Ok(FetchResponse { outcome: Some(Outcome::Found(found)) })
}

fn question() -> crate::query::Query {
    query("P1", vec![person("person", HE, "张三")])
}

#[tokio::test]
async fn attributes_arrive_by_name_and_the_rest_is_dropped() {
    let office = Office::new();
    let running = program(&office, "localhost", "P1", 1, || {
        found(&[
            ("identity_match", truth(true)),
            ("deceased", truth(false)),
            ("salary", Value { kind: Some(Kind::Integer(1)) }),
        ])
    })
    .await;
    let adapter = office.adapter(&manifest(running.port));
    let answer = adapter.ask_granted(&|name| name == "deceased", &question(), NOW, BUDGET).await;
    let answer = answer.map_err(|failure| failure.detail).unwrap();
    assert_eq!((told(&answer).as_str(), answer.dropped), ("deceased=false", 2));
    assert_eq!(answer.record.as_of.seconds(), 1_699_000_000);
    let (asked, has_deadline) = running.asked.lock().unwrap()[0].clone();
    assert!(has_deadline, "the deadline travels");
    assert_eq!((asked.fact.as_str(), asked.attributes), ("P1", vec!["deceased".to_owned()]));
    assert_eq!(asked.operator.unwrap().id, "op-1");
}

#[tokio::test]
async fn what_a_program_can_do_wrong() {
    let unavailable = |reason: &str| {
        let unavailable = Unavailable {
            reason: reason.to_owned(),
            retry_after: Some(prost_types::Duration { seconds: 20, nanos: 0 }),
        };
        Ok(FetchResponse { outcome: Some(Outcome::Unavailable(unavailable)) })
    };
    let cases: Vec<(Result<FetchResponse, Status>, &str)> = vec![
        (unavailable("maintenance"), "maintenance"),
        (unavailable("张三 is busy"), "refused"),
        (Ok(FetchResponse { outcome: None }), "contract_error"),
        (found(&[("identity_match", truth(true))]), "contract_error"),
        (
            found(&[
                ("identity_match", Value { kind: Some(Kind::Integer(1)) }),
                ("deceased", truth(false)),
            ]),
            "contract_error",
        ),
        (
            found(&[("identity_match", Value { kind: None }), ("deceased", truth(false))]),
            "contract_error",
        ),
        // Data of an hour from now, and a subject that nobody asked about.
        (stated(1_700_003_600, &[0]), "contract_error"),
        (stated(1_700_000_000, &[0, 1]), "contract_error"),
        (Err(Status::unavailable(HE)), "unreachable"),
        (Err(Status::resource_exhausted(HE)), "refused"),
        (Err(Status::not_found(HE)), "contract_error"),
        (Err(Status::internal(HE)), "contract_error"),
        (Err(Status::deadline_exceeded(HE)), "timeout"),
    ];
    let office = Office::new();
    for (reply, expected) in cases {
        let running = program(&office, "localhost", "P1", 1, move || reply.clone()).await;
        let adapter = office.adapter(&manifest(running.port));
        let (reason, detail) = failure(&adapter, &question()).await;
        assert_eq!(reason, expected, "{detail}");
    }
}

#[tokio::test]
async fn who_was_checked_is_told_once_and_is_everybody_where_nothing_is_said() {
    let office = Office::new();
    for checked in [&[][..], &[0], &[0, 0]] {
        let reply = stated(1_700_000_000, checked);
        let running = program(&office, "localhost", "P1", 1, move || reply.clone()).await;
        let adapter = office.adapter(&manifest(running.port));
        let answer = ask(&adapter, &question()).await.map_err(|failure| failure.detail);
        assert_eq!(answer.unwrap().record.subjects_checked, [0], "{checked:?}");
    }
}

#[tokio::test]
async fn a_program_is_asked_what_it_is_before_it_is_told_anything() {
    let office = Office::new();
    for (name, facts, protocol, expected) in [
        ("localhost", "P9", 1, "contract_error"),
        ("localhost", "P1", 2, "contract_error"),
        ("example.org", "P1", 1, "unreachable"),
    ] {
        let running = program(&office, name, facts, protocol, || found(&[])).await;
        let adapter = office.adapter(&manifest(running.port));
        let (reason, detail) = failure(&adapter, &question()).await;
        assert_eq!(reason, expected, "{detail}");
        assert!(running.asked.lock().unwrap().is_empty());
    }
    let adapter = office.adapter(&manifest(1));
    assert_eq!(failure(&adapter, &question()).await.0, "unreachable");
}

#[tokio::test]
async fn a_program_that_hangs_is_left_in_time() {
    let office = Office::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let adapter = office.adapter(&manifest(listener.local_addr().unwrap().port()));
    let late = adapter.ask_granted(&|_| true, &question(), NOW, Duration::from_millis(200)).await;
    assert_eq!(late.err().unwrap().reason.code(), "timeout");
}

/// What was put at the address while nobody looked may be another program, or a later one.
#[tokio::test]
async fn a_program_that_comes_back_is_asked_again_what_it_is() {
    let office = Office::new();
    let good = || found(&[("identity_match", truth(true)), ("deceased", truth(false))]);
    let mut running = program(&office, "localhost", "P1", 1, good).await;
    let adapter = office.adapter(&manifest(running.port));
    assert!(ask(&adapter, &question()).await.is_ok());
    for (facts, protocol) in [("P9", 1), ("P1", 2)] {
        let port = running.port;
        running.tasks.shutdown().await;
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(([127, 0, 0, 1], port).into()).unwrap();
        let listener = socket.listen(8).unwrap();
        running = program_at(listener, &office, "localhost", facts, protocol, good);
        let mut told = failure(&adapter, &question()).await;
        // The question may have been put before the end of the old connection was heard of.
        if told.0 == "unreachable" {
            told = failure(&adapter, &question()).await;
        }
        assert_eq!(told.0, "contract_error", "{}", told.1);
        assert!(running.asked.lock().unwrap().is_empty(), "it heard nothing of anybody");
    }
    let port = running.port;
    running.tasks.shutdown().await;
    assert_eq!(failure(&adapter, &question()).await.0, "unreachable");
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(([127, 0, 0, 1], port).into()).unwrap();
    let running = program_at(socket.listen(8).unwrap(), &office, "localhost", "P1", 1, good);
    assert!(ask(&adapter, &question()).await.is_ok());
    assert_eq!(running.asked.lock().unwrap().len(), 1);
}

/// The one that opens the connection may take its time; another has its own.
#[tokio::test]
async fn whoever_waits_for_a_connection_waits_within_a_deadline_of_its_own() {
    let office = Office::new();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let manifest = manifest(silent.local_addr().unwrap().port());
    let adapter = office.adapter(&manifest.replace("\"1s\"", "\"120s\""));
    let of_first = question();
    let mut first = Box::pin(adapter.ask_granted(&|_| true, &of_first, NOW, 2 * BUDGET));
    assert!(futures_util::poll!(&mut first).is_pending());
    let late = adapter.ask_granted(&|_| true, &question(), NOW, Duration::from_millis(50)).await;
    assert_eq!(late.err().unwrap().reason.code(), "timeout");
    assert!(futures_util::poll!(&mut first).is_pending());
}
