//! Taking entries apart.

use heyan::audit::entry::{AgreementEvent, Denied, Entry, Intent, Kind, NodeChange, Outcome};
use heyan::decision::facts::Facts;

/// The outcome at this index.
pub(crate) fn outcome(entries: &[Entry], index: u64) -> &Outcome {
    match &entries[usize::try_from(index).unwrap()].kind {
        Kind::Outcome(outcome) => outcome,
        other => panic!("entry {index} is no outcome: {}", name(other)),
    }
}

/// The denial at this index.
pub(crate) fn denial(entries: &[Entry], index: u64) -> &Denied {
    match &entries[usize::try_from(index).unwrap()].kind {
        Kind::Denial(denied) => denied,
        other => panic!("entry {index} is no denial: {}", name(other)),
    }
}

/// The intent at this index.
pub(crate) fn intent(entries: &[Entry], index: u64) -> &Intent {
    match &entries[usize::try_from(index).unwrap()].kind {
        Kind::Intent(intent) => intent,
        other => panic!("entry {index} is no intent: {}", name(other)),
    }
}

/// Every intent, with its index.
pub(crate) fn intents(entries: &[Entry]) -> Vec<(u64, &Intent)> {
    (0..)
        .zip(entries)
        .filter_map(|(index, entry)| match &entry.kind {
            Kind::Intent(intent) => Some((index, &**intent)),
            _ => None,
        })
        .collect()
}

/// Every outcome, with its index.
pub(crate) fn outcomes(entries: &[Entry]) -> Vec<(u64, &Outcome)> {
    (0..)
        .zip(entries)
        .filter_map(|(index, entry)| match &entry.kind {
            Kind::Outcome(outcome) => Some((index, &**outcome)),
            _ => None,
        })
        .collect()
}

/// Every change of the agreements: the id, and whether it was adopted.
pub(crate) fn agreements(entries: &[Entry]) -> Vec<(String, bool)> {
    entries
        .iter()
        .filter_map(|entry| match &entry.kind {
            Kind::Agreement(AgreementEvent::Adopted { id, .. }) => Some((id.clone(), true)),
            Kind::Agreement(AgreementEvent::Withdrawn { id, .. }) => Some((id.clone(), false)),
            _ => None,
        })
        .collect()
}

/// What the gateway said about itself, in order.
pub(crate) fn node_changes(entries: &[Entry]) -> Vec<NodeChange> {
    entries
        .iter()
        .filter_map(|entry| match &entry.kind {
            Kind::Node(event) => Some(event.change),
            _ => None,
        })
        .collect()
}

/// The facts of a question's entry.
pub(crate) fn facts(entry: &Entry) -> Option<&Facts> {
    match &entry.kind {
        Kind::Intent(intent) => Some(&intent.facts),
        Kind::Outcome(outcome) => Some(&outcome.facts),
        Kind::Denial(denied) => Some(&denied.facts),
        _ => None,
    }
}

fn name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Intent(_) => "an intent",
        Kind::Outcome(_) => "an outcome",
        Kind::Denial(_) => "a denial",
        Kind::Agreement(_) => "an agreement",
        Kind::Party(_) => "a party",
        Kind::Node(_) => "of the node",
        Kind::Catalogue(_) => "of the catalogue",
        Kind::Adapter(_) => "of an adapter",
        Kind::Freeze(_) => "a freeze",
        Kind::Key(_) => "a key",
        Kind::Erasure(_) => "an erasure",
        Kind::Rule(_) => "a rule",
        Kind::Case(_) => "a case",
        Kind::Dispute(_) => "a dispute",
    }
}
