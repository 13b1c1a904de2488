//! The circuit breaker of one agency: after many failures nobody asks for a while, then one question tries.
//! It reads no clock.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Attempts that are looked back on.
const WINDOW: usize = 20;
/// Fewer attempts than this say nothing yet.
const ENOUGH: usize = 6;
/// How long nobody asks.
const OPEN_FOR: Duration = Duration::from_secs(10);

/// Counts attempts and lets them pass, or not.
#[derive(Default)]
pub(crate) struct Breaker(Mutex<Circuit>);

#[derive(Default)]
struct Circuit {
    /// Whether each of the last attempts failed.
    recent: VecDeque<bool>,
    /// Nobody asks before this.
    open_until: Option<Instant>,
    /// The one question that tries is under way.
    trying: bool,
}

/// Leave for one attempt. Dropped without a verdict, it has said nothing about the agency.
pub(crate) struct Attempt<'a> {
    breaker: &'a Breaker,
    is_trial: bool,
}

impl Breaker {
    /// Leave to ask.
    ///
    /// # Errors
    /// How long nobody may ask yet.
    pub(crate) fn enter(&self, now: Instant) -> Result<Attempt<'_>, Duration> {
        let mut circuit = self.lock();
        let Some(until) = circuit.open_until else {
            return Ok(Attempt { breaker: self, is_trial: false });
        };
        let left = until.saturating_duration_since(now);
        if circuit.trying || !left.is_zero() {
            return Err(left.max(Duration::from_millis(500)));
        }
        circuit.trying = true;
        Ok(Attempt { breaker: self, is_trial: true })
    }

    /// `closed`, `open` or `half_open`.
    pub(crate) fn state(&self, now: Instant) -> &'static str {
        let circuit = self.lock();
        match circuit.open_until {
            None => "closed",
            Some(until) if until > now => "open",
            Some(_) => "half_open",
        }
    }

    fn lock(&self) -> MutexGuard<'_, Circuit> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt<'_> {
    /// The agency answered, or did not.
    pub(crate) fn end(self, failed: bool, now: Instant) {
        let mut circuit = self.breaker.lock();
        if self.is_trial {
            circuit.recent.clear();
            circuit.open_until = failed.then(|| now + OPEN_FOR);
            return;
        }
        circuit.recent.push_back(failed);
        if circuit.recent.len() > WINDOW {
            circuit.recent.pop_front();
        }
        let failures = circuit.recent.iter().filter(|failed| **failed).count();
        let enough = circuit.recent.len() >= ENOUGH;
        if failed && enough && failures * 2 >= circuit.recent.len() && circuit.open_until.is_none()
        {
            circuit.open_until = Some(now + OPEN_FOR);
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if self.is_trial {
            self.breaker.lock().trying = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(breaker: &Breaker, failed: bool, now: Instant) {
        let Ok(attempt) = breaker.enter(now) else { panic!("the breaker is open") };
        attempt.end(failed, now);
    }

    #[test]
    fn opens_after_failures_and_closes_after_one_success() {
        let breaker = Breaker::default();
        let start = Instant::now();
        (0..4).for_each(|_| end(&breaker, false, start));
        (0..3).for_each(|_| end(&breaker, true, start));
        assert_eq!(breaker.state(start), "closed");
        end(&breaker, true, start);
        assert_eq!(breaker.state(start), "open");
        assert!(breaker.enter(start).is_err());

        let later = start + OPEN_FOR;
        assert_eq!(breaker.state(later), "half_open");
        let trial = breaker.enter(later);
        assert!(trial.is_ok() && breaker.enter(later).is_err(), "only one tries");
        // The caller hung up: nothing is known, the next one tries.
        drop(trial);
        end(&breaker, true, later);
        assert_eq!(breaker.state(later), "open");

        let much_later = later + OPEN_FOR;
        end(&breaker, false, much_later);
        assert_eq!(breaker.state(much_later), "closed");
    }

    #[test]
    fn a_failure_now_and_then_changes_nothing() {
        let breaker = Breaker::default();
        let now = Instant::now();
        for turn in 0..100 {
            end(&breaker, turn % 3 == 0, now);
        }
        assert_eq!(breaker.state(now), "closed");
    }
}
