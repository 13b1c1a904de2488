//! Reads a log's segments in order, changes nothing. Opening and verifying both begin here.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use bytes::Bytes;

use super::disk::Disk;
use super::runs::{self, Runs, Step, Tail};
use super::segment;
use super::{Description, WAL};
use crate::audit::frame::{BLOCK, FrameError};
use crate::audit::hashed::{Depth, Pool, with_pool};
use crate::audit::store::{Damage, Place, StoreError, Visit, failed};

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

/// How long the copying of the last bytes of a frame into the system's memory may take, when its thread is interrupted.
const WRITTEN_IN: Duration = Duration::from_millis(2);

/// Name of a segment's file.
pub(in crate::audit) fn name(number: u64) -> String {
    format!("{number:016x}.wal")
}

/// What a scan looks at.
#[derive(Clone, Copy, Debug)]
pub(in crate::audit) struct Extent {
    /// Whole segments at the beginning that are known: of these only length and header are looked at.
    pub(in crate::audit) known: u64,
    /// How much is made of each frame.
    pub(in crate::audit) depth: Depth,
}

impl Extent {
    /// Everything.
    pub(in crate::audit) fn whole(depth: Depth) -> Self {
        Self { known: 0, depth }
    }
}

/// Visits every frame with its place.
pub(in crate::audit) fn scan(
    disk: &dyn Disk,
    folder: &Path,
    description: &Description,
    extent: Extent,
    visit: &mut Visit<'_>,
) -> Result<Scan, StoreError> {
    let wal = folder.join(WAL);
    let numbers = numbers(disk, &wal)?;
    let scanned = with_pool(extent.depth, |pool| {
        let found = Scan { filled: Vec::new(), ahead: Vec::new(), torn: None };
        let mut scanner = Scanner { disk, wal: &wal, description, pool, visit, found };
        let mut missing = 1;
        for (position, &number) in numbers.iter().enumerate() {
            if number != missing {
                let (path, source) = (wal.join(name(number)), Damage::SegmentMissing(missing));
                return Err(StoreError::Damaged { path, offset: 0, source });
            }
            missing += 1;
            let runs = scanner.open(number)?;
            if number <= extent.known {
                let (size, end) = (runs.length() as usize, runs.length() as usize);
                scanner.found.filled.push(Segment { number, size, end });
            } else {
                scanner.segment(number, runs, numbers.get(position + 1).copied())?;
            }
        }
        if extent.known > 0 && missing <= extent.known + 1 {
            let (path, source) = (wal.join(name(missing)), Damage::SegmentMissing(missing));
            return Err(StoreError::Damaged { path, offset: 0, source });
        }
        Ok(scanner.found)
    });
    scanned.map_err(failed("start threads for", folder))?
}

/// Visits every frame with its place, for tests that want no more of it.
#[cfg(test)]
pub(in crate::audit) fn frames(
    disk: &dyn Disk,
    folder: &Path,
    description: &Description,
    visit: &mut dyn FnMut(Place, &crate::audit::frame::Frame) -> Result<(), Damage>,
) -> Result<Scan, StoreError> {
    let extent = Extent::whole(Depth::Hashes);
    scan(disk, folder, description, extent, &mut |place, hashed| visit(place, &hashed.frame))
}

/// A scan under way.
struct Scanner<'a, 'b> {
    disk: &'a dyn Disk,
    wal: &'a Path,
    description: &'a Description,
    pool: &'a mut Pool,
    visit: &'a mut Visit<'b>,
    found: Scan,
}

impl Scanner<'_, '_> {
    fn open(&self, number: u64) -> Result<Runs, StoreError> {
        let header = |length| segment::header(self.description, number, length);
        Runs::open(self.disk, self.wal.join(name(number)), header)
    }

    fn segment(
        &mut self,
        number: u64,
        mut runs: Runs,
        following: Option<u64>,
    ) -> Result<(), StoreError> {
        // A segment is begun only when every frame of those before it is durable.
        if let Some(torn) = self.found.torn.as_ref()
            && runs.has_frame(BLOCK as u64)?
        {
            let (path, offset) = (torn.path.clone(), torn.offset);
            return Err(StoreError::Damaged { path, offset, source: Damage::Stray });
        }
        let mut end = BLOCK as u64;
        let mut looked_again = None;
        let tail = loop {
            let flaw = self.frames(number, &mut runs, &mut end)?;
            let judged = runs.tail(end, flaw);
            // Once for each place: what is there the second time is what lies there.
            if looked_again == Some(end) || !self.goes_on(&runs, end, &judged, following)? {
                break judged?;
            }
            looked_again = Some(end);
            runs.go_to(end);
        };
        let is_used = end > BLOCK as u64 || tail != Tail::Clean;
        if let (true, Some(torn)) = (is_used, &self.found.torn) {
            let (path, offset) = (torn.path.clone(), torn.offset);
            return Err(StoreError::Damaged { path, offset, source: Damage::Stray });
        }
        if is_used && !self.found.ahead.is_empty() {
            return Err(runs.damaged(BLOCK as u64, Damage::Stray));
        }
        if is_used {
            let (size, end) = (runs.length() as usize, end as usize);
            self.found.filled.push(Segment { number, size, end });
        } else {
            self.found.ahead.push(number);
        }
        if let Tail::Torn(bytes) = tail {
            self.found.torn = Some(Torn { path: runs.path().clone(), offset: end, bytes });
        }
        Ok(())
    }

    /// True when a frame lies there by now, and a writer at work can be why it was not seen: it was half written when it
    /// was read, or more were written before the segment's end was judged; or the writer has begun the next segment.
    fn goes_on(
        &self,
        runs: &Runs,
        end: u64,
        judged: &Result<Tail, StoreError>,
        following: Option<u64>,
    ) -> Result<bool, StoreError> {
        match (judged, following) {
            (Ok(_), None) => Ok(false),
            (Ok(_), Some(next)) => {
                Ok(self.open(next)?.has_frame(BLOCK as u64)? && runs.has_frame(end)?)
            }
            (Err(StoreError::Damaged { source, .. }), _) => {
                // What has a frame behind it was finished before that one was begun.
                let may_be_written = matches!(source, Damage::Changed(_));
                if may_be_written && !runs.has_frame(end)? {
                    thread::sleep(WRITTEN_IN);
                }
                runs.has_frame(end)
            }
            (Err(_), _) => Ok(false),
        }
    }

    /// Visits the frames that follow `end`, which moves on; says why there is no further one.
    fn frames(
        &mut self,
        segment: u64,
        runs: &mut Runs,
        end: &mut u64,
    ) -> Result<FrameError, StoreError> {
        let mut last = None;
        loop {
            while last.is_none() && self.pool.has_room() {
                match runs.next()? {
                    Step::Run(run) => {
                        self.pool.submit(run).map_err(failed("check", runs.path()))?;
                    }
                    Step::End(flaw) => last = Some(flaw),
                }
            }
            let checked = self.pool.next().map_err(failed("check", runs.path()))?;
            let Some(checked) = checked else { return Ok(last.unwrap_or(FrameError::Absent)) };
            for (offset, mut hashed) in checked.frames {
                let length = hashed.frame.bytes().len() as u64;
                (self.visit)(Place { segment, offset }, &mut hashed)
                    .map_err(|damage| runs.damaged(offset, damage))?;
                *end = offset + length;
            }
            if let Some(flaw) = checked.flaw {
                self.pool.discard();
                return Ok(flaw);
            }
        }
    }
}

/// True when the file still ends with what looked torn: a writer at work would have changed it.
pub(in crate::audit) fn still_ends_with(disk: &dyn Disk, torn: &Torn) -> Result<bool, StoreError> {
    runs::ends_with(disk, &torn.path, torn.offset, &torn.bytes)
}

fn numbers(disk: &dyn Disk, wal: &Path) -> Result<Vec<u64>, StoreError> {
    let names = disk.list(wal).map_err(failed("read", wal))?;
    let number = |file: &String| {
        let number = u64::from_str_radix(file.strip_suffix(".wal")?, 16).ok()?;
        // Other spellings of a number are no segments.
        (*file == name(number)).then_some(number)
    };
    let mut numbers: Vec<u64> = names.iter().filter_map(number).collect();
    numbers.sort_unstable();
    Ok(numbers)
}
