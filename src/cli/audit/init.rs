//! `heyan audit init`: a new log, once.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use rcgen::{KeyPair, PKCS_ED25519};
use serde_json::json;

use crate::audit::file::Description;
use crate::audit::verify::{Expected, verify};
use crate::audit::{Audit, Settings};
use crate::clock::now;
use crate::crypto::SigningKey;

#[derive(Debug, Args)]
pub(super) struct Init {
    /// Folder of the log; new, or empty
    folder: PathBuf,
    /// The log's private key: Ed25519, PKCS#8 PEM, mode 0600
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Make that key first; the file must not exist
    #[arg(long)]
    new_key: bool,
    /// Name of the log: no spaces, no plus sign, by custom like a URL without its scheme
    #[arg(long, value_name = "NAME")]
    origin: String,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Init) -> anyhow::Result<ExitCode> {
    if Description::read(&arguments.folder)?.is_some() {
        bail!("there is a log in `{}` already: name a new folder", arguments.folder.display());
    }
    if arguments.new_key {
        make_key(&arguments.key)?;
    }
    let key = SigningKey::read(&arguments.key)?;
    Audit::create(&arguments.folder, &key, &arguments.origin, now(), &Settings::default())?;
    let verified = verify(&arguments.folder, Expected::default(), &mut |_, _| {})?;
    let checkpoint = arguments.folder.join("checkpoint");
    if arguments.json {
        let origin = &verified.origin;
        say!("{}", json!({ "origin": origin, "vkey": verified.vkey, "checkpoint": checkpoint }));
    } else {
        say!("log        {}", verified.origin);
        say!("key        {}", verified.vkey);
        say!("checkpoint {}", checkpoint.display());
        say!("Give the key, as printed here, to everyone who will check receipts or this log.");
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes a key of the log, readable by its owner alone.
pub(super) fn make_key(path: &Path) -> anyhow::Result<()> {
    write_new_key(path, &KeyPair::generate_for(&PKCS_ED25519)?.serialize_pem())
}

/// Writes a private key to a file that must not exist; only its owner may read it.
pub(super) fn write_new_key(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make `{}`", folder.display()))?;
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    if file.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::AlreadyExists) {
        bail!(
            "the key `{}` is there already: leave it be and use it, or name another file",
            path.display()
        );
    }
    let mut file = file.with_context(|| format!("cannot make the key `{}`", path.display()))?;
    file.write_all(text.as_bytes())?;
    file.sync_all().with_context(|| format!("cannot write the key `{}`", path.display()))
}
