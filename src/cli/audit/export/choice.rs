//! What goes into an export: entries, and the documents that were in force meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use crate::audit::entry::{AgreementEvent, Entry, Kind, PartyEvent};
use crate::query::time::Timestamp;
use crate::report::calendar::Range;
use crate::report::fields::agreement;
use crate::report::known::Known;
use crate::report::select::Selection;

/// What to export, and what was met on the way.
#[derive(Debug)]
pub(super) struct Choice {
    selection: Selection,
    pub(super) known: Known,
    agreements: BTreeMap<String, Held>,
    parties: BTreeMap<String, Held>,
}

/// A document, and when it came and went.
#[derive(Debug)]
struct Held {
    document: Vec<u8>,
    until: Option<Timestamp>,
}

impl Choice {
    pub(super) fn new(range: Range, agreement: Option<String>) -> Self {
        let selection = Selection { range, agreement, ..Selection::default() };
        Self {
            selection,
            known: Known::default(),
            agreements: BTreeMap::new(),
            parties: BTreeMap::new(),
        }
    }

    /// A second look at the same log, for the same entries.
    pub(super) fn again(&self) -> Self {
        Self::new(self.selection.range, self.selection.agreement.clone())
    }

    /// For people.
    pub(super) fn in_words(&self) -> String {
        use crate::report::calendar::moment;
        let mut words = Vec::new();
        if let Some(from) = self.selection.range.from {
            words.push(format!("from {}", moment(from)));
        }
        if let Some(until) = self.selection.range.until {
            words.push(format!("until {}", moment(until)));
        }
        if let Some(agreement) = &self.selection.agreement {
            words.push(format!("agreement {agreement}"));
        }
        if words.is_empty() { "all entries".to_owned() } else { words.join(", ") }
    }

    /// Takes the next entry in; true when it goes into the export.
    pub(super) fn takes(&mut self, entry: &Entry) -> bool {
        self.known.entry(entry);
        self.selection.takes(entry, &self.known)
    }

    /// Keeps the documents that come with the entry.
    pub(super) fn keep_documents(&mut self, entry: &Entry) {
        if self.selection.range.until.is_some_and(|until| until <= entry.at) {
            return;
        }
        match &entry.kind {
            Kind::Agreement(AgreementEvent::Adopted { id, version, document }) => {
                if self.selection.agreement.as_ref().is_none_or(|wanted| wanted == id) {
                    let held = Held { document: document.clone(), until: None };
                    self.agreements.insert(format!("{id}-{version}"), held);
                }
            }
            Kind::Agreement(AgreementEvent::Withdrawn { id, version }) => {
                end(&mut self.agreements, &format!("{id}-{version}"), entry.at);
            }
            // Orders are kept from before the range too: one may still act in it.
            Kind::Agreement(event @ AgreementEvent::Ordered { .. }) => {
                let (change, (id, version), document) = agreement(event);
                if self.selection.agreement.as_ref().is_none_or(|wanted| wanted == id) {
                    let name = format!("{id}-{version}-{change}-{}", entry.at.0);
                    let document = document.unwrap_or_default().to_owned();
                    self.agreements.insert(name, Held { document, until: None });
                }
            }
            Kind::Party(PartyEvent::Entered { organisation, document }) => {
                end(&mut self.parties, organisation, entry.at);
                // The one before stays under a name of its own, when it was in force in the range.
                if let Some(before) = self.parties.remove(organisation) {
                    self.parties.insert(format!("{organisation}-until-{}", entry.at.0), before);
                }
                let held = Held { document: document.clone(), until: None };
                self.parties.insert(organisation.clone(), held);
            }
            Kind::Party(PartyEvent::Removed { organisation }) => {
                end(&mut self.parties, organisation, entry.at);
            }
            _ => return,
        }
        let from = self.selection.range.from;
        let is_over =
            |held: &Held| matches!((held.until, from), (Some(until), Some(from)) if until < from);
        self.agreements.retain(|_, held| !is_over(held));
        self.parties.retain(|_, held| !is_over(held));
    }

    /// Agreements in force in the range, by name.
    pub(super) fn agreements(&self) -> impl Iterator<Item = (&String, &[u8])> {
        self.agreements.iter().map(|(name, held)| (name, held.document.as_slice()))
    }

    /// Parties in the register in the range, by name; of one agreement its own two.
    pub(super) fn parties(&self) -> impl Iterator<Item = (&String, &[u8])> {
        let terms = self.selection.agreement.as_ref().and_then(|id| self.known.agreement(id));
        let own: Option<BTreeSet<String>> =
            terms.map(|terms| BTreeSet::from([terms.consumer.clone(), terms.provider.clone()]));
        self.parties
            .iter()
            .filter(move |(name, _)| {
                let organisation = name.split("-until-").next().unwrap_or(name);
                own.as_ref().is_none_or(|own| own.contains(organisation))
            })
            .map(|(name, held)| (name, held.document.as_slice()))
    }
}

fn end(documents: &mut BTreeMap<String, Held>, name: &str, at: Timestamp) {
    if let Some(held) = documents.get_mut(name) {
        held.until = Some(at);
    }
}
