//! What all entries up to some point add up to: enough for a gateway to go on without reading them again.
//!
//! A pure fold: the same entries give the same summary, whether they are read at a start or counted one by one as
//! they are written.

mod usage;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use self::usage::{Before, UNKNOWN, Usage};
use super::entry::skim::{Question, Skimmed, Step, skim};
use super::entry::{
    self, AdapterEvent, AgreementEvent, Entry, EntryError, KeyPurpose, Kind, NodeChange, PartyEvent,
};
use super::vaulting;
use crate::crypto::{Digest, sha256};
use crate::query::time::Timestamp;

/// What entries add up to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// Number of entries.
    pub entries: u64,
    /// The latest time of any.
    pub latest: Timestamp,
    /// By organisation, then system, under which questions are numbered.
    pub callers: BTreeMap<String, BTreeMap<String, Caller>>,
    /// By agreement: permits in its newest days and seconds.
    pub permits: BTreeMap<String, Usage>,
    /// What the log says decides and answers.
    pub in_force: InForce,
    /// What the log says of the vault's keys and of what was erased.
    pub vault: vaulting::History,
    /// The keys that the log went over to, in order: index of the announcement, and the key as in signed notes.
    pub log_keys: Vec<(u64, String)>,
    /// The entries about contested verdicts, in order. There are few, and whoever needs them reads them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disputes: Vec<u64>,
}

/// The questions of one caller.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Caller {
    /// Highest number among them.
    pub highest: u64,
    /// Those whose permit was counted with their intent, and whose outcome has not come.
    pub asked: BTreeSet<u64>,
}

/// What the log says decides and answers, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InForce {
    /// Register files by organisation.
    pub parties: BTreeMap<String, Stored>,
    /// Agreements by id, those of which no version is adopted any more among them.
    pub agreements: BTreeMap<String, Versions>,
    /// Digests of manifests by adapter.
    pub adapters: BTreeMap<String, Digest>,
    /// The catalogue's digest.
    pub catalogue: Option<Digest>,
    /// The entries that hold the parties' orders, in order. There are few, and what they come to is not for the log
    /// to say: whoever needs it reads them.
    pub orders: Vec<u64>,
}

/// The versions of one agreement. There may be a hundred thousand agreements, and hardly one with two versions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Versions {
    /// The highest version that was ever adopted: those before it do not come back.
    pub highest: u32,
    /// Documents of those adopted and not withdrawn, by version.
    pub adopted: Vec<(u32, Stored)>,
}

/// A document that an entry holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stored {
    /// The entry.
    pub index: u64,
    /// SHA-256 of the document.
    pub digest: Digest,
    /// The entry's time.
    pub at: Timestamp,
}

impl Summary {
    /// Takes the next entry into account.
    pub fn visit(&mut self, index: u64, entry: &Entry) {
        match Question::of(&entry.kind) {
            Some(question) => self.question(&question),
            None => self.event(index, entry),
        }
        self.passed(index, entry.at);
    }

    /// The same from its stored bytes, which are decoded only where they record no question.
    ///
    /// # Errors
    /// When they are no entry.
    pub fn fold(&mut self, index: u64, bytes: &[u8]) -> Result<(), EntryError> {
        match skim(bytes) {
            Some(Skimmed { at, question: Some(question) }) => {
                self.question(&question);
                self.passed(index, at);
            }
            Some(Skimmed { question: None, .. }) | None => {
                self.visit(index, &entry::decode(bytes)?);
            }
        }
        Ok(())
    }

    fn passed(&mut self, index: u64, at: Timestamp) {
        self.entries = index + 1;
        self.latest = self.latest.max(at);
    }

    fn question(&mut self, question: &Question<'_>) {
        let is_counted = within(&mut self.callers, question.organisation, |systems| {
            within(systems, &question.system, |caller| caller.question(question))
        });
        if is_counted {
            let received_at = question.received_at;
            within(&mut self.permits, question.agreement, |usage| {
                usage.add(received_at);
            });
        }
    }

    fn event(&mut self, index: u64, entry: &Entry) {
        let in_force = &mut self.in_force;
        let stored = |document: &[u8]| Stored { index, digest: sha256(document), at: entry.at };
        match &entry.kind {
            Kind::Agreement(event) => in_force.agreement(event, stored),
            Kind::Party(PartyEvent::Entered { organisation, document }) => {
                in_force.parties.insert(organisation.clone(), stored(document));
            }
            Kind::Party(PartyEvent::Removed { organisation }) => {
                in_force.parties.remove(organisation);
            }
            Kind::Node(event) if event.change == NodeChange::Started => {
                // What was under way when the gateway ended will never be answered.
                let callers = self.callers.values_mut().flat_map(BTreeMap::values_mut);
                callers.for_each(|caller| caller.asked.clear());
            }
            Kind::Catalogue(event) => in_force.catalogue = Some(event.digest),
            Kind::Adapter(AdapterEvent::Placed { adapter, .. }) => {
                in_force.adapters.insert(adapter.name.clone(), adapter.digest);
            }
            Kind::Adapter(AdapterEvent::Removed { name }) => {
                in_force.adapters.remove(name);
            }
            Kind::Freeze(_) => in_force.orders.push(index),
            Kind::Dispute(_) => self.disputes.push(index),
            Kind::Node(_)
            | Kind::Intent(_)
            | Kind::Outcome(_)
            | Kind::Denial(_)
            | Kind::Rule(_)
            | Kind::Case(_) => {}
            Kind::Key(event) if event.purpose == KeyPurpose::Log => {
                self.log_keys.push((index, event.name.clone()));
            }
            Kind::Key(_) | Kind::Erasure(_) => self.vault.visit(index, entry),
        }
    }
}

impl Caller {
    /// Takes one entry of a question into account; true when its permit counts with this entry.
    fn question(&mut self, question: &Question<'_>) -> bool {
        self.highest = self.highest.max(question.sequence);
        match question.step {
            Step::Intent => {
                self.asked.insert(question.sequence);
                true
            }
            // The last entry of its question: an answer from the cache has no intent before it.
            Step::Outcome => !self.asked.remove(&question.sequence),
            Step::Denial => false,
        }
    }
}

impl InForce {
    fn agreement(&mut self, event: &AgreementEvent, stored: impl Fn(&[u8]) -> Stored) {
        match event {
            AgreementEvent::Adopted { id, version, document } => {
                within(&mut self.agreements, id, |known| known.adopt(*version, stored(document)));
            }
            AgreementEvent::Withdrawn { id, version } => {
                let Some(versions) = self.agreements.get_mut(id) else { return };
                versions.adopted.retain(|(known, _)| known != version);
            }
            AgreementEvent::Ordered { document, .. } => self.orders.push(stored(document).index),
        }
    }
}

impl Versions {
    fn adopt(&mut self, version: u32, document: Stored) {
        self.highest = self.highest.max(version);
        match self.adopted.binary_search_by_key(&version, |(known, _)| *known) {
            Ok(place) => {
                if let Some(known) = self.adopted.get_mut(place) {
                    known.1 = document;
                }
            }
            Err(place) => {
                self.adopted.reserve_exact(1);
                self.adopted.insert(place, (version, document));
            }
        }
    }
}

/// Does something to the value of that name. Only a name that is new takes memory.
fn within<T: Default, R>(
    map: &mut BTreeMap<String, T>,
    name: &str,
    change: impl FnOnce(&mut T) -> R,
) -> R {
    match map.get_mut(name) {
        Some(value) => change(value),
        None => change(map.entry(name.to_owned()).or_default()),
    }
}

#[cfg(test)]
pub(super) mod tests;
