//! A question as somebody would type it: the arguments that [`Asked`] reads it from.

use clap::Parser;

use super::Gateway;
use super::question::{Asked, OPERATORS};
use crate::proto::gateway::v1 as message;
use crate::query::value::{Comparison, Value};
use crate::wire;
use message::subject::Kind;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    asked: Asked,
}

/// The arguments of the question, under its id; `None` of one that cannot be typed. They name its subjects.
pub(in crate::cli) fn arguments(question: &message::VerifyRequest) -> Option<Vec<String>> {
    let purpose = question.purpose.as_ref()?;
    let operator = question.operator.as_ref()?;
    let mut words = vec![question.fact.clone()];
    let mut put = |name: &str, value: String| {
        if !value.is_empty() {
            words.extend([format!("--{name}"), value]);
        }
    };
    put("request-id", question.request_id.clone());
    for subject in &question.subjects {
        put("subject", format!("{}={}", subject.role, kind(subject.kind.as_ref()?)?));
    }
    for subject in &question.subjects {
        if let Some(related) = wire::read_relation(subject).ok()? {
            let name = related.relation.name();
            let shown_by = match subject.shown_by {
                0 => String::new(),
                index => format!(":{index}"),
            };
            put("relation", format!("{}={name}{shown_by}", subject.role));
        }
    }
    for assertion in &question.assertions {
        put("assert", judged(assertion)?);
    }
    put("disclose", question.disclose.join(","));
    put("item", format!("{}@{}", purpose.item, purpose.item_version));
    put("case", purpose.case_number.clone());
    put("material", purpose.replaced_material.clone());
    put("notice", purpose.notice.clone());
    put("consent", purpose.consent.clone());
    put("operator", format!("{}/{}", operator.id, operator.unit));
    if let Some(age) = &question.max_age {
        put("max-age", format!("{}s", age.seconds));
    }
    reads_back(&words, question).then_some(words)
}

/// Whether the arguments are read as the question: what they cannot say is not said wrongly.
fn reads_back(words: &[String], question: &message::VerifyRequest) -> bool {
    let line = std::iter::once("heyan").chain(words.iter().map(String::as_str));
    let read = Line::try_parse_from(line).ok().and_then(|line| line.asked.question().ok());
    let put = message::VerifyRequest { want_receipt: false, ..question.clone() };
    read == Some(put)
}

fn kind(kind: &Kind) -> Option<String> {
    Some(match kind {
        Kind::Person(person) => {
            let document = match person.document_type() {
                message::IdentityDocument::CitizenId => "",
                message::IdentityDocument::ResidencePermit => "@residence_permit",
                message::IdentityDocument::PermanentResidence => "@permanent_residence",
                message::IdentityDocument::Passport => "@passport",
                message::IdentityDocument::Military => "@military",
                message::IdentityDocument::Other => "@other",
                message::IdentityDocument::Unspecified => return None,
            };
            format!("person:{}/{}{document}", person.name, person.document_number)
        }
        Kind::Employer(employer) if employer.name.is_empty() => {
            format!("employer:{}", employer.uscc)
        }
        Kind::Employer(employer) => format!("employer:{}/{}", employer.name, employer.uscc),
        Kind::Property(home) if !home.unit_number.is_empty() => {
            format!("property:{}", home.unit_number)
        }
        Kind::Property(home) if !home.certificate_number.is_empty() => {
            format!("property:certificate:{}", home.certificate_number)
        }
        Kind::Property(home) => format!("property:address:{}@{}", home.address, home.division),
        Kind::Document(paper) => {
            let code =
                if paper.code.is_empty() { String::new() } else { format!("/{}", paper.code) };
            let place = match paper.division.as_str() {
                "" => String::new(),
                division => format!("@{division}"),
            };
            format!("document:{}{code}{place}", paper.number)
        }
    })
}

fn judged(assertion: &message::Assertion) -> Option<String> {
    let comparison = wire::read_comparison(assertion.comparison())?;
    let values = assertion.values.iter().map(|value| Some(typed(&wire::read_value(value)?)));
    let values: Vec<String> = values.collect::<Option<_>>()?;
    let (name, values) = (&assertion.attribute, values.join(","));
    Some(match comparison {
        Comparison::Exists => format!("{name} exists"),
        Comparison::In => format!("{name} in {values}"),
        other => {
            let (symbol, _) = OPERATORS.iter().find(|(_, known)| *known == other)?;
            format!("{name}{symbol}{values}")
        }
    })
}

fn typed(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("\"{text}\""),
        other => match other.plain() {
            serde_json::Value::String(text) => text,
            plain => plain.to_string(),
        },
    }
}

/// How the gateway is reached, as it was typed.
pub(in crate::cli) fn reached(gateway: &Gateway) -> Vec<String> {
    let (identity, authority) = (gateway.identity.display(), gateway.authority.display());
    [
        ("--gateway", gateway.endpoint.clone()),
        ("--server-name", gateway.server_name.clone()),
        ("--identity", identity.to_string()),
        ("--authority", authority.to_string()),
    ]
    .into_iter()
    .flat_map(|(name, value)| [name.to_owned(), value])
    .collect()
}

/// The words as a shell takes them.
pub(in crate::cli) fn for_a_shell(words: &[String]) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"@%+=:,./_-".contains(&byte);
    let quoted = words.iter().map(|word| match !word.is_empty() && word.bytes().all(plain) {
        true => word.clone(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(words: &[&str]) -> message::VerifyRequest {
        let always = "heyan M1 --request-id x --item W3@2026.2 --case GJJ-1 --operator a/b/c";
        let line = always.split(' ').chain(words.iter().copied());
        Line::try_parse_from(line).unwrap().asked.question().unwrap()
    }

    #[test]
    fn what_is_typed_is_read_as_the_same_question() {
        let cases: [&[&str]; 6] = [
            &["--person", "李 雷/1", "--spouse", "Jo/Ann/2@passport", "--disclose", "a,b"],
            &[
                "--employer",
                "九鼎/91X",
                "--assert",
                "months_last_12>=6",
                "--assert",
                "since exists",
            ],
            &["--employer", "91X", "--assert", "state in a,b", "--assert", "name~李雷"],
            &["--property", "address:某路1号@330102", "--relation", "property=verified:17"],
            &["--property", "certificate:12", "--max-age", "1d", "--assert", "on<=2026-11-23"],
            &["--document", "invoice=12/34@3301", "--notice", "n", "--consent", "c"],
        ];
        for words in cases {
            let question = question(words);
            let written = arguments(&question).unwrap_or_else(|| panic!("{words:?}"));
            assert!(reads_back(&written, &question), "{written:?}");
        }
    }

    #[test]
    fn what_cannot_be_typed_is_not() {
        let mut question =
            question(&["--subject", "member=person:a/1", "--subject", "member=person:b/2"]);
        assert!(arguments(&question).is_some());
        question.subjects[0].relation = message::Relation::Declared.into();
        assert!(arguments(&question).is_none(), "one word stands for all in a role");
        question.subjects[1].relation = message::Relation::Verified.into();
        question.subjects[1].shown_by = 17;
        let written = arguments(&question).expect("a word for each");
        assert!(reads_back(&written, &question), "{written:?}");
    }

    #[test]
    fn a_shell_takes_each_word_as_it_is() {
        let words = ["--person", "李雷/1", "it's", ""].map(str::to_owned);
        assert_eq!(for_a_shell(&words), r"--person '李雷/1' 'it'\''s' ''");
    }
}
