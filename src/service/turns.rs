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
use super::quotas::Quotas;
use crate::adapters::{FairPlace, FairPlaces, Turn, Waiter};
use crate::clock::now;
use crate::decision::agreements::{AgreementSet, State};
use crate::gateway::in_force::InForce;
use crate::identity::Peer;
use crate::query::time::Timestamp;
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

    /// Waits for everything that a question of this caller about that fact needs, as [`Turns::wait`] does. Whoever only
    /// claims a name uses up nothing of those who bear it.
    pub(super) async fn of(
        &self,
        in_force: Arc<InForce>,
        (peer, fact): (&Peer, &FactCode),
        waiter: &Waiter,
        until: Instant,
    ) -> Option<Held> {
        let caller = peer.asks_for(&in_force.register).cloned();
        self.wait(in_force, (caller.as_ref(), fact), waiter, until).await
    }

    /// Waits for everything that a question of this organisation about that fact needs; `None` when it had it not by
    /// `until`. The agency comes before the gateway, so that whoever waits for it holds no place of the gateway; the
    /// quota's turn is used up last, so that none is lost. What is denied whatever comes waits for no agency: it would
    /// take the turns of others.
    pub(super) async fn wait(
        &self,
        in_force: Arc<InForce>,
        (caller, fact): (Option<&OrganisationId>, &FactCode),
        waiter: &Waiter,
        until: Instant,
    ) -> Option<Held> {
        let open = caller.and_then(|caller| open(&in_force.agreements, (caller, fact), now()));
        let adapter = open.as_ref().and_then(|_| in_force.adapters.for_fact(fact)).map(Arc::clone);
        let pace = open.and_then(|open| open.pace);
        let quota = pace.map(|(per_second, agreement)| self.quotas.part(agreement, per_second));
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
}

/// What lets an organisation ask a fact.
#[derive(Debug, PartialEq, Eq)]
struct Open<'a> {
    /// Of the agreement that lets it ask most in one second, how many that are, and its id; `None` where one sets no such
    /// quota.
    pace: Option<(u64, &'a str)>,
}

/// What of the agreements in force at that moment lets this organisation ask; `None` where nothing does. A version that
/// has ended, or is yet to begin, says nothing of how fast one may ask now.
fn open<'a>(
    agreements: &'a AgreementSet,
    (caller, fact): (&OrganisationId, &FactCode),
    at: Timestamp,
) -> Option<Open<'a>> {
    let clauses = agreements.clauses(caller, fact).iter();
    let granting = clauses
        .map(|placed| &placed.agreement)
        .filter(|agreement| agreements.state(agreement, at) == State::InForce);
    let quotas =
        granting.map(|agreement| Some((agreement.quota.per_second?, agreement.id.as_str())));
    // Where any sets none, there is none; and none is the least.
    let paces: Vec<Option<(u64, &str)>> = quotas.collect();
    let is_paced = paces.iter().all(Option::is_some);
    let most = paces.into_iter().max()?;
    Some(Open { pace: most.filter(|_| is_paced) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::agreement::{Agreement, Quota};
    use crate::decision::sample;

    fn version(version: u32, per_second: Option<u64>) -> Agreement {
        let quota = Quota { per_second, ..Quota::default() };
        Agreement { version, quota, ..sample::agreement() }
    }

    #[test]
    fn only_what_is_in_force_says_how_fast_one_may_ask() {
        let at = sample::TUESDAY_TEN;
        let after = at.plus(std::time::Duration::from_secs(60));
        let pace = |agreements: Vec<Agreement>| {
            let set = AgreementSet::new(agreements.into_iter().map(Arc::new));
            let route = (&"fund-centre".into(), &"M2".into());
            open(&set, route, at).map(|open| open.pace.map(|(per_second, _)| per_second))
        };
        assert_eq!(pace(vec![version(1, Some(10))]), Some(Some(10)));
        // The next one is agreed on already, and begins later.
        let next = Agreement { effective_from: after, ..version(2, Some(40)) };
        assert_eq!(pace(vec![version(1, Some(10)), next]), Some(Some(10)));
        // The one before had no such quota.
        assert_eq!(pace(vec![version(1, None), version(2, Some(10))]), Some(Some(10)));
        let other = Agreement { id: "mz-0".to_owned(), effective_to: at, ..version(1, None) };
        assert_eq!(pace(vec![version(1, Some(10)), other.clone()]), Some(Some(10)));
        let other = Agreement { effective_to: after, ..other };
        assert_eq!(pace(vec![version(1, Some(10)), other]), Some(None));
        let over = Agreement { effective_to: at, ..version(1, Some(10)) };
        assert_eq!((pace(vec![over]), pace(vec![])), (None, None));
    }
}
