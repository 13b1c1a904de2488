//! Replies damaged by the thousand are no answers; whole ones are.

use super::*;
use crate::proto::gateway::v1::Value;
use crate::proto::gateway::v1::value::Kind;

/// Damaged replies of each kind.
const ROUNDS: usize = 3_000;

const RECORD: &str = r#"{"token":"6f1d0c5e9b7a4283","code":"200","n":"430000188001010014","match":"1","born":"19880101","children":"2","name":" 张三 "}"#;

/// Good replies, by target.
fn samples(name: &str) -> Vec<Vec<u8>> {
    let xml = "<RECORD><token>6f1d0c5e9b7a4283</token><code>200</code><n>430000188001010014</n><match>1</match><born>19880101</born><children>2</children><name>张三</name></RECORD>";
    let envelope = |inside: &str| {
        format!(
            "<s:Envelope xmlns:s=\"urn:s\"><s:Body><answer>{inside}</answer></s:Body></s:Envelope>"
        )
        .into_bytes()
    };
    match name {
        "adapter_http" => vec![
            RECORD.as_bytes().to_vec(),
            serde_json::json!({ "datas": RECORD.replace("张三", "a") }).to_string().into_bytes(),
            format!("<PACKAGE>{xml}</PACKAGE>").into_bytes(),
        ],
        "adapter_soap" => {
            let inner = xml.replace("RECORD", "PACKAGE").replace('<', "&lt;").replace('>', "&gt;");
            let fields = xml.replace("<RECORD>", "").replace("</RECORD>", "").replace("张三", "a");
            vec![envelope(&format!("<out>{inner}</out>")), envelope(&fields)]
        }
        "adapter_sql" => vec![format!("[{RECORD}]").into_bytes()],
        _ => {
            let truth = Value { kind: Some(Kind::Truth(true)) };
            let attributes = [("identity_match".to_owned(), truth)].into();
            let found = wire::Found { attributes, ..Default::default() };
            let outcome = Some(wire::fetch_response::Outcome::Found(found));
            vec![wire::FetchResponse { outcome }.encode_to_vec(), vec![0x12, 0]]
        }
    }
}

/// Numbers that look random and are the same every time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % limit.max(1)
    }
}

fn damage(sample: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    const TELLING: [&[u8]; 12] = [
        b"\0",
        b"\xff",
        b"null",
        b"[",
        b"{",
        b"\"",
        b"</",
        b"<!--",
        b"1e9",
        b"\x80\x80\x80\x80\x01",
        b"-",
        "\u{202e}".as_bytes(),
    ];
    let mut bytes = sample.to_vec();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(bytes.len() + 1);
        let end = (at + numbers.below(12)).min(bytes.len());
        match numbers.below(6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << numbers.below(8),
            1 => drop(bytes.splice(at..at, TELLING[numbers.below(12)].iter().copied())),
            2 => drop(bytes.drain(at..end)),
            3 => bytes.truncate(at),
            4 => {
                let part = bytes[at..end].to_vec();
                drop(bytes.splice(end..end, part));
            }
            _ => bytes[at..end].reverse(),
        }
    }
    bytes
}

#[test]
fn damaged_replies_are_no_answers() {
    for (name, target) in TARGETS {
        let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
        for sample in samples(name) {
            target(&sample);
            // With another token, so that every answer is a failure.
            let text = String::from_utf8_lossy(&sample).replace(TOKEN, "0000000000000000");
            let without = if name == "adapter_grpc" { sample } else { text.into_bytes() };
            for _ in 0..ROUNDS {
                target(&damage(&without, &mut numbers));
            }
        }
        for filling in ["[", "{\"a\":", "<a>", "\0", "\"", "&#0;", "\n\x04", "S", "张"] {
            target(filling.repeat(50_000).as_bytes());
        }
    }
}

/// So that the other test can fail: with the token, these are answers.
#[test]
fn whole_replies_are_answers() {
    for (name, target) in TARGETS {
        for sample in samples(name) {
            let answered = std::panic::catch_unwind(|| {
                let token = String::from_utf8_lossy(&sample).into_owned();
                assert!(name == "adapter_grpc" || token.contains(TOKEN));
                target(&sample);
            });
            assert!(answered.is_ok(), "{name}");
        }
    }
    let world = World::new([format!(
        "{HEAD}[http]\n{SITE}[[operation]]\nfact = \"P1\"\n[operation.request]\npath = \"/\"\n{OUTCOME}"
    )]);
    let found = world.ask(|| Some(reply(RECORD.as_bytes())));
    assert!(matches!(found.as_slice(), [Finding::Found(_)]));
}
