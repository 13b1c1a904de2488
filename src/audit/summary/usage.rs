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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Before {
    /// In its day, China time.
    pub day: u64,
    /// In its second.
    pub second: u64,
    /// In its month, China time.
    pub month: u64,
}

impl Usage {
    /// How many permits are counted in the periods of that stamp.
    pub fn before(&self, at: Timestamp) -> Before {
        Before {
            day: self.days.count(at.china_day()),
            second: self.seconds.count(at.seconds()),
            month: self.months.count(at.china_month()),
        }
    }

    /// Counts one permit.
    pub fn add(&mut self, at: Timestamp) {
        self.days.add(at.china_day());
        self.seconds.add(at.seconds());
        self.months.add(at.china_month());
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
    fn count(&self, period: u64) -> u64 {
        let Some(age) = self.newest.checked_sub(period) else { return 0 };
        let count = usize::try_from(age).ok().and_then(|age| self.counts.get(age));
        count.copied().unwrap_or(UNKNOWN)
    }

    fn add(&mut self, period: u64) {
        if period > self.newest {
            let passed = usize::try_from(period - self.newest).unwrap_or(KEPT).min(KEPT);
            self.counts.rotate_right(passed);
            self.counts.iter_mut().take(passed).for_each(|count| *count = 0);
            self.newest = period;
        }
        let age = usize::try_from(self.newest - period).unwrap_or(KEPT);
        if let Some(count) = self.counts.get_mut(age) {
            *count += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_permit_counts_in_its_own_day_and_second() {
        let second = |number: u64| Timestamp::from_seconds(1_800_000_000 + number);
        let add = |usage: &mut Usage, at| {
            let before = usage.before(at);
            usage.add(at);
            (before.day, before.second)
        };
        let mut usage = Usage::default();
        assert_eq!(add(&mut usage, second(10)), (0, 0));
        assert_eq!(add(&mut usage, second(11)), (1, 0));
        // Late, and counted where it belongs all the same.
        assert_eq!(add(&mut usage, second(10)), (2, 1));
        assert_eq!(add(&mut usage, second(13)), (3, 0));
        assert_eq!(add(&mut usage, second(10)), (4, 2));
        // Too late to be counted in its second: as if all were used.
        assert_eq!(add(&mut usage, second(9)), (5, UNKNOWN));
        // To look is not to count.
        assert_eq!(usage.before(second(9 * 86_400)).day, 0);
        assert_eq!(add(&mut usage, second(13)), (6, 1));
        assert_eq!(add(&mut usage, second(9 * 86_400)), (0, 0));
        assert_eq!(add(&mut usage, second(13)), (UNKNOWN, UNKNOWN));
    }

    #[test]
    fn months_are_counted_across_their_ends() {
        // 2026-10-01 00:00 in China.
        let october = Timestamp::from_seconds(1_790_784_000);
        let september = Timestamp::from_seconds(1_790_783_999);
        let mut usage = Usage::default();
        for (at, before) in [(september, 0), (october, 0), (september, 1), (october, 1)] {
            assert_eq!(usage.before(at).month, before);
            usage.add(at);
        }
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
