//! From an application's file to its message. Forms are checked here; what they say is the gateway's to judge.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

use crate::cli::query::question;
use crate::crypto::sha256;
use crate::proto::gateway::v1 as message;
use crate::query::value::Value;
use crate::wire;

/// Largest file that is named as evidence: a scan of many pages.
const EVIDENCE_BYTES: u64 = 256 << 20;

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    item: String,
    #[serde(default)]
    version: String,
    case_number: String,
    #[serde(default)]
    submitted_on: Option<toml::Value>,
    #[serde(default)]
    notice: String,
    #[serde(default)]
    consent: String,
    operator: Operator,
    #[serde(default)]
    parties: BTreeMap<String, Named>,
    #[serde(default)]
    given: BTreeMap<String, toml::Value>,
    #[serde(default)]
    evidence: BTreeMap<String, Paper>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Operator {
    id: String,
    #[serde(default)]
    unit: String,
}

/// One subject, or several: `{ person = "NAME/NUMBER" }`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Named {
    One(BTreeMap<String, String>),
    Many(Vec<BTreeMap<String, String>>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Paper {
    issuer: String,
    issued_on: toml::Value,
    /// Of the file, in hexadecimal; where the file itself lies elsewhere.
    #[serde(default)]
    sha256: String,
    #[serde(default)]
    file: PathBuf,
}

/// Reads the file; the case's id is left empty. Errors never repeat a name or a number.
pub(super) fn read(file: &Path) -> anyhow::Result<message::CheckCaseRequest> {
    let shown = file.display();
    let text = fs::read_to_string(file).with_context(|| format!("cannot read `{shown}`"))?;
    let form = parse(&text).with_context(|| format!("`{shown}` cannot be understood"))?;
    let folder = file.parent().unwrap_or(Path::new("."));
    written(form, folder).with_context(|| format!("`{shown}` cannot be understood"))
}

fn parse(text: &str) -> anyhow::Result<Form> {
    toml::from_str(text).map_err(|error| {
        // The error's own text quotes the line, which may hold a name and a number.
        let line = error
            .span()
            .map(|span| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1);
        let place = line.map(|line| format!("line {line}: ")).unwrap_or_default();
        // So may its message, in quotes: what it says of a value is left out, what it says of a key is not.
        let message = error.message();
        let message =
            if message.contains("invalid ") { "something else is expected here" } else { message };
        anyhow::anyhow!("{place}{message}")
    })
}

fn written(form: Form, folder: &Path) -> anyhow::Result<message::CheckCaseRequest> {
    let mut subjects = Vec::new();
    for (role, named) in form.parties {
        let named = match named {
            Named::One(one) => vec![one],
            Named::Many(many) => many,
        };
        for one in named {
            subjects.push(subject(&role, &one).with_context(|| format!("parties.{role}"))?);
        }
    }
    let empty = |value: &toml::Value| value.as_str().is_some_and(str::is_empty);
    let unwritten = form.given.iter().filter(|(_, value)| empty(value)).map(|(name, _)| name);
    let unwritten: Vec<&str> = unwritten.map(String::as_str).collect();
    ensure!(unwritten.is_empty(), "given: write a value for {}", unwritten.join(", "));
    let mut given = std::collections::HashMap::new();
    for (name, value) in form.given {
        let value = self::value(&value).with_context(|| format!("given.{name}"))?;
        given.insert(name, wire::value(value));
    }
    let mut evidence = Vec::new();
    for (name, paper) in form.evidence {
        let attached = attached(&name, &paper, folder);
        evidence.push(attached.with_context(|| format!("evidence.{name}"))?);
    }
    Ok(message::CheckCaseRequest {
        case_id: String::new(),
        purpose: Some(message::Purpose {
            item: form.item,
            item_version: form.version,
            case_number: form.case_number,
            notice: form.notice,
            consent: form.consent,
            ..message::Purpose::default()
        }),
        operator: Some(message::Operator { id: form.operator.id, unit: form.operator.unit }),
        submitted_on: match &form.submitted_on {
            Some(day) => self::day(day).context("submitted_on")?,
            None => String::new(),
        },
        subjects,
        given,
        evidence,
        want_receipts: false,
    })
}

fn subject(role: &str, named: &BTreeMap<String, String>) -> anyhow::Result<message::Subject> {
    let mut parts = named.iter();
    match (parts.next(), parts.next()) {
        (Some((kind, value)), None) => Ok(question::subject(role, question::kind(kind, value)?)),
        _ => bail!(
            "write one of {{ person = … }}, {{ employer = … }}, {{ property = … }}, {{ document = … }}"
        ),
    }
}

/// A day may be written with quotes or without.
fn day(value: &toml::Value) -> anyhow::Result<String> {
    match value {
        toml::Value::String(text) => Ok(text.clone()),
        toml::Value::Datetime(day) if day.time.is_none() => Ok(day.to_string()),
        _ => bail!("write a day, such as 2026-10-12"),
    }
}

/// A text that looks like a day or a month is one: rules have no texts of that form.
fn value(value: &toml::Value) -> anyhow::Result<Value> {
    let is_date = |text: &str| {
        [7, 10].contains(&text.len())
            && text.bytes().enumerate().all(|(place, byte)| match place {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            })
    };
    Ok(match value {
        toml::Value::Boolean(truth) => Value::Truth(*truth),
        toml::Value::Integer(integer) => Value::Integer(*integer),
        toml::Value::String(text) if is_date(text) => Value::Date(text.clone()),
        toml::Value::String(text) => Value::Text(text.clone()),
        toml::Value::Datetime(_) => Value::Date(day(value)?),
        _ => bail!("write true or false, a whole number (money in fen), a day or a text"),
    })
}

fn attached(name: &str, paper: &Paper, folder: &Path) -> anyhow::Result<message::Evidence> {
    let has_file = !paper.file.as_os_str().is_empty();
    ensure!(
        has_file == paper.sha256.is_empty(),
        "give either `file`, the paper itself, or `sha256`, its digest"
    );
    let digest = if has_file {
        let path = folder.join(&paper.file);
        let shown = path.display();
        let length = fs::metadata(&path).with_context(|| format!("cannot read `{shown}`"))?.len();
        ensure!(length <= EVIDENCE_BYTES, "`{shown}` is larger than 256 MiB");
        let bytes = fs::read(&path).with_context(|| format!("cannot read `{shown}`"))?;
        sha256(&bytes).to_vec()
    } else {
        digest(&paper.sha256).context("`sha256` is 64 hexadecimal digits")?
    };
    Ok(message::Evidence {
        name: name.to_owned(),
        issuer: paper.issuer.clone(),
        digest,
        issued_on: day(&paper.issued_on).context("issued_on")?,
    })
}

fn digest(text: &str) -> Option<Vec<u8>> {
    let pair = |place: usize| u8::from_str_radix(text.get(place..place + 2)?, 16).ok();
    (text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .then(|| (0..64).step_by(2).map(pair).collect())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"
item = "W3"
case_number = "GJJ-1"
submitted_on = 2026-10-12
operator = { id = "0042", unit = "hall-1" }
[parties]
applicant = { person = "李雷/1101" }
declared_child = [{ person = "甲/1" }, { person = "乙/2@passport" }]
[given]
months_in_a_row = 12
withdrawn_within_12_months = false
since = 2026-09-01
month = "2026-09"
kind = "rent"
[evidence.single_declaration]
issuer = "applicant"
issued_on = "2026-10-12"
file = "paper.txt"
"#;

    fn taken(text: &str, folder: &Path) -> anyhow::Result<message::CheckCaseRequest> {
        written(parse(text)?, folder)
    }

    #[test]
    fn a_whole_application() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("paper.txt"), "unmarried").unwrap();
        let request = taken(WHOLE, folder.path()).unwrap();
        assert_eq!(request.submitted_on, "2026-10-12");
        let roles: Vec<&str> =
            request.subjects.iter().map(|subject| subject.role.as_str()).collect();
        assert_eq!(roles, ["applicant", "declared_child", "declared_child"]);
        let given = |name: &str| wire::read_value(&request.given[name]).unwrap();
        assert_eq!(given("months_in_a_row"), Value::Integer(12));
        assert_eq!(given("withdrawn_within_12_months"), Value::Truth(false));
        assert_eq!(given("since"), Value::Date("2026-09-01".to_owned()));
        assert_eq!(given("month"), Value::Date("2026-09".to_owned()));
        assert_eq!(given("kind"), Value::Text("rent".to_owned()));
        assert_eq!(request.evidence[0].digest, sha256(b"unmarried"));
        assert_eq!(request.evidence[0].issued_on, "2026-10-12");
    }

    #[test]
    fn mistakes_are_explained_without_repeating_personal_data() {
        let folder = Path::new(".");
        for (from, to, expected) in [
            ("{ person = \"李雷/1101\" }", "{ cat = \"李雷/1101\" }", "parties.applicant"),
            ("{ person = \"李雷/1101\" }", "{ person = \"李雷1101\" }", "NAME/NUMBER"),
            ("{ person = \"李雷/1101\" }", "{ person = \"李雷/1101\" ", "line 8: "),
            ("{ person = \"李雷/1101\" }", "[\"李雷/1101\"]", "line 7: "),
            ("file = \"paper.txt\"", "file = \"none.txt\"", "none.txt"),
            ("file = \"paper.txt\"", "", "either `file`"),
            ("file = \"paper.txt\"", "sha256 = \"12\"", "64 hexadecimal digits"),
            ("kind = \"rent\"", "kind = 1.5", "given.kind"),
            ("kind = \"rent\"", "kind = \"\"", "write a value for kind"),
            ("applicant = { person = \"李雷/1101\" }", "applicant = \"李雷/1101\"", "line 7"),
            (
                "operator = { id = \"0042\", unit = \"hall-1\" }",
                "operator = \"李雷/1101\"",
                "line 5: something else",
            ),
            ("item = \"W3\"", "itam = \"W3\"", "itam"),
        ] {
            let text = WHOLE.replace(from, to);
            assert_ne!(text, WHOLE);
            let error = format!("{:#}", taken(&text, folder).unwrap_err());
            assert!(error.contains(expected), "{expected}: {error}");
            assert!(!error.contains("李雷") && !error.contains("1101"), "{error}");
        }
    }

    #[test]
    fn digests_are_hexadecimal() {
        assert_eq!(digest(&"0f".repeat(32)), Some(vec![15; 32]));
        for wrong in ["", "0f", &"0g".repeat(32), &"+1".repeat(32)] {
            assert_eq!(digest(wrong), None, "{wrong}");
        }
    }
}
