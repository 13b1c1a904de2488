//! How much each caller has under way, over all of its connections.
//!
//! A connection finds its caller's account once, when it begins; a call then only counts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What one caller has under way.
#[derive(Debug, Default)]
pub struct Account(AtomicUsize);

/// The accounts of all callers. Kept to the end: there are no more than the party register has names.
#[derive(Default)]
pub struct Accounts(Mutex<BTreeMap<String, Arc<Account>>>);

impl Account {
    /// Questions under way.
    pub fn under_way(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// One more.
    pub fn begin(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// One less.
    pub fn end(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Accounts {
    /// The account of that name, the same one each time.
    pub fn of(&self, name: &str) -> Arc<Account> {
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = accounts.get(name) {
            return Arc::clone(known);
        }
        Arc::clone(accounts.entry(name.to_owned()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_of_one_caller_share_its_account() {
        let accounts = Accounts::default();
        let (one, again) = (accounts.of("a/b"), accounts.of("a/b"));
        let other = accounts.of("a/c");
        one.begin();
        again.begin();
        assert_eq!((one.under_way(), other.under_way()), (2, 0));
        one.end();
        assert_eq!(again.under_way(), 1);
    }
}
