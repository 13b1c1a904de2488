//! One batch as it lies on disk: a header, the entries in tlog-tiles' bundle form, a checksum, zeros to the next block.
//!
//! All numbers are big-endian.
//! ```text
//!   0  magic "HYF1"   4 u8 version   5 u8 flags, 0   6 u16 header length, 120
//!   8  u64 epoch     16 u64 frame number from 1     24 u64 index of the first entry
//!  32  u32 entries   36 u32 leaf bytes   40 u32 private bytes   44 u32 padding bytes
//!  48  u64 time, µs  56 root before, 32 bytes       88 root after, 32 bytes
//! 120  leaf section: per entry u16 length and its bytes
//!   …  private section: per entry u32 length and its sealed record, empty where none is kept; absent when none has one
//!   …  u32 CRC-32C of all before it, then zeros
//! ```

use bytes::{BufMut, Bytes, BytesMut};
use thiserror::Error;

use crate::crypto::Digest;
use crate::query::time::Timestamp;

/// Frames begin and end on multiples of this many bytes, so that a torn write never harms the frame before.
pub const BLOCK: usize = 4096;

/// Most entries in one frame: what a flush of 10 ms collects at 400 000 entries a second.
pub const MAX_ENTRIES: usize = 4096;

/// Most bytes of the leaf section: one write stays short.
pub const MAX_LEAF_BYTES: usize = 1 << 20;

/// Most bytes of the private section: a sealed record holds whole requests and answers.
pub const MAX_PRIVATE_BYTES: usize = 4 << 20;

/// Most bytes of a whole frame.
pub const MAX_FRAME_BYTES: usize = MAX_LEAF_BYTES + MAX_PRIVATE_BYTES + BLOCK;

const MAGIC: &[u8; 4] = b"HYF1";
const VERSION: u8 = 1;
const HEADER_BYTES: usize = 120;
const CRC_BYTES: usize = 4;

/// What a frame says of its place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Rises when a log is taken over by another writer.
    pub epoch: u64,
    /// Number of the frame, from 1, without gaps.
    pub number: u64,
    /// Index of its first entry.
    pub first_index: u64,
    /// When it was written; never earlier than the frame before.
    pub at: Timestamp,
    /// Root of the tree before it.
    pub root_before: Digest,
    /// Root of the tree with it.
    pub root_after: Digest,
}

/// A whole frame, checked.
#[derive(Clone, Debug)]
pub struct Frame {
    header: Header,
    count: u32,
    leaf_bytes: usize,
    private_bytes: usize,
    bytes: Bytes,
}

/// What one entry brings into a frame.
#[derive(Clone, Debug)]
pub struct Content {
    /// The entry as hashed.
    pub entry: Bytes,
    /// Its sealed record, outside the tree; empty where none is kept.
    pub private: Bytes,
}

/// Why bytes are no frame, or entries make none.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// There are zeros where a frame would begin.
    #[error("no frame")]
    Absent,
    /// Something else begins here.
    #[error("not the beginning of a frame")]
    Magic,
    /// Written by a newer program.
    #[error("frame version {0}; this program reads version 1")]
    Version(u8),
    /// The lengths contradict each other or what follows.
    #[error("the frame's lengths do not fit")]
    Lengths,
    /// The bytes are not those that were written.
    #[error("the frame's checksum does not match")]
    Checksum,
    /// Bytes other than zero after the checksum.
    #[error("the frame's padding is not zero")]
    Padding,
    /// None, too many, or too large.
    #[error("these entries make no frame")]
    Entries,
}

impl Frame {
    /// Puts entries into a frame.
    ///
    /// # Errors
    /// When there are none, more than [`MAX_ENTRIES`], one of more than 65,535 bytes, or too many bytes in all.
    pub fn new(header: Header, contents: &[Content]) -> Result<Self, FrameError> {
        let leaf_bytes = contents.iter().map(Content::leaf_bytes).sum::<usize>();
        let private_bytes = private_section(contents);
        if contents.is_empty()
            || contents.len() > MAX_ENTRIES
            || leaf_bytes > MAX_LEAF_BYTES
            || private_bytes > MAX_PRIVATE_BYTES
        {
            return Err(FrameError::Entries);
        }
        let length = |number: usize| u32::try_from(number).map_err(|_| FrameError::Entries);
        let total = frame_bytes(leaf_bytes, private_bytes);
        let padding = total - HEADER_BYTES - leaf_bytes - private_bytes - CRC_BYTES;
        let mut bytes = BytesMut::with_capacity(total);
        bytes.put_slice(MAGIC);
        bytes.put_u8(VERSION);
        bytes.put_u8(0);
        bytes.put_u16(HEADER_BYTES as u16);
        bytes.put_u64(header.epoch);
        bytes.put_u64(header.number);
        bytes.put_u64(header.first_index);
        let count = length(contents.len())?;
        bytes.put_u32(count);
        bytes.put_u32(length(leaf_bytes)?);
        bytes.put_u32(length(private_bytes)?);
        bytes.put_u32(length(padding)?);
        bytes.put_u64(header.at.0);
        bytes.put_slice(&header.root_before);
        bytes.put_slice(&header.root_after);
        for Content { entry, .. } in contents {
            bytes.put_u16(u16::try_from(entry.len()).map_err(|_| FrameError::Entries)?);
            bytes.put_slice(entry);
        }
        if private_bytes > 0 {
            for Content { private, .. } in contents {
                bytes.put_u32(length(private.len())?);
                bytes.put_slice(private);
            }
        }
        let checksum = crc32c::crc32c(&bytes);
        bytes.put_u32(checksum);
        bytes.put_bytes(0, padding);
        Ok(Self { header, count, leaf_bytes, private_bytes, bytes: bytes.freeze() })
    }

    /// Reads and checks the frame at the beginning of `bytes`; what follows it is not looked at.
    ///
    /// # Errors
    /// When there is none, or any byte of it is not as it was written.
    pub fn parse(bytes: &Bytes) -> Result<Self, FrameError> {
        let fields = Fields::parse(bytes)?;
        let total = fields.total()?;
        let checked = total - fields.padding - CRC_BYTES;
        let whole = bytes.get(..total).ok_or(FrameError::Lengths)?;
        let (content, rest) = whole.split_at_checked(checked).ok_or(FrameError::Lengths)?;
        let (checksum, padding) = rest.split_first_chunk::<4>().ok_or(FrameError::Lengths)?;
        if crc32c::crc32c(content) != u32::from_be_bytes(*checksum) {
            return Err(FrameError::Checksum);
        }
        if padding.iter().any(|&byte| byte != 0) {
            return Err(FrameError::Padding);
        }
        let frame = Self {
            header: fields.header,
            count: fields.count,
            leaf_bytes: fields.leaf_bytes,
            private_bytes: fields.private_bytes,
            bytes: bytes.slice(..total),
        };
        if frame.is_filled() { Ok(frame) } else { Err(FrameError::Entries) }
    }

    /// Length of the frame whose first block this is, and how many entries it has, without checking the rest.
    ///
    /// # Errors
    /// When no frame begins here.
    pub fn peek(block: &[u8]) -> Result<Peeked, FrameError> {
        let fields = Fields::parse(block)?;
        let bytes = fields.total()?;
        Ok(Peeked { bytes, first_index: fields.header.first_index, count: fields.count })
    }

    /// What it says of its place.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Number of entries.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The entries in order, as stored, without a share of the frame's memory.
    pub fn slices(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest =
            self.bytes.get(HEADER_BYTES..HEADER_BYTES + self.leaf_bytes).unwrap_or_default();
        std::iter::from_fn(move || {
            let (length, after) = rest.split_first_chunk::<2>()?;
            let (entry, next) = after.split_at_checked(u16::from_be_bytes(*length).into())?;
            rest = next;
            Some(entry)
        })
    }

    /// The entries in order, as stored.
    pub fn entries(&self) -> impl Iterator<Item = Bytes> + '_ {
        let mut rest = self.bytes.slice(HEADER_BYTES..HEADER_BYTES + self.leaf_bytes);
        std::iter::from_fn(move || {
            let length = usize::from(u16::from_be_bytes(*rest.first_chunk::<2>()?));
            if rest.len() < 2 + length {
                return None;
            }
            let mut entry = rest.split_to(2 + length);
            Some(entry.split_off(2))
        })
    }

    /// The sealed records, one for each entry, empty where none is kept.
    pub fn private(&self) -> impl Iterator<Item = Bytes> + '_ {
        let begin = HEADER_BYTES + self.leaf_bytes;
        let mut rest = self.bytes.slice(begin..begin + self.private_bytes);
        let count = if self.private_bytes == 0 { self.count } else { 0 };
        let absent = (0..count).map(|_| Bytes::new());
        let present = std::iter::from_fn(move || {
            let length = u32::from_be_bytes(*rest.first_chunk::<4>()?) as usize;
            if rest.len() - 4 < length {
                return None;
            }
            let mut record = rest.split_to(4 + length);
            Some(record.split_off(4))
        });
        absent.chain(present)
    }

    /// True when entries and records fill their sections exactly, as many as the header says.
    fn is_filled(&self) -> bool {
        let (mut count, mut bytes) = (0, 0);
        for entry in self.slices().take_while(|entry| !entry.is_empty()) {
            (count, bytes) = (count + 1, bytes + entry.len() + 2);
        }
        let (mut records, mut private_bytes) = (0, 0);
        for record in self.private() {
            records += 1;
            private_bytes += if self.private_bytes == 0 { 0 } else { record.len() + 4 };
        }
        (count, bytes) == (self.count, self.leaf_bytes)
            && (records, private_bytes) == (self.count, self.private_bytes)
    }

    /// The whole frame, padding included.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

/// What a frame's first block tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peeked {
    /// Length of the whole frame.
    pub bytes: usize,
    /// Index of its first entry.
    pub first_index: u64,
    /// Number of entries.
    pub count: u32,
}

impl Content {
    /// An entry without a sealed record.
    pub fn bare(entry: Bytes) -> Self {
        Self { entry, private: Bytes::new() }
    }

    /// Bytes it takes in the leaf section.
    pub fn leaf_bytes(&self) -> usize {
        self.entry.len() + 2
    }

    /// Bytes it takes in the private section, when there is one.
    pub fn private_bytes(&self) -> usize {
        self.private.len() + 4
    }
}

fn private_section(contents: &[Content]) -> usize {
    if contents.iter().all(|content| content.private.is_empty()) {
        return 0;
    }
    contents.iter().map(Content::private_bytes).sum()
}

/// Bytes of a frame with sections of these sizes.
pub fn frame_bytes(leaf_bytes: usize, private_bytes: usize) -> usize {
    (HEADER_BYTES + leaf_bytes + private_bytes + CRC_BYTES).next_multiple_of(BLOCK)
}

struct Fields {
    header: Header,
    count: u32,
    leaf_bytes: usize,
    private_bytes: usize,
    padding: usize,
}

impl Fields {
    fn parse(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut rest = bytes.get(..HEADER_BYTES).ok_or(FrameError::Lengths)?;
        match take::<4>(&mut rest)? {
            magic if &magic == MAGIC => {}
            [0, 0, 0, 0] => return Err(FrameError::Absent),
            _ => return Err(FrameError::Magic),
        }
        let [version, flags, length @ ..] = take::<4>(&mut rest)?;
        if version != VERSION {
            return Err(FrameError::Version(version));
        }
        if flags != 0 || usize::from(u16::from_be_bytes(length)) != HEADER_BYTES {
            return Err(FrameError::Lengths);
        }
        let [epoch, number, first_index] = [long(&mut rest)?, long(&mut rest)?, long(&mut rest)?];
        let count = short(&mut rest)?;
        let lengths = [short(&mut rest)?, short(&mut rest)?, short(&mut rest)?];
        let [leaf_bytes, private_bytes, padding] =
            lengths.map(|length| usize::try_from(length).unwrap_or(usize::MAX));
        let at = Timestamp(long(&mut rest)?);
        let (root_before, root_after) = (take(&mut rest)?, take(&mut rest)?);
        let header = Header { epoch, number, first_index, at, root_before, root_after };
        Ok(Self { header, count, leaf_bytes, private_bytes, padding })
    }

    /// Length of the whole frame.
    fn total(&self) -> Result<usize, FrameError> {
        if self.leaf_bytes > MAX_LEAF_BYTES
            || self.private_bytes > MAX_PRIVATE_BYTES
            || self.count == 0
            || self.padding >= BLOCK
        {
            return Err(FrameError::Lengths);
        }
        let content = HEADER_BYTES + self.leaf_bytes + self.private_bytes + CRC_BYTES;
        let total = content + self.padding;
        if total.is_multiple_of(BLOCK) { Ok(total) } else { Err(FrameError::Lengths) }
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], FrameError> {
    let (taken, after) = rest.split_first_chunk::<N>().ok_or(FrameError::Lengths)?;
    *rest = after;
    Ok(*taken)
}

fn long(rest: &mut &[u8]) -> Result<u64, FrameError> {
    take(rest).map(u64::from_be_bytes)
}

fn short(rest: &mut &[u8]) -> Result<u32, FrameError> {
    take(rest).map(u32::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> Frame {
        let header = Header {
            epoch: 1,
            number: 2,
            first_index: 3,
            at: Timestamp(4),
            root_before: [5; 32],
            root_after: [6; 32],
        };
        let sealed =
            Content { entry: Bytes::from(vec![7; 5000]), private: Bytes::from(vec![8; 90]) };
        Frame::new(header, &[Content::bare(Bytes::from_static(b"one")), sealed]).unwrap()
    }

    #[test]
    fn comes_back_as_it_went() {
        let frame = frame();
        let followed = Bytes::from([frame.bytes(), &[9; 100][..]].concat());
        let read = Frame::parse(&followed).unwrap();
        assert_eq!(read.header(), frame.header());
        assert_eq!(read.bytes(), frame.bytes());
        assert_eq!(read.bytes().len(), 2 * BLOCK);
        assert_eq!(read.entries().map(|entry| entry.len()).collect::<Vec<_>>(), [3, 5000]);
        assert_eq!(read.private().map(|record| record.len()).collect::<Vec<_>>(), [0, 90]);
        let peeked = Peeked { bytes: 2 * BLOCK, first_index: 3, count: 2 };
        assert_eq!(Frame::peek(read.bytes()).unwrap(), peeked);
    }

    #[test]
    fn no_changed_byte_and_no_missing_one_passes() {
        let good = frame().bytes().clone();
        for place in 0..good.len() {
            let mut bytes = good.to_vec();
            bytes[place] ^= 1 << (place % 8);
            assert!(Frame::parse(&Bytes::from(bytes)).is_err(), "byte {place}");
        }
        for cut in (0..good.len()).step_by(7) {
            assert!(Frame::parse(&good.slice(..cut)).is_err(), "cut at {cut}");
        }
        assert_eq!(Frame::parse(&Bytes::from(vec![0; BLOCK])).unwrap_err(), FrameError::Absent);
    }

    #[test]
    fn refuses_entries_beyond_the_limits() {
        let header = frame().header;
        let new = |entries: &[Bytes]| {
            let contents: Vec<_> = entries.iter().cloned().map(Content::bare).collect();
            Frame::new(header.clone(), &contents)
        };
        assert!(new(&[]).is_err());
        assert!(new(&[Bytes::from(vec![1; 65_536])]).is_err());
        assert!(new(&vec![Bytes::from_static(b"x"); MAX_ENTRIES + 1]).is_err());
        assert!(new(&vec![Bytes::from(vec![1; 65_000]); 17]).is_err());
    }
}
