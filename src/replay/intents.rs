//! Which questions were put to agencies, and which of them still wait for their answer.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::audit::entry::Intent;
use crate::decision::Permit;
use crate::decision::facts::Facts;
use crate::query::time::Timestamp;

/// How long an intent is remembered beyond the time that answers are kept: an answer under way takes no longer.
const ANSWERED_WITHIN: Duration = Duration::from_secs(3600);

/// A question put to an agency whose outcome has not come.
pub(super) struct Asked {
    pub(super) index: u64,
    pub(super) intent: Intent,
    /// The permit as decided again; `None` when that failed.
    pub(super) permit: Option<Permit>,
}

/// An intent that answers may name: 32 bytes each.
struct Known {
    index: u64,
    received_at: Timestamp,
    fact: u32,
    agreement: u32,
}

#[derive(Default)]
pub(super) struct Intents {
    /// By caller, number and request: those without an outcome.
    open: HashMap<(String, u64), Asked>,
    /// In the order of the log.
    known: VecDeque<Known>,
    names: HashMap<String, u32>,
    keep: Duration,
}

impl Intents {
    /// Answers may be kept so long: intents must be remembered as long.
    pub(super) fn keep_for(&mut self, kept: Duration) {
        self.keep = kept;
    }

    pub(super) fn add(&mut self, index: u64, intent: &Intent, permit: Option<Permit>) {
        let facts = &intent.facts;
        let fact = self.number(facts.fact.as_ref().map_or("", |fact| fact.as_str()));
        let agreement = self.number(&intent.permit.agreement);
        self.known.push_back(Known { index, received_at: facts.received_at, fact, agreement });
        let keep = self.keep.saturating_add(ANSWERED_WITHIN);
        while self.known.front().is_some_and(|old| facts.received_at.since(old.received_at) > keep)
        {
            self.known.pop_front();
        }
        self.open.insert(key(facts), Asked { index, intent: intent.clone(), permit });
    }

    /// The open intent of the same question, which is then answered.
    pub(super) fn take(&mut self, facts: &Facts) -> Option<Asked> {
        self.open.remove(&key(facts))
    }

    /// Whether the entry is an intent for this fact under this agreement; `None` when it is no intent that is known.
    pub(super) fn is_for(&self, index: u64, facts: &Facts, agreement: &str) -> Option<bool> {
        let place = self.known.binary_search_by_key(&index, |known| known.index).ok()?;
        let known = self.known.get(place)?;
        let fact = facts.fact.as_ref().map_or("", |fact| fact.as_str());
        let is_same = self.names.get(fact) == Some(&known.fact)
            && self.names.get(agreement) == Some(&known.agreement);
        Some(is_same)
    }

    /// How many wait.
    pub(super) fn open(&self) -> u64 {
        self.open.len() as u64
    }

    /// Those that wait will never be answered: forgets them and says how many there were.
    pub(super) fn forget_open(&mut self) -> u64 {
        let count = self.open();
        self.open.clear();
        count
    }

    fn number(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.names.get(name) {
            return number;
        }
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.insert(name.to_owned(), number);
        number
    }
}

fn key(facts: &Facts) -> (String, u64) {
    let caller = format!("{}/{}", facts.caller.organisation, facts.caller.system);
    (caller, facts.caller_sequence)
}
