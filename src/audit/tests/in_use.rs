//! A log that is read while its writer writes: whatever the reader happens to see, it accuses nobody.

use std::fs;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::audit::file::disk::{DiskFile, Mode, Pending, Work};
use crate::audit::frame::BLOCK;
use crate::audit::verify::{Expected, verify_on};

/// The machine's disk, on which the bytes of a segment change before one of the reads.
struct Growing {
    shared: Arc<Shown>,
}

struct Shown {
    /// Name of the segment, and what it holds before and after.
    name: String,
    before: Vec<u8>,
    after: Vec<u8>,
    /// Reads of it until it changes.
    until: usize,
    reads: AtomicUsize,
}

struct Segment(Arc<Shown>);

impl Disk for Growing {
    fn open(&self, path: &Path, mode: Mode) -> io::Result<Box<dyn DiskFile>> {
        if path.ends_with(&self.shared.name) {
            return Ok(Box::new(Segment(Arc::clone(&self.shared))));
        }
        Local.open(path, mode)
    }

    fn open_folder(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Local.open_folder(path)
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        Local.make_folder(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        Local.list(folder)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Local.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        Local.remove(path)
    }

    fn beside(&self, work: Work) -> io::Result<Pending> {
        Local.beside(work)
    }
}

impl DiskFile for Segment {
    fn length(&self) -> io::Result<u64> {
        Ok(self.0.after.len() as u64)
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let read = self.0.reads.fetch_add(1, Ordering::SeqCst);
        let file = if read < self.0.until { &self.0.before } else { &self.0.after };
        let rest = &file[(offset as usize).min(file.len())..];
        let count = rest.len().min(bytes.len());
        bytes[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn write_at(&self, _: &[u8], _: u64) -> io::Result<usize> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn flush_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }

    fn try_lock(&self) -> io::Result<bool> {
        Ok(true)
    }

    fn unlock(&self) -> io::Result<()> {
        Ok(())
    }
}

/// The writer finishes one frame, or three, between any two reads of the one who verifies.
#[tokio::test]
async fn a_frame_that_is_finished_while_it_is_read_is_no_finding() {
    let log = Log::new();
    let audit = log.open();
    log.fill(&audit, 8).await;
    audit.close().await;
    let name = "0000000000000001.wal";
    let after = fs::read(log.path().join("wal").join(name)).unwrap();
    // Nine frames of a block each; what the log has published covers them all, so a copy of before is published.
    let early = tempfile::tempdir().unwrap();
    super::files::copy(log.path(), early.path());
    let published = checkpoint::sign(ORIGIN, &first_head(&after), &log.key).unwrap();
    fs::write(early.path().join("checkpoint"), published).unwrap();
    let end = 10 * BLOCK;
    assert!(after[end - BLOCK] != 0 && after[end..].iter().all(|&byte| byte == 0));

    for (frames, written) in [(1, 0), (1, 64), (1, 200), (1, BLOCK / 2), (3, 0), (3, 300)] {
        let mut before = after.clone();
        before[end - frames * BLOCK + written..].fill(0);
        for until in 0.. {
            let (before, after) = (before.clone(), after.clone());
            let (name, reads) = (name.to_owned(), AtomicUsize::new(0));
            let shared = Arc::new(Shown { name, before, after, until, reads });
            let disk = Growing { shared: Arc::clone(&shared) };
            let verified = verify_on(&disk, early.path(), Expected::default(), &mut |_, _| {});
            let verified = verified.unwrap_or_else(|error| {
                panic!("{frames} frames, {written} bytes there, read {until}: {error:?}")
            });
            let known = 9 - frames as u64..=9;
            assert!(known.contains(&verified.entries), "{}", verified.entries);
            if shared.reads.load(Ordering::SeqCst) < until {
                break;
            }
        }
    }
}

/// Of the log's first entry alone.
fn first_head(segment: &[u8]) -> Head {
    let frame = Bytes::copy_from_slice(&segment[BLOCK..2 * BLOCK]);
    let frame = frame::Frame::parse(&frame).unwrap();
    Head { size: 1, root: frame.header().root_after }
}
