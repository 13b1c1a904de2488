//! Entries with their sealed records, read from a log's folder without holding it. Changes nothing, verifies little:
//! frames have checksums, but whether they are the log's own only [`super::verify`] can tell.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use thiserror::Error;

use super::frame::{BLOCK, Frame, FrameError, Peeked};

/// Why frames could not be read.
#[derive(Debug, Error)]
pub enum RecordsError {
    /// The system refused.
    #[error("cannot read `{path}`", path = .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
    /// A frame is not as it was written.
    #[error("`{path}` is damaged at byte {offset}: `heyan audit verify` says more", path = .path.display())]
    Damaged {
        /// The segment's file.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// What is wrong.
        source: FrameError,
    },
    /// Entries are missing between two frames.
    #[error(
        "`{path}` goes on with entry {found} where entry {expected} should be: `heyan audit verify` says more",
        path = .path.display()
    )]
    Gap {
        /// The segment's file.
        path: PathBuf,
        /// The entry that comes next.
        expected: u64,
        /// The one that was found.
        found: u64,
    },
}

/// The entry at this index as stored, and its sealed record, empty where none is kept; `None` beyond the log's end.
/// Reads one block of each frame before it.
///
/// # Errors
/// When a segment cannot be read, entries before it are missing, or the entry's frame is damaged.
pub fn at(folder: &Path, index: u64) -> Result<Option<(Bytes, Bytes)>, RecordsError> {
    let mut found = None;
    walk(folder, index, &mut |frame| {
        let skip = index.checked_sub(frame.header().first_index);
        let skip = skip.and_then(|skip| usize::try_from(skip).ok()).unwrap_or(usize::MAX);
        found = frame.entries().zip(frame.private()).nth(skip);
        Ok::<bool, std::convert::Infallible>(false)
    })?
    .unwrap_or_else(|never| match never {});
    Ok(found)
}

/// Shows every entry from index `from` on, as stored, with its sealed record. The inner result is the visitor's: its
/// error ends the reading.
///
/// # Errors
/// When a segment cannot be read, entries are missing, or a frame is damaged.
pub fn each<E>(
    folder: &Path,
    from: u64,
    visit: &mut dyn FnMut(u64, &Bytes, &Bytes) -> Result<(), E>,
) -> Result<Result<(), E>, RecordsError> {
    walk(folder, from, &mut |frame| {
        let entries = frame.entries().zip(frame.private());
        for (index, (entry, private)) in (frame.header().first_index..).zip(entries) {
            if index >= from {
                visit(index, &entry, &private)?;
            }
        }
        Ok(true)
    })
}

/// Shows frames in order, beginning with the one that holds the entry, until `visit` says false or fails.
fn walk<E>(
    folder: &Path,
    from: u64,
    visit: &mut dyn FnMut(&Frame) -> Result<bool, E>,
) -> Result<Result<(), E>, RecordsError> {
    // Whoever destroys keys by what is shown here must be shown everything: a gap is no end.
    let mut next = 0;
    for number in 1_u64.. {
        let Some(segment) = Segment::open(folder, number)? else { break };
        let mut offset = BLOCK as u64;
        while let Some(peeked) = segment.peek(offset)? {
            let after = offset + peeked.bytes as u64;
            if peeked.first_index != next {
                let (path, expected, found) = (segment.path, next, peeked.first_index);
                return Err(RecordsError::Gap { path, expected, found });
            }
            next += u64::from(peeked.count);
            if peeked.first_index + u64::from(peeked.count) > from {
                let frame = match segment.frame(offset, peeked) {
                    // A write cut short, or still going on, is the last thing in a log: nothing follows it.
                    Err(RecordsError::Damaged { .. })
                        if segment.peek(after)?.is_none() && ends(folder, number)? =>
                    {
                        return Ok(Ok(()));
                    }
                    read => read?,
                };
                match visit(&frame) {
                    Ok(true) => {}
                    Ok(false) => return Ok(Ok(())),
                    Err(error) => return Ok(Err(error)),
                }
            }
            offset = after;
        }
    }
    Ok(Ok(()))
}

/// True when no segment after this one holds a frame.
fn ends(folder: &Path, number: u64) -> Result<bool, RecordsError> {
    match Segment::open(folder, number + 1)? {
        Some(next) => Ok(next.peek(BLOCK as u64)?.is_none()),
        None => Ok(true),
    }
}

/// One segment's file.
struct Segment {
    path: PathBuf,
    file: File,
}

impl Segment {
    fn open(folder: &Path, number: u64) -> Result<Option<Self>, RecordsError> {
        let path = folder.join(format!("wal/{number:016x}.wal"));
        match File::open(&path) {
            Ok(file) => Ok(Some(Self { path, file })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(RecordsError::Unreadable(path, error)),
        }
    }

    /// The frame that begins here; `None` when the segment holds no further one.
    fn peek(&self, offset: u64) -> Result<Option<Peeked>, RecordsError> {
        let mut block = [0; BLOCK];
        match self.file.read_exact_at(&mut block, offset) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(RecordsError::Unreadable(self.path.clone(), error)),
            Ok(()) => Ok(Frame::peek(&block).ok()),
        }
    }

    fn frame(&self, offset: u64, peeked: Peeked) -> Result<Frame, RecordsError> {
        let damaged = |source| RecordsError::Damaged { path: self.path.clone(), offset, source };
        let mut bytes = vec![0; peeked.bytes];
        match self.file.read_exact_at(&mut bytes, offset) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(damaged(FrameError::Lengths))
            }
            Err(error) => Err(RecordsError::Unreadable(self.path.clone(), error)),
            Ok(()) => Frame::parse(&Bytes::from(bytes)).map_err(damaged),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::file::MIN_SEGMENT_BYTES;
    use crate::audit::testing::{denial, key};
    use crate::audit::{Audit, Settings};
    use crate::query::time::Timestamp;

    /// A key is destroyed once everything under it is wrapped anew: a frame passed over would be lost with it.
    #[tokio::test]
    async fn no_frame_is_passed_over() {
        let (folder, key) = (tempfile::tempdir().unwrap(), std::sync::Arc::new(key()));
        let settings = Settings { segment_bytes: MIN_SEGMENT_BYTES, ..Settings::default() };
        Audit::create(folder.path(), &key, "heyan.test/log", Timestamp(1), &settings).unwrap();
        let audit = Audit::open(folder.path(), key, &settings, &mut |_, _| {}).unwrap();
        for number in 1..200 {
            audit.append(denial(number)).await.unwrap();
        }
        audit.close().await;
        let all = |from| {
            let mut seen = Vec::new();
            each(folder.path(), from, &mut |index, _, _| {
                seen.push(index);
                Ok::<_, std::convert::Infallible>(())
            })
            .map(|_| seen)
        };
        assert_eq!(all(0).unwrap(), (0..200).collect::<Vec<_>>());
        let path = folder.path().join("wal/0000000000000001.wal");
        let good = std::fs::read(&path).unwrap();
        // The magic, the version, the index of the first entry, the number of entries; the last frame of a segment.
        let last = good.iter().rposition(|&byte| byte != 0).unwrap() / BLOCK * BLOCK;
        for place in [5 * BLOCK, 5 * BLOCK + 4, 5 * BLOCK + 31, 5 * BLOCK + 35, last] {
            let mut bad = good.clone();
            bad[place] ^= 2;
            std::fs::write(&path, bad).unwrap();
            for from in [0, 150, 190] {
                assert!(all(from).is_err(), "byte {place} from {from}");
            }
        }
    }
}
