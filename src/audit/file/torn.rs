//! What a write cut short leaves of a frame, told apart from what changed later.

use bytes::Bytes;

use crate::audit::frame::{BLOCK, Frame};

/// What a disk writes whole or not at all, in bytes, at the least: a line of memory. Sectors are larger.
const ATOM: usize = 64;

/// Where a frame's header states its lengths.
const LENGTHS: std::ops::Range<usize> = 36..48;

/// True when a write cut short can have left this: at least one atom is zero as it was before, and each other is as
/// it was meant to be, as far as its header tells. `rest` begins where the frame should and goes on for as long as a
/// frame can be, `last` is the place in it of the last byte that is not zero, and `room` is what the file has there.
pub(super) fn is_torn(rest: &Bytes, last: usize, room: u64) -> bool {
    let is_zero = |atom: &[u8]| atom.iter().all(|&byte| byte == 0);
    if rest.get(..ATOM).is_some_and(is_zero) {
        return true;
    }
    // The lengths stand in the first atom.
    let Ok(frame) = Frame::peek(rest) else { return false };
    let written = rest.get(..frame.filled).unwrap_or(rest);
    frame.bytes as u64 <= room
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
