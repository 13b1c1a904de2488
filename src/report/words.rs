//! What one entry says, in words: one line for a table, or several for a page.

use super::fields::{agreement, kind_name, node_name, source_name};
use super::{calendar, dispute};
use crate::audit::entry::{
    AdapterEvent, Entry, Erased, FreezeChange, KeyChange, KeyPurpose, Kind, Outcome, PartyEvent,
};
use crate::crypto::hex;
use crate::decision::facts::Facts;

/// How it ended, in a word or two: a verdict, a denial's code, or what changed.
pub fn result(kind: &Kind) -> String {
    match kind {
        Kind::Intent(_) => "asked".to_owned(),
        Kind::Outcome(outcome) => match outcome.unavailable {
            Some(reason) => format!("{} ({})", outcome.verdict.name(), reason.code()),
            None => outcome.verdict.name().to_owned(),
        },
        Kind::Denial(denied) => denied.code.clone(),
        Kind::Agreement(event) => agreement(event).0.to_owned(),
        Kind::Party(PartyEvent::Entered { .. }) => "entered".to_owned(),
        Kind::Party(PartyEvent::Removed { .. }) => "removed".to_owned(),
        Kind::Node(event) => node_name(event.change).to_owned(),
        Kind::Catalogue(_) | Kind::Rule(_) | Kind::Adapter(AdapterEvent::Placed { .. }) => {
            "in use".to_owned()
        }
        Kind::Case(closed) => closed.outcome.clone(),
        Kind::Dispute(dispute) => dispute::result(dispute),
        Kind::Adapter(AdapterEvent::Removed { .. }) => "removed".to_owned(),
        Kind::Freeze(event) => match event.change {
            FreezeChange::Frozen => "frozen".to_owned(),
            FreezeChange::Lifted => "lifted".to_owned(),
        },
        Kind::Key(event) => match event.change {
            KeyChange::Begun => "begun".to_owned(),
            KeyChange::Ended => "ended".to_owned(),
        },
        Kind::Erasure(_) => "erased".to_owned(),
    }
}

/// What an event that is no question is about.
pub fn subject_matter(kind: &Kind) -> String {
    match kind {
        Kind::Agreement(event) => {
            let (_, (id, version), _) = agreement(event);
            format!("{id} version {version}")
        }
        Kind::Party(
            PartyEvent::Entered { organisation, .. } | PartyEvent::Removed { organisation },
        ) => organisation.clone(),
        Kind::Node(event) => format!("heyan {}", event.version),
        Kind::Catalogue(event) => event.summary.clone(),
        Kind::Rule(event) => format!("{} {}", event.item, event.version),
        Kind::Case(closed) => {
            format!("{} {} {}", closed.item, closed.item_version, closed.case_number)
        }
        Kind::Dispute(dispute) => dispute::subject_matter(dispute),
        Kind::Adapter(AdapterEvent::Placed { adapter, .. }) => {
            format!("{} {}", adapter.name, adapter.version)
        }
        Kind::Adapter(AdapterEvent::Removed { name }) => name.clone(),
        Kind::Freeze(event) => event.name.clone(),
        Kind::Key(event) => match event.purpose {
            KeyPurpose::Log => event.name.clone(),
            KeyPurpose::VaultDay => format!("vault {}", event.name),
        },
        Kind::Erasure(erasure) => match &erasure.erased {
            Erased::Entries(entries) => format!("{} sealed records", entries.len()),
            Erased::Day(day) => format!("all sealed records of {day}"),
        },
        Kind::Intent(_) | Kind::Outcome(_) | Kind::Denial(_) => String::new(),
    }
}

/// The whole entry, one thing a line.
pub fn lines(index: u64, entry: &Entry) -> Vec<String> {
    let mut lines = vec![
        line("entry", &format!("{index}, {}", kind_name(&entry.kind))),
        line("time", &format!("{} (China)", calendar::moment(entry.at))),
    ];
    match &entry.kind {
        Kind::Intent(intent) => {
            question(&intent.facts, &mut lines);
            let permit = &intent.permit;
            lines.push(permitted(&permit.agreement, permit.version, permit.clause));
            lines
                .push(line("asks", &format!("{} {}", intent.adapter.name, intent.adapter.version)));
        }
        Kind::Outcome(outcome) => {
            question(&outcome.facts, &mut lines);
            answer(outcome, &mut lines);
        }
        Kind::Denial(denied) => {
            question(&denied.facts, &mut lines);
            lines.push(line("denied", &denied.code));
        }
        other => lines.push(line(&result(other), &subject_matter(other))),
    }
    lines
}

fn question(facts: &Facts, lines: &mut Vec<String>) {
    let caller = &facts.caller;
    lines.push(line("caller", &format!("{}/{}", caller.organisation, caller.system)));
    lines.push(line("request", &hex(&facts.request_id)));
    let fact = facts.fact.as_ref().map_or("unknown", |fact| fact.as_str());
    let provider = facts.provider.as_ref().map_or("nobody", |provider| provider.as_str());
    lines.push(line("question", &format!("{fact}, answered by {provider}")));
    lines.push(line(
        "for",
        &format!("{} {}, case {}", facts.item, facts.item_version, facts.case_number),
    ));
    lines.push(line("unit", &facts.operator_unit));
    let said = [
        ("relations", relations(facts)),
        ("notice", facts.notice.clone()),
        ("consent", facts.consent.clone()),
    ];
    lines.extend(
        said.iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| line(name, text)),
    );
}

/// How the subjects belong to the case, where the caller says so: `person=case_party spouse=verified:17`.
pub fn relations(facts: &Facts) -> String {
    let related = facts.roles.iter().filter_map(|subject| {
        let relation = subject.relation?.name();
        Some(match subject.shown_by {
            0 => format!("{}={relation}", subject.role),
            index => format!("{}={relation}:{index}", subject.role),
        })
    });
    related.collect::<Vec<_>>().join(" ")
}

fn answer(outcome: &Outcome, lines: &mut Vec<String>) {
    let permit = &outcome.permit;
    lines.push(permitted(&permit.agreement, permit.version, permit.clause));
    lines.push(line("verdict", outcome.verdict.name()));
    if let Some(reason) = outcome.unavailable {
        lines.push(line("because", reason.code()));
    }
    lines.push(line("from", source_name(outcome.source)));
    if let Some(as_of) = outcome.as_of {
        lines.push(line("as of", &calendar::moment(as_of)));
    }
    let disclosed = match outcome.disclosed.is_empty() {
        true => "no values".to_owned(),
        false => {
            let named = |name: &String| match outcome.masked.contains(name) {
                true => format!("{name} (in part)"),
                false => name.clone(),
            };
            outcome.disclosed.iter().map(named).collect::<Vec<_>>().join(", ")
        }
    };
    lines.push(line("disclosed", &disclosed));
    if let Some(intent) = outcome.intent {
        lines.push(line("intent", &format!("entry {intent}")));
    }
}

fn permitted(agreement: &str, version: u32, clause: u32) -> String {
    line("allowed by", &format!("{agreement} version {version} clause {clause}"))
}

fn line(name: &str, text: &str) -> String {
    format!("{name:<10} {text}")
}
