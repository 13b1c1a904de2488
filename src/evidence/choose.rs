//! Which entries of a log belong to the evidence of a case: its answers, and what was in force when they were decided.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::agreements::document;
use crate::audit::entry::{AgreementEvent, CaseClosed, Entry, Kind, PartyEvent};
use crate::crypto::{Digest, sha256};
use crate::decision::freeze::Scope;
use crate::query::OrganisationId;
use crate::query::time::Timestamp;

/// How long before the first question of a case a version must have gone for it to say nothing of the case: longer than
/// any change takes to act.
const LONG_GONE: Duration = Duration::from_secs(3600);

/// What a log says of parties, agreements, freezes and rules, by entry. Shown every entry in order.
#[derive(Debug, Default)]
pub struct InLog {
    parties: Vec<(u64, String)>,
    agreements: Vec<Event>,
    terms: BTreeMap<String, Between>,
    freezes: Vec<(u64, OrganisationId)>,
    rules: BTreeMap<Digest, u64>,
}

/// An event in the life of an agreement.
#[derive(Debug)]
struct Event {
    index: u64,
    at: Timestamp,
    id: String,
    version: u32,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Adopted,
    Withdrawn,
    Ordered,
}

/// Whose an agreement is.
#[derive(Debug)]
struct Between {
    consumer: OrganisationId,
    parties: BTreeSet<String>,
    provider: OrganisationId,
}

impl InLog {
    /// Takes the next entry in.
    pub fn entry(&mut self, index: u64, entry: &Entry) {
        match &entry.kind {
            Kind::Party(
                PartyEvent::Entered { organisation, .. } | PartyEvent::Removed { organisation },
            ) => self.parties.push((index, organisation.clone())),
            Kind::Agreement(event) => self.agreement(index, entry.at, event),
            Kind::Freeze(event) => {
                let scope = Scope::parse(&event.name);
                self.freezes.extend(scope.map(|scope| (index, scope.provider)));
            }
            Kind::Rule(event) => {
                self.rules.insert(sha256(&event.document), index);
            }
            _ => {}
        }
    }

    fn agreement(&mut self, index: u64, at: Timestamp, event: &AgreementEvent) {
        let (id, version, what) = match event {
            AgreementEvent::Adopted { id, version, document } => {
                if let Ok(terms) = document::peek(document) {
                    let parties = terms.parties().map(ToString::to_string).collect();
                    let (consumer, provider) = (terms.consumer().clone(), terms.provider().clone());
                    self.terms.insert(id.clone(), Between { consumer, parties, provider });
                }
                (id, version, What::Adopted)
            }
            AgreementEvent::Withdrawn { id, version } => (id, version, What::Withdrawn),
            AgreementEvent::Ordered { id, version, .. } => (id, version, What::Ordered),
        };
        self.agreements.push(Event { index, at, id: id.clone(), version: *version, what });
    }

    /// The entries that belong to the case at `case`, whose answers and own intents are `answers`.
    pub fn of(
        &self,
        (case, closed): (u64, &CaseClosed),
        answers: &BTreeMap<u64, Entry>,
    ) -> BTreeSet<u64> {
        let asker = &closed.caller.organisation;
        let facts = || answers.values().filter_map(|entry| entry.kind.facts());
        let providers: BTreeSet<&OrganisationId> =
            facts().filter_map(|facts| facts.provider.as_ref()).collect();
        let begun = facts().map(|facts| facts.received_at).min().unwrap_or_default();
        let between: BTreeMap<&String, &Between> = self
            .terms
            .iter()
            .filter(|(_, of)| of.consumer == *asker && providers.contains(&of.provider))
            .collect();
        let mut organisations: BTreeSet<&str> = between
            .values()
            .flat_map(|of| of.parties.iter().map(String::as_str))
            .chain(providers.iter().map(|provider| provider.as_str()))
            .collect();
        organisations.insert(asker.as_str());

        let mut chosen: BTreeSet<u64> = answers.keys().copied().collect();
        chosen.insert(case);
        chosen.extend(self.rules.get(&closed.rule));
        let parties = self.parties.iter();
        chosen.extend(
            parties.filter(|(_, name)| organisations.contains(name.as_str())).map(|(at, _)| *at),
        );
        let agreements = self
            .agreements
            .iter()
            .filter(|event| between.contains_key(&event.id) && !self.was_long_gone(event, begun));
        chosen.extend(agreements.map(|event| event.index));
        let freezes = self.freezes.iter().filter(|(_, provider)| providers.contains(provider));
        chosen.extend(freezes.map(|(at, _)| *at));
        chosen.retain(|index| *index <= case);
        chosen
    }

    /// True when the version of that event was taken away for good before the case began.
    fn was_long_gone(&self, event: &Event, begun: Timestamp) -> bool {
        let of_it = |other: &&Event| other.id == event.id && other.version == event.version;
        let coming = |other: &&Event| other.what != What::Ordered;
        let last = self.agreements.iter().rev().filter(of_it).find(coming);
        last.is_some_and(|last| last.what == What::Withdrawn && last.at.plus(LONG_GONE) < begun)
    }
}
