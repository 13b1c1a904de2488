//! Places that go round among those who wait, so that nobody's flood keeps others from their turn.
//!
//! Questions wait in lanes: one for each caller's cases, one for each caller's batches. Lanes take turns; within a lane
//! whatever has been under way longest goes first, so that what was begun comes to its end.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio::time::Instant;

/// A lane of questions that wait. The text names the caller.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// Of that caller's cases.
    Cases(Arc<str>),
    /// Of that caller's batches.
    Batches(Arc<str>),
}

/// A question that can wait.
#[derive(Clone, Debug)]
pub struct Waiter {
    /// Where it stands.
    pub lane: Lane,
    /// When the case that it belongs to was opened; of a batch, when the question came.
    pub since: Instant,
}

/// Places that are given round.
#[derive(Clone)]
pub struct FairPlaces(Arc<Mutex<Inside>>);

/// One of them. Goes to the next who waits when dropped.
pub struct FairPlace(Option<Arc<Mutex<Inside>>>);

struct Inside {
    /// More than none only while nobody waits.
    free: usize,
    lanes: BTreeMap<Lane, BTreeMap<Key, oneshot::Sender<FairPlace>>>,
    /// The lane that had the last turn.
    last: Option<Lane>,
    came: u64,
}

/// Order within a lane: by age, then by coming.
type Key = (Instant, u64);

impl FairPlaces {
    /// So many; at least one.
    pub fn new(count: usize) -> Self {
        let inside = Inside { free: count.max(1), lanes: BTreeMap::new(), last: None, came: 0 };
        Self(Arc::new(Mutex::new(inside)))
    }

    /// Waits for a place. Dropped while it waits, it takes none.
    pub async fn take(&self, waiter: &Waiter) -> FairPlace {
        let (standing, place) = {
            let mut inside = lock(&self.0);
            if inside.free > 0 {
                inside.free -= 1;
                return FairPlace(Some(Arc::clone(&self.0)));
            }
            inside.came += 1;
            let key = (waiter.since, inside.came);
            let (sender, place) = oneshot::channel();
            inside.lanes.entry(waiter.lane.clone()).or_default().insert(key, sender);
            (Standing { places: &self.0, lane: &waiter.lane, key }, place)
        };
        let place = place.await;
        drop(standing);
        // Whoever stands in a lane is taken out of it with a place only.
        place.unwrap_or(FairPlace(None))
    }
}

/// A place in a lane, left when dropped.
struct Standing<'a> {
    places: &'a Mutex<Inside>,
    lane: &'a Lane,
    key: Key,
}

impl Drop for Standing<'_> {
    fn drop(&mut self) {
        let mut inside = lock(self.places);
        let Some(waiting) = inside.lanes.get_mut(self.lane) else { return };
        waiting.remove(&self.key);
        if waiting.is_empty() {
            inside.lanes.remove(self.lane);
        }
    }
}

impl Drop for FairPlace {
    fn drop(&mut self) {
        let Some(places) = self.0.take() else { return };
        let mut place = FairPlace(Some(Arc::clone(&places)));
        loop {
            let next = {
                let mut inside = lock(&places);
                let Some(next) = inside.next() else {
                    inside.free += 1;
                    place.0 = None;
                    return;
                };
                next
            };
            match next.send(place) {
                Ok(()) => return,
                // It has just given up.
                Err(back) => place = back,
            }
        }
    }
}

impl Inside {
    /// Who is next, taken out of its lane.
    fn next(&mut self) -> Option<oneshot::Sender<FairPlace>> {
        let after = self.last.as_ref().and_then(|last| {
            let later = (Excluded(last), Unbounded);
            self.lanes.range::<Lane, _>(later).next()
        });
        let (lane, _) = after.or_else(|| self.lanes.first_key_value())?;
        let lane = lane.clone();
        let waiting = self.lanes.get_mut(&lane)?;
        let (_, next) = waiting.pop_first()?;
        if waiting.is_empty() {
            self.lanes.remove(&lane);
        }
        self.last = Some(lane);
        Some(next)
    }
}

fn lock(places: &Mutex<Inside>) -> MutexGuard<'_, Inside> {
    places.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt as _;
    use futures_util::future::BoxFuture;

    use super::*;

    fn cases(caller: &str, age: u64) -> Waiter {
        let since = Instant::now() - Duration::from_secs(age);
        Waiter { lane: Lane::Cases(caller.into()), since }
    }

    fn batches(caller: &str) -> Waiter {
        Waiter { lane: Lane::Batches(caller.into()), since: Instant::now() }
    }

    /// Those who wait, in the order in which they come to the only place.
    fn order(waiting: Vec<(&'static str, Waiter)>) -> Vec<&'static str> {
        let places = FairPlaces::new(1);
        let mut held = places.take(&cases("before", 0)).now_or_never();
        let mut waiting: Vec<(&str, BoxFuture<'_, FairPlace>)> = waiting
            .into_iter()
            .map(|(name, waiter)| {
                let places = places.clone();
                (name, async move { places.take(&waiter).await }.boxed())
            })
            .collect();
        for (name, take) in &mut waiting {
            assert!(take.now_or_never().is_none(), "{name} had a place at once");
        }
        let mut order = Vec::new();
        while held.take().is_some() {
            // Dropped above: the place has gone to the next.
            let next = waiting
                .iter_mut()
                .enumerate()
                .find_map(|(at, (_, take))| take.now_or_never().map(|place| (at, place)));
            let Some((at, place)) = next else { break };
            order.push(waiting.remove(at).0);
            held = Some(place);
        }
        order
    }

    #[tokio::test]
    async fn a_flood_of_one_caller_does_not_keep_others_from_their_turn() {
        let flood = (0..5).map(|_| ("flood", cases("centre/approval", 1)));
        let mut waiting: Vec<_> = flood.collect();
        waiting.push(("other", cases("office/counter", 0)));
        waiting.push(("batch", batches("centre/approval")));
        waiting.push(("batch", batches("centre/approval")));
        let order = order(waiting);
        assert_eq!(order.len(), 8);
        // Each lane has had a turn before any has had two.
        assert_eq!(order[..3].iter().filter(|name| **name == "flood").count(), 1, "{order:?}");
        assert_eq!(order[3..5].iter().filter(|name| **name == "batch").count(), 1, "{order:?}");
        assert_eq!(order[5..], ["flood"; 3]);
    }

    #[tokio::test]
    async fn the_oldest_case_of_a_caller_comes_first() {
        let waiting = vec![
            ("young", cases("a/b", 1)),
            ("old", cases("a/b", 30)),
            ("young again", cases("a/b", 1)),
            ("older", cases("a/b", 60)),
        ];
        let order = order(waiting);
        assert_eq!(order[..2], ["older", "old"]);
        assert!(order[2..].iter().all(|name| name.starts_with("young")), "{order:?}");
    }

    #[tokio::test]
    async fn whoever_gives_up_takes_no_place_with_them() {
        let places = FairPlaces::new(1);
        let waiter = cases("a/b", 0);
        let held = places.take(&waiter).now_or_never().unwrap();
        let mut given_up = Box::pin(places.take(&waiter));
        let mut given_up_late = Box::pin(places.take(&waiter));
        let mut patient = Box::pin(places.take(&waiter));
        for waiting in [&mut given_up, &mut given_up_late, &mut patient] {
            assert!(waiting.now_or_never().is_none());
        }
        drop(given_up);
        drop(held);
        // The place was already on its way to it.
        drop(given_up_late);
        let place = patient.now_or_never().unwrap();
        drop(place);
        assert_eq!(lock(&places.0).free, 1);
        assert!(lock(&places.0).lanes.is_empty());
    }
}
