//! Against a server of tonic's own, with certificates made on the spot.

use std::collections::HashMap;
use std::net::SocketAddr;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::Response;
use tonic::transport::{Server, ServerTlsConfig};
use tonic_types::{ErrorDetails, FieldViolation};
use wire::case_event::Kind;
use wire::verification_server::{Verification, VerificationServer};

use super::*;

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    fn issue(&self) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

/// Confirms `M1`, refuses all else.
struct Answers;

#[tonic::async_trait]
impl Verification for Answers {
    async fn verify(
        &self,
        request: Request<wire::VerifyRequest>,
    ) -> Result<Response<wire::VerifyResponse>, Status> {
        assert!(request.metadata().contains_key("grpc-timeout"));
        if request.get_ref().fact == "M1" {
            let verdict = wire::Verdict::Confirmed.into();
            return Ok(Response::new(wire::VerifyResponse { verdict, ..Default::default() }));
        }
        let mut details = ErrorDetails::new();
        let metadata = HashMap::from([("log_index".to_owned(), "17".to_owned())]);
        details.set_error_info("malformed", "heyan", metadata);
        details.set_bad_request(vec![FieldViolation::new("fact", "unknown")]);
        details.set_retry_info(Some(Duration::from_secs(3)));
        Err(Status::with_error_details(Code::InvalidArgument, "one field is wrong", details))
    }

    type CheckCaseStream = tokio_stream::Iter<std::vec::IntoIter<Result<wire::CaseEvent, Status>>>;

    /// One with a case number comes to its outcome; one without stops before.
    async fn check_case(
        &self,
        request: Request<wire::CheckCaseRequest>,
    ) -> Result<Response<Self::CheckCaseStream>, Status> {
        assert!(request.metadata().contains_key("grpc-timeout"));
        let event = |kind| Ok(wire::CaseEvent { kind: Some(kind), running: Vec::new() });
        let mut events = vec![event(Kind::Opened(wire::CaseOpened::default()))];
        if request.get_ref().purpose.is_some() {
            events.push(event(Kind::Outcome(wire::CaseOutcome::default())));
        }
        Ok(Response::new(tokio_stream::iter(events)))
    }
}

async fn serve(authority: &Authority, tasks: &mut JoinSet<()>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (certificate, key) = authority.issue();
    let tls = ServerTlsConfig::new()
        .identity(Identity::from_pem(certificate, key))
        .client_ca_root(Certificate::from_pem(&authority.pem));
    let server =
        Server::builder().tls_config(tls).unwrap().add_service(VerificationServer::new(Answers));
    tasks.spawn(async move {
        server.serve_with_incoming(TcpListenerStream::new(listener)).await.unwrap();
    });
    address
}

async fn connect(
    address: SocketAddr,
    server: &Authority,
    own: &Authority,
) -> Result<Client, ClientError> {
    let (certificate, key) = own.issue();
    let endpoint = format!("https://{address}");
    let pems = (server.pem.as_bytes(), certificate.as_bytes(), key.as_bytes());
    Client::connect(&endpoint, pems.0, pems.1, pems.2, "localhost").await
}

fn question(fact: &str) -> wire::VerifyRequest {
    wire::VerifyRequest { fact: fact.to_owned(), ..Default::default() }
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn asks_and_takes_refusals_apart() {
    let authority = Authority::new();
    let mut tasks = JoinSet::new();
    let address = serve(&authority, &mut tasks).await;
    let client = connect(address, &authority, &authority).await.unwrap();

    let reply = client.verify(question("M1"), SECOND).await.unwrap();
    assert_eq!(reply.verdict(), wire::Verdict::Confirmed);

    let Err(ClientError::Refused(refused)) = client.verify(question("M2"), SECOND).await else {
        panic!("not refused");
    };
    let expected = Refused {
        code: Code::InvalidArgument,
        reason: "malformed".to_owned(),
        message: "one field is wrong".to_owned(),
        log_index: Some(17),
        fields: vec![("fact".to_owned(), "unknown".to_owned())],
        retry_after: Some(Duration::from_secs(3)),
    };
    assert_eq!(*refused, expected);
    assert_eq!(refused.to_string(), "refused (malformed): one field is wrong");

    // What the server does not have is a refusal too, without a reason or an entry.
    let Err(ClientError::Refused(refused)) = client.checkpoint().await else {
        panic!("not refused");
    };
    assert_eq!((refused.code, refused.log_index), (Code::Unimplemented, None));
}

#[tokio::test]
async fn a_case_ends_with_its_outcome_or_was_lost() {
    let authority = Authority::new();
    let mut tasks = JoinSet::new();
    let address = serve(&authority, &mut tasks).await;
    let client = connect(address, &authority, &authority).await.unwrap();

    let purpose = Some(wire::Purpose::default());
    let whole = wire::CheckCaseRequest { purpose, ..Default::default() };
    let mut events = client.check_case(whole, SECOND).await.unwrap();
    let first = events.next().await.unwrap().unwrap();
    assert!(matches!(first.kind, Some(Kind::Opened(_))));
    let last = events.next().await.unwrap().unwrap();
    assert!(matches!(last.kind, Some(Kind::Outcome(_))));
    assert!(events.next().await.unwrap().is_none());

    let cut = wire::CheckCaseRequest::default();
    let mut events = client.check_case(cut, SECOND).await.unwrap();
    events.next().await.unwrap().unwrap();
    let lost = events.next().await;
    assert!(matches!(lost, Err(ClientError::Lost(_))), "{lost:?}");
}

#[tokio::test]
async fn a_lost_connection_is_no_refusal() {
    let authority = Authority::new();
    let mut tasks = JoinSet::new();
    let address = serve(&authority, &mut tasks).await;
    let client = connect(address, &authority, &authority).await.unwrap();
    tasks.shutdown().await;
    let lost = client.verify(question("M1"), SECOND).await;
    assert!(matches!(lost, Err(ClientError::Lost(_))), "{lost:?}");
}

#[tokio::test]
async fn trusts_only_the_named_authority() {
    let (authority, other) = (Authority::new(), Authority::new());
    let mut tasks = JoinSet::new();
    let address = serve(&authority, &mut tasks).await;
    let refused = connect(address, &other, &authority).await;
    assert!(matches!(refused, Err(ClientError::Unreachable(..))), "{refused:?}");
    // A server that rejects the certificate may do so only after the handshake, on the first call.
    let rejected = match connect(address, &authority, &other).await {
        Ok(client) => client.verify(question("M1"), SECOND).await.map(|_| ()),
        Err(error) => Err(error),
    };
    let expected =
        |error: &ClientError| matches!(error, ClientError::Unreachable(..) | ClientError::Lost(_));
    assert!(rejected.as_ref().is_err_and(expected), "{rejected:?}");
}

#[tokio::test]
async fn endpoints_without_tls_are_refused() {
    let refused = Client::connect("http://127.0.0.1:1", b"", b"", b"", "localhost").await;
    assert!(matches!(refused, Err(ClientError::Endpoint(_))), "{refused:?}");
}
