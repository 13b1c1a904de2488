//! Many calls on a new connection, begun before the caller has heard how many it takes.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::future::join_all;
use h2::client::{ResponseFuture, SendRequest};
use heyan::proto::gateway::v1 as wire;
use prost::Message;
use rustls::pki_types::ServerName;
use rustls::version::TLS13;
use tokio::io::{AsyncRead, ReadBuf, join, split};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tokio_util::task::TaskTracker;

use crate::batch::{FAST, started};
use crate::support::connect::{identity, tls};
use crate::support::{Lab, PATIENCE, until};

const POLICE: &str = "police";

/// What callers' libraries begin on a new connection before the server has told its limit; the least there may be.
const BEFORE_TOLD: usize = 100;

/// Nothing is read of what has come until then.
struct Deaf<R> {
    until: Pin<Box<WaitForCancellationFutureOwned>>,
    stream: R,
}

impl<R: AsyncRead + Unpin> AsyncRead for Deaf<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        ready!(self.until.as_mut().poll(context));
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

/// An installation whose agency takes many questions at once, and time for each: so calls stay under way.
async fn lab(settings: &str) -> Lab {
    let changes = [FAST, ("max_in_flight   = 16", "max_in_flight   = 200")];
    let lab = started(&changes, settings).await;
    lab.simulation.faults(POLICE).set_delay(Duration::from_millis(2500), Duration::ZERO);
    lab
}

/// A connection that does not hear the gateway's limits before it is told to listen, and begins at most so many calls until
/// then.
async fn unheard(lab: &Lab, listen: CancellationToken, at_most: usize) -> SendRequest<Bytes> {
    let issued = identity(lab, "fund-centre", "approval");
    let terms = tls(&lab.path("pki/fund-centre/ca.pem"), Some(&issued), &[&TLS13]);
    let stream = TcpStream::connect(lab.node().address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(terms)).connect(name, stream).await.unwrap();
    let (stream, writer) = split(stream);
    let reader = Deaf { until: Box::pin(listen.cancelled_owned()), stream };
    let (calls, connection) = h2::client::Builder::new()
        .initial_max_send_streams(at_most)
        .handshake(join(reader, writer))
        .await
        .unwrap();
    TaskTracker::new().spawn(connection);
    calls
}

/// Begins a call; what comes for it.
async fn begin(calls: &SendRequest<Bytes>, question: &wire::VerifyRequest) -> ResponseFuture {
    let head = http::Request::post("https://localhost/heyan.gateway.v1.Verification/Verify")
        .header("te", "trailers")
        .header("content-type", "application/grpc");
    let mut message = BytesMut::new();
    message.put_u8(0);
    message.put_u32(u32::try_from(question.encoded_len()).unwrap());
    question.encode(&mut message).unwrap();
    let mut calls = calls.clone().ready().await.unwrap();
    let (reply, mut sending) = calls.send_request(head.body(()).unwrap(), false).unwrap();
    sending.send_data(message.freeze(), true).unwrap();
    reply
}

/// Begins so many.
async fn begin_all(lab: &Lab, calls: &SendRequest<Bytes>, count: usize) -> Vec<ResponseFuture> {
    let mut begun = Vec::new();
    for _ in 0..count {
        begun.push(begin(calls, &lab.question("P2")).await);
    }
    begun
}

#[tokio::test(flavor = "multi_thread")]
async fn what_callers_begin_before_they_are_told_the_limit_is_taken() {
    let lab = lab("\n[limits]\nstreams_per_connection = 100\n").await;
    let listen = CancellationToken::new();
    let calls = unheard(&lab, listen.clone(), BEFORE_TOLD).await;
    let begun = begin_all(&lab, &calls, BEFORE_TOLD + 50).await;
    let is_full = || lab.simulation.asked(POLICE) >= BEFORE_TOLD as u64;
    until("the connection is full", is_full).await;
    listen.cancel();
    lab.simulation.faults(POLICE).clear();
    for reply in tokio::time::timeout(PATIENCE, join_all(begun)).await.unwrap() {
        reply.unwrap();
    }
}
