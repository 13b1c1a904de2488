//! A call with one reply, held to what gRPC says of it. Tonic takes more for a reply: the first of two messages, a page
//! of HTTP that is no answer but ends in status 0, and a message behind a head that said how the call had ended.

use http::StatusCode;
use http::uri::PathAndQuery;
use prost::Message;
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::transport::Channel;
use tonic::{Request, Status};
use tonic_prost::ProstCodec;
use tower::util::MapResponse;

/// A reply is a few hundred bytes; this leaves room for texts.
const REPLY_BYTES: usize = 1 << 20;
/// What says how a call went: behind the messages, or before them when there are none.
const STATUS: &str = "grpc-status";

type Answer = http::Response<Body>;

/// The way to a program.
pub(super) struct Strict(MapResponse<Channel, fn(Answer) -> Answer>);

impl Strict {
    /// Over a channel that may not be open yet.
    pub(super) fn over(channel: Channel) -> Self {
        Self(MapResponse::new(channel, heed))
    }

    /// Makes the call of that path and hears its one message.
    ///
    /// # Errors
    /// The program's status, tonic's own, or what was wrong with the reply.
    pub(super) async fn ask<Q, A>(
        &self,
        path: &'static str,
        request: Request<Q>,
    ) -> Result<A, Status>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let mut calls = Grpc::new(self.0.clone()).max_decoding_message_size(REPLY_BYTES);
        calls.ready().await.map_err(|error| Status::from_error(error.into()))?;
        let path = PathAndQuery::from_static(path);
        let codec = ProstCodec::<Q, A>::default();
        let mut replies = calls.server_streaming(request, path, codec).await?.into_inner();
        let none = || Status::internal("no message in the reply");
        let reply = replies.message().await?.ok_or_else(none)?;
        // The end is waited for: only there is it said whether the call went well.
        match replies.message().await? {
            None => Ok(reply),
            Some(_) => Err(Status::internal("more than one message in the reply")),
        }
    }
}

/// Leaves of an answer only what counts: of one that is none of gRPC, its status over HTTP; and of one whose head says
/// how the call ended, its head.
fn heed(mut answer: Answer) -> Answer {
    let is_page = answer.status() != StatusCode::OK;
    if is_page {
        answer.headers_mut().remove(STATUS);
    }
    if is_page || answer.headers().contains_key(STATUS) {
        *answer.body_mut() = Body::empty();
    }
    answer
}
