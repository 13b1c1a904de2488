//! Between the entry as a value and its generated message; the entries of questions are written without one.

mod case;
mod dispute;
mod events;
pub(super) mod facts;
mod straight;

use prost::Message;

use self::case::{case_in, case_out, rule_in, rule_out};
use self::dispute::{dispute_in, dispute_out};
use self::events::{
    agreement_in, agreement_out, erasure_in, erasure_out, freeze_in, freeze_out, key_in, key_out,
    node_change_in, node_change_out, party_in, party_out,
};
use self::facts::facts_in;
use super::{
    AdapterEvent, AdapterRef, CatalogueEvent, Commitments, Denied, Entry, EntryError, FORMAT,
    Intent, Kind, NodeEvent, Outcome, Source,
};
use crate::crypto::Digest;
use crate::decision::PermitRef;
use crate::proto::audit::v1 as stored;
use crate::query::record::Unavailable;
use crate::query::time::Timestamp;
use crate::query::value::Verdict;

pub(super) fn to_bytes(entry: &Entry) -> Vec<u8> {
    use stored::entry::Kind as Out;
    let kind = match &entry.kind {
        Kind::Intent(it) => return straight::entry(entry.at, 10, |to| straight::intent(to, it)),
        Kind::Outcome(it) => return straight::entry(entry.at, 11, |to| straight::outcome(to, it)),
        Kind::Denial(it) => return straight::entry(entry.at, 12, |to| straight::denial(to, it)),
        Kind::Agreement(event) => Out::Agreement(agreement_out(event)),
        Kind::Party(event) => Out::Party(party_out(event)),
        Kind::Node(event) => Out::Node(stored::NodeEvent {
            change: node_change_out(event.change).into(),
            version: event.version.clone(),
        }),
        Kind::Catalogue(event) => Out::Catalogue(stored::CatalogueEvent {
            digest: event.digest.to_vec(),
            summary: event.summary.clone(),
        }),
        Kind::Rule(event) => Out::Rule(rule_out(event)),
        Kind::Case(closed) => Out::Case(case_out(closed)),
        Kind::Dispute(dispute) => Out::Dispute(dispute_out(dispute)),
        Kind::Adapter(event) => Out::Adapter(adapter_event_out(event)),
        Kind::Freeze(event) => Out::Freeze(freeze_out(event)),
        Kind::Key(event) => Out::Key(key_out(event)),
        Kind::Erasure(erasure) => Out::Erasure(erasure_out(erasure)),
    };
    stored::Entry { format: FORMAT, time_us: entry.at.0, kind: Some(kind) }.encode_to_vec()
}

pub(super) fn from_stored(entry: stored::Entry) -> Result<Entry, EntryError> {
    use stored::entry::Kind as In;
    if entry.format != FORMAT {
        return Err(EntryError::Format(entry.format));
    }
    let kind = match entry.kind.ok_or(EntryError::Missing("kind"))? {
        In::Intent(intent) => Kind::Intent(Box::new(Intent {
            facts: facts_in(intent.facts)?,
            permit: permit_in(intent.permit)?,
            commitments: commitments_in(intent.commitments)?,
            adapter: adapter_in(intent.adapter)?,
        })),
        In::Outcome(outcome) => Kind::Outcome(Box::new(outcome_in(outcome)?)),
        In::Denial(denial) => Kind::Denial(Box::new(Denied {
            facts: facts_in(denial.facts)?,
            code: required(denial.code, "denial.code")?,
            commitments: commitments_in(denial.commitments)?,
        })),
        In::Agreement(event) => Kind::Agreement(agreement_in(event)?),
        In::Party(event) => Kind::Party(party_in(event)?),
        In::Node(event) => Kind::Node(NodeEvent {
            change: node_change_in(event.change)?,
            version: required(event.version, "node.version")?,
        }),
        In::Catalogue(event) => Kind::Catalogue(CatalogueEvent {
            digest: digest(&event.digest, "catalogue.digest")?,
            summary: event.summary,
        }),
        In::Rule(event) => Kind::Rule(rule_in(event)?),
        In::Case(case) => Kind::Case(Box::new(case_in(case)?)),
        In::Dispute(dispute) => Kind::Dispute(dispute_in(dispute)?),
        In::Adapter(event) => Kind::Adapter(adapter_event_in(event)?),
        In::Freeze(event) => Kind::Freeze(freeze_in(event)?),
        In::Key(event) => Kind::Key(key_in(event)?),
        In::Erasure(erasure) => Kind::Erasure(erasure_in(erasure)?),
    };
    Ok(Entry { at: Timestamp(entry.time_us), kind })
}

fn outcome_in(outcome: stored::Outcome) -> Result<Outcome, EntryError> {
    let verdict = verdict_in(outcome.verdict)?;
    let unavailable = match outcome.unavailable_reason.as_str() {
        "" => None,
        code => {
            Some(unavailable_in(code).ok_or(EntryError::Unknown("outcome.unavailable_reason"))?)
        }
    };
    if (verdict == Verdict::Unavailable) != unavailable.is_some() {
        return Err(EntryError::Contradiction("outcome.unavailable_reason"));
    }
    Ok(Outcome {
        facts: facts_in(outcome.facts)?,
        permit: permit_in(outcome.permit)?,
        commitments: commitments_in(outcome.commitments)?,
        intent: (outcome.intent_index != 0).then_some(outcome.intent_index),
        source: match stored::Source::try_from(outcome.source) {
            Ok(stored::Source::Agency) => Source::Agency,
            Ok(stored::Source::Cache) => Source::Cache,
            Ok(stored::Source::Unspecified) | Err(_) => {
                return Err(EntryError::Unknown("outcome.source"));
            }
        },
        verdict,
        as_of: (outcome.as_of_us != 0).then_some(Timestamp(outcome.as_of_us)),
        disclosed: outcome.disclosed,
        masked: outcome.masked,
        dropped: outcome.dropped,
        unavailable,
        subjects_checked: outcome.subjects_checked,
    })
}

fn verdict_out(verdict: Verdict) -> stored::Verdict {
    match verdict {
        Verdict::Confirmed => stored::Verdict::Confirmed,
        Verdict::Refuted => stored::Verdict::Refuted,
        Verdict::NotFound => stored::Verdict::NotFound,
        Verdict::Stale => stored::Verdict::Stale,
        Verdict::Conflict => stored::Verdict::Conflict,
        Verdict::Unavailable => stored::Verdict::Unavailable,
    }
}

fn verdict_in(verdict: i32) -> Result<Verdict, EntryError> {
    match stored::Verdict::try_from(verdict) {
        Ok(stored::Verdict::Confirmed) => Ok(Verdict::Confirmed),
        Ok(stored::Verdict::Refuted) => Ok(Verdict::Refuted),
        Ok(stored::Verdict::NotFound) => Ok(Verdict::NotFound),
        Ok(stored::Verdict::Stale) => Ok(Verdict::Stale),
        Ok(stored::Verdict::Conflict) => Ok(Verdict::Conflict),
        Ok(stored::Verdict::Unavailable) => Ok(Verdict::Unavailable),
        Ok(stored::Verdict::Unspecified) | Err(_) => Err(EntryError::Unknown("outcome.verdict")),
    }
}

fn unavailable_in(code: &str) -> Option<Unavailable> {
    Unavailable::ALL.into_iter().find(|reason| reason.code() == code)
}

fn permit_in(permit: Option<stored::Permit>) -> Result<PermitRef, EntryError> {
    let permit = permit.ok_or(EntryError::Missing("permit"))?;
    if permit.version == 0 || permit.clause == 0 {
        return Err(EntryError::Missing("permit.version or permit.clause"));
    }
    Ok(PermitRef {
        agreement: required(permit.agreement, "permit.agreement")?,
        version: permit.version,
        clause: permit.clause,
    })
}

fn adapter_out(adapter: &AdapterRef) -> stored::AdapterRef {
    stored::AdapterRef {
        name: adapter.name.clone(),
        version: adapter.version.clone(),
        digest: adapter.digest.to_vec(),
    }
}

fn adapter_in(adapter: Option<stored::AdapterRef>) -> Result<AdapterRef, EntryError> {
    let adapter = adapter.ok_or(EntryError::Missing("adapter"))?;
    Ok(AdapterRef {
        name: required(adapter.name, "adapter.name")?,
        version: adapter.version,
        digest: digest(&adapter.digest, "adapter.digest")?,
    })
}

fn adapter_event_out(event: &AdapterEvent) -> stored::AdapterEvent {
    use stored::adapter_event::Change;
    match event {
        AdapterEvent::Placed { adapter, facts } => stored::AdapterEvent {
            adapter: Some(adapter_out(adapter)),
            facts: facts.clone(),
            change: Change::Placed.into(),
        },
        AdapterEvent::Removed { name } => stored::AdapterEvent {
            adapter: Some(stored::AdapterRef { name: name.clone(), ..Default::default() }),
            facts: Vec::new(),
            change: Change::Removed.into(),
        },
    }
}

fn adapter_event_in(event: stored::AdapterEvent) -> Result<AdapterEvent, EntryError> {
    use stored::adapter_event::Change;
    match Change::try_from(event.change) {
        Ok(Change::Placed) => {
            Ok(AdapterEvent::Placed { adapter: adapter_in(event.adapter)?, facts: event.facts })
        }
        Ok(Change::Removed) => {
            let adapter = event.adapter.ok_or(EntryError::Missing("adapter"))?;
            if !(adapter.version.is_empty() && adapter.digest.is_empty() && event.facts.is_empty())
            {
                return Err(EntryError::Contradiction("adapter.change"));
            }
            Ok(AdapterEvent::Removed { name: required(adapter.name, "adapter.name")? })
        }
        Err(_) => Err(EntryError::Unknown("adapter.change")),
    }
}

fn commitments_out(commitments: &Commitments) -> stored::Commitments {
    let bytes = |digest: &Option<Digest>| digest.map_or_else(Vec::new, |digest| digest.to_vec());
    stored::Commitments {
        subject: bytes(&commitments.subject),
        operator: bytes(&commitments.operator),
        request: bytes(&commitments.request),
        answer: bytes(&commitments.answer),
        sealed: bytes(&commitments.sealed),
    }
}

fn commitments_in(commitments: Option<stored::Commitments>) -> Result<Commitments, EntryError> {
    let commitments = commitments.ok_or(EntryError::Missing("commitments"))?;
    let one = |bytes: &[u8], name| match bytes {
        [] => Ok(None),
        bytes => digest(bytes, name).map(Some),
    };
    Ok(Commitments {
        subject: one(&commitments.subject, "commitments.subject")?,
        operator: one(&commitments.operator, "commitments.operator")?,
        request: one(&commitments.request, "commitments.request")?,
        answer: one(&commitments.answer, "commitments.answer")?,
        sealed: one(&commitments.sealed, "commitments.sealed")?,
    })
}

fn required(text: String, name: &'static str) -> Result<String, EntryError> {
    if text.is_empty() { Err(EntryError::Missing(name)) } else { Ok(text) }
}

fn digest(bytes: &[u8], name: &'static str) -> Result<Digest, EntryError> {
    bytes.try_into().map_err(|_| EntryError::Unknown(name))
}
