//! The two master keys, as files: one opens records, one only finds those about a subject.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use secrecy::zeroize::Zeroizing;

use super::VaultError;
use super::error::failed;
use crate::crypto::{self, CryptoError, hex};

/// What a master key can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// Open records; it needs no other key to find them.
    Open,
    /// Find the records about a subject, open none.
    Find,
}

impl Power {
    /// First word of the key's file, so that one is not taken for the other.
    fn word(self) -> &'static str {
        match self {
            Self::Open => "heyan-vault-key-1",
            Self::Find => "heyan-vault-subject-key-1",
        }
    }

    fn in_words(self) -> &'static str {
        match self {
            Self::Open => "master key",
            Self::Find => "subject master key",
        }
    }

    /// Ending of the files of the key folder that it opens.
    pub(super) fn ending(self) -> &'static str {
        match self {
            Self::Open => "key",
            Self::Find => "subject",
        }
    }
}

/// A master key. Overwritten when dropped.
pub struct Master {
    power: Power,
    key: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for Master {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Master({:?}, ..)", self.power)
    }
}

impl Master {
    /// Makes a new key file that only its owner can read.
    ///
    /// # Errors
    /// When it exists or cannot be written.
    pub fn create(path: &Path, power: Power) -> Result<Self, VaultError> {
        let key = Zeroizing::new(crypto::random()?);
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(failed("make", folder))?;
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let mut file = file.map_err(failed("make", path))?;
        let text = Zeroizing::new(format!("{} {}\n", power.word(), hex(key.as_slice())));
        file.write_all(text.as_bytes()).map_err(failed("write", path))?;
        file.sync_all().map_err(failed("flush", path))?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        flush(folder.unwrap_or(Path::new(".")))?;
        Ok(Self { power, key })
    }

    /// Reads a key file that only its owner can read.
    ///
    /// # Errors
    /// When it cannot be read, others can read it, or it is no such key.
    pub fn read(path: &Path, power: Power) -> Result<Self, VaultError> {
        crypto::refuse_exposed(path)?;
        let unreadable =
            |error| VaultError::Master(CryptoError::Unreadable(path.to_owned(), error));
        let text = Zeroizing::new(fs::read_to_string(path).map_err(unreadable)?);
        let wrong = || VaultError::NotMaster { path: path.to_owned(), wanted: power.in_words() };
        let digits =
            text.trim_end().strip_prefix(power.word()).and_then(|rest| rest.strip_prefix(' '));
        let key = digits.and_then(from_hex).ok_or_else(wrong)?;
        Ok(Self { power, key })
    }

    pub(super) fn power(&self) -> Power {
        self.power
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.key
    }

    #[cfg(test)]
    pub(super) fn fixed(power: Power, byte: u8) -> Self {
        Self { power, key: Zeroizing::new([byte; 32]) }
    }
}

fn from_hex(digits: &str) -> Option<Zeroizing<[u8; 32]>> {
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    let mut key = Zeroizing::new([0; 32]);
    for (byte, pair) in key.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(key)
}

/// Makes the folder's entries durable.
pub(super) fn flush(folder: &Path) -> Result<(), VaultError> {
    let directory = File::open(folder).map_err(failed("open", folder))?;
    directory.sync_all().map_err(failed("flush", folder))
}
