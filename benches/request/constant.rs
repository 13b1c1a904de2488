//! The bare server: tonic, mutual TLS, one constant reply of the usual size. What any gateway on tonic costs at least.

use std::fs;
use std::path::Path;

use heyan::proto::gateway::v1 as wire;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status, Streaming};
use wire::verification_server::{Verification, VerificationServer};

struct Constant(wire::VerifyResponse);

#[tonic::async_trait]
impl Verification for Constant {
    async fn verify(
        &self,
        _: Request<wire::VerifyRequest>,
    ) -> Result<Response<wire::VerifyResponse>, Status> {
        Ok(Response::new(self.0.clone()))
    }

    type CheckCaseStream = tokio_stream::Empty<Result<wire::CaseEvent, Status>>;

    async fn check_case(
        &self,
        _: Request<wire::CheckCaseRequest>,
    ) -> Result<Response<Self::CheckCaseStream>, Status> {
        Ok(Response::new(tokio_stream::empty()))
    }

    type VerifyBatchStream = tokio_stream::Empty<Result<wire::BatchReply, Status>>;

    async fn verify_batch(
        &self,
        _: Request<Streaming<wire::BatchRequest>>,
    ) -> Result<Response<Self::VerifyBatchStream>, Status> {
        Ok(Response::new(tokio_stream::empty()))
    }
}

/// Serves with the gateway's own certificate, from this folder, until the generator is gone. Prints its address first.
/// On one thread, as a thread that answers does in `heyan serve`, and as the server by which the goals were set; on several, as
/// most programs do.
pub(crate) fn serve(folder: &Path, on_several_threads: bool) -> anyhow::Result<()> {
    super::process::end_with_standard_input();
    let identity = Identity::from_pem(
        fs::read(folder.join("gateway.pem"))?,
        fs::read(folder.join("gateway.key"))?,
    );
    let tls = ServerTlsConfig::new()
        .identity(identity)
        .client_ca_root(Certificate::from_pem(fs::read(folder.join("ca.pem"))?));
    let server = Server::builder().tls_config(tls)?.tcp_nodelay(true);
    let runtime = if on_several_threads {
        tokio::runtime::Builder::new_multi_thread().enable_all().build()?
    } else {
        tokio::runtime::Builder::new_current_thread().enable_all().build()?
    };
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        let mut server = server;
        server
            .add_service(VerificationServer::new(Constant(reply())))
            .serve_with_incoming(TcpListenerStream::new(listener))
            .await?;
        Ok(())
    })
}

/// What the gateway answers to the same question.
fn reply() -> wire::VerifyResponse {
    let judgement = wire::Judgement {
        attribute: "identity_match".to_owned(),
        comparison: wire::Comparison::Equal.into(),
        verdict: wire::Verdict::Confirmed.into(),
    };
    wire::VerifyResponse {
        request_id: "01939b9c-7e2a-7b5c-8d3e-4f5a6b7c8d9e".to_owned(),
        verdict: wire::Verdict::Confirmed.into(),
        judgements: vec![judgement],
        as_of: Some(prost_types::Timestamp { seconds: 1_795_400_000, nanos: 0 }),
        source: Some(wire::Source {
            kind: wire::source::Kind::Agency.into(),
            agency: "police".to_owned(),
            original_index: 0,
        }),
        subjects_checked: vec![wire::SubjectChecked { role: "person".to_owned(), position: 0 }],
        log_index: 123_456,
        grant: Some(wire::Grant {
            agreement: "hn-gjj-ga-2018-001".to_owned(),
            version: 1,
            clause: 1,
        }),
        ..wire::VerifyResponse::default()
    }
}
