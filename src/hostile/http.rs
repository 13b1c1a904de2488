//! What goes wrong between a request over HTTP and the body of its reply.

use super::script::Step::{self, Drip, Flood, Hang, Often, Reset, Say};
use super::{Act, Fault, Good};

/// A page as proxies and portals answer.
const PAGE: &[u8] =
    b"<html><head><title>nginx</title></head><body><center>sorry</center></body></html>";

/// A whole reply, after which the connection is closed.
pub(super) fn reply(status: &str, body: &[u8]) -> Vec<u8> {
    with(
        status,
        &format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len()),
        body,
    )
}

/// A reply with these lines in its head.
pub(super) fn with(status: &str, lines: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {status}\r\nconnection: close\r\n{lines}\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

pub(super) fn faults(good: &Good) -> Vec<Fault> {
    let mut all = streams(&good.body);
    all.extend(heads(&good.body));
    all.extend(statuses(&good.body));
    all
}

fn does(steps: impl Into<Vec<Step>>) -> Act {
    Act::Replies(steps.into())
}

/// The reply breaks off, is late, or does not end.
fn streams(good: &[u8]) -> Vec<Fault> {
    let half = good.get(..good.len() / 2).unwrap_or_default();
    let length = format!("content-length: {}\r\n", good.len());
    let chunk =
        |bytes: &[u8]| [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
    let ten_megabytes = || Often(vec![b' '; 65_536], 160);
    vec![
        Fault::unavailable("no_reply", "closes the connection instead of replying", does([])),
        Fault::unavailable("resets", "resets the connection instead of replying", does([Reset])),
        Fault::endless("silent", "never replies", does([Hang])),
        Fault::endless(
            "head_only",
            "sends the head of a reply and nothing more",
            does([Say(with("200 OK", &length, b"")), Hang]),
        ),
        Fault::endless(
            "slow_head",
            "sends one byte of the head at a time",
            does([Say(b"HTTP/1.1 200 OK\r\nx: ".to_vec()), Drip(b"a".to_vec())]),
        ),
        Fault::endless(
            "slow_body",
            "sends one byte of the body at a time",
            does([Say(with("200 OK", "content-length: 1000000\r\n", b"")), Drip(b" ".to_vec())]),
        ),
        Fault::unavailable(
            "half_a_body",
            "closes the connection in the middle of the body",
            does([Say(with("200 OK", &length, half))]),
        ),
        Fault::unavailable(
            "half_and_reset",
            "resets the connection in the middle of the body",
            does([Say(with("200 OK", &length, half)), Reset]),
        ),
        Fault::unavailable(
            "half_in_chunks",
            "closes the connection before the last chunk",
            does([Say(with("200 OK", "transfer-encoding: chunked\r\n", &chunk(good)))]),
        ),
        Fault::unavailable(
            "wrong_chunks",
            "announces chunks whose length is no number",
            does([Say(with(
                "200 OK",
                "transfer-encoding: chunked\r\n",
                &[b"zz\r\n", good].concat(),
            ))]),
        ),
        Fault::contract(
            "longer_than_announced",
            "sends more than it announced",
            does([Say(with("200 OK", &format!("content-length: {}\r\n", half.len()), good))]),
        ),
        Fault::contract(
            "cut_without_length",
            "announces no length and closes the connection half way",
            does([Say(with("200 OK", "", half))]),
        ),
        Fault::contract(
            "empty",
            "replies with nothing in it",
            does([Say(with("200 OK", "content-length: 0\r\n", b""))]),
        ),
        Fault::either(
            "ten_megabytes",
            "replies with 10 MB",
            does([Say(with("200 OK", "content-length: 10485760\r\n", b"")), ten_megabytes()]),
        ),
        Fault::either(
            "ten_megabytes_unannounced",
            "replies with 10 MB without saying so",
            does([Say(with("200 OK", "", good)), ten_megabytes()]),
        ),
        Fault::either(
            "exabyte_announced",
            "announces an exabyte",
            does([Say(with("200 OK", "content-length: 1152921504606846976\r\n", b"")), Hang]),
        ),
        Fault::either(
            "endless_body",
            "never stops sending the body",
            does([Say(with("200 OK", "", good)), Flood(vec![b' '; 65_536])]),
        ),
    ]
}

/// The head is not one.
fn heads(good: &[u8]) -> Vec<Fault> {
    let length = good.len();
    let say = |text: &str| does([Say(text.as_bytes().to_vec())]);
    vec![
        Fault::unavailable(
            "endless_headers",
            "never stops sending headers",
            does([
                Say(b"HTTP/1.1 200 OK\r\n".to_vec()),
                Flood(b"x-flood: 0123456789\r\n".repeat(64)),
            ]),
        ),
        Fault::unavailable(
            "large_header",
            "sends a header of 10 MB",
            does([Say(b"HTTP/1.1 200 OK\r\nx: ".to_vec()), Often(vec![b'a'; 65_536], 160)]),
        ),
        Fault::unavailable(
            "no_head",
            "sends the body without a head, as HTTP/0.9 did",
            does([Say(good.to_vec())]),
        ),
        Fault::unavailable(
            "no_http",
            "replies in another protocol",
            say("220 mail.example ESMTP\r\n"),
        ),
        Fault::unavailable(
            "no_status",
            "sends a status that is no number",
            say("HTTP/1.1 OK\r\n\r\n"),
        ),
        Fault::unavailable(
            "nul_in_header",
            "sends NUL inside a header",
            say("HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 0\r\n\r\n"),
        ),
        Fault::unavailable(
            "two_lengths",
            "announces two lengths",
            does([Say(with(
                "200 OK",
                &format!("content-length: 1\r\ncontent-length: {length}\r\n"),
                good,
            ))]),
        ),
        Fault::unavailable(
            "negative_length",
            "announces a length below nothing",
            does([Say(with("200 OK", "content-length: -1\r\n", good))]),
        ),
        Fault::endless(
            "interim_without_end",
            "says again and again that it is at work (status 102)",
            does([Drip(b"HTTP/1.1 102 Processing\r\n\r\n".to_vec())]),
        ),
        Fault::either(
            "switches_protocol",
            "changes to another protocol (status 101)",
            say(
                "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n\0\0\0\0",
            ),
        ),
    ]
}

/// The status says that this is no answer, whatever stands in the body.
fn statuses(good: &[u8]) -> Vec<Fault> {
    let page = |status: &str| {
        does([Say(with(
            status,
            &format!("content-type: text/html\r\ncontent-length: {}\r\n", PAGE.len()),
            PAGE,
        ))])
    };
    let json = |status: &str| does([Say(reply(status, b"{}"))]);
    let moved = format!("location: https://127.0.0.1:9/\r\ncontent-length: {}\r\n", good.len());
    vec![
        Fault::either(
            "redirect",
            "points to another place, with a good reply in the body (status 302)",
            does([Say(with("302 Found", &moved, good))]),
        ),
        Fault::either(
            "redirect_to_itself",
            "points to itself (status 307)",
            does([Say(with(
                "307 Temporary Redirect",
                "location: /\r\ncontent-length: 0\r\n",
                b"",
            ))]),
        ),
        Fault::either(
            "no_content",
            "says that there is no content (status 204)",
            does([Say(with("204 No Content", "", b""))]),
        ),
        Fault::either(
            "not_modified",
            "says that nothing has changed (status 304)",
            does([Say(with("304 Not Modified", "", b""))]),
        ),
        Fault::either(
            "bad_request",
            "refuses the request with a page (status 400)",
            page("400 Bad Request"),
        ),
        Fault::either("unauthorised", "wants credentials (status 401)", json("401 Unauthorized")),
        Fault::either("forbidden", "forbids it with a page (status 403)", page("403 Forbidden")),
        Fault::either(
            "no_such_path",
            "a proxy knows no such path (status 404)",
            page("404 Not Found"),
        ),
        Fault::either(
            "no_such_path_in_json",
            "a router knows no such path (status 404, an empty object)",
            json("404 Not Found"),
        ),
        Fault::either("too_many", "asks for patience (status 429)", json("429 Too Many Requests")),
        Fault::either(
            "own_error",
            "reports an error of its own, with a good reply in the body (status 500)",
            does([Say(reply("500 Internal Server Error", good))]),
        ),
        Fault::either(
            "bad_gateway",
            "a proxy reaches nobody (status 502)",
            page("502 Bad Gateway"),
        ),
        Fault::either("at_rest", "is being repaired (status 503)", page("503 Service Unavailable")),
        Fault::either("unknown_status", "sends a status nobody knows (599)", json("599 Whatever")),
    ]
}
