//! In front of `Verification`: a single question that finds no place is turned away before any of it is read.
//!
//! This only looks. The place is taken when the question has been read, in the same turn of the runtime as a rule; one that
//! slips between is refused then.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::Either;
use tonic::body::Body;
use tonic::server::NamedService;
use tower::Service;

use super::admission::Admission;
use crate::identity::Peer;

/// Where single questions go.
const VERIFY: &str = "/heyan.gateway.v1.Verification/Verify";

/// The service behind it, for those who are let in.
#[derive(Clone)]
pub(super) struct Gate<S> {
    inner: S,
    admission: Arc<Admission>,
}

impl<S> Gate<S> {
    pub(super) fn before(inner: S, admission: &Arc<Admission>) -> Self {
        Self { inner, admission: Arc::clone(admission) }
    }
}

impl<S: NamedService> NamedService for Gate<S> {
    const NAME: &'static str = S::NAME;
}

impl<S, B> Service<http::Request<B>> for Gate<S>
where
    S: Service<http::Request<B>, Response = http::Response<Body>, Error = Infallible>,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Either<Ready<Result<Self::Response, Infallible>>, S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        // Without a certificate, which the listener puts there, the service behind refuses.
        if request.uri().path() == VERIFY
            && let Some(peer) = request.extensions().get::<Arc<Peer>>()
            && let Err(full) = self.admission.look(peer.account())
        {
            return Either::Left(ready(Ok(self.admission.turn_away(full))));
        }
        Either::Right(self.inner.call(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::gateway::v1::verification_server::SERVICE_NAME;

    #[test]
    fn single_questions_are_found_by_their_path() {
        assert_eq!(VERIFY, format!("/{SERVICE_NAME}/Verify"));
    }
}
