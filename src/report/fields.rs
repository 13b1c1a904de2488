//! An entry as JSON, every field of it, for programs that know nothing of protobuf.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use super::{calendar, dispute};
use crate::audit::entry::{
    AdapterEvent, AgreementEvent, CaseClosed, Commitments, Entry, Erased, FreezeChange, KeyChange,
    KeyPurpose, Kind, NodeChange, OrderEffect, PartyEvent, Source,
};
use crate::crypto::{Digest, hex};
use crate::decision::PermitRef;
use crate::decision::facts::{AssertionFact, Facts, RoleFact, Standing};
use crate::query::time::Timestamp;

/// Stable name of the kind of entry.
pub fn kind_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Intent(_) => "intent",
        Kind::Outcome(_) => "outcome",
        Kind::Denial(_) => "denial",
        Kind::Agreement(_) => "agreement",
        Kind::Party(_) => "party",
        Kind::Node(_) => "node",
        Kind::Catalogue(_) => "catalogue",
        Kind::Rule(_) => "rule",
        Kind::Case(_) => "case",
        Kind::Dispute(_) => "dispute",
        Kind::Adapter(_) => "adapter",
        Kind::Freeze(_) => "freeze",
        Kind::Key(_) => "key",
        Kind::Erasure(_) => "erasure",
    }
}

/// Names of all kinds.
pub const KINDS: [&str; 14] = [
    "intent",
    "outcome",
    "denial",
    "agreement",
    "party",
    "node",
    "catalogue",
    "adapter",
    "freeze",
    "key",
    "erasure",
    "rule",
    "case",
    "dispute",
];

/// Every field of the entry; `written_at` is when it became part of the log, `stored` its bytes as hashed.
pub fn entry(index: u64, written_at: Timestamp, entry: &Entry, stored: &[u8]) -> Value {
    let mut fields = Map::new();
    fields.insert("index".into(), json!(index));
    fields.insert("kind".into(), json!(kind_name(&entry.kind)));
    fields.insert("time".into(), json!(calendar::exact(entry.at)));
    fields.insert("time_us".into(), json!(entry.at.0));
    fields.insert("written_at".into(), json!(calendar::exact(written_at)));
    fields.insert("written_at_us".into(), json!(written_at.0));
    match kind(&entry.kind) {
        Value::Object(more) => fields.extend(more),
        other => drop(fields.insert("content".into(), other)),
    }
    fields.insert("stored".into(), json!(BASE64_STANDARD.encode(stored)));
    Value::Object(fields)
}

fn kind(kind: &Kind) -> Value {
    match kind {
        Kind::Intent(intent) => json!({
            "facts": facts(&intent.facts),
            "permit": permit(&intent.permit),
            "commitments": commitments(&intent.commitments),
            "adapter": {
                "name": intent.adapter.name,
                "version": intent.adapter.version,
                "digest": hex(&intent.adapter.digest),
            },
        }),
        Kind::Outcome(outcome) => json!({
            "facts": facts(&outcome.facts),
            "permit": permit(&outcome.permit),
            "commitments": commitments(&outcome.commitments),
            "intent": outcome.intent,
            "source": source_name(outcome.source),
            "verdict": outcome.verdict.name(),
            "as_of": outcome.as_of.map(calendar::exact),
            "disclosed": outcome.disclosed,
            "masked": outcome.masked,
            "dropped": outcome.dropped,
            "unavailable": outcome.unavailable.map(|reason| reason.code()),
            "subjects_checked": outcome.subjects_checked,
        }),
        Kind::Denial(denied) => json!({
            "facts": facts(&denied.facts),
            "code": denied.code,
            "commitments": commitments(&denied.commitments),
        }),
        other => event(other),
    }
}

fn case(closed: &CaseClosed) -> Value {
    // The day of the application beside that of the case: who dates back is seen.
    let course: Value = serde_json::from_str(&closed.course).unwrap_or_default();
    json!({
        "item": closed.item,
        "item_version": closed.item_version,
        "rule": hex(&closed.rule),
        "case_number": closed.case_number,
        "operator_unit": closed.operator_unit,
        "submitted_on": course.get("submitted_on"),
        "run_on": course.get("run_on"),
        "outcome": closed.outcome,
        "needs": closed.needs,
        "abandoned": closed.abandoned,
        "out_of_time": course.get("out_of_time").is_some_and(|truth| truth == true),
    })
}

/// What happens beside questions.
fn event(kind: &Kind) -> Value {
    let document = |bytes: &[u8]| BASE64_STANDARD.encode(bytes);
    match kind {
        Kind::Agreement(event) => {
            let (change, (id, version), bytes) = agreement(event);
            let document = bytes.map(document);
            json!({ "change": change, "agreement": id, "version": version, "document": document })
        }
        Kind::Party(PartyEvent::Entered { organisation, document: bytes }) => {
            let document = document(bytes);
            json!({ "change": "entered", "organisation": organisation, "document": document })
        }
        Kind::Party(PartyEvent::Removed { organisation }) => {
            json!({ "change": "removed", "organisation": organisation })
        }
        Kind::Node(event) => json!({ "change": node_name(event.change), "version": event.version }),
        Kind::Catalogue(event) => {
            json!({ "digest": hex(&event.digest), "summary": event.summary })
        }
        Kind::Rule(event) => {
            let document = document(&event.document);
            json!({ "item": event.item, "version": event.version, "document": document })
        }
        Kind::Case(closed) => case(closed),
        Kind::Dispute(dispute) => dispute::fields(dispute),
        Kind::Adapter(AdapterEvent::Placed { adapter, facts }) => json!({
            "adapter": adapter.name,
            "version": adapter.version,
            "digest": hex(&adapter.digest),
            "facts": facts,
        }),
        Kind::Adapter(AdapterEvent::Removed { name }) => {
            json!({ "adapter": name, "change": "removed" })
        }
        Kind::Freeze(event) => json!({
            "change": match event.change {
                FreezeChange::Frozen => "frozen",
                FreezeChange::Lifted => "lifted",
            },
            "name": event.name,
            "document": document(&event.document),
        }),
        Kind::Key(event) => json!({
            "purpose": match event.purpose {
                KeyPurpose::Log => "log",
                KeyPurpose::VaultDay => "vault-day",
            },
            "change": match event.change {
                KeyChange::Begun => "begun",
                KeyChange::Ended => "ended",
            },
            "name": event.name,
            "document": document(&event.document),
        }),
        Kind::Erasure(erasure) => match &erasure.erased {
            Erased::Entries(entries) => json!({ "entries": entries, "ground": erasure.ground }),
            Erased::Day(day) => json!({ "day": day, "ground": erasure.ground }),
        },
        Kind::Intent(_) | Kind::Outcome(_) | Kind::Denial(_) => Value::Null,
    }
}

/// What changed, in which version of which agreement, and the document if there is one.
pub fn agreement(event: &AgreementEvent) -> (&'static str, (&str, u32), Option<&[u8]>) {
    match event {
        AgreementEvent::Adopted { id, version, document } => {
            ("adopted", (id, *version), Some(document))
        }
        AgreementEvent::Withdrawn { id, version } => ("withdrawn", (id, *version), None),
        AgreementEvent::Ordered { id, version, effect, document } => {
            let change = match effect {
                OrderEffect::Suspended => "suspended",
                OrderEffect::Resumed => "resumed",
                OrderEffect::Revoked => "revoked",
            };
            (change, (id, *version), Some(document))
        }
    }
}

/// Stable name of what the gateway did.
pub fn node_name(change: NodeChange) -> &'static str {
    match change {
        NodeChange::Created => "created",
        NodeChange::Started => "started",
        NodeChange::Stopped => "stopped",
    }
}

/// Stable name of where an answer came from.
pub fn source_name(source: Source) -> &'static str {
    match source {
        Source::Agency => "agency",
        Source::Cache => "cache",
    }
}

fn role(subject: &RoleFact) -> Value {
    let mut fields = json!({ "role": subject.role, "kind": subject.kind });
    if let (Some(relation), Some(fields)) = (subject.relation, fields.as_object_mut()) {
        fields.insert("relation".to_owned(), json!(relation.name()));
        fields.insert("shown_by".to_owned(), json!(subject.shown_by));
    }
    fields
}

fn assertion(asked: &AssertionFact) -> Value {
    let within: Vec<Value> = asked
        .within
        .iter()
        .map(|kept| json!({ "agreement": kept.agreement, "version": kept.version, "clause": kept.clause }))
        .collect();
    json!({ "attribute": asked.attribute, "comparison": asked.comparison.name(), "within": within })
}

fn facts(facts: &Facts) -> Value {
    let caller = &facts.caller;
    let roles: Vec<Value> = facts.roles.iter().map(role).collect();
    let assertions: Vec<Value> = facts.assertions.iter().map(assertion).collect();
    let defects: Vec<Value> = facts
        .defects
        .iter()
        .map(|defect| json!({ "field": defect.field, "check": defect.check }))
        .collect();
    let quota: Vec<Value> = facts
        .quota
        .iter()
        .map(|used| {
            json!({
                "agreement": used.agreement, "day": used.day, "second": used.second,
                "month": used.month,
            })
        })
        .collect();
    json!({
        "rules": facts.rules,
        "request_id": hex(&facts.request_id),
        "caller_sequence": facts.caller_sequence,
        "received_at": calendar::exact(facts.received_at),
        "received_us": facts.received_at.0,
        "deadline_us": facts.deadline.map(|span| u64::try_from(span.as_micros()).unwrap_or(u64::MAX)),
        "caller": {
            "organisation": caller.organisation.as_str(),
            "system": caller.system.as_str(),
            "certificate": hex(&caller.certificate),
            "standing": standing_name(caller.standing),
        },
        "fact": facts.fact.as_ref().map(|fact| fact.as_str()),
        "provider": facts.provider.as_ref().map(|provider| provider.as_str()),
        "item": facts.item.as_str(),
        "item_version": facts.item_version,
        "case_number": facts.case_number,
        "replaced_material": facts.replaced_material,
        "operator_unit": facts.operator_unit,
        "operator_present": facts.operator_present,
        "notice": facts.notice,
        "consent": facts.consent,
        "roles": roles,
        "assertions": assertions,
        "disclose": facts.disclose,
        "max_age_us": facts.max_age.map(|span| u64::try_from(span.as_micros()).unwrap_or(u64::MAX)),
        "defects": defects,
        "quota": quota,
        "freezes": facts.freezes,
        "catalogue_digest": hex(&facts.catalogue_digest),
    })
}

fn standing_name(standing: Standing) -> &'static str {
    match standing {
        Standing::Registered => "registered",
        Standing::UnknownOrganisation => "unknown-organisation",
        Standing::UnknownSystem => "unknown-system",
        Standing::ForeignAuthority => "foreign-authority",
        Standing::Unnamed => "unnamed",
        Standing::NoQueryRight => "no-query-right",
    }
}

fn permit(permit: &PermitRef) -> Value {
    json!({ "agreement": permit.agreement, "version": permit.version, "clause": permit.clause })
}

fn commitments(commitments: &Commitments) -> Value {
    let shown = |digest: &Option<Digest>| digest.as_ref().map(|digest| hex(digest));
    json!({
        "subject": shown(&commitments.subject),
        "operator": shown(&commitments.operator),
        "request": shown(&commitments.request),
        "answer": shown(&commitments.answer),
        "sealed": shown(&commitments.sealed),
    })
}
