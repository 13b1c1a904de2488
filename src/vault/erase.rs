//! Erasing: one question or one day, for good. Recorded first, then done, then the end of the keys recorded.
//!
//! A day is erased by destroying its keys. Single entries are erased by wrapping every other seed of their day anew
//! under a new key, and then destroying the keys before. At any moment the day's records open with the old keys or with
//! the new one; whoever was interrupted runs the same erasure again, and nothing is recorded twice.
//!
//! Needs the log in hand, so no gateway writes meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bytes::Bytes;

use super::VaultError;
use super::day::{Day, KeyName};
use super::history::History;
use super::keys::DayKey;
use super::live::{Keys, record};
use super::open::{day_key, newest, record_of};
use super::seal::{self, Place};
use super::subject::Identifier;
use super::tables::{Tables, Unfinished};
use crate::audit::commitment::Field;
use crate::audit::entry::{self, Entry, Erased, Erasure, KeyChange, Kind};
use crate::audit::{Audit, records};
use crate::query::identifier;
use crate::query::time::Timestamp;

/// What is to be erased, and why.
#[derive(Clone, Debug)]
pub struct Order {
    /// The records.
    pub what: What,
    /// Code of the legal ground: 1 to 64 letters, digits, `-`, `_`, `.`.
    pub ground: String,
}

/// Which records.
#[derive(Clone, Debug)]
pub enum What {
    /// Those of the questions and cases that these entries belong to. A question's intent and outcome go together: each
    /// holds the whole request. So do the entries of a case that was repeated under its id; its questions do not.
    Entries(Vec<u64>),
    /// All of a day.
    Day(Day),
}

/// One thing that an erasure has done, in order. Shown to whoever watches; a watcher that fails stops the erasure
/// there, which is how the tests interrupt it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The erasure is an entry of this index.
    Recorded(u64),
    /// The day has a new key, durable and recorded.
    NewKey(KeyName),
    /// The seeds of so many other entries are wrapped under it, durable.
    Kept(u64),
    /// A key is destroyed.
    Destroyed(KeyName),
    /// Its end is recorded.
    Ended(KeyName),
}

/// What an erasure came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Single entries whose records are gone.
    pub entries: Vec<u64>,
    /// The days concerned.
    pub days: Vec<Day>,
    /// Records of those days that are kept.
    pub kept: u64,
}

/// Is told each step.
pub type Watch<'a> = &'a mut (dyn FnMut(&Step) -> Result<(), VaultError> + Send);

/// One log with its vault, in hand.
pub struct Eraser<'a> {
    /// The log's folder.
    pub log: &'a Path,
    /// The same log, held.
    pub audit: &'a Audit,
    /// The vault's keys.
    pub keys: &'a Keys,
    /// What the whole log says of them.
    pub history: History,
    /// When this is done.
    pub at: Timestamp,
}

impl Eraser<'_> {
    /// Erases for good. When it returns, no copy of the log opens the records any more; copies of the key folder
    /// must be destroyed by whoever made them.
    ///
    /// # Errors
    /// When nothing is there to erase, and nothing was changed; or when something failed on the way: then run it again.
    pub async fn erase(&mut self, order: &Order, watch: Watch<'_>) -> Result<Done, VaultError> {
        check_ground(&order.ground)?;
        match &order.what {
            What::Day(day) => self.erase_day(*day, &order.ground, watch).await,
            What::Entries(indices) => self.erase_entries(indices, &order.ground, watch).await,
        }
    }

    async fn erase_day(
        &mut self,
        day: Day,
        ground: &str,
        watch: Watch<'_>,
    ) -> Result<Done, VaultError> {
        let mut keys: BTreeSet<KeyName> = self.history.in_use(day).into_iter().collect();
        keys.extend(self.keys.folder.names()?.into_iter().filter(|name| name.day == day));
        if keys.is_empty() {
            return Err(VaultError::NothingKept(day.to_string()));
        }
        let is_recorded = self.history.erased_day(day).is_some()
            && self.history.erased_day(day) == self.history.unfinished();
        if !is_recorded {
            self.record(Erased::Day(day.to_string()), ground, watch).await?;
        }
        for name in keys {
            self.end(name, watch).await?;
        }
        Ok(Done { entries: Vec::new(), days: vec![day], kept: 0 })
    }

    async fn erase_entries(
        &mut self,
        indices: &[u64],
        ground: &str,
        watch: Watch<'_>,
    ) -> Result<Done, VaultError> {
        let mut questions = BTreeMap::<Day, BTreeSet<Question>>::new();
        for &index in indices {
            let (stored, private) =
                records::at(self.log, index)?.ok_or(VaultError::OutOfRange(index))?;
            let entry = decode(index, &stored)?;
            record_of(&entry, &private)?;
            let of = Question::of(&entry.kind).ok_or(VaultError::NoRecord)?;
            questions.entry(Day::of(entry.at)).or_default().insert(of);
        }
        let mut done = Done::default();
        for (day, questions) in questions {
            let wanted = self.entries_of(day, &questions)?;
            if self.history.in_use(day).is_empty() {
                return Err(VaultError::NothingKept(format!("{day}, the day of these entries")));
            }
            if wanted.iter().any(|index| self.history.erased(*index).is_none()) {
                let erased = Erased::Entries(wanted.iter().copied().collect());
                self.record(erased, ground, watch).await?;
            } else if self.history.in_use(day).len() == 1 && !self.is_still_open(day, &wanted)? {
                return Err(VaultError::NothingKept("these entries".to_owned()));
            }
            done.kept += self.renew(day, watch).await?;
            done.entries.extend(wanted);
            done.days.push(day);
        }
        Ok(done)
    }

    /// Every entry of the day's questions that has a record.
    fn entries_of(
        &self,
        day: Day,
        questions: &BTreeSet<Question>,
    ) -> Result<BTreeSet<u64>, VaultError> {
        let mut found = BTreeSet::new();
        each_of(self.log, day, &mut |index, entry, _| {
            if Question::of(&entry.kind).is_some_and(|of| questions.contains(&of)) {
                found.insert(index);
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Whether one of the entries has a key that still exists. Then an erasure was interrupted, as it was when the day
    /// has more than one key in use.
    fn is_still_open(&self, day: Day, wanted: &BTreeSet<u64>) -> Result<bool, VaultError> {
        let mut tables = Tables::new(self.log);
        let mut open = false;
        each_of(self.log, day, &mut |index, entry, private| {
            if wanted.contains(&index) {
                let (record, _) = record_of(entry, private)?;
                open |= self.keys.folder.has(newest(&mut tables, index, &record)?.key);
            }
            Ok(())
        })?;
        Ok(open)
    }

    /// Gives the day a new key, wraps every seed that is not erased under it, and destroys the keys before. Entries
    /// that the log calls erased are left out, whichever erasure named them.
    async fn renew(&mut self, day: Day, watch: Watch<'_>) -> Result<u64, VaultError> {
        let mut old: BTreeSet<KeyName> = self.history.in_use(day).into_iter().collect();
        old.extend(self.keys.folder.names()?.into_iter().filter(|name| name.day == day));
        let highest = old.iter().map(|name| name.version).max().unwrap_or_default();
        let version = highest.max(self.history.highest(day)) + 1;
        let name = KeyName { day, version };
        let new = self.keys.folder.create(name, &self.keys.open, &self.keys.find)?;
        record(self.audit, &mut self.history, KeyChange::Begun, name, self.at).await?;
        watch(&Step::NewKey(name))?;
        let kept = self.wrap_anew(&new)?;
        watch(&Step::Kept(kept))?;
        for name in old {
            self.end(name, watch).await?;
        }
        Ok(kept)
    }

    fn wrap_anew(&self, new: &DayKey) -> Result<u64, VaultError> {
        let erased = self.history.erased_entries();
        let mut tables = Tables::new(self.log);
        let mut days = BTreeMap::new();
        let mut table = tables.begin(new.name)?;
        each_of(self.log, new.name.day, &mut |index, entry, private| {
            if erased.contains(&index) {
                return Ok(());
            }
            let kept = self.keep(index, entry, private, new, &mut tables, &mut days, &mut table);
            match kept {
                // Its key was destroyed by an erasure of the day before; there is nothing to keep.
                Err(VaultError::Gone(name)) if self.history.is_in_use(name) == Some(false) => {
                    Ok(())
                }
                kept => kept.map_err(|error| VaultError::CannotKeep(index, Box::new(error))),
            }
        })?;
        table.finish()
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the caches of one pass, which nothing else shares"
    )]
    fn keep(
        &self,
        index: u64,
        entry: &Entry,
        private: &Bytes,
        new: &DayKey,
        tables: &mut Tables,
        days: &mut BTreeMap<KeyName, DayKey>,
        table: &mut Unfinished,
    ) -> Result<(), VaultError> {
        let (record, digest) = record_of(entry, private)?;
        let old = newest(tables, index, &record)?;
        let key = day_key(days, &self.keys.folder, &self.keys.open, old.key)?;
        let (place, _) =
            Place::of(self.keys.folder.origin(), &entry.kind).ok_or(VaultError::NoRecord)?;
        let seed = seal::unwrap(key, &place, &old, &digest)?;
        let subjects = seal::open(&seed, &place, &record.sealed, Field::Subject)?;
        let identifiers = Identifier::of_subjects(&subjects);
        table.add(index, &seal::wrap(new, &place, &seed, &digest, &identifiers)?)
    }

    /// Destroys a key and records its end, unless the log never heard of it.
    async fn end(&mut self, name: KeyName, watch: Watch<'_>) -> Result<(), VaultError> {
        self.keys.folder.destroy(name)?;
        Tables::new(self.log).remove(name)?;
        watch(&Step::Destroyed(name))?;
        if self.history.is_in_use(name) == Some(true) {
            record(self.audit, &mut self.history, KeyChange::Ended, name, self.at).await?;
            watch(&Step::Ended(name))?;
        }
        Ok(())
    }

    async fn record(
        &mut self,
        erased: Erased,
        ground: &str,
        watch: Watch<'_>,
    ) -> Result<(), VaultError> {
        let kind = Kind::Erasure(Erasure { erased, ground: ground.to_owned() });
        let entry = Entry { at: self.at, kind };
        let recorded = self.audit.append(entry.clone()).await?;
        self.history.visit(recorded.index, &entry);
        watch(&Step::Recorded(recorded.index))
    }
}

/// One question of one caller, or one case: what is erased together.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Question {
    Numbered(String, String, u64),
    Case([u8; 16]),
}

impl Question {
    fn of(kind: &Kind) -> Option<Self> {
        if let Kind::Case(closed) = kind {
            return Some(Self::Case(closed.case_id));
        }
        let facts = kind.facts()?;
        let (organisation, system) = facts.caller.numbered_as();
        let (organisation, system) = (organisation.to_string(), system.to_string());
        Some(Self::Numbered(organisation, system, facts.caller_sequence))
    }
}

/// Shows every entry of the day that names a sealed record.
fn each_of(
    log: &Path,
    day: Day,
    visit: &mut dyn FnMut(u64, &Entry, &Bytes) -> Result<(), VaultError>,
) -> Result<(), VaultError> {
    records::each(log, 0, &mut |index, stored, private| {
        if private.is_empty() {
            return Ok(());
        }
        let entry = decode(index, stored)?;
        if Day::of(entry.at) == day { visit(index, &entry, private) } else { Ok(()) }
    })?
}

/// What the whole log says of keys and erasures.
///
/// # Errors
/// When the log cannot be read.
pub fn history(log: &Path) -> Result<History, VaultError> {
    let mut history = History::default();
    records::each(log, 0, &mut |index, stored, _| {
        history.visit(index, &decode(index, stored)?);
        Ok::<(), VaultError>(())
    })??;
    Ok(history)
}

fn decode(index: u64, stored: &[u8]) -> Result<Entry, VaultError> {
    entry::decode(stored).map_err(|source| VaultError::Entry(index, source))
}

/// The ground becomes part of the log, in clear and for ever.
fn check_ground(ground: &str) -> Result<(), VaultError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let formed = (1..=64).contains(&ground.len()) && ground.bytes().all(allowed);
    if formed && !identifier::contains_identity_number(ground) {
        Ok(())
    } else {
        Err(VaultError::Ground)
    }
}
