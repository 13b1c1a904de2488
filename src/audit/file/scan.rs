//! Reads a log's segments in order, changes nothing. Opening and verifying both begin here.

use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::disk::Disk;
use super::segment::{self, Tail};
use super::whole::read;
use super::{Description, WAL};
use crate::audit::frame::{BLOCK, Frame};
use crate::audit::store::{Damage, StoreError, failed};

/// A segment that was read.
pub(in crate::audit) struct Segment {
    pub(in crate::audit) number: u64,
    /// Length of the file.
    pub(in crate::audit) size: usize,
    /// Where the next frame would go.
    pub(in crate::audit) end: usize,
}

/// What lies in a log's folder.
pub(in crate::audit) struct Scan {
    /// Segments that hold frames, in order.
    pub(in crate::audit) filled: Vec<Segment>,
    /// Numbers of segments made ahead and not used yet.
    pub(in crate::audit) ahead: Vec<u64>,
    /// What a write cut short left behind the last frame.
    pub(in crate::audit) torn: Option<Torn>,
}

/// What a write cut short left, and where.
pub(in crate::audit) struct Torn {
    pub(in crate::audit) path: PathBuf,
    pub(in crate::audit) offset: u64,
    pub(in crate::audit) bytes: Bytes,
}

/// Where a frame lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::audit) struct Place {
    pub(in crate::audit) segment: u64,
    pub(in crate::audit) offset: u64,
}

/// Name of a segment's file.
pub(in crate::audit) fn name(number: u64) -> String {
    format!("{number:016x}.wal")
}

/// Visits every frame with its place.
pub(in crate::audit) fn scan(
    disk: &dyn Disk,
    folder: &Path,
    description: &Description,
    visit: &mut dyn FnMut(Place, &Frame) -> Result<(), Damage>,
) -> Result<Scan, StoreError> {
    let wal = folder.join(WAL);
    let mut found = Scan { filled: Vec::new(), ahead: Vec::new(), torn: None };
    for (expected, number) in (1..).zip(numbers(disk, &wal)?) {
        let path = wal.join(name(number));
        let damaged = |(offset, source)| StoreError::Damaged {
            path: path.clone(),
            offset: offset as u64,
            source,
        };
        if number != expected {
            return Err(damaged((0, Damage::SegmentMissing(expected))));
        }
        let bytes = read(disk, &path)?;
        let header = segment::header(description, number, bytes.len() as u64);
        let mut place = |offset: usize, frame: &Frame| {
            visit(Place { segment: number, offset: offset as u64 }, frame)
        };
        let walked = segment::walk(&bytes, &header, &mut place).map_err(damaged)?;
        let is_used = walked.end > BLOCK || walked.tail != Tail::Clean;
        // A segment is begun only when every frame of those before it is durable.
        if let (true, Some(torn)) = (is_used, &found.torn) {
            let (path, offset) = (torn.path.clone(), torn.offset);
            return Err(StoreError::Damaged { path, offset, source: Damage::Stray });
        }
        if is_used && !found.ahead.is_empty() {
            return Err(damaged((BLOCK, Damage::Stray)));
        }
        if is_used {
            found.filled.push(Segment { number, size: bytes.len(), end: walked.end });
        } else {
            found.ahead.push(number);
        }
        if let Tail::Torn(bytes) = walked.tail {
            found.torn = Some(Torn { path, offset: walked.end as u64, bytes });
        }
    }
    Ok(found)
}

fn numbers(disk: &dyn Disk, wal: &Path) -> Result<Vec<u64>, StoreError> {
    let names = disk.list(wal).map_err(failed("read", wal))?;
    let number = |name: &String| u64::from_str_radix(name.strip_suffix(".wal")?, 16).ok();
    let mut numbers: Vec<u64> = names.iter().filter_map(number).collect();
    numbers.sort_unstable();
    Ok(numbers)
}
