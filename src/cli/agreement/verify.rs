//! `heyan agreement verify`: whether a document or an order is what its parties signed.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::annex::Annexes;
use super::paper::listed;
use super::{is_draft, print, read, register};
use crate::agreements::document::{self, DocumentError};
use crate::agreements::order as orders;
use crate::cli::NO;
use crate::clock::now;
use crate::crypto::hex;
use crate::decision::agreement::Agreement;
use crate::parties::Register;

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The signed document (*.json)
    file: PathBuf,
    /// Folder of the party register
    #[arg(long, value_name = "FOLDER")]
    parties: PathBuf,
    /// Papers that the agreement names by their digest: exit 1 when one is none of them
    #[arg(long = "annex", value_name = "FILE", num_args = 1..)]
    annexes: Vec<PathBuf>,
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
        Ok(agreement) => verified(command, &bytes, &agreement),
        Err(error) => Ok(not_valid(command, &error.in_full(), &next(command, &error))),
    }
}

fn verified(command: &Verify, document: &[u8], agreement: &Agreement) -> anyhow::Result<ExitCode> {
    let terms = document::peek(document)?;
    let annexes = Annexes::compare(&terms, &command.annexes)?;
    let parties: Vec<_> = terms.parties().collect();
    if command.json {
        let (annexes, others) = annexes.json();
        print(&json!({
            "valid": true, "file": command.file, "id": agreement.id,
            "version": agreement.version, "consumer": agreement.consumer,
            "provider": agreement.provider, "platform": agreement.platform,
            "digest": hex(&agreement.digest), "annexes": annexes,
            "no_annexes": others,
        }));
    } else {
        say!(
            "{}: valid. {} version {}, signed by {}, digest {}",
            command.file.display(),
            agreement.id,
            agreement.version,
            listed(&parties),
            hex(&agreement.digest)
        );
        annexes.print();
    }
    Ok(if annexes.fit() { ExitCode::SUCCESS } else { ExitCode::from(NO) })
}

/// Whether anything comes of an order depends on those before it, which only a gateway's log knows.
fn verify_order(command: &Verify, document: &[u8], register: &Register) -> ExitCode {
    let order = match orders::verify(document, register, now()) {
        Ok(order) => order,
        Err(error) => {
            let next = "give no gateway this order; have it given anew by the organisation whose order it is";
            return not_valid(command, &error.in_full(), next);
        }
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

fn not_valid(command: &Verify, problem: &str, next: &str) -> ExitCode {
    if command.json {
        let file = &command.file;
        print(&json!({ "valid": false, "file": file, "problem": problem, "next": next }));
    } else {
        say!("{}: not valid: {problem}", command.file.display());
        say!("Next: {next}.");
    }
    ExitCode::from(NO)
}

/// What to do about it.
fn next(command: &Verify, error: &DocumentError) -> String {
    let text = match error {
        DocumentError::Malformed(_) if is_draft(&command.file) => {
            "it is a draft: have its parties sign it with `heyan agreement sign`"
        }
        DocumentError::Malformed(_) => "give a document that `heyan agreement sign` has written",
        DocumentError::NoSignature | DocumentError::NotSigned(_) => {
            "have who is missing add a signature with `heyan agreement sign`; it grants nothing before"
        }
        DocumentError::UnknownKey(_) => {
            "see whether the party register is complete, and ask the organisation whose key it should be"
        }
        DocumentError::KeyNotValid(_) => {
            "have it signed with a key that is valid now; a gateway that adopted it in time goes on with it"
        }
        DocumentError::WrongSignature(_) => {
            "it was changed after signing, or on the way: ask for the signed file again"
        }
        DocumentError::Terms(_) => "correct the draft, and have every party sign it again",
        _ => "have its parties sign the draft again with `heyan agreement sign`",
    };
    text.to_owned()
}
