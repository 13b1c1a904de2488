//! The secrets that the gateway shares with the simulated agencies: one file each, made when missing.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::SimulateError;
use crate::crypto;

/// Names of the files, as the manifests in `config-example/adapters/` call them.
pub const NAMES: [&str; 7] = [
    "police-app-key",
    "police-password",
    "civil-affairs-app-key",
    "social-security-password",
    "housing-app-secret",
    "tax-password",
    "market-regulation-secret",
];

/// The secrets, read once. No `Debug`: nothing prints them.
#[derive(Clone)]
pub struct Secrets {
    values: BTreeMap<&'static str, String>,
}

impl Secrets {
    /// Reads every secret from the folder; a missing one is made (32 random hexadecimal digits, mode 0600).
    ///
    /// # Errors
    /// When the folder or a file cannot be read or written.
    pub fn open(folder: &Path) -> Result<Self, SimulateError> {
        fs::create_dir_all(folder)
            .map_err(|error| SimulateError::Secret(folder.to_owned(), error))?;
        let mut values = BTreeMap::new();
        for name in NAMES {
            values.insert(name, read_or_make(&folder.join(name))?);
        }
        Ok(Self { values })
    }

    /// Reads one secret from its file, under that name; a missing one is made, and its folder.
    ///
    /// # Errors
    /// When the folder or the file cannot be read or written.
    pub fn open_one(name: &'static str, path: &Path) -> Result<Self, SimulateError> {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)
            .map_err(|error| SimulateError::Secret(folder.to_owned(), error))?;
        Ok(Self { values: BTreeMap::from([(name, read_or_make(path)?)]) })
    }

    /// One secret; empty for a name it does not have, which no check accepts.
    pub fn get(&self, name: &str) -> &str {
        self.values.get(name).map_or("", String::as_str)
    }
}

fn read_or_make(path: &Path) -> Result<String, SimulateError> {
    if !path.exists() {
        make(path)?;
    }
    let text =
        fs::read_to_string(path).map_err(|error| SimulateError::Secret(path.to_owned(), error))?;
    Ok(text.trim_end().to_owned())
}

fn make(path: &Path) -> Result<(), SimulateError> {
    let random = crypto::random().map_err(|_| SimulateError::Random)?;
    let text = crypto::hex(random.get(..16).unwrap_or_default());
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| SimulateError::Secret(path.to_owned(), error))
}

/// Compares without telling by the time taken where two texts differ.
pub(super) fn same(one: impl AsRef<[u8]>, other: impl AsRef<[u8]>) -> bool {
    let (one, other) = (one.as_ref(), other.as_ref());
    !one.is_empty() && aws_lc_rs::constant_time::verify_slices_are_equal(one, other).is_ok()
}
