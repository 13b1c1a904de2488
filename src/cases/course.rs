//! What a case has found out, without a name, a number or an amount: an entry holds it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::application::Attached;
use crate::catalogue::rule::Registrar;
use crate::query::value::{Value, Verdict};

/// The course of a case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// Day of the application, `YYYY-MM-DD`, China time.
    pub submitted_on: String,
    /// How each party of the application is filled; parties left out are not here.
    pub parties: BTreeMap<String, Shape>,
    /// Stated codes and truths, which conditions look at. Amounts and texts stay out.
    pub stated: BTreeMap<String, Value>,
    /// Values that the application may leave out and does.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub left_out: BTreeSet<String>,
    /// By need: whether the stated value it looks at holds; needs whose value is not stated are not here.
    pub checked: BTreeMap<String, bool>,
    /// Evidence that came with the application.
    pub evidence: BTreeMap<String, Attached>,
    /// By group: how many are known, and whether the application says otherwise.
    pub found: BTreeMap<String, Told>,
    /// Every question asked, in the order of their answers.
    pub answers: Vec<Answer>,
    /// Questions that were to be asked and have no answer: the time was over, or the caller had gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unheard: Vec<Unheard>,
}

/// A question without an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unheard {
    /// Name of the question in the rule.
    pub question: String,
    /// Whom it was to be about.
    pub about: Vec<About>,
}

/// How a party is filled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// How many.
    pub count: u32,
    /// Kinds of identity document of its persons, by name, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<String>,
    /// Registrars of its employers, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub registrars: Vec<Registrar>,
}

/// What is known of a group that questions find.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Members known.
    pub known: u32,
    /// The application names somebody else than the agency.
    pub differs: bool,
}

/// One question and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Name of the question in the rule.
    pub question: String,
    /// Whom it was about, in the order of the question's subjects.
    pub about: Vec<About>,
    /// The verdict; `None` when the question was denied or refused.
    pub verdict: Option<Verdict>,
    /// Code of the denial or of why there is no answer; empty otherwise.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub code: String,
    /// Index of its entry; `None` when nothing could be recorded.
    pub log_index: Option<u64>,
    /// True when the agency did not check everyone it was asked about.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unchecked: bool,
    /// By group that it finds: how many it told of who belong to it. A group of which it could not tell is not here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub told: BTreeMap<String, u32>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(truth: &bool) -> bool {
    !truth
}

/// One subject of a question, by its place in the case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct About {
    /// Role in the question.
    pub role: String,
    /// Party or group.
    pub who: String,
    /// Position within it, from 0.
    pub position: u32,
}
