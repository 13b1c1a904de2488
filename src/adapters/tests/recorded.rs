//! Recordings of an agency that writes GB 18030, knows some people only, and sometimes tells more than anybody can replace.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use encoding_rs::GB18030;
use serde_json::json as tree;

use super::agency::*;
use crate::adapters::workbench::{RecordError, Recorded, Target, Workbench};
use crate::adapters::{Depth, check, rehearse};
use crate::catalogue::Catalogue;
use crate::crypto::hex;
use crate::finding::Finding;

/// The example that the standard of the numbers prints: somebody's in form.
const REAL: &str = "11010519491231002X";

fn manifest(agency: &Agency) -> String {
    format!(
        r#"
schema = 1
name = "civil-affairs"
version = "1.0.0"
agency = "civil-affairs"
[http]
base = "https://localhost:{port}"
ca = "../ca.pem"
charset = "gb18030"
[[operation]]
fact = "M3"
document = 'resp.body.rows'
[operation.request]
path = "/cremation"
form = {{ id = 'subject.person.document_number', name = 'subject.person.name' }}
[operation.outcome]
not_found = 'size(doc) == 0'
found = 'true'
echo = 'doc[0].id == subject.person.document_number && fold(doc[0].name) == fold(subject.person.name)'
[operation.attributes]
cremated = 'true'
cremated_on = 'date(doc[0].on)'
"#,
        port = agency.address.port()
    )
}

/// What it says of the one person it knows, with this remark.
fn says(remark: &'static str) -> impl Fn(&Heard) -> Does + Send + Sync + 'static {
    move |heard| {
        let asked = String::from_utf8(heard.body.clone()).unwrap();
        // 张三, in GB 18030.
        let is_known = asked.contains("%D5%C5%C8%FD") && asked.contains(HE);
        let row = format!(r#"{{"id":"{HE}","name":"张三","on":"20260131","remark":"{remark}"}}"#);
        let text = format!(r#"{{"rows":[{}]}}"#, if is_known { &row } else { "" });
        Does::Says(200, "application/json;charset=GBK", GB18030.encode(&text).0.into_owned())
    }
}

fn catalogue() -> Catalogue {
    Catalogue::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("config-example/catalogue"))
        .unwrap()
}

async fn record(
    file: &Path,
    number: &str,
    name: &str,
    called: &str,
) -> Result<Recorded, RecordError> {
    let catalogue = catalogue();
    let bench = Workbench::open(file, &catalogue).ok().unwrap();
    let granted = BTreeSet::from(["cremated".to_owned(), "cremated_on".to_owned()]);
    let target = Target { into: file.with_extension(""), name: called.to_owned(), replace: false };
    let question = query("M3", vec![person("person", number, name)]);
    bench.record(&question, &granted, NOW, BUDGET, &target).await
}

fn placed(office: &Office, agency: &Agency) -> PathBuf {
    office.place("agency.toml", &manifest(agency));
    let file = office.path().join("adapters/agency.toml");
    assert_eq!(check(&file, &catalogue(), Depth::WithFiles).findings, []);
    file
}

#[tokio::test]
async fn an_agency_that_writes_gb18030_is_recorded_whomever_it_knows() {
    let office = Office::new();
    let agency = Agency::open(office.server("localhost", &[]), says("长沙市殡仪馆")).await;
    let file = placed(&office, &agency);
    let known = record(&file, HE, "张三", "known").await.unwrap();
    assert_eq!((known.outcome.as_str(), known.exchanges), ("found", 1));
    // Nobody of that number; then the number under another name.
    let nobody = record(&file, SHE, "李四", "nobody").await.unwrap();
    assert_eq!(nobody.outcome, "not_found");
    assert_eq!(record(&file, HE, "李四", "another name").await.unwrap().outcome, "not_found");
    let text = fs::read_to_string(&known.file).unwrap();
    for real in [HE, SHE, "张三", "李四", "长沙", "%D5%C5%C8%FD", "%C0%EE%CB%C4"] {
        assert!(!text.contains(real), "{real} is written");
    }
    // Names are Chinese still, and go over the line in the agency's charset.
    assert!(text.contains("name = \"天地\"") && text.contains("name=%CC%EC%B5%D8"), "{text}");
    for rehearsal in rehearse(&file, &catalogue()) {
        assert_eq!(rehearsal.findings(), Vec::<Finding>::new());
        assert_eq!(rehearsal.played.len(), 3);
    }
}

#[tokio::test]
async fn nothing_is_written_where_a_number_of_somebody_would_be_left() {
    let office = Office::new();
    // What is no text shows nobody knows whom: a portrait, for one.
    let portrait: &'static str = Box::leak(STANDARD.encode([0xff; 300]).into_boxed_str());
    let agency = Agency::open(office.server("localhost", &[]), says(portrait)).await;
    let file = placed(&office, &agency);
    let refused = record(&file, HE, "张三", "known").await.err().unwrap();
    assert!(matches!(refused, RecordError::Binary), "{refused}");
    assert!(!file.with_extension("").exists());
    // About whom it says nothing there is nothing to hide, and the file that was there stays as it is.
    let good = record(&file, SHE, "李四", "nobody").await.unwrap();
    let before = fs::read_to_string(&good.file).unwrap();
    assert!(record(&file, HE, "张三", "known").await.is_err());
    assert_eq!(fs::read_to_string(&good.file).unwrap(), before);
}

#[tokio::test]
async fn nobody_is_left_in_whatever_no_expression_reads() {
    let token = URL_SAFE_NO_PAD.encode(format!("{{\"name\":\"欧阳修文\",\"id\":\"{REAL}\"}}"));
    let digits = hex(format!("欧阳修文 {REAL}").as_bytes());
    let fields = tree!({
        "jwt": format!("{}.{token}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(r#"{"alg":"none","x":1}"#)),
        "token": token,
        "hex": digits,
        "欧阳修文": 1,
        "xml": "<kin name='欧阳修文' tel='13912345678'/><?memo 欧阳修文?><a>x</a>",
        "spaced": "110105 19491231 002X",
        "glued": format!("ID{REAL}"),
        "mobile": "139-1234-5678",
        "line": "0731-84731234",
        "passport": "E12345678",
        "plate": "湘A12345",
        "mail": "li.si@mail.example.com",
        "english": "Maria Gonzalez",
        "uyghur": "ئەلى",
        "said_at": "2026-01-31 08:00:00",
        "amount": 1234.5,
        "division": "430100",
    });
    let text = fields.to_string();
    let inside = text.trim_start_matches('{').trim_end_matches('}');
    let remark = format!("x\",{inside},\"z\":\"");
    let office = Office::new();
    let said = says(Box::leak(remark.into_boxed_str()));
    let agency = Agency::open(office.server("localhost", &[]), said).await;
    let file = placed(&office, &agency);
    let done = record(&file, HE, "张三", "known").await.unwrap();
    assert_eq!(done.outcome, "found");
    let written = fs::read_to_string(&done.file).unwrap();
    for real in [
        token.as_str(),
        digits.as_str(),
        REAL,
        "欧阳",
        "修文",
        "13912345678",
        "139-1234-5678",
        "84731234",
        "19491231",
        "E12345678",
        "A12345",
        "li.si",
        "Maria",
        "Gonzalez",
        "ئەلى",
        "memo",
    ] {
        assert!(!written.contains(real), "{real} is written in\n{written}");
    }
    for kept in ["2026-01-31 08:00:00", "1234.5", "430100", "20260131"] {
        assert!(written.contains(kept), "{kept} is lost in\n{written}");
    }
}

#[tokio::test]
async fn nothing_of_a_session_is_shown_but_names_and_types() {
    let office = Office::new();
    let agency = Agency::open(office.server("localhost", &[]), |heard: &Heard| {
        if heard.line.contains("/token") {
            let refresh = r#"{"code":0,"token":"token-123456","refresh":{"token":"refresh-abcdef-999"},"ends":1800000000000}"#;
            return json(refresh.to_owned());
        }
        json(r#"{"rows":[],"again":"refresh-abcdef-999"}"#.to_owned())
    })
    .await;
    let session = "[session]\nrequest = { path = \"/token\" }\nvalues = { token = 'resp.body.token' }\n\
                   expires = 'resp.body.ends'\nfailed = 'size(resp.body) == 0'\n[[operation]]";
    let text =
        manifest(&agency).replace("charset = \"gb18030\"\n", "").replace("[[operation]]", session);
    let signed = "headers = { Authorization = '\"Bearer \" + session.token' }\nform =";
    office.place("agency.toml", &text.replace("form =", signed));
    let catalogue = catalogue();
    let bench =
        Workbench::open(&office.path().join("adapters/agency.toml"), &catalogue).ok().unwrap();
    let question = query("M3", vec![person("person", HE, "张三")]);
    let steps = bench.try_one(&question, &BTreeSet::new(), NOW, BUDGET).await.ok().unwrap();
    let shown = serde_json::to_string_pretty(&steps).unwrap();
    for secret in ["refresh-abcdef-999", "token-123456"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    assert!(shown.contains(r#"\"refresh\":{\"token\":\"(text)\"}"#), "{shown}");
}
