//! How many cases go on at once: in the whole gateway, and of one caller, who must not take every place.

use std::sync::Arc;

use metrics::gauge;
use tokio::sync::Semaphore;

use crate::service::Place;
use crate::service::shares::{Share, Shares};
use crate::telemetry;

/// The places of cases.
pub(in crate::service) struct CasePlaces {
    all: Arc<Semaphore>,
    shares: Shares<Arc<str>>,
}

/// The place of one case. Given back however that ends.
pub(super) struct CasePlace {
    _place: Place,
    _share: Share<Arc<str>>,
}

impl CasePlaces {
    /// So many, and of one caller.
    pub(in crate::service) fn new(count: usize, most_of_one: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(count)), shares: Shares::new(most_of_one) }
    }

    /// A place for a case of this caller.
    ///
    /// # Errors
    /// The name of the limit that is reached.
    pub(super) fn take(&self, caller: &Arc<str>) -> Result<CasePlace, &'static str> {
        let slot = Arc::clone(&self.all).try_acquire_owned().map_err(|_| "cases")?;
        let share = self.shares.take(caller).ok_or("cases_per_caller")?;
        let place = Place::counted(slot, gauge!(telemetry::CASES_IN_FLIGHT));
        Ok(CasePlace { _place: place, _share: share })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_caller_does_not_get_every_place() {
        let places = CasePlaces::new(3, 2);
        let (one, other): (Arc<str>, Arc<str>) = ("a/b".into(), "c/d".into());
        let held = [places.take(&one), places.take(&one)];
        assert!(held.iter().all(Result::is_ok));
        assert_eq!(places.take(&one).err(), Some("cases_per_caller"));
        let others = places.take(&other).unwrap();
        assert_eq!(places.take(&other).err(), Some("cases"));
        drop(held);
        assert!(places.take(&one).is_ok() && places.take(&other).is_ok());
        drop(others);
    }
}
