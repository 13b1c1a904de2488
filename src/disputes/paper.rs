//! What goes between gateway and agency: the contested verdict as JSON, and the agency's answer in the same form.

use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use thiserror::Error;

use super::DisputeId;
use crate::audit::committed;
use crate::audit::entry::{Ground, Looked};
use crate::query::Query;
use crate::query::identifier::contains_identity_number;
use crate::query::time::Timestamp;
use crate::query::value::Verdict;

/// Version of both forms.
const SCHEMA: u32 = 1;

/// Longest text of an agency, in characters: some ten sentences.
pub const TEXT_LIMIT: usize = 1000;

/// What an agency is told.
pub struct Letter<'a> {
    /// The dispute.
    pub id: &'a DisputeId,
    /// When it was opened.
    pub at: Timestamp,
    /// Organisation that contests.
    pub caller: &'a str,
    /// Entry of the outcome, its verdict, and the caller's id of the question.
    pub contested: (u64, Verdict),
    /// The question.
    pub query: &'a Query,
    /// Why.
    pub ground: Ground,
    /// In the caller's words.
    pub text: &'a str,
    /// SHA-256 in hex and issuer of each paper.
    pub evidence: &'a [(String, String)],
    /// Last day for the answer.
    pub due: Date,
}

impl Letter<'_> {
    /// As JSON. It names the persons, for the agency must find them.
    pub fn document(&self) -> Json {
        let query = self.query;
        let subjects: Json =
            serde_json::from_slice(&committed::subjects(&query.subjects)).unwrap_or_default();
        let assertions = query.assertions.iter().map(|assertion| {
            let values: Vec<Json> = assertion.values.iter().map(|value| value.plain()).collect();
            json!({
                "attribute": assertion.attribute,
                "comparison": assertion.comparison.name(),
                "values": values,
            })
        });
        let evidence = self.evidence.iter();
        json!({
            "schema": SCHEMA,
            "dispute": uuid::Uuid::from_bytes(*self.id).to_string(),
            "opened_on": self.at.day_in_china().to_string(),
            "answer_by": self.due.to_string(),
            "from": { "organisation": self.caller, "unit": query.operator.unit },
            "fact": query.fact.as_str(),
            "item": query.purpose.item.as_str(),
            "case_number": query.purpose.case_number,
            "request": uuid::Uuid::from_bytes(query.request_id).to_string(),
            "entry": self.contested.0,
            "verdict": self.contested.1.name(),
            "subjects": subjects,
            "assertions": assertions.collect::<Vec<_>>(),
            "disclosed": query.disclose,
            "ground": self.ground.name(),
            "text": self.text,
            "evidence": evidence
                .map(|(sha256, issuer)| json!({ "sha256": sha256, "issuer": issuer }))
                .collect::<Vec<_>>(),
        })
    }
}

/// What an agency found.
#[derive(Clone)]
pub struct Finding {
    /// In a word.
    pub looked: Looked,
    /// On what day.
    pub on: Date,
    /// In its own words.
    pub text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    schema: u32,
    dispute: String,
    finding: String,
    on: String,
    #[serde(default)]
    text: String,
}

/// Why a file is no answer. It says nothing of what the file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NoAnswer {
    /// Not the JSON of an answer.
    #[error("it is not the JSON of an answer")]
    Form,
    /// A field has a value that it cannot have.
    #[error("its `{0}` cannot be")]
    Field(&'static str),
}

/// Reads an answer from its file.
///
/// # Errors
/// Why it is none.
pub fn read_answer(bytes: &[u8]) -> Result<(DisputeId, Finding), NoAnswer> {
    let form: Form = serde_json::from_slice(bytes).map_err(|_| NoAnswer::Form)?;
    if form.schema != SCHEMA {
        return Err(NoAnswer::Field("schema"));
    }
    let id = uuid::Uuid::try_parse(&form.dispute).map_err(|_| NoAnswer::Field("dispute"))?;
    Ok((*id.as_bytes(), finding(&form.finding, &form.on, form.text)?))
}

/// Reads a finding from its parts.
///
/// # Errors
/// The part that cannot be.
pub fn finding(looked: &str, on: &str, text: String) -> Result<Finding, NoAnswer> {
    let looked = Looked::from_name(looked).ok_or(NoAnswer::Field("finding"))?;
    let day: Date = on.parse().map_err(|_| NoAnswer::Field("on"))?;
    if day.to_string() != on {
        return Err(NoAnswer::Field("on"));
    }
    if text.chars().count() > TEXT_LIMIT || text.contains(|c: char| c.is_control() && c != '\n') {
        return Err(NoAnswer::Field("text"));
    }
    Ok(Finding { looked, on: day, text })
}

/// An agency's number of a dispute as far as it may enter the log: short, plain, and nobody's number.
pub fn ticket(given: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
    let is_fit =
        given.len() <= 64 && given.bytes().all(is_plain) && !contains_identity_number(given);
    if is_fit { given.to_owned() } else { String::new() }
}
