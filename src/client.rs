//! The caller's side of the wire: one connection over mutual TLS, replies as they come, refusals taken apart.
//!
//! It adds nothing to the wire: whoever prefers another language or library needs `proto/` and nothing else.

pub mod case;
pub mod disputes;
mod held;
pub mod receipt;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use thiserror::Error;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Request, Status, Streaming};
use tonic_types::StatusExt;

use self::case::CaseEvents;
use self::receipt::{ReceiptError, Trust};
use crate::audit::note::VerifierKey;
use crate::crypto::{Digest, sha256};
use crate::proto::gateway::v1 as wire;
use wire::audit_client::AuditClient;
use wire::catalogue_client::CatalogueClient;
use wire::operations_client::OperationsClient;
use wire::verification_client::VerificationClient;

/// Time to reach the gateway and finish the handshake; what takes longer is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Key of the log index in the metadata of `google.rpc.ErrorInfo`.
const LOG_INDEX: &str = "log_index";

/// Why there is no reply.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The endpoint is no URI.
    #[error("`{0}` is no endpoint such as `https://127.0.0.1:7443`")]
    Endpoint(String),
    /// The authority, certificate or key cannot be used.
    #[error("the authority, certificate or private key cannot be used")]
    Credentials(#[source] tonic::transport::Error),
    /// The gateway could not be reached, is not who it should be, or does not accept the certificate.
    #[error("the gateway at `{0}` cannot be reached, or one side does not trust the other")]
    Unreachable(String, #[source] Box<dyn std::error::Error + Send + Sync>),
    /// The connection was lost, so what became of the call is unknown; repeat it with the same request id.
    #[error("the connection to the gateway was lost before a reply came")]
    Lost(#[source] Box<Status>),
    /// An answer came, but not with a receipt that holds; the answer is not handed out.
    #[error("an answer came without a receipt that holds; it is not to be used")]
    Receipt(#[source] ReceiptError),
    /// The gateway said no. Its entry, if it made one, is named.
    #[error(transparent)]
    Refused(Box<Refused>),
}

/// A refusal, taken from `google.rpc.Status` and its details.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The gRPC code.
    pub code: Code,
    /// Stable reason, such as `quota_exceeded`; empty when the refusal came from outside the gateway's own path.
    pub reason: String,
    /// For people.
    pub message: String,
    /// Entry in the gateway's log, when one was made.
    pub log_index: Option<u64>,
    /// Wrong fields of the request: path and what is wrong.
    pub fields: Vec<(String, String)>,
    /// When repeating may help.
    pub retry_after: Option<Duration>,
}

impl std::error::Error for Refused {}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = if self.reason.is_empty() { self.code.description() } else { &self.reason };
        write!(f, "refused ({reason}): {}", self.message)
    }
}

impl From<&Status> for Refused {
    fn from(status: &Status) -> Self {
        let details = status.get_error_details();
        let info = details.error_info();
        let fields = details.bad_request().map(|bad| bad.field_violations.as_slice());
        Self {
            code: status.code(),
            reason: info.map(|info| info.reason.clone()).unwrap_or_default(),
            message: status.message().to_owned(),
            log_index: info.and_then(|info| info.metadata.get(LOG_INDEX)?.parse().ok()),
            fields: fields
                .unwrap_or_default()
                .iter()
                .map(|violation| (violation.field.clone(), violation.description.clone()))
                .collect(),
            retry_after: details.retry_info().and_then(|retry| retry.retry_delay),
        }
    }
}

/// A connection to one gateway. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Client {
    channel: Channel,
    /// SHA-256 of the certificate shown to the gateway.
    certificate: Option<Digest>,
    /// Set when answers need receipts.
    trust: Option<Arc<Trust>>,
}

impl Client {
    /// Connects to `endpoint`, such as `https://127.0.0.1:7443`, which must show a certificate of `authority` for
    /// `server_name`. All three others are PEM. The connection is restored when it breaks.
    ///
    /// # Errors
    /// [`ClientError::Endpoint`], [`ClientError::Credentials`], [`ClientError::Unreachable`].
    pub async fn connect(
        endpoint: &str,
        authority: &[u8],
        certificate: &[u8],
        key: &[u8],
        server_name: &str,
    ) -> Result<Self, ClientError> {
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(authority))
            .identity(Identity::from_pem(certificate, key))
            .domain_name(server_name);
        let channel = Endpoint::from_shared(endpoint.to_owned())
            .ok()
            .filter(|parsed| parsed.uri().scheme_str() == Some("https"))
            .ok_or_else(|| ClientError::Endpoint(endpoint.to_owned()))?
            .tls_config(tls)
            .map_err(ClientError::Credentials)?
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            .connect()
            .await
            .map_err(|error| ClientError::Unreachable(endpoint.to_owned(), error.into()))?;
        let leaf = CertificateDer::from_pem_slice(certificate).ok();
        Ok(Self { channel, certificate: leaf.map(|leaf| sha256(&leaf)), trust: None })
    }

    /// From here on no answer without a receipt: every question asks for one, and an answer is handed out only when
    /// its receipt holds under one of these keys of the gateway's log, for the question as sent and the answer as
    /// received.
    pub fn requiring_receipts(self, keys: Vec<VerifierKey>) -> Self {
        let trust = Trust { keys, certificate: self.certificate };
        Self { trust: Some(Arc::new(trust)), ..self }
    }

    /// A new request id: UUIDv7. Keep it, and a repeated call gets the recorded answer.
    pub fn request_id() -> String {
        uuid::Uuid::now_v7().to_string()
    }

    /// Asks one question. The deadline travels with it.
    ///
    /// # Errors
    /// [`ClientError::Refused`] or [`ClientError::Lost`], as every call below; [`ClientError::Receipt`] where receipts
    /// are required.
    pub async fn verify(
        &self,
        mut question: wire::VerifyRequest,
        deadline: Duration,
    ) -> Result<wire::VerifyResponse, ClientError> {
        question.want_receipt |= self.trust.is_some();
        let mut request = Request::new(question.clone());
        request.set_timeout(deadline);
        let answer = reply(VerificationClient::new(self.channel.clone()).verify(request).await)?;
        if let Some(trust) = &self.trust {
            receipt::check_answer(&question, &answer, trust).map_err(ClientError::Receipt)?;
        }
        Ok(answer)
    }

    /// Runs one application to its outcome. The deadline travels with it: at its end the case is concluded with what is
    /// there. Dropping the case ends it: nothing more is asked. Where receipts are required, each answer is held against
    /// the question that the gateway says it put, and the outcome against the application.
    ///
    /// # Errors
    /// As [`Client::verify`], when the application is not taken.
    pub async fn check_case(
        &self,
        mut application: wire::CheckCaseRequest,
        deadline: Duration,
    ) -> Result<CaseEvents, ClientError> {
        application.want_receipts |= self.trust.is_some();
        let filed = self.trust.is_some().then(|| application.clone());
        let mut request = Request::new(application);
        request.set_timeout(deadline);
        let events = VerificationClient::new(self.channel.clone()).check_case(request).await;
        Ok(CaseEvents::new(reply(events)?, deadline, (self.trust.clone(), filed)))
    }

    /// Asks many questions on one stream. Replies come in any order, under the numbers given with the questions; the
    /// gateway reads on as it has room. No receipts are held against anything here: ask for them and check them.
    ///
    /// # Errors
    /// As [`Client::verify`], when the stream cannot be begun.
    pub async fn verify_batch(
        &self,
        questions: impl Stream<Item = wire::BatchRequest> + Send + 'static,
    ) -> Result<Streaming<wire::BatchReply>, ClientError> {
        reply(VerificationClient::new(self.channel.clone()).verify_batch(questions).await)
    }

    /// What can be asked.
    ///
    /// # Errors
    /// As [`Client::verify`].
    pub async fn facts(&self) -> Result<Vec<wire::Fact>, ClientError> {
        let request = wire::ListFactsRequest {};
        reply(self.catalogue().list_facts(request).await).map(|reply| reply.facts)
    }

    /// What for.
    ///
    /// # Errors
    /// As [`Client::verify`].
    pub async fn items(&self) -> Result<Vec<wire::Item>, ClientError> {
        let request = wire::ListItemsRequest {};
        reply(self.catalogue().list_items(request).await).map(|reply| reply.items)
    }

    /// Under which agreements in force; those of the caller's organisation.
    ///
    /// # Errors
    /// As [`Client::verify`].
    pub async fn agreements(&self) -> Result<Vec<wire::AgreementSummary>, ClientError> {
        let request = wire::ListAgreementsRequest {};
        reply(self.catalogue().list_agreements(request).await).map(|reply| reply.agreements)
    }

    /// How far each item could be done without a visit, for the caller's organisation.
    ///
    /// # Errors
    /// As [`Client::verify`].
    pub async fn readiness(
        &self,
        request: wire::GetReadinessRequest,
    ) -> Result<wire::GetReadinessResponse, ClientError> {
        reply(self.catalogue().get_readiness(request).await)
    }

    /// Has the gateway bring one signed agreement into force, for the next question. Of the caller's own organisation;
    /// with the right `operate`, of any. Published twice it does nothing more.
    ///
    /// # Errors
    /// As [`Client::verify`].
    pub async fn publish_agreement(
        &self,
        document: Vec<u8>,
    ) -> Result<wire::PublishAgreementResponse, ClientError> {
        let mut operations = OperationsClient::new(self.channel.clone());
        reply(operations.publish_agreement(wire::PublishAgreementRequest { document }).await)
    }

    /// Has the gateway follow one signed order, at once. Of the caller's own organisation; with the right `operate`, of
    /// any. Given twice it does nothing more.
    ///
    /// # Errors
    /// As [`Client::verify`].
    pub async fn give_order(
        &self,
        document: Vec<u8>,
    ) -> Result<wire::GiveOrderResponse, ClientError> {
        let mut operations = OperationsClient::new(self.channel.clone());
        reply(operations.give_order(wire::GiveOrderRequest { document }).await)
    }

    /// How every adapter does. This and the next call need the `operate` right.
    ///
    /// # Errors
    /// As [`Client::verify`].
    pub async fn adapters(&self) -> Result<Vec<wire::AdapterState>, ClientError> {
        let mut operations = OperationsClient::new(self.channel.clone());
        let request = wire::ListAdaptersRequest {};
        reply(operations.list_adapters(request).await).map(|reply| reply.adapters)
    }

    /// Has the gateway read one adapter's manifest again.
    ///
    /// # Errors
    /// As [`Client::verify`].
    pub async fn reload_adapter(
        &self,
        name: String,
    ) -> Result<wire::ReloadAdapterResponse, ClientError> {
        let mut operations = OperationsClient::new(self.channel.clone());
        reply(operations.reload_adapter(wire::ReloadAdapterRequest { name }).await)
    }

    /// The newest checkpoint, a signed note. This and the calls below need the `audit` right.
    ///
    /// # Errors
    /// As [`Client::verify`].
    pub async fn checkpoint(&self) -> Result<String, ClientError> {
        let request = wire::GetCheckpointRequest {};
        reply(self.audit().get_checkpoint(request).await).map(|reply| reply.checkpoint)
    }

    /// At most `limit` entries from index `start`, as stored; fewer at the end, and at most 1000.
    ///
    /// # Errors
    /// As [`Client::verify`].
    pub async fn entries(&self, start: u64, limit: u32) -> Result<Vec<Vec<u8>>, ClientError> {
        let request = wire::ListEntriesRequest { start, limit };
        reply(self.audit().list_entries(request).await).map(|reply| reply.entries)
    }

    /// Proof that the entry `index` is in the tree of `tree_size` entries; 0 is the newest tree.
    ///
    /// # Errors
    /// As [`Client::verify`].
    pub async fn prove_inclusion(
        &self,
        index: u64,
        tree_size: u64,
    ) -> Result<wire::ProveInclusionResponse, ClientError> {
        let request = wire::ProveInclusionRequest { index, tree_size };
        reply(self.audit().prove_inclusion(request).await)
    }

    /// Proof that the tree of `from_size` entries is how the tree of `to_size` began.
    ///
    /// # Errors
    /// As [`Client::verify`].
    pub async fn prove_consistency(
        &self,
        from_size: u64,
        to_size: u64,
    ) -> Result<wire::ProveConsistencyResponse, ClientError> {
        let request = wire::ProveConsistencyRequest { from_size, to_size };
        reply(self.audit().prove_consistency(request).await)
    }

    fn catalogue(&self) -> CatalogueClient<Channel> {
        CatalogueClient::new(self.channel.clone())
    }

    fn audit(&self) -> AuditClient<Channel> {
        AuditClient::new(self.channel.clone())
    }
}

fn reply<T>(outcome: Result<tonic::Response<T>, Status>) -> Result<T, ClientError> {
    match outcome {
        Ok(response) => Ok(response.into_inner()),
        // A status that carries a cause was made on this side of the wire.
        Err(status) if std::error::Error::source(&status).is_some() => {
            Err(ClientError::Lost(Box::new(status)))
        }
        Err(status) => Err(ClientError::Refused(Box::new(Refused::from(&status)))),
    }
}

#[cfg(test)]
mod tests;
