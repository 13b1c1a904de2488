//! How much of something each caller has, none of whom may take it all.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

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

#[cfg(test)]
mod tests {
    use super::*;

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
