//! Proofs about one size of a log, made while reading it: no index on disk, little memory.
//!
//! One proof needs a few hashes, known before reading begins: [`Single`] picks them up in one pass. Proofs for many
//! entries take two: [`Prover`] keeps a quarter of a byte per entry from the first, and proves in the second.

use std::collections::HashMap;

use super::history::{self, LOWEST};
use super::tree::{self, Frontier, Node, OutOfRange};
use crate::crypto::Digest;

/// Leaves under one of the smallest subtrees kept.
pub const BLOCK: u64 = history::BLOCK;

/// One proof, to be made in one pass.
#[derive(Debug)]
pub struct Single {
    question: Question,
    wanted: HashMap<Node, Option<Digest>>,
    tree: Frontier,
}

#[derive(Clone, Copy, Debug)]
enum Question {
    Inclusion { index: u64, size: u64 },
    Consistency { from: u64, to: u64 },
}

impl Single {
    /// That the entry is in the tree of that size.
    ///
    /// # Errors
    /// When the tree has no such entry.
    pub fn inclusion(index: u64, size: u64) -> Result<Self, OutOfRange> {
        Self::new(Question::Inclusion { index, size })
    }

    /// That the tree of one size is a prefix of the tree of another.
    ///
    /// # Errors
    /// When the first is the larger.
    pub fn consistency(from: u64, to: u64) -> Result<Self, OutOfRange> {
        Self::new(Question::Consistency { from, to })
    }

    fn new(question: Question) -> Result<Self, OutOfRange> {
        let mut wanted = HashMap::new();
        question.ask(|node| {
            wanted.insert(node, None);
            Ok([0; 32])
        })?;
        Ok(Self { question, wanted, tree: Frontier::default() })
    }

    /// Takes the next leaf, from the first on.
    pub fn leaf(&mut self, leaf: Digest) {
        let wanted = &mut self.wanted;
        self.tree.push(leaf, |node, hash| {
            if let Some(place) = wanted.get_mut(&node) {
                *place = Some(hash);
            }
        });
    }

    /// The proof.
    ///
    /// # Errors
    /// When too few leaves were given.
    pub fn proof(&self) -> Result<Vec<Digest>, OutOfRange> {
        self.question.ask(|node| self.wanted.get(&node).copied().flatten().ok_or(OutOfRange))
    }
}

impl Question {
    fn ask(
        self,
        node: impl FnMut(Node) -> Result<Digest, OutOfRange>,
    ) -> Result<Vec<Digest>, OutOfRange> {
        match self {
            Self::Inclusion { index, size } => tree::inclusion(index, size, node),
            Self::Consistency { from, to } => tree::consistency(from, to, node),
        }
    }
}

/// The upper levels of a tree of fixed size.
#[derive(Debug)]
pub struct Prover {
    size: u64,
    tree: Frontier,
    /// Complete subtrees of `1 << (LOWEST + place)` leaves, in order.
    levels: Vec<Vec<Digest>>,
    /// Leaves since the last full block.
    tail: Vec<Digest>,
}

impl Prover {
    /// For the tree of the first `size` entries.
    pub fn new(size: u64) -> Self {
        Self { size, tree: Frontier::default(), levels: Vec::new(), tail: Vec::new() }
    }

    /// First pass: takes the next leaf, from the first on. Those beyond the size are passed over.
    pub fn leaf(&mut self, leaf: Digest) {
        if self.tree.size() == self.size {
            return;
        }
        let levels = &mut self.levels;
        self.tree.push(leaf, |node, hash| {
            let Some(place) = node.level.checked_sub(LOWEST) else { return };
            let place = place as usize;
            if levels.len() <= place {
                levels.resize_with(place + 1, Vec::new);
            }
            if let Some(row) = levels.get_mut(place) {
                row.push(hash);
            }
        });
        self.tail.push(leaf);
        if self.tail.len() as u64 == BLOCK {
            self.tail.clear();
        }
    }

    /// Root over what was taken.
    pub fn root(&self) -> Digest {
        self.tree.root()
    }

    /// Second pass: proofs for the entries of one block, whose leaves these are, from an index divisible by [`BLOCK`].
    pub fn block(&self, first: u64, leaves: &[Digest]) -> BlockProofs<'_> {
        let last = self.size - self.size % BLOCK;
        BlockProofs {
            prover: self,
            own: Block::new(first, leaves),
            last: Block::new(last, &self.tail),
        }
    }
}

/// Proofs for the entries of one block.
#[derive(Debug)]
pub struct BlockProofs<'a> {
    prover: &'a Prover,
    own: Block,
    last: Block,
}

impl BlockProofs<'_> {
    /// Proof that the entry is in the tree.
    ///
    /// # Errors
    /// When it is not of this block or not of the tree.
    pub fn inclusion(&self, index: u64) -> Result<Vec<Digest>, OutOfRange> {
        tree::inclusion(index, self.prover.size, |node| {
            if let Some(level) = node.level.checked_sub(LOWEST) {
                let place = usize::try_from(node.position).map_err(|_| OutOfRange)?;
                let row = self.prover.levels.get(level as usize);
                return row.and_then(|row| row.get(place)).copied().ok_or(OutOfRange);
            }
            self.own.hash(node).or_else(|| self.last.hash(node)).ok_or(OutOfRange)
        })
    }
}

/// The lower levels under one block.
#[derive(Debug)]
struct Block {
    first: u64,
    levels: Vec<Vec<Digest>>,
}

impl Block {
    fn new(first: u64, leaves: &[Digest]) -> Self {
        let mut levels: Vec<Vec<Digest>> = vec![Vec::new(); LOWEST as usize + 1];
        let mut tree = Frontier::default();
        for leaf in leaves {
            tree.push(*leaf, |node, hash| {
                if let Some(row) = levels.get_mut(node.level as usize) {
                    row.push(hash);
                }
            });
        }
        Self { first, levels }
    }

    fn hash(&self, node: Node) -> Option<Digest> {
        let place = node.position.checked_sub(self.first >> node.level)?;
        self.levels.get(node.level as usize)?.get(usize::try_from(place).ok()?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::tree::Head;

    fn leaf(index: u64) -> Digest {
        tree::leaf_hash(&index.to_be_bytes())
    }

    fn root(size: u64) -> Digest {
        let mut tree = Frontier::default();
        (0..size).for_each(|index| tree.push(leaf(index), |_, _| {}));
        tree.root()
    }

    #[test]
    fn many_proofs_hold() {
        for size in [1, 2, 255, 256, 257, 511, 512, 900, 1024, 1025] {
            let mut prover = Prover::new(size);
            // The log goes on after the checkpoint.
            (0..size + 3).for_each(|index| prover.leaf(leaf(index)));
            let root = root(size);
            assert_eq!(prover.root(), root);
            for first in (0..size).step_by(BLOCK as usize) {
                let block: Vec<u64> = (first..size.min(first + BLOCK)).collect();
                let leaves: Vec<Digest> = block.iter().map(|&index| leaf(index)).collect();
                let proofs = prover.block(first, &leaves);
                for index in block {
                    let proof = proofs.inclusion(index).unwrap();
                    assert!(tree::verify_inclusion(&leaf(index), index, size, &proof, &root));
                }
                assert_eq!(proofs.inclusion(size), Err(OutOfRange));
            }
        }
    }

    #[test]
    fn single_proofs_hold() {
        let head = |size| Head { size, root: root(size) };
        for (one, size) in [(0, 1), (3, 5), (6, 7), (255, 256), (256, 300), (299, 300)] {
            let mut inclusion = Single::inclusion(one, size).unwrap();
            let mut consistency = Single::consistency(one, size).unwrap();
            for index in 0..size + 2 {
                inclusion.leaf(leaf(index));
                consistency.leaf(leaf(index));
            }
            let proof = inclusion.proof().unwrap();
            assert!(tree::verify_inclusion(&leaf(one), one, size, &proof, &root(size)));
            let proof = consistency.proof().unwrap();
            assert!(tree::verify_consistency(&head(one), &head(size), &proof));
        }
        assert!(Single::inclusion(5, 5).is_err());
        assert_eq!(Single::inclusion(4, 5).unwrap().proof(), Err(OutOfRange), "no leaves yet");
    }
}
