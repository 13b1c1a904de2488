//! A distribution of durations in little memory: counts per bucket, and buckets 1/32 wide in proportion.

use std::collections::BTreeMap;
use std::time::Duration;

/// Buckets for each doubling: a quantile is at most one part in 32 too high, never too low.
const STEPS: u32 = 32;

/// Counts of durations. At most 2,000 buckets, whatever comes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sketch {
    buckets: BTreeMap<u32, u64>,
    count: u64,
    longest: u64,
}

impl Sketch {
    /// Counts one.
    pub fn add(&mut self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        *self.buckets.entry(bucket(micros)).or_default() += 1;
        self.count += 1;
        self.longest = self.longest.max(micros);
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The longest, exactly; `None` of nothing.
    pub fn longest(&self) -> Option<Duration> {
        (self.count > 0).then(|| Duration::from_micros(self.longest))
    }

    /// A duration that this many of a thousand do not exceed: the least such one, rounded up to its bucket's end.
    pub fn quantile(&self, thousandths: u64) -> Option<Duration> {
        let rank = self.count.saturating_mul(thousandths).div_ceil(1000).max(1);
        let mut seen = 0;
        let found = self.buckets.iter().find(|&(_, &count)| {
            seen += count;
            seen >= rank
        });
        found.map(|(&bucket, _)| Duration::from_micros(last_of(bucket).min(self.longest)))
    }

    /// How many took less than each of these, ascending, each without those before it; the last is the rest.
    pub fn split(&self, limits: &[Duration]) -> Vec<u64> {
        let mut counts = vec![0; limits.len() + 1];
        for (&bucket, &count) in &self.buckets {
            let at = Duration::from_micros(last_of(bucket));
            let place = limits.partition_point(|&limit| limit <= at);
            if let Some(slot) = counts.get_mut(place) {
                *slot += count;
            }
        }
        counts
    }
}

fn bucket(micros: u64) -> u32 {
    if micros < u64::from(STEPS) {
        return micros as u32;
    }
    let doubling = micros.ilog2() - STEPS.ilog2();
    (doubling + 1) * STEPS + ((micros >> doubling) as u32 - STEPS)
}

/// The longest duration of a bucket, microseconds.
fn last_of(bucket: u32) -> u64 {
    if bucket < STEPS {
        return u64::from(bucket);
    }
    let (doubling, step) = (bucket / STEPS - 1, bucket % STEPS);
    let begin = u64::from(STEPS + step) << doubling;
    begin.saturating_add((1 << doubling) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_join_and_are_narrow() {
        let mut expected_bucket = 0;
        let mut micros = 0;
        while micros < 1 << 40 {
            assert_eq!(bucket(micros), expected_bucket, "{micros}");
            let last = last_of(expected_bucket);
            assert_eq!(bucket(last), expected_bucket, "{micros}");
            assert!(last - micros <= micros / 32, "{micros} to {last}");
            (micros, expected_bucket) = (last + 1, expected_bucket + 1);
        }
        assert_eq!(last_of(bucket(u64::MAX)), u64::MAX);
        assert!(bucket(u64::MAX) < 2000);
    }

    #[test]
    fn quantiles_are_those_of_the_values() {
        let mut sketch = Sketch::default();
        assert_eq!((sketch.quantile(500), sketch.longest()), (None, None));
        for micros in 1..=1000_u64 {
            sketch.add(Duration::from_micros(micros * 1000));
        }
        for (thousandths, exact) in [(500, 500_000_u64), (950, 950_000), (990, 990_000)] {
            let found = sketch.quantile(thousandths).unwrap().as_micros() as u64;
            assert!((exact..=exact + exact / 32).contains(&found), "{thousandths}: {found}");
        }
        assert_eq!(sketch.quantile(1000), sketch.longest());
        assert_eq!(sketch.longest(), Some(Duration::from_secs(1)));
        let split = sketch.split(&[Duration::from_millis(200), Duration::from_millis(2000)]);
        assert_eq!(split.iter().sum::<u64>(), 1000);
        assert!((190..=199).contains(&split[0]) && split[2] == 0, "{split:?}");
    }
}
