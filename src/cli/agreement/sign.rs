//! `heyan agreement sign`: puts a party's name under a draft or a document.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::Args;
use serde_json::json;

use super::{all, draft, is_draft, kid, print, read, register};
use crate::agreements::against_catalogue;
use crate::agreements::document::{self, Opened, Signer};
use crate::agreements::terms::Terms;
use crate::catalogue::Catalogue;
use crate::clock::now;
use crate::crypto::SigningKey;
use crate::query::OrganisationId;

#[derive(Debug, Args)]
pub(super) struct Sign {
    /// A draft (*.toml), or a document that the other party has signed (*.json)
    file: PathBuf,
    /// The organisation that signs
    #[arg(long = "as", value_name = "ORGANISATION")]
    party: String,
    /// Its private key: PKCS#8 PEM, Ed25519 or ECDSA P-256, mode 0600
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Folder of the party register
    #[arg(long, value_name = "FOLDER")]
    parties: PathBuf,
    /// Folder of the catalogue; a draft with words it does not know is then not signed
    #[arg(long, value_name = "FOLDER")]
    catalogue: Option<PathBuf>,
    /// Where to write the signed document
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: &Sign) -> anyhow::Result<ExitCode> {
    let register = register(&command.parties)?;
    let party = OrganisationId::new(command.party.as_str());
    let organisation = register
        .organisation(&party)
        .with_context(|| format!("the party register has no organisation `{party}`"))?;
    let key = SigningKey::read(&command.key)?;
    let signer = Signer { kid: kid(organisation, &key)?, key: &key };

    let signed = if is_draft(&command.file) {
        let terms = draft(&command.file)?;
        refuse_unknown_words(&terms, command.catalogue.as_deref())?;
        ensure_party(&terms, &party)?;
        document::sign(&terms.payload()?, &[signer])?
    } else {
        let bytes = read(&command.file)?;
        // Never put one's name beside a signature that does not hold.
        let opened = document::open(&bytes, &register, now())
            .with_context(|| format!("{} is not signed over", command.file.display()))?;
        refuse_unknown_words(&opened.terms, command.catalogue.as_deref())?;
        ensure_party(&opened.terms, &party)?;
        ensure!(
            opened.signed_by.iter().all(|(signer, _)| *signer != party),
            "`{party}` has signed already"
        );
        document::countersign(&bytes, &[signer])?
    };
    let opened = document::open(&signed, &register, now())
        .context("what was signed does not verify, so nothing is written")?;
    fs::write(&command.output, &signed)
        .with_context(|| format!("cannot write {}", command.output.display()))?;
    let missing = missing(&opened);
    if command.json {
        print(&json!({
            "file": command.output, "id": opened.terms.id(), "version": opened.terms.version(),
            "signed_by": signers(&opened), "missing": missing,
        }));
    } else {
        say!("{}: signed by {}", command.output.display(), signers(&opened).join(", "));
        if !missing.is_empty() {
            say!("Still missing: {}. It grants nothing until then.", missing.join(", "));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn ensure_party(terms: &Terms, party: &OrganisationId) -> anyhow::Result<()> {
    ensure!(
        [terms.consumer(), terms.provider()].contains(&party),
        "`{party}` is no party: the agreement is between `{}` and `{}`",
        terms.consumer(),
        terms.provider()
    );
    Ok(())
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

fn signers(opened: &Opened) -> Vec<String> {
    opened.signed_by.iter().map(|(party, _)| party.to_string()).collect()
}

fn missing(opened: &Opened) -> Vec<String> {
    [opened.terms.consumer(), opened.terms.provider()]
        .into_iter()
        .filter(|party| opened.signed_by.iter().all(|(signer, _)| signer != *party))
        .map(ToString::to_string)
        .collect()
}
