//! The log as files in one folder: segments of frames, the published checkpoint, a description, a lock.
//!
//! ```text
//! log.toml       what the log is            checkpoint   the one last published
//! lock           held by the one writer     wal/         0000000000000001.wal, …
//! set-aside/     what writes cut short left behind, for those who want to look
//! derived/       what spares reading everything at a start; may be deleted
//! ```

pub(super) mod disk;
pub(super) mod whole;
pub(super) mod medium;
mod description;
pub(super) mod runs;
pub(super) mod scan;
mod segment;
mod torn;
mod ahead;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bytes::Bytes;

use self::ahead::{Ahead, Made};
pub use self::description::Description;
use self::disk::{Disk, DiskFile, Mode};
use self::scan::{Extent, Scan, name, scan};
use super::chain::Break;
use super::frame::{BLOCK, Frame, FrameError, Peeked};
use super::hashed::{Depth, Hashed};
use super::store::{Damage, Known, PLACE_EVERY, Place, Store, StoreError, Visit, failed};

const WAL: &str = "wal";
const LOCK: &str = "lock";
const CHECKPOINT: &str = "checkpoint";
const SET_ASIDE: &str = "set-aside";
const DERIVED: &str = "derived";

/// Longest derived file read, in bytes: a summary of a thousand million entries takes a few hundred kilobytes.
const MAX_DERIVED_BYTES: u64 = 64 << 20;

/// Smallest segment: the largest entry must fit, with the largest sealed record.
pub const MIN_SEGMENT_BYTES: u64 = 640 << 10;

/// Largest segment: a start reads the last one into memory and writes it anew.
pub const MAX_SEGMENT_BYTES: u64 = 1 << 30;

/// A log's folder, held by this process.
pub struct FileStore {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    description: Description,
    segment_bytes: u64,
    active: Mutex<Option<Active>>,
    index: RwLock<Index>,
    /// Kept for its lock.
    lock: Box<dyn DiskFile>,
}

/// The segment being written.
struct Active {
    file: Box<dyn DiskFile>,
    number: u64,
    end: u64,
    size: u64,
    next: Next,
}

/// The next segment.
enum Next {
    Begun(Ahead),
    Made(Made),
}

/// Where entries lie, thinly.
#[derive(Default)]
struct Index {
    /// First entry of a frame, and where that frame lies; ascending.
    places: Vec<(u64, Place)>,
    /// Entries that are durable.
    size: u64,
}

impl Index {
    fn add(&mut self, frame: &Frame, place: Place) {
        let first = frame.header().first_index;
        let is_due = self.places.last().is_none_or(|&(index, last)| {
            last.segment != place.segment || first - index >= PLACE_EVERY
        });
        if is_due {
            self.places.push((first, place));
        }
        self.size = first + u64::from(frame.count());
    }

    /// The nearest known frame at or before the entry.
    fn before(&self, index: u64) -> Option<(u64, Place)> {
        let after = self.places.partition_point(|&(first, _)| first <= index);
        self.places.get(after.checked_sub(1)?).copied()
    }
}

impl FileStore {
    /// Makes the folder of a new log, with its first frame and checkpoint in it; the description last, because a log
    /// exists only when that is there.
    ///
    /// # Errors
    /// When the folder already holds a log or parts of one, or cannot be written.
    pub(super) fn create(
        disk: &dyn Disk,
        folder: &Path,
        description: &Description,
        segment_bytes: u64,
        frame: &Frame,
        checkpoint: &str,
    ) -> Result<(), StoreError> {
        let folder = &std::path::absolute(folder).map_err(failed("find", folder))?;
        let present = match disk.list(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            listed => listed.map_err(failed("read", folder))?,
        };
        for part in [description::FILE, WAL, CHECKPOINT] {
            if present.iter().any(|name| name == part) {
                let exists = io::Error::from(io::ErrorKind::AlreadyExists);
                return Err(failed("create", folder.join(part))(exists));
            }
        }
        let (wal, lock) = (folder.join(WAL), folder.join(LOCK));
        whole::make_folders(disk, &wal)?;
        disk.open(&lock, Mode::Lock).map_err(failed("create", &lock))?;
        let header = segment::header(description, 1, segment_bytes);
        segment::make(disk, &wal, &name(1), &header, segment_bytes, frame.bytes())?;
        whole::replace(disk, folder, CHECKPOINT, checkpoint.as_bytes())?;
        whole::replace(disk, folder, description::FILE, description.to_text().as_bytes())
    }

    /// Takes the folder for this process. [`Store::load`] comes next. New segments take `segment_bytes`, a multiple
    /// of a block, in which the largest frame appended must fit beside the header.
    ///
    /// # Errors
    /// When another process has it.
    pub(super) fn open(
        disk: Arc<dyn Disk>,
        folder: &Path,
        description: Description,
        segment_bytes: u64,
    ) -> Result<Self, StoreError> {
        let path = folder.join(LOCK);
        let lock = disk.open(&path, Mode::Lock).map_err(failed("open", &path))?;
        if !lock.try_lock().map_err(failed("lock", path))? {
            return Err(StoreError::InUse(folder.to_owned()));
        }
        Ok(Self {
            disk,
            folder: folder.to_owned(),
            description,
            segment_bytes,
            active: Mutex::new(None),
            index: RwLock::default(),
            lock,
        })
    }

    /// Copies the frames of the last segment into a new file that replaces it. What was read may never have reached
    /// the disk: after a failed flush the system can go on showing pages that it did not write.
    fn write_again(&self, scan: &Scan) -> Result<Active, StoreError> {
        let wal = self.folder.join(WAL);
        // Its name, too, may be shown without being on the disk.
        let description = self.description.to_text();
        whole::replace(&*self.disk, &self.folder, description::FILE, description.as_bytes())?;
        // From the last, each for certain before the one in front: a gap would look like a segment taken away.
        for number in scan.ahead.iter().rev() {
            let names = self.disk.open_folder(&wal).map_err(failed("open", &wal))?;
            let path = wal.join(name(*number));
            self.disk.remove(&path).map_err(failed("remove", &path))?;
            names.flush().map_err(failed("flush", &wal))?;
        }
        if let Some(torn) = &scan.torn {
            self.set_aside(torn)?;
        }
        let Some(last) = scan.filled.last() else {
            let (path, source) = (wal.join(name(1)), Damage::SegmentMissing(1));
            return Err(StoreError::Damaged { path, offset: 0, source });
        };
        let (name, size) = (name(last.number), last.size as u64);
        let path = wal.join(&name);
        let mut frames = vec![0; last.end.saturating_sub(BLOCK)];
        let file = self.disk.open(&path, Mode::Read).map_err(failed("open", &path))?;
        file.read_exact_at(&mut frames, BLOCK as u64).map_err(failed("read", &path))?;
        let header = segment::header(&self.description, last.number, size);
        let file = segment::make(&*self.disk, &wal, &name, &header, size, &frames)?;
        let next = self.make_ahead(last.number + 1)?;
        Ok(Active { file, number: last.number, end: last.end as u64, size, next })
    }

    /// Keeps what a write cut short left, before its place is written anew.
    fn set_aside(&self, torn: &scan::Torn) -> Result<(), StoreError> {
        let folder = self.folder.join(SET_ASIDE);
        whole::make_folders(&*self.disk, &folder)?;
        let segment = torn.path.file_stem().unwrap_or_default().to_string_lossy();
        let name = format!("{segment}-{}-{:08x}", torn.offset, crc32c::crc32c(&torn.bytes));
        whole::replace(&*self.disk, &folder, &name, &torn.bytes)
    }

    fn make_ahead(&self, number: u64) -> Result<Next, StoreError> {
        let (wal, size) = (self.folder.join(WAL), self.segment_bytes);
        let header = segment::header(&self.description, number, size);
        Ahead::begin(&self.disk, &wal, name(number), header, size).map(Next::Begun)
    }

    /// Goes on in the next segment, normally one that is ready.
    fn roll(&self, active: &mut Active) -> Result<(), StoreError> {
        let (number, size) = (active.number + 1, self.segment_bytes);
        let made = match std::mem::replace(&mut active.next, Next::Made(Made::NotYet)) {
            Next::Begun(ahead) => ahead.finish()?,
            Next::Made(made) => made,
        };
        let file = match made {
            Made::Ready(file) => file,
            // There may be room by now.
            Made::NotYet => {
                let header = segment::header(&self.description, number, size);
                let wal = self.folder.join(WAL);
                segment::make(&*self.disk, &wal, &name(number), &header, size, &[])?
            }
        };
        let next = self.make_ahead(number + 1)?;
        *active = Active { file, number, end: BLOCK as u64, size, next };
        Ok(())
    }
}

impl Active {
    /// Learns early that the next segment could not be written: a disk that failed once is not written to again.
    fn look_ahead(&mut self) -> Result<(), StoreError> {
        if !matches!(&self.next, Next::Begun(ahead) if ahead.is_done()) {
            return Ok(());
        }
        match std::mem::replace(&mut self.next, Next::Made(Made::NotYet)) {
            Next::Begun(ahead) => self.next = Next::Made(ahead.finish()?),
            next @ Next::Made(_) => self.next = next,
        }
        Ok(())
    }
}

impl Store for FileStore {
    fn load(&self, known: Known, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.settle();
        let extent = Extent { known: known.segments, ..Extent::whole(known.depth) };
        let mut index = Index { places: known.places, size: 0 };
        let visit = &mut |place, hashed: &mut Hashed| {
            visit(place, hashed)?;
            index.add(&hashed.frame, place);
            Ok(())
        };
        let scan = scan(&*self.disk, &self.folder, &self.description, extent, visit)?;
        let active = self.write_again(&scan)?;
        *self.active.lock().unwrap_or_else(PoisonError::into_inner) = Some(active);
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = index;
        Ok(())
    }

    fn append(&self, frame: &Frame) -> Result<(), StoreError> {
        let mut active = self.active.lock().unwrap_or_else(PoisonError::into_inner);
        let wal = self.folder.join(WAL);
        let Some(active) = active.as_mut() else {
            return Err(failed("write to", wal)(io::Error::from(io::ErrorKind::NotConnected)));
        };
        active.look_ahead()?;
        let length = frame.bytes().len() as u64;
        if active.end + length > active.size {
            self.roll(active)?;
        }
        let path = || wal.join(name(active.number));
        active
            .file
            .write_all_at(frame.bytes(), active.end)
            .map_err(|e| failed("write", path())(e))?;
        active.file.flush_data().map_err(|error| failed("flush", path())(error))?;
        let place = Place { segment: active.number, offset: active.end };
        active.end += length;
        self.index.write().unwrap_or_else(PoisonError::into_inner).add(frame, place);
        Ok(())
    }

    fn read(&self, first: u64, limit: usize) -> Result<Vec<Bytes>, StoreError> {
        let mut entries = Vec::new();
        self.between(first, first.saturating_add(limit as u64), &mut |_, frame| {
            let begin = frame.header().first_index;
            let skip = usize::try_from(first.saturating_sub(begin)).unwrap_or(usize::MAX);
            let room = limit - entries.len();
            entries.extend(frame.entries().skip(skip).take(room));
            Ok(())
        })?;
        Ok(entries)
    }

    fn frames(&self, first: u64, end: u64, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.between(first, end, &mut |place, frame| {
            visit(place, &mut Hashed::new(frame, Depth::Hashes))
        })
    }

    fn derived(&self, name: &str) -> Result<Option<Bytes>, StoreError> {
        derived(&*self.disk, &self.folder, name)
    }

    fn derive(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let folder = self.folder.join(DERIVED);
        whole::make_folders(&*self.disk, &folder)?;
        whole::replace(&*self.disk, &folder, name, bytes)
    }

    fn published(&self) -> Result<Option<String>, StoreError> {
        published(&*self.disk, &self.folder)
    }

    fn publish(&self, checkpoint: &str) -> Result<(), StoreError> {
        whole::replace(&*self.disk, &self.folder, CHECKPOINT, checkpoint.as_bytes())
    }
}

impl FileStore {
    /// Visits the frames that hold these entries, as far as they are durable.
    fn between(
        &self,
        first: u64,
        end: u64,
        visit: &mut dyn FnMut(Place, Frame) -> Result<(), Damage>,
    ) -> Result<(), StoreError> {
        let (start, size) = {
            let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
            (index.before(first), index.size)
        };
        let end = size.min(end);
        let Some((mut next, mut place)) = start.filter(|_| first < end) else {
            return Ok(());
        };
        let mut reader = Reader::open(&*self.disk, &self.folder, place.segment)?;
        while next < end {
            let Some(peeked) = reader.peek(place.offset)? else {
                place = Place { segment: place.segment + 1, offset: BLOCK as u64 };
                reader = Reader::open(&*self.disk, &self.folder, place.segment)?;
                continue;
            };
            let damaged = |source| reader.damaged(place.offset, source);
            if peeked.first_index != next {
                let (expected, found) = (next, peeked.first_index);
                return Err(damaged(Break::Index { expected, found }.into()));
            }
            let count = u64::from(peeked.count);
            if next + count > first {
                let frame = reader.frame(place.offset, peeked)?;
                visit(place, frame).map_err(damaged)?;
            }
            next += count;
            place.offset += peeked.bytes as u64;
        }
        Ok(())
    }
}

impl Drop for FileStore {
    fn drop(&mut self) {
        // The lock must not be given back while a thread of ours still makes a file.
        self.settle();
        // Where this fails, closing the file gives it back.
        drop(self.lock.unlock());
    }
}

impl FileStore {
    /// Waits for a segment that is being made.
    fn settle(&self) {
        let active = self.active.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Active { next: Next::Begun(ahead), .. }) = active {
            drop(ahead.finish());
        }
    }
}

/// Reads single frames of one segment.
struct Reader {
    path: PathBuf,
    file: Box<dyn DiskFile>,
}

impl Reader {
    fn open(disk: &dyn Disk, folder: &Path, segment: u64) -> Result<Self, StoreError> {
        let path = folder.join(WAL).join(name(segment));
        let file = disk.open(&path, Mode::Read).map_err(failed("open", &path))?;
        Ok(Self { path, file })
    }

    /// The frame that begins here; `None` when the segment holds no further one.
    fn peek(&self, offset: u64) -> Result<Option<Peeked>, StoreError> {
        let mut block = [0; BLOCK];
        match self.file.read_exact_at(&mut block, offset) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            read => {
                read.map_err(failed("read", &self.path))?;
                Ok(Frame::peek(&block).ok())
            }
        }
    }

    fn frame(&self, offset: u64, peeked: Peeked) -> Result<Frame, StoreError> {
        let mut bytes = vec![0; peeked.bytes];
        match self.file.read_exact_at(&mut bytes, offset) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(self.damaged(offset, Damage::Frame(FrameError::Lengths)));
            }
            read => read.map_err(failed("read", &self.path))?,
        }
        Frame::parse(&Bytes::from(bytes)).map_err(|flaw| self.damaged(offset, Damage::Frame(flaw)))
    }

    fn damaged(&self, offset: u64, source: Damage) -> StoreError {
        StoreError::Damaged { path: self.path.clone(), offset, source }
    }
}

/// A derived file; `None` when there is none.
pub(super) fn derived(
    disk: &dyn Disk,
    folder: &Path,
    name: &str,
) -> Result<Option<Bytes>, StoreError> {
    match whole::read(disk, &folder.join(DERIVED).join(name), MAX_DERIVED_BYTES) {
        Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

/// The checkpoint last published; `None` when there is none.
pub(super) fn published(disk: &dyn Disk, folder: &Path) -> Result<Option<String>, StoreError> {
    whole::text(disk, &folder.join(CHECKPOINT))
}
