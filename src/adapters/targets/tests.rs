//! Replies damaged by the thousand are no answers; whole ones are.

use super::*;
use crate::adapters::language::charset::Charset;
use crate::adapters::language::envelope::Version;
use crate::proto::gateway::v1::Value;
use crate::proto::gateway::v1::value::Kind;

/// Damaged replies of each kind.
const ROUNDS: usize = 3_000;

const RECORD: &str = r#"{"token":"6f1d0c5e9b7a4283","code":"200","n":"430000188001010014","match":"1","born":"19880101","children":"2","name":" 张三 "}"#;

/// Good replies, by target.
fn samples(name: &str) -> Vec<Vec<u8>> {
    let xml = "<RECORD><token>6f1d0c5e9b7a4283</token><code>200</code><n>430000188001010014</n><match>1</match><born>19880101</born><children>2</children><name>张三</name></RECORD>";
    let envelope = |version: Version, inside: &str| {
        format!(
            "<s:Envelope xmlns:s=\"{}\"><s:Body><answer>{inside}</answer></s:Body></s:Envelope>",
            version.namespace()
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
            let inner = format!("<out>{inner}</out>");
            vec![envelope(Version::V1_1, &inner), envelope(Version::V1_2, &fields)]
        }
        "adapter_values" => {
            vec![vec![0, 2, 0, 0, 0, 0, 0, 2, 0, 12, 19, 136], vec![7, 0xe2, 7, 1, 31, 8, 9, 10]]
        }
        "adapter_file" => {
            let line = "6f1d0c5e9b7a4283,200,430000188001010014,1,19880101,2,a\n";
            let named = format!("token,code,n,match,born,children,name\n{line}");
            let piped = Charset::Gb18030.encode(&named.replace(',', "|").replace(",a", ",张三"));
            vec![named.into_bytes(), piped.unwrap(), line.as_bytes().to_vec()]
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

fn without_token(sample: &[u8]) -> Vec<u8> {
    let mut bytes = sample.to_vec();
    let holds = |part: &[u8]| part == TOKEN.as_bytes();
    while let Some(at) = bytes.windows(TOKEN.len()).position(holds) {
        bytes[at..at + TOKEN.len()].fill(b'0');
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
            let without = without_token(&sample);
            for _ in 0..ROUNDS {
                target(&damage(&without, &mut numbers));
            }
        }
        for filling in ["[", "{\"a\":", "<a>", "\0", "\"", "&#0;", "\n\x04", "S", "张"] {
            target(filling.repeat(50_000).as_bytes());
        }
    }
}

/// What the target makes of a reply.
fn answers(name: &str, data: &[u8]) -> Vec<Finding> {
    match name {
        "adapter_http" => answers_over_http(data),
        "adapter_soap" => answers_over_soap(data),
        "adapter_sql" => answers_over_sql(data),
        "adapter_file" => answers_over_file(data),
        _ => answers_of_program(data),
    }
}

/// So that the other test can fail: with the token, these are answers.
#[test]
fn whole_replies_are_answers() {
    for (name, _) in TARGETS.iter().filter(|(name, _)| *name != "adapter_values") {
        for (place, sample) in samples(name).iter().enumerate() {
            let found = answers(name, sample);
            let is_good = match (*name, place) {
                // What a program says that holds no record.
                ("adapter_grpc", 1) => matches!(found.as_slice(), [Finding::NotFound]),
                _ => found.iter().any(|finding| matches!(finding, Finding::Found(_))),
            };
            assert!(is_good, "{name}, {place}: {} answers", found.len());
        }
    }
    let world = World::new([format!(
        "{HEAD}[http]\n{SITE}[[operation]]\nfact = \"P1\"\n[operation.request]\npath = \"/\"\n{OUTCOME}"
    )]);
    let found = world.ask(|_| Some(reply(RECORD.as_bytes())));
    assert!(matches!(found.as_slice(), [Finding::Found(_)]));
    // What would end a text early elsewhere is in no text.
    let cut = RECORD.replace("张三", "张\\u0000三");
    assert!(world.ask(|_| Some(reply(cut.as_bytes()))).is_empty());
}

#[test]
fn whole_tables_are_answers() {
    let access =
        "[file]\nfolder = \"in\"\npattern = \"n-*.csv\"\nas_of = \"yyyyMMdd\"\nkey = \"n\"\n";
    let ask = "lookup = 'subject.person.document_number'\n";
    for (way, (keys, sample)) in FILE_WAYS.iter().zip(samples("adapter_file")).enumerate() {
        let world = World::new([format!(
            "{HEAD}{access}{keys}\n[[operation]]\nfact = \"P1\"\ndocument = 'resp.rows[0]'\n{ask}{OUTCOME}"
        )]);
        let rows = || world.folders[0].rows_in(&sample, HE).unwrap();
        let found = world.ask(|_| Some(Got::Rows { rows: rows(), as_of: Some(AT) }));
        assert!(matches!(found.as_slice(), [Finding::Found(_)]), "{way}");
    }
}

#[test]
fn a_program_gives_no_text_that_ends_early() {
    let access = "[grpc]\nendpoint = \"https://police.example:1\"\nca = \"ca\"\n";
    let world = World::new([format!("{HEAD}{access}[[operation]]\nfact = \"P1\"\n")]);
    for (name, answers) in [("张三", 1), ("张\0三", 0)] {
        let attributes = [
            ("identity_match".to_owned(), Value { kind: Some(Kind::Truth(true)) }),
            ("name".to_owned(), Value { kind: Some(Kind::Text(name.to_owned())) }),
        ];
        let found = wire::Found { attributes: attributes.into(), ..Default::default() };
        let message =
            wire::FetchResponse { outcome: Some(wire::fetch_response::Outcome::Found(found)) };
        assert_eq!(world.ask(|_| Some(Got::Fetched(message.clone()))).len(), answers);
    }
}

#[test]
fn the_token_is_seen_in_every_layer_and_nowhere_else() {
    let escaped: String = TOKEN.chars().map(|one| format!("\\u{:04x}", u32::from(one))).collect();
    let twice = escaped.replace('\\', "\\\\");
    let entities: String = TOKEN.chars().map(|one| format!("&amp;#{};", u32::from(one))).collect();
    let (start, end) = TOKEN.split_at(4);
    for text in [
        TOKEN.to_owned(),
        escaped,
        twice,
        entities,
        format!("{start}<!-- x -->{end}"),
        format!("{start}<![CDATA[{end}]]>"),
        format!("{start}\"\"{end}"),
    ] {
        assert!(holds_token(text.as_bytes()), "{text}");
    }
    assert!(!holds_token(format!("{start}\\&{end}0").replace('6', "7").as_bytes()));
}
