//! A disk with two planes: what the running system shows, and what a power cut leaves. Any one operation can fail.
//!
//! What was not flushed may stay in any part: each sector and each change of a name for itself. A flush that failed
//! without writing leaves its pages clean, as Linux does: they are shown, and no later flush writes them.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::audit::file::disk::{Disk, DiskFile, Mode, Pending, Work};

const SECTOR: usize = 512;

/// What happens at one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The power goes while it is under way; nothing works any more.
    Cut,
    /// It fails and nothing of it is done.
    NotDone,
    /// It fails although it is done.
    Done,
    /// No space; half of a write is done.
    Full,
    /// Half of a write is done, and that is told.
    Short,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Opening, reading, listing, locking.
    Look,
    /// A file or folder is made.
    Make,
    /// A name is changed or taken away.
    Name,
    Write,
    FlushFile,
    FlushFolder,
}

impl Step {
    /// What can happen at such an operation.
    pub(super) fn faults(self) -> &'static [Fault] {
        match self {
            Self::Look => &[Fault::NotDone],
            Self::Make => &[Fault::NotDone, Fault::Done, Fault::Full],
            Self::Name => &[Fault::NotDone, Fault::Done],
            Self::Write => &[Fault::NotDone, Fault::Done, Fault::Full, Fault::Short],
            Self::FlushFile | Self::FlushFolder => &[Fault::NotDone, Fault::Done, Fault::Full],
        }
    }
}

/// How much of what was not flushed a power cut leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    Nothing,
    Everything,
    /// Changes of names, but no content.
    Names,
    /// Content, but no changes of names.
    Content,
    /// Every other piece, beginning with the first.
    Even,
    /// Every other piece, beginning with the second.
    Odd,
    /// Whatever this seed says.
    Random(u64),
}

impl Keep {
    fn name(self, turn: usize) -> bool {
        !matches!(self, Self::Content) && (matches!(self, Self::Names) || self.piece(turn))
    }

    fn content(self, turn: usize) -> bool {
        !matches!(self, Self::Names) && (matches!(self, Self::Content) || self.piece(turn))
    }

    fn piece(self, turn: usize) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything | Self::Names | Self::Content => true,
            Self::Even => turn.is_multiple_of(2),
            Self::Odd => !turn.is_multiple_of(2),
            Self::Random(seed) => {
                let mixed = (seed ^ turn as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 63 == 1
            }
        }
    }
}

#[derive(Clone, Default, Hash)]
struct Node {
    is_folder: bool,
    shown: Arc<Vec<u8>>,
    durable: Arc<Vec<u8>>,
    /// Sectors shown that a flush would write.
    dirty: BTreeSet<usize>,
    /// Whether a flush would write the length.
    is_resized: bool,
}

impl Node {
    fn resize(&mut self, length: usize) {
        if self.shown.len() != length {
            self.is_resized = true;
            resize(&mut self.shown, length);
        }
    }

    fn write(&mut self, bytes: &[u8], offset: usize) {
        let end = offset + bytes.len();
        self.resize(self.shown.len().max(end));
        Arc::make_mut(&mut self.shown)[offset..end].copy_from_slice(bytes);
        self.dirty.extend(offset / SECTOR..end.div_ceil(SECTOR));
    }

    /// Makes of the unflushed pieces durable what is kept.
    fn settle(&mut self, mut keep: impl FnMut() -> bool) {
        if std::mem::take(&mut self.is_resized) && keep() {
            resize(&mut self.durable, self.shown.len());
        }
        for sector in std::mem::take(&mut self.dirty) {
            let start = sector * SECTOR;
            let end = (start + SECTOR).min(self.durable.len()).min(self.shown.len());
            if keep() && start < end {
                let durable = Arc::make_mut(&mut self.durable);
                durable[start..end].copy_from_slice(&self.shown[start..end]);
            }
        }
    }
}

/// As `Vec::resize`, which takes its time in a test build.
fn resize(bytes: &mut Arc<Vec<u8>>, length: usize) {
    let mut other = vec![0; length];
    let kept = length.min(bytes.len());
    other[..kept].copy_from_slice(&bytes[..kept]);
    *bytes = Arc::new(other);
}

#[derive(Clone, Hash)]
enum Change {
    Link(PathBuf, usize),
    Rename(PathBuf, PathBuf, usize),
    Unlink(PathBuf),
}

impl Change {
    fn folder(&self) -> &Path {
        match self {
            Self::Link(path, _) | Self::Rename(path, ..) | Self::Unlink(path) => {
                path.parent().unwrap()
            }
        }
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            Self::Link(path, node) => drop(names.insert(path.clone(), *node)),
            Self::Unlink(path) => drop(names.remove(path)),
            Self::Rename(from, to, node) => {
                names.remove(from);
                names.insert(to.clone(), *node);
            }
        }
    }
}

#[derive(Clone, Default)]
struct State {
    nodes: Vec<Node>,
    shown: BTreeMap<PathBuf, usize>,
    durable: BTreeMap<PathBuf, usize>,
    /// Changes of names that no flush has written, in order.
    changes: Vec<Change>,
    locked: BTreeSet<usize>,
    trace: Vec<Step>,
    fault: Option<(usize, Fault)>,
    is_off: bool,
    puts_off: bool,
}

impl State {
    fn node(&self, path: &Path) -> io::Result<usize> {
        self.shown.get(path).copied().ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.shown);
        self.changes.push(change);
    }

    fn link(&mut self, path: &Path, is_folder: bool) -> io::Result<usize> {
        self.node(path.parent().unwrap())?;
        self.nodes.push(Node { is_folder, ..Node::default() });
        let node = self.nodes.len() - 1;
        self.change(Change::Link(path.to_owned(), node));
        Ok(node)
    }

    /// Writes the unflushed changes of names in one folder, or forgets them.
    fn settle_names(&mut self, node: usize, mut keep: impl FnMut() -> bool) {
        let folder = self.shown.iter().find(|(_, other)| **other == node).unwrap().0.clone();
        let (settled, others) = std::mem::take(&mut self.changes)
            .into_iter()
            .partition::<Vec<_>, _>(|change| change.folder() == folder);
        self.changes = others;
        settled.iter().filter(|_| keep()).for_each(|change| change.apply(&mut self.durable));
    }

    fn settle(&mut self, node: usize, is_kept: bool) {
        if self.nodes[node].is_folder {
            self.settle_names(node, || is_kept);
        } else {
            self.nodes[node].settle(|| is_kept);
        }
    }
}

/// The disk. Cloning gives another handle to the same one.
#[derive(Clone)]
pub(super) struct FaultDisk {
    state: Arc<Mutex<State>>,
}

impl FaultDisk {
    /// Empty, with a root folder. `puts_off` tells when work beside the caller is done: late, or at once.
    pub(super) fn new(puts_off: bool) -> Self {
        let root = (PathBuf::from("/"), 0);
        let state = State {
            nodes: vec![Node { is_folder: true, ..Node::default() }],
            shown: [root.clone()].into(),
            durable: [root].into(),
            puts_off,
            ..State::default()
        };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Lets that operation fail, counted from now.
    pub(super) fn fail(&self, operation: usize, fault: Fault) {
        let mut state = self.state.lock().unwrap();
        state.trace.clear();
        state.fault = Some((operation, fault));
    }

    /// Nothing fails from now on, as after a restart of the program alone.
    pub(super) fn heal(&self) {
        let mut state = self.state.lock().unwrap();
        state.trace.clear();
        state.fault = None;
    }

    /// The operations since the last call of `fail` or `heal`.
    pub(super) fn trace(&self) -> Vec<Step> {
        self.state.lock().unwrap().trace.clone()
    }

    /// The disk as it is now, apart from this one.
    pub(super) fn copy(&self) -> Self {
        Self { state: Arc::new(Mutex::new(self.state.lock().unwrap().clone())) }
    }

    /// What a power cut now leaves, on a disk of its own.
    pub(super) fn survivors(&self, keep: Keep) -> Self {
        let mut state = self.state.lock().unwrap().clone();
        let mut turn = 0;
        for change in std::mem::take(&mut state.changes) {
            if keep.name(turn) {
                change.apply(&mut state.durable);
            }
            turn += 1;
        }
        for node in &mut state.nodes {
            node.settle(|| {
                turn += 1;
                keep.content(turn)
            });
            node.shown.clone_from(&node.durable);
        }
        // A file whose folder is gone is gone.
        let names = state.durable.clone();
        let mut is_there = BTreeSet::from([PathBuf::from("/")]);
        for path in names.keys().skip(1) {
            if is_there.contains(path.parent().unwrap()) {
                is_there.insert(path.clone());
            }
        }
        state.durable.retain(|path, _| is_there.contains(path));
        state.shown.clone_from(&state.durable);
        let puts_off = state.puts_off;
        let (nodes, shown, durable) = (state.nodes, state.shown, state.durable);
        let state = State { nodes, shown, durable, puts_off, ..State::default() };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// A file's bytes as shown.
    pub(super) fn bytes(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.state.lock().unwrap();
        Some(state.nodes[state.node(path).ok()?].shown.to_vec())
    }

    /// Changes a file behind everybody's back, durably.
    pub(super) fn alter(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state.lock().unwrap();
        let node = state.node(path).unwrap();
        let node = &mut state.nodes[node];
        change(Arc::make_mut(&mut node.shown));
        node.durable.clone_from(&node.shown);
    }

    /// Takes a file away behind everybody's back, durably.
    pub(super) fn lose(&self, path: &Path) {
        let mut state = self.state.lock().unwrap();
        state.shown.remove(path);
        state.durable.remove(path);
    }

    /// Every file with its bytes as shown.
    pub(super) fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let state = self.state.lock().unwrap();
        let files = state.shown.iter().filter(|(_, node)| !state.nodes[**node].is_folder);
        files.map(|(path, node)| (path.clone(), state.nodes[*node].shown.to_vec())).collect()
    }

    /// Tells one state of both planes from others.
    pub(super) fn fingerprint(&self) -> u64 {
        let state = self.state.lock().unwrap();
        let mut hasher = DefaultHasher::new();
        for (path, node) in state.shown.iter().chain(&state.durable) {
            (path, &state.nodes[*node]).hash(&mut hasher);
        }
        state.changes.hash(&mut hasher);
        hasher.finish()
    }

    /// One operation: `act` does it, or half of it.
    fn step<T>(
        &self,
        step: Step,
        flushed: Option<usize>,
        act: impl FnOnce(&mut State, bool) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut state = self.state.lock().unwrap();
        let broken = || io::Error::from_raw_os_error(5);
        if state.is_off {
            return Err(broken());
        }
        let number = state.trace.len();
        state.trace.push(step);
        let fault = state.fault.filter(|(at, _)| *at == number).map(|(_, fault)| fault);
        match fault {
            None => act(&mut state, true),
            Some(Fault::Cut) => {
                // What is under way may be kept or not; a flush has written nothing for certain.
                if flushed.is_none() {
                    let _ = act(&mut state, true);
                }
                state.is_off = true;
                Err(broken())
            }
            Some(fault @ (Fault::NotDone | Fault::Full)) => {
                if let Some(node) = flushed {
                    state.settle(node, false);
                } else if fault == Fault::Full && step == Step::Write {
                    act(&mut state, false)?;
                }
                let full = io::Error::from(ErrorKind::StorageFull);
                Err(if fault == Fault::Full { full } else { broken() })
            }
            Some(Fault::Done) => {
                act(&mut state, true)?;
                Err(broken())
            }
            Some(Fault::Short) => act(&mut state, false),
        }
    }

    fn opened(&self, node: usize) -> Box<dyn DiskFile> {
        Box::new(FaultFile { disk: self.clone(), node, is_locked: AtomicBool::new(false) })
    }
}

impl Disk for FaultDisk {
    fn open(&self, path: &Path, mode: Mode) -> io::Result<Box<dyn DiskFile>> {
        let is_there = self.state.lock().unwrap().node(path).is_ok();
        let step = if mode == Mode::Read || mode == Mode::Lock && is_there {
            Step::Look
        } else {
            Step::Make
        };
        let node = self.step(step, None, |state, _| match state.node(path) {
            Ok(node) if state.nodes[node].is_folder => Err(ErrorKind::IsADirectory.into()),
            Ok(node) => {
                if mode == Mode::Create {
                    state.nodes[node].resize(0);
                    state.nodes[node].dirty.clear();
                }
                Ok(node)
            }
            Err(error) if mode == Mode::Read => Err(error),
            Err(_) => state.link(path, false),
        });
        node.map(|node| self.opened(node))
    }

    fn open_folder(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.step(Step::Look, None, |state, _| state.node(path)).map(|node| self.opened(node))
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        self.step(Step::Make, None, |state, _| match state.node(path) {
            Ok(_) => Err(ErrorKind::AlreadyExists.into()),
            Err(_) => state.link(path, true).map(drop),
        })
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        self.step(Step::Look, None, |state, _| {
            state.node(folder)?;
            let inside = state.shown.keys().filter(|path| path.parent() == Some(folder));
            let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
            Ok(inside.map(name).collect())
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(Step::Name, None, |state, _| {
            let node = state.node(from)?;
            state.change(Change::Rename(from.to_owned(), to.to_owned(), node));
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step(Step::Name, None, |state, _| {
            state.node(path)?;
            state.change(Change::Unlink(path.to_owned()));
            Ok(())
        })
    }

    fn beside(&self, work: Work) -> io::Result<Pending> {
        if self.state.lock().unwrap().puts_off {
            return Ok(Pending::PutOff(work));
        }
        work();
        Ok(Pending::Done)
    }
}

struct FaultFile {
    disk: FaultDisk,
    node: usize,
    is_locked: AtomicBool,
}

impl DiskFile for FaultFile {
    fn length(&self) -> io::Result<u64> {
        Ok(self.disk.state.lock().unwrap().nodes[self.node].shown.len() as u64)
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        self.disk.step(Step::Look, None, |state, _| {
            let rest = state.nodes[self.node].shown.get(offset as usize..).unwrap_or_default();
            let count = rest.len().min(bytes.len());
            bytes[..count].copy_from_slice(&rest[..count]);
            Ok(count)
        })
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.disk.step(Step::Write, None, |state, is_whole| {
            let count = if is_whole { bytes.len() } else { bytes.len().div_ceil(2) };
            state.nodes[self.node].write(&bytes[..count], offset as usize);
            Ok(count)
        })
    }

    fn flush_data(&self) -> io::Result<()> {
        self.flush()
    }

    fn flush(&self) -> io::Result<()> {
        let is_folder = self.disk.state.lock().unwrap().nodes[self.node].is_folder;
        let step = if is_folder { Step::FlushFolder } else { Step::FlushFile };
        self.disk.step(step, Some(self.node), |state, _| {
            state.settle(self.node, true);
            Ok(())
        })
    }

    fn try_lock(&self) -> io::Result<bool> {
        let is_free =
            self.disk.step(Step::Look, None, |state, _| Ok(state.locked.insert(self.node)))?;
        self.is_locked.fetch_or(is_free, Ordering::Relaxed);
        Ok(is_free)
    }

    fn unlock(&self) -> io::Result<()> {
        if self.is_locked.swap(false, Ordering::Relaxed) {
            self.disk.state.lock().unwrap().locked.remove(&self.node);
        }
        Ok(())
    }
}
