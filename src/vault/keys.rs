//! The folder of day keys: for each day and version one file for those who open, one for those who only find.
//!
//! ```text
//! 2026-11-23.1.key       the day's key under the master key
//! 2026-11-23.1.subject   the day's subject key under the subject master key
//! ```
//! Each is `"HYVK"`, u8 version 1, 12 bytes nonce, 48 bytes ciphertext, bound to the log's name and the file's.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use secrecy::zeroize::Zeroizing;

use super::VaultError;
use super::day::KeyName;
use super::error::failed;
use super::master::{Master, Power, flush};
use super::seal::nonce;
use super::subject::SubjectKey;
use crate::crypto::{self, AeadKey, MacKey};

const MAGIC: &[u8; 5] = b"HYVK\x01";
const FILE: &[u8] = b"heyan/vault/day-key/v1\0";
const WRAPPING: &[u8] = b"heyan/vault/wrapping/v1\0";
const FINDING: &[u8] = b"heyan/vault/finding/v1\0";

/// One day's key, ready for use.
pub(super) struct DayKey {
    pub(super) name: KeyName,
    /// Finds; derived from the same secret, and no way back.
    pub(super) subject: SubjectKey,
    wrapping: AeadKey,
}

impl DayKey {
    pub(super) fn new(name: KeyName, secret: &[u8; 32]) -> Result<Self, VaultError> {
        let wrapping = Zeroizing::new(MacKey::new(secret).mac(&[WRAPPING]));
        let subject = SubjectKey::new(&finding(secret));
        Ok(Self { name, subject, wrapping: AeadKey::new(&wrapping)? })
    }

    /// The key that wraps seeds.
    pub(super) fn wrapping(&self) -> &AeadKey {
        &self.wrapping
    }
}

fn finding(secret: &[u8; 32]) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(MacKey::new(secret).mac(&[FINDING]))
}

/// The folder of one log's day keys.
#[derive(Clone, Debug)]
pub struct KeyFolder {
    path: PathBuf,
    origin: String,
}

impl KeyFolder {
    /// The folder for the log of this name; nothing is read yet.
    pub fn new(path: &Path, origin: &str) -> Self {
        Self { path: path.to_owned(), origin: origin.to_owned() }
    }

    /// Makes the folder, which only its owner can enter.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn make(path: &Path) -> Result<(), VaultError> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed("make", path))
    }

    /// The log's name.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Every key of which a file is there, ascending.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn names(&self) -> Result<Vec<KeyName>, VaultError> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(failed("read", &self.path))? {
            let file = entry.map_err(failed("read", &self.path))?.file_name();
            let parts = file.to_str().and_then(|file| file.rsplit_once('.'));
            let known = parts.filter(|(_, ending)| ["key", "subject"].contains(ending));
            names.extend(known.and_then(|(name, _)| name.parse::<KeyName>().ok()));
        }
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    /// True when the file that opens is there.
    pub fn has(&self, name: KeyName) -> bool {
        self.file(name, Power::Open).exists()
    }

    /// Proves that the key's file of the master's power opens with it.
    ///
    /// # Errors
    /// When it does not, or cannot be read.
    pub fn prove(&self, name: KeyName, master: &Master) -> Result<(), VaultError> {
        self.unwrap(name, master).map(drop)
    }

    /// Makes a day's key, durable before it is returned. The file that opens comes last: a key is in use only with both.
    pub(super) fn create(
        &self,
        name: KeyName,
        open: &Master,
        find: &Master,
    ) -> Result<DayKey, VaultError> {
        let secret = Zeroizing::new(crypto::random()?);
        self.write(name, find, &finding(&secret))?;
        self.write(name, open, &secret)?;
        DayKey::new(name, &secret)
    }

    /// The day's key; `None` when its file is not there.
    pub(super) fn read(&self, name: KeyName, open: &Master) -> Result<Option<DayKey>, VaultError> {
        match open.power() {
            Power::Open => {
                self.unwrap(name, open)?.map(|secret| DayKey::new(name, &secret)).transpose()
            }
            Power::Find => Err(VaultError::WrongKey(name)),
        }
    }

    /// The day's subject key, from the file of either power; `None` when it is not there.
    pub(super) fn read_subject(
        &self,
        name: KeyName,
        master: &Master,
    ) -> Result<Option<SubjectKey>, VaultError> {
        let secret = self.unwrap(name, master)?;
        Ok(secret.map(|secret| match master.power() {
            Power::Open => SubjectKey::new(&finding(&secret)),
            Power::Find => SubjectKey::new(&secret),
        }))
    }

    /// Destroys the key: what was wrapped with it opens never again, unless somebody kept a copy of these files.
    ///
    /// Overwriting is for media that write in place; others must be destroyed or encrypted themselves.
    pub(super) fn destroy(&self, name: KeyName) -> Result<(), VaultError> {
        for power in [Power::Open, Power::Find] {
            let path = self.file(name, power);
            let opened = OpenOptions::new().write(true).open(&path);
            let mut file = match opened {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened.map_err(failed("open", &path))?,
            };
            let length = file.metadata().map_err(failed("read", &path))?.len();
            let zeros = vec![0; usize::try_from(length).unwrap_or_default()];
            file.write_all(&zeros).map_err(failed("overwrite", &path))?;
            file.sync_all().map_err(failed("flush", &path))?;
            fs::remove_file(&path).map_err(failed("remove", &path))?;
        }
        flush(&self.path)
    }

    fn write(&self, name: KeyName, master: &Master, secret: &[u8; 32]) -> Result<(), VaultError> {
        let nonce = nonce()?;
        let wrapped =
            crypto::aead_seal(master.bytes(), nonce, &self.bound(name, master.power()), secret)?;
        let (path, unfinished) =
            (self.file(name, master.power()), self.path.join(format!("{name}.unfinished")));
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&unfinished);
        let mut file = file.map_err(failed("make", &unfinished))?;
        file.write_all(&[&MAGIC[..], &nonce, &wrapped].concat())
            .map_err(failed("write", &unfinished))?;
        file.sync_all().map_err(failed("flush", &unfinished))?;
        fs::rename(&unfinished, &path).map_err(failed("rename", &unfinished))?;
        flush(&self.path)
    }

    fn unwrap(
        &self,
        name: KeyName,
        master: &Master,
    ) -> Result<Option<Zeroizing<[u8; 32]>>, VaultError> {
        let path = self.file(name, master.power());
        let bytes = match fs::read(&path) {
            // A folder that is not there is no destroyed key.
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.path.is_dir() => {
                return Ok(None);
            }
            read => read.map_err(failed("read", &path))?,
        };
        let rest = bytes.strip_prefix(MAGIC).and_then(|rest| rest.split_first_chunk::<12>());
        let (nonce, wrapped) = rest.ok_or(VaultError::WrongKey(name))?;
        let secret =
            crypto::aead_open(master.bytes(), *nonce, &self.bound(name, master.power()), wrapped)
                .map(Zeroizing::new)
                .ok_or(VaultError::WrongKey(name))?;
        secret
            .as_slice()
            .try_into()
            .map(|secret| Some(Zeroizing::new(secret)))
            .map_err(|_| VaultError::WrongKey(name))
    }

    /// What a wrapped key is bound to: log, day, version, power.
    fn bound(&self, name: KeyName, power: Power) -> Vec<u8> {
        let length = (self.origin.len() as u64).to_be_bytes();
        let file = format!("{name}.{}", power.ending());
        [FILE, &length, self.origin.as_bytes(), file.as_bytes()].concat()
    }

    fn file(&self, name: KeyName, power: Power) -> PathBuf {
        self.path.join(format!("{name}.{}", power.ending()))
    }
}

/// True when the folder can be written by this process.
pub(super) fn is_writable(path: &Path) -> Result<(), VaultError> {
    let trial = path.join("trial.unfinished");
    File::create(&trial).map_err(failed("write into", path))?;
    fs::remove_file(&trial).map_err(failed("remove", trial))
}
