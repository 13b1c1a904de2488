//! The files a manifest refers to: authorities, certificates, keys and secrets. Paths are relative to its folder.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use secrecy::SecretString;

use super::section::{Source, Text};
use crate::adapters::line::tls;
use crate::crypto::{self, CryptoError, Digest};

/// Bytes of a secret or a private key. A long one has a few kilobytes.
const MAX_SECRET: u64 = 64 << 10;
/// Bytes of authorities and certificates. All that a browser trusts are a fifth of it.
const MAX_PEM: u64 = 1 << 20;

/// What manifests may have of the machine that the gateway runs on. Whoever may write one decides where it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// Folders out of which they may take secrets and private keys; `None` is any.
    pub secrets: Option<Vec<PathBuf>>,
    /// Whether they may have programs started.
    pub programs: bool,
    /// Folders within which they may have disputes put; `None` is any.
    pub queues: Option<Vec<PathBuf>>,
}

impl Allowed {
    /// All that whoever runs the gateway's program may, such as an operator who tries a manifest.
    pub fn everything() -> Self {
        Self { secrets: None, programs: true, queues: None }
    }
}

/// Reads a file of no more bytes than that, and nothing that is no file: a pipe would keep the reading waiting, and a
/// device may have no end.
///
/// # Errors
/// Why it is not read, in words.
pub(in crate::adapters) fn read_file(file: &Path, most: u64) -> Result<Vec<u8>, String> {
    let unreadable = |error| format!("cannot be read: {error}");
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let open = File::options().read(true).custom_flags(flags).open(file).map_err(unreadable)?;
    if !open.metadata().map_err(unreadable)?.is_file() {
        return Err("is no file".to_owned());
    }
    let mut bytes = Vec::new();
    let read = open.take(most + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    match u64::try_from(read) {
        Ok(length) if length <= most => Ok(bytes),
        _ => Err(format!("has more than {most} bytes")),
    }
}

/// Reads them, and remembers what was read so that a reload can tell whether anything changed.
pub(super) struct Files<'a> {
    folder: &'a Path,
    /// Whether files are read at all. A manifest can be checked where its secrets are not.
    pub(super) read: bool,
    allowed: &'a Allowed,
    secrets: RefCell<BTreeMap<String, SecretString>>,
    /// Where they were read, for programs that read them themselves.
    secret_paths: RefCell<BTreeMap<String, PathBuf>>,
    digests: RefCell<Vec<Digest>>,
    /// What the manifest refers to, by key, as it is written there.
    references: RefCell<BTreeMap<String, String>>,
}

impl<'a> Files<'a> {
    /// Nothing read yet.
    pub(super) fn new(folder: &'a Path, read: bool, allowed: &'a Allowed) -> Self {
        Self {
            folder,
            read,
            allowed,
            secrets: RefCell::default(),
            secret_paths: RefCell::default(),
            digests: RefCell::default(),
            references: RefCell::default(),
        }
    }

    /// Remembers what a key refers to: a path, or the name of a secret.
    pub(super) fn refer(&self, text: &Text) {
        self.references.borrow_mut().insert(text.key.clone(), text.value.clone());
    }

    /// Where a path of the manifest leads.
    pub(super) fn place(&self, path: &Text) -> PathBuf {
        self.folder.join(&path.value)
    }

    /// Reads a file of text that anybody may see.
    pub(super) fn public(&self, source: &Source<'_>, path: &Text) -> Option<Vec<u8>> {
        self.bytes(source, path, MAX_PEM)
    }

    fn bytes(&self, source: &Source<'_>, path: &Text, most: u64) -> Option<Vec<u8>> {
        self.refer(path);
        if !self.read {
            return Some(Vec::new());
        }
        let file = self.folder.join(&path.value);
        match read_file(&file, most) {
            Ok(bytes) => {
                self.digests.borrow_mut().push(crypto::sha256(&bytes));
                Some(bytes)
            }
            Err(problem) => {
                source.flaw(path.at, format!("{}: `{}` {problem}", path.key, file.display()));
                None
            }
        }
    }

    /// Reads a file that nobody else may see.
    pub(super) fn private(&self, source: &Source<'_>, path: &Text) -> Option<Vec<u8>> {
        if self.read {
            self.refuse_elsewhere(source, path)?;
            self.refuse_exposed(source, path)?;
        }
        self.bytes(source, path, MAX_SECRET)
    }

    /// Reads an authority and makes sure that it is one.
    pub(super) fn authority(&self, source: &Source<'_>, path: &Text) -> Option<Vec<u8>> {
        let pem = self.public(source, path)?;
        if self.read
            && let Err(error) = tls::roots(&pem)
        {
            source.flaw(path.at, format!("{}: `{}`: {error}", path.key, path.value));
            return None;
        }
        Some(pem)
    }

    /// Reads a secret and keeps it under its name.
    pub(super) fn keep_secret(&self, source: &Source<'_>, name: &str, path: &Text) {
        self.secret_paths.borrow_mut().insert(name.to_owned(), self.path(&path.value));
        let Some(bytes) = self.private(source, path) else { return };
        let text = String::from_utf8(bytes).unwrap_or_default();
        let text = text.trim();
        if text.is_empty() && self.read {
            source.flaw(path.at, format!("{}: the file is empty or no text", path.key));
            return;
        }
        self.secrets.borrow_mut().insert(name.to_owned(), SecretString::from(text));
    }

    /// Whether programs may be started.
    pub(super) fn may_start_programs(&self) -> bool {
        self.allowed.programs
    }

    /// Folders within which disputes may be put; `None` is any.
    pub(super) fn queues(&self) -> Option<&'a [PathBuf]> {
        self.allowed.queues.as_deref()
    }

    /// The secret of that name.
    pub(super) fn secret(&self, name: &str) -> Option<SecretString> {
        self.secrets.borrow().get(name).cloned()
    }

    /// The absolute path of the secret of that name.
    pub(super) fn secret_path(&self, name: &str) -> Option<PathBuf> {
        self.secret_paths.borrow().get(name).cloned()
    }

    /// The absolute form of a path of the manifest.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        let joined = self.folder.join(path);
        // It fails for the empty path only, and where there is no current folder.
        std::path::absolute(&joined).unwrap_or(joined)
    }

    /// Remembers length and time of a file that may be a program, if there is one.
    pub(super) fn note_version(&self, file: &Path) {
        let Ok(metadata) = fs::metadata(file) else { return };
        if self.read && metadata.is_file() {
            let version = format!("{} {:?}", metadata.len(), metadata.modified());
            self.digests.borrow_mut().push(crypto::sha256(version.as_bytes()));
        }
    }

    /// All secrets, a digest of everything that was read, and what keys refer to.
    pub(super) fn into_parts(
        self,
    ) -> (BTreeMap<String, SecretString>, Digest, BTreeMap<String, String>) {
        let digests = self.digests.into_inner();
        let parts: Vec<&[u8]> = digests.iter().map(<[u8; 32]>::as_slice).collect();
        let digest = crypto::sha256_parts(&parts);
        (self.secrets.into_inner(), digest, self.references.into_inner())
    }

    /// What the gateway's user may read is more than an agency may be sent: the log's key, another agency's secret.
    fn refuse_elsewhere(&self, source: &Source<'_>, path: &Text) -> Option<()> {
        let Some(folders) = &self.allowed.secrets else { return Some(()) };
        // Where links lead is where the file lies. One that is not there is told by whoever reads it.
        let Ok(file) = fs::canonicalize(self.folder.join(&path.value)) else { return Some(()) };
        let mut folders = folders.iter().filter_map(|folder| fs::canonicalize(folder).ok());
        if folders.any(|folder| file.starts_with(folder)) {
            return Some(());
        }
        let problem = format!(
            "{}: `{}` lies in none of the folders that manifests may take secrets from \
             (`manifests.secrets` of the gateway's settings)",
            path.key,
            file.display()
        );
        source.flaw(path.at, problem);
        None
    }

    fn refuse_exposed(&self, source: &Source<'_>, path: &Text) -> Option<()> {
        let file: PathBuf = self.folder.join(&path.value);
        let problem = match crypto::refuse_exposed(&file) {
            Ok(()) => return Some(()),
            Err(CryptoError::Exposed(_, mode)) => {
                format!(
                    "can be read by other users (mode {mode:o}): run `chmod 600 {}`",
                    file.display()
                )
            }
            Err(CryptoError::Unreadable(_, error)) => format!("cannot be read: {error}"),
            Err(error) => error.to_string(),
        };
        source.flaw(path.at, format!("{}: `{}` {problem}", path.key, file.display()));
        None
    }
}
