//! The Merkle tree of RFC 6962: hashes, roots, proofs and their verification. No storage.
//!
//! A tree that only grows is kept as a [`Frontier`], at most 64 hashes. A proof needs complete subtrees only, each
//! named by a [`Node`]; where their hashes come from is the caller's business.

use thiserror::Error;

use crate::crypto::{Digest, sha256, sha256_parts};

/// Hash of one entry's stored bytes.
pub fn leaf_hash(entry: &[u8]) -> Digest {
    sha256_parts(&[&[0], entry])
}

/// Hash over two subtrees.
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    sha256_parts(&[&[1], left, right])
}

/// A complete subtree: the leaves from `position << level`, `1 << level` of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// Height; a leaf has 0.
    pub level: u32,
    /// Number among the nodes of its level.
    pub position: u64,
}

/// An index or a size that the tree does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the tree has no such index or size")]
pub struct OutOfRange;

/// A tree reduced to what it takes to grow and to know its root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// Roots of the complete subtrees that make up the tree, largest first: one per bit set in `size`.
    peaks: Vec<Digest>,
}

impl Frontier {
    /// The tree of that size with these peaks, largest first; `None` when it has not as many.
    pub fn resume(size: u64, peaks: Vec<Digest>) -> Option<Self> {
        (u32::try_from(peaks.len()) == Ok(size.count_ones())).then_some(Self { size, peaks })
    }

    /// Roots of the complete subtrees that make up the tree, largest first: one per bit set in its size.
    pub fn peaks(&self) -> &[Digest] {
        &self.peaks
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Root of the tree as it stands.
    pub fn root(&self) -> Digest {
        fold(&self.peaks).unwrap_or_else(|| sha256(&[]))
    }

    /// Adds one leaf and tells of every subtree that it completes, the leaf itself first.
    pub fn push(&mut self, leaf: Digest, mut completed: impl FnMut(Node, Digest)) {
        let mut node = Node { level: 0, position: self.size };
        let mut hash = leaf;
        completed(node, hash);
        while node.position & 1 == 1 {
            let Some(left) = self.peaks.pop() else { break };
            hash = node_hash(&left, &hash);
            node = Node { level: node.level + 1, position: node.position >> 1 };
            completed(node, hash);
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// The hash of a node that is one of the peaks.
    fn peak(&self, node: Node) -> Option<Digest> {
        let higher = self.size.checked_shr(node.level + 1).unwrap_or(0);
        let is_peak = self.size >> node.level & 1 == 1 && node.position == higher << 1;
        let place = usize::try_from(higher.count_ones()).ok()?;
        self.peaks.get(place).filter(|_| is_peak).copied()
    }
}

/// What one batch added to a tree. It can prove the batch's own entries against the batch's root without any other
/// memory of the tree.
#[derive(Debug)]
pub struct Growth {
    before: Frontier,
    after: Frontier,
    /// By level: the nodes completed, in order; the first has position `before.size >> level`.
    levels: Vec<Vec<Digest>>,
}

impl Growth {
    /// Adds `leaves` to the tree that `before` stands for.
    pub fn new(before: Frontier, leaves: impl IntoIterator<Item = Digest>) -> Self {
        let mut levels: Vec<Vec<Digest>> = Vec::new();
        let mut after = before.clone();
        for leaf in leaves {
            after.push(leaf, |node, hash| {
                let level = node.level as usize;
                if levels.len() <= level {
                    levels.resize_with(level + 1, Vec::new);
                }
                if let Some(row) = levels.get_mut(level) {
                    row.push(hash);
                }
            });
        }
        Self { before, after, levels }
    }

    /// The tree before the batch.
    pub fn before(&self) -> &Frontier {
        &self.before
    }

    /// The tree after the batch.
    pub fn after(&self) -> &Frontier {
        &self.after
    }

    /// The nodes completed at one level, in order.
    pub fn completed(&self, level: u32) -> &[Digest] {
        self.levels.get(level as usize).map_or(&[], Vec::as_slice)
    }

    /// How many levels have nodes that the batch completed.
    pub fn height(&self) -> u32 {
        u32::try_from(self.levels.len()).unwrap_or(u32::MAX)
    }

    /// Proof that entry `index`, one of the batch's, is in the tree after the batch.
    ///
    /// # Errors
    /// When the entry is not of the batch.
    pub fn inclusion(&self, index: u64) -> Result<Vec<Digest>, OutOfRange> {
        if index < self.before.size {
            return Err(OutOfRange);
        }
        inclusion(index, self.after.size, |node| {
            let first = self.before.size.checked_shr(node.level).unwrap_or(0);
            match node.position.checked_sub(first) {
                Some(place) => {
                    let place = usize::try_from(place).map_err(|_| OutOfRange)?;
                    self.completed(node.level).get(place).copied().ok_or(OutOfRange)
                }
                None => self.before.peak(node).ok_or(OutOfRange),
            }
        })
    }
}

/// Proof that the entry `index` is in the tree of `size` leaves: the leaf's sibling first, the root's child last.
///
/// # Errors
/// When the tree has no such index, or `node` fails.
pub fn inclusion<E: From<OutOfRange>>(
    index: u64,
    size: u64,
    mut node: impl FnMut(Node) -> Result<Digest, E>,
) -> Result<Vec<Digest>, E> {
    if index >= size {
        return Err(OutOfRange.into());
    }
    let (mut low, mut high) = (0, size);
    let mut proof = Vec::new();
    while high - low > 1 {
        let middle = low + split(high - low);
        if index < middle {
            proof.push(subtree(middle, high, &mut node)?);
            high = middle;
        } else {
            proof.push(subtree(low, middle, &mut node)?);
            low = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// Root of the tree of that many leaves.
///
/// # Errors
/// When `node` fails.
pub fn root<E: From<OutOfRange>>(
    size: u64,
    mut node: impl FnMut(Node) -> Result<Digest, E>,
) -> Result<Digest, E> {
    if size == 0 { Ok(sha256(&[])) } else { subtree(0, size, &mut node) }
}

/// Proof that the tree of `from` leaves is a prefix of the tree of `to`.
///
/// # Errors
/// When `from` is larger than `to`, or `node` fails.
pub fn consistency<E: From<OutOfRange>>(
    from: u64,
    to: u64,
    mut node: impl FnMut(Node) -> Result<Digest, E>,
) -> Result<Vec<Digest>, E> {
    if from > to {
        return Err(OutOfRange.into());
    }
    if from == 0 {
        return Ok(Vec::new());
    }
    let (mut low, mut high) = (0, to);
    let mut proof = Vec::new();
    while high != from {
        let middle = low + split(high - low);
        if from <= middle {
            proof.push(subtree(middle, high, &mut node)?);
            high = middle;
        } else {
            proof.push(subtree(low, middle, &mut node)?);
            low = middle;
        }
    }
    if low != 0 {
        proof.push(subtree(low, high, &mut node)?);
    }
    proof.reverse();
    Ok(proof)
}

/// True when `proof` shows the leaf at `index` of the tree with this size and root (RFC 9162, 2.1.3.2).
pub fn verify_inclusion(
    leaf: &Digest,
    index: u64,
    size: u64,
    proof: &[Digest],
    root: &Digest,
) -> bool {
    if index >= size {
        return false;
    }
    let (mut place, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in proof {
        if last == 0 {
            return false;
        }
        if place & 1 == 1 || place == last {
            hash = node_hash(sibling, &hash);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        place >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// One tree as a checkpoint names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Number of leaves.
    pub size: u64,
    /// Root hash.
    pub root: Digest,
}

/// True when `proof` shows the tree `from` to be a prefix of the tree `to` (RFC 9162, 2.1.4.2).
pub fn verify_consistency(from: &Head, to: &Head, proof: &[Digest]) -> bool {
    if from.size == to.size || from.size == 0 {
        let is_empty_root = from.size != 0 || from.root == sha256(&[]);
        return proof.is_empty() && is_empty_root && (from.size == 0 || from.root == to.root);
    }
    if from.size > to.size {
        return false;
    }
    let (mut place, mut last) = (from.size - 1, to.size - 1);
    while place & 1 == 1 {
        place >>= 1;
        last >>= 1;
    }
    // A complete old tree is itself the first hash, and is not sent.
    let (first, rest) = if from.size.is_power_of_two() {
        (from.root, proof)
    } else {
        let Some((first, rest)) = proof.split_first() else { return false };
        (*first, rest)
    };
    let (mut old, mut new) = (first, first);
    for sibling in rest {
        if last == 0 {
            return false;
        }
        if place & 1 == 1 || place == last {
            old = node_hash(sibling, &old);
            new = node_hash(sibling, &new);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            new = node_hash(&new, sibling);
        }
        place >>= 1;
        last >>= 1;
    }
    last == 0 && old == from.root && new == to.root
}

/// Hash over the leaves from `start` to before `end`, where `start` is a multiple of the next power of two.
fn subtree<E: From<OutOfRange>>(
    mut start: u64,
    end: u64,
    node: &mut impl FnMut(Node) -> Result<Digest, E>,
) -> Result<Digest, E> {
    let mut parts = Vec::new();
    while start < end {
        let level = (end - start).ilog2();
        parts.push(node(Node { level, position: start >> level })?);
        start += 1 << level;
    }
    fold(&parts).ok_or_else(|| OutOfRange.into())
}

/// Hash over complete subtrees, largest first.
fn fold(peaks: &[Digest]) -> Option<Digest> {
    let (last, rest) = peaks.split_last()?;
    Some(rest.iter().rev().fold(*last, |right, left| node_hash(left, &right)))
}

/// Largest power of two below `size`, which is at least 2.
fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

#[cfg(test)]
mod tests;
