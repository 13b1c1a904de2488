//! The same files written into a folder: a copy of the log for readers who have none of our programs.

use std::fs;
use std::io;
use std::path::Path;

use super::{HEIGHT, Kind, Tile, WIDTH};
use crate::audit::file::disk::Local;
use crate::audit::note::Note;
use crate::audit::store::{StoreError, failed};
use crate::audit::tree::{self, Frontier};
use crate::audit::verify::Expected;
use crate::audit::walk::walk;
use crate::audit::{AuditError, bundle, checkpoint, file};
use crate::crypto::Digest;

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The log's name.
    pub origin: String,
    /// The key that signed the checkpoint, as in signed notes, which need not be the log's first: whoever reads the copy
    /// needs it from a source of their own.
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
/// as the published checkpoint covers. The log is verified on the way. Memory does not grow with it. `progress` is
/// told the entries written so far. A log in use may be exported; the checkpoint is written last, so a folder without
/// one is unfinished.
///
/// # Errors
/// When the log is not whole, or the files cannot be written.
pub fn export(
    folder: &Path,
    to: &Path,
    progress: &mut dyn FnMut(u64),
) -> Result<Exported, AuditError> {
    let text = file::published(&Local, folder)?.ok_or(AuditError::Unpublished)?;
    let note = Note::parse(&text).map_err(AuditError::Note)?;
    let (_, head) = checkpoint::read(note.text).map_err(AuditError::Note)?;
    refuse_full(to)?;

    let mut files = Files::new(to);
    let mut tree = Frontier::default();
    // The walk knows damage only; what goes wrong with our own files is kept until it ends.
    let mut wrong = None;
    // It also sees to it that this very checkpoint is the log's.
    let expected = Expected { since: Some(&text), ..Expected::default() };
    let verified = walk(folder, expected, &mut |seen| {
        if wrong.is_none() && seen.index < head.size {
            wrong = files.take(&mut tree, seen.bytes).err();
            progress(tree.size());
        }
    })?;
    if let Some(error) = wrong {
        return Err(error.into());
    }
    if (tree.size(), tree.root()) != (head.size, head.root) {
        return Err(AuditError::ReadBack { size: head.size });
    }
    files.finish(head.size)?;
    files.write("checkpoint", text.as_bytes())?;
    let Files { tiles, bytes, .. } = files;
    let (size, root) = (head.size, head.root);
    Ok(Exported {
        origin: verified.origin,
        vkey: verified.published_vkey,
        size,
        root,
        tiles,
        bytes,
    })
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

impl<'a> Files<'a> {
    fn new(to: &'a Path) -> Self {
        Self { to, levels: Vec::new(), entries: Row::default(), tiles: 0, bytes: 0 }
    }

    /// Takes in one more entry.
    fn take(&mut self, tree: &mut Frontier, entry: &[u8]) -> Result<(), StoreError> {
        let too_long = |_| failed("export into", self.to)(io::ErrorKind::InvalidData.into());
        bundle::add(&mut self.entries.bytes, entry).map_err(too_long)?;
        self.entries.count += 1;
        self.end_row(Kind::Entries)?;
        let mut grown = Vec::new();
        tree.push(tree::leaf_hash(entry), |node, hash| {
            if node.level.is_multiple_of(HEIGHT) {
                grown.push(hash);
            }
        });
        for (level, hash) in (0..).zip(grown) {
            let number = usize::from(level);
            if self.levels.len() <= number {
                self.levels.resize_with(number + 1, Row::default);
            }
            if let Some(row) = self.levels.get_mut(number) {
                row.bytes.extend_from_slice(&hash);
                row.count += 1;
            }
            self.end_row(Kind::Hashes(level))?;
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
    fn finish(&mut self, size: u64) -> Result<(), StoreError> {
        let partial: Vec<Tile> =
            Tile::all_of(size).filter(|tile| u64::from(tile.width) < WIDTH).collect();
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
