//! Which questions were put to agencies, and which of them still wait for their answer.

mod known;

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use self::known::Known;
use super::callers::CallerId;
use crate::audit::entry::Intent;
use crate::decision::facts::Facts;
use crate::decision::{Permit, PermitRef};

/// How long an intent is remembered beyond the time that answers are kept: an answer under way takes no longer.
const ANSWERED_WITHIN: Duration = Duration::from_secs(3600);

/// A question put to an agency whose outcome has not come.
pub(super) struct Asked {
    pub(super) index: u64,
    /// Digest of its facts and permit.
    pub(super) question: u64,
    /// The permit as decided again; `None` when that failed.
    pub(super) permit: Option<Permit>,
}

#[derive(Default)]
pub(super) struct Intents {
    /// By caller and number: those without an outcome.
    open: HashMap<(CallerId, u64), Asked>,
    /// Digests are compared only with each other, under a key that no log can know.
    digests: RandomState,
    known: Known,
    /// By agreement, then fact: what an intent may be for, numbered from 1.
    purposes: HashMap<String, HashMap<String, u32>>,
    purpose_count: u32,
    keep: Duration,
}

impl Intents {
    /// Answers may be kept so long: intents must be remembered as long.
    pub(super) fn keep_for(&mut self, kept: Duration) {
        self.keep = kept;
    }

    pub(super) fn add(
        &mut self,
        index: u64,
        caller: CallerId,
        intent: &Intent,
        permit: Option<Permit>,
    ) {
        let facts = &intent.facts;
        let purpose = match self.purpose(facts, &intent.permit.agreement) {
            Some(purpose) => purpose,
            None => self.new_purpose(facts, &intent.permit.agreement),
        };
        self.known.add(index, facts.received_at, purpose);
        self.known.forget(facts.received_at, self.keep.saturating_add(ANSWERED_WITHIN));
        let question = self.digest(facts, &intent.permit);
        self.open.insert((caller, facts.caller_sequence), Asked { index, question, permit });
    }

    /// What two entries of one question have in common.
    pub(super) fn digest(&self, facts: &Facts, permit: &PermitRef) -> u64 {
        self.digests.hash_one((facts, permit))
    }

    /// The open intent of the same question, which is then answered.
    pub(super) fn take(&mut self, caller: CallerId, facts: &Facts) -> Option<Asked> {
        self.open.remove(&(caller, facts.caller_sequence))
    }

    /// Whether the entry is an intent for this fact under this agreement; `None` when it is no intent that is known.
    pub(super) fn is_for(&self, index: u64, facts: &Facts, agreement: &str) -> Option<bool> {
        let keep = self.keep.saturating_add(ANSWERED_WITHIN);
        let known = self.known.get(index, facts.received_at, keep)?;
        Some(self.purpose(facts, agreement) == Some(known))
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

    fn purpose(&self, facts: &Facts, agreement: &str) -> Option<u32> {
        self.purposes.get(agreement)?.get(fact(facts)).copied()
    }

    fn new_purpose(&mut self, facts: &Facts, agreement: &str) -> u32 {
        self.purpose_count += 1;
        let facts_of = self.purposes.entry(agreement.to_owned()).or_default();
        facts_of.insert(fact(facts).to_owned(), self.purpose_count);
        self.purpose_count
    }
}

fn fact(facts: &Facts) -> &str {
    facts.fact.as_ref().map_or("", |fact| fact.as_str())
}
