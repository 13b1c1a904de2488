//! One segment file: a header block, then frames, then zeros. Made whole before it is used, never made shorter.

use std::path::Path;

use bytes::{BufMut, Bytes, BytesMut};

use super::Description;
use super::disk::{Disk, DiskFile, Mode};
use crate::audit::frame::BLOCK;
use crate::audit::store::{StoreError, failed};
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
