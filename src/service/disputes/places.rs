//! Places of calls about disputes: their own, for each waits for a disk, and no question is to wait behind it.

use crate::query::OrganisationId;
use crate::service::shares::{PlaceOf, Places};

/// Places of all callers, of which one organisation gets a part.
pub(in crate::service) struct DisputePlaces(Places<OrganisationId>);

/// The place of one call. Given back however that ends.
pub(super) type DisputePlace = PlaceOf<OrganisationId>;

impl DisputePlaces {
    /// So many, and of one organisation.
    pub(in crate::service) fn new(count: usize, most_of_one: usize) -> Self {
        let limits = ["disputes.calls", "disputes.calls_per_caller"];
        Self(Places::new(count, most_of_one, limits))
    }

    /// A place for a call of this organisation.
    ///
    /// # Errors
    /// The name of the limit that is reached.
    pub(super) fn take(&self, caller: &OrganisationId) -> Result<DisputePlace, &'static str> {
        self.0.take(caller)
    }
}
