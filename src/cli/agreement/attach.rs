//! `heyan agreement attach`: puts a signature that was made elsewhere into its document.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use super::paper::{self, Paper};
use super::{is_draft, order, read, register};
use crate::agreements::document::{self, TYPE};
use crate::query::OrganisationId;

#[derive(Debug, Args)]
pub(super) struct Attach {
    /// The draft or the document for which `sign --detached` or `order … --detached` wrote what was to be signed
    file: PathBuf,
    /// The organisation that has signed
    #[arg(long = "as", value_name = "ORGANISATION")]
    party: String,
    /// Identifier of its key in the party register
    #[arg(long)]
    kid: String,
    /// The signature: Ed25519, 64 bytes; ECDSA P-256, `r` and `s` in 64 bytes, or DER
    #[arg(long, value_name = "FILE")]
    signature: PathBuf,
    /// Folder of the party register
    #[arg(long, value_name = "FOLDER")]
    parties: PathBuf,
    /// Where to write the signed document
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: &Attach) -> anyhow::Result<ExitCode> {
    let register = register(&command.parties)?;
    let party = OrganisationId::new(command.party.as_str());
    let entry = paper::entry(&register, &party, &command.kid)?;
    let signature = read(&command.signature)?;
    if !is_draft(&command.file)
        && let Some(waiting) = order::Waiting::read(read(&command.file)?)
    {
        let signed = waiting.attach(&party, entry, &signature)?;
        order::put(&signed, &register, &command.output, command.json)?;
        return Ok(ExitCode::SUCCESS);
    }
    let paper = Paper::read(&command.file, &register)?;
    paper.ensure_open_to(&party)?;
    let signed = document::attach(TYPE, &paper.document, &entry.kid, &entry.key, &signature)
        .with_context(|| {
            format!(
                "nothing is written: the signature must be over exactly what `sign {} --detached` writes for this key",
                command.file.display()
            )
        })?;
    paper::put(&signed, &register, &command.output, command.json)?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests;
