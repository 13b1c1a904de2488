//! What counting needs of an entry, picked out of its stored bytes without making anything: for those who see every
//! entry pass and cannot take the time to decode it.
//!
//! Of bytes that [`super::decode`] takes, this says the same. Of others it says something or nothing: whoever must
//! know that they are an entry decodes them.

use std::borrow::Cow;

use super::Kind;
use super::wire::facts::standing_in;
use crate::crypto::hex;
use crate::decision::facts::Standing;
use crate::query::time::Timestamp;

/// An entry, as far as it was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skimmed<'a> {
    /// The entry's time.
    pub at: Timestamp,
    /// The question it records; `None` when it records none, and must be decoded to know more.
    pub question: Option<Question<'a>>,
}

/// What counts of a question's entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question<'a> {
    /// Which of its entries this is.
    pub step: Step,
    /// The organisation under which it is numbered, see [`CallerFacts::numbered_as`].
    ///
    /// [`CallerFacts::numbered_as`]: crate::decision::facts::CallerFacts::numbered_as
    pub organisation: &'a str,
    /// The system under which it is numbered.
    pub system: Cow<'a, str>,
    /// Its number among the caller's questions.
    pub sequence: u64,
    /// When it came in.
    pub received_at: Timestamp,
    /// The agreement that permits it; empty when none does.
    pub agreement: &'a str,
    /// What the entry says of the sealed record beside it: a SHA-256; empty when there is none.
    pub sealed: &'a [u8],
}

impl<'a> Question<'a> {
    /// The same of an entry that was decoded.
    pub fn of(kind: &'a Kind) -> Option<Self> {
        let (step, agreement, commitments) = match kind {
            Kind::Intent(intent) => {
                (Step::Intent, intent.permit.agreement.as_str(), &intent.commitments)
            }
            Kind::Outcome(outcome) => {
                (Step::Outcome, outcome.permit.agreement.as_str(), &outcome.commitments)
            }
            Kind::Denial(denied) => (Step::Denial, "", &denied.commitments),
            Kind::Agreement(_)
            | Kind::Party(_)
            | Kind::Node(_)
            | Kind::Catalogue(_)
            | Kind::Rule(_)
            | Kind::Case(_)
            | Kind::Dispute(_)
            | Kind::Adapter(_)
            | Kind::Freeze(_)
            | Kind::Key(_)
            | Kind::Erasure(_) => return None,
        };
        let facts = kind.facts()?;
        let caller = &facts.caller;
        let (organisation, system) = match caller.standing.is_vouched() {
            true => (caller.organisation.as_str(), Cow::Borrowed(caller.system.as_str())),
            false => ("", Cow::Owned(hex(&caller.certificate))),
        };
        Some(Self {
            step,
            organisation,
            system,
            sequence: facts.caller_sequence,
            received_at: facts.received_at,
            agreement,
            sealed: commitments.sealed.as_ref().map_or(&[], |digest| digest),
        })
    }
}

/// A question's entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// An agency is about to be asked.
    Intent,
    /// It was answered.
    Outcome,
    /// It was denied.
    Denial,
}

/// Looks at stored bytes; `None` when they cannot be followed.
pub fn skim(bytes: &[u8]) -> Option<Skimmed<'_>> {
    let mut at = Timestamp::default();
    let mut question = None;
    for field in Fields(bytes) {
        match field? {
            (2, Value::Number(micros)) => at = Timestamp(micros),
            (10, Value::Bytes(body)) => question = Some(of_body(Step::Intent, body)?),
            (11, Value::Bytes(body)) => question = Some(of_body(Step::Outcome, body)?),
            (12, Value::Bytes(body)) => question = Some(of_body(Step::Denial, body)?),
            _ => {}
        }
    }
    Some(Skimmed { at, question })
}

fn of_body(step: Step, body: &[u8]) -> Option<Question<'_>> {
    let mut question = Question {
        step,
        organisation: "",
        system: Cow::Borrowed(""),
        sequence: 0,
        received_at: Timestamp::default(),
        agreement: "",
        sealed: &[],
    };
    for field in Fields(body) {
        match (step, field?) {
            (_, (1, Value::Bytes(facts))) => of_facts(&mut question, facts)?,
            (Step::Intent | Step::Outcome, (2, Value::Bytes(permit))) => {
                question.agreement = text(permit, 1)?;
            }
            (_, (3, Value::Bytes(commitments))) => question.sealed = part(commitments, 5)?,
            _ => {}
        }
    }
    Some(question)
}

fn of_facts<'a>(question: &mut Question<'a>, facts: &'a [u8]) -> Option<()> {
    for field in Fields(facts) {
        match field? {
            (3, Value::Number(number)) => question.sequence = number,
            (4, Value::Number(micros)) => question.received_at = Timestamp(micros),
            (6, Value::Bytes(caller)) => {
                of_caller(question, caller)?;
                // Nothing that counts comes after the caller.
                return Some(());
            }
            _ => {}
        }
    }
    Some(())
}

fn of_caller<'a>(question: &mut Question<'a>, caller: &'a [u8]) -> Option<()> {
    let (mut organisation, mut system, mut certificate, mut standing) =
        (&[][..], &[][..], &[][..], 0);
    for field in Fields(caller) {
        match field? {
            (1, Value::Bytes(bytes)) => organisation = bytes,
            (2, Value::Bytes(bytes)) => system = bytes,
            (3, Value::Bytes(bytes)) => certificate = bytes,
            (4, Value::Number(number)) => standing = number,
            _ => {}
        }
    }
    if is_vouched(standing) {
        question.organisation = std::str::from_utf8(organisation).ok()?;
        question.system = Cow::Borrowed(std::str::from_utf8(system).ok()?);
    } else {
        question.system = Cow::Owned(hex(certificate));
    }
    Some(())
}

fn is_vouched(standing: u64) -> bool {
    let standing = i32::try_from(standing).ok();
    standing.and_then(|standing| standing_in(standing).ok()).is_some_and(Standing::is_vouched)
}

fn text(message: &[u8], wanted: u32) -> Option<&str> {
    std::str::from_utf8(part(message, wanted)?).ok()
}

/// A field of bytes; empty when it is absent.
fn part(message: &[u8], wanted: u32) -> Option<&[u8]> {
    for field in Fields(message) {
        match field? {
            (number, Value::Bytes(bytes)) if number == wanted => return Some(bytes),
            _ => {}
        }
    }
    Some(&[])
}

enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The fields of a protobuf message, in the order they stand; after one that cannot be read there are none.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Option<(u32, Value<'a>)>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.read();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    #[inline]
    fn read(&mut self) -> Option<(u32, Value<'a>)> {
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).ok()?;
        match tag & 7 {
            0 => Some((number, Value::Number(self.varint()?))),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                let (bytes, rest) = self.0.split_at_checked(length)?;
                self.0 = rest;
                Some((number, Value::Bytes(bytes)))
            }
            // Entries have fields of these two kinds only.
            _ => None,
        }
    }

    #[inline]
    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }
}
