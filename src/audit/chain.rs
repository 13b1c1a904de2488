//! How frames follow each other. Writing, recovery and verification all go through here.

use thiserror::Error;

use super::frame::{Content, Frame, FrameError, Header};
use super::tree::{self, Frontier, Growth, Head, Node};
use crate::crypto::Digest;
use crate::query::time::Timestamp;

/// The end of a log: what the next frame must join.
#[derive(Clone, Debug)]
pub struct Chain {
    epoch: u64,
    frames: u64,
    at: Timestamp,
    tree: Frontier,
    /// Of `tree`.
    root: Digest,
}

/// Where a frame does not join.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Break {
    /// Of another writer.
    #[error("the frame is of epoch {found}, the log of epoch {expected}")]
    Epoch {
        /// The log's.
        expected: u64,
        /// The frame's.
        found: u64,
    },
    /// A frame is missing or stands twice.
    #[error("frame {found} stands where frame {expected} should")]
    Number {
        /// The number that comes next.
        expected: u64,
        /// The frame's.
        found: u64,
    },
    /// Its entries do not follow those before.
    #[error("the frame begins with entry {found}, the log goes on with entry {expected}")]
    Index {
        /// The index that comes next.
        expected: u64,
        /// The frame's.
        found: u64,
    },
    /// Time went backwards.
    #[error("the frame is older than the frame before it")]
    Time,
    /// The tree before the frame is another.
    #[error("the frame's root before it is not the log's root")]
    RootBefore,
    /// The entries do not hash to the root.
    #[error("the frame's entries do not give its root")]
    RootAfter,
}

impl Chain {
    /// An empty log.
    pub fn new(epoch: u64) -> Self {
        Self::resume(epoch, 0, Timestamp(0), Frontier::default())
    }

    /// A log of so many frames, the last of that time.
    pub fn resume(epoch: u64, frames: u64, at: Timestamp, tree: Frontier) -> Self {
        let root = tree.root();
        Self { epoch, frames, at, tree, root }
    }

    /// Size and root so far.
    pub fn head(&self) -> Head {
        Head { size: self.tree.size(), root: self.root }
    }

    /// Time of the last frame.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// The tree so far.
    pub fn tree(&self) -> &Frontier {
        &self.tree
    }

    /// Number of frames so far.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Makes the frame that comes next. The chain itself moves on with [`Chain::follow`] only, once it is durable.
    ///
    /// # Errors
    /// When the entries make no frame.
    pub fn next(
        &self,
        contents: &[Content],
        leaves: Vec<Digest>,
        now: Timestamp,
    ) -> Result<(Frame, Growth), FrameError> {
        let growth = Growth::new(self.tree.clone(), leaves);
        let header = Header {
            epoch: self.epoch,
            number: self.frames + 1,
            first_index: self.tree.size(),
            at: now.max(self.at),
            root_before: self.root,
            root_after: growth.after().root(),
        };
        Ok((Frame::new(header, contents)?, growth))
    }

    /// Checks that a frame read back joins, and moves on.
    ///
    /// # Errors
    /// When it does not; the chain stays where it was.
    pub fn accept(&mut self, frame: &Frame) -> Result<Growth, Break> {
        let header = frame.header();
        self.joins(header)?;
        let leaves = frame.slices().map(tree::leaf_hash);
        let growth = Growth::new(self.tree.clone(), leaves);
        if header.root_after != growth.after().root() {
            return Err(Break::RootAfter);
        }
        self.follow(frame, &growth);
        Ok(growth)
    }

    /// The same for a frame whose leaves are hashed; tells of every subtree that they complete. After an error the
    /// chain is not to be used again.
    ///
    /// # Errors
    /// When the frame does not join.
    pub fn advance(
        &mut self,
        header: &Header,
        leaves: &[Digest],
        mut completed: impl FnMut(Node, Digest),
    ) -> Result<(), Break> {
        self.joins(header)?;
        for leaf in leaves {
            self.tree.push(*leaf, &mut completed);
        }
        self.root = self.tree.root();
        if header.root_after != self.root {
            return Err(Break::RootAfter);
        }
        self.frames = header.number;
        self.at = header.at;
        Ok(())
    }

    fn joins(&self, header: &Header) -> Result<(), Break> {
        if header.epoch != self.epoch {
            return Err(Break::Epoch { expected: self.epoch, found: header.epoch });
        }
        if header.number != self.frames + 1 {
            return Err(Break::Number { expected: self.frames + 1, found: header.number });
        }
        if header.first_index != self.tree.size() {
            return Err(Break::Index { expected: self.tree.size(), found: header.first_index });
        }
        if header.at < self.at {
            return Err(Break::Time);
        }
        if header.root_before != self.root {
            return Err(Break::RootBefore);
        }
        Ok(())
    }

    /// Moves on over a frame that [`Chain::next`] made.
    pub fn follow(&mut self, frame: &Frame, growth: &Growth) {
        self.frames = frame.header().number;
        self.at = frame.header().at;
        self.tree = growth.after().clone();
        self.root = frame.header().root_after;
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn grow(chain: &mut Chain, entry: &'static [u8], at: u64) -> Frame {
        let leaves = vec![tree::leaf_hash(entry)];
        let (frame, growth) =
            chain.next(&[Content::bare(Bytes::from_static(entry))], leaves, Timestamp(at)).unwrap();
        chain.follow(&frame, &growth);
        frame
    }

    #[test]
    fn what_was_written_joins_and_nothing_else() {
        let mut chain = Chain::new(1);
        let frames =
            [grow(&mut chain, b"a", 9), grow(&mut chain, b"b", 8), grow(&mut chain, b"c", 9)];
        let mut reader = Chain::new(1);
        frames.iter().for_each(|frame| drop(reader.accept(frame).unwrap()));
        assert_eq!(reader.tree(), chain.tree());

        let mut reader = Chain::new(1);
        assert!(matches!(reader.accept(&frames[1]), Err(Break::Number { .. })));
        reader.accept(&frames[0]).unwrap();
        assert!(matches!(reader.accept(&frames[0]), Err(Break::Number { .. })));
        assert!(matches!(Chain::new(2).accept(&frames[0]), Err(Break::Epoch { .. })));

        let mut other = Chain::new(1);
        grow(&mut other, b"x", 9);
        assert_eq!(reader.accept(&grow(&mut other, b"b", 9)).unwrap_err(), Break::RootBefore);
    }

    #[test]
    fn a_false_root_or_time_is_seen() {
        let chain = Chain::new(1);
        let entries = [Content::bare(Bytes::from_static(b"a"))];
        let (frame, _) = chain.next(&entries, vec![[0; 32]], Timestamp(9)).unwrap();
        assert_eq!(Chain::new(1).accept(&frame).unwrap_err(), Break::RootAfter);

        let mut chain = Chain::new(1);
        grow(&mut chain, b"a", 9);
        let leaves = vec![tree::leaf_hash(b"a")];
        let (frame, _) = chain.next(&entries, leaves, Timestamp(9)).unwrap();
        let older = Header { at: Timestamp(8), ..frame.header().clone() };
        let frame = Frame::new(older, &entries).unwrap();
        assert_eq!(chain.accept(&frame).unwrap_err(), Break::Time);
    }
}
