//! `heyan audit rotate`: another key for a log that is not in use.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use serde_json::json;

use super::init::make_key;
use crate::audit::file::Description;
use crate::audit::{Audit, AuditError, Settings};
use crate::clock::now;
use crate::crypto::SigningKey;

#[derive(Debug, Args)]
pub(super) struct Rotate {
    /// Folder of the log; no gateway may be using it
    folder: PathBuf,
    /// The log's private key so far: Ed25519, PKCS#8 PEM, mode 0600
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Its private key from now on, of the same kind
    #[arg(long, value_name = "FILE")]
    new_key: PathBuf,
    /// Make that key first; the file must not exist
    #[arg(long)]
    make: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Rotate) -> anyhow::Result<ExitCode> {
    let old = Arc::new(SigningKey::read(&arguments.key)?);
    // No key is made for a log that is not there.
    if Description::read(&arguments.folder)?.is_none() {
        return Err(AuditError::Missing(arguments.folder.clone()).into());
    }
    if arguments.make {
        make_key(&arguments.new_key)?;
    }
    let new = SigningKey::read(&arguments.new_key)?;
    let rotated = Audit::rotate(&arguments.folder, old, &new, now(), &Settings::default());
    let rotated = match (arguments.make, rotated) {
        (true, Err(error)) if !matches!(error, AuditError::Announced { .. }) => Err(error)
            .with_context(|| {
                let path = arguments.new_key.display();
                format!(
                    "the key `{path}` was made and is not used yet; run this again without --make"
                )
            })?,
        (_, rotated) => rotated?,
    };
    let (old, new) = (rotated.old.to_string(), rotated.new.to_string());
    let checkpoint = arguments.folder.join("checkpoint");
    if arguments.json {
        let index = rotated.index;
        say!(
            "{}",
            json!({ "entry": index, "old_vkey": old, "vkey": new, "checkpoint": checkpoint })
        );
    } else {
        say!("entry      {}", rotated.index);
        say!("old key    {old}");
        say!("new key    {new}");
        say!("checkpoint {}, signed by both: keep a copy", checkpoint.display());
        say!("Set `log.key` to {} before the next start.", arguments.new_key.display());
        say!("Give the new key, as printed here, to everyone who has the old one.");
    }
    Ok(ExitCode::SUCCESS)
}
