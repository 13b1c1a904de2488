//! Which single question is let in: there is a limit for all, and each caller may have as many under way as places are left.
//!
//! So one caller gets half of them, two a third each, and whoever has none under way finds one as long as there is any. Nobody
//! counts callers, nothing is locked, and nothing is set aside for somebody who does not come. Counts that are read one
//! after another may let one too many of a caller in for each processor; the limit for all is exact.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::HeaderMap;
use metrics::{Counter, Gauge, counter, gauge};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use tonic::Status;
use tonic::body::Body;

use super::pressure::Pressure;
use super::{Place, refusal};
use crate::accounts::Account;
use crate::telemetry;

/// Lets single questions in.
pub(super) struct Admission {
    /// Of all questions under way; the log's queue is longer, so an admitted question can always be recorded.
    all: Arc<Semaphore>,
    /// Single questions, of those that came to this thread.
    under_way: Arc<AtomicUsize>,
    /// Of this thread.
    pressure: Pressure,
    counted: Gauge,
    refusals: [Refused; 3],
}

/// Why a question is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// All places are taken.
    InFlight,
    /// The processors have more to do than they can in time.
    ProcessorWait,
    /// This caller has as many under way as places are left.
    Share,
}

/// A single question under way.
pub(super) struct Single {
    _place: Place,
    account: Arc<Account>,
    under_way: Arc<AtomicUsize>,
}

/// A refusal that is made once: making it anew each time would cost more than the rest of it.
#[derive(Clone)]
struct Refused {
    status: Status,
    headers: HeaderMap,
    counted: Counter,
}

impl Admission {
    /// So many places, shared with questions that can wait, and so long a wait for a processor.
    pub(super) fn new(in_flight: usize, processor_wait: Duration) -> Self {
        let (too_many, share) = (
            "too many questions at once; nothing was asked or recorded",
            "this caller has its share of the questions under way; nothing was asked or recorded",
        );
        Self {
            all: Arc::new(Semaphore::new(in_flight)),
            under_way: Arc::default(),
            pressure: Pressure::new(in_flight, processor_wait),
            counted: gauge!(telemetry::IN_FLIGHT),
            refusals: [
                Refused::new(too_many, "in_flight"),
                Refused::new(too_many, "processor_wait"),
                Refused::new(share, "in_flight_share"),
            ],
        }
    }

    /// The same places, for what comes to another thread.
    pub(super) fn afresh(&self) -> Self {
        Self {
            all: Arc::clone(&self.all),
            under_way: Arc::default(),
            pressure: self.pressure.afresh(),
            counted: self.counted.clone(),
            refusals: self.refusals.clone(),
        }
    }

    /// The places of all questions, for those that can wait.
    pub(super) fn places(&self) -> &Arc<Semaphore> {
        &self.all
    }

    /// What counts those that have one.
    pub(super) fn counted(&self) -> &Gauge {
        &self.counted
    }

    /// Moves the limit with what the processors bear.
    pub(super) async fn watch(&self, tasks: &TaskTracker) {
        self.pressure.watch(tasks, || self.under_way.load(Ordering::Relaxed)).await;
    }

    /// Whether [`Admission::take`] would let one in now.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn look(&self, account: &Account) -> Result<(), Full> {
        let places = self.all.available_permits();
        let under_way = self.under_way.load(Ordering::Relaxed);
        let borne = self.pressure.limit().saturating_sub(under_way);
        match places.min(borne) {
            0 if places == 0 => Err(Full::InFlight),
            0 => Err(Full::ProcessorWait),
            left if account.under_way() >= left => Err(Full::Share),
            _ => Ok(()),
        }
    }

    /// Lets a single question of this caller in.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn take(&self, account: &Arc<Account>) -> Result<Single, Full> {
        self.look(account)?;
        let slot = Arc::clone(&self.all).try_acquire_owned().map_err(|_| Full::InFlight)?;
        account.begin();
        self.under_way.fetch_add(1, Ordering::Relaxed);
        Ok(Single {
            _place: Place::counted(slot, self.counted.clone()),
            account: Arc::clone(account),
            under_way: Arc::clone(&self.under_way),
        })
    }

    /// The refusal as a status, counted.
    pub(super) fn refuse(&self, full: Full) -> Status {
        let refused = self.refused(full);
        refused.counted.increment(1);
        refused.status.clone()
    }

    /// The same as a whole reply.
    pub(super) fn turn_away(&self, full: Full) -> http::Response<Body> {
        let refused = self.refused(full);
        refused.counted.increment(1);
        let mut reply = http::Response::new(Body::empty());
        *reply.headers_mut() = refused.headers.clone();
        reply
    }

    fn refused(&self, full: Full) -> &Refused {
        let [in_flight, processor_wait, share] = &self.refusals;
        match full {
            Full::InFlight => in_flight,
            Full::ProcessorWait => processor_wait,
            Full::Share => share,
        }
    }
}

impl Refused {
    fn new(message: &str, limit: &'static str) -> Self {
        let status = refusal::overloaded(message);
        let headers = status.clone().into_http::<Body>().into_parts().0.headers;
        Self { status, headers, counted: counter!(telemetry::SHED, "limit" => limit) }
    }
}

impl Drop for Single {
    fn drop(&mut self) {
        self.account.end();
        self.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use tonic_types::StatusExt;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    /// Takes until there is none.
    fn all(admission: &Admission, account: &Arc<Account>) -> (Vec<Single>, Full) {
        let mut held = Vec::new();
        loop {
            match admission.take(account) {
                Ok(single) => held.push(single),
                Err(full) => return (held, full),
            }
        }
    }

    #[test]
    fn a_flood_leaves_as_much_as_it_takes_and_gives_everything_back() {
        let admission = Admission::new(12, LONG);
        let [flood, other, third] = [(); 3].map(|()| Arc::<Account>::default());
        let (of_flood, why) = all(&admission, &flood);
        assert_eq!((of_flood.len(), why), (6, Full::Share));
        let (of_other, why) = all(&admission, &other);
        assert_eq!((of_other.len(), why), (3, Full::Share));
        let (of_third, _) = all(&admission, &third);
        assert_eq!(of_third.len(), 2);
        // The last place goes to whoever has none.
        let late = admission.take(&Arc::default()).unwrap();
        assert_eq!(admission.look(&Arc::default()), Err(Full::InFlight));
        drop((of_flood, of_other, of_third, late));
        assert_eq!(admission.under_way.load(Ordering::Relaxed), 0);
        assert_eq!((flood.under_way(), other.under_way()), (0, 0));
        assert_eq!(all(&admission, &other).0.len(), 6);
    }

    #[test]
    fn places_of_those_that_can_wait_are_not_given_twice() {
        let admission = Admission::new(4, LONG);
        let patient = Arc::clone(admission.places()).try_acquire_many_owned(3).unwrap();
        let account = Arc::default();
        let (held, why) = all(&admission, &account);
        assert_eq!((held.len(), why), (1, Full::InFlight));
        drop(patient);
        assert!(admission.take(&account).is_ok());
    }

    #[test]
    fn a_refusal_says_when_to_come_back_and_is_the_same_in_both_forms() {
        let admission = Admission::new(1, LONG);
        for full in [Full::InFlight, Full::ProcessorWait, Full::Share] {
            let reply = admission.turn_away(full);
            let told = Status::from_header_map(reply.headers()).unwrap();
            let status = admission.refuse(full);
            assert_eq!((told.code(), told.message()), (status.code(), status.message()));
            assert_eq!(told.code(), tonic::Code::ResourceExhausted);
            let details = told.get_error_details();
            assert_eq!(details.error_info().unwrap().reason, "OVERLOADED");
            assert!(details.retry_info().unwrap().retry_delay.is_some());
        }
    }
}
