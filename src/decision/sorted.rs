//! Every agreement in one order: by id, of one id the newest version first.
//!
//! The order in which agreements are tried must not depend on the order of files or entries: gateway and replay would
//! else name different clauses. The list is kept in pieces, of which a change copies one.

use std::cmp::Ordering;
use std::iter::FlatMap;
use std::slice::Iter;
use std::sync::Arc;

use super::agreement::Agreement;

/// Agreements of one piece, at the most.
const PIECE: usize = 512;

type Piece = Arc<[Arc<Agreement>]>;

/// Agreements by id, of one id the newest version first. No two have one id and version.
#[derive(Clone, Debug, Default)]
pub struct Sorted {
    /// None of them is empty.
    pieces: Vec<Piece>,
    count: usize,
}

/// Where an agreement stands in the order, against an id and a version.
fn order(agreement: &Agreement, id: &str, version: u32) -> Ordering {
    agreement.id.as_str().cmp(id).then(version.cmp(&agreement.version))
}

impl Sorted {
    /// These. Of two with one id and version, which nobody should have given, the one of the smaller digest is taken.
    pub(super) fn new(agreements: impl IntoIterator<Item = Arc<Agreement>>) -> Self {
        let mut all: Vec<Arc<Agreement>> = agreements.into_iter().collect();
        all.sort_unstable_by(|a, b| order(a, &b.id, b.version).then(a.digest.cmp(&b.digest)));
        all.dedup_by(|a, b| order(a, &b.id, b.version).is_eq());
        Self { pieces: all.chunks(PIECE).map(Piece::from).collect(), count: all.len() }
    }

    /// One after the other.
    pub fn iter(&self) -> <&Self as IntoIterator>::IntoIter {
        self.into_iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The versions of one agreement, newest first.
    pub fn versions<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Arc<Agreement>> {
        let before = move |agreement: &Arc<Agreement>| agreement.id.as_str() < id;
        let first = self.pieces.partition_point(|piece| piece.last().is_some_and(before));
        let pieces = self.pieces.get(first..).unwrap_or_default();
        let within = move |piece: &'a Piece| piece.get(piece.partition_point(before)..);
        let from = pieces.iter().filter_map(within).flatten();
        from.take_while(move |agreement| agreement.id == id)
    }

    /// One version of one agreement.
    pub fn get(&self, id: &str, version: u32) -> Option<&Arc<Agreement>> {
        let at = self.piece_of(id, version);
        let piece = self.pieces.get(at)?;
        let found = piece.binary_search_by(|known| order(known, id, version)).ok()?;
        piece.get(found)
    }

    /// Takes one in, in place of the one with its id and version.
    pub(super) fn put(&mut self, agreement: Arc<Agreement>) {
        let (id, version) = (agreement.id.clone(), agreement.version);
        self.change(&id, version, Some(agreement));
    }

    /// Takes one out.
    pub(super) fn remove(&mut self, id: &str, version: u32) {
        self.change(id, version, None);
    }

    /// Where the agreement is, if anywhere; behind the last piece it is nowhere.
    fn piece_of(&self, id: &str, version: u32) -> usize {
        let is_before = |known: &Arc<Agreement>| order(known, id, version).is_lt();
        self.pieces.partition_point(|piece| piece.last().is_some_and(is_before))
    }

    fn change(&mut self, id: &str, version: u32, agreement: Option<Arc<Agreement>>) {
        // What comes after all others goes into the last piece.
        let at = self.piece_of(id, version).min(self.pieces.len().saturating_sub(1));
        let mut piece = self.pieces.get(at).map(|piece| piece.to_vec()).unwrap_or_default();
        let before = piece.len();
        let place = piece.partition_point(|known| order(known, id, version).is_lt());
        let is_there = piece.get(place).is_some_and(|known| order(known, id, version).is_eq());
        piece.splice(place..place + usize::from(is_there), agreement);
        self.count = self.count + piece.len() - before;
        let half = piece.len().div_ceil(2);
        let pieces = piece.chunks(if piece.len() > PIECE { half } else { PIECE }).map(Piece::from);
        let replaced = at..(at + 1).min(self.pieces.len());
        self.pieces.splice(replaced, pieces.collect::<Vec<Piece>>());
    }
}

fn of_piece(piece: &Piece) -> Iter<'_, Arc<Agreement>> {
    piece.iter()
}

impl<'a> IntoIterator for &'a Sorted {
    type Item = &'a Arc<Agreement>;
    type IntoIter = FlatMap<
        Iter<'a, Piece>,
        Iter<'a, Arc<Agreement>>,
        fn(&'a Piece) -> Iter<'a, Arc<Agreement>>,
    >;

    fn into_iter(self) -> Self::IntoIter {
        self.pieces.iter().flat_map(of_piece)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::decision::sample;

    fn agreement(number: u32) -> Arc<Agreement> {
        let (id, version) = (format!("a-{:04}", number / 3), number % 3 + 1);
        Arc::new(Agreement { id, version, ..sample::agreement() })
    }

    #[test]
    fn stays_in_order_through_every_change() {
        let mut sorted = Sorted::default();
        let mut expected = BTreeMap::new();
        for step in 0..6000_u32 {
            let changed = agreement(step * 7919 % 2500);
            let key = (changed.id.clone(), u32::MAX - changed.version);
            if step % 4 == 3 {
                sorted.remove(&changed.id, changed.version);
                expected.remove(&key);
            } else {
                sorted.put(Arc::clone(&changed));
                expected.insert(key, changed);
            }
            assert_eq!(sorted.len(), expected.len());
        }
        assert!(sorted.iter().eq(expected.values()) && sorted.pieces.len() > 2);
        assert!(Sorted::new(expected.values().rev().cloned()).iter().eq(&sorted));
        for number in 0..2500 {
            let one = agreement(number);
            let found = sorted.get(&one.id, one.version).is_some();
            assert_eq!(found, expected.contains_key(&(one.id.clone(), u32::MAX - one.version)));
            let versions: Vec<u32> = sorted.versions(&one.id).map(|it| it.version).collect();
            let known = expected.values().filter(|it| it.id == one.id).map(|it| it.version);
            assert_eq!(versions, known.collect::<Vec<_>>());
        }
        for one in expected.values() {
            sorted.remove(&one.id, one.version);
        }
        assert!(sorted.is_empty() && sorted.iter().next().is_none() && sorted.pieces.is_empty());
    }

    #[test]
    fn of_two_that_claim_one_version_the_same_one_is_taken_whatever_their_order() {
        let one = |digest| Arc::new(Agreement { digest: [digest; 32], ..sample::agreement() });
        for given in [[one(1), one(2)], [one(2), one(1)]] {
            let sorted = Sorted::new(given);
            assert_eq!(sorted.iter().map(|it| it.digest[0]).collect::<Vec<_>>(), [1]);
        }
    }
}
