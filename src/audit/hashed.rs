//! Frames checked as far as one can without those before them: checksum, leaf hashes, sealed records, and where asked
//! the entries themselves. This is the work of reading a log, so it is done on as many threads as there are cores, and
//! handed back in order.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use bytes::Bytes;

use super::beside::sealed_part;
use super::entry::skim::{Skimmed, skim};
use super::entry::{self, Entry, Kind};
use super::frame::{Frame, FrameError};
use super::store::Damage;
use super::tree;
use crate::crypto::{Digest, sha256};

/// How much is made of each frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// Its hashes.
    Hashes,
    /// Its entries as well.
    Entries,
}

/// A frame with what its entries hash to.
#[derive(Debug)]
pub(super) struct Hashed {
    /// The frame.
    pub(super) frame: Frame,
    /// Leaf hash of each entry.
    pub(super) leaves: Vec<Digest>,
    /// The entries, where they were asked for; one that is none ends the list.
    pub(super) entries: Vec<Entry>,
    /// Those of them, asked for or not, that change the log's keys; by index.
    pub(super) keys: Vec<(u64, Entry)>,
    /// What is wrong inside, besides that it may not join the frame before.
    flaw: Option<Damage>,
}

impl Hashed {
    pub(super) fn new(frame: Frame, depth: Depth) -> Self {
        let count = frame.count() as usize;
        let mut hashed = Self {
            frame,
            leaves: Vec::with_capacity(count),
            entries: Vec::new(),
            keys: Vec::new(),
            flaw: None,
        };
        hashed.leaves.extend(hashed.frame.slices().map(tree::leaf_hash));
        hashed.flaw = match depth {
            Depth::Hashes => hashed.seals().err(),
            Depth::Entries => hashed.decode().err(),
        };
        hashed
    }

    /// Fails when an entry or a sealed record is not what it must be. Asked once the frame is known to join: what does
    /// not is wrong in the first place.
    pub(super) fn sound(&mut self) -> Result<(), Damage> {
        self.flaw.take().map_or(Ok(()), Err)
    }

    /// Holds every sealed record against what its entry says of it.
    fn seals(&mut self) -> Result<(), Damage> {
        let mut keys = Vec::new();
        let private = self.frame.private();
        for ((index, bytes), private) in self.indexed().zip(private) {
            // Bytes that are no entry commit to nothing: the hashes cover them all the same.
            let skimmed = skim(bytes);
            match skimmed {
                Some(Skimmed { question: Some(question), .. }) => {
                    seal(index, question.sealed, &private)?;
                }
                Some(Skimmed { question: None, .. }) => match entry::decode(bytes) {
                    Ok(entry) => {
                        seal(index, entry.kind.sealed(), &private)?;
                        keys.push((index, entry));
                    }
                    Err(_) => seal(index, &[], &private)?,
                },
                None => seal(index, &[], &private)?,
            }
        }
        keys.retain(|(_, entry)| matches!(entry.kind, Kind::Key(_)));
        self.keys = keys;
        Ok(())
    }

    fn decode(&mut self) -> Result<(), Damage> {
        let mut entries = Vec::with_capacity(self.leaves.len());
        let private = self.frame.private();
        let mut checked = Ok(());
        for ((index, bytes), private) in self.indexed().zip(private) {
            match entry::decode(bytes) {
                Ok(entry) => {
                    checked = seal(index, entry.kind.sealed(), &private);
                    entries.push(entry);
                }
                Err(source) => checked = Err(Damage::Entry { index, source }),
            }
            if checked.is_err() {
                break;
            }
        }
        let is_key = |(_, entry): &(u64, &Entry)| matches!(entry.kind, Kind::Key(_));
        let first = self.frame.header().first_index;
        let keys = (first..).zip(&entries).filter(is_key);
        self.keys = keys.map(|(index, entry)| (index, entry.clone())).collect();
        self.entries = entries;
        checked
    }

    fn indexed(&self) -> impl Iterator<Item = (u64, &[u8])> {
        (self.frame.header().first_index..).zip(self.frame.slices())
    }
}

fn seal(index: u64, committed: &[u8], private: &[u8]) -> Result<(), Damage> {
    if is_sealed(committed, private) { Ok(()) } else { Err(Damage::Unsealed(index)) }
}

/// True when this is the sealed record of an entry that commits to it, or there is neither.
fn is_sealed(committed: &[u8], private: &[u8]) -> bool {
    if committed.is_empty() {
        return private.is_empty();
    }
    sealed_part(private).is_some_and(|sealed| sha256(sealed) == committed)
}

/// Whole frames as they lie in a file.
pub(super) struct Run {
    /// Where they begin.
    pub(super) offset: u64,
    /// The frames and nothing else, unless they are damaged.
    pub(super) bytes: Bytes,
}

/// What became of a run.
pub(super) struct Checked {
    /// Its frames up to the first that is none, each with its place.
    pub(super) frames: Vec<(u64, Hashed)>,
    /// Why the next one is none.
    pub(super) flaw: Option<FrameError>,
}

fn check(run: &Run, depth: Depth) -> Checked {
    let mut checked = Checked { frames: Vec::new(), flaw: None };
    let (mut offset, mut rest) = (run.offset, run.bytes.clone());
    while !rest.is_empty() {
        match Frame::parse(&rest) {
            Ok(frame) => {
                let length = frame.bytes().len();
                checked.frames.push((offset, Hashed::new(frame, depth)));
                rest = rest.split_off(length);
                offset += length as u64;
            }
            Err(flaw) => {
                checked.flaw = Some(flaw);
                break;
            }
        }
    }
    checked
}

/// Runs that are being checked, first come first out.
pub(super) struct Pool {
    jobs: SyncSender<Job>,
    pending: VecDeque<Receiver<Checked>>,
    room: usize,
}

struct Job {
    run: Run,
    reply: SyncSender<Checked>,
}

/// Most threads: more would wait for the one that reads and joins.
const MOST_WORKERS: usize = 8;

/// Runs `work` with threads beside it that check. They end with it.
///
/// # Errors
/// When there are no threads to be had.
pub(super) fn with_pool<R>(depth: Depth, work: impl FnOnce(&mut Pool) -> R) -> io::Result<R> {
    let workers = thread::available_parallelism().map_or(1, usize::from).min(MOST_WORKERS);
    // Each has one run at hand and one to go on with; more would only take memory.
    let room = workers + 2;
    let (jobs, queue) = sync_channel::<Job>(room);
    let queue = &Mutex::new(queue);
    // The sender ends with the closure, however that ends, and the threads with the sender.
    thread::scope(move |scope| {
        for _ in 0..workers {
            thread::Builder::new().name("log-check".to_owned()).spawn_scoped(scope, move || {
                loop {
                    let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(Job { run, reply }) = job else { break };
                    // Nobody wants it any more when the reader has found a flaw before it.
                    let _ = reply.send(check(&run, depth));
                }
            })?;
        }
        Ok(work(&mut Pool { jobs, pending: VecDeque::new(), room }))
    })
}

impl Pool {
    pub(super) fn has_room(&self) -> bool {
        self.pending.len() < self.room
    }

    /// Has a run checked. Only while there is room.
    pub(super) fn submit(&mut self, run: Run) -> io::Result<()> {
        let (reply, checked) = sync_channel(1);
        self.jobs.send(Job { run, reply }).map_err(|_| io::Error::from(ErrorKind::BrokenPipe))?;
        self.pending.push_back(checked);
        Ok(())
    }

    /// The oldest run, once it is checked; `None` when none is left.
    pub(super) fn next(&mut self) -> io::Result<Option<Checked>> {
        let Some(checked) = self.pending.pop_front() else { return Ok(None) };
        // A thread that panicked has no reply.
        checked.recv().map(Some).map_err(|_| ErrorKind::BrokenPipe.into())
    }

    /// Forgets what is under way.
    pub(super) fn discard(&mut self) {
        self.pending.clear();
    }
}
