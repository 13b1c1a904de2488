//! How ready the items are, as messages. Reckoned beside the path of questions, and not recorded: nobody is asked about.

use std::sync::Arc;
use std::time::Duration;

use metrics::counter;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::{Code, Request, Response, Status};

use super::{Services, refusal, require};
use crate::clock::now;
use crate::proto::gateway::v1 as wire;
use crate::query::FactCode;
use crate::readiness::{
    self, Evidence, Gain, ItemState, Lapse, QuestionState, Reach, Readiness, Step, View,
};
use crate::telemetry;
use crate::wire::{duration, read_timestamp, timestamp};

const DAY: Duration = Duration::from_secs(86_400);

/// How far to look ahead when nothing is said: long enough to sign the next agreement.
const AHEAD: Duration = DAY.saturating_mul(90);
/// How far at the most: no agreement of these times lasts longer.
const AHEAD_MOST: Duration = DAY.saturating_mul(3660);

/// How many are reckoned at once. Two: each takes a thread for some hundred decisions, and who looks at it can wait a second,
/// while questions of cases cannot.
pub(super) const AT_ONCE: usize = 2;

/// What `GetReadiness` answers.
pub(super) async fn get(
    services: &Services,
    request: Request<wire::GetReadinessRequest>,
) -> Result<Response<wire::GetReadinessResponse>, Status> {
    let caller = require(services, &request, "", |_| true)?;
    let asked = request.into_inner();
    let unfit = |text: &str| refusal::with_reason(Code::InvalidArgument, text, "MALFORMED");
    let at = match &asked.at {
        None => now(),
        Some(at) => read_timestamp(at).ok_or_else(|| unfit("`at` is no moment after 1970"))?,
    };
    let ahead = match asked.ahead {
        None => AHEAD,
        Some(ahead) => Duration::try_from(ahead)
            .ok()
            .filter(|ahead| *ahead <= AHEAD_MOST)
            .ok_or_else(|| unfit("`ahead` must be from nothing to ten years"))?,
    };
    let place = place(&services.readiness)?;
    let in_force = services.gateway.in_force();
    // Hundreds of decisions: not for a thread that answers questions.
    let reckoned = services.tasks.spawn_blocking(move || {
        let facts = caller.facts(&in_force.register);
        let (organisation, system, standing) = match asked.system.as_str() {
            "" => (facts.organisation, facts.system, facts.standing),
            system => {
                let system = system.into();
                let standing =
                    readiness::standing(&in_force.register, &facts.organisation, &system);
                (facts.organisation, system, standing)
            }
        };
        let readiness = readiness::readiness(&View {
            catalogue: &in_force.catalogue,
            agreements: &in_force.agreements,
            freezes: &in_force.freezes,
            adapters: readiness::adapters(&in_force.adapters, at, true),
            organisation,
            system,
            standing,
            at,
            ahead,
        });
        // Whoever has hung up holds it until here.
        drop(place);
        readiness
    });
    let readiness = reckoned.await.map_err(|_| refusal::internal())?;
    Ok(Response::new(message(&readiness, ahead)))
}

/// One of the places, or when to come back.
fn place(places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Status> {
    Arc::clone(places).try_acquire_owned().map_err(|_| {
        counter!(telemetry::SHED, "limit" => "readiness").increment(1);
        refusal::overloaded("too many reports at once; come back in a second")
    })
}

fn message(readiness: &Readiness, ahead: Duration) -> wire::GetReadinessResponse {
    wire::GetReadinessResponse {
        organisation: readiness.organisation.to_string(),
        system: readiness.system.to_string(),
        at: Some(timestamp(readiness.at)),
        ahead: Some(duration(ahead)),
        items: readiness.items.iter().map(item).collect(),
        gains: readiness.gains.iter().map(gain).collect(),
        road: readiness.road.iter().map(step).collect(),
        lapses: readiness.lapses.iter().map(lapse).collect(),
    }
}

fn item(state: &ItemState) -> wire::ItemReadiness {
    wire::ItemReadiness {
        item: state.item.to_string(),
        version: state.version.clone(),
        title: state.title.clone(),
        title_zh: state.title_zh.clone(),
        channel: state.channel.clone(),
        has_rule: state.has_rule,
        reach: reach(state.reach).into(),
        person_decides: state.person_decides.clone().unwrap_or_default(),
        questions: state.questions.iter().map(question).collect(),
        evidence: state.evidence.iter().map(evidence).collect(),
    }
}

fn reach(reach: Reach) -> wire::Reach {
    match reach {
        Reach::NotAtAll => wire::Reach::NotAtAll,
        Reach::Partly => wire::Reach::Partly,
        Reach::PersonDecides => wire::Reach::PersonDecides,
        Reach::ButForEvidence => wire::Reach::ButForEvidence,
        Reach::EndToEnd => wire::Reach::EndToEnd,
    }
}

fn question(state: &QuestionState) -> wire::QuestionReadiness {
    let (adapter, health) = state
        .adapter
        .as_ref()
        .map(|reached| (reached.adapter.clone(), reached.health.clone()))
        .unwrap_or_default();
    let (missing, advice, advice_zh) = state
        .missing
        .as_ref()
        .map(|it| (it.code.clone(), it.advice.clone(), it.advice_zh.clone()))
        .unwrap_or_default();
    wire::QuestionReadiness {
        name: state.name.clone(),
        fact: state.fact.to_string(),
        fact_zh: state.fact_zh.clone(),
        agency: state.agency.to_string(),
        sometimes: state.sometimes,
        grant: state.grant.as_ref().map(|grant| wire::GrantReadiness {
            agreement: grant.agreement.clone(),
            version: grant.version,
            clause: grant.clause,
            until: grant.until.map(timestamp),
        }),
        demands: state
            .demands
            .iter()
            .map(|demand| wire::Demand { kind: demand.kind.clone(), of: demand.of.clone() })
            .collect(),
        adapter,
        health,
        missing,
        advice,
        advice_zh,
    }
}

fn evidence(evidence: &Evidence) -> wire::EvidenceReadiness {
    wire::EvidenceReadiness {
        name: evidence.name.clone(),
        title_zh: evidence.title_zh.clone(),
        issuer: evidence.issuer.clone(),
        is_needed: evidence.is_needed,
        always: evidence.always,
        suffices: evidence.suffices,
    }
}

fn gain(gain: &Gain) -> wire::AgreementGain {
    let codes = |facts: &[FactCode]| facts.iter().map(ToString::to_string).collect();
    wire::AgreementGain {
        agency: gain.agency.to_string(),
        has_agreement: gain.has_agreement,
        facts: codes(&gain.facts),
        questions: few(gain.questions),
        rises: gain
            .rises
            .iter()
            .map(|rise| wire::ItemRise {
                item: rise.item.to_string(),
                from: reach(rise.from).into(),
                to: reach(rise.to).into(),
            })
            .collect(),
        needs_adapter: codes(&gain.needs_adapter),
    }
}

fn step(step: &Step) -> wire::AgreementStep {
    wire::AgreementStep {
        agency: step.agency.to_string(),
        end_to_end: few(step.end_to_end),
        through: few(step.through),
    }
}

fn lapse(lapse: &Lapse) -> wire::AgreementLapse {
    wire::AgreementLapse {
        agreement: lapse.agreement.clone(),
        version: lapse.version,
        on: Some(timestamp(lapse.on)),
        questions: few(lapse.questions),
        items: lapse.items.iter().map(ToString::to_string).collect(),
    }
}

fn few(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use tonic_types::StatusExt;

    use super::*;

    #[test]
    fn one_report_too_many_is_told_to_come_back() {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        let held: Vec<_> = (0..AT_ONCE).map(|_| place(&places).unwrap()).collect();
        let refused = place(&places).err().unwrap();
        assert_eq!(refused.code(), Code::ResourceExhausted);
        let details = refused.get_error_details();
        assert_eq!(details.error_info().unwrap().reason, "OVERLOADED");
        assert!(details.retry_info().is_some());
        drop(held);
        assert!(place(&places).is_ok());
    }
}
