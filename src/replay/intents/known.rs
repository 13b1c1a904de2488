//! Which entries are intents, and what for: a byte per entry, so that the answers of many days can be held against the
//! questions they came from.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::query::time::Timestamp;

/// Entries in one row of bytes.
const ROW: u64 = 1 << 16;

/// Stands for a purpose whose number takes more than a byte.
const WIDE: u8 = u8::MAX;

/// How exactly ages are known. What may be young enough is taken to be.
const TIMES_EVERY: Duration = Duration::from_secs(60);

/// The intents of the time in which answers may come from them.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Number of the first row.
    first: u64,
    /// By entry, what for; 0 where it is no intent. Each row as far as it has one.
    rows: VecDeque<Vec<u8>>,
    wide: HashMap<u64, u32>,
    /// From which entry on intents were received at that time or up to [`TIMES_EVERY`] later, or earlier.
    times: VecDeque<(u64, Timestamp)>,
}

impl Known {
    /// Takes the next intent in.
    pub(super) fn add(&mut self, index: u64, received_at: Timestamp, purpose: u32) {
        let number = index / ROW;
        if self.rows.is_empty() {
            self.first = number;
        }
        while self.first + (self.rows.len() as u64) <= number {
            self.rows.push_back(Vec::new());
        }
        let Some(row) = self.rows.back_mut() else { return };
        row.resize((index % ROW) as usize, 0);
        let narrow = u8::try_from(purpose).unwrap_or(WIDE);
        row.push(narrow);
        if narrow == WIDE {
            self.wide.insert(index, purpose);
        }
        let newest = self.times.back().map(|(_, time)| *time);
        if newest.is_none_or(|newest| received_at > newest.plus(TIMES_EVERY)) {
            self.times.push_back((index, received_at));
        }
    }

    /// What the intent at this index is for; `None` when there is none that was received less than `keep` before `now`.
    pub(super) fn get(&self, index: u64, now: Timestamp, keep: Duration) -> Option<u32> {
        let row = usize::try_from((index / ROW).checked_sub(self.first)?).ok()?;
        let purpose = *self.rows.get(row)?.get((index % ROW) as usize)?;
        let after = self.times.partition_point(|(first, _)| *first <= index);
        let (_, time) = self.times.get(after.checked_sub(1)?)?;
        if now.since(time.plus(TIMES_EVERY)) > keep {
            return None;
        }
        match purpose {
            0 => None,
            WIDE => self.wide.get(&index).copied(),
            purpose => Some(purpose.into()),
        }
    }

    /// Forgets what is older than that, a row at a time.
    pub(super) fn forget(&mut self, now: Timestamp, keep: Duration) {
        let is_over = |time: &Timestamp| now.since(time.plus(TIMES_EVERY)) > keep;
        while let Some((next, _)) = self.times.get(1).copied() {
            if !self.times.front().is_some_and(|(_, time)| is_over(time)) {
                break;
            }
            self.times.pop_front();
            while self.first < next / ROW && self.rows.len() > 1 {
                self.rows.pop_front();
                self.first += 1;
                let first = self.first * ROW;
                self.wide.retain(|index, _| *index >= first);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn intents_are_known_as_long_as_they_are_young() {
        let at = |second: u64| Timestamp::from_seconds(1_800_000_000 + second);
        let mut known = Known::default();
        // One every second, at every third index; purposes of one byte and of more.
        let purpose = |number: u64| u32::try_from(number % 400 + 1).unwrap();
        for number in 0..100_000 {
            known.add(number * 3 + 1, at(number), purpose(number));
            known.forget(at(number), HOUR);
        }
        let now = at(99_999);
        for number in 99_999 - 3600..100_000 {
            assert_eq!(known.get(number * 3 + 1, now, HOUR), Some(purpose(number)), "{number}");
            assert_eq!(known.get(number * 3 + 2, now, HOUR), None);
        }
        for number in 0..99_999 - 3600 - 2 * 61 {
            assert_eq!(known.get(number * 3 + 1, now, HOUR), None, "{number}");
        }
        assert!(known.rows.len() <= 2 && known.times.len() < 100 && known.wide.len() < 50_000);
    }
}
