//! What a party puts its name under: a draft, or a document that others may have signed already.

use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};
use serde_json::json;

use super::{draft, is_draft, print, read};
use crate::agreements::document::{self, DocumentError, Opened};
use crate::agreements::terms::Terms;
use crate::clock::now;
use crate::parties::{Register, SigningKeyEntry};
use crate::query::OrganisationId;

/// The terms, and the document around them as it stands.
pub(super) struct Paper {
    pub(super) terms: Terms,
    pub(super) document: Vec<u8>,
    signed_by: Vec<OrganisationId>,
}

impl Paper {
    /// Reads a draft or a document. Signatures that are there must hold: nobody puts a name beside one that does not.
    pub(super) fn read(file: &Path, register: &Register) -> anyhow::Result<Self> {
        if is_draft(file) {
            let terms = draft(file)?;
            let document = document::unsigned(&terms.payload()?)?;
            return Ok(Self { terms, document, signed_by: Vec::new() });
        }
        let document = read(file)?;
        let (terms, signed_by) = match document::open(&document, register, now()) {
            Ok(Opened { terms, signed_by, .. }) => {
                (terms, signed_by.into_iter().map(|(party, _)| party).collect())
            }
            Err(DocumentError::NoSignature) => (document::peek(&document)?, Vec::new()),
            Err(error) => {
                let context = format!("{} is not signed over", file.display());
                return Err(anyhow::Error::new(error).context(context));
            }
        };
        Ok(Self { terms, document, signed_by })
    }

    /// Refuses who is no party, and who has signed.
    pub(super) fn ensure_open_to(&self, party: &OrganisationId) -> anyhow::Result<()> {
        let parties: Vec<String> = self.terms.parties().map(|party| format!("`{party}`")).collect();
        ensure!(
            self.terms.parties().any(|known| known == party),
            "`{party}` is no party: the agreement is between {}",
            listed(&parties)
        );
        ensure!(!self.signed_by.contains(party), "`{party}` has signed already");
        Ok(())
    }
}

/// The key of that id, which must be this party's.
pub(super) fn entry<'a>(
    register: &'a Register,
    party: &OrganisationId,
    kid: &str,
) -> anyhow::Result<&'a SigningKeyEntry> {
    let organisation = super::organisation(register, party)?;
    let known: Vec<&str> = organisation.keys.iter().map(|entry| entry.kid.as_str()).collect();
    let mut entries = organisation.keys.iter();
    entries.find(|entry| entry.kid == kid).with_context(|| {
        format!(
            "the party register lists no key `{kid}` for `{party}`; it lists {}",
            known.join(", ")
        )
    })
}

/// The same, when it may sign now.
pub(super) fn valid<'a>(
    register: &'a Register,
    party: &OrganisationId,
    kid: &str,
) -> anyhow::Result<&'a SigningKeyEntry> {
    let entry = entry(register, party, kid)?;
    let is_valid = entry.valid_from <= now() && now() < entry.valid_to;
    ensure!(
        is_valid,
        "the key `{kid}` is not valid now: see `valid_from` and `valid_to` in the party register"
    );
    Ok(entry)
}

/// Writes a signed document once all of its signatures hold, and says who has signed and who has not.
pub(super) fn put(
    document: &[u8],
    register: &Register,
    output: &Path,
    as_json: bool,
) -> anyhow::Result<()> {
    let opened = document::open(document, register, now())
        .context("what was signed does not verify, so nothing is written")?;
    fs::write(output, document).with_context(|| format!("cannot write {}", output.display()))?;
    let signers: Vec<String> =
        opened.signed_by.iter().map(|(party, _)| party.to_string()).collect();
    let missing: Vec<String> = opened.missing().iter().map(ToString::to_string).collect();
    if as_json {
        print(&json!({
            "file": output, "id": opened.terms.id(), "version": opened.terms.version(),
            "signed_by": signers, "missing": missing,
        }));
    } else {
        say!("{}: signed by {}", output.display(), listed(&signers));
        if !missing.is_empty() {
            say!("Still missing: {}. It grants nothing until then.", listed(&missing));
        }
    }
    Ok(())
}

/// `a`; `a and b`; `a, b and c`.
pub(super) fn listed<T: ToString>(names: &[T]) -> String {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    match names.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}
