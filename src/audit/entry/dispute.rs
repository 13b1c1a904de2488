//! What a log says of a contested verdict, step by step.

use super::Commitments;
use crate::decision::facts::CallerFacts;
use crate::query::value::Verdict;

/// A verdict is contested, or something came of that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// The caller's id of the dispute, UUIDv7.
    pub id: [u8; 16],
    /// What happened.
    pub step: DisputeStep,
}

/// The steps of a dispute. The first is `Opened`; of the others each comes once, but for failed deliveries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DisputeStep {
    /// A caller contests the verdict it got.
    Opened(Box<DisputeOpened>),
    /// It was put into the agency's queue, or that failed.
    Delivery(DisputeDelivery),
    /// The agency answered.
    Answered(Box<DisputeAnswered>),
    /// The same question was put again.
    Rechecked(DisputeRechecked),
}

/// A caller contests the verdict it got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisputeOpened {
    /// Who contests it.
    pub caller: CallerFacts,
    /// The outcome's index.
    pub contested: u64,
    /// Its verdict.
    pub verdict: Verdict,
    /// Who gave it.
    pub provider: String,
    /// The fact asked about.
    pub fact: String,
    /// The caller's id of the question.
    pub request_id: [u8; 16],
    /// Why.
    pub ground: Ground,
    /// Pieces of evidence that were named.
    pub evidence: u32,
    /// Unit of the operator.
    pub operator_unit: String,
    /// The caller opened the outcome's commitment to its request.
    pub shown: bool,
    /// Last day for the agency's answer.
    pub due: jiff::civil::Date,
    /// Subjects, operator and what was written, hidden.
    pub commitments: Commitments,
}

/// Why a verdict is contested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// The agency answered about somebody else.
    WrongPerson,
    /// What it holds is out of date.
    OutOfDate,
    /// It holds a wrong value.
    WrongValue,
    /// It lacks a record that there is.
    MissingRecord,
    /// Another ground, which the text tells.
    Other,
}

impl Ground {
    /// Every ground.
    pub const ALL: [Self; 5] =
        [Self::WrongPerson, Self::OutOfDate, Self::WrongValue, Self::MissingRecord, Self::Other];

    /// Stable code.
    pub fn name(self) -> &'static str {
        match self {
            Self::WrongPerson => "wrong_person",
            Self::OutOfDate => "out_of_date",
            Self::WrongValue => "wrong_value",
            Self::MissingRecord => "missing_record",
            Self::Other => "other",
        }
    }

    /// The ground of that code.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ground| ground.name() == name)
    }
}

/// An attempt to put a dispute into the agency's queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisputeDelivery {
    /// How.
    pub way: Way,
    /// The agency's own number of it, perhaps empty; or the stable code of what went wrong.
    pub result: Result<String, String>,
}

/// How a dispute reaches an agency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// As a file in a folder.
    Folder,
    /// By a call.
    Call,
}

impl Way {
    /// Stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Folder => "folder",
            Self::Call => "call",
        }
    }
}

/// What the agency found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisputeAnswered {
    /// In a word.
    pub finding: Looked,
    /// The day it found that.
    pub on: jiff::civil::Date,
    /// Who brought the answer over the wire; `None` when it came as a file.
    pub caller: Option<CallerFacts>,
    /// The agency's text, hidden.
    pub commitments: Commitments,
}

/// What an agency comes to that has looked at its data again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looked {
    /// It was wrong, and is put right.
    Corrected,
    /// It is right as it stands.
    Upheld,
    /// The agency cannot tell.
    CannotTell,
}

impl Looked {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Corrected, Self::Upheld, Self::CannotTell];

    /// Stable code.
    pub fn name(self) -> &'static str {
        match self {
            Self::Corrected => "corrected",
            Self::Upheld => "upheld",
            Self::CannotTell => "cannot_tell",
        }
    }

    /// The one of that code.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|looked| looked.name() == name)
    }
}

/// The same question was put again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisputeRechecked {
    /// Who asked.
    pub caller: CallerFacts,
    /// The outcome that was contested.
    pub contested: u64,
    /// The new one.
    pub outcome: u64,
    /// The verdict of the first.
    pub before: Verdict,
    /// The verdict of the second.
    pub after: Verdict,
}

impl Dispute {
    /// What this step commits to; `None` of those that hide nothing.
    pub fn commitments(&self) -> Option<&Commitments> {
        match &self.step {
            DisputeStep::Opened(opened) => Some(&opened.commitments),
            DisputeStep::Answered(answered) => Some(&answered.commitments),
            DisputeStep::Delivery(_) | DisputeStep::Rechecked(_) => None,
        }
    }
}
