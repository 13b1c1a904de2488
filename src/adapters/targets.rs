//! What fuzzing drives, in `fuzz/` and in the tests alike: any bytes as an agency's reply, one function for each
//! transport, which panics when a promise is broken.
//!
//! The promises: no reply panics; and none is an answer that does not hold what the manifest asks for. The manifests
//! here ask for a token, so bytes that do not hold it are neither "found" nor "not found".

use std::collections::BTreeSet;
use std::fs;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use prost::Message;
use secrecy::SecretString;
use serde_json::{Map, Value as Json};
use tokio::time::Instant;

use super::adapter::Adapter;
use super::failed::Failed;
use super::line::https::Incoming;
use super::line::{self, Got, Line, Put, Putting};
use super::manifest::{self, Access, Depth, Folder};
use super::trial;
use crate::catalogue::{Attribute, AttributeKind, Fact, Role};
use crate::proto::adapter::v1 as wire;
use crate::query::FactCode;
use crate::query::record::Finding;
use crate::query::time::Timestamp;

/// Takes any bytes; panics only when a promise is broken.
pub type Target = fn(&[u8]);

/// Every target by name.
pub const TARGETS: [(&str, Target); 6] = [
    ("adapter_http", http),
    ("adapter_soap", soap),
    ("adapter_sql", sql),
    ("adapter_values", values),
    ("adapter_file", file),
    ("adapter_grpc", grpc),
];

/// What a reply must hold to be an answer.
const TOKEN: &str = "6f1d0c5e9b7a4283";
/// Whom everything below is about.
const HE: &str = trial::PEOPLE[0].0;
/// For one reply, in a debug build on a busy machine. It bounds nothing but "for ever".
const LONGEST: Duration = Duration::from_secs(20);
/// Bytes by which one reply may grow this process.
const LARGEST: u64 = 1 << 30;
/// Layers in which the token may be written.
const LAYERS: usize = 4;
/// When everything below happens: 2026-09-22.
const AT: Timestamp = Timestamp::from_seconds(1_790_042_400);

const HEAD: &str = "schema = 1\nname = \"police\"\nversion = \"1\"\nagency = \"sample\"\n\
                    [secrets]\ntoken = { file = \"token\" }\n";
const OUTCOME: &str = r#"
[operation.outcome]
unavailable = 'doc.code == "99"'
not_found = 'doc.token == secret.token && doc.code == "404"'
conflict = 'doc.token == secret.token && doc.code == "300"'
found = 'doc.token == secret.token'
echo = 'doc.n == subject.person.document_number'
[operation.attributes]
identity_match = 'codes.flag[string(doc.match)]'
born_on = 'date(doc.born)'
children = 'int(doc.children)'
name = 'fold(trim(doc.name))'
[operation.codes.flag]
"1" = true
"0" = false
"#;

const SITE: &str = "base = \"https://police.example\"\nca = \"ca\"\n";

const HTTP_WAYS: [(&str, &str); 3] = [
    ("charset = \"utf-8\"", "resp.body"),
    ("charset = \"gb18030\"", "json(resp.body.datas)"),
    ("arrays = [\"RECORD\"]", "xml(resp.text).PACKAGE.RECORD[0]"),
];
const SOAP_WAYS: [(&str, &str); 2] = [
    ("version = \"1.1\"", "xml(resp.body.answer.out).PACKAGE"),
    ("version = \"1.2\"\ncharset = \"gbk\"", "resp.body.answer"),
];

const FILE_WAYS: [&str; 3] = [
    "digest = \"sha256\"",
    "digest = \"sm3\"\ncharset = \"gb18030\"\nseparator = \"|\"",
    "digest = \"sha256\"\ncolumns = [\"token\", \"code\", \"n\", \"match\", \"born\", \"children\", \"name\"]",
];

struct World {
    /// What the line says next.
    next: Arc<Next>,
    adapters: Vec<Adapter>,
    /// Of the manifests that have one.
    folders: Vec<Folder>,
}

/// A line that says what it was given.
struct Next(Mutex<Option<Got>>);

impl Line for Next {
    fn put(&self, _put: Put, _deadline: Instant) -> Putting<'_> {
        let said = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        Box::pin(async move { said.ok_or_else(|| Failed::contract("nothing more is said")) })
    }
}

/// Over HTTP, read as JSON, as JSON inside JSON in GB 18030, and as XML.
pub fn http(data: &[u8]) {
    drop(answers_over_http(data));
}

fn answers_over_http(data: &[u8]) -> Vec<Finding> {
    static WORLD: LazyLock<World> = LazyLock::new(|| {
        let manifest = |(keys, document): &(&str, &str)| {
            let request = "[operation.request]\npath = \"/\"\n";
            format!(
                "{HEAD}[http]\n{SITE}{keys}\n[[operation]]\nfact = \"P1\"\ndocument = '{document}'\n{request}{OUTCOME}"
            )
        };
        World::new(HTTP_WAYS.iter().map(manifest))
    });
    WORLD.reply(data, |_| Some(reply(data)))
}

/// In SOAP's envelopes, with XML inside XML and without.
pub fn soap(data: &[u8]) {
    drop(answers_over_soap(data));
}

fn answers_over_soap(data: &[u8]) -> Vec<Finding> {
    static WORLD: LazyLock<World> = LazyLock::new(|| {
        let manifest = |(keys, document): &(&str, &str)| {
            let request = "[operation.request]\npath = \"/\"\naction = \"urn:q\"\nbody = '<q/>'\n";
            format!(
                "{HEAD}[soap]\n{SITE}{keys}\n[[operation]]\nfact = \"P1\"\ndocument = '{document}'\n{request}{OUTCOME}"
            )
        };
        World::new(SOAP_WAYS.iter().map(manifest))
    });
    WORLD.reply(data, |_| Some(reply(data)))
}

/// As rows; the bytes are JSON, a list of maps.
pub fn sql(data: &[u8]) {
    drop(answers_over_sql(data));
}

fn answers_over_sql(data: &[u8]) -> Vec<Finding> {
    static WORLD: LazyLock<World> = LazyLock::new(|| {
        let access = "[sql]\nhost = \"police.example\"\ndatabase = \"d\"\nuser = \"u\"\npassword = \"token\"\nca = \"ca\"\n";
        let ask = "statement = \"SELECT a FROM t WHERE n = $1\"\nparameters = ['subject.person.document_number']\n";
        World::new([format!(
            "{HEAD}{access}[[operation]]\nfact = \"P1\"\ndocument = 'latest(resp.rows, \"born\")'\n{ask}{OUTCOME}"
        )])
    });
    WORLD.reply(data, |_| {
        let rows: Vec<Json> = serde_json::from_slice(data).ok()?;
        Some(Got::Rows { rows, as_of: None })
    })
}

/// As the values of columns that are read here and not by the databases' driver.
pub fn values(data: &[u8]) {
    let texts = line::postgres::texts(data).into_iter().chain(line::mysql::text(data));
    for text in texts {
        assert!(text.len() <= 300_000, "a text longer than any number");
        assert!(text.bytes().all(|byte| b"0123456789 :.-".contains(&byte)), "{text}");
    }
}

/// As a dropped table, with column names and without, in UTF-8 and GB 18030.
pub fn file(data: &[u8]) {
    drop(answers_over_file(data));
}

fn answers_over_file(data: &[u8]) -> Vec<Finding> {
    static WORLD: LazyLock<World> = LazyLock::new(|| {
        let manifest = |keys: &&str| {
            let access = "[file]\nfolder = \"in\"\npattern = \"n-*.csv\"\nas_of = \"yyyyMMdd\"\nkey = \"n\"\n";
            let ask = "lookup = 'subject.person.document_number'\n";
            format!(
                "{HEAD}{access}{keys}\n[[operation]]\nfact = \"P1\"\ndocument = 'resp.rows[0]'\n{ask}{OUTCOME}"
            )
        };
        World::new(FILE_WAYS.iter().map(manifest))
    });
    WORLD.reply(data, |way| {
        let rows = WORLD.folders.get(way)?.rows_in(data, HE).ok()?;
        Some(Got::Rows { rows, as_of: Some(AT) })
    })
}

/// As the protobuf of a program's reply. Here nothing but the catalogue stands between the bytes and a record.
pub fn grpc(data: &[u8]) {
    drop(answers_of_program(data));
}

fn answers_of_program(data: &[u8]) -> Vec<Finding> {
    static WORLD: LazyLock<World> = LazyLock::new(|| {
        let access = "[grpc]\nendpoint = \"https://police.example:1\"\nca = \"ca\"\n";
        World::new([format!("{HEAD}{access}[[operation]]\nfact = \"P1\"\n")])
    });
    let Ok(message) = wire::FetchResponse::decode(data) else { return Vec::new() };
    let findings = WORLD.ask(|_| Some(Got::Fetched(message.clone())));
    for finding in &findings {
        let said = message.outcome.as_ref();
        match finding {
            Finding::Found(attributes) => {
                let Some(wire::fetch_response::Outcome::Found(found)) = said else {
                    assert!(attributes.is_empty(), "found in what does not say so");
                    continue;
                };
                assert!(attributes.keys().all(|name| found.attributes.contains_key(name)));
                assert!(
                    attributes.contains_key("identity_match"),
                    "found without what must be there"
                );
            }
            Finding::NotFound => {
                let is_said = matches!(said, Some(wire::fetch_response::Outcome::NotFound(_)));
                assert!(is_said, "not found in what does not say so");
            }
            Finding::Conflict => {
                assert!(said.is_none(), "a program cannot say that records disagree")
            }
        }
    }
    findings
}

fn reply(data: &[u8]) -> Got {
    Got::Http(Incoming { status: 200, headers: Map::new(), body: data.to_vec() })
}

impl World {
    fn new(manifests: impl IntoIterator<Item = String>) -> Self {
        let next = Arc::new(Next(Mutex::new(None)));
        let mut folders = Vec::new();
        let adapter = |text: String| {
            let folder = tempfile::tempdir().ok()?;
            let file = folder.path().join("police.toml");
            fs::write(&file, text).ok()?;
            let mut manifest =
                manifest::read(&file, Depth::ManifestOnly, &|code| Some(fact(code))).ok()?;
            for secret in manifest.secrets.values_mut() {
                *secret = SecretString::from(TOKEN);
            }
            if let Access::File(folder) = &manifest.access {
                folders.push(folder.clone());
            }
            let line: Arc<dyn Line> = Arc::clone(&next) as Arc<dyn Line>;
            Some(Adapter::over(line, manifest, b""))
        };
        let adapters: Option<Vec<Adapter>> = manifests.into_iter().map(adapter).collect();
        let adapters = adapters.unwrap_or_default();
        assert!(!adapters.is_empty(), "the manifests of this file are right");
        Self { next, adapters, folders }
    }

    /// What each adapter makes of it, where that is an answer. `got` is told which of them asks.
    fn ask(&self, got: impl Fn(usize) -> Option<Got>) -> Vec<Finding> {
        // One reply at a time: the line is shared.
        static ONE: Mutex<()> = Mutex::new(());
        let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let Ok(runtime) = runtime else { return Vec::new() };
        let code = FactCode::from("P1");
        let fact = fact(&code);
        let question = trial::question(&code, &fact.roles);
        let granted: BTreeSet<String> =
            fact.attributes.iter().map(|attribute| attribute.name.clone()).collect();
        let mut findings = Vec::new();
        for (way, adapter) in self.adapters.iter().enumerate() {
            *self.next.0.lock().unwrap_or_else(PoisonError::into_inner) = got(way);
            let Some((operation, constants)) = adapter.operation(&code) else { continue };
            let asked = async {
                let deadline = Instant::now() + Duration::from_secs(60);
                adapter.attempt((operation, constants), &question, &granted, (AT, deadline)).await
            };
            if let Ok(mapped) = runtime.block_on(asked) {
                findings.push(mapped.record.finding);
            }
        }
        findings
    }

    /// The same, where an answer must hold the token, and is had in time and in little room.
    fn reply(&self, data: &[u8], got: impl Fn(usize) -> Option<Got>) -> Vec<Finding> {
        let (began, room) = (Instant::now(), most_room());
        let answers = self.ask(got);
        assert!(began.elapsed() < LONGEST, "it took {:?}", began.elapsed());
        let grown = most_room().saturating_sub(room);
        assert!(grown < LARGEST, "it took {grown} bytes");
        assert!(answers.is_empty() || holds_token(data), "an answer without the token");
        answers
    }
}

/// The most bytes that this process ever took, where the system tells.
fn most_room() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or(0).saturating_mul(1024)
}

/// True when the token is in it, as it is or escaped as JSON, XML or a table escapes it, layer in layer.
fn holds_token(data: &[u8]) -> bool {
    let mut text = String::from_utf8_lossy(data).into_owned();
    for _ in 0..=LAYERS {
        text = text.replace("<![CDATA[", "").replace("]]>", "");
        // What the readers leave out, wherever it stands.
        if without_remarks(&text).replace('"', "").contains(TOKEN) || text.contains(TOKEN) {
            return true;
        }
        text = unescaped(&text);
    }
    false
}

fn without_remarks(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    loop {
        let ends = |open: &str, close: &str| {
            let at = rest.find(open)?;
            let behind = rest.get(at + open.len()..)?;
            Some((at, behind.get(behind.find(close)? + close.len()..)?))
        };
        let next = [ends("<!--", "-->"), ends("<?", "?>")].into_iter().flatten();
        let Some((at, behind)) = next.min_by_key(|(at, _)| *at) else { break };
        kept.push_str(rest.get(..at).unwrap_or_default());
        rest = behind;
    }
    kept + rest
}

/// One layer of escapes taken off.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let escape = match first {
            '\\' => rest.get(1..).and_then(|after| match after.strip_prefix('u') {
                Some(digits) => {
                    let code = u32::from_str_radix(digits.get(..4)?, 16).ok()?;
                    Some((char::from_u32(code)?, 6))
                }
                None => after.chars().next().map(|one| (one, 1 + one.len_utf8())),
            }),
            '&' => rest
                .split_once(';')
                .and_then(|(entity, _)| Some((entity_of(entity.get(1..)?)?, entity.len() + 1))),
            _ => None,
        };
        let (character, length) = escape.unwrap_or((first, first.len_utf8()));
        plain.push(character);
        rest = rest.get(length..).unwrap_or_default();
    }
    plain
}

fn entity_of(entity: &str) -> Option<char> {
    match entity {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        other => {
            let code = other.strip_prefix('#')?;
            let number = match code.strip_prefix('x') {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => code.parse(),
            };
            char::from_u32(number.ok()?)
        }
    }
}

fn fact(code: &FactCode) -> Fact {
    let attribute = |name: &str, kind, optional| Attribute {
        name: name.to_owned(),
        kind,
        title_zh: String::new(),
        optional,
    };
    Fact {
        code: code.clone(),
        version: "1".to_owned(),
        title: String::new(),
        title_zh: String::new(),
        agency: "sample".into(),
        roles: vec![Role {
            name: "person".to_owned(),
            kind: "person".to_owned(),
            optional: false,
            many: false,
        }],
        attributes: vec![
            attribute("identity_match", AttributeKind::Truth, false),
            attribute("born_on", AttributeKind::Date, true),
            attribute("children", AttributeKind::Integer, true),
            attribute("name", AttributeKind::Text, true),
        ],
        confirms: None,
        fresh_for: Duration::from_secs(60),
    }
}

#[cfg(test)]
mod tests;
