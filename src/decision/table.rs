//! A look-up by key that is changed by making another one: the two share what did not change.
//!
//! Entries lie in small buckets by the hash of their key. Changing one entry copies its bucket and the list of buckets,
//! so that publishing one agreement among a hundred thousand costs about a millisecond, and whoever is deciding meanwhile
//! goes on with the table it has.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// Entries of a bucket, on average and at the most. A bucket is read from its beginning.
const PER_BUCKET: usize = 8;

type Bucket<V> = Arc<[(u64, V)]>;

/// Values by the hash of their key. Two keys may have one hash: whoever asks compares the key as well.
#[derive(Clone, Debug)]
pub(super) struct Table<V> {
    /// As many as a power of two, or none.
    buckets: Vec<Bucket<V>>,
    count: usize,
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self { buckets: Vec::new(), count: 0 }
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
        let buckets = (count / PER_BUCKET + 1).next_power_of_two();
        let mut sorted: Vec<Vec<(u64, V)>> = (0..buckets).map(|_| Vec::new()).collect();
        for (hash, value) in entries {
            if let Some(bucket) = sorted.get_mut(place(hash, buckets)) {
                bucket.push((hash, value));
            }
        }
        Self { buckets: sorted.into_iter().map(Bucket::from).collect(), count }
    }

    /// The values whose key has that hash.
    pub(super) fn get(&self, hash: u64) -> impl Iterator<Item = &V> {
        let bucket = self.buckets.get(place(hash, self.buckets.len()));
        let entries = bucket.map_or(&[][..], |bucket| bucket);
        entries.iter().filter(move |(known, _)| *known == hash).map(|(_, value)| value)
    }

    /// Puts `value` where the value is for which `is_same` holds, or beside the others when it holds for none; `None`
    /// takes that value away.
    pub(super) fn put(&mut self, hash: u64, value: Option<V>, is_same: impl Fn(&V) -> bool) {
        let place = place(hash, self.buckets.len());
        let Some(bucket) = self.buckets.get_mut(place) else {
            *self = Self::new(value.map(|value| (hash, value)));
            return;
        };
        let is_other = |(known, value): &&(u64, V)| *known != hash || !is_same(value);
        let mut entries: Vec<(u64, V)> = bucket.iter().filter(is_other).cloned().collect();
        entries.extend(value.map(|value| (hash, value)));
        self.count = self.count + entries.len() - bucket.len();
        *bucket = entries.into();
        if self.count > PER_BUCKET * self.buckets.len() {
            *self = Self::new(self.buckets.iter().flat_map(|bucket| bucket.iter().cloned()));
        }
    }
}

/// Which of so many buckets; their number is a power of two.
fn place(hash: u64, buckets: usize) -> usize {
    // The low bits decide, so that it does not matter how wide a `usize` is.
    (hash as usize) & buckets.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Hashes that fall together, in a table that grows.
    #[test]
    fn holds_what_was_put_and_leaves_its_copies_alone() {
        let mut table: Table<(u32, u32)> = Table::default();
        let mut expected = BTreeMap::new();
        let mut copies = Vec::new();
        for step in 0..3000_u32 {
            let (key, value) = (step * 7919 % 400, step);
            let is_taken = step % 5 == 0;
            table.put(u64::from(key % 90), (!is_taken).then_some((key, value)), |it| it.0 == key);
            match is_taken {
                true => expected.remove(&key),
                false => expected.insert(key, value),
            };
            if step % 1000 == 0 {
                copies.push((table.clone(), expected.clone()));
            }
        }
        copies.push((table, expected));
        for (table, expected) in copies {
            assert_eq!(table.count, expected.len());
            for key in 0..400 {
                let found = table.get(u64::from(key % 90)).find(|it| it.0 == key).map(|it| it.1);
                assert_eq!(found, expected.get(&key).copied(), "{key}");
            }
        }
        assert!(Table::<u32>::default().get(7).next().is_none());
    }
}
