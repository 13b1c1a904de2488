//! The circuit breaker: after many failures nobody asks for a while, then a few questions try.
//!
//! It reads no clock. While it is closed an attempt begins without a lock; only its verdict takes one.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long a question is told to wait when others are trying just now: about as long as a try takes.
const WHILE_OTHERS_TRY: Duration = Duration::from_millis(500);

/// When it opens, and how it closes again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Terms {
    /// Share of the attempts looked back on that must have failed, above 0 and at most 1.
    pub(crate) failures: f64,
    /// Attempts that are looked back on.
    pub(crate) window: usize,
    /// Fewer attempts than this say nothing yet.
    pub(crate) enough: usize,
    /// How long nobody asks.
    pub(crate) open_for: Duration,
    /// Attempts that try at once, and that must all succeed.
    pub(crate) probes: usize,
}

impl Default for Terms {
    fn default() -> Self {
        let open_for = Duration::from_secs(10);
        Self { failures: 0.5, window: 20, enough: 6, open_for, probes: 1 }
    }
}

/// What a breaker lets pass at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breaker {
    /// Everything.
    Closed,
    /// Nothing, for so long.
    Open(Duration),
    /// A few attempts, which decide.
    HalfOpen,
}

impl Breaker {
    /// `closed`, `open` or `half_open`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open(_) => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// Counts attempts and lets them pass, or not.
pub(super) struct Circuit {
    terms: Terms,
    /// Raised whenever it opens, opens again or closes: even while it is closed. A verdict counts only in the age its
    /// attempt began in.
    age: AtomicU64,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    /// Whether each of the last attempts failed.
    recent: VecDeque<bool>,
    /// Nobody asks before this; `None` while it is closed.
    open_until: Option<Instant>,
    /// Attempts that try just now.
    trying: usize,
    /// Attempts of this age that tried and succeeded.
    succeeded: usize,
}

/// What an attempt says about an agency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is there: it was heard.
    Good,
    /// It is away, silent, or does not want to.
    Bad,
}

/// Leave for one attempt. Dropped without a verdict, it has said nothing about the agency.
pub(super) struct Leave<'a> {
    circuit: &'a Circuit,
    age: u64,
}

impl Circuit {
    /// Closed.
    pub(super) fn new(terms: Terms) -> Self {
        Self { terms, age: AtomicU64::new(0), inside: Mutex::default() }
    }

    /// Leave to ask.
    ///
    /// # Errors
    /// How long nobody may ask yet.
    pub(super) fn enter(&self, now: Instant) -> Result<Leave<'_>, Duration> {
        let age = self.age.load(Ordering::Acquire);
        if is_closed(age) {
            return Ok(Leave { circuit: self, age });
        }
        let mut inside = self.lock();
        // As it is now that nobody changes it.
        let age = self.age.load(Ordering::Acquire);
        match self.waits(&inside, now) {
            Some(wait) => Err(wait),
            None => {
                inside.trying += usize::from(!is_closed(age));
                Ok(Leave { circuit: self, age })
            }
        }
    }

    /// How long nobody may ask yet; `None` when one may.
    pub(super) fn refuses(&self, now: Instant) -> Option<Duration> {
        if is_closed(self.age.load(Ordering::Acquire)) {
            return None;
        }
        self.waits(&self.lock(), now)
    }

    /// What it lets pass.
    pub(super) fn state(&self, now: Instant) -> Breaker {
        match self.lock().open_until {
            None => Breaker::Closed,
            Some(until) if until > now => Breaker::Open(until.duration_since(now)),
            Some(_) => Breaker::HalfOpen,
        }
    }

    fn waits(&self, inside: &Inside, now: Instant) -> Option<Duration> {
        let left = inside.open_until?.saturating_duration_since(now);
        if !left.is_zero() {
            return Some(left);
        }
        (inside.trying + inside.succeeded >= self.terms.probes).then_some(WHILE_OTHERS_TRY)
    }

    fn open(&self, inside: &mut Inside, now: Instant) {
        let is_first = inside.open_until.is_none();
        let until = now.checked_add(self.terms.open_for).unwrap_or(now);
        *inside = Inside { open_until: Some(until), ..Inside::default() };
        self.age.fetch_add(if is_first { 1 } else { 2 }, Ordering::Release);
    }

    fn close(&self, inside: &mut Inside) {
        *inside = Inside::default();
        self.age.fetch_add(1, Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_closed(age: u64) -> bool {
    age.is_multiple_of(2)
}

impl Leave<'_> {
    /// The agency answered, or did not.
    pub(super) fn end(self, verdict: Verdict, now: Instant) {
        let failed = verdict == Verdict::Bad;
        let circuit = self.circuit;
        let mut inside = circuit.lock();
        if circuit.age.load(Ordering::Acquire) != self.age {
            return;
        }
        if !is_closed(self.age) {
            // `trying` goes down when this is dropped, unless the age ends here.
            inside.succeeded += usize::from(!failed);
            if failed {
                circuit.open(&mut inside, now);
            } else if inside.succeeded >= circuit.terms.probes {
                circuit.close(&mut inside);
            }
            drop(inside);
            return;
        }
        inside.recent.push_back(failed);
        if inside.recent.len() > circuit.terms.window {
            inside.recent.pop_front();
        }
        let (count, failures) =
            (inside.recent.len(), inside.recent.iter().filter(|failed| **failed).count());
        let is_much = failures as f64 >= circuit.terms.failures * count as f64;
        if failed && count >= circuit.terms.enough && is_much {
            circuit.open(&mut inside, now);
        }
    }
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        if is_closed(self.age) {
            return;
        }
        let mut inside = self.circuit.lock();
        if self.circuit.age.load(Ordering::Acquire) == self.age {
            inside.trying = inside.trying.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests;
