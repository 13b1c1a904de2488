//! How every agency is asked: a place, the rate, the breaker, the attempt, and perhaps another attempt; once for all
//! transports.

mod breaker;

use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout_at};

use self::breaker::Breaker;
use crate::adapters::failed::Failed;
use crate::adapters::manifest::Resilience;
use crate::query::record::Unavailable;

/// An attempt that its question's deadline ended before this says nothing about the agency: a hurried caller must not
/// open the breaker for everybody. Longer than a healthy agency takes.
const FAIR: Duration = Duration::from_secs(1);
/// Before another attempt: long enough for a restarting server's next connection, short enough for a caller who waits.
const PAUSE: Duration = Duration::from_millis(50);

/// The limits towards one agency. Nothing is shared between agencies, so that none can slow down another.
pub(crate) struct Limits {
    places: Semaphore,
    max_in_flight: usize,
    rate: Option<DefaultDirectRateLimiter>,
    breaker: Breaker,
    retries: i64,
}

impl Limits {
    /// As the manifest sets them.
    pub(crate) fn new(resilience: Resilience) -> Self {
        Self {
            places: Semaphore::new(resilience.max_in_flight),
            max_in_flight: resilience.max_in_flight,
            rate: resilience
                .rate_per_second
                .map(|rate| RateLimiter::direct(Quota::per_second(rate))),
            breaker: Breaker::default(),
            retries: resilience.retries,
        }
    }

    /// Questions under way.
    pub(crate) fn in_flight(&self) -> usize {
        self.max_in_flight.saturating_sub(self.places.available_permits())
    }

    /// State of the breaker.
    pub(crate) fn breaker(&self) -> &'static str {
        self.breaker.state(Instant::now())
    }

    /// Runs attempts before `deadline`. An attempt is repeated only when `idempotent` and when nothing was answered.
    ///
    /// # Errors
    /// The last attempt's failure, or the limit that kept it from being made.
    pub(crate) async fn run<T, F: Future<Output = Result<T, Failed>>>(
        &self,
        idempotent: bool,
        deadline: Instant,
        attempt: impl Fn() -> F,
    ) -> Result<T, Failed> {
        let Ok(_place) = self.places.try_acquire() else {
            let detail = format!("{} questions are under way (max_in_flight)", self.max_in_flight);
            return Err(Failed::unanswered(Unavailable::Overloaded, detail));
        };
        let mut left = if idempotent { self.retries } else { 0 };
        loop {
            self.wait_for_rate(deadline).await?;
            if deadline <= Instant::now() {
                let detail = "the deadline left no time to ask";
                return Err(Failed::unanswered(Unavailable::Deadline, detail));
            }
            let leave = self.breaker.enter(Instant::now()).map_err(|wait| Failed {
                retry_after: Some(wait),
                ..Failed::unanswered(Unavailable::BreakerOpen, "too many failures before this one")
            })?;
            let began = Instant::now();
            let ended = match timeout_at(deadline, attempt()).await {
                Ok(ended) => ended,
                Err(_) => {
                    Err(Failed::unanswered(Unavailable::Timeout, "no answer before the deadline"))
                }
            };
            let ends = Instant::now();
            let is_cut_short = ends >= deadline && ends.duration_since(began) < FAIR;
            match &ended {
                Err(failed) if failed.is_repeated => drop(leave),
                Err(failed) if is_cut_short && failed.reason == Unavailable::Timeout => drop(leave),
                ended => leave.end(ended.as_ref().is_err_and(speaks_against_agency), ends),
            }
            match ended {
                Err(failed)
                    if left > 0 && may_repeat(&failed) && Instant::now() + PAUSE < deadline =>
                {
                    left -= 1;
                    sleep(PAUSE).await;
                }
                ended => return ended,
            }
        }
    }

    async fn wait_for_rate(&self, deadline: Instant) -> Result<(), Failed> {
        let Some(rate) = &self.rate else { return Ok(()) };
        while let Err(not_until) = rate.check() {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            if Instant::now() + wait >= deadline {
                return Err(Failed {
                    retry_after: Some(wait),
                    ..Failed::unanswered(
                        Unavailable::Overloaded,
                        "no turn in time (rate_per_second)",
                    )
                });
            }
            sleep(wait).await;
        }
        Ok(())
    }
}

fn may_repeat(failed: &Failed) -> bool {
    !failed.answered
        && !failed.is_repeated
        && matches!(failed.reason, Unavailable::Unreachable | Unavailable::Timeout)
}

/// A reply that does not fit the manifest comes from an agency that is there.
fn speaks_against_agency(failed: &Failed) -> bool {
    matches!(failed.reason, Unavailable::Timeout | Unavailable::Unreachable | Unavailable::Refused)
}
