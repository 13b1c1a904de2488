//! How many questions a second go to an agency.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::time::{Instant, sleep};

/// Bits of [`Rate::seen`] that hold what was left; the others hold when, in milliseconds.
const LEFT_BITS: u32 = 24;

/// A rate towards an agency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// Questions begun in one second, in the long run.
    pub(crate) per_second: NonZeroU32,
    /// Questions begun at once after a pause.
    pub(crate) burst: NonZeroU32,
}

/// What is left of a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLeft {
    /// Questions begun in one second.
    pub per_second: u32,
    /// Questions that could begin at once.
    pub left: u32,
}

/// A token bucket that says what is left in it without taking anything.
pub(super) struct Rate {
    limiter: RateLimiter<NotKeyed, InMemoryState, Time, StateInformationMiddleware>,
    terms: Terms,
    begun: Instant,
    /// What was left when somebody last took something.
    seen: AtomicU64,
}

/// The runtime's clock, which tests can stop.
#[derive(Clone, Copy)]
struct Time;

impl Clock for Time {
    type Instant = std::time::Instant;

    fn now(&self) -> std::time::Instant {
        Instant::now().into_std()
    }
}

impl Rate {
    /// A full bucket.
    pub(super) fn new(terms: Terms) -> Self {
        let quota = Quota::per_second(terms.per_second).allow_burst(terms.burst);
        let limiter = RateLimiter::direct_with_clock(quota, Time)
            .with_middleware::<StateInformationMiddleware>();
        let seen = AtomicU64::new(u64::from(terms.burst.get()));
        Self { limiter, terms, begun: Instant::now(), seen }
    }

    /// Takes a turn.
    ///
    /// # Errors
    /// How long there is none.
    pub(super) fn take(&self) -> Result<(), Duration> {
        let left = match self.limiter.check() {
            Ok(left) => left.remaining_burst_capacity(),
            Err(not_until) => return Err(not_until.wait_time_from(Time.now())),
        };
        let millis = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.seen.store(millis << LEFT_BITS | u64::from(left), Ordering::Relaxed);
        Ok(())
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// How long there is none, when that is not before the deadline.
    pub(super) async fn wait(&self, deadline: Instant) -> Result<(), Duration> {
        while let Err(wait) = self.take() {
            if Instant::now() + wait >= deadline {
                return Err(wait);
            }
            sleep(wait).await;
        }
        Ok(())
    }

    /// What is left.
    pub(super) fn left(&self) -> RateLeft {
        let seen = self.seen.load(Ordering::Relaxed);
        let since = self.begun.elapsed().saturating_sub(Duration::from_millis(seen >> LEFT_BITS));
        let per_second = self.terms.per_second.get();
        let back = (since.as_secs_f64() * f64::from(per_second)) as u64;
        let left = (seen & ((1 << LEFT_BITS) - 1)).saturating_add(back);
        let left = u32::try_from(left).unwrap_or(u32::MAX).min(self.terms.burst.get());
        RateLeft { per_second, left }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(per_second: u32, burst: u32) -> Rate {
        let number = |number| NonZeroU32::new(number).unwrap();
        Rate::new(Terms { per_second: number(per_second), burst: number(burst) })
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_and_then_the_rate_holds() {
        let rate = rate(10, 3);
        let begun = Instant::now();
        let late = begun + Duration::from_secs(60);
        assert_eq!(rate.left().left, 3);
        for _ in 0..13 {
            assert_eq!(rate.wait(late).await, Ok(()));
        }
        let took = begun.elapsed();
        assert!((Duration::from_secs(1)..Duration::from_millis(1_050)).contains(&took), "{took:?}");
        assert_eq!(rate.left().left, 0);
        let wait = rate.wait(Instant::now() + Duration::from_millis(50)).await.unwrap_err();
        assert!(wait > Duration::from_millis(50) && wait <= Duration::from_millis(100));
        tokio::time::advance(Duration::from_millis(210)).await;
        assert_eq!(rate.left(), RateLeft { per_second: 10, left: 2 });
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(rate.left().left, 3);
    }
}
