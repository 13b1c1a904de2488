//! Agreements that come over the wire: who may bring one, and what becomes of it in words of the protocol.

use std::sync::Arc;

use tonic::{Code, Request, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::{Services, refusal, require};
use crate::agreements::document::{self, DocumentError};
use crate::audit::AuditError;
use crate::clock::now;
use crate::crypto::hex;
use crate::gateway::exchange::Refusal;
use crate::gateway::publish::{NotPublished, Published};
use crate::identity::Peer;
use crate::proto::gateway::v1 as wire;
use crate::query::OrganisationId;

/// Systems with the right `operate` bring any agreement, any registered system those that its own organisation is a
/// party to. What the document is worth, its signatures say.
pub(super) async fn publish(
    services: &Services,
    request: Request<wire::PublishAgreementRequest>,
) -> Result<wire::PublishAgreementResponse, Status> {
    let peer = require(services, &request, "operate", |_| true)?;
    let document = request.into_inner().document;
    let said =
        document::peek(&document).map_err(|error| refused(&NotPublished::Document(error)))?;
    let parties: Vec<&OrganisationId> = said.parties().collect();
    if !may_bring(services, &peer, &parties) {
        let text = format!(
            "the agreement is one of `{}` and `{}`: only their own systems may bring it, or a system with the right \
             `operate`",
            said.consumer(),
            said.provider()
        );
        return Err(refusal::with_reason(Code::PermissionDenied, &text, "RIGHT_MISSING"));
    }
    let gateway = Arc::clone(&services.gateway);
    // Detached: a caller that hangs up must not leave an agreement in the log that is not in force.
    let publishing = services.tasks.spawn(async move { gateway.publish(&document, now).await });
    match publishing.await {
        Ok(Ok(published)) => Ok(written(published)),
        Ok(Err(error)) => Err(refused(&error)),
        Err(_) => Err(refusal::internal()),
    }
}

/// True when the caller runs the gateway or is a registered system of one of these organisations.
fn may_bring(services: &Services, peer: &Peer, organisations: &[&OrganisationId]) -> bool {
    let in_force = services.gateway.in_force();
    let Ok(rights) = peer.rights(&in_force.register) else { return false };
    rights.operate || peer.organisation().is_some_and(|own| organisations.contains(&own))
}

fn written(published: Published) -> wire::PublishAgreementResponse {
    let Published { id, version, digest, log_index, is_known, effective_from } = published;
    wire::PublishAgreementResponse {
        id,
        version,
        digest: hex(&digest),
        log_index,
        is_known,
        effective_from: Some(crate::wire::timestamp(effective_from)),
    }
}

/// The refusal as the caller sees it: a stable reason, and each flaw by itself.
fn refused(error: &NotPublished) -> Status {
    let (code, reason) = match error {
        NotPublished::Document(error) => (Code::InvalidArgument, reason(error)),
        NotPublished::Words(_) => (Code::FailedPrecondition, "WORDS_UNKNOWN"),
        NotPublished::OtherParties { .. } => (Code::FailedPrecondition, "PARTIES_DIFFER"),
        NotPublished::OtherTerms { .. } => (Code::FailedPrecondition, "VERSION_TAKEN"),
        NotPublished::Lower { .. } => (Code::FailedPrecondition, "VERSION_TOO_LOW"),
        NotPublished::File(..) => {
            let cause = error as &dyn std::error::Error;
            tracing::error!(cause, "an agreement was not published");
            let text =
                "the gateway cannot write its folder of agreements; its operators have been told";
            return refusal::with_reason(Code::Unavailable, text, "FOLDER_NOT_WRITABLE");
        }
        NotPublished::Log(AuditError::Overloaded) => return refusal::status(&Refusal::Overloaded),
        NotPublished::Log(cause) => {
            let cause = cause as &dyn std::error::Error;
            tracing::error!(cause, "an agreement was not recorded");
            return refusal::status(&Refusal::Unrecorded);
        }
    };
    tracing::warn!(reason, %error, "an agreement was not published");
    let mut details = ErrorDetails::with_error_info(reason, refusal::DOMAIN, []);
    if let NotPublished::Words(problems) = error {
        for problem in problems {
            details.add_bad_request_violation("document", problem);
        }
    }
    Status::with_error_details(code, error.to_string(), details)
}

/// What is wrong with a document, for programs.
fn reason(error: &DocumentError) -> &'static str {
    match error {
        DocumentError::TooLong => "DOCUMENT_TOO_LONG",
        DocumentError::Malformed(_) | DocumentError::Encoding(_) | DocumentError::Type { .. } => {
            "DOCUMENT_MALFORMED"
        }
        DocumentError::NoSignature | DocumentError::NotSigned(_) => "SIGNATURE_MISSING",
        DocumentError::Terms(_) => "TERMS_INVALID",
        _ => "SIGNATURE_INVALID",
    }
}
