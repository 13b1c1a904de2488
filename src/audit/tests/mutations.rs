//! Ten thousand changes of a log closed in good order, single bytes and whole parts: `verify` reports every one, and
//! names the first bad place.

use std::path::PathBuf;

use super::driven::{Driven, FOLDER, SEGMENT, Stored, Told, chain};
use super::fault_disk::{FaultDisk, Keep};
use super::*;
use crate::audit::file::scan;
use crate::audit::frame::Frame;
use crate::audit::store::StoreError;
use crate::audit::verify::{Expected, Verified, verify_on};

const MUTATIONS: u64 = 10_000;
const THREADS: u64 = 4;

/// A frame as it lies in its file.
struct Lying {
    path: PathBuf,
    segment: u64,
    offset: usize,
    bytes: Vec<u8>,
}

/// Where a change must be found first.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// The damaged place that `verify` names.
    At(PathBuf, usize),
    /// What was published of the log is more than these entries.
    Behind(u64),
    /// The published checkpoint, or the log's description.
    OfFile(PathBuf),
}

/// What was done to a log, and where that must be found.
type Mutation = (String, Place);

struct Subject {
    disk: FaultDisk,
    frames: Vec<Lying>,
    /// Files with the bytes that count: of a segment, up to the end of its last frame. Neither the lock, which is
    /// empty, nor what may be deleted at any time.
    used: Vec<(PathBuf, usize)>,
}

/// Entries and bytes of sealed records, batch by batch: enough for three segments, few enough to be read often.
const BATCHES: [(usize, usize); 12] = [
    (1, 0),
    (2, 0),
    (2, 5000),
    (1, 0),
    (3, 100),
    (2, 9000),
    (1, 0),
    (2, 1200),
    (2, 9000),
    (1, 0),
    (2, 5000),
    (3, 300),
];

impl Subject {
    fn new() -> Self {
        let (disk, key) = (FaultDisk::new(false), Arc::new(key()));
        let folder = Path::new(FOLDER);
        Audit::create_on(&disk, folder, &key, ORIGIN, Timestamp(1), SEGMENT).unwrap();
        let mut told = Told { given: vec![Stored::default()], acknowledged: 1, published: 1 };
        let mut log = Driven::open(&disk, &key).unwrap();
        for (count, private) in BATCHES {
            log.append(count, private, &mut told).unwrap();
        }
        log.publish(&mut told).unwrap();
        drop(log);
        // Without its past, which every copy would carry along.
        let disk = disk.survivors(Keep::Everything);
        let description = Description::read_on(&disk, folder).unwrap().unwrap();
        let mut frames = Vec::new();
        scan::frames(&disk, folder, &description, &mut |place, frame| {
            let path = segment(place.segment);
            let (offset, bytes) = (place.offset as usize, frame.bytes().to_vec());
            frames.push(Lying { path, segment: place.segment, offset, bytes });
            Ok(())
        })
        .unwrap();
        let end = |path: &PathBuf| {
            let ends = frames.iter().filter(|frame| frame.path == *path);
            ends.map(Lying::end).max()
        };
        let mut used = Vec::new();
        for (path, bytes) in disk.files() {
            let part = path.strip_prefix(folder).unwrap();
            let is_spare =
                ["lock", "derived", "set-aside"].iter().any(|name| part.starts_with(name));
            let length =
                if part.starts_with("wal") { end(&path).unwrap_or(BLOCK) } else { bytes.len() };
            used.extend((!is_spare).then_some((path, length)));
        }
        assert!(frames.iter().any(|frame| frame.segment == 3) && used.len() == 6, "{used:?}");
        Self { disk, frames, used }
    }

    /// Makes one change.
    fn mutate(&self, disk: &FaultDisk, random: &mut Random) -> Mutation {
        if random.below(10) < 6 {
            return self.flip(disk, random);
        }
        let turn = random.below(self.frames.len());
        let frame = &self.frames[turn];
        match random.below(12) {
            0 => self.swap_segments(disk, random),
            1 => self.zero_sector(disk, turn, random),
            2 => {
                let length = random.below(frame.end());
                disk.alter(&frame.path, |file| file.truncate(length));
                let place = Place::At(frame.path.clone(), 0);
                (format!("{} cut to {length}", frame.path.display()), place)
            }
            3 => {
                disk.lose(&frame.path);
                // Named is the one that stands in its place; there always is one, made ahead.
                let place = Place::At(segment(frame.segment + 1), 0);
                (format!("{} taken away", frame.path.display()), place)
            }
            4 => self.drop_frame(disk, turn),
            5 => {
                // Stands twice, over what followed.
                let end = frame.end();
                if disk.bytes(&frame.path).unwrap().len() == end {
                    return self.flip(disk, random);
                }
                disk.alter(&frame.path, |file| {
                    let twice = end..(end + frame.bytes.len()).min(file.len());
                    let count = twice.len();
                    file[twice].copy_from_slice(&frame.bytes[..count]);
                });
                (format!("frame {turn} twice"), Place::At(frame.path.clone(), end))
            }
            6..9 => self.rewrite(disk, turn, random),
            _ => self.reseal(disk, turn, random),
        }
    }

    fn zero_sector(&self, disk: &FaultDisk, turn: usize, random: &mut Random) -> Mutation {
        let frame = &self.frames[turn];
        let filled = Frame::peek(&frame.bytes).unwrap().filled;
        let sector = random.below(filled.div_ceil(512)) * 512 + frame.offset;
        disk.alter(&frame.path, |file| file[sector..sector + 512].fill(0));
        let what = format!("sector at {sector} of {} zeroed", frame.path.display());
        (what, self.lost_or(turn, frame.place()))
    }

    /// As a write cut short leaves the last frame; but it was published. Of every other the place is known.
    fn lost_or(&self, turn: usize, place: Place) -> Place {
        let is_last = turn + 1 == self.frames.len();
        if is_last { Place::Behind(self.frames[turn].first()) } else { place }
    }

    /// What follows in its file moves up.
    fn drop_frame(&self, disk: &FaultDisk, turn: usize) -> Mutation {
        let frame = &self.frames[turn];
        disk.alter(&frame.path, |file| {
            file.copy_within(frame.end().., frame.offset);
            let length = file.len();
            file[length - frame.bytes.len()..].fill(0);
        });
        let following = self.frames.get(turn + 1);
        let place = match following {
            Some(next) if next.segment == frame.segment => frame.place(),
            Some(next) => next.place(),
            None => frame.place(),
        };
        (format!("frame {turn} dropped"), self.lost_or(turn, place))
    }

    /// Changes of frames whose checksums fit again.
    fn rewrite(&self, disk: &FaultDisk, turn: usize, random: &mut Random) -> Mutation {
        let frame = &self.frames[turn];
        match random.below(3) {
            0 => {
                let mut bytes = frame.bytes.clone();
                exchange_entries(&mut bytes, random);
                if bytes == frame.bytes {
                    return self.flip(disk, random);
                }
                frame.put(disk, &bytes);
                (format!("entries of frame {turn} exchanged"), frame.place())
            }
            1 => {
                let mut bytes = frame.bytes.clone();
                // Epoch, number, first index, count, root before, root after. The time is under no root and no signature.
                let fields = [8..16, 16..24, 24..32, 32..36, 56..88, 88..120];
                let field = fields[random.below(fields.len())].clone();
                bytes[field.start + random.below(field.len())] ^= 1 << random.below(8);
                seal(&mut bytes);
                frame.put(disk, &bytes);
                (format!("header of frame {turn} changed in {field:?}"), frame.place())
            }
            _ => {
                let number = random.below(self.frames.len());
                if number == turn {
                    return self.flip(disk, random);
                }
                let other = &self.frames[number];
                let shorter = frame.bytes.len().min(other.bytes.len());
                frame.put(disk, &other.bytes[..shorter]);
                other.put(disk, &frame.bytes[..shorter]);
                let place = self.frames[turn.min(number)].place();
                (format!("frames {turn} and {number} exchanged"), place)
            }
        }
    }

    /// Changes beside the tree: a sealed record is another than its entry names, or gone, or one too many. The frame is
    /// made anew, so that its lengths and checksum fit.
    fn reseal(&self, disk: &FaultDisk, turn: usize, random: &mut Random) -> Mutation {
        let frame = &self.frames[turn];
        let parsed = Frame::parse(&Bytes::copy_from_slice(&frame.bytes)).unwrap();
        let mut contents: Vec<Content> = (parsed.entries().zip(parsed.private()))
            .map(|(entry, private)| Content { entry, private })
            .collect();
        let number = random.below(contents.len());
        let record = &mut contents[number].private;
        let did = match record.len() {
            0 => {
                *record = Bytes::from(vec![0xa5; 1 + random.below(60)]);
                "given"
            }
            length if random.below(2) == 0 => {
                let mut changed = record.to_vec();
                changed[random.below(length)] ^= 1 << random.below(8);
                *record = Bytes::from(changed);
                "changed"
            }
            _ => {
                *record = Bytes::new();
                "robbed of"
            }
        };
        let mut bytes = Frame::new(parsed.header().clone(), &contents).unwrap().bytes().to_vec();
        if bytes.len() > frame.bytes.len() {
            return self.flip(disk, random);
        }
        bytes.resize(frame.bytes.len(), 0);
        frame.put(disk, &bytes);
        (format!("entry {number} of frame {turn} {did} its sealed record"), frame.place())
    }

    fn flip(&self, disk: &FaultDisk, random: &mut Random) -> Mutation {
        let (path, length) = &self.used[random.below(self.used.len())];
        let at = random.below(*length);
        disk.alter(path, |file| file[at] ^= 1 << random.below(8));
        let is_in =
            |frame: &&Lying| frame.path == *path && (frame.offset..frame.end()).contains(&at);
        let place = match self.frames.iter().find(is_in) {
            Some(frame) => frame.place(),
            None if path.parent().unwrap().ends_with("wal") => Place::At(path.clone(), 0),
            None => Place::OfFile(path.clone()),
        };
        (format!("byte {at} of {}", path.display()), place)
    }

    fn swap_segments(&self, disk: &FaultDisk, random: &mut Random) -> Mutation {
        let last = self.frames.last().unwrap().path.clone();
        let one = self.frames[random.below(self.frames.len() / 2)].path.clone();
        let (of_one, of_last) = (disk.bytes(&one).unwrap(), disk.bytes(&last).unwrap());
        disk.alter(&one, |file| *file = of_last);
        disk.alter(&last, |file| *file = of_one);
        (format!("{} and {} exchanged", one.display(), last.display()), Place::At(one, 0))
    }
}

impl Lying {
    fn end(&self) -> usize {
        self.offset + self.bytes.len()
    }

    fn first(&self) -> u64 {
        Frame::peek(&self.bytes).unwrap().first_index
    }

    fn place(&self) -> Place {
        Place::At(self.path.clone(), self.offset)
    }

    fn put(&self, disk: &FaultDisk, bytes: &[u8]) {
        disk.alter(&self.path, |file| {
            file[self.offset..self.offset + bytes.len()].copy_from_slice(bytes);
        });
    }
}

fn segment(number: u64) -> PathBuf {
    Path::new(FOLDER).join("wal").join(scan::name(number))
}

/// Exchanges two entries of different content, and makes the checksum fit again.
fn exchange_entries(bytes: &mut [u8], random: &mut Random) {
    let frame = Frame::parse(&Bytes::copy_from_slice(bytes)).unwrap();
    let mut entries: Vec<Bytes> = frame.entries().collect();
    let (one, other) = (random.below(entries.len()), random.below(entries.len()));
    entries.swap(one, other);
    let mut at = 120;
    for entry in entries {
        bytes[at..at + 2].copy_from_slice(&(entry.len() as u16).to_be_bytes());
        bytes[at + 2..at + 2 + entry.len()].copy_from_slice(&entry);
        at += 2 + entry.len();
    }
    seal(bytes);
}

/// Makes the checksum fit.
fn seal(bytes: &mut [u8]) {
    let end = Frame::peek(bytes).map_or(bytes.len(), |frame| frame.filled) - 4;
    let checksum = crc32c::crc32c(&bytes[..end]);
    bytes[end..end + 4].copy_from_slice(&checksum.to_be_bytes());
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

fn check(disk: &FaultDisk) -> Result<Verified, AuditError> {
    verify_on(disk, Path::new(FOLDER), Expected::default(), &mut |_, _| {})
}

#[test]
fn every_mutation_is_reported_with_its_place() {
    let subject = Subject::new();
    assert_eq!(check(&subject.disk).unwrap().left_over, None);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let subject = &subject;
            scope.spawn(move || {
                for turn in 0..MUTATIONS / THREADS {
                    let seed = thread * MUTATIONS + turn;
                    let disk = subject.disk.copy();
                    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
                    let (what, place) = subject.mutate(&disk, &mut random);
                    is_reported(&format!("{seed}: {what}"), check(&disk), place);
                }
            });
        }
    });
}

fn is_reported(what: &str, found: Result<Verified, AuditError>, expected: Place) {
    let error = found.map(drop).expect_err(what);
    assert!(error.is_finding(), "{what}: {}", chain(&error));
    let is_there = match (&error, &expected) {
        (AuditError::Store(StoreError::Damaged { path, offset, .. }), Place::At(file, at)) => {
            (path, *offset) == (file, *at as u64)
        }
        (AuditError::Store(StoreError::Damaged { path, offset, .. }), Place::OfFile(file)) => {
            // Another epoch in the description is one that no segment has.
            path == file || file.ends_with("log.toml") && (path, *offset) == (&segment(1), 0)
        }
        (AuditError::Behind { found, .. }, Place::Behind(entries)) => found == entries,
        (AuditError::Note(_), Place::OfFile(file)) => file.ends_with("checkpoint"),
        _ => false,
    };
    assert!(is_there, "{what}: {} instead of {expected:?}", chain(&error));
}
