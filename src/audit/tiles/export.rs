//! The same files written into a folder: a copy of the log for readers who have none of our programs.

use std::fs;
use std::io;
use std::path::Path;

use super::{HEIGHT, Kind, Tile, WIDTH};
use crate::audit::chain::Chain;
use crate::audit::file::{self, Description};
use crate::audit::frame::Frame;
use crate::audit::store::{StoreError, failed};
use crate::audit::tree::{Growth, Head};
use crate::audit::{AuditError, bundle, checkpoint};
use crate::crypto::Digest;

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The log's name.
    pub origin: String,
    /// The log's key, as in signed notes: whoever reads the copy needs it from a source of their own.
    pub vkey: String,
    /// Entries, as many as the published checkpoint covers.
    pub size: u64,
    /// Root over them.
    pub root: Digest,
    /// Files with hashes or entries.
    pub tiles: u64,
    /// Bytes of all files.
    pub bytes: u64,
}

/// Writes `checkpoint`, `tile/…` and `tile/entries/…` of the log in `folder` into `to`, a new or empty folder, as far
/// as the published checkpoint covers. Memory does not grow with the log. `progress` is told the entries written so
/// far. A log in use may be exported; the checkpoint is written last, so a folder without one is unfinished.
///
/// # Errors
/// When the log is not whole up to its checkpoint, or the files cannot be written.
pub fn export(
    folder: &Path,
    to: &Path,
    progress: &mut dyn FnMut(u64),
) -> Result<Exported, AuditError> {
    let description =
        Description::read(folder)?.ok_or_else(|| AuditError::Missing(folder.to_owned()))?;
    let vkey = description.key().ok_or(AuditError::OtherKey)?;
    let text = file::published(folder)?.ok_or(AuditError::Unpublished)?;
    let head = checkpoint::open(&text, &vkey).map_err(AuditError::Note)?;
    refuse_full(to)?;

    let mut chain = Chain::new(description.epoch);
    let mut tree =
        Files { to, head, levels: Vec::new(), entries: Row::default(), tiles: 0, bytes: 0 };
    // The walk knows damage only; what goes wrong with our own files is kept until it ends.
    let mut wrong = None;
    file::scan::scan(folder, &description, &mut |_, frame| {
        let growth = chain.accept(frame)?;
        if wrong.is_none() && tree.head.size > growth.before().size() {
            wrong = tree.take(frame, &growth).err();
            progress(growth.after().size());
        }
        Ok(())
    })?;
    if let Some(error) = wrong {
        return Err(error);
    }
    if chain.tree().size() < head.size {
        return Err(AuditError::Behind { published: head.size, found: chain.tree().size() });
    }
    tree.finish()?;
    tree.write("checkpoint", text.as_bytes())?;
    let Files { tiles, bytes, .. } = tree;
    let (size, root) = (head.size, head.root);
    Ok(Exported { origin: description.origin, vkey: description.vkey, size, root, tiles, bytes })
}

/// Never writes among other files: what is there could pass for a part of the log.
fn refuse_full(to: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(to).map_err(failed("create", to))?;
    match fs::read_dir(to).map_err(failed("read", to))?.next() {
        None => Ok(()),
        Some(_) => Err(failed("export into", to)(io::ErrorKind::DirectoryNotEmpty.into())),
    }
}

/// The files being written.
struct Files<'a> {
    to: &'a Path,
    head: Head,
    /// The last, unfinished tile of each level.
    levels: Vec<Row>,
    entries: Row,
    tiles: u64,
    bytes: u64,
}

/// A tile that is being filled.
#[derive(Default)]
struct Row {
    bytes: Vec<u8>,
    /// Hashes or entries so far, those of finished tiles too.
    count: u64,
}

impl Files<'_> {
    /// Takes in what one frame added.
    fn take(&mut self, frame: &Frame, growth: &Growth) -> Result<(), AuditError> {
        let size = growth.after().size();
        // Checkpoints are signed at the ends of frames only.
        if size > self.head.size
            || (size == self.head.size && growth.after().root() != self.head.root)
        {
            return Err(AuditError::Forked { published: self.head.size });
        }
        for entry in frame.entries() {
            let added = bundle::add(&mut self.entries.bytes, &entry);
            added.map_err(|_| AuditError::Forked { published: self.head.size })?;
            self.entries.count += 1;
            self.end_row(Kind::Entries)?;
        }
        for level in (0..growth.height()).step_by(HEIGHT as usize) {
            let number = (level / HEIGHT) as usize;
            if self.levels.len() <= number {
                self.levels.resize_with(number + 1, Row::default);
            }
            for hash in growth.completed(level) {
                if let Some(row) = self.levels.get_mut(number) {
                    row.bytes.extend_from_slice(hash);
                    row.count += 1;
                }
                self.end_row(Kind::Hashes(u8::try_from(number).unwrap_or(u8::MAX)))?;
            }
        }
        Ok(())
    }

    fn row(&mut self, kind: Kind) -> Option<&mut Row> {
        match kind {
            Kind::Entries => Some(&mut self.entries),
            Kind::Hashes(level) => self.levels.get_mut(usize::from(level)),
        }
    }

    /// Writes the row's tile when it is full.
    fn end_row(&mut self, kind: Kind) -> Result<(), StoreError> {
        match self.row(kind) {
            Some(row) if row.count.is_multiple_of(WIDTH) => {
                let (number, bytes) = (row.count / WIDTH - 1, std::mem::take(&mut row.bytes));
                self.write_tile(Tile { kind, number, width: 256 }, &bytes)
            }
            _ => Ok(()),
        }
    }

    /// Writes the tiles that stayed partial.
    fn finish(&mut self) -> Result<(), StoreError> {
        let partial: Vec<Tile> =
            Tile::all_of(self.head.size).filter(|tile| u64::from(tile.width) < WIDTH).collect();
        for tile in partial {
            let bytes = self.row(tile.kind).map(|row| std::mem::take(&mut row.bytes));
            self.write_tile(tile, &bytes.unwrap_or_default())?;
        }
        Ok(())
    }

    fn write_tile(&mut self, tile: Tile, bytes: &[u8]) -> Result<(), StoreError> {
        self.tiles += 1;
        self.write(&tile.to_string(), bytes)
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.to.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed("create", folder))?;
        }
        fs::write(&path, bytes).map_err(failed("write", &path))?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}
