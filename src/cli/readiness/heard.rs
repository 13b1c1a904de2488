//! A reply about readiness back as the value that tables and pages are made of.

use std::time::Duration;

use crate::proto::gateway::v1 as wire;
use crate::query::FactCode;
use crate::query::time::Timestamp;
use crate::readiness::{
    Demand, Evidence, Gain, Granted, ItemState, Lapse, Missing, QuestionState, Reach, Reached,
    Readiness, Rise, Step,
};
use crate::wire::read_timestamp;

/// `None` when a moment or a reach is missing or unknown.
pub(super) fn readiness(told: wire::GetReadinessResponse) -> Option<Readiness> {
    let ahead = told.ahead.and_then(|ahead| Duration::try_from(ahead).ok())?;
    Some(Readiness {
        organisation: told.organisation.into(),
        system: told.system.into(),
        at: moment(told.at)?,
        ahead_days: ahead.as_secs() / 86_400,
        items: told.items.into_iter().map(item).collect::<Option<_>>()?,
        gains: told.gains.into_iter().map(gain).collect::<Option<_>>()?,
        road: told
            .road
            .into_iter()
            .map(|step| Step {
                agency: step.agency.into(),
                end_to_end: step.end_to_end as usize,
                through: step.through as usize,
            })
            .collect(),
        lapses: told.lapses.into_iter().map(lapse).collect::<Option<_>>()?,
    })
}

fn moment(at: Option<prost_types::Timestamp>) -> Option<Timestamp> {
    read_timestamp(&at?)
}

fn item(told: wire::ItemReadiness) -> Option<ItemState> {
    Some(ItemState {
        reach: reach(told.reach())?,
        item: told.item.into(),
        version: told.version,
        title: told.title,
        title_zh: told.title_zh,
        channel: told.channel,
        has_rule: told.has_rule,
        person_decides: (!told.person_decides.is_empty()).then_some(told.person_decides),
        questions: told.questions.into_iter().map(question).collect::<Option<_>>()?,
        evidence: told.evidence.into_iter().map(evidence).collect(),
    })
}

fn reach(told: wire::Reach) -> Option<Reach> {
    match told {
        wire::Reach::Unspecified => None,
        wire::Reach::NotAtAll => Some(Reach::NotAtAll),
        wire::Reach::Partly => Some(Reach::Partly),
        wire::Reach::PersonDecides => Some(Reach::PersonDecides),
        wire::Reach::ButForEvidence => Some(Reach::ButForEvidence),
        wire::Reach::EndToEnd => Some(Reach::EndToEnd),
    }
}

fn question(told: wire::QuestionReadiness) -> Option<QuestionState> {
    let grant = match told.grant {
        None => None,
        Some(grant) => Some(Granted {
            agreement: grant.agreement,
            version: grant.version,
            clause: grant.clause,
            until: match grant.until {
                None => None,
                until => Some(moment(until)?),
            },
        }),
    };
    let adapter = (!told.adapter.is_empty()).then_some(Reached {
        is_serving: matches!(told.health.as_str(), "serving" | "trying" | "untried"),
        adapter: told.adapter,
        health: told.health,
    });
    let missing = (!told.missing.is_empty()).then_some(Missing {
        code: told.missing,
        advice: told.advice,
        advice_zh: told.advice_zh,
    });
    Some(QuestionState {
        name: told.name,
        fact: told.fact.into(),
        fact_zh: told.fact_zh,
        agency: told.agency.into(),
        sometimes: told.sometimes,
        grant,
        demands: told
            .demands
            .into_iter()
            .map(|demand| Demand { kind: demand.kind, of: demand.of })
            .collect(),
        adapter,
        missing,
    })
}

fn evidence(told: wire::EvidenceReadiness) -> Evidence {
    Evidence {
        name: told.name,
        title_zh: told.title_zh,
        issuer: told.issuer,
        is_needed: told.is_needed,
        always: told.always,
        suffices: told.suffices,
    }
}

fn gain(told: wire::AgreementGain) -> Option<Gain> {
    let rise = |rise: wire::ItemRise| {
        let (from, to) = (reach(rise.from())?, reach(rise.to())?);
        Some(Rise { item: rise.item.into(), from, to })
    };
    Some(Gain {
        agency: told.agency.into(),
        has_agreement: told.has_agreement,
        facts: told.facts.into_iter().map(FactCode::from).collect(),
        questions: told.questions as usize,
        rises: told.rises.into_iter().map(rise).collect::<Option<_>>()?,
        needs_adapter: told.needs_adapter.into_iter().map(FactCode::from).collect(),
    })
}

fn lapse(told: wire::AgreementLapse) -> Option<Lapse> {
    Some(Lapse {
        agreement: told.agreement,
        version: told.version,
        on: moment(told.on)?,
        questions: told.questions as usize,
        items: told.items.into_iter().map(Into::into).collect(),
    })
}
