//! `heyan agreement sign`: puts a party's name under a draft or a document, or says what a key elsewhere is to sign.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::Args;
use serde_json::json;

use super::annex::Annexes;
use super::paper::{self, Paper};
use super::{all, is_draft, kid, print, register};
use crate::agreements::against_catalogue;
use crate::agreements::document::{self, Signer, TYPE};
use crate::agreements::terms::Terms;
use crate::catalogue::Catalogue;
use crate::crypto::{SigningKey, hex, sha256};
use crate::parties::Register;
use crate::query::OrganisationId;

#[derive(Debug, Args)]
pub(super) struct Sign {
    /// A draft (*.toml), or a document that other parties have signed (*.json)
    file: PathBuf,
    /// The organisation that signs
    #[arg(long = "as", value_name = "ORGANISATION")]
    party: String,
    /// Its private key: PKCS#8 PEM, Ed25519 or ECDSA P-256, mode 0600
    #[arg(long, value_name = "FILE", required_unless_present = "detached")]
    key: Option<PathBuf>,
    /// Sign nothing here: write what a key elsewhere is to sign, for `attach` to take its signature
    #[arg(long, requires = "kid", conflicts_with = "key")]
    detached: bool,
    /// With --detached: identifier of that key in the party register
    #[arg(long, requires = "detached", conflicts_with = "key")]
    kid: Option<String>,
    /// Folder of the party register
    #[arg(long, value_name = "FOLDER")]
    parties: PathBuf,
    /// Folder of the catalogue; a draft with words it does not know is then not signed
    #[arg(long, value_name = "FOLDER")]
    catalogue: Option<PathBuf>,
    /// Papers that the terms name by their digest; with one that they do not name, nothing is signed
    #[arg(long = "annex", value_name = "FILE", num_args = 1..)]
    annexes: Vec<PathBuf>,
    /// Where to write the signed document, or what is to be signed
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: &Sign) -> anyhow::Result<ExitCode> {
    let register = register(&command.parties)?;
    let party = OrganisationId::new(command.party.as_str());
    let organisation = super::organisation(&register, &party)?;
    let key = command.key.as_deref().map(SigningKey::read).transpose()?;
    let kid = match &key {
        Some(key) => kid(organisation, key)?,
        None => command.kid.as_deref().unwrap_or_default(),
    };
    let paper = Paper::read(&command.file, &register)?;
    refuse_unknown_words(&paper.terms, command.catalogue.as_deref())?;
    paper.ensure_open_to(&party)?;
    let annexes = Annexes::compare(&paper.terms, &command.annexes)?;
    annexes.ensure_fit().context("nothing was signed")?;
    match &key {
        Some(key) => {
            let signed = document::countersign(&paper.document, &[Signer { kid, key }])?;
            paper::put(&signed, &register, &command.output, command.json)?;
        }
        None => detach(command, &register, &party, &paper)?,
    }
    if !command.json && !command.annexes.is_empty() {
        annexes.print();
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes what the key is to sign. A draft's document goes beside it: `attach` then depends on no draft that somebody
/// still edits, and on no program's way of writing JSON.
fn detach(
    command: &Sign,
    register: &Register,
    party: &OrganisationId,
    paper: &Paper,
) -> anyhow::Result<()> {
    let entry = paper::valid(register, party, command.kid.as_deref().unwrap_or_default())?;
    let (kid, algorithm) = (&entry.kid, entry.key.algorithm);
    let bytes = document::to_sign(TYPE, &paper.document, kid, algorithm)?;
    let output = &command.output;
    let document = if is_draft(&command.file) {
        let beside = beside(output);
        write_new(&beside, &paper.document)?;
        beside
    } else {
        command.file.clone()
    };
    fs::write(output, &bytes).with_context(|| format!("cannot write {}", output.display()))?;
    let digest = hex(&sha256(&bytes));
    if command.json {
        print(&json!({
            "file": output, "document": document, "id": paper.terms.id(),
            "version": paper.terms.version(), "kid": kid, "alg": algorithm.name(),
            "bytes": bytes.len(), "sha256": digest,
        }));
        return Ok(());
    }
    say!(
        "{}: {} bytes to be signed by the key `{kid}` ({}), sha256 {digest}",
        output.display(),
        bytes.len(),
        algorithm.name()
    );
    say!(
        "Then: heyan agreement attach {} --as {party} --kid {kid} --signature FILE --parties {} -o FILE",
        document.display(),
        command.parties.display()
    );
    Ok(())
}

/// `x.tosign.document` for `x.tosign`.
pub(super) fn beside(output: &Path) -> PathBuf {
    let mut name = OsString::from(output);
    name.push(".document");
    PathBuf::from(name)
}

/// A document that somebody may be signing is never replaced by another.
pub(super) fn write_new(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let is_another = fs::read(file).is_ok_and(|there| there != bytes);
    ensure!(
        !is_another,
        "{} is there with other content: remove it, or choose another output",
        file.display()
    );
    fs::write(file, bytes).with_context(|| format!("cannot write {}", file.display()))
}

fn refuse_unknown_words(terms: &Terms, catalogue: Option<&Path>) -> anyhow::Result<()> {
    let Some(folder) = catalogue else { return Ok(()) };
    let catalogue = Catalogue::load(folder).map_err(all)?;
    let problems = against_catalogue(terms, &catalogue);
    if problems.is_empty() {
        return Ok(());
    }
    bail!("the terms do not fit the catalogue, so nothing was signed:\n  {}", problems.join("\n  "))
}
