//! How many cases go on at once: in the whole gateway, and of one caller, who must not take every place.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use metrics::gauge;
use tokio::sync::Semaphore;

use crate::service::Place;
use crate::telemetry;

/// The places of cases.
pub(in crate::service) struct CasePlaces {
    all: Arc<Semaphore>,
    most_of_one: usize,
    /// By caller, of those who have any.
    taken: Arc<Mutex<BTreeMap<Arc<str>, usize>>>,
}

/// The place of one case. Given back however that ends.
pub(super) struct CasePlace {
    _place: Place,
    caller: Arc<str>,
    taken: Arc<Mutex<BTreeMap<Arc<str>, usize>>>,
}

impl CasePlaces {
    /// So many, and of one caller.
    pub(in crate::service) fn new(count: usize, most_of_one: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(count)), most_of_one, taken: Arc::default() }
    }

    /// A place for a case of this caller.
    ///
    /// # Errors
    /// The name of the limit that is reached.
    pub(super) fn take(&self, caller: &Arc<str>) -> Result<CasePlace, &'static str> {
        let slot = Arc::clone(&self.all).try_acquire_owned().map_err(|_| "cases")?;
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let of_caller = taken.entry(Arc::clone(caller)).or_default();
        if *of_caller >= self.most_of_one {
            return Err("cases_per_caller");
        }
        *of_caller += 1;
        Ok(CasePlace {
            _place: Place::counted(slot, gauge!(telemetry::CASES_IN_FLIGHT)),
            caller: Arc::clone(caller),
            taken: Arc::clone(&self.taken),
        })
    }
}

impl Drop for CasePlace {
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
        assert!(places.taken.lock().unwrap().is_empty());
    }
}
