//! Finding: which records are about a subject, for whoever holds the subject key, without opening any.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::path::Path;

use bytes::Bytes;

use super::VaultError;
use super::day::KeyName;
use super::keys::KeyFolder;
use super::master::Master;
use super::open::{newest, origin, record_of};
use super::subject::{Identifier, SubjectKey};
use super::tables::Tables;
use crate::audit::entry::Entry;

/// Whether a record is about a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// It is.
    Yes,
    /// It is not.
    No,
    /// The entry has no record, or its record was erased: nobody can tell any more.
    Unknown,
}

/// Finds records of one log. Keeps the keys it has read, and the last day's tables.
pub struct Finder {
    keys: KeyFolder,
    master: Master,
    tables: Tables,
    days: BTreeMap<KeyName, Option<SubjectKey>>,
}

impl Finder {
    /// For the log in this folder. Either master key will do.
    ///
    /// # Errors
    /// When there is no log, or the key folder cannot be read.
    pub fn new(log: &Path, keys: &Path, master: Master) -> Result<Self, VaultError> {
        let keys = KeyFolder::new(keys, &origin(log)?);
        // Without its folder every record would look erased.
        keys.names()?;
        Ok(Self { keys, master, tables: Tables::new(log), days: BTreeMap::new() })
    }

    /// Whether the entry's record is about one of these subjects. One keyed hash per identifier.
    ///
    /// # Errors
    /// When the master key is another vault's, or the record is damaged.
    pub fn is_about(
        &mut self,
        index: u64,
        entry: &Entry,
        private: &Bytes,
        wanted: &[Identifier],
    ) -> Result<Match, VaultError> {
        let (record, digest) = match record_of(entry, private) {
            Err(VaultError::NoRecord) => return Ok(Match::Unknown),
            found => found?,
        };
        let wrap = newest(&mut self.tables, index, &record)?;
        let key = match self.days.entry(wrap.key) {
            Slot::Occupied(known) => known.into_mut(),
            Slot::Vacant(free) => free.insert(self.keys.read_subject(wrap.key, &self.master)?),
        };
        match key {
            Some(key) if key.finds(&digest, &wrap, wanted)? => Ok(Match::Yes),
            Some(_) => Ok(Match::No),
            None => Ok(Match::Unknown),
        }
    }
}
