//! What memory keeps of the whole tree, and proofs about any of its past sizes.
//!
//! Kept are the hashes of complete subtrees of 256 leaves and up: a quarter of a byte per entry. What lies below is
//! hashed again from stored entries, of two such subtrees at most for one proof.

use std::collections::HashMap;

use super::tree::{self, Frontier, Growth, Node, OutOfRange};
use crate::crypto::Digest;

/// Height of the smallest subtrees kept, as in tlog-tiles.
pub(super) const LOWEST: u32 = 8;

/// Leaves under one of the smallest subtrees kept.
pub(super) const BLOCK: u64 = 1 << LOWEST;

/// Leaf hashes read for one proof, by the first index of their block; each block as far as the log goes.
pub(super) type Blocks = HashMap<u64, Vec<Digest>>;

/// The upper levels of the tree.
#[derive(Debug, Default)]
pub(super) struct History {
    tree: Frontier,
    /// Complete subtrees of `1 << (LOWEST + place)` leaves, in order.
    levels: Vec<Vec<Digest>>,
}

impl History {
    /// Of the tree of that size, from the roots of its complete subtrees of [`BLOCK`] leaves and the peaks below
    /// them; `None` when their numbers do not fit.
    pub(super) fn resume(size: u64, blocks: &[Digest], below: &[Digest]) -> Option<Self> {
        if blocks.len() as u64 != size >> LOWEST {
            return None;
        }
        let mut history = Self::default();
        let mut upper = Frontier::default();
        for block in blocks {
            upper.push(*block, |node, hash| {
                history.complete(Node { level: node.level + LOWEST, ..node }, hash);
            });
        }
        history.tree = Frontier::resume(size, [upper.peaks(), below].concat())?;
        Some(history)
    }

    /// The tree.
    pub(super) fn tree(&self) -> &Frontier {
        &self.tree
    }

    /// Takes in one subtree that was completed. [`History::grown`] comes after the last one of a frame.
    pub(super) fn complete(&mut self, node: Node, hash: Digest) {
        let Some(level) = node.level.checked_sub(LOWEST) else { return };
        let place = level as usize;
        if self.levels.len() <= place {
            self.levels.resize_with(place + 1, Vec::new);
        }
        if let Some(row) = self.levels.get_mut(place) {
            row.push(hash);
        }
    }

    /// The tree as it has become.
    pub(super) fn grown(&mut self, tree: &Frontier) {
        self.tree = tree.clone();
    }

    /// Hashes of complete subtrees of `1 << level` leaves, from `first` on; nothing where the log has none, or keeps
    /// none of that height.
    pub(super) fn row(&self, level: u32, first: u64, count: usize) -> &[Digest] {
        let place = level.checked_sub(LOWEST).map(|place| place as usize);
        let row = place.and_then(|place| self.levels.get(place)).map_or(&[][..], Vec::as_slice);
        let first = usize::try_from(first).unwrap_or(usize::MAX).min(row.len());
        let end = first.saturating_add(count).min(row.len());
        row.get(first..end).unwrap_or_default()
    }

    /// Root of the tree of that size. `blocks` must hold the block of its last entry.
    pub(super) fn root(&self, size: u64, blocks: &Blocks) -> Result<Digest, OutOfRange> {
        tree::root(size, |node| self.hash(node, blocks))
    }

    /// Takes in what one frame added, in order.
    pub(super) fn extend(&mut self, growth: &Growth) {
        for level in LOWEST..growth.height() {
            let place = (level - LOWEST) as usize;
            if self.levels.len() <= place {
                self.levels.resize_with(place + 1, Vec::new);
            }
            if let Some(row) = self.levels.get_mut(place) {
                row.extend_from_slice(growth.completed(level));
            }
        }
        self.tree = growth.after().clone();
    }

    /// Proof that the entry is in the tree of that size. `blocks` must hold the blocks of the entry and of the tree's
    /// last one.
    pub(super) fn inclusion(
        &self,
        index: u64,
        size: u64,
        blocks: &Blocks,
    ) -> Result<Vec<Digest>, OutOfRange> {
        tree::inclusion(index, size, |node| self.hash(node, blocks))
    }

    /// Proof that the tree of one size is a prefix of the tree of another. `blocks` must hold the blocks of both
    /// trees' last entries.
    pub(super) fn consistency(
        &self,
        from: u64,
        to: u64,
        blocks: &Blocks,
    ) -> Result<Vec<Digest>, OutOfRange> {
        tree::consistency(from, to, |node| self.hash(node, blocks))
    }

    fn hash(&self, node: Node, blocks: &Blocks) -> Result<Digest, OutOfRange> {
        if let Some(level) = node.level.checked_sub(LOWEST) {
            let place = usize::try_from(node.position).map_err(|_| OutOfRange)?;
            let row = self.levels.get(level as usize);
            return row.and_then(|row| row.get(place)).copied().ok_or(OutOfRange);
        }
        let first = node.position << node.level;
        let leaves = blocks.get(&(first - first % BLOCK)).ok_or(OutOfRange)?;
        let start = (first % BLOCK) as usize;
        let mut subtree = Frontier::default();
        for leaf in leaves.get(start..start + (1 << node.level)).ok_or(OutOfRange)? {
            subtree.push(*leaf, |_, _| {});
        }
        Ok(subtree.root())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::tree::Head;

    fn leaf(index: u64) -> Digest {
        tree::leaf_hash(&index.to_be_bytes())
    }

    #[test]
    fn proves_every_past_size() {
        let mut history = History::default();
        let mut roots = vec![Frontier::default().root()];
        for batch in 0..90_u64 {
            let (before, size) = (history.tree.clone(), batch % 17 + 1);
            let from = before.size();
            let growth = Growth::new(before, (from..from + size).map(leaf));
            let mut tree = growth.before().clone();
            for index in from..from + size {
                tree.push(leaf(index), |_, _| {});
                roots.push(tree.root());
            }
            history.extend(&growth);
        }
        let size = history.tree.size();
        assert!(size > 3 * BLOCK, "several blocks: {size}");
        let blocks = |indices: [u64; 2]| -> Blocks {
            let block = |index: u64| {
                let first = index - index % BLOCK;
                (first, (first..size.min(first + BLOCK)).map(leaf).collect())
            };
            indices.into_iter().map(block).collect()
        };
        let head = |size: u64| Head { size, root: roots[size as usize] };
        for size in (1..=size).step_by(61).chain([255, 256, 257, 512, size]) {
            for index in (0..size).step_by(37).chain([size - 1]) {
                let proof = history.inclusion(index, size, &blocks([index, size - 1])).unwrap();
                let root = head(size).root;
                assert!(tree::verify_inclusion(&leaf(index), index, size, &proof, &root));
            }
            for from in (1..=size).step_by(41).chain([size]) {
                let proof = history.consistency(from, size, &blocks([from - 1, size - 1])).unwrap();
                assert!(tree::verify_consistency(&head(from), &head(size), &proof));
            }
        }
        assert_eq!(history.inclusion(size, size, &Blocks::new()), Err(OutOfRange));
    }
}
