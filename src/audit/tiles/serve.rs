//! What a running log gives to readers of tiles: only what its published checkpoint covers.

use std::sync::Arc;

use super::{HEIGHT, Kind, Tile};
use crate::audit::shared::{Published, Shared};
use crate::audit::tree::{self, OutOfRange};
use crate::audit::{Audit, AuditError, bundle};

impl Audit {
    /// The checkpoint last published, with every signature that it bears. What [`Audit::tile`] gives is of it, or of
    /// one published since.
    pub fn published(&self) -> Arc<Published> {
        self.shared().published()
    }

    /// The bytes of one tile; `None` where the published checkpoint does not cover all of it. Reads files: call it
    /// where blocking is allowed.
    ///
    /// Every width of a tile is given, not only that of some checkpoint: a narrower tile is a prefix of a wider one.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn tile(&self, tile: &Tile) -> Result<Option<Vec<u8>>, AuditError> {
        let Some(first) = tile.first().filter(|_| tile.is_of(self.published().size)) else {
            return Ok(None);
        };
        let width = usize::from(tile.width);
        let level = match tile.kind {
            Kind::Entries => {
                let mut bytes = Vec::new();
                for entry in read(self.shared(), first, width)? {
                    bundle::add(&mut bytes, &entry).map_err(|_| OutOfRange)?;
                }
                return Ok(Some(bytes));
            }
            Kind::Hashes(0) => {
                let entries = read(self.shared(), first, width)?;
                let leaves = entries.iter().flat_map(|entry| tree::leaf_hash(entry));
                return Ok(Some(leaves.collect()));
            }
            Kind::Hashes(level) => u32::from(level) * HEIGHT,
        };
        let row = self.shared().rows(level, first, width);
        if row.len() == width { Ok(Some(row.concat())) } else { Err(OutOfRange.into()) }
    }
}

fn read(shared: &Shared, first: u64, width: usize) -> Result<Vec<bytes::Bytes>, AuditError> {
    let entries = shared.store.read(first, width)?;
    if entries.len() == width { Ok(entries) } else { Err(OutOfRange.into()) }
}
