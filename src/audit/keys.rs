//! The keys a log signs with, one after the other: each is announced in the log itself, by the key before it. Pure.
//!
//! Whoever knows the first key, which stands in `log.toml`, reaches every later one through the entries. A key signs
//! the checkpoints from its announcement on, and none after the next one: a key that was replaced because it was lost
//! or stolen can put its name to nothing newer.

use thiserror::Error;

use super::checkpoint;
use super::entry::{Entry, KeyChange, KeyEvent, KeyPurpose, Kind};
use super::note::{self, Note, NoteError, VerifierKey};
use super::tree::Head;
use crate::crypto::SigningKey;

/// First line of an announcement.
const ANNOUNCEMENT: &str = "heyan log key v1";

/// Why an entry makes no key the log's.
#[derive(Debug, Error)]
pub enum KeyError {
    /// Not a key of a log of this name.
    #[error("`{0}` is no key of this log")]
    Foreign(String),
    /// The document is no announcement of this key.
    #[error("the document does not announce the key `{0}`")]
    Announcement(String),
    /// The key before it has not signed the announcement.
    #[error("the key before it has not signed the announcement")]
    Unsigned(#[source] NoteError),
    /// A key that was the log's before.
    #[error("the key `{0}` was the log's before and cannot come back")]
    Again(String),
    /// The log is left without a key.
    #[error("a log's key ends only when the next one begins")]
    Ended,
}

/// The keys of one log, as far as it has been read.
#[derive(Clone, Debug)]
pub struct Keys {
    /// Those replaced, with the index of the entry that announced the next: the size of the largest checkpoint that
    /// is theirs to sign.
    earlier: Vec<(VerifierKey, u64)>,
    current: VerifierKey,
}

impl Keys {
    /// Of a log whose first key this is.
    pub fn new(first: VerifierKey) -> Self {
        Self { earlier: Vec::new(), current: first }
    }

    /// Of a log that announced these keys later: index of the entry, and the key as in signed notes. `None` when one of
    /// them is no key. The announcements were believed when they were read.
    pub(super) fn resume(first: VerifierKey, later: &[(u64, String)]) -> Option<Self> {
        let mut keys = Self::new(first);
        for (index, name) in later {
            let key = VerifierKey::parse(name).ok()?;
            keys.earlier.push((std::mem::replace(&mut keys.current, key), *index));
        }
        Some(keys)
    }

    /// The key in force.
    pub fn current(&self) -> &VerifierKey {
        &self.current
    }

    /// Every key so far, the first one first.
    pub fn all(&self) -> impl Iterator<Item = &VerifierKey> {
        self.earlier.iter().map(|(key, _)| key).chain([&self.current])
    }

    /// The key that signs checkpoints over so many entries.
    pub fn at(&self, size: u64) -> &VerifierKey {
        let replaced = self.earlier.iter().find(|(_, last)| size <= *last);
        replaced.map_or(&self.current, |(key, _)| key)
    }

    /// True when the key was the log's and another has replaced it.
    pub fn is_replaced(&self, key: &VerifierKey) -> bool {
        self.earlier.iter().any(|(earlier, _)| earlier == key)
    }

    /// Takes one entry into account; all but those about keys of the log are passed over.
    ///
    /// # Errors
    /// When it makes a key the log's that the key before it has not announced.
    pub fn see(&mut self, index: u64, entry: &Entry) -> Result<(), KeyError> {
        match &entry.kind {
            Kind::Key(KeyEvent { purpose: KeyPurpose::Log, change, name, document }) => {
                match change {
                    KeyChange::Begun => self.begin(index, name, document),
                    KeyChange::Ended => Err(KeyError::Ended),
                }
            }
            _ => Ok(()),
        }
    }

    fn begin(&mut self, index: u64, name: &str, document: &[u8]) -> Result<(), KeyError> {
        let key = VerifierKey::parse(name)
            .ok()
            .filter(|key| key.name() == self.current.name())
            .ok_or_else(|| KeyError::Foreign(name.to_owned()))?;
        if self.all().any(|known| *known == key) {
            return Err(KeyError::Again(name.to_owned()));
        }
        let announced = || KeyError::Announcement(name.to_owned());
        let note = std::str::from_utf8(document).map_err(|_| announced())?;
        let note = Note::parse(note).map_err(|_| announced())?;
        if note.text != text(&key) {
            return Err(announced());
        }
        note.verify(&self.current).map_err(KeyError::Unsigned)?;
        self.earlier.push((std::mem::replace(&mut self.current, key), index));
        Ok(())
    }

    /// The head that a checkpoint of this log states, signed by the key that was in force at its size.
    ///
    /// # Errors
    /// When the note is malformed, of another log, or not signed by that key.
    pub fn open(&self, checkpoint: &str) -> Result<Head, NoteError> {
        let note = Note::parse(checkpoint)?;
        let head = checkpoint::head(note.text, self.current.name())?;
        note.verify(self.at(head.size))?;
        Ok(head)
    }
}

/// The announcement of a new key, signed by the key before it.
///
/// # Errors
/// When that key cannot sign.
pub fn announce(new: &VerifierKey, old: &SigningKey) -> Result<String, NoteError> {
    note::sign(&text(new), new.name(), old)
}

fn text(key: &VerifierKey) -> String {
    format!("{ANNOUNCEMENT}\n{}\n{key}\n", key.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::testing;
    use crate::query::time::Timestamp;

    const ORIGIN: &str = "heyan.test/log";

    fn vkey(origin: &str, key: &SigningKey) -> VerifierKey {
        VerifierKey::new(origin, key.public()).unwrap()
    }

    fn begun(name: String, document: String) -> Entry {
        let (purpose, change) = (KeyPurpose::Log, KeyChange::Begun);
        let event = KeyEvent { purpose, change, name, document: document.into_bytes() };
        Entry { at: Timestamp(9), kind: Kind::Key(event) }
    }

    fn announced(new: &VerifierKey, old: &SigningKey) -> Entry {
        begun(new.to_string(), announce(new, old).unwrap())
    }

    #[test]
    fn each_key_signs_from_its_announcement_to_the_next() {
        let keys = [testing::key(), testing::key(), testing::key()];
        let vkeys = keys.each_ref().map(|key| vkey(ORIGIN, key));
        let mut log = Keys::new(vkeys[0].clone());
        log.see(7, &announced(&vkeys[1], &keys[0])).unwrap();
        log.see(8, &testing::denial(1)).unwrap();
        log.see(9, &announced(&vkeys[2], &keys[1])).unwrap();
        assert_eq!(log.current(), &vkeys[2]);
        assert_eq!(log.all().collect::<Vec<_>>(), vkeys.iter().collect::<Vec<_>>());
        assert!(log.is_replaced(&vkeys[1]) && !log.is_replaced(&vkeys[2]));
        for (size, place) in [(1, 0), (7, 0), (8, 1), (9, 1), (10, 2), (99, 2)] {
            assert_eq!(log.at(size), &vkeys[place], "{size}");
            let head = Head { size, root: [3; 32] };
            for (signer, key) in keys.iter().enumerate() {
                let checkpoint = checkpoint::sign(ORIGIN, &head, key).unwrap();
                let opened = log.open(&checkpoint);
                assert_eq!(opened.is_ok(), signer == place, "size {size} by key {signer}");
            }
        }
    }

    #[test]
    fn a_key_that_the_one_before_has_not_announced_is_none() {
        let (old, new, stranger) = (testing::key(), testing::key(), testing::key());
        let (first, next) = (vkey(ORIGIN, &old), vkey(ORIGIN, &new));
        let see = |entry: Entry| Keys::new(first.clone()).see(7, &entry).unwrap_err();
        let forged = see(announced(&next, &stranger));
        assert!(matches!(forged, KeyError::Unsigned(NoteError::Unsigned(_))));
        assert!(matches!(see(announced(&next, &new)), KeyError::Unsigned(_)));
        let other = announce(&vkey(ORIGIN, &stranger), &old).unwrap();
        assert!(matches!(see(begun(next.to_string(), other)), KeyError::Announcement(_)));
        assert!(matches!(
            see(begun(next.to_string(), "no note".to_owned())),
            KeyError::Announcement(_)
        ));
        assert!(matches!(see(announced(&vkey("other", &new), &old)), KeyError::Foreign(_)));
        assert!(matches!(see(announced(&first, &old)), KeyError::Again(_)));
        let mut ended = announced(&next, &old);
        if let Kind::Key(event) = &mut ended.kind {
            event.change = KeyChange::Ended;
        }
        assert!(matches!(see(ended), KeyError::Ended));
    }

    #[test]
    fn keys_of_the_vault_are_not_the_logs() {
        let mut keys = Keys::new(vkey(ORIGIN, &testing::key()));
        let before = keys.current().clone();
        let event = KeyEvent {
            purpose: KeyPurpose::VaultDay,
            change: KeyChange::Begun,
            name: "2026-11-23.1".to_owned(),
            document: Vec::new(),
        };
        keys.see(1, &Entry { at: Timestamp(9), kind: Kind::Key(event) }).unwrap();
        assert_eq!(keys.current(), &before);
    }
}
