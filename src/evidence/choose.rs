//! Which entries of a log belong to the evidence of a case: its answers, and what was in force when they were decided.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::agreements::document;
use crate::audit::entry::{AgreementEvent, CaseClosed, DisputeStep, Entry, Kind, PartyEvent};
use crate::crypto::{Digest, sha256};
use crate::decision::freeze::Scope;
use crate::query::OrganisationId;
use crate::query::time::Timestamp;

/// How long before the first question of a case a version must have gone for it to say nothing of the case: longer than
/// any change takes to act.
const LONG_GONE: Duration = Duration::from_secs(3600);

/// What a log says of parties, agreements, freezes, rules and disputes, by entry. Shown every entry in order.
#[derive(Debug, Default)]
pub struct InLog {
    parties: Vec<(u64, String)>,
    agreements: Vec<Event>,
    /// Of what was adopted, whose it is: by the entry.
    terms: BTreeMap<u64, Between>,
    freezes: Vec<(u64, OrganisationId)>,
    rules: Vec<(u64, Ruled)>,
    disputes: Vec<(u64, [u8; 16], About)>,
}

/// Item, version and digest of a rule.
type Ruled = (String, String, Digest);

/// Which outcome a step of a dispute leads from or to.
#[derive(Clone, Copy, Debug)]
enum About {
    Contested(u64),
    Again(u64),
    Nothing,
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
                let digest = sha256(&event.document);
                self.rules.push((index, (event.item.clone(), event.version.clone(), digest)));
            }
            Kind::Dispute(dispute) => {
                let about = match &dispute.step {
                    DisputeStep::Opened(opened) => About::Contested(opened.contested),
                    DisputeStep::Rechecked(rechecked) => About::Again(rechecked.outcome),
                    DisputeStep::Delivery(_) | DisputeStep::Answered(_) => About::Nothing,
                };
                self.disputes.push((index, dispute.id, about));
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
                    self.terms.insert(index, Between { consumer, parties, provider });
                }
                (id, version, What::Adopted)
            }
            AgreementEvent::Withdrawn { id, version } => (id, version, What::Withdrawn),
            AgreementEvent::Ordered { id, version, .. } => (id, version, What::Ordered),
        };
        self.agreements.push(Event { index, at, id: id.clone(), version: *version, what });
    }

    /// The entries that belong to the case at `case`, whose answers and own intents are `answers`: what was there when it
    /// was closed, and what became of its answers since.
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
        // A version by itself: another of the same id may be between others.
        let events: Vec<&Event> =
            self.agreements.iter().filter(|event| event.index <= case).collect();
        let mut organisations: BTreeSet<&str> =
            providers.iter().map(|provider| provider.as_str()).collect();
        organisations.insert(asker.as_str());
        let mut versions: BTreeSet<(&str, u32)> = BTreeSet::new();
        for event in &events {
            let between = self.terms.get(&event.index);
            let between = between
                .filter(|of| of.consumer == *asker && providers.contains(&of.provider))
                .filter(|_| !was_long_gone(&events, event, begun));
            let Some(between) = between else { continue };
            versions.insert((&event.id, event.version));
            organisations.extend(between.parties.iter().map(String::as_str));
        }

        let mut chosen: BTreeSet<u64> = answers.keys().copied().collect();
        chosen.insert(case);
        let wanted = (&closed.item, &closed.item_version, &closed.rule);
        let is_rule =
            |(_, (item, version, digest)): &&(u64, Ruled)| (item, version, digest) == wanted;
        // A rule is recorded anew with each catalogue: that in use was the last before the case.
        let rules = self.rules.iter().filter(|(index, _)| *index <= case);
        chosen.extend(rules.filter(is_rule).map(|(index, _)| *index).next_back());
        let parties = self.parties.iter();
        chosen.extend(
            parties.filter(|(_, name)| organisations.contains(name.as_str())).map(|(at, _)| *at),
        );
        let of_them = |event: &&&Event| versions.contains(&(event.id.as_str(), event.version));
        chosen.extend(events.iter().filter(of_them).map(|event| event.index));
        let freezes = self.freezes.iter().filter(|(_, provider)| providers.contains(provider));
        chosen.extend(freezes.map(|(at, _)| *at));
        chosen.retain(|index| *index <= case);
        chosen.extend(self.disputes_of(answers.keys().copied().collect()));
        chosen
    }

    /// Every step of the disputes over these outcomes, and over those that asking again gave.
    fn disputes_of(&self, mut outcomes: BTreeSet<u64>) -> BTreeSet<u64> {
        let (mut ids, mut steps) = (BTreeSet::new(), BTreeSet::new());
        for (index, id, about) in &self.disputes {
            if let About::Contested(outcome) = about
                && outcomes.contains(outcome)
            {
                ids.insert(*id);
            }
            if !ids.contains(id) {
                continue;
            }
            steps.insert(*index);
            if let About::Again(outcome) = about {
                outcomes.insert(*outcome);
            }
        }
        steps
    }
}

/// True when the version of that event was taken away for good before the case began.
fn was_long_gone(events: &[&Event], event: &Event, begun: Timestamp) -> bool {
    let of_it = |other: &&&Event| other.id == event.id && other.version == event.version;
    let coming = |other: &&&Event| other.what != What::Ordered;
    let last = events.iter().rev().filter(of_it).find(coming);
    last.is_some_and(|last| last.what == What::Withdrawn && last.at.plus(LONG_GONE) < begun)
}

#[cfg(test)]
mod tests;
