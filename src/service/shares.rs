//! How much of something each caller has, none of whom may take it all.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What all callers have, by caller, of those who have any.
type Taken<K> = Arc<Mutex<BTreeMap<K, usize>>>;

/// The shares of all callers, who are told apart by this key.
pub(super) struct Shares<K> {
    most_of_one: usize,
    taken: Taken<K>,
}

/// One of a caller's. Given back when dropped.
pub(super) struct Share<K: Ord> {
    caller: K,
    taken: Taken<K>,
}

impl<K: Ord + Clone> Shares<K> {
    /// At most so many of one caller.
    pub(super) fn new(most_of_one: usize) -> Self {
        Self { most_of_one, taken: Taken::default() }
    }

    /// One more of this caller; `None` when it has all that it may.
    pub(super) fn take(&self, caller: &K) -> Option<Share<K>> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let of_caller = taken.entry(caller.clone()).or_default();
        if *of_caller >= self.most_of_one {
            return None;
        }
        *of_caller += 1;
        Some(Share { caller: caller.clone(), taken: Arc::clone(&self.taken) })
    }
}

impl<K: Ord> Drop for Share<K> {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(of_caller) = taken.get_mut(&self.caller) else { return };
        *of_caller -= 1;
        if *of_caller == 0 {
            taken.remove(&self.caller);
        }
    }
}

/// Places of all callers, of which one gets a part.
pub(super) struct Places<K: Ord> {
    all: Arc<Semaphore>,
    shares: Shares<K>,
    /// Names of the limits: of all, of one caller.
    limits: [&'static str; 2],
}

/// One of them. Given back when dropped.
pub(super) struct PlaceOf<K: Ord> {
    _place: OwnedSemaphorePermit,
    _share: Share<K>,
}

impl<K: Ord + Clone> Places<K> {
    /// So many, and of one caller.
    pub(super) fn new(count: usize, most_of_one: usize, limits: [&'static str; 2]) -> Self {
        Self { all: Arc::new(Semaphore::new(count)), shares: Shares::new(most_of_one), limits }
    }

    /// A place for this caller.
    ///
    /// # Errors
    /// The name of the limit that is reached.
    pub(super) fn take(&self, caller: &K) -> Result<PlaceOf<K>, &'static str> {
        let [of_all, of_one] = self.limits;
        let place = Arc::clone(&self.all).try_acquire_owned().map_err(|_| of_all)?;
        let share = self.shares.take(caller).ok_or(of_one)?;
        Ok(PlaceOf { _place: place, _share: share })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_caller_does_not_get_every_place() {
        let places = Places::new(3, 2, ["all", "one"]);
        let held = [places.take(&"a"), places.take(&"a")];
        assert!(held.iter().all(Result::is_ok));
        assert_eq!(places.take(&"a").err(), Some("one"));
        let last = places.take(&"b").ok();
        assert_eq!(places.take(&"b").err(), Some("all"));
        drop(held);
        assert!(last.is_some() && places.take(&"a").is_ok());
    }

    #[test]
    fn nothing_is_remembered_of_who_has_nothing() {
        let shares = Shares::new(2);
        let held = [shares.take(&"a"), shares.take(&"a")];
        assert!(held.iter().all(Option::is_some));
        assert!(shares.take(&"a").is_none() && shares.take(&"b").is_some());
        assert_eq!(shares.taken.lock().unwrap().len(), 1);
        drop(held);
        assert!(shares.taken.lock().unwrap().is_empty());
    }
}
