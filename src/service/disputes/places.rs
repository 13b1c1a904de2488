//! Places of calls about disputes: their own, for each waits for a disk, and no question is to wait behind it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::query::OrganisationId;

/// Places of all callers, of which one organisation gets a part.
pub(in crate::service) struct DisputePlaces {
    all: Arc<Semaphore>,
    most_of_one: usize,
    taken: Taken,
}

/// By organisation, of those who have any.
type Taken = Arc<Mutex<BTreeMap<OrganisationId, usize>>>;

/// The place of one call. Given back however that ends.
pub(super) struct DisputePlace {
    _place: OwnedSemaphorePermit,
    caller: OrganisationId,
    taken: Taken,
}

impl DisputePlaces {
    /// So many, and of one organisation.
    pub(in crate::service) fn new(count: usize, most_of_one: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(count)), most_of_one, taken: Taken::default() }
    }

    /// A place for a call of this organisation.
    ///
    /// # Errors
    /// The name of the limit that is reached.
    pub(super) fn take(&self, caller: &OrganisationId) -> Result<DisputePlace, &'static str> {
        let place = Arc::clone(&self.all).try_acquire_owned().map_err(|_| "disputes.calls")?;
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let of_caller = taken.entry(caller.clone()).or_default();
        if *of_caller >= self.most_of_one {
            return Err("disputes.calls_per_caller");
        }
        *of_caller += 1;
        Ok(DisputePlace { _place: place, caller: caller.clone(), taken: Arc::clone(&self.taken) })
    }
}

impl Drop for DisputePlace {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(of_caller) = taken.get_mut(&self.caller) else { return };
        *of_caller -= 1;
        if *of_caller == 0 {
            taken.remove(&self.caller);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_organisation_does_not_get_every_place() {
        let places = DisputePlaces::new(3, 2);
        let (one, other) = (OrganisationId::from("a"), OrganisationId::from("b"));
        let held = [places.take(&one), places.take(&one)];
        assert!(held.iter().all(Result::is_ok));
        assert_eq!(places.take(&one).err(), Some("disputes.calls_per_caller"));
        let last = places.take(&other).ok();
        assert_eq!(places.take(&other).err(), Some("disputes.calls"));
        drop(held);
        assert!(last.is_some() && places.take(&one).is_ok());
        drop(last);
        assert!(places.taken.lock().unwrap().is_empty());
    }
}
