//! What a question waits for that can wait, one of a case or of a batch: for the agency, for the gateway, for the quota.
//!
//! Of what they share with single questions these take a part, and never all of it: whoever asks one question finds a place
//! however many cases and batches there are. Nothing is decided while a question waits, and nothing recorded of that.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::Place;
use crate::adapters::{FairPlace, FairPlaces, Pace, Turn, Waiter};
use crate::gateway::in_force::InForce;
use crate::query::{FactCode, OrganisationId};

/// Of an agreement's quota for one second, one in so many is for questions that can wait, in the long run; half as much
/// again may come at once. So a quarter of every second is left to others.
const SHARE: u64 = 2;

/// The turns of one gateway.
pub(super) struct Turns {
    /// Questions under way, whoever asks; the log's queue is longer, so an admitted question can always be recorded.
    in_flight: Arc<Semaphore>,
    /// Those among them that could wait.
    patient: FairPlaces,
    /// By agreement: its quota for one second, and the pace that keeps to its share of it.
    quotas: Mutex<BTreeMap<String, (u64, Arc<Pace>)>>,
}

/// What a question that could wait holds while it is asked.
pub(super) struct Held {
    _place: Place,
    _agency: Option<Turn>,
    _share: FairPlace,
}

impl Turns {
    /// So many questions at once, of which that share, in percent, can wait.
    pub(super) fn new(in_flight: usize, patient_percent: usize) -> Self {
        Self {
            in_flight: Arc::new(Semaphore::new(in_flight)),
            patient: FairPlaces::new(in_flight.saturating_mul(patient_percent) / 100),
            quotas: Mutex::default(),
        }
    }

    /// A place for a question that cannot wait; `None` when all are taken.
    pub(super) fn now(&self) -> Option<Place> {
        Arc::clone(&self.in_flight).try_acquire_owned().ok().map(Place::taken)
    }

    /// Waits for everything that a question of this organisation about that fact needs; `None` when it had it not by
    /// `until`. The quota's pace comes first, in the order of coming; then the agency, so that whoever waits for it holds no
    /// place of the gateway.
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
            if let Some(pace) = quota {
                pace.pass().await;
            }
            let _agency = match adapter {
                Some(adapter) => Some(adapter.turn(fact, waiter, until).await?),
                None => None,
            };
            let _share = self.patient.take(waiter).await;
            let slot = Arc::clone(&self.in_flight).acquire_owned().await.ok()?;
            Some(Held { _place: Place::taken(slot), _agency, _share })
        };
        timeout_at(until, waiting).await.ok().flatten()
    }

    /// The pace of the agreement that lets the caller ask most in one second; `None` where one sets no such quota.
    fn quota(
        &self,
        in_force: &InForce,
        caller: &OrganisationId,
        fact: &FactCode,
    ) -> Option<Arc<Pace>> {
        let clauses = in_force.agreements.clauses(caller, fact);
        let quotas = clauses.iter().map(|placed| {
            let per_second = placed.agreement.quota.per_second?;
            Some((per_second, placed.agreement.id.as_str()))
        });
        let (per_second, agreement) = quotas.collect::<Option<Vec<_>>>()?.into_iter().max()?;
        Some(self.pace(agreement, per_second))
    }

    fn pace(&self, agreement: &str, per_second: u64) -> Arc<Pace> {
        let mut quotas = self.quotas.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, pace)) = quotas.get(agreement).filter(|(known, _)| *known == per_second) {
            return Arc::clone(pace);
        }
        let share = per_second / SHARE;
        let pace = Arc::new(Pace::per_second(share, share / 2));
        quotas.insert(agreement.to_owned(), (per_second, Arc::clone(&pace)));
        pace
    }
}
