//! One party's signed order over the wire: who may bring it, and how a refusal is said.

use std::sync::Arc;

use tonic::{Code, Request, Status};

use super::{Services, peer, refusal};
use crate::audit::AuditError;
use crate::clock::now;
use crate::gateway::exchange::Refusal;
use crate::gateway::give::{Followed, NotFollowed};
use crate::proto::gateway::v1 as wire;

/// Systems with the right `operate` bring anybody's orders, any registered system those of its own organisation: an
/// agency in need freezes questions to itself from the machine it has. The signature says whose order it is.
pub(super) async fn give(
    services: &Services,
    request: Request<wire::GiveOrderRequest>,
) -> Result<wire::GiveOrderResponse, Status> {
    let peer = peer(&request)?;
    let document = request.into_inner().document;
    let gateway = Arc::clone(&services.gateway);
    // Detached: a caller that hangs up must not leave an order in the log that is not in force.
    let giving = services.tasks.spawn(async move {
        let in_force = gateway.in_force();
        let rights = peer.rights(&in_force.register).ok();
        let own = peer.organisation();
        let may_bring = |by: &_| rights.is_some_and(|rights| rights.operate || own == Some(by));
        gateway.give(&document, may_bring, now).await
    });
    match giving.await {
        Ok(Ok(followed)) => Ok(written(followed)),
        Ok(Err(refused)) => Err(status(&refused)),
        Err(_) => Err(refusal::internal()),
    }
}

fn written(followed: Followed) -> wire::GiveOrderResponse {
    let Followed { id, effect, log_index, is_known, warning } = followed;
    wire::GiveOrderResponse {
        id,
        effect,
        log_index,
        is_known,
        warning: warning.unwrap_or_default(),
    }
}

fn status(refused: &NotFollowed) -> Status {
    let (code, reason) = match refused {
        NotFollowed::Document(_) => (Code::InvalidArgument, "ORDER_INVALID"),
        NotFollowed::NotYours(_) => (Code::PermissionDenied, "RIGHT_MISSING"),
        NotFollowed::Refused(refused) if refused.is_about_rights() => {
            (Code::PermissionDenied, refused.code())
        }
        NotFollowed::Refused(refused) => (Code::FailedPrecondition, refused.code()),
        NotFollowed::Unrecorded(AuditError::Overloaded) => {
            return refusal::status(&Refusal::Overloaded);
        }
        NotFollowed::Unrecorded(cause) => {
            let cause = cause as &dyn std::error::Error;
            tracing::error!(cause, "an order was not recorded");
            return refusal::status(&Refusal::Unrecorded);
        }
    };
    tracing::warn!(reason, %refused, "an order was not followed");
    refusal::with_reason(code, &refused.to_string(), reason)
}
