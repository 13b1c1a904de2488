//! One segment file: a header block, then frames, then zeros. Made whole before it is used, never made shorter.

use std::path::Path;

use bytes::{BufMut, Bytes, BytesMut};

use super::Description;
use super::disk::{Disk, DiskFile, Mode};
use crate::audit::frame::{BLOCK, Frame, FrameError, MAX_FRAME_BYTES};
use crate::audit::store::{Damage, StoreError, failed};
use crate::crypto::sha256;

const MAGIC: &[u8; 4] = b"HYS1";
const VERSION: u8 = 1;
const HEADER_BYTES: usize = 68;
static ZEROS: [u8; 1 << 16] = [0; 1 << 16];

/// The first block: `"HYS1"`, u8 version, u8 0, u16 header length, u64 epoch, u64 number, u64 bytes of the file,
/// SHA-256 of the origin, CRC-32C of all before it; then zeros.
pub(super) fn header(description: &Description, number: u64, size: u64) -> Bytes {
    let mut block = BytesMut::with_capacity(BLOCK);
    block.put_slice(MAGIC);
    block.put_u8(VERSION);
    block.put_u8(0);
    block.put_u16(HEADER_BYTES as u16);
    block.put_u64(description.epoch);
    block.put_u64(number);
    block.put_u64(size);
    block.put_slice(&sha256(description.origin.as_bytes()));
    let checksum = crc32c::crc32c(&block);
    block.put_u32(checksum);
    block.resize(BLOCK, 0);
    block.freeze()
}

/// What lies behind the last frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// Zeros to the end of the file.
    Clean,
    /// Something that a write cut short can have left: these bytes, without the zeros after them.
    Torn(Bytes),
}

/// What a walk over one segment found.
pub(super) struct Walked {
    /// Where the next frame goes.
    pub(super) end: usize,
    /// What is there.
    pub(super) tail: Tail,
}

/// A flaw and where it is.
pub(super) type Flaw = (usize, Damage);

/// Visits the frames of one segment, with the place of each.
///
/// An invalid frame is the end when nothing valid follows it: the writer begins no frame before the one in front is
/// durable, so a write cut short is always the last thing in the log. Everything else is damage.
pub(super) fn walk(
    bytes: &Bytes,
    expected_header: &[u8],
    visit: &mut dyn FnMut(usize, &Frame) -> Result<(), Damage>,
) -> Result<Walked, Flaw> {
    if bytes.get(..BLOCK) != Some(expected_header) || !bytes.len().is_multiple_of(BLOCK) {
        return Err((0, Damage::SegmentHeader));
    }
    let mut end = BLOCK;
    let flaw = loop {
        if end >= bytes.len() {
            return Ok(Walked { end, tail: Tail::Clean });
        }
        match Frame::parse(&bytes.slice(end..)) {
            Ok(frame) => {
                visit(end, &frame).map_err(|damage| (end, damage))?;
                end += frame.bytes().len();
            }
            Err(flaw) => break flaw,
        }
    };
    let rest = bytes.slice(end..);
    let Some(last) = last_byte(&rest) else {
        return Ok(Walked { end, tail: Tail::Clean });
    };
    let goes_on = (BLOCK..rest.len())
        .step_by(BLOCK)
        .take_while(|&offset| offset <= last)
        .any(|offset| Frame::parse(&rest.slice(offset..)).is_ok());
    match flaw {
        flaw if goes_on => Err((end, Damage::Frame(flaw))),
        // A version that is neither old nor new is a newer program's frame.
        flaw @ FrameError::Version(_) => Err((end, Damage::Frame(flaw))),
        _ if last >= MAX_FRAME_BYTES => Err((end, Damage::Stray)),
        flaw if !is_torn(&rest, last) => Err((end, Damage::Changed(flaw))),
        _ => Ok(Walked { end, tail: Tail::Torn(rest.slice(..=last)) }),
    }
}

/// What a disk writes whole or not at all, in bytes, at the least: a line of memory. Sectors are larger.
const ATOM: usize = 64;

/// Where a frame's header states its lengths.
const LENGTHS: std::ops::Range<usize> = 36..48;

/// True when a write cut short can have left this: at least one atom is zero as it was before, and each other is as
/// it was meant to be, as far as its header tells. `last` is the place of the last byte that is not zero.
fn is_torn(rest: &Bytes, last: usize) -> bool {
    let is_zero = |atom: &[u8]| atom.iter().all(|&byte| byte == 0);
    if rest.get(..ATOM).is_some_and(is_zero) {
        return true;
    }
    // The lengths stand in the first atom.
    let Ok(frame) = Frame::peek(rest) else { return false };
    let written = rest.get(..frame.filled).unwrap_or(rest);
    frame.bytes <= rest.len()
        && last < frame.filled
        && written.chunks(ATOM).any(is_zero)
        && !is_whole_but_for_its_lengths(rest, last)
}

/// A frame whose length alone was changed looks like a longer one that was cut short.
fn is_whole_but_for_its_lengths(rest: &Bytes, last: usize) -> bool {
    let end = (last + 1).next_multiple_of(BLOCK).min(rest.len());
    let Some(frame) = rest.get(..end) else { return false };
    LENGTHS.flat_map(|place| (0..8).map(move |bit| (place, 1 << bit))).any(|(place, bit)| {
        let mut other = frame.to_vec();
        other.get_mut(place).is_some_and(|byte| {
            *byte ^= bit;
            true
        }) && Frame::parse(&Bytes::from(other)).is_ok()
    })
}

/// Place of the last byte that is not zero. Looks at whole blocks first: most of a segment is zeros.
fn last_byte(bytes: &[u8]) -> Option<usize> {
    let is_zero = |block: &[u8]| ZEROS.get(..block.len()) == Some(block);
    let block = bytes.chunks(BLOCK).rposition(|block| !is_zero(block))?;
    let in_block = bytes.chunks(BLOCK).nth(block)?.iter().rposition(|&byte| byte != 0)?;
    Some(block * BLOCK + in_block)
}

/// Makes a segment under its final name, durably: content, file, folder. `frames` are bytes to begin with.
///
/// Zeros are written, not only reserved, so that a later flush has no metadata to write and cannot run out of space.
pub(super) fn make(
    disk: &dyn Disk,
    wal: &Path,
    name: &str,
    header: &[u8],
    size: u64,
    frames: &[u8],
) -> Result<Box<dyn DiskFile>, StoreError> {
    let names = disk.open_folder(wal).map_err(failed("open", wal))?;
    let (path, unfinished) = (wal.join(name), wal.join(format!("{name}.new")));
    let file = disk.open(&unfinished, Mode::Create).map_err(failed("create", &unfinished))?;
    let write = || {
        file.write_all_at(header, 0)?;
        file.write_all_at(frames, header.len() as u64)?;
        let mut end = (header.len() + frames.len()) as u64;
        while end < size {
            let count = usize::try_from(size - end).unwrap_or(usize::MAX).min(ZEROS.len());
            let zeros = ZEROS.get(..count).unwrap_or(&ZEROS);
            file.write_all_at(zeros, end)?;
            end += zeros.len() as u64;
        }
        Ok(())
    };
    write().map_err(failed("write", &unfinished))?;
    file.flush().map_err(failed("flush", &unfinished))?;
    disk.rename(&unfinished, &path).map_err(failed("rename", &unfinished))?;
    names.flush().map_err(failed("flush", wal))?;
    Ok(file)
}
