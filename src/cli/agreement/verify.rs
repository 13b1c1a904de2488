//! `heyan agreement verify`: whether a document or an order is what its parties signed.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::{print, read, register};
use crate::agreements::document::{self, DocumentError};
use crate::agreements::order as orders;
use crate::cli::NO;
use crate::clock::now;
use crate::crypto::hex;
use crate::parties::Register;

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The signed document (*.json)
    file: PathBuf,
    /// Folder of the party register
    #[arg(long, value_name = "FOLDER")]
    parties: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: &Verify) -> anyhow::Result<ExitCode> {
    let register = register(&command.parties)?;
    let bytes = read(&command.file)?;
    match document::verify(&bytes, &register, now()) {
        Err(DocumentError::Type { found, .. }) if found == orders::TYPE => {
            Ok(verify_order(command, &bytes, &register))
        }
        Ok(agreement) => {
            if command.json {
                print(&json!({
                    "valid": true, "file": command.file, "id": agreement.id,
                    "version": agreement.version, "consumer": agreement.consumer,
                    "provider": agreement.provider, "digest": hex(&agreement.digest),
                }));
            } else {
                say!(
                    "{}: valid. {} version {}, signed by {} and {}, digest {}",
                    command.file.display(),
                    agreement.id,
                    agreement.version,
                    agreement.consumer,
                    agreement.provider,
                    hex(&agreement.digest)
                );
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => Ok(not_valid(command, &error.in_full())),
    }
}

/// Whether anything comes of an order depends on those before it, which only a gateway's log knows.
fn verify_order(command: &Verify, document: &[u8], register: &Register) -> ExitCode {
    let order = match orders::verify(document, register, now()) {
        Ok(order) => order,
        Err(error) => return not_valid(command, &format!("{:#}", anyhow::Error::new(error))),
    };
    if command.json {
        print(&json!({
            "valid": true, "file": command.file, "id": order.id, "by": order.by,
            "order": order.in_words(),
        }));
    } else {
        let (file, does) = (command.file.display(), order.in_words());
        say!("{file}: valid. Order {}, signed by {}: {does}", order.id, order.by);
    }
    ExitCode::SUCCESS
}

fn not_valid(command: &Verify, problem: &str) -> ExitCode {
    if command.json {
        print(&json!({ "valid": false, "file": command.file, "problem": problem }));
    } else {
        say!("{}: not valid: {problem}", command.file.display());
    }
    ExitCode::from(NO)
}
