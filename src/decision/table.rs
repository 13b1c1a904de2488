//! A look-up by key that is changed by making another one: the two share what did not change.
//!
//! Entries lie in pages by the hash of their key, within a page each near the place that its hash says: a look-up reads
//! one or two places of memory however many entries there are. Changing one entry copies its page and the list of pages,
//! so that publishing one agreement among a hundred thousand costs little, and whoever is deciding meanwhile goes on with
//! the table it has.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// Entries of a page, on average and at the most: few enough to copy, many enough for a short list of pages.
const PER_PAGE: usize = 256;

/// Entries, and places left free between them.
type Page<V> = Arc<[Option<(u64, V)>]>;

/// Values by the hash of their key. Two keys may have one hash: whoever asks compares the key as well.
#[derive(Clone, Debug)]
pub(super) struct Table<V> {
    /// As many as a power of two, or none.
    pages: Vec<Page<V>>,
    count: usize,
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self { pages: Vec::new(), count: 0 }
    }
}

/// The hash of a key.
pub(super) fn hash(key: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

impl<V: Clone> Table<V> {
    /// A table of these.
    pub(super) fn new(entries: impl IntoIterator<Item = (u64, V)>) -> Self {
        let entries: Vec<(u64, V)> = entries.into_iter().collect();
        let count = entries.len();
        let pages = (count / PER_PAGE + 1).next_power_of_two();
        let mut sorted: Vec<Vec<(u64, V)>> = (0..pages).map(|_| Vec::new()).collect();
        for (hash, value) in entries {
            if let Some(page) = sorted.get_mut(page_of(hash, pages)) {
                page.push((hash, value));
            }
        }
        Self { pages: sorted.into_iter().map(laid_out).collect(), count }
    }

    /// The values whose key has that hash.
    pub(super) fn get(&self, hash: u64) -> impl Iterator<Item = &V> {
        let page = self.pages.get(page_of(hash, self.pages.len()));
        let page = page.map_or(&[][..], |page| page);
        let (before, from) = page.split_at_checked(place_of(hash, page.len())).unwrap_or_default();
        // As far as the next free place, of which every page has one.
        let entries = from.iter().chain(before).map_while(Option::as_ref);
        entries.filter(move |(known, _)| *known == hash).map(|(_, value)| value)
    }

    /// Puts `value` where the value is for which `is_same` holds, or beside the others when it holds for none; `None`
    /// takes that value away.
    pub(super) fn put(&mut self, hash: u64, value: Option<V>, is_same: impl Fn(&V) -> bool) {
        let place = page_of(hash, self.pages.len());
        let Some(page) = self.pages.get_mut(place) else {
            *self = Self::new(value.map(|value| (hash, value)));
            return;
        };
        let known = page.iter().flatten().count();
        let is_other = |(known, value): &&(u64, V)| *known != hash || !is_same(value);
        let mut entries: Vec<(u64, V)> = page.iter().flatten().filter(is_other).cloned().collect();
        entries.extend(value.map(|value| (hash, value)));
        self.count = self.count + entries.len() - known;
        *page = laid_out(entries);
        if self.count > PER_PAGE * self.pages.len() {
            let all = self.pages.iter().flat_map(|page| page.iter().flatten().cloned());
            *self = Self::new(all);
        }
    }
}

/// Each entry at the first free place from the one that its hash says. A third of the places stays free.
fn laid_out<V>(entries: Vec<(u64, V)>) -> Page<V> {
    let size = entries.len() + entries.len() / 2 + 1;
    let mut page: Vec<Option<(u64, V)>> = (0..size).map(|_| None).collect();
    for (hash, value) in entries {
        let (before, from) = page.split_at_mut(place_of(hash, size));
        let free = from.iter_mut().chain(before).find(|place| place.is_none());
        if let Some(free) = free {
            *free = Some((hash, value));
        }
    }
    page.into()
}

/// Which of so many pages; their number is a power of two.
fn page_of(hash: u64, pages: usize) -> usize {
    // The low bits say which page, so that it does not matter how wide a `usize` is.
    (hash as usize) & pages.saturating_sub(1)
}

/// Which of so many places of a page: the high bits, read as a part of the whole.
fn place_of(hash: u64, places: usize) -> usize {
    (((hash >> 32) * places as u64) >> 32) as usize
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Hashes that fall together, of two keys each or all in one page.
    fn spread(key: u32) -> u64 {
        match key % 3 {
            0 => u64::from(key % 90),
            1 => hash(key / 2),
            _ => u64::from(key) << 40,
        }
    }

    #[test]
    fn holds_what_was_put_and_leaves_its_copies_alone() {
        let mut table: Table<(u32, u32)> = Table::default();
        let mut expected = BTreeMap::new();
        let mut copies = Vec::new();
        for step in 0..6000_u32 {
            let (key, value) = (step * 7919 % 1400, step);
            let is_taken = step % 5 == 0;
            table.put(spread(key), (!is_taken).then_some((key, value)), |it| it.0 == key);
            match is_taken {
                true => expected.remove(&key),
                false => expected.insert(key, value),
            };
            if step % 1000 == 0 {
                copies.push((table.clone(), expected.clone()));
            }
        }
        assert!(table.pages.len() > 2);
        copies.push((table, expected));
        for (table, expected) in copies {
            assert_eq!(table.count, expected.len());
            for key in 0..1400 {
                let found = table.get(spread(key)).find(|it| it.0 == key).map(|it| it.1);
                assert_eq!(found, expected.get(&key).copied(), "{key}");
            }
        }
        assert!(Table::<u32>::default().get(7).next().is_none());
    }
}
