//! What goes wrong before anything is asked: the connection and TLS.

use super::certificates::Paper;
use super::script::Step::{Drip, Flood, Hang, Reset, Say};
use super::{Act, Fault};

/// `ServerHello` of TLS 1.1, which nobody may take: record, handshake, version 3.2, random, no session, a suite, no
/// compression.
fn hello_of_1_1() -> Vec<u8> {
    let mut hello = vec![3, 2];
    hello.extend([0x42; 32]);
    hello.extend([0, 0xc0, 0x13, 0]);
    let mut bytes = vec![22, 3, 2, 0, 42, 2, 0, 0, 38];
    bytes.extend(hello);
    bytes
}

pub(super) fn faults() -> Vec<Fault> {
    use Act::{AfterTls, InsteadOfTls, Shows};
    vec![
        Fault::unavailable(
            "closes_at_once",
            "takes the connection and closes it",
            InsteadOfTls(vec![]),
        ),
        Fault::unavailable(
            "resets_at_once",
            "resets the connection before TLS",
            InsteadOfTls(vec![Reset]),
        ),
        Fault::endless(
            "never_speaks",
            "takes the connection and says nothing",
            InsteadOfTls(vec![Hang]),
        ),
        Fault::unavailable(
            "plain_text_for_tls",
            "speaks plain HTTP where TLS was to be",
            InsteadOfTls(vec![Say(
                b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n".to_vec()
            )]),
        ),
        Fault::unavailable(
            "garbage_for_tls",
            "sends bytes that mean nothing where TLS was to be",
            InsteadOfTls(vec![Say((0..=255).rev().collect())]),
        ),
        Fault::unavailable(
            "garbage_without_end",
            "never stops sending them",
            InsteadOfTls(vec![Flood(vec![0x16; 4096])]),
        ),
        Fault::endless(
            "tls_drop_by_drop",
            "lets TLS begin one byte at a time, and never comes to the end",
            InsteadOfTls(vec![Say(vec![22, 3, 3, 0x3f, 0, 2, 0, 0x3e, 0xfc]), Drip(vec![0])]),
        ),
        Fault::unavailable(
            "tls_1_1",
            "speaks TLS 1.1 only",
            InsteadOfTls(vec![Say(hello_of_1_1())]),
        ),
        Fault::unavailable(
            "wrong_name",
            "shows the certificate of another host",
            Shows(Paper::OtherName),
        ),
        Fault::unavailable(
            "expired",
            "shows a certificate that has expired",
            Shows(Paper::Expired),
        ),
        Fault::unavailable(
            "unknown_authority",
            "shows a certificate of an authority of the same name with another key",
            Shows(Paper::Stranger),
        ),
        Fault::unavailable("closes_after_tls", "closes the connection after TLS", AfterTls(vec![])),
        Fault::unavailable(
            "resets_after_tls",
            "resets the connection after TLS",
            AfterTls(vec![Reset]),
        ),
        Fault::endless("silent_after_tls", "says nothing after TLS", AfterTls(vec![Hang])),
        Fault::either(
            "garbage_after_tls",
            "speaks another protocol inside TLS",
            AfterTls(vec![Say(b"SSH-2.0-OpenSSH_9.6\r\n\0\0\x01\x02\xff\xfe".repeat(64))]),
        ),
    ]
}
