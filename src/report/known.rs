//! What the log itself tells about agreements and parties: their names, terms and legal grounds.
//!
//! Read for naming and for limits only. Whether the signatures on these documents are good is for the replay.

use std::collections::BTreeMap;

use crate::agreements::document;
use crate::audit::entry::{AgreementEvent, Entry, Kind, PartyEvent};
use crate::decision::facts::Facts;
use crate::parties::Register;

/// Agreements and parties met so far, also those that are out of force by now.
#[derive(Clone, Debug, Default)]
pub struct Known {
    agreements: BTreeMap<String, Terms>,
    parties: BTreeMap<String, Party>,
}

/// What the newest version of an agreement says, as far as figures need it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Version, from 1.
    pub version: u32,
    /// English title.
    pub title: String,
    /// Chinese title.
    pub title_zh: String,
    /// The organisation that asks.
    pub consumer: String,
    /// The organisation that answers.
    pub provider: String,
    /// Permits a day, China time; `None` is without limit.
    pub per_day: Option<u64>,
    /// Permits a month, China time; `None` is without limit.
    pub per_month: Option<u64>,
    /// Party, instrument and article.
    pub legal_basis: Vec<(String, String, String)>,
}

/// A party's names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Party {
    /// English name.
    pub name: String,
    /// Chinese name.
    pub name_zh: String,
}

impl Known {
    /// Takes an entry into account. Documents that cannot be read are left out: the replay tells of them.
    pub fn entry(&mut self, entry: &Entry) {
        match &entry.kind {
            Kind::Agreement(AgreementEvent::Adopted { id, version, document }) => {
                let Some(terms) = terms(document) else { return };
                let is_older = self.agreements.get(id).is_some_and(|old| old.version > *version);
                if !is_older {
                    self.agreements.insert(id.clone(), Terms { version: *version, ..terms });
                }
            }
            Kind::Party(PartyEvent::Entered { organisation, document }) => {
                let register = Register::from_documents([(organisation.clone(), document.clone())]);
                let party = register.ok().and_then(|register| {
                    let found = register.organisation(&organisation.as_str().into())?;
                    Some(Party { name: found.name.clone(), name_zh: found.name_zh.clone() })
                });
                if let Some(party) = party {
                    self.parties.insert(organisation.clone(), party);
                }
            }
            _ => {}
        }
    }

    /// The newest terms of an agreement.
    pub fn agreement(&self, id: &str) -> Option<&Terms> {
        self.agreements.get(id)
    }

    /// A party's names.
    pub fn party(&self, organisation: &str) -> Option<&Party> {
        self.parties.get(organisation)
    }

    /// The agreement an entry is counted under: the one that permitted; of a denial one that could have, or any
    /// between the two organisations. `None` when there is none.
    pub fn agreement_of<'a>(&'a self, kind: &'a Kind) -> Option<&'a str> {
        match kind {
            Kind::Intent(intent) => Some(&intent.permit.agreement),
            Kind::Outcome(outcome) => Some(&outcome.permit.agreement),
            Kind::Denial(denied) => self.could_have_permitted(&denied.facts),
            Kind::Agreement(
                AgreementEvent::Adopted { id, .. }
                | AgreementEvent::Withdrawn { id, .. }
                | AgreementEvent::Ordered { id, .. },
            ) => Some(id),
            _ => None,
        }
    }

    fn could_have_permitted<'a>(&'a self, facts: &'a Facts) -> Option<&'a str> {
        if let Some(quota) = facts.quota.first() {
            return Some(&quota.agreement);
        }
        let provider = facts.provider.as_ref()?.as_str();
        let consumer = facts.caller.organisation.as_str();
        let mut between = self
            .agreements
            .iter()
            .filter(|(_, terms)| terms.consumer == consumer && terms.provider == provider);
        between.next().map(|(id, _)| id.as_str())
    }
}

fn terms(document: &[u8]) -> Option<Terms> {
    let terms = document::peek(document).ok()?;
    let agreement = terms.agreement(&[]).ok()?;
    let legal_basis = terms
        .legal_basis()
        .map(|(party, instrument, article)| {
            (party.to_string(), instrument.to_owned(), article.to_owned())
        })
        .collect();
    Some(Terms {
        version: terms.version(),
        title: terms.title().to_owned(),
        title_zh: terms.title_zh().to_owned(),
        consumer: agreement.consumer.to_string(),
        provider: agreement.provider.to_string(),
        per_day: agreement.quota.per_day,
        per_month: agreement.quota.per_month,
        legal_basis,
    })
}
