//! Bodies that no reader may take for a reply: JSON, XML and text gone wrong.

use serde_json::{Map, Value as Json, json};

use super::script::Step::{Often, Say};
use super::{Act, Fault, Good, http};

pub(super) fn faults(good: &Good) -> Vec<Fault> {
    let mut all = objects(&good.body);
    all.extend(rows(&good.body));
    all.extend(xml());
    all.extend(envelopes());
    all.extend(texts(&good.body));
    all
}

fn says(body: impl AsRef<[u8]>) -> Act {
    Act::Replies(vec![Say(http::reply("200 OK", body.as_ref()))])
}

fn says_xml(body: impl AsRef<[u8]>) -> Act {
    let body = body.as_ref();
    let lines = format!("content-type: text/xml\r\ncontent-length: {}\r\n", body.len());
    Act::Replies(vec![Say(http::with("200 OK", &lines, body))])
}

fn objects(good: &[u8]) -> Vec<Fault> {
    let keys = |count: u32| {
        let keys: Vec<String> = (0..count).map(|key| format!("\"k{key}\":0")).collect();
        format!("{{{}}}", keys.join(","))
    };
    let nested = |open: &str, close: &str, depth: usize| open.repeat(depth) + &close.repeat(depth);
    // Before the first key of a good reply.
    let prefixed = |prefix: &str| match good.strip_prefix(b"{") {
        Some(rest) => [b"{", prefix.as_bytes(), rest].concat(),
        None => format!("{{{prefix}\"z\":0}}").into_bytes(),
    };
    vec![
        Fault::contract("deep_json", "nests lists 100 000 deep", says(nested("[", "]", 100_000))),
        Fault::contract(
            "deep_objects",
            "nests objects 100 000 deep",
            says(nested("{\"a\":", "}", 100_000).replace(":}", ":0}")),
        ),
        Fault::contract("wide_json", "replies with 40 000 keys", says(keys(40_000))),
        Fault::either("million_keys", "replies with a million keys", says(keys(1_000_000))),
        Fault::contract(
            "long_list",
            "replies with a list of 400 000 numbers",
            says(format!("[{}0]", "0,".repeat(400_000))),
        ),
        Fault::contract(
            "same_key_twice",
            "has the same key twice, with two values",
            says(prefixed("\"twice\":1,\"twice\":2,")),
        ),
        Fault::contract(
            "huge_number",
            "has a number that no integer can hold",
            says(prefixed("\"n\":123456789012345678901234567890,")),
        ),
        Fault::contract(
            "infinite_number",
            "has a number that no computer can hold",
            says(prefixed("\"n\":1e999,")),
        ),
        Fault::contract(
            "nul_in_json",
            "has a NUL inside a text",
            says(prefixed("\"n\":\"a\0b\",")),
        ),
        Fault::contract(
            "lone_surrogate",
            "has half a character inside a text",
            says(prefixed("\"n\":\"\\ud800\",")),
        ),
        Fault::contract("no_number", "has NaN, which is no JSON", says(prefixed("\"n\":NaN,"))),
        Fault::contract(
            "two_replies_in_one",
            "sends the reply twice in one body",
            says([good, good].concat()),
        ),
        Fault::contract(
            "words_after",
            "adds words after the reply",
            says([good, b" served in 0.02 s"].concat()),
        ),
        Fault::contract("null", "replies with null", says("null")),
        Fault::contract("empty_object", "replies with an empty object", says("{}")),
        Fault::contract("a_number", "replies with a number", says("0")),
    ]
}

/// What is empty and no list, where rows should be.
fn rows(good: &[u8]) -> Vec<Fault> {
    vec![
        Fault::contract(
            "rows_are_text",
            "has an empty text where its rows should be",
            says(without_rows(good, &Json::from(""))),
        ),
        Fault::contract(
            "rows_are_a_map",
            "has an empty object where its rows should be",
            says(without_rows(good, &Json::Object(Map::new()))),
        ),
    ]
}

/// A good reply with something else in the place of every list of objects.
fn without_rows(good: &[u8], instead: &Json) -> Vec<u8> {
    let mut has_any = false;
    let changed = serde_json::from_slice(good).map(|mut value| {
        has_any = replace_rows(&mut value, instead);
        value.to_string().into_bytes()
    });
    let fixed = || json!({ "data": { "rows": instead } }).to_string().into_bytes();
    changed.ok().filter(|_| has_any).unwrap_or_else(fixed)
}

/// Whether there was one.
fn replace_rows(value: &mut Json, instead: &Json) -> bool {
    match value {
        Json::Array(rows) if rows.first().is_some_and(Json::is_object) => {
            *value = instead.clone();
            true
        }
        Json::Object(map) => {
            // All of them, not only up to the first.
            map.values_mut()
                .filter_map(|inside| replace_rows(inside, instead).then_some(()))
                .count()
                > 0
        }
        _ => false,
    }
}

fn envelope(inside: &str) -> String {
    format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>{inside}</s:Body></s:Envelope>"
    )
}

fn xml() -> Vec<Fault> {
    let mut laughs = String::from("<!DOCTYPE a [<!ENTITY l0 \"ha\">");
    for level in 1..12 {
        let inside = format!("&l{};", level - 1).repeat(10);
        laughs.push_str(&format!("<!ENTITY l{level} \"{inside}\">"));
    }
    laughs.push_str("]><a>&l11;</a>");
    let namespaces: String = (0..4_000).map(|at| format!("<a xmlns:p{at}=\"u\">")).collect();
    let attributes: String = (0..20_000).map(|number| format!(" a{number}=\"\"")).collect();
    vec![
        Fault::contract(
            "deep_xml",
            "nests elements 50 000 deep",
            says_xml(envelope(&("<a>".repeat(50_000) + &"</a>".repeat(50_000)))),
        ),
        Fault::contract(
            "wide_xml",
            "replies with 120 000 elements",
            says_xml(envelope(&"<b/>".repeat(120_000))),
        ),
        Fault::contract(
            "many_attributes",
            "gives an element 20 000 attributes",
            says_xml(envelope(&format!("<a{attributes}/>"))),
        ),
        Fault::contract(
            "many_namespaces",
            "declares another namespace on each of 4 000 nested elements",
            says_xml(envelope(&format!("{namespaces}{}", "</a>".repeat(4_000)))),
        ),
        Fault::contract(
            "same_attribute_twice",
            "gives an element two attributes of one name",
            says_xml(envelope("<a xmlns:p=\"u\" xmlns:q=\"v\" p:n=\"1\" q:n=\"2\"/>")),
        ),
        Fault::contract(
            "dtd",
            "has a document type that reads a file",
            says_xml("<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>"),
        ),
        Fault::contract("billion_laughs", "has entities that grow to a billion", says_xml(laughs)),
    ]
}

/// Envelopes that are broken, or that hold nothing.
fn envelopes() -> Vec<Fault> {
    vec![
        Fault::contract(
            "open_xml",
            "ends before its elements do",
            says_xml(
                "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><a>",
            ),
        ),
        Fault::contract(
            "two_roots",
            "has two documents in one",
            says_xml(envelope("<a/>").repeat(2)),
        ),
        Fault::contract(
            "nul_in_xml",
            "has NUL inside an element",
            says_xml(envelope("<a>x\0y</a>")),
        ),
        Fault::contract(
            "nul_reference",
            "refers to the character NUL",
            says_xml(envelope("<a>&#0;</a>")),
        ),
        Fault::contract(
            "empty_envelope",
            "replies with an envelope with nothing in it",
            says_xml(envelope("")),
        ),
        Fault::contract(
            "no_body",
            "replies with an envelope without a body",
            says_xml("<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"/>"),
        ),
        Fault::contract(
            "soap_fault",
            "replies with a Fault",
            says_xml(envelope(
                "<s:Fault><faultcode>s:Server</faultcode><faultstring>no</faultstring></s:Fault>",
            )),
        ),
        Fault::contract(
            "multipart",
            "replies with an attachment beside the envelope (MTOM)",
            Act::Replies(vec![Say(http::with(
                "200 OK",
                "content-type: multipart/related; boundary=b; type=\"application/xop+xml\"\r\n",
                format!(
                    "--b\r\ncontent-type: application/xop+xml\r\n\r\n{}\r\n--b--\r\n",
                    envelope("<a/>")
                )
                .as_bytes(),
            ))]),
        ),
    ]
}

fn texts(good: &[u8]) -> Vec<Fault> {
    let wide: Vec<u8> =
        String::from_utf8_lossy(good).encode_utf16().flat_map(u16::to_le_bytes).collect();
    let labelled = |lines: &str, body: &[u8]| {
        let lines = format!("{lines}content-length: {}\r\n", body.len());
        Act::Replies(vec![Say(http::with("200 OK", &lines, body))])
    };
    vec![
        Fault::contract(
            "no_charset",
            "replies in bytes that are no text",
            says([0xff, 0xfe, 0x80, 0xc3, 0x28, 0xff, 0xff]),
        ),
        Fault::contract(
            "wide_characters",
            "replies in UTF-16",
            says([&[0xff, 0xfe][..], &wide].concat()),
        ),
        Fault::contract(
            "overlong",
            "hides a slash in an overlong sequence",
            says([&b"{\"a\":\""[..], &[0xc0, 0xaf, 0xff], b"\"}"].concat()),
        ),
        Fault::contract(
            "login_page",
            "replies with the page where one logs in",
            labelled(
                "content-type: application/json\r\n",
                b"<html><body><form action='/login'><input name='user'></form></body></html>",
            ),
        ),
        Fault::contract(
            "a_picture",
            "replies with a picture",
            labelled("content-type: image/png\r\n", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xff"),
        ),
        Fault::contract(
            "said_to_be_gzip",
            "says that a plain reply is packed, which nobody asked for",
            labelled("content-type: application/json\r\ncontent-encoding: gzip\r\n", good),
        ),
        Fault::contract(
            "gzip",
            "packs the reply, which nobody asked for",
            labelled(
                "content-encoding: gzip\r\n",
                b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xab\x56\x02\0\xff\xff\xfe\xfd",
            ),
        ),
        Fault::contract(
            "nothing_but_nul",
            "replies with 64 KB of NUL",
            Act::Replies(vec![
                Say(http::with("200 OK", "content-length: 65536\r\n", b"")),
                Often(vec![0; 4096], 16),
            ]),
        ),
        Fault::contract(
            "nothing_but_space",
            "replies with 64 KB of space",
            Act::Replies(vec![
                Say(http::with("200 OK", "content-length: 65536\r\n", b"")),
                Often(vec![b' '; 4096], 16),
            ]),
        ),
    ]
}
