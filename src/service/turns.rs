//! What a question waits for that can wait, one of a case or of a batch: for the agency, for the gateway, for the quota.
//!
//! Of what they share with single questions these take a part, and never all of it: whoever asks one question finds a place
//! however many cases and batches there are. Nothing is decided while a question waits, and nothing recorded of that.

use std::sync::Arc;

use metrics::Gauge;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::Place;
use super::admission::Admission;
use super::quotas::{Part, Quotas};
use crate::adapters::{FairPlace, FairPlaces, Turn, Waiter};
use crate::gateway::in_force::InForce;
use crate::query::{FactCode, OrganisationId};

/// The turns of one gateway.
pub(super) struct Turns {
    /// Questions under way, whoever asks.
    all: Arc<Semaphore>,
    counted: Gauge,
    /// Those among them that could wait.
    patient: FairPlaces,
    quotas: Quotas,
}

/// What a question that could wait holds while it is asked.
pub(super) struct Held {
    _place: Place,
    _agency: Option<Turn>,
    _share: FairPlace,
}

impl Turns {
    /// Of so many places, shared with single questions, that share, in percent.
    pub(super) fn new(admission: &Admission, in_flight: usize, patient_percent: usize) -> Self {
        Self {
            all: Arc::clone(admission.places()),
            counted: admission.counted().clone(),
            patient: FairPlaces::new(in_flight.saturating_mul(patient_percent) / 100),
            quotas: Quotas::default(),
        }
    }

    /// Waits for everything that a question of this organisation about that fact needs; `None` when it had it not by
    /// `until`. The agency comes before the gateway, so that whoever waits for it holds no place of the gateway; the
    /// quota's turn is used up last, so that none is lost.
    pub(super) async fn wait(
        &self,
        in_force: Arc<InForce>,
        (caller, fact): (Option<&OrganisationId>, &FactCode),
        waiter: &Waiter,
        until: Instant,
    ) -> Option<Held> {
        let quota = caller.and_then(|caller| self.quota(&in_force, caller, fact));
        let adapter = in_force.adapters.for_fact(fact).map(Arc::clone);
        // What is in force may change while this waits.
        drop(in_force);
        let waiting = async {
            let tells_at_once =
                adapter.as_ref().is_some_and(|adapter| adapter.tells_at_once(fact, waiter));
            let _at_gate = match &quota {
                Some(part) if !tells_at_once => Some(part.come_up(fact, waiter).await),
                _ => None,
            };
            let _agency = match adapter {
                Some(adapter) => Some(adapter.turn(fact, waiter, until).await?),
                None => None,
            };
            let _share = self.patient.take(waiter).await;
            let slot = Arc::clone(&self.all).acquire_owned().await.ok()?;
            if let Some(part) = &quota {
                part.take(waiter).await;
            }
            Some(Held { _place: Place::counted(slot, self.counted.clone()), _agency, _share })
        };
        timeout_at(until, waiting).await.ok().flatten()
    }

    /// The part of the agreement that lets the caller ask most in one second; `None` where one sets no such quota.
    fn quota(
        &self,
        in_force: &InForce,
        caller: &OrganisationId,
        fact: &FactCode,
    ) -> Option<Arc<Part>> {
        let clauses = in_force.agreements.clauses(caller, fact);
        let quotas = clauses.iter().map(|placed| {
            let per_second = placed.agreement.quota.per_second?;
            Some((per_second, placed.agreement.id.as_str()))
        });
        let (per_second, agreement) = quotas.collect::<Option<Vec<_>>>()?.into_iter().max()?;
        Some(self.quotas.part(agreement, per_second))
    }
}
