//! A store in memory whose writes fail on demand, in both ways a real one can.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex};

use bytes::Bytes;

use super::frame::Frame;
use super::hashed::{Depth, Hashed};
use super::store::{Known, Place, Store, StoreError, Visit, failed};

/// How an append fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The frame is not there afterwards.
    NotWritten,
    /// The frame is there afterwards, although the flush failed.
    Written,
    /// The disk is full.
    Full,
}

#[derive(Default)]
struct State {
    frames: Vec<Frame>,
    checkpoint: Option<String>,
    fault: Option<Fault>,
    publish_fails: bool,
    is_held: bool,
    /// Appends that have begun.
    begun: usize,
    derived: BTreeMap<String, Bytes>,
}

/// Frames in memory.
#[derive(Default)]
pub(crate) struct MemoryStore {
    state: Mutex<State>,
    changed: Condvar,
}

impl MemoryStore {
    pub(super) fn with(frame: Frame, checkpoint: &str) -> Self {
        let store = Self::default();
        store.change(|state| {
            state.frames.push(frame);
            state.checkpoint = Some(checkpoint.to_owned());
        });
        store
    }

    /// The next append fails.
    pub(crate) fn fail(&self, fault: Fault) {
        self.change(|state| state.fault = Some(fault));
    }

    pub(super) fn fail_publishing(&self) {
        self.change(|state| state.publish_fails = true);
    }

    /// Appends do not return until [`MemoryStore::release`].
    pub(crate) fn hold(&self) {
        self.change(|state| state.is_held = true);
    }

    pub(crate) fn release(&self) {
        self.change(|state| state.is_held = false);
    }

    /// Appends that have begun so far.
    pub(crate) fn begun(&self) -> usize {
        self.state.lock().unwrap().begun
    }

    /// Waits until so many appends have begun, and lets the clerk of the log run meanwhile.
    pub(crate) async fn wait_for_appends(&self, count: usize) {
        while self.begun() < count {
            tokio::task::yield_now().await;
        }
    }

    pub(super) fn frames(&self) -> Vec<Frame> {
        self.state.lock().unwrap().frames.clone()
    }

    fn visit(
        &self,
        depth: Depth,
        visit: &mut Visit<'_>,
        is_wanted: impl Fn(&Frame) -> bool,
    ) -> Result<(), StoreError> {
        let mut place = Place { segment: 1, offset: 4096 };
        for frame in self.frames() {
            let next = place.offset + frame.bytes().len() as u64;
            if is_wanted(&frame) {
                visit(place, &mut Hashed::new(frame, depth)).map_err(|source| {
                    StoreError::Damaged { path: "memory".into(), offset: place.offset, source }
                })?;
            }
            place.offset = next;
        }
        Ok(())
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
        self.changed.notify_all();
    }
}

impl Store for MemoryStore {
    fn load(&self, known: Known, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.visit(known.depth, visit, |_| true)
    }

    fn frames(&self, first: u64, end: u64, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.visit(Depth::Hashes, visit, |frame| {
            let begin = frame.header().first_index;
            begin < end && begin + u64::from(frame.count()) > first
        })
    }

    fn derived(&self, name: &str) -> Result<Option<Bytes>, StoreError> {
        Ok(self.state.lock().unwrap().derived.get(name).cloned())
    }

    fn derive(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.change(|state| {
            state.derived.insert(name.to_owned(), Bytes::copy_from_slice(bytes));
        });
        Ok(())
    }

    fn append(&self, frame: &Frame) -> Result<(), StoreError> {
        self.change(|state| state.begun += 1);
        let state = self.state.lock().unwrap();
        let mut state = self.changed.wait_while(state, |state| state.is_held).unwrap();
        let kind = match state.fault {
            None => {
                state.frames.push(frame.clone());
                return Ok(());
            }
            Some(Fault::NotWritten) => std::io::ErrorKind::Other,
            Some(Fault::Full) => std::io::ErrorKind::StorageFull,
            Some(Fault::Written) => {
                state.frames.push(frame.clone());
                std::io::ErrorKind::Other
            }
        };
        state.fault = None;
        Err(failed("flush", "memory")(kind.into()))
    }

    fn read(&self, first: u64, limit: usize) -> Result<Vec<Bytes>, StoreError> {
        let frames = self.frames();
        let entries = frames.iter().flat_map(|frame| frame.entries().collect::<Vec<_>>());
        Ok(entries.skip(first as usize).take(limit).collect())
    }

    fn published(&self) -> Result<Option<String>, StoreError> {
        Ok(self.state.lock().unwrap().checkpoint.clone())
    }

    fn publish(&self, checkpoint: &str) -> Result<(), StoreError> {
        let mut state = self.state.lock().unwrap();
        if state.publish_fails {
            return Err(failed("write", "memory")(std::io::ErrorKind::Other.into()));
        }
        state.checkpoint = Some(checkpoint.to_owned());
        Ok(())
    }
}
