//! The vault of a running gateway: today's key at hand, every record sealed before its entry is appended.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::Mutex;

use super::VaultError;
use super::day::{Day, KeyName};
use super::history::History;
use super::keys::{DayKey, KeyFolder, is_writable};
use super::master::Master;
use super::seal::{Place, seal};
use super::subject::Identifier;
use crate::audit::Audit;
use crate::audit::beside::Private;
use crate::audit::commitment::{Field, Seed};
use crate::audit::entry::{Entry, KeyChange, KeyEvent, KeyPurpose, Kind};
use crate::crypto::Digest;
use crate::query::time::Timestamp;

/// Days whose keys stay in memory: questions of yesterday end a little after midnight, and clocks are set back.
const DAYS: usize = 3;

/// The vault of a running gateway.
pub struct Vault {
    keys: Arc<Keys>,
    /// Of the last days.
    days: ArcSwap<VecDeque<Arc<DayKey>>>,
    /// What the log says; held while a key is fetched or made.
    history: Mutex<History>,
}

/// The key folder and both powers over it: what sealing and erasing need.
pub struct Keys {
    pub(super) folder: KeyFolder,
    pub(super) open: Master,
    pub(super) find: Master,
}

impl Keys {
    /// Puts them together.
    pub fn new(folder: KeyFolder, open: Master, find: Master) -> Self {
        Self { folder, open, find }
    }

    /// Proves that every key in the folder opens with these masters, each file with its own.
    ///
    /// # Errors
    /// The first that does not, or a folder that cannot be read.
    pub fn prove(&self) -> Result<(), VaultError> {
        for name in self.folder.names()? {
            self.folder.prove(name, &self.open)?;
            self.folder.prove(name, &self.find)?;
        }
        Ok(())
    }
}

/// A sealed record, ready to stand beside its entry.
pub struct Sealed {
    /// For [`Audit::append_with`].
    pub private: Private,
    /// For the entry's commitments.
    pub digest: Digest,
}

impl Vault {
    /// The vault over these keys. `history` is what the whole log says of them.
    ///
    /// # Errors
    /// When the folder is not there or cannot be written: better now than at midnight.
    pub fn new(keys: Keys, path: &Path, history: History) -> Result<Self, VaultError> {
        is_writable(path)?;
        Ok(Self { keys: Arc::new(keys), days: ArcSwap::default(), history: Mutex::new(history) })
    }

    /// Sees to it that records of this moment's day can be sealed: fetches the day's key, or makes it and records that.
    ///
    /// # Errors
    /// When there is no key and none can be made, or the log cannot record it; then nothing may be answered.
    pub async fn ready(&self, at: Timestamp, audit: &Audit) -> Result<(), VaultError> {
        let day = Day::of(at);
        if self.day(day).is_some() {
            return Ok(());
        }
        // Boxed: it runs once a day, and every question's future would have room for it.
        Box::pin(self.begin(day, at, audit)).await
    }

    async fn begin(&self, day: Day, at: Timestamp, audit: &Audit) -> Result<(), VaultError> {
        let mut history = self.history.lock().await;
        if self.day(day).is_some() {
            return Ok(());
        }
        let (keys, known) = (Arc::clone(&self.keys), history.clone());
        // Flushes files, for which no other question should wait.
        let fetched = tokio::task::spawn_blocking(move || fetch(&keys, &known, day)).await;
        let key = fetched.map_err(|_| VaultError::Interrupted)??;
        if history.is_in_use(key.name).is_none() {
            record(audit, &mut history, KeyChange::Begun, key.name, at).await?;
        }
        let mut days = VecDeque::clone(&self.days.load());
        days.push_front(Arc::new(key));
        days.truncate(DAYS);
        self.days.store(Arc::new(days));
        Ok(())
    }

    /// Seals the fields of an entry of that moment; `identifiers` are those of its subjects.
    ///
    /// # Errors
    /// When [`Vault::ready`] has not been asked for that day, or the system has no randomness.
    pub fn seal(
        &self,
        at: Timestamp,
        place: &Place<'_>,
        seed: &Seed,
        fields: &[(Field, &[u8])],
        identifiers: &[Identifier],
    ) -> Result<Sealed, VaultError> {
        let day = self.day(Day::of(at)).ok_or(VaultError::Interrupted)?;
        let (private, digest) = seal(&day, place, seed, fields, identifiers)?;
        Ok(Sealed { private, digest })
    }

    /// The log's name.
    pub fn origin(&self) -> &str {
        self.keys.folder.origin()
    }

    fn day(&self, day: Day) -> Option<Arc<DayKey>> {
        self.days.load().iter().find(|key| key.name.day == day).map(Arc::clone)
    }
}

/// The day's key in use, or a new one. A key that the log has in use is never replaced by another in silence.
fn fetch(keys: &Keys, history: &History, day: Day) -> Result<DayKey, VaultError> {
    if let Some(name) = history.in_use(day).pop() {
        return keys.folder.read(name, &keys.open)?.ok_or(VaultError::KeyMissing(name));
    }
    let names = keys.folder.names()?;
    let highest = names.iter().filter(|name| name.day == day).map(|name| name.version).max();
    let version = history.highest(day).max(highest.unwrap_or_default()) + 1;
    keys.folder.create(KeyName { day, version }, &keys.open, &keys.find)
}

/// Records that a day's key came into use or went out of it.
pub(super) async fn record(
    audit: &Audit,
    history: &mut History,
    change: KeyChange,
    name: KeyName,
    at: Timestamp,
) -> Result<(), VaultError> {
    let event = KeyEvent {
        purpose: KeyPurpose::VaultDay,
        change,
        name: name.to_string(),
        document: Vec::new(),
    };
    let entry = Entry { at, kind: Kind::Key(event) };
    let recorded = audit.append(entry.clone()).await?;
    history.visit(recorded.index, &entry);
    Ok(())
}
