//! How many permits were given under an agreement, in each day, second and month that a question can still be stamped with.

use serde::{Deserialize, Serialize};

use crate::query::time::Timestamp;

/// Periods of each kind that are counted at a time, the newest among them: a question is decided within moments of its
/// stamp, so anything older is not counted but refused.
const KEPT: usize = 4;

/// What is used of an agreement that was asked about too late to be counted: no limit allows it.
pub const UNKNOWN: u64 = u64::MAX;

/// Permits under one agreement. Each counts in the day, second and month (China time) of its own stamp.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    days: Recent,
    seconds: Recent,
    months: Recent,
}

/// Permits counted before one more, in the periods of its stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Before {
    /// In its day, China time.
    pub day: u64,
    /// In its second.
    pub second: u64,
    /// In its month, China time.
    pub month: u64,
}

impl Usage {
    /// Counts one permit; how many were counted before it.
    pub fn add(&mut self, at: Timestamp) -> Before {
        Before {
            day: self.days.add(at.china_day()),
            second: self.seconds.add(at.seconds()),
            month: self.months.add(at.china_month()),
        }
    }

    /// Takes one back that was added with that stamp.
    pub fn take_back(&mut self, at: Timestamp) {
        self.days.take_back(at.china_day());
        self.seconds.take_back(at.seconds());
        self.months.take_back(at.china_month());
    }
}

/// Counts of the newest periods.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Recent {
    newest: u64,
    /// Of the newest period, the one before it, …
    counts: [u64; KEPT],
}

impl Recent {
    fn add(&mut self, period: u64) -> u64 {
        if period > self.newest {
            let passed = usize::try_from(period - self.newest).unwrap_or(KEPT).min(KEPT);
            self.counts.rotate_right(passed);
            self.counts.iter_mut().take(passed).for_each(|count| *count = 0);
            self.newest = period;
        }
        let Some(count) = self.count(period) else { return UNKNOWN };
        *count += 1;
        *count - 1
    }

    fn take_back(&mut self, period: u64) {
        if let Some(count) = self.count(period) {
            *count = count.saturating_sub(1);
        }
    }

    fn count(&mut self, period: u64) -> Option<&mut u64> {
        let age = self.newest.checked_sub(period)?;
        self.counts.get_mut(usize::try_from(age).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_permit_counts_in_its_own_day_and_second() {
        let second = |number: u64| Timestamp::from_seconds(1_800_000_000 + number);
        let add = |usage: &mut Usage, at| {
            let before = usage.add(at);
            (before.day, before.second)
        };
        let mut usage = Usage::default();
        assert_eq!(add(&mut usage, second(10)), (0, 0));
        assert_eq!(add(&mut usage, second(11)), (1, 0));
        // Late, and counted where it belongs all the same.
        assert_eq!(add(&mut usage, second(10)), (2, 1));
        assert_eq!(add(&mut usage, second(13)), (3, 0));
        usage.take_back(second(10));
        assert_eq!(add(&mut usage, second(10)), (3, 1));
        // Too late to be counted in its second: as if all were used.
        assert_eq!(add(&mut usage, second(9)), (4, UNKNOWN));
        usage.take_back(second(9));
        assert_eq!(add(&mut usage, second(13)), (4, 1));
        assert_eq!(add(&mut usage, second(9 * 86_400)), (0, 0));
        assert_eq!(add(&mut usage, second(13)), (UNKNOWN, UNKNOWN));
    }

    /// Entries come in the order of answering: the count must not depend on it.
    #[test]
    fn the_order_of_counting_does_not_matter() {
        let mut random: u64 = 7;
        for _ in 0..200 {
            let mut stamps: Vec<Timestamp> = (0..40)
                .map(|_| {
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    Timestamp::from_seconds(1_800_000_000 + (random >> 40) % 12)
                })
                .collect();
            let count = |stamps: &[Timestamp]| {
                let mut usage = Usage::default();
                for at in stamps {
                    usage.add(*at);
                }
                usage
            };
            let one = count(&stamps);
            stamps.sort_unstable();
            assert_eq!(count(&stamps), one);
            stamps.reverse();
            assert_eq!(count(&stamps), one);
        }
    }
}
