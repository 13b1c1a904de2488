//! A program in front of an agency that speaks `heyan.adapter.v1` badly.

use std::io;

use bytes::Bytes;
use h2::{Reason, SendStream};
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use prost::Message;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Act, Fault, Good};
use crate::proto::adapter::v1 as wire;

/// How a reply ends.
#[derive(Clone, Copy, Debug)]
enum Ends {
    /// With these words in the trailers.
    Trailers(&'static [(&'static str, &'static str)]),
    /// Without a status.
    Bare,
    /// Not at all.
    Never,
    /// The stream is reset.
    Reset(Reason),
    /// The connection is given up.
    GoAway,
    /// The connection is dropped.
    Drop,
}

/// One reply.
#[derive(Clone, Debug)]
struct Reply {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    body: Vec<u8>,
    ends: Ends,
}

const TYPE: (&str, &str) = ("content-type", "application/grpc");
const FINE: Ends = Ends::Trailers(&[("grpc-status", "0")]);

impl Reply {
    fn of(message: &[u8]) -> Self {
        Self::saying(framed(message), FINE)
    }

    fn saying(body: Vec<u8>, ends: Ends) -> Self {
        Self { status: 200, headers: vec![TYPE], body, ends }
    }
}

/// Which call goes wrong, and how.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    in_description: bool,
    reply: Reply,
}

impl Trouble {
    pub(super) fn none(good: &Good) -> Self {
        Self { in_description: false, reply: Reply::of(&good.message) }
    }
}

fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&[0][..], &length, message].concat()
}

pub(super) fn faults(good: &Good) -> Vec<Fault> {
    let mut all = descriptions();
    all.extend(replies(good));
    all.extend(heads(good));
    all.extend(ends(good));
    all.extend(messages(good));
    all
}

fn descriptions() -> Vec<Fault> {
    let does = |reply| Act::Calls(Trouble { in_description: true, reply });
    let describes = |protocol, facts: Vec<String>| {
        let described = wire::DescribeResponse { protocol, facts, ..Default::default() };
        does(Reply::of(&described.encode_to_vec()))
    };
    vec![
        Fault::contract(
            "other_protocol",
            "chooses a protocol that nobody offered",
            describes(7, Vec::new()),
        ),
        Fault::contract("no_facts", "says that it answers nothing", describes(1, Vec::new())),
        Fault::contract(
            "garbage_described",
            "describes itself in bytes that mean nothing",
            does(Reply::of(&[0xff; 64])),
        ),
        Fault::contract(
            "cannot_describe",
            "has no `Describe` (UNIMPLEMENTED)",
            does(Reply::saying(Vec::new(), Ends::Trailers(&[("grpc-status", "12")]))),
        ),
        Fault::endless(
            "never_describes",
            "never describes itself",
            does(Reply::saying(Vec::new(), Ends::Never)),
        ),
    ]
}

fn calls(body: &[u8], ends: Ends) -> Act {
    Act::Calls(Trouble { in_description: false, reply: Reply::saying(body.to_vec(), ends) })
}

/// A reply over HTTP that is none of gRPC.
fn page(status: u16, headers: &[(&'static str, &'static str)]) -> Act {
    let body = b"<html>sorry</html>".to_vec();
    let reply = Reply { status, headers: headers.to_vec(), body, ends: Ends::Bare };
    Act::Calls(Trouble { in_description: false, reply })
}

/// An answer with nothing wrong in it, behind another head.
fn headed(good: &Good, status: u16, headers: &[(&'static str, &'static str)], ends: Ends) -> Act {
    let headers = [&[TYPE], headers].concat();
    let reply = Reply { status, headers, body: framed(&good.message), ends };
    Act::Calls(Trouble { in_description: false, reply })
}

/// The answer is right, and its head says that it is none.
fn heads(good: &Good) -> Vec<Fault> {
    const SAID: (&str, &str) = ("grpc-status", "0");
    vec![
        Fault::either(
            "http_500_and_answers",
            "answers with status 500 of HTTP and 0 of gRPC",
            headed(good, 500, &[], FINE),
        ),
        Fault::either(
            "http_204_and_answers",
            "answers with status 204 of HTTP and 0 of gRPC",
            headed(good, 204, &[], FINE),
        ),
        Fault::either(
            "http_503_headed_fine",
            "says that all went well in the head of a page with status 503",
            headed(good, 503, &[SAID], Ends::Bare),
        ),
        Fault::contract(
            "status_before_answer",
            "says that all went well before it answers, and nothing after",
            headed(good, 200, &[SAID], Ends::Bare),
        ),
    ]
}

/// The call goes wrong.
fn replies(good: &Good) -> Vec<Fault> {
    let does = calls;
    let whole = framed(&good.message);
    vec![
        Fault::unavailable(
            "unavailable",
            "says UNAVAILABLE",
            does(
                b"",
                Ends::Trailers(&[("grpc-status", "14"), ("grpc-message", "430000188001010014")]),
            ),
        ),
        Fault::unavailable(
            "no_right",
            "says PERMISSION_DENIED",
            does(b"", Ends::Trailers(&[("grpc-status", "7")])),
        ),
        Fault::contract(
            "internal",
            "says INTERNAL",
            does(b"", Ends::Trailers(&[("grpc-status", "13")])),
        ),
        Fault::contract(
            "says_not_found",
            "says NOT_FOUND as a status, which is no answer",
            does(b"", Ends::Trailers(&[("grpc-status", "5")])),
        ),
        Fault::either(
            "unknown_status",
            "says a status that nobody knows",
            does(b"", Ends::Trailers(&[("grpc-status", "4711")])),
        ),
        Fault::either(
            "no_number",
            "says a status that is no number",
            does(b"", Ends::Trailers(&[("grpc-status", "fine")])),
        ),
        Fault::contract(
            "answers_and_fails",
            "answers, and then says INTERNAL",
            does(&whole, Ends::Trailers(&[("grpc-status", "13")])),
        ),
        Fault::either(
            "answers_without_status",
            "answers, and ends without a status",
            does(&whole, Ends::Bare),
        ),
        Fault::contract(
            "answers_twice",
            "answers with two messages where one is to be",
            does(&[&whole[..], &whole].concat(), FINE),
        ),
        Fault::contract(
            "nothing_after_answer",
            "answers, and then with a message that says nothing",
            does(&[&whole[..], &framed(b"")].concat(), FINE),
        ),
        Fault::contract("nothing", "says that all went well, and nothing else", does(b"", FINE)),
        Fault::either("ends_at_once", "ends with nothing said at all", does(b"", Ends::Bare)),
    ]
}

/// The call does not end, or not properly.
fn ends(good: &Good) -> Vec<Fault> {
    let does = calls;
    let whole = framed(&good.message);
    vec![
        Fault::endless("stalls", "begins a reply and says nothing more", does(b"", Ends::Never)),
        Fault::endless(
            "stalls_in_a_message",
            "stops in the middle of a message",
            does(&[0, 0, 0, 1, 0, 1, 2], Ends::Never),
        ),
        Fault::endless(
            "answers_and_stalls",
            "answers, and never says whether that was all",
            does(&whole, Ends::Never),
        ),
        Fault::either(
            "reset_stream",
            "resets the stream",
            does(b"", Ends::Reset(Reason::INTERNAL_ERROR)),
        ),
        Fault::either(
            "refused_stream",
            "refuses the stream",
            does(b"", Ends::Reset(Reason::REFUSED_STREAM)),
        ),
        Fault::either(
            "answers_and_resets",
            "answers, and then resets the stream",
            does(&whole, Ends::Reset(Reason::INTERNAL_ERROR)),
        ),
        Fault::either("go_away", "gives up the connection", does(b"", Ends::GoAway)),
        Fault::either(
            "drops",
            "drops the connection in the middle of a reply",
            does(&[0, 0, 0, 1, 0, 1, 2], Ends::Drop),
        ),
        Fault::either(
            "http_503",
            "replies with status 503 of HTTP",
            page(503, &[("content-type", "text/html")]),
        ),
        Fault::either("http_302", "redirects", page(302, &[("location", "/")])),
        Fault::either(
            "http_404",
            "knows no such path",
            page(404, &[("content-type", "text/html")]),
        ),
    ]
}

/// The message goes wrong.
fn messages(good: &Good) -> Vec<Fault> {
    let does = |body: Vec<u8>| {
        Act::Calls(Trouble { in_description: false, reply: Reply::saying(body, FINE) })
    };
    let mut packed = framed(&good.message);
    if let Some(first) = packed.first_mut() {
        *first = 1;
    }
    vec![
        Fault::contract("no_outcome", "replies with no outcome", does(framed(b""))),
        Fault::contract(
            "unknown_outcome",
            "replies with an outcome nobody knows (field 9)",
            does(framed(&[0x4a, 0x00])),
        ),
        Fault::contract(
            "garbage",
            "replies in bytes that are no protobuf",
            does(framed(&[0xff; 200])),
        ),
        Fault::contract(
            "wrong_wire_type",
            "gives the outcome as a number",
            does(framed(&[0x08, 0x01])),
        ),
        Fault::contract(
            "cut_message",
            "announces more in a field than there is",
            does(framed(&[0x0a, 0x7f, 0x0a])),
        ),
        Fault::contract(
            "found_nothing",
            "says found, with no attribute",
            does(framed(&[0x0a, 0x00])),
        ),
        Fault::contract("deep_message", "nests groups 5 000 deep", does(framed(&[0x53; 5_000]))),
        Fault::either(
            "oversized",
            "announces a message of 4 GB",
            does([&[0, 0xff, 0xff, 0xff, 0xff][..], &[0; 64]].concat()),
        ),
        Fault::either(
            "ten_megabytes",
            "sends a message of 10 MB",
            does(framed(&vec![0; 10 << 20])),
        ),
        Fault::either(
            "cut_frame",
            "ends in the middle of a message",
            does(vec![0, 0, 0, 1, 0, 1, 2]),
        ),
        Fault::either(
            "packed",
            "says that the message is packed, which nobody asked for",
            does(packed),
        ),
        Fault::either(
            "wrong_flag",
            "marks the message with a flag that does not exist",
            does(vec![0x42, 0, 0, 0, 0]),
        ),
    ]
}

/// Speaks to one client until it goes.
pub(super) async fn serve<S>(stream: S, trouble: &Trouble, facts: &[String]) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut connection = h2::server::handshake(stream).await.map_err(io::Error::other)?;
    // Streams that never end would be reset if they were let go.
    let mut open: Vec<SendStream<Bytes>> = Vec::new();
    while let Some(call) = connection.accept().await {
        let (request, mut respond) = call.map_err(io::Error::other)?;
        let is_description = request.uri().path().ends_with("/Describe");
        let reply = if is_description == trouble.in_description {
            trouble.reply.clone()
        } else {
            described(facts)
        };
        let mut response = Response::builder().status(reply.status);
        for (name, value) in &reply.headers {
            response = response.header(*name, *value);
        }
        let response = response.body(()).map_err(io::Error::other)?;
        let mut sending = respond.send_response(response, false).map_err(io::Error::other)?;
        sending
            .send_data(Bytes::from(reply.body), matches!(reply.ends, Ends::Bare))
            .map_err(io::Error::other)?;
        match reply.ends {
            Ends::Trailers(words) => {
                sending.send_trailers(trailers(words)).map_err(io::Error::other)?;
            }
            Ends::Bare => {}
            Ends::Never => open.push(sending),
            Ends::Reset(reason) => sending.send_reset(reason),
            Ends::GoAway => connection.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM),
            Ends::Drop => return Ok(()),
        }
    }
    Ok(())
}

fn described(facts: &[String]) -> Reply {
    let described = wire::DescribeResponse {
        protocol: 1,
        name: String::new(),
        version: "1".to_owned(),
        facts: facts.to_vec(),
    };
    Reply::of(&described.encode_to_vec())
}

fn trailers(words: &'static [(&'static str, &'static str)]) -> HeaderMap {
    words
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect()
}
