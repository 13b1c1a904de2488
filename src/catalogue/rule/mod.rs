//! The rule of an item: what an application names, what is asked about whom and when, and what must hold in the end.
//!
//! A rule is data. Everything in it that refers to something refers by name, and was checked when it was read.

mod form;
mod graph;
mod read;
mod scale;
pub mod schema;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::AttributeKind;
use super::load::Page;
use crate::crypto::{Digest, sha256};
use crate::finding::{self, Finding};
use crate::query::FactCode;
use crate::query::subject::IdentityDocument;
use crate::query::value::{Comparison, Value, Verdict};

pub(super) use self::form::RuleRecord;
pub(super) use self::read::{Around, read};
pub use self::scale::{Round, Scale};

/// A rule and the text it was read from, which entries hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The rule.
    pub rule: Rule,
    /// The file's text.
    pub text: Arc<str>,
    /// SHA-256 of the text.
    pub digest: Digest,
}

impl Written {
    /// A rule with its text.
    pub(super) fn new(rule: Rule, text: &str) -> Self {
        Self { rule, text: text.into(), digest: sha256(text.as_bytes()) }
    }

    /// Reads the text of a rule that was checked when it came into force. What needs facts is not checked again.
    ///
    /// # Errors
    /// Every flaw found.
    pub fn from_text(text: &str) -> Result<Self, Vec<Finding>> {
        let file = Path::new("rule");
        let record =
            finding::parse_toml::<RuleRecord>(file, text).map_err(|finding| vec![finding])?;
        let mut findings = Vec::new();
        let rule = read(&record, None, &mut Page { file, text, findings: &mut findings });
        if findings.is_empty() { Ok(Self::new(rule, text)) } else { Err(findings) }
    }
}

/// The rule of one version of an item. The order of its lists is the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// Item code.
    pub item: String,
    /// Version of the item.
    pub version: String,
    /// Laws and decrees it rests on, as people cite them.
    pub legal_basis: Vec<String>,
    /// Thresholds by name: months, years, counts, fen.
    pub parameters: BTreeMap<String, i64>,
    /// Whom or what an application names.
    pub parties: Vec<Party>,
    /// What an application states besides.
    pub given: Vec<Given>,
    /// Evidence from outside the agencies.
    pub externals: Vec<External>,
    /// People found on the way, and families put together of them.
    pub groups: Vec<Group>,
    /// What agencies are asked.
    pub questions: Vec<Question>,
    /// What must hold.
    pub needs: Vec<Need>,
    /// Why a person always decides; `None` where a case can be READY.
    pub person_decides: Option<String>,
}

/// A place in the application for a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// Name, such as `applicant`.
    pub name: String,
    /// Chinese title.
    pub title_zh: String,
    /// `person`, `employer`, `property` or `document`.
    pub kind: String,
    /// May be left out.
    pub optional: bool,
    /// May be filled more than once.
    pub many: bool,
}

/// A value that the application states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// Name, such as `months_in_a_row`.
    pub name: String,
    /// Chinese title.
    pub title_zh: String,
    /// Type of the value.
    pub kind: AttributeKind,
    /// Whose word it is.
    pub whose: Whose,
    /// May be left out.
    pub optional: bool,
    /// The least whole number that is taken; `None` for other types.
    pub least: Option<i64>,
    /// The greatest; `None` without one.
    pub most: Option<i64>,
}

/// Whose word a stated value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whose {
    /// The centre's own ledger: what contradicts the rule refutes the case.
    Own,
    /// The applicant's: what contradicts the rule is for a person to clear up.
    Applicant,
}

/// Evidence that no adapter can fetch: a paper, by its issuer, its digest and its date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct External {
    /// Name, such as `repayment_record`.
    pub name: String,
    /// Chinese title.
    pub title_zh: String,
    /// Who issues it: `bank`, `court`, `notary`, `establishment-office`, …
    pub issuer: String,
    /// How old it may be; `None` without limit.
    pub fresh_for: Option<Duration>,
    /// True when having it is enough; else a person must look at it.
    pub suffices: bool,
}

/// Persons under one name: found out by a question, or put together of other groups and parties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Name, such as `spouse` or `family`.
    pub name: String,
    /// Chinese title.
    pub title_zh: String,
    /// Where its members come from.
    pub from: From,
}

/// Where a group's members come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// Parties and other groups together, each person once.
    Together(Vec<String>),
    /// The answers to a question.
    Found(Found),
}

/// How an answer tells who belongs to a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The question.
    pub question: String,
    /// Attributes that tell it.
    pub told_by: ToldBy,
    /// The party that the application may name for it.
    pub declared: Option<String>,
    /// A question that shows a declared member to be the right one when values are withheld.
    pub shown_by: Option<String>,
    /// Verdicts of the question that mean: nobody.
    pub nobody_when: Vec<Verdict>,
    /// Evidence with which NOT_FOUND means nobody, such as a declaration of being single.
    pub nobody_with: Option<String>,
    /// Only persons younger than this, in years on the day of the application.
    pub younger_than: Option<i64>,
}

/// The attributes that tell who a person is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToldBy {
    /// One person: an attribute with the name, one with the number.
    Person {
        /// Attribute that holds the name.
        name: String,
        /// Attribute that holds the citizen's number.
        number: String,
    },
    /// An attribute that lists people.
    People(String),
}

/// One question, asked once for each member of a group where a role is bound to one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Name within the rule.
    pub name: String,
    /// What is asked.
    pub fact: FactCode,
    /// The party or group of each role of the fact.
    pub about: BTreeMap<String, String>,
    /// The role that is asked once per member, if any.
    pub each: Option<String>,
    /// Roles that may be left out.
    pub optional: Vec<String>,
    /// What to judge; empty with disclosures only, or the fact's own confirmation.
    pub assertions: Vec<Asserted>,
    /// Values the rule needs, to find people by.
    pub disclose: Vec<String>,
    /// How the verdicts on several members make one.
    pub across: Across,
    /// Asked only when all of these hold.
    pub when: Vec<Condition>,
    /// How old an answer may be.
    pub fresh_for: Duration,
    /// Code of the paper that the answer replaces.
    pub material: Option<String>,
    /// False where REFUTED is only a hint, for a person to clear up.
    pub authoritative: bool,
}

/// How verdicts on several members make one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Across {
    /// It must hold of each.
    #[default]
    All,
    /// It must hold of one.
    Any,
}

/// An assertion whose values may be computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asserted {
    /// Attribute of the fact.
    pub attribute: String,
    /// How to compare.
    pub comparison: Comparison,
    /// Against what.
    pub values: Vec<Operand>,
    /// True when the attribute is a month: then `MonthsAgo` is one too.
    pub is_month: bool,
}

/// A value, or how to get it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// As it stands.
    Literal(Value),
    /// A threshold of the rule.
    Parameter(String),
    /// What the application states.
    Given(String),
    /// The number of the property or paper that the application names as this party.
    NumberOf(String),
    /// The day so many months before the application, or for a month attribute that month.
    MonthsAgo(i64),
    /// The day so many days before the application.
    DaysAgo(i64),
    /// A whole number, and what is made of it.
    Scaled(Box<Operand>, Scale),
}

impl Operand {
    /// The stated value it takes, if any.
    pub fn given(&self) -> Option<&str> {
        match self {
            Self::Given(name) => Some(name),
            Self::Scaled(operand, _) => operand.given(),
            _ => None,
        }
    }

    /// The party whose number it takes, if any.
    pub fn party(&self) -> Option<&str> {
        match self {
            Self::NumberOf(name) => Some(name),
            _ => None,
        }
    }
}

/// Something that decides whether a question or a need applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// What is looked at.
    pub on: On,
    /// Turned round.
    pub not: bool,
}

/// What a condition looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum On {
    /// A question's verdict is one of these.
    Question(String, Vec<Verdict>),
    /// A stated value is one of these.
    Given(String, Vec<Value>),
    /// The application names the party.
    Party(String),
    /// Every person of the party is named by a document of one of these kinds.
    Document(String, Vec<IdentityDocument>),
    /// The employer is registered with one of these.
    Registrar(String, Vec<Registrar>),
    /// The evidence came with the application.
    External(String),
}

/// Who registers an employer, by the first character of its code (GB 32100).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Registrar {
    /// 编办: 1x, government bodies and public institutions.
    EstablishmentOffice,
    /// 民政: 5x, associations, foundations, service units.
    CivilAffairs,
    /// 市场监督管理: 9x, enterprises, sole traders, cooperatives.
    MarketRegulation,
    /// Anyone else: 司法 3x, trade unions 8x, agriculture N.
    Other,
}

impl Registrar {
    /// Of an employer's code.
    pub fn of(uscc: &str) -> Self {
        match uscc.as_bytes().first() {
            Some(b'1') => Self::EstablishmentOffice,
            Some(b'5') => Self::CivilAffairs,
            Some(b'9') => Self::MarketRegulation,
            _ => Self::Other,
        }
    }
}

/// Something that must hold for a case to be READY.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// Name within the rule.
    pub name: String,
    /// English title.
    pub title: String,
    /// Chinese title.
    pub title_zh: String,
    /// What shows it.
    pub by: By,
    /// Needed only when all of these hold.
    pub when: Vec<Condition>,
    /// What to bring to the counter when it cannot be shown: codes of materials or evidence.
    pub bring: Vec<String>,
}

/// What shows that a need is met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// A question's answer.
    Question(String),
    /// A stated value against another.
    Given {
        /// The stated value.
        name: String,
        /// How to compare.
        comparison: Comparison,
        /// Against what.
        value: Operand,
    },
    /// Evidence that came with the application.
    External(String),
    /// A group of which every member is known.
    Complete(String),
    /// One of these needs.
    Any(Vec<String>),
    /// All of these needs.
    All(Vec<String>),
}

impl Rule {
    /// The party of that name.
    pub fn party(&self, name: &str) -> Option<&Party> {
        self.parties.iter().find(|party| party.name == name)
    }

    /// The group of that name.
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.name == name)
    }

    /// The question of that name.
    pub fn question(&self, name: &str) -> Option<&Question> {
        self.questions.iter().find(|question| question.name == name)
    }

    /// The stated value of that name.
    pub fn given(&self, name: &str) -> Option<&Given> {
        self.given.iter().find(|given| given.name == name)
    }

    /// The evidence of that name.
    pub fn external(&self, name: &str) -> Option<&External> {
        self.externals.iter().find(|external| external.name == name)
    }

    /// The need of that name.
    pub fn need(&self, name: &str) -> Option<&Need> {
        self.needs.iter().find(|need| need.name == name)
    }

    /// The needs that no other need is made of: all of them must hold.
    pub fn requirements(&self) -> impl Iterator<Item = &Need> {
        let within: Vec<&String> = self
            .needs
            .iter()
            .filter_map(|need| match &need.by {
                By::Any(names) | By::All(names) => Some(names),
                _ => None,
            })
            .flatten()
            .collect();
        self.needs.iter().filter(move |need| !within.contains(&&need.name))
    }
}
