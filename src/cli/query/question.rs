//! From arguments to a question. Forms are checked here; what they say is the gateway's to judge.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use clap::Args;

use crate::client::Client;
use crate::proto::gateway::v1 as message;
use crate::query::relation::Relation;
use crate::query::value::{Comparison, Value};
use crate::wire;
use message::subject::Kind;

/// What is asked.
#[derive(Debug, Args)]
pub(in crate::cli) struct Asked {
    /// Fact of the catalogue, such as M2
    fact: String,
    /// A person in the role `person`: NAME/NUMBER, the number of another document than a citizen ID as NUMBER@passport
    #[arg(long, value_name = "NAME/NUMBER")]
    person: Option<String>,
    /// A person in the role `spouse`
    #[arg(long, value_name = "NAME/NUMBER")]
    spouse: Option<String>,
    /// An employer in the role `employer`
    #[arg(long, value_name = "[NAME/]USCC")]
    employer: Option<String>,
    /// A home in the role `property`, by unit number (不动产单元号), or as certificate:NUMBER or address:TEXT@DIVISION
    #[arg(long, value_name = "UNIT")]
    property: Option<String>,
    /// A paper in any role
    #[arg(long, value_name = "ROLE=NUMBER[/CODE][@DIVISION]")]
    document: Vec<String>,
    /// Anything in any role; KIND is person, employer, property or document
    #[arg(long, value_name = "ROLE=KIND:VALUE")]
    subject: Vec<String>,
    /// What to judge, such as 'months_last_12>=6'; without one, the fact's own confirmation
    #[arg(long = "assert", value_name = "ASSERTION")]
    assertions: Vec<String>,
    /// Attributes whose values are wanted
    #[arg(long, value_name = "ATTRIBUTE", value_delimiter = ',')]
    disclose: Vec<String>,
    /// The service item this is for, with the version of its rule
    #[arg(long, value_name = "ITEM@VERSION")]
    item: String,
    /// Case number (办件编号)
    #[arg(long, value_name = "NUMBER")]
    case: String,
    /// Code of the paper that the answer replaces
    #[arg(long, value_name = "CODE", default_value = "", hide_default_value = true)]
    material: String,
    /// How the subject in a role belongs to the case: case_party, declared, mandated, or verified:INDEX, where INDEX is
    /// the log's entry of the answer that has shown it; given once it is of all in the role, else of each in their order
    #[arg(long = "relation", value_name = "ROLE=KIND[:INDEX]")]
    relations: Vec<String>,
    /// Code of the text of notice (告知) that the person was given
    #[arg(long, value_name = "CODE", default_value = "", hide_default_value = true)]
    notice: String,
    /// Where the person's consent (授权) is kept, by its number
    #[arg(long, value_name = "NUMBER", default_value = "", hide_default_value = true)]
    consent: String,
    /// Who asks, and their unit
    #[arg(long, value_name = "ID/UNIT")]
    operator: String,
    /// Oldest acceptable answer, such as 1d
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    max_age: Option<Duration>,
    /// Repeat an earlier question under its id
    #[arg(long, value_name = "UUID")]
    request_id: Option<String>,
}

impl Asked {
    /// True when it is an earlier question, under its id.
    pub(in crate::cli) fn is_repeated(&self) -> bool {
        self.request_id.is_some()
    }

    /// The question as the wire has it.
    pub(in crate::cli) fn question(&self) -> anyhow::Result<message::VerifyRequest> {
        let (item, item_version) = self
            .item
            .split_once('@')
            .ok_or_else(|| anyhow!("--item: write ITEM@VERSION, such as W3@2026.1"))?;
        let (operator, unit) = self
            .operator
            .rsplit_once('/')
            .ok_or_else(|| anyhow!("--operator: write ID/UNIT, such as 0042/counter-3"))?;
        let assertions = self.assertions.iter().map(|text| {
            assertion(text).with_context(|| format!("--assert '{text}' cannot be understood"))
        });
        Ok(message::VerifyRequest {
            request_id: self.request_id.clone().unwrap_or_else(Client::request_id),
            fact: self.fact.clone(),
            subjects: self.subjects()?,
            assertions: assertions.collect::<anyhow::Result<_>>()?,
            disclose: self.disclose.clone(),
            purpose: Some(message::Purpose {
                item: item.to_owned(),
                item_version: item_version.to_owned(),
                case_number: self.case.clone(),
                replaced_material: self.material.clone(),
                notice: self.notice.clone(),
                consent: self.consent.clone(),
            }),
            operator: Some(message::Operator { id: operator.to_owned(), unit: unit.to_owned() }),
            max_age: self.max_age.map(wire::duration),
            want_receipt: false,
        })
    }

    fn subjects(&self) -> anyhow::Result<Vec<message::Subject>> {
        let named = [
            ("person", "person", &self.person),
            ("spouse", "person", &self.spouse),
            ("employer", "employer", &self.employer),
            ("property", "property", &self.property),
        ];
        let mut subjects = Vec::new();
        for (role, kind, value) in named {
            if let Some(value) = value {
                let kind = self::kind(kind, value).with_context(|| format!("--{role}"))?;
                subjects.push(subject(role, kind));
            }
        }
        for text in &self.document {
            let (role, value) = text.split_once('=').context(
                "--document: write ROLE=NUMBER, ROLE=NUMBER/CODE or ROLE=NUMBER@DIVISION",
            )?;
            subjects.push(subject(role, document(value)));
        }
        for text in &self.subject {
            let (role, kind, value) = text
                .split_once('=')
                .and_then(|(role, rest)| {
                    rest.split_once(':').map(|(kind, value)| (role, kind, value))
                })
                .context("--subject: write ROLE=KIND:VALUE, such as member=person:NAME/NUMBER")?;
            let kind = self::kind(kind, value).with_context(|| format!("--subject {role}"))?;
            subjects.push(subject(role, kind));
        }
        self.relate(&mut subjects)?;
        if subjects.is_empty() {
            bail!("about whom? give --person, --employer, --property, --document or --subject");
        }
        Ok(subjects)
    }
}

impl Asked {
    /// Says of every subject in a role how it belongs to the case: one word for all, or one for each in their order.
    fn relate(&self, subjects: &mut [message::Subject]) -> anyhow::Result<()> {
        let mut said_of: BTreeMap<&str, Vec<(Relation, u64)>> = BTreeMap::new();
        for text in &self.relations {
            let form =
                "--relation: write ROLE=KIND or ROLE=verified:INDEX, such as spouse=verified:17";
            let (role, said) = text.split_once('=').context(form)?;
            let (kind, index) = said.split_once(':').unwrap_or((said, "0"));
            let relation = Relation::from_name(kind).with_context(|| {
                let known = Relation::ALL.map(Relation::name).join(", ");
                format!("--relation {role}: `{kind}` is none of {known}")
            })?;
            said_of.entry(role).or_default().push((relation, index.parse().context(form)?));
        }
        for (role, said) in said_of {
            let found: Vec<_> = subjects.iter_mut().filter(|one| one.role == role).collect();
            if found.is_empty() {
                bail!("--relation {role}: nobody is given in this role");
            }
            if said.len() > 1 && said.len() != found.len() {
                bail!("--relation {role}: give it once for all in this role, or once for each");
            }
            for (subject, (relation, shown_by)) in found.into_iter().zip(said.iter().cycle()) {
                subject.relation = wire::relation(*relation).into();
                subject.shown_by = *shown_by;
            }
        }
        Ok(())
    }
}

/// One subject of a named kind. Errors never repeat the value: it is personal data.
pub(in crate::cli) fn subject(role: &str, kind: message::subject::Kind) -> message::Subject {
    let (role, kind) = (role.to_owned(), Some(kind));
    message::Subject { role, kind, ..message::Subject::default() }
}

/// What a value says of a subject of this kind. Errors never repeat it.
pub(in crate::cli) fn kind(kind: &str, value: &str) -> anyhow::Result<Kind> {
    match kind {
        "person" => person(value),
        "employer" => Ok(employer(value)),
        "property" => property(value),
        "document" => Ok(document(value)),
        other => bail!("`{other}` is none of person, employer, property, document"),
    }
}

fn person(value: &str) -> anyhow::Result<Kind> {
    let (name, number) = value.rsplit_once('/').context("write NAME/NUMBER")?;
    let (document_number, document) = number.split_once('@').unwrap_or((number, "citizen_id"));
    let document_type = match document {
        "citizen_id" => message::IdentityDocument::CitizenId,
        "residence_permit" => message::IdentityDocument::ResidencePermit,
        "permanent_residence" => message::IdentityDocument::PermanentResidence,
        "passport" => message::IdentityDocument::Passport,
        "military" => message::IdentityDocument::Military,
        "other" => message::IdentityDocument::Other,
        _ => bail!(
            "after @ comes one of citizen_id, residence_permit, permanent_residence, passport, military, other"
        ),
    };
    Ok(Kind::Person(message::Person {
        document_type: document_type.into(),
        document_number: document_number.to_owned(),
        name: name.to_owned(),
    }))
}

fn employer(value: &str) -> Kind {
    let (name, uscc) = value.rsplit_once('/').unwrap_or(("", value));
    Kind::Employer(message::Employer { uscc: uscc.to_owned(), name: name.to_owned() })
}

fn property(value: &str) -> anyhow::Result<Kind> {
    let mut property = message::Property::default();
    if let Some(number) = value.strip_prefix("certificate:") {
        number.clone_into(&mut property.certificate_number);
    } else if let Some(place) = value.strip_prefix("address:") {
        let (address, division) = place
            .rsplit_once('@')
            .context("an address needs its division code (GB/T 2260): address:TEXT@DIVISION")?;
        address.clone_into(&mut property.address);
        division.clone_into(&mut property.division);
    } else {
        value.clone_into(&mut property.unit_number);
    }
    Ok(Kind::Property(property))
}

fn document(value: &str) -> Kind {
    let (numbers, division) = value.rsplit_once('@').unwrap_or((value, ""));
    let (number, code) = numbers.split_once('/').unwrap_or((numbers, ""));
    Kind::Document(message::Document {
        number: number.to_owned(),
        code: code.to_owned(),
        division: division.to_owned(),
    })
}

/// Longer operators stand before those they begin with.
pub(super) const OPERATORS: [(&str, Comparison); 11] = [
    (">=", Comparison::Ge),
    ("≥", Comparison::Ge),
    ("<=", Comparison::Le),
    ("≤", Comparison::Le),
    ("!=", Comparison::Ne),
    ("≠", Comparison::Ne),
    ("==", Comparison::Eq),
    ("=", Comparison::Eq),
    (">", Comparison::Gt),
    ("<", Comparison::Lt),
    ("~", Comparison::NameMatch),
];

/// The assertion of the text, such as `months_last_12>=6`.
pub(in crate::cli) fn assertion(text: &str) -> anyhow::Result<message::Assertion> {
    let end = text
        .find(|character: char| !character.is_ascii_alphanumeric() && character != '_')
        .unwrap_or(text.len());
    let (attribute, rest) = text.split_at(end);
    let rest = rest.trim();
    if attribute.is_empty() {
        bail!("it begins with the name of an attribute");
    }
    let symbol = OPERATORS.iter().find_map(|&(symbol, comparison)| {
        rest.strip_prefix(symbol).map(|value| (comparison, vec![value.trim()]))
    });
    let (comparison, values) = match (symbol, rest) {
        (Some(found), _) => found,
        (None, "exists") => (Comparison::Exists, Vec::new()),
        (None, rest) => match rest.strip_prefix("in ") {
            Some(list) => (Comparison::In, list.split(',').map(str::trim).collect()),
            None => bail!("after the attribute comes one of = != < <= > >= ~ in exists"),
        },
    };
    if values.iter().any(|value| value.is_empty()) {
        bail!("a value is missing");
    }
    Ok(message::Assertion {
        attribute: attribute.to_owned(),
        comparison: wire::comparison(comparison).into(),
        values: values.into_iter().map(|value| wire::value(self::value(value))).collect(),
    })
}

/// The most natural reading; quotes make it text.
fn value(text: &str) -> Value {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return Value::Text(inner.to_owned());
        }
    }
    let is_date = [10, 7].contains(&text.len())
        && text.bytes().enumerate().all(|(position, byte)| match position {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    match (text, text.parse()) {
        ("true", _) => Value::Truth(true),
        ("false", _) => Value::Truth(false),
        (_, Ok(integer)) => Value::Integer(integer),
        _ if is_date => Value::Date(text.to_owned()),
        _ => Value::Text(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        asked: Asked,
    }

    const PURPOSE: [&str; 6] =
        ["--item", "W3@2026.1", "--case", "GJJ-1", "--operator", "a/b/counter-3"];

    fn ask(arguments: &[&str]) -> anyhow::Result<message::VerifyRequest> {
        Line::try_parse_from(["query", "M2"].iter().chain(&PURPOSE).chain(arguments))?
            .asked
            .question()
    }

    fn subject(arguments: &[&str]) -> (String, Kind) {
        let subject = ask(arguments).unwrap().subjects.remove(0);
        (subject.role, subject.kind.unwrap())
    }

    #[test]
    fn a_whole_question() {
        let arguments =
            ["--person", "李雷/1", "--spouse", "Jo/Ann/2@passport", "--disclose", "a,b"];
        let question = ask(&[&arguments[..], &["--max-age", "1d"]].concat()).unwrap();
        let purpose = question.purpose.unwrap();
        assert_eq!((purpose.item.as_str(), purpose.item_version.as_str()), ("W3", "2026.1"));
        let operator = question.operator.unwrap();
        assert_eq!((operator.id.as_str(), operator.unit.as_str()), ("a/b", "counter-3"));
        assert_eq!(question.disclose, ["a", "b"]);
        assert_eq!(question.max_age.unwrap().seconds, 86_400);
        assert_eq!(uuid::Uuid::parse_str(&question.request_id).unwrap().get_version_num(), 7);
        let Some(Kind::Person(spouse)) = &question.subjects[1].kind else { panic!("no person") };
        assert_eq!((spouse.name.as_str(), spouse.document_number.as_str()), ("Jo/Ann", "2"));
        assert_eq!(spouse.document_type(), message::IdentityDocument::Passport);
    }

    #[test]
    fn subjects_of_every_kind() {
        let (_, employer) = subject(&["--employer", "九鼎/91X"]);
        assert!(matches!(employer, Kind::Employer(it) if it.uscc == "91X" && it.name == "九鼎"));
        let (_, employer) = subject(&["--employer", "91X"]);
        assert!(matches!(employer, Kind::Employer(it) if it.uscc == "91X" && it.name.is_empty()));
        let (_, home) = subject(&["--property", "3301 GB"]);
        assert!(matches!(home, Kind::Property(it) if it.unit_number == "3301 GB"));
        let (_, home) = subject(&["--property", "address:某路1号@330102"]);
        assert!(matches!(home, Kind::Property(it) if it.division == "330102"));
        let (role, paper) = subject(&["--document", "invoice=12/34@3301"]);
        assert_eq!(role, "invoice");
        let expected = message::Document {
            number: "12".to_owned(),
            code: "34".to_owned(),
            division: "3301".to_owned(),
        };
        assert_eq!(paper, Kind::Document(expected));
        let (role, member) = subject(&["--subject", "member=person:李雷/1"]);
        assert!(role == "member" && matches!(member, Kind::Person(it) if it.name == "李雷"));
    }

    #[test]
    fn relations_notice_and_consent() {
        let couple =
            ["--person", "李雷/1", "--spouse", "韩梅梅/2", "--relation", "spouse=verified:17"];
        let more =
            ["--relation", "person=case_party", "--notice", "hn-gjj-2026", "--consent", "SQ-0007"];
        let question = ask(&[&couple[..], &more[..]].concat()).unwrap();
        let related: Vec<_> =
            question.subjects.iter().map(|it| (it.relation(), it.shown_by)).collect();
        let expected = [(message::Relation::CaseParty, 0), (message::Relation::Verified, 17)];
        assert_eq!(related, expected);
        let purpose = question.purpose.unwrap();
        assert_eq!((purpose.notice.as_str(), purpose.consent.as_str()), ("hn-gjj-2026", "SQ-0007"));
        // One word for all in that role.
        let two = ["--subject", "member=person:a/1", "--subject", "member=person:b/2"];
        let question = ask(&[&two[..], &["--relation", "member=declared"]].concat()).unwrap();
        let declared = |it: &message::Subject| it.relation() == message::Relation::Declared;
        assert!(question.subjects.iter().all(declared));
    }

    #[test]
    fn assertions_and_the_types_of_their_values() {
        let read = |text: &str| {
            let read = assertion(text).unwrap();
            let values = read.values.iter().map(|value| wire::read_value(value).unwrap()).collect();
            (read.attribute.clone(), wire::read_comparison(read.comparison()).unwrap(), values)
        };
        let text = |text: &str| Value::Text(text.to_owned());
        let date = |text: &str| Value::Date(text.to_owned());
        for (written, attribute, comparison, values) in [
            ("months>=6", "months", Comparison::Ge, vec![Value::Integer(6)]),
            ("months ≤ -6", "months", Comparison::Le, vec![Value::Integer(-6)]),
            ("married=true", "married", Comparison::Eq, vec![Value::Truth(true)]),
            ("since<2026-01-31", "since", Comparison::Lt, vec![date("2026-01-31")]),
            ("last>2026-01", "last", Comparison::Gt, vec![date("2026-01")]),
            ("code!=\"010\"", "code", Comparison::Ne, vec![text("010")]),
            (
                "status in paying, paused",
                "status",
                Comparison::In,
                vec![text("paying"), text("paused")],
            ),
            ("end exists", "end", Comparison::Exists, vec![]),
            ("name~阿依古丽·买买提", "name", Comparison::NameMatch, vec![text("阿依古丽·买买提")]),
        ] {
            assert_eq!(read(written), (attribute.to_owned(), comparison, values), "{written}");
        }
        for wrong in ["", ">=6", "months", "months>=", "months is 6", "s in a,,b"] {
            assert!(assertion(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn mistakes_are_explained_without_repeating_personal_data() {
        for (arguments, expected) in [
            (&["--person", "李雷11010519491231002X"][..], "--person: write NAME/NUMBER"),
            (&["--subject", "member=person"], "--subject: write ROLE=KIND:VALUE"),
            (&["--subject", "m=cat:李雷/1101"], "--subject m: `cat` is none of person"),
            (&["--property", "address:某路1号"], "--property: an address needs its division"),
            (&["--person", "李雷/1@pass"], "--person: after @ comes one of citizen_id"),
            (&["--person", "李雷/1", "--relation", "person"], "--relation: write ROLE=KIND"),
            (
                &["--person", "李雷/1", "--relation", "person=verified:x"],
                "--relation: write ROLE=KIND",
            ),
            (
                &["--person", "李雷/1", "--relation", "person=friend"],
                "--relation person: `friend` is none of case_party, declared, verified, mandated",
            ),
            (&["--person", "李雷/1", "--relation", "spouse=declared"], "--relation spouse: nobody"),
            (&[], "about whom?"),
        ] {
            let error = format!("{:#}", ask(arguments).unwrap_err());
            assert!(error.starts_with(expected), "{error}");
            assert!(!error.contains("李雷") && !error.contains("1101"), "{error}");
        }
    }
}
