//! One at a time for each thing: who works on one dispute keeps nobody from another.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedMutexGuard;

type Known<K> = Arc<Mutex<BTreeMap<K, Arc<tokio::sync::Mutex<()>>>>>;

/// A lock for each thing that somebody works on, and for no others.
pub(super) struct Locks<K: Ord>(Known<K>);

/// One of them, held. Given back when it is dropped, wherever that is.
pub(super) struct Held<K: Ord> {
    key: K,
    all: Known<K>,
    /// `None` while it is waited for.
    guard: Option<OwnedMutexGuard<()>>,
}

impl<K: Ord> Default for Locks<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Ord + Clone> Locks<K> {
    /// Waits for it, in the order of coming.
    pub(super) async fn hold(&self, key: K) -> Held<K> {
        let lock = Arc::clone(locked(&self.0).entry(key.clone()).or_default());
        let mut held = Held { key, all: Arc::clone(&self.0), guard: None };
        held.guard = Some(lock.lock_owned().await);
        held
    }
}

impl<K: Ord> Held<K> {
    /// What is held.
    pub(super) fn key(&self) -> &K {
        &self.key
    }
}

impl<K: Ord> Drop for Held<K> {
    fn drop(&mut self) {
        let mut all = locked(&self.all);
        drop(self.guard.take());
        // Whoever waits for it has a part in it.
        if all.get(&self.key).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            all.remove(&self.key);
        }
    }
}

/// What is behind a lock that is never held across an await.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn one_waits_for_another_at_the_same_thing_only_and_nothing_is_left() {
        let locks: Locks<u8> = Locks::default();
        let first = locks.hold(1).await;
        assert!(locks.hold(2).now_or_never().is_some());
        // Who gives up waiting leaves nothing, and neither does who got it.
        assert!(locks.hold(1).now_or_never().is_none());
        assert_eq!(locked(&locks.0).keys().collect::<Vec<_>>(), [&1]);
        let mut second = Box::pin(locks.hold(1));
        assert!((&mut second).now_or_never().is_none());
        drop(first);
        let second = second.now_or_never().expect("it was given back");
        assert!(locks.hold(1).now_or_never().is_none());
        assert_eq!(*second.key(), 1);
        drop(second);
        assert!(locked(&locks.0).is_empty());
    }
}
