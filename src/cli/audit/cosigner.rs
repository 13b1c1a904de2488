//! `heyan audit cosigner`: the key that cosigns published checkpoints, made, shown, and held against one.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use serde_json::json;

use super::init::write_new_key;
use crate::audit::cosignature::{self, CosignerKey};
use crate::cli::NO;
use crate::crypto::{self, CosigningKey};

#[derive(Debug, Args)]
pub(super) struct Cosigner {
    /// The private key: a seed of 64 hexadecimal digits, or PKCS#8 PEM, mode 0600
    key: PathBuf,
    /// Name of the log
    #[arg(long, value_name = "NAME")]
    origin: String,
    /// Make that key first; the file must not exist
    #[arg(long)]
    new_key: bool,
    /// See whether this checkpoint is cosigned with it
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Cosigner) -> anyhow::Result<ExitCode> {
    if arguments.new_key {
        let seed = crypto::hex(&crypto::random()?);
        write_new_key(&arguments.key, &format!("{seed}\n"))?;
    }
    let key = CosigningKey::read(&arguments.key)?;
    let public = CosignerKey::new(&arguments.origin, key.public())?;
    let checked = match &arguments.check {
        None => None,
        Some(file) => {
            let text = fs::read_to_string(file)
                .with_context(|| format!("cannot read `{}`", file.display()))?;
            Some(cosignature::verify(&text, &public))
        }
    };
    let (at, flaw) = match &checked {
        None => (None, None),
        Some(Ok(at)) => (Some(at.seconds()), None),
        Some(Err(flaw)) => (None, Some(flaw.to_string())),
    };
    if arguments.json {
        let key = public.to_string();
        say!("{}", json!({ "key": key, "cosigned_at": at, "problem": flaw }));
    } else {
        say!("cosigner   {public}");
        if let Some(at) = at {
            say!("cosigned   {at} seconds after 1970");
        }
        if let Some(flaw) = &flaw {
            say!("not good   {flaw}");
        }
    }
    Ok(if flaw.is_some() { ExitCode::from(NO) } else { ExitCode::SUCCESS })
}
