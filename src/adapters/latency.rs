//! How long an agency took lately. Exact, of bounded size, and without a lock.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

/// Attempts looked back on: enough that the slowest hundredth is five of them.
const RECENT: usize = 512;

/// Times of the last attempts that ended.
pub(crate) struct Latencies {
    next: AtomicUsize,
    /// Microseconds, at least 1; 0 where nothing is yet.
    recent: [AtomicU32; RECENT],
}

/// What half of the last attempts took at the most, and all but a hundredth of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// The median.
    pub p50: Duration,
    /// The 99th percentile.
    pub p99: Duration,
    /// Attempts looked back on.
    pub of: u32,
}

impl Latencies {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self { next: AtomicUsize::new(0), recent: [const { AtomicU32::new(0) }; RECENT] }
    }

    /// One more attempt has ended.
    pub(crate) fn add(&self, took: Duration) {
        let micros = u32::try_from(took.as_micros()).unwrap_or(u32::MAX).max(1);
        let place = self.next.fetch_add(1, Ordering::Relaxed) % RECENT;
        if let Some(slot) = self.recent.get(place) {
            slot.store(micros, Ordering::Relaxed);
        }
    }

    /// What they come to; `None` before the first.
    pub(crate) fn read(&self) -> Option<Latency> {
        let taken = self.recent.iter().map(|slot| slot.load(Ordering::Relaxed));
        let mut taken: Vec<u32> = taken.filter(|micros| *micros > 0).collect();
        taken.sort_unstable();
        // The smallest value that so many hundredths of all are not above.
        let at = |hundredths: usize| {
            let rank = (taken.len() * hundredths).div_ceil(100).saturating_sub(1);
            taken.get(rank).map(|micros| Duration::from_micros(u64::from(*micros)))
        };
        let of = u32::try_from(taken.len()).unwrap_or(u32::MAX);
        Some(Latency { p50: at(50)?, p99: at(99)?, of })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_last_attempts() {
        let latencies = Latencies::new();
        assert_eq!(latencies.read(), None);
        (1..=100).for_each(|millis| latencies.add(Duration::from_millis(millis)));
        let millis = Duration::from_millis;
        assert_eq!(latencies.read(), Some(Latency { p50: millis(50), p99: millis(99), of: 100 }));
        (0..RECENT).for_each(|_| latencies.add(Duration::ZERO));
        let least = Duration::from_micros(1);
        assert_eq!(latencies.read(), Some(Latency { p50: least, p99: least, of: 512 }));
    }
}
