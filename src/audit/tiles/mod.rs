//! The log as a tree of files that anyone can read (c2sp.org/tlog-tiles): paths, and which files a tree of a size has.
//!
//! A tile holds 256 hashes of one level, or 256 entries; levels are eight apart, so that one tile is summed up in one
//! hash of the level above. The last of each level holds fewer, and then says so in its path.

mod export;
mod serve;

use std::fmt;

pub use self::export::{Exported, export};
use super::checkpoint::decimal;

/// Hashes or entries of a full tile.
pub const WIDTH: u64 = 256;

/// Levels of the tree between two levels of tiles.
const HEIGHT: u32 = 8;

/// Highest level that a path may name.
const MAX_LEVEL: u8 = 63;

/// Longest path read: the largest number takes seven groups.
const MAX_PATH_BYTES: usize = 64;

/// One file of the tree, whether or not a log has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tile {
    /// What it holds.
    pub kind: Kind,
    /// Number among the tiles of its level, from 0.
    pub number: u64,
    /// How many hashes or entries it holds, 1 to 256.
    pub width: u16,
}

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Hashes of that level of tiles, from 0: 32 bytes each.
    Hashes(u8),
    /// Entries, bundled.
    Entries,
}

impl Tile {
    /// Reads a path such as `tile/0/x001/067.p/5`. Strict: every tile has one path.
    pub fn parse(path: &str) -> Option<Self> {
        let rest = path.strip_prefix("tile/").filter(|_| path.len() <= MAX_PATH_BYTES)?;
        let (kind, rest) = rest.split_once('/')?;
        let kind = match kind {
            "entries" => Kind::Entries,
            level => {
                let level = decimal(level).and_then(|level| u8::try_from(level).ok());
                Kind::Hashes(level.filter(|&level| level <= MAX_LEVEL)?)
            }
        };
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => (number, decimal(width).filter(|&width| width < WIDTH)?),
            None => (rest, WIDTH),
        };
        let number = number.split('/').try_fold(0_u64, |number, group| {
            let group: u64 = group.strip_prefix('x').unwrap_or(group).parse().ok()?;
            number.checked_mul(1000)?.checked_add(group)
        })?;
        let tile =
            Self { kind, number, width: u16::try_from(width).ok().filter(|&width| width > 0)? };
        // Comparing with the one form that is written catches signs, lengths and zeros of all kinds.
        (tile.to_string() == path).then_some(tile)
    }

    /// Index of its first hash among those of its level, or of its first entry; `None` beyond any tree.
    pub fn first(&self) -> Option<u64> {
        self.number.checked_mul(WIDTH)
    }

    /// True when the tree of that size has every hash or entry of the tile.
    pub fn is_of(&self, size: u64) -> bool {
        let end = self.first().and_then(|first| first.checked_add(u64::from(self.width)));
        end.is_some_and(|end| end <= self.kind.count(size))
    }

    /// Every tile of the tree of that size, the partial ones as narrow as they are.
    pub fn all_of(size: u64) -> impl Iterator<Item = Self> {
        let levels = (0..=MAX_LEVEL).map(Kind::Hashes).take_while(move |kind| kind.count(size) > 0);
        let kinds = levels.chain([Kind::Entries]);
        kinds.flat_map(move |kind| {
            let count = kind.count(size);
            let full = (0..count / WIDTH).map(move |number| Self { kind, number, width: 256 });
            let width = u16::try_from(count % WIDTH).unwrap_or_default();
            let partial = (width > 0).then_some(Self { kind, number: count / WIDTH, width });
            full.chain(partial)
        })
    }
}

impl Kind {
    /// How many hashes or entries of this kind the tree of that size has.
    fn count(self, size: u64) -> u64 {
        match self {
            Self::Hashes(level) => size.checked_shr(u32::from(level) * HEIGHT).unwrap_or(0),
            Self::Entries => size,
        }
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Hashes(level) => write!(f, "tile/{level}/")?,
            Kind::Entries => f.write_str("tile/entries/")?,
        }
        let mut power = 1;
        while self.number / power >= 1000 {
            power *= 1000;
        }
        while power > 1 {
            write!(f, "x{:03}/", self.number / power % 1000)?;
            power /= 1000;
        }
        write!(f, "{:03}", self.number % 1000)?;
        if u64::from(self.width) < WIDTH { write!(f, ".p/{}", self.width) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
