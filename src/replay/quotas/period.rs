//! The numbers that the permits of one day or second recorded. A bit for each number that was seen, and only of those
//! seen again the entry: ten million permits take little more than a megabyte.

/// Numbers this far beyond the count so far are kept one by one, so that a false one does not take a row of bits.
const FAR: u64 = 1 << 20;

/// Numbers recorded in one period.
#[derive(Debug, Default)]
pub(super) struct Period {
    permits: u64,
    /// Which numbers were seen, 64 to a word.
    seen: Vec<u64>,
    /// Numbers seen before, or far beyond the others, each with its entry.
    again: Vec<(u64, u64)>,
}

/// Permits that say too little.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Understated {
    /// So many permits …
    pub(super) permits: u64,
    /// … say that no more than this came before.
    pub(super) said: u64,
    /// The entry of one that must be wrong if those before it are right.
    pub(super) index: u64,
}

impl Period {
    /// Takes one permit in.
    pub(super) fn add(&mut self, said: u64, index: u64) {
        self.permits += 1;
        if said / 8 > self.permits + FAR {
            self.again.push((said, index));
            return;
        }
        let (word, bit) = (said / 64, 1 << (said % 64));
        let word = usize::try_from(word).unwrap_or(usize::MAX);
        if self.seen.len() <= word {
            self.seen.resize(word + 1, 0);
        }
        match self.seen.get_mut(word) {
            Some(bits) if *bits & bit == 0 => *bits |= bit,
            _ => self.again.push((said, index)),
        }
    }

    /// The first number that too many permits stay below. In order of the numbers, the first of them to stand behind
    /// more permits than it says has the number of the one in front of it: it is always one that was seen again.
    pub(super) fn understated(&self) -> Option<Understated> {
        let mut again = self.again.clone();
        again.sort_unstable();
        let (mut word, mut below) = (0, 0);
        for (position, &(said, index)) in (0..).zip(&again) {
            let last = usize::try_from(said / 64).unwrap_or(usize::MAX);
            while word < last.min(self.seen.len()) {
                below += self.seen.get(word).map_or(0, |bits| u64::from(bits.count_ones()));
                word += 1;
            }
            let up_to = u64::MAX >> (63 - said % 64);
            let here = self.seen.get(last).map_or(0, |bits| (bits & up_to).count_ones());
            let before = below + u64::from(here) + position;
            if said < before {
                return Some(Understated { permits: before + 1, said, index });
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(said: &[u64]) -> Period {
        let mut period = Period::default();
        (100..).zip(said).for_each(|(index, said)| period.add(*said, index));
        period
    }

    /// The rule, word for word.
    fn by_the_rule(said: &[u64]) -> Option<(u64, u64)> {
        let mut sorted: Vec<(u64, u64)> = said.iter().copied().zip(100..).collect();
        sorted.sort_unstable();
        let found = (0..).zip(sorted).find(|(before, (said, _))| said < before);
        found.map(|(_, (said, index))| (said, index))
    }

    #[test]
    fn finds_what_sorting_all_of_them_finds() {
        let mut random: u64 = 3;
        let mut below = |limit: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 33) % limit
        };
        let mut wrong = 0;
        for _ in 0..3000 {
            let (count, slack) = (below(200) + 1, below(8));
            // Mostly right, in a jumbled order, with gaps where a place was given back.
            let said: Vec<u64> = (0..count)
                .map(|number| match below(60) {
                    0 => below(count),
                    1 => number + below(300),
                    2 => u64::MAX - below(2),
                    _ => number + slack,
                })
                .collect();
            let found = period(&said).understated().map(|found| (found.said, found.index));
            assert_eq!(found, by_the_rule(&said), "{said:?}");
            wrong += u64::from(found.is_some());
        }
        assert!((100..2900).contains(&wrong), "{wrong}");
    }

    #[test]
    fn a_busy_day_takes_little_room() {
        let mut period = Period::default();
        for number in 0..1_000_000 {
            period.add(number ^ 7, number);
        }
        assert_eq!(period.understated(), None);
        assert!(period.seen.len() * 8 < 200_000 && period.again.is_empty());
        period.add(u64::MAX, 0);
        period.add(1 << 50, 0);
        assert!(period.seen.len() * 8 < 200_000);
        period.add(5, 77);
        let expected = Understated { permits: 7, said: 5, index: 77 };
        assert_eq!(period.understated(), Some(expected));
    }
}
