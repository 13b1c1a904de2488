//! Places of calls about disputes: their own, for each waits for a disk, and no question is to wait behind it.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::query::OrganisationId;
use crate::service::shares::{Share, Shares};

/// Places of all callers, of which one organisation gets a part.
pub(in crate::service) struct DisputePlaces {
    all: Arc<Semaphore>,
    shares: Shares<OrganisationId>,
}

/// The place of one call. Given back however that ends.
pub(super) struct DisputePlace {
    _place: OwnedSemaphorePermit,
    _share: Share<OrganisationId>,
}

impl DisputePlaces {
    /// So many, and of one organisation.
    pub(in crate::service) fn new(count: usize, most_of_one: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(count)), shares: Shares::new(most_of_one) }
    }

    /// A place for a call of this organisation.
    ///
    /// # Errors
    /// The name of the limit that is reached.
    pub(super) fn take(&self, caller: &OrganisationId) -> Result<DisputePlace, &'static str> {
        let place = Arc::clone(&self.all).try_acquire_owned().map_err(|_| "disputes.calls")?;
        let share = self.shares.take(caller).ok_or("disputes.calls_per_caller")?;
        Ok(DisputePlace { _place: place, _share: share })
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
    }
}
