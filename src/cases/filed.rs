//! An application read again from what the entry of its case commits to, and held against what its course makes of it.
//!
//! The case is opened again with it: whatever a course says of the application, it must say alike.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use serde::Deserialize;
use thiserror::Error;

use super::application::{Application, Attached};
use super::course::{About, Course};
use super::day;
use super::progress::Case;
use crate::catalogue::rule::{Question, Written};
use crate::crypto::{Digest, from_hex};
use crate::query::subject::{Document, Employer, IdentityDocument, Person, Property, SubjectKind};
use crate::query::value::{Assertion, Named, Value};

/// Why an opened application says nothing of its case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotFiled {
    /// It was too large to be committed to whole: only its digest is there.
    #[error("it was committed to by its digest only, for it is too large")]
    Digest,
    /// It is not of the form that gateways commit to.
    #[error("it is not of its form")]
    Form,
    /// The rule does not take it.
    #[error("the rule does not take it")]
    Flawed,
}

/// An application that was opened. Holds personal data: no `Debug`.
pub struct Filed {
    case: Case,
    given: BTreeMap<String, Value>,
    head: Request,
}

impl Filed {
    /// Opens the case of these committed texts again.
    ///
    /// # Errors
    /// When they are none that a case of this rule was run from.
    pub fn open(
        rule: Arc<Written>,
        course: &Course,
        (subject, request): (&str, &str),
    ) -> Result<Self, NotFiled> {
        if [subject, request].iter().any(|text| is_digest(text)) {
            return Err(NotFiled::Digest);
        }
        let head: Request = serde_json::from_str(request).map_err(|_| NotFiled::Form)?;
        let submitted_on = day::read(&course.submitted_on).ok_or(NotFiled::Form)?;
        let run_on = course.run_on.unwrap_or(submitted_on);
        let submitted_on = match head.submitted_on.as_str() {
            "" => run_on,
            given => day::read(given).ok_or(NotFiled::Form)?,
        };
        let given = head.given.iter().map(|(name, value)| (name.clone(), value.value()));
        let given: BTreeMap<String, Value> = given.collect();
        let evidence = head.evidence.iter().map(Paper::attached).collect::<Option<_>>();
        let application = Application {
            submitted_on,
            run_on,
            parties: parties(subject).ok_or(NotFiled::Form)?,
            given: given.clone(),
            evidence: evidence.ok_or(NotFiled::Form)?,
        };
        let case = Case::open(rule, application).map_err(|_| NotFiled::Flawed)?;
        Ok(Self { case, given, head })
    }

    /// What the course says of the application otherwise than the application does, in words for an auditor. Names are
    /// those of the rule; no value is told.
    pub fn differs(&self, course: &Course) -> Vec<String> {
        let own = self.case.course();
        let mut wrong = Vec::new();
        if own.submitted_on != course.submitted_on {
            wrong.push("the day of the application".to_owned());
        }
        names(&mut wrong, "the party", &own.parties, &course.parties);
        names(&mut wrong, "the stated value", &own.stated, &course.stated);
        names(&mut wrong, "the need", &own.checked, &course.checked);
        names(&mut wrong, "the evidence", &own.evidence, &course.evidence);
        if own.left_out != course.left_out {
            wrong.push("which values it left out".to_owned());
        }
        wrong
    }

    /// How many needs look at a value that it states.
    pub fn comparisons(&self) -> usize {
        self.case.course().checked.len()
    }

    /// What it states, by name.
    pub fn given(&self) -> &BTreeMap<String, Value> {
        &self.given
    }

    /// Who or what it names at a place of the case; `None` of groups, which answers have found.
    pub fn named(&self, about: &About) -> Option<&SubjectKind> {
        self.case.subject(about)
    }

    /// What the rule has this question assert, with the values of the application; `None` where one is not stated.
    pub fn asserted(&self, question: &Question) -> Option<Vec<Assertion>> {
        self.case.assertions(question)
    }

    /// What it was filed as.
    pub fn head(&self) -> Head<'_> {
        let Request { case_id, purpose, operator, .. } = &self.head;
        Head {
            case_id,
            item: &purpose.item,
            item_version: &purpose.item_version,
            case_number: &purpose.case_number,
            operator_unit: operator.unit.trim(),
        }
    }
}

/// What an application says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<'a> {
    /// The caller's id of the case, as it was written.
    pub case_id: &'a str,
    /// Item code.
    pub item: &'a str,
    /// Version of the item; empty for that of the day.
    pub item_version: &'a str,
    /// Case number.
    pub case_number: &'a str,
    /// Unit of the operator.
    pub operator_unit: &'a str,
}

/// True of what stands for a text that was too large.
fn is_digest(text: &str) -> bool {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Stands {
        #[serde(rename = "bytes")]
        _bytes: u64,
        #[serde(rename = "sha256")]
        _sha256: String,
    }
    serde_json::from_str::<Stands>(text).is_ok()
}

fn names<T: PartialEq>(
    wrong: &mut Vec<String>,
    what: &str,
    own: &BTreeMap<String, T>,
    told: &BTreeMap<String, T>,
) {
    let others = told.keys().filter(|name| !own.contains_key(*name));
    let all = own.keys().chain(others);
    let differing = all.filter(|name| own.get(*name) != told.get(*name));
    wrong.extend(differing.map(|name| format!("{what} `{name}`")));
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Request {
    case_id: String,
    submitted_on: String,
    purpose: Purpose,
    operator: Operator,
    given: BTreeMap<String, Stated>,
    evidence: Vec<Paper>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Purpose {
    item: String,
    item_version: String,
    case_number: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Operator {
    unit: String,
}

/// A value under the name of its type.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Stated {
    Truth(bool),
    Integer(i64),
    Text(String),
    Date(String),
    People(Vec<Named>),
}

impl Stated {
    fn value(&self) -> Value {
        match self {
            Self::Truth(truth) => Value::Truth(*truth),
            Self::Integer(integer) => Value::Integer(*integer),
            Self::Text(text) => Value::Text(text.clone()),
            Self::Date(date) => Value::Date(date.clone()),
            Self::People(people) => Value::People(people.clone()),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Paper {
    name: String,
    issuer: String,
    digest: String,
    issued_on: String,
}

impl Paper {
    fn attached(&self) -> Option<(String, Attached)> {
        let digest: Digest = from_hex(&self.digest)?.try_into().ok()?;
        let issued_on: Date = day::read(&self.issued_on)?;
        let attached = Attached { issuer: self.issuer.clone(), digest, issued_on };
        Some((self.name.clone(), attached))
    }
}

/// Subjects by party, from the committed list of them.
fn parties(text: &str) -> Option<BTreeMap<String, Vec<SubjectKind>>> {
    let subjects: Vec<SubjectText> = serde_json::from_str(text).ok()?;
    let mut parties: BTreeMap<String, Vec<SubjectKind>> = BTreeMap::new();
    for subject in subjects {
        parties.entry(subject.role).or_default().push(subject.kind.read()?);
    }
    Some(parties)
}

#[derive(Deserialize)]
struct SubjectText {
    role: String,
    #[serde(flatten)]
    kind: KindText,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum KindText {
    Person { document_number: String, document_type: String, name: String },
    Employer { name: String, uscc: String },
    Property { address: String, certificate_number: String, division: String, unit_number: String },
    Document { code: String, division: String, number: String },
}

impl KindText {
    fn read(self) -> Option<SubjectKind> {
        Some(match self {
            Self::Person { document_number, document_type, name } => {
                let document_type = IdentityDocument::from_name(&document_type)?;
                SubjectKind::Person(Person { document_type, document_number, name })
            }
            Self::Employer { name, uscc } => SubjectKind::Employer(Employer { uscc, name }),
            Self::Property { address, certificate_number, division, unit_number } => {
                SubjectKind::Property(Property {
                    unit_number,
                    certificate_number,
                    address,
                    division,
                })
            }
            Self::Document { code, division, number } => {
                SubjectKind::Document(Document { number, code, division })
            }
        })
    }
}
