//! Opening: an auditor's keys, one entry, one field at a time, each held against the entry's commitment.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::fmt;
use std::path::Path;

use bytes::Bytes;

use super::VaultError;
use super::day::{Day, KeyName};
use super::keys::{DayKey, KeyFolder};
use super::master::Master;
use super::record::{Record, Wrap};
use super::seal::{self, Place};
use super::tables::Tables;
use crate::audit::commitment::{self, Field, Opening, Seed};
use crate::audit::entry::{Commitments, Entry};
use crate::audit::file::Description;
use crate::crypto::{Digest, sha256};

/// Opens records of one log.
pub struct Opener {
    keys: KeyFolder,
    master: Master,
    tables: Tables,
    days: BTreeMap<KeyName, DayKey>,
}

/// One opened field. Personal data: `Debug` shows the field's name only.
pub struct Opened {
    /// Which field.
    pub field: Field,
    /// Its value as committed to.
    pub value: Vec<u8>,
    /// What lets anyone check the value against the entry.
    pub opening: Opening,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("field", &self.field).finish_non_exhaustive()
    }
}

/// An entry whose seed is at hand; its fields open one by one.
pub struct OpenEntry<'a> {
    place: Place<'a>,
    commitments: &'a Commitments,
    sealed: Bytes,
    seed: Seed,
}

impl Opener {
    /// For the log in this folder; nothing but the log's description is read yet.
    ///
    /// # Errors
    /// When there is no log.
    pub fn new(log: &Path, keys: &Path, master: Master) -> Result<Self, VaultError> {
        let origin = origin(log)?;
        let keys = KeyFolder::new(keys, &origin);
        Ok(Self { keys, master, tables: Tables::new(log), days: BTreeMap::new() })
    }

    /// Gets at the entry's seed. `private` is the entry's record as the log has it.
    ///
    /// # Errors
    /// [`VaultError::NoRecord`], [`VaultError::Gone`] (erased, or another folder), [`VaultError::WrongKey`],
    /// [`VaultError::Damaged`] and [`VaultError::Stripped`] tell apart why not.
    pub fn unlock<'a>(
        &'a mut self,
        index: u64,
        entry: &'a Entry,
        private: &Bytes,
    ) -> Result<OpenEntry<'a>, VaultError> {
        let (record, digest) = record_of(entry, private)?;
        let wrap = newest(&mut self.tables, index, &record)?;
        let key = day_key(&mut self.days, &self.keys, &self.master, wrap.key)?;
        let (place, commitments) =
            Place::of(self.keys.origin(), &entry.kind).ok_or(VaultError::NoRecord)?;
        let seed = seal::unwrap(key, &place, &wrap, &digest)?;
        Ok(OpenEntry { place, commitments, sealed: record.sealed, seed })
    }
}

impl OpenEntry<'_> {
    /// The fields that were sealed.
    ///
    /// # Errors
    /// When the sealed part is damaged.
    pub fn fields(&self) -> Result<Vec<Field>, VaultError> {
        seal::fields(&self.seed, &self.place, &self.sealed)
    }

    /// Opens one field and holds it against the entry's commitment.
    ///
    /// # Errors
    /// When it was not sealed, or is not what the entry commits to.
    pub fn open(&self, field: Field) -> Result<Opened, VaultError> {
        let value = seal::open(&self.seed, &self.place, &self.sealed, field)?;
        let (commitment, opening) = commitment::commit(&self.seed, field, &value);
        if self.commitments.of(field) != Some(commitment) {
            return Err(VaultError::Damaged("a field is not what the entry commits to"));
        }
        Ok(Opened { field, value, opening })
    }
}

/// True when the entry commits to this value of the field, as its opening shows. Needs no key.
pub fn check(entry: &Entry, field: Field, value: &[u8], opening: &Opening) -> bool {
    let committed = entry.kind.commitments().and_then(|known| known.of(field));
    committed.is_some_and(|commitment| commitment::check(&commitment, field, value, opening))
}

/// The log's name.
pub(super) fn origin(log: &Path) -> Result<String, VaultError> {
    let description = Description::read(log).map_err(crate::audit::AuditError::Store)?;
    description.map(|known| known.origin).ok_or_else(|| VaultError::NoLog(log.to_owned()))
}

/// The record beside the entry, which must be the one that the entry names.
pub(super) fn record_of(entry: &Entry, private: &Bytes) -> Result<(Record, Digest), VaultError> {
    let commitments = Place::of("", &entry.kind).map(|(_, commitments)| commitments);
    let digest = commitments.and_then(|known| known.sealed).ok_or(VaultError::NoRecord)?;
    if private.is_empty() {
        return Err(VaultError::Stripped);
    }
    let record = Record::decode(private)?;
    if sha256(&record.sealed) != digest {
        return Err(VaultError::Damaged("it is not the one that the entry names"));
    }
    // A question is recorded under the day it came in: a wrap of another day was put there later.
    if record.wrap.key.day != Day::of(entry.at) {
        return Err(VaultError::Damaged("it is of another day than its entry"));
    }
    Ok((record, digest))
}

/// The entry's wrap in force: made anew by an erasure, or the one it began with.
pub(super) fn newest(tables: &mut Tables, index: u64, record: &Record) -> Result<Wrap, VaultError> {
    let anew = tables.find(record.wrap.key.day, index)?;
    Ok(anew.unwrap_or_else(|| record.wrap.clone()))
}

/// The key, read once.
pub(super) fn day_key<'a>(
    days: &'a mut BTreeMap<KeyName, DayKey>,
    keys: &KeyFolder,
    master: &Master,
    name: KeyName,
) -> Result<&'a DayKey, VaultError> {
    match days.entry(name) {
        Slot::Occupied(known) => Ok(known.into_mut()),
        Slot::Vacant(free) => {
            Ok(free.insert(keys.read(name, master)?.ok_or(VaultError::Gone(name))?))
        }
    }
}
