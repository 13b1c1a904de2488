//! Ten thousand changes of a log closed in good order, single bytes and whole parts: `verify` reports every one, and
//! names the first bad place.

use std::path::PathBuf;

use super::driven::{Driven, FOLDER, Told, chain, load};
use super::fault_disk::FaultDisk;
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
    offset: usize,
    bytes: Vec<u8>,
}

struct Subject {
    disk: FaultDisk,
    frames: Vec<Lying>,
    /// Files with the bytes that count: of a segment, up to the end of its last frame.
    used: Vec<(PathBuf, usize)>,
}

impl Subject {
    fn new() -> Self {
        let (disk, key) = (FaultDisk::new(false), Arc::new(key()));
        let mut told = Told::default();
        load(&disk, &key, &mut told).unwrap();
        // Opened once more: what is there is published.
        drop(Driven::open(&disk, &key).unwrap());
        let folder = Path::new(FOLDER);
        let description = Description::read_on(&disk, folder).unwrap().unwrap();
        let mut frames = Vec::new();
        scan::frames(&disk, folder, &description, &mut |place, frame| {
            let path = folder.join("wal").join(scan::name(place.segment));
            frames.push(Lying {
                path,
                offset: place.offset as usize,
                bytes: frame.bytes().to_vec(),
            });
            Ok(())
        })
        .unwrap();
        let end = |path: &PathBuf| {
            let ends = frames.iter().filter(|frame| frame.path == *path);
            ends.map(|frame| frame.offset + frame.bytes.len()).max()
        };
        let mut used = Vec::new();
        for (path, bytes) in disk.files() {
            // What is derived is no part of what is verified: it may be taken away whole.
            let is_part = !path.ends_with("lock") && !path.starts_with(folder.join("derived"));
            let is_segment = path.starts_with(folder.join("wal"));
            let length = if is_segment { end(&path).unwrap_or(BLOCK) } else { bytes.len() };
            used.extend(is_part.then_some((path, length)));
        }
        Self { disk, frames, used }
    }

    /// Makes one change, and says what it was, and where the first bad place is when that is one place.
    fn mutate(&self, disk: &FaultDisk, random: &mut Random) -> (String, Option<(PathBuf, usize)>) {
        if random.below(10) < 7 {
            return self.flip(disk, random);
        }
        let turn = random.below(self.frames.len());
        let frame = &self.frames[turn];
        match random.below(9) {
            0 => self.swap_segments(disk, random),
            1 => {
                let block = frame.offset + random.below(frame.bytes.len() / 512) * 512;
                let filled = Frame::peek(&frame.bytes).unwrap().filled;
                let block = block.min(frame.offset + (filled - 1) / 512 * 512);
                disk.alter(&frame.path, |file| file[block..block + 512].fill(0));
                (format!("sector at {block} of {} zeroed", frame.path.display()), None)
            }
            2 => {
                let length = random.below(frame.offset + frame.bytes.len());
                disk.alter(&frame.path, |file| file.truncate(length));
                (format!("{} cut to {length}", frame.path.display()), None)
            }
            3 => {
                disk.lose(&frame.path);
                (format!("{} taken away", frame.path.display()), None)
            }
            4 => {
                // Dropped: what follows in its file moves up.
                disk.alter(&frame.path, |file| {
                    file.copy_within(frame.offset + frame.bytes.len().., frame.offset);
                    let length = file.len();
                    file[length - frame.bytes.len()..].fill(0);
                });
                (format!("frame {turn} dropped"), None)
            }
            5 => {
                // Stands twice, over what followed.
                let end = frame.offset + frame.bytes.len();
                if disk.bytes(&frame.path).unwrap().len() == end {
                    return self.flip(disk, random);
                }
                disk.alter(&frame.path, |file| {
                    let twice = end..(end + frame.bytes.len()).min(file.len());
                    let count = twice.len();
                    file[twice].copy_from_slice(&frame.bytes[..count]);
                });
                (format!("frame {turn} twice"), None)
            }
            _ => self.rewrite(disk, turn, random),
        }
    }

    /// Changes whose checksum fits again.
    fn rewrite(
        &self,
        disk: &FaultDisk,
        turn: usize,
        random: &mut Random,
    ) -> (String, Option<(PathBuf, usize)>) {
        let frame = &self.frames[turn];
        let place = Some((frame.path.clone(), frame.offset));
        let put = |bytes: &[u8]| {
            disk.alter(&frame.path, |file| {
                file[frame.offset..frame.offset + bytes.len()].copy_from_slice(bytes);
            });
        };
        match random.below(3) {
            0 => {
                let mut bytes = frame.bytes.clone();
                exchange_entries(&mut bytes, random);
                if bytes == frame.bytes {
                    return self.flip(disk, random);
                }
                put(&bytes);
                (format!("entries of frame {turn} exchanged"), place)
            }
            1 => {
                let mut bytes = frame.bytes.clone();
                // Epoch, number, first index, count, root before, root after. The time is under no root and no signature.
                let fields = [8..16, 16..24, 24..32, 32..36, 56..88, 88..120];
                let field = fields[random.below(fields.len())].clone();
                bytes[field.start + random.below(field.len())] ^= 1 << random.below(8);
                seal(&mut bytes);
                put(&bytes);
                (format!("header of frame {turn} changed in {field:?}"), place)
            }
            _ => {
                let other = &self.frames[random.below(self.frames.len())];
                if other.offset == frame.offset && other.path == frame.path {
                    return self.flip(disk, random);
                }
                let shorter = frame.bytes.len().min(other.bytes.len());
                put(&other.bytes[..shorter]);
                disk.alter(&other.path, |file| {
                    file[other.offset..other.offset + shorter]
                        .copy_from_slice(&frame.bytes[..shorter]);
                });
                (format!("frame {turn} exchanged with another"), None)
            }
        }
    }

    fn flip(&self, disk: &FaultDisk, random: &mut Random) -> (String, Option<(PathBuf, usize)>) {
        let (path, length) = &self.used[random.below(self.used.len())];
        let at = random.below(*length);
        disk.alter(path, |file| file[at] ^= 1 << random.below(8));
        let is_in = |frame: &&Lying| {
            let part = frame.offset..frame.offset + frame.bytes.len();
            frame.path == *path && part.contains(&at)
        };
        let frame = self.frames.iter().find(is_in);
        let place = frame.map(|frame| (path.clone(), frame.offset));
        (format!("byte {at} of {}", path.display()), place)
    }

    fn swap_segments(
        &self,
        disk: &FaultDisk,
        random: &mut Random,
    ) -> (String, Option<(PathBuf, usize)>) {
        let last = self.frames.last().unwrap().path.clone();
        let one = self.frames[random.below(self.frames.len() / 2)].path.clone();
        let (of_one, of_last) = (disk.bytes(&one).unwrap(), disk.bytes(&last).unwrap());
        disk.alter(&one, |file| *file = of_last);
        disk.alter(&last, |file| *file = of_one);
        (format!("{} and {} exchanged", one.display(), last.display()), Some((one, 0)))
    }
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

fn is_reported(what: &str, found: Result<Verified, AuditError>, place: Option<(PathBuf, usize)>) {
    let error = found.map(drop).expect_err(what);
    assert!(error.is_finding(), "{what}: {}", chain(&error));
    match (&error, place) {
        (AuditError::Store(StoreError::Damaged { path, offset, .. }), Some(expected)) => {
            assert_eq!((path.clone(), *offset as usize), expected, "{what}: {}", chain(&error));
        }
        (AuditError::Store(StoreError::Damaged { .. }), None) => {}
        // Names the entry: the first that is missing, or the size that does not hold.
        (AuditError::Behind { .. } | AuditError::Forked { .. }, None) => {}
        (AuditError::Note(_) | AuditError::Missing(_), None) => {}
        _ => panic!("{what}: {}", chain(&error)),
    }
}
