//! What an agreement says, as its authors write it: the same keys in a TOML draft and in the signed JSON payload.
//!
//! [`Terms`] that exist have passed every check that needs no other file. What their words mean in the catalogue is
//! checked by [`super::against_catalogue`].

mod check;
mod form;
pub mod schema;
pub mod reading;
mod page;
pub mod difference;

use std::path::Path;

use thiserror::Error;

pub use self::form::Terms;
pub use self::page::Look;
use super::json;
use crate::decision::agreement::Agreement;
use crate::finding::{self, Finding};
use crate::query::{FactCode, ItemCode, OrganisationId};

/// Version of the form below. A document of another version is refused, never guessed at.
pub const SCHEMA: u32 = 1;

/// Why terms are refused.
#[derive(Debug, Error)]
pub enum TermsError {
    /// Not the JSON of terms.
    #[error("the payload is not the JSON of an agreement")]
    Json(#[source] serde_json::Error),
    /// One or more terms make no sense.
    #[error("{}", .0.join("; "))]
    Terms(Vec<String>),
}

impl Terms {
    /// Reads a draft in TOML. `name` is for the finding.
    ///
    /// # Errors
    /// The place of the first flaw of form, or every flaw of sense in one finding.
    pub fn parse(name: &Path, draft: &str) -> Result<Self, Finding> {
        let terms: Self = finding::parse_toml(name, draft)?;
        terms.agreement(&[]).map_err(|error| Finding::new(name, error.to_string()))?;
        let payload = terms.payload().map_err(|error| Finding::new(name, error.to_string()))?;
        if let Some(flaw) = json::flaw(&payload) {
            return Err(Finding::new(name, flaw));
        }
        Ok(terms)
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// When it is not JSON of this form, or makes no sense.
    pub fn from_payload(payload: &[u8]) -> Result<Self, TermsError> {
        Self::with_agreement(payload).map(|(terms, _)| terms)
    }

    /// The same, and what it is for decisions.
    ///
    /// # Errors
    /// As [`Self::from_payload`].
    pub fn with_agreement(payload: &[u8]) -> Result<(Self, Agreement), TermsError> {
        let terms: Self = json::read(payload).map_err(TermsError::Json)?;
        let agreement = terms.agreement(payload)?;
        Ok((terms, agreement))
    }

    /// The bytes to sign: the terms as JSON. Whoever verifies uses the bytes that were signed and never makes them
    /// again, so their order and spacing are nobody's concern.
    ///
    /// # Errors
    /// When they cannot be written as JSON.
    pub fn payload(&self) -> Result<Vec<u8>, TermsError> {
        serde_json::to_vec_pretty(self).map_err(TermsError::Json)
    }

    /// Identifier of the agreement.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Version of the agreement.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Who asks.
    pub fn consumer(&self) -> &OrganisationId {
        &self.consumer
    }

    /// Who answers.
    pub fn provider(&self) -> &OrganisationId {
        &self.provider
    }

    /// Who must sign beside the two.
    pub fn platform(&self) -> Option<&OrganisationId> {
        self.platform.as_ref()
    }

    /// Everyone who must sign.
    pub fn parties(&self) -> impl Iterator<Item = &OrganisationId> {
        [&self.consumer, &self.provider].into_iter().chain(&self.platform)
    }

    /// Papers that belong to the agreement: title, and SHA-256 in lower-case hex.
    pub fn annexes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.annexes.iter().map(|annex| (annex.title.as_str(), annex.sha256.as_str()))
    }

    /// English title.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Chinese title.
    pub fn title_zh(&self) -> &str {
        &self.title_zh
    }

    /// The law each party relies on: party, instrument, article.
    pub fn legal_basis(&self) -> impl Iterator<Item = (&OrganisationId, &str, &str)> {
        self.legal_basis
            .iter()
            .map(|basis| (&basis.party, basis.instrument.as_str(), basis.article.as_str()))
    }

    /// Papers each clause replaces, by fact: for readers and the catalogue's check.
    pub(super) fn replaced(&self) -> impl Iterator<Item = (&FactCode, &[ItemCode], &[String])> {
        self.clauses
            .iter()
            .map(|clause| (&clause.fact, clause.items.as_slice(), clause.replaces.as_slice()))
    }
}

#[cfg(test)]
pub(super) mod tests;
