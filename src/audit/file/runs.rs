//! Cuts one segment into runs of whole frames, to be checked elsewhere, and judges what lies behind the last of them.
//! Never holds more of the file than one run.

use std::path::PathBuf;

use bytes::Bytes;

use super::disk::{Disk, DiskFile, Mode};
use super::torn::is_torn;
use crate::audit::frame::{BLOCK, Frame, FrameError, MAX_FRAME_BYTES};
use crate::audit::hashed::Run;
use crate::audit::store::{Damage, StoreError, failed};

/// Bytes read at once: enough to keep a core busy for a millisecond, little enough to hold several.
const RUN_BYTES: u64 = 512 << 10;

static ZEROS: [u8; BLOCK] = [0; BLOCK];

/// A segment, read from front to back.
pub(in crate::audit) struct Runs {
    file: Box<dyn DiskFile>,
    path: PathBuf,
    length: u64,
    next: u64,
}

/// What comes next.
pub(in crate::audit) enum Step {
    /// Frames, by what their headers say.
    Run(Run),
    /// No frame begins here, for this reason.
    End(FrameError),
}

/// What lies behind the last frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::audit) enum Tail {
    /// Zeros to the end of the file.
    Clean,
    /// Something that a write cut short can have left: these bytes, without the zeros after them.
    Torn(Bytes),
}

impl Runs {
    /// Opens a segment whose first block must be the one that `header` makes of the file's length.
    pub(in crate::audit) fn open(
        disk: &dyn Disk,
        path: PathBuf,
        header: impl FnOnce(u64) -> Bytes,
    ) -> Result<Self, StoreError> {
        let file = disk.open(&path, Mode::Read).map_err(failed("open", &path))?;
        let length = file.length().map_err(failed("read", &path))?;
        let runs = Self { file, path, length, next: BLOCK as u64 };
        if length < BLOCK as u64 || !length.is_multiple_of(BLOCK as u64) {
            return Err(runs.damaged(0, Damage::SegmentHeader));
        }
        match runs.read(0, BLOCK as u64)? == header(length) {
            true => Ok(runs),
            false => Err(runs.damaged(0, Damage::SegmentHeader)),
        }
    }

    /// Bytes of the file.
    pub(in crate::audit) fn length(&self) -> u64 {
        self.length
    }

    pub(in crate::audit) fn damaged(&self, offset: u64, source: Damage) -> StoreError {
        StoreError::Damaged { path: self.path.clone(), offset, source }
    }

    pub(in crate::audit) fn path(&self) -> &PathBuf {
        &self.path
    }

    /// Goes on from there.
    pub(in crate::audit) fn go_to(&mut self, offset: u64) {
        self.next = offset;
    }

    pub(in crate::audit) fn next(&mut self) -> Result<Step, StoreError> {
        let missing = self.length.saturating_sub(self.next);
        if missing == 0 {
            return Ok(Step::End(FrameError::Absent));
        }
        let mut bytes = self.read(self.next, missing.min(RUN_BYTES))?;
        let mut end = 0;
        let mut flaw = FrameError::Absent;
        while let Some(rest) = bytes.get(end..).filter(|rest| !rest.is_empty()) {
            match Frame::peek(rest) {
                Ok(peeked) if peeked.bytes <= rest.len() => end += peeked.bytes,
                Ok(peeked) if end == 0 && peeked.bytes as u64 <= missing => {
                    bytes = self.read(self.next, peeked.bytes as u64)?;
                    end = peeked.bytes;
                }
                Ok(_) => {
                    flaw = FrameError::Lengths;
                    break;
                }
                Err(found) => {
                    flaw = found;
                    break;
                }
            }
        }
        if end == 0 {
            return Ok(Step::End(flaw));
        }
        bytes.truncate(end);
        let run = Run { offset: self.next, bytes: Bytes::from(bytes) };
        self.next += end as u64;
        Ok(Step::Run(run))
    }

    /// True when a whole frame begins there.
    pub(in crate::audit) fn has_frame(&self, offset: u64) -> Result<bool, StoreError> {
        let missing = self.length.saturating_sub(offset);
        let block = self.read(offset, missing.min(BLOCK as u64))?;
        match Frame::peek(&block) {
            Ok(peeked) if peeked.bytes as u64 <= missing => {
                let bytes = self.read(offset, peeked.bytes as u64)?;
                Ok(Frame::parse(&Bytes::from(bytes)).is_ok())
            }
            Ok(_) | Err(_) => Ok(false),
        }
    }

    /// Judges what begins at `end`, which is no frame because of `flaw`.
    ///
    /// It is the log's end when no frame follows it: the writer begins no frame before the one in front is durable, so
    /// a write cut short is always the last thing in the log. Everything else is damage.
    pub(in crate::audit) fn tail(&self, end: u64, flaw: FrameError) -> Result<Tail, StoreError> {
        let mut last = None;
        let mut at = end;
        while at < self.length {
            let bytes = self.read(at, (self.length - at).min(RUN_BYTES))?;
            for (offset, block) in (at..).step_by(BLOCK).zip(bytes.chunks(BLOCK)) {
                // Most of a segment is zeros: looked at a block at a time.
                if ZEROS.get(..block.len()) == Some(block) {
                    continue;
                }
                let in_block = block.iter().rposition(|&byte| byte != 0).unwrap_or_default();
                last = Some(offset + in_block as u64);
                let may_begin = offset > end && Frame::peek(block).is_ok();
                if may_begin && self.has_frame(offset)? {
                    return Err(self.damaged(end, Damage::Frame(flaw)));
                }
            }
            at += bytes.len() as u64;
        }
        let Some(last) = last else { return Ok(Tail::Clean) };
        if matches!(flaw, FrameError::Version(_)) {
            // A version that is neither old nor new is a newer program's frame.
            return Err(self.damaged(end, Damage::Frame(flaw)));
        }
        if last - end >= MAX_FRAME_BYTES as u64 {
            return Err(self.damaged(end, Damage::Stray));
        }
        let room = self.length - end;
        let rest = Bytes::from(self.read(end, room.min(MAX_FRAME_BYTES as u64))?);
        let last = (last - end) as usize;
        match is_torn(&rest, last, room) {
            true => Ok(Tail::Torn(rest.slice(..=last))),
            false => Err(self.damaged(end, Damage::Changed(flaw))),
        }
    }

    fn read(&self, offset: u64, count: u64) -> Result<Vec<u8>, StoreError> {
        let mut bytes = vec![0; usize::try_from(count).unwrap_or(usize::MAX)];
        self.file.read_exact_at(&mut bytes, offset).map_err(failed("read", &self.path))?;
        Ok(bytes)
    }
}

/// True when the file still holds these bytes there, and only zeros behind them.
pub(in crate::audit) fn ends_with(
    disk: &dyn Disk,
    path: &PathBuf,
    offset: u64,
    bytes: &[u8],
) -> Result<bool, StoreError> {
    let file = disk.open(path, Mode::Read).map_err(failed("open", path))?;
    let length = file.length().map_err(failed("read", path))?;
    let runs = Runs { file, path: path.clone(), length, next: 0 };
    let end = offset + bytes.len() as u64;
    if end > length || runs.read(offset, bytes.len() as u64)? != bytes {
        return Ok(false);
    }
    let mut at = end;
    while at < length {
        let rest = runs.read(at, (length - at).min(RUN_BYTES))?;
        if rest.iter().any(|&byte| byte != 0) {
            return Ok(false);
        }
        at += rest.len() as u64;
    }
    Ok(true)
}
