//! Questions that can wait stand behind those that somebody waits for: they take half of what is shared, at most.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::fair::{FairPlace, FairPlaces, Waiter};
use super::rate::{Rate, Terms};

/// Of places, and of what is left of a rate, one in so many is for questions that can wait. Two: whatever comes in at a
/// counter finds as much as a long batch has.
const SHARE: usize = 2;

/// One question every so often, and a few at once after a pause. Turns go round among the lanes of those who wait.
pub struct Pace {
    every: Duration,
    /// How far turns that nobody took may lie back.
    saved: Duration,
    /// When the next turn is due.
    next: Mutex<Instant>,
    /// Held by whoever has the next turn.
    front: FairPlaces,
}

/// A question's turn. Held until the question has ended.
#[derive(Default)]
pub struct Turn(#[expect(dead_code, reason = "held for their drop")] [Option<FairPlace>; 2]);

/// Where questions wait that can.
pub(super) struct Queue {
    places: Option<FairPlaces>,
    pace: Option<(Pace, u32)>,
}

impl Pace {
    /// So many a second, and so many at once; at least one.
    pub fn per_second(count: u64, at_once: u64) -> Self {
        let whole = |count: u64| u32::try_from(count.max(1)).unwrap_or(u32::MAX);
        let every = Duration::from_secs(1) / whole(count);
        let saved = every.saturating_mul(whole(at_once) - 1);
        let now = Instant::now();
        let next = Mutex::new(now.checked_sub(saved).unwrap_or(now));
        Self { every, saved, next, front: FairPlaces::new(1) }
    }

    /// Waits until a turn is due, and takes none: somebody else may have it by then.
    pub async fn due(&self) {
        sleep_until(self.next()).await;
    }

    /// Waits for a turn. Dropped while it waits, it takes none.
    pub async fn pass(&self, waiter: &Waiter) {
        self.pass_once(waiter, || true).await.keep();
    }

    /// The same, and until `is_room`.
    async fn pass_once(&self, waiter: &Waiter, is_room: impl Fn() -> bool) -> Passed<'_> {
        let _front = self.front.take(waiter).await;
        self.due().await;
        while !is_room() {
            sleep(self.every).await;
        }
        // Measured from when the turn was due, so that late wakes do not slow the pace down.
        let now = Instant::now();
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        *next = (*next + self.every).max(now.checked_sub(self.saved).unwrap_or(now));
        Passed(Some(self))
    }

    fn next(&self) -> Instant {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A turn that was taken. Dropped before it is kept, it is the next one's: whoever waits for something else besides may yet
/// have to give up.
pub(super) struct Passed<'a>(Option<&'a Pace>);

impl Passed<'_> {
    /// It is used.
    pub(super) fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Passed<'_> {
    fn drop(&mut self) {
        let Some(pace) = self.0 else { return };
        let mut next = pace.next.lock().unwrap_or_else(PoisonError::into_inner);
        *next = next.checked_sub(pace.every).unwrap_or(*next);
    }
}

impl Turn {
    pub(super) fn holding(places: [Option<FairPlace>; 2]) -> Self {
        Self(places)
    }
}

impl Queue {
    pub(super) fn new(places: Option<usize>, rate: Option<Terms>) -> Self {
        let pace = |rate: Terms| {
            let kept_back = rate.burst.get() / u32::try_from(SHARE).unwrap_or(u32::MAX);
            let at_once = rate.burst.get() - kept_back;
            (Pace::per_second(rate.per_second.get().into(), at_once.into()), kept_back)
        };
        let places = places.map(|most| FairPlaces::new(most / SHARE));
        Self { places, pace: rate.map(pace) }
    }

    /// A place, where there is a limit to them.
    pub(super) async fn place(&self, waiter: &Waiter) -> Option<FairPlace> {
        match &self.places {
            Some(places) => Some(places.take(waiter).await),
            None => None,
        }
    }

    /// Waits until the rate leaves enough for others.
    pub(super) async fn pass(&self, waiter: &Waiter, rate: Option<&Rate>) -> Passed<'_> {
        match (&self.pace, rate) {
            (Some((pace, kept_back)), Some(rate)) => {
                pace.pass_once(waiter, || rate.left().left > *kept_back).await
            }
            _ => Passed(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::super::fair::Lane;
    use super::*;

    fn terms(per_second: u32, burst: u32) -> Terms {
        let number = |number| NonZeroU32::new(number).unwrap();
        Terms { per_second: number(per_second), burst: number(burst) }
    }

    fn waiter() -> Waiter {
        Waiter { lane: Lane::Batches("a/b".into()), since: Instant::now() }
    }

    #[tokio::test(start_paused = true)]
    async fn turns_come_evenly_and_those_given_up_cost_nothing() {
        let pace = Pace::per_second(10, 1);
        let begun = Instant::now();
        for _ in 0..11 {
            pace.pass(&waiter()).await;
        }
        assert_eq!(begun.elapsed().as_millis() / 10, 100);
        let waiter = waiter();
        let given_up = tokio::time::timeout(Duration::from_millis(1), pace.pass(&waiter)).await;
        assert!(given_up.is_err());
        pace.pass(&waiter).await;
        assert_eq!(begun.elapsed().as_millis() / 10, 110);
    }

    #[tokio::test(start_paused = true)]
    async fn a_few_pass_at_once_after_a_pause_and_then_the_pace_holds() {
        let pace = Pace::per_second(10, 5);
        for _ in 0..2 {
            let begun = Instant::now();
            for _ in 0..5 {
                pace.pass(&waiter()).await;
            }
            assert_eq!(begun.elapsed().as_millis(), 0);
            for _ in 0..10 {
                pace.pass(&waiter()).await;
            }
            let took = begun.elapsed().as_millis();
            assert!((900..=1_010).contains(&took), "{took}");
            sleep(Duration::from_secs(60)).await;
        }
    }

    /// An operation's turn is taken before that of the whole agency, which may not come in time.
    #[tokio::test(start_paused = true)]
    async fn a_turn_that_is_not_used_is_the_next_ones() {
        let (one, other) = (Pace::per_second(10, 1), Pace::per_second(1, 1));
        other.pass(&waiter()).await;
        let (begun, waiter) = (Instant::now(), waiter());
        let both = async {
            let first = one.pass_once(&waiter, || true).await;
            other.pass_once(&waiter, || true).await.keep();
            first.keep();
        };
        let given_up = tokio::time::timeout(Duration::from_millis(50), both).await;
        assert!(given_up.is_err());
        one.pass(&waiter).await;
        assert!(begun.elapsed() < Duration::from_millis(60));
        one.pass(&waiter).await;
        assert!(begun.elapsed() >= Duration::from_millis(100));
    }

    #[tokio::test(start_paused = true)]
    async fn half_of_the_places_stay_free() {
        let waiter = waiter();
        for (most, expected) in [(16, 8), (3, 1), (1, 1)] {
            let queue = Queue::new(Some(most), None);
            let mut held = Vec::new();
            let second = Duration::from_secs(1);
            while let Ok(place) = tokio::time::timeout(second, queue.place(&waiter)).await {
                held.push(place.unwrap());
            }
            assert_eq!(held.len(), expected, "of {most}");
        }
        assert!(Queue::new(None, None).place(&waiter).await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn half_of_the_burst_stays_for_others() {
        let (terms, begun) = (terms(10, 10), Instant::now());
        let (rate, queue) = (Rate::new(terms), Queue::new(None, Some(terms)));
        // Somebody at a counter has just taken everything.
        (0..10).for_each(|_| rate.take().unwrap());
        queue.pass(&waiter(), Some(&rate)).await.keep();
        assert!(rate.left().left > 5, "{:?}", rate.left());
        assert!(begun.elapsed() >= Duration::from_millis(600));
    }
}
