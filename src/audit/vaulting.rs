//! What the log says of its vault's keys and of what was erased, gathered entry by entry. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::day::{Day, KeyName};
use super::entry::{Entry, Erased, KeyChange, KeyPurpose, Kind};

/// Keys and erasures as of the last entry visited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// Whether each key is still in use.
    keys: BTreeMap<KeyName, bool>,
    /// Single entries erased, each with the index of the erasure.
    entries: BTreeMap<u64, u64>,
    /// Days erased, each with the index of the last erasure.
    days: BTreeMap<Day, u64>,
    /// Index of the last erasure that no destroyed key has followed yet.
    unfinished: Option<u64>,
}

impl History {
    /// Takes one entry into account.
    pub fn visit(&mut self, index: u64, entry: &Entry) {
        match &entry.kind {
            Kind::Key(event) if event.purpose == KeyPurpose::VaultDay => {
                let Ok(name) = event.name.parse::<KeyName>() else { return };
                self.keys.insert(name, event.change == KeyChange::Begun);
                if event.change == KeyChange::Ended {
                    self.unfinished = None;
                }
            }
            Kind::Erasure(erasure) => {
                match &erasure.erased {
                    Erased::Entries(indices) => {
                        self.entries.extend(indices.iter().map(|&erased| (erased, index)));
                    }
                    Erased::Day(day) => {
                        self.days.extend(day.parse::<Day>().ok().map(|day| (day, index)));
                    }
                }
                self.unfinished = Some(index);
            }
            _ => {}
        }
    }

    /// Every key the log ever named, ascending, and whether it is still in use.
    pub fn keys(&self) -> impl Iterator<Item = (KeyName, bool)> + '_ {
        self.keys.iter().map(|(name, in_use)| (*name, *in_use))
    }

    /// Keys of the day that are in use, ascending.
    pub fn in_use(&self, day: Day) -> Vec<KeyName> {
        let known = self.of(day).filter(|(_, in_use)| **in_use);
        known.map(|(name, _)| *name).collect()
    }

    /// The highest version of the day's key there ever was; 0 when there was none.
    pub fn highest(&self, day: Day) -> u32 {
        self.of(day).map(|(name, _)| name.version).max().unwrap_or_default()
    }

    /// False when the key was destroyed, `None` when the log never heard of it.
    pub fn is_in_use(&self, name: KeyName) -> Option<bool> {
        self.keys.get(&name).copied()
    }

    /// Index of the erasure that names this entry.
    pub fn erased(&self, index: u64) -> Option<u64> {
        self.entries.get(&index).copied()
    }

    /// Index of the last erasure that names the day.
    pub fn erased_day(&self, day: Day) -> Option<u64> {
        self.days.get(&day).copied()
    }

    /// Single entries that were erased.
    pub fn erased_entries(&self) -> BTreeSet<u64> {
        self.entries.keys().copied().collect()
    }

    /// Index of an erasure whose keys are not yet destroyed, as far as the log knows: run it again.
    pub fn unfinished(&self) -> Option<u64> {
        self.unfinished
    }

    fn of(&self, day: Day) -> impl Iterator<Item = (&KeyName, &bool)> {
        let version = |version| KeyName { day, version };
        self.keys.range(version(0)..=version(u32::MAX))
    }
}
