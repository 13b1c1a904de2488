//! Write it down, then answer: the tamper-evident log. An append returns once its entry is durable, never before.
//!
//! The formats are C2SP's (tlog-checkpoint, signed-note, tlog-proof) over RFC 6962 hashing, so that programs we did
//! not write can check them. Pure: everything from `entry` to `chain`. One thread writes, one publishes; whoever
//! reads sees only what is durable.

mod error;
pub mod entry;
pub mod day;
pub mod vaulting;
pub mod commitment;
pub mod committed;
pub mod tree;
pub mod note;
pub mod checkpoint;
pub mod cosignature;
pub mod keys;
pub mod receipt;
pub mod bundle;
pub mod frame;
pub mod chain;
pub mod beside;
mod hashed;
mod history;
pub mod summary;
mod derived;
pub mod store;
pub mod file;
pub mod records;
mod ledger;
mod shared;
mod writer;
mod clerk;
pub mod witness;
mod publisher;
pub mod tiles;
mod rotate;
pub mod verify;
pub mod walk;
pub mod prover;
pub mod consistency;
pub mod script;
#[doc(hidden)]
pub mod targets;

#[cfg(test)]
pub(crate) mod memory;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use tokio::runtime::Handle;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, oneshot};
use tokio_util::task::TaskTracker;

use self::beside::Private;
use self::clerk::{CLERKS, Clerks, Inbox, Message};
use self::entry::{Entry, Kind, NodeChange, NodeEvent, Source};
pub use self::error::AuditError;
use self::file::disk::{Disk, Local};
use self::file::{Description, FileStore, MAX_SEGMENT_BYTES, MIN_SEGMENT_BYTES};
use self::frame::{BLOCK, Content, MAX_ENTRIES, MAX_LEAF_BYTES, MAX_PRIVATE_BYTES};
use self::ledger::{Batch, Ledger, Opened};
use self::note::VerifierKey;
use self::publisher::{Cosigner, Publisher};
use self::receipt::Receipt;
pub use self::rotate::Rotated;
pub use self::shared::Published;
use self::shared::Shared;
use self::store::Store;
use self::summary::Summary;
use self::tree::Head;
use self::witness::Witness;
use self::writer::{BatchLimits, Request, Writer};
use crate::crypto::{CosigningKey, Digest, SigningKey};
use crate::query::time::{Timestamp, span};

/// How the log is kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Size of one file of the log in bytes, at least [`MIN_SEGMENT_BYTES`], at most [`MAX_SEGMENT_BYTES`]; the next one
    /// is made ahead, so keep twice this free. Default 64 MiB.
    pub segment_bytes: u64,
    /// Entries that may wait for the writer; beyond it questions are refused before any agency is asked. Default
    /// 8192: a second's worth at the rate one gateway is built for.
    pub queue: usize,
    /// At most one checkpoint is published in this time. Default 1 s.
    #[serde(deserialize_with = "span::deserialize")]
    pub publish_every: Duration,
    /// Whether a start reads and checks the whole log, even where a signed summary covers it. Default false: what lies
    /// under the summary is checked by `heyan audit verify` at a time of one's own choosing.
    pub reread_at_start: bool,
    /// Cosigns what is published; `None` by default.
    #[serde(skip)]
    pub cosigner: Option<Arc<CosigningKey>>,
    /// File on another medium that takes each published checkpoint over; a start refuses a log that is not the one it
    /// saw. Default none.
    pub witness: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            queue: 8192,
            publish_every: Duration::from_secs(1),
            reread_at_start: false,
            cosigner: None,
            witness: None,
        }
    }
}

impl Settings {
    /// Size of a segment as it is made.
    fn file_bytes(&self) -> u64 {
        let bytes = self.segment_bytes.clamp(MIN_SEGMENT_BYTES, MAX_SEGMENT_BYTES);
        bytes.next_multiple_of(BLOCK as u64)
    }
}

/// The log. Cloning gives another handle to the same one, with the same clerk.
#[derive(Clone)]
pub struct Audit {
    inner: Arc<Inner>,
    /// To the clerk through whom this handle appends.
    messages: Inbox,
}

struct Inner {
    shared: Arc<Shared>,
    clerks: Mutex<Clerks>,
    places: Arc<Semaphore>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    waiters: TaskTracker,
    witness: Option<Arc<Witness>>,
}

impl Audit {
    /// Makes a log in a new or empty folder, with its first entry: that it was made.
    ///
    /// # Errors
    /// When the folder holds a log or parts of one, when the key is not Ed25519, when the origin is no key name.
    pub fn create(
        folder: &Path,
        key: &SigningKey,
        origin: &str,
        at: Timestamp,
        settings: &Settings,
    ) -> Result<(), AuditError> {
        Self::create_on(&Local, folder, key, origin, at, settings.file_bytes())
    }

    fn create_on(
        disk: &dyn Disk,
        folder: &Path,
        key: &SigningKey,
        origin: &str,
        at: Timestamp,
        segment_bytes: u64,
    ) -> Result<(), AuditError> {
        let vkey = VerifierKey::new(origin, key.public()).map_err(AuditError::Note)?;
        let description = Description::new(&vkey);
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let kind = Kind::Node(NodeEvent { change: NodeChange::Created, version });
        let entry = Bytes::from(entry::encode(&Entry { at, kind })?);
        let leaves = vec![tree::leaf_hash(&entry)];
        let (frame, growth) = chain::Chain::new(description.epoch)
            .next(&[Content::bare(entry)], leaves, at)
            .map_err(AuditError::Frame)?;
        let head = Head { size: 1, root: growth.after().root() };
        let checkpoint = checkpoint::sign(origin, &head, key).map_err(AuditError::Note)?;
        Ok(FileStore::create(disk, folder, &description, segment_bytes, &frame, &checkpoint)?)
    }

    /// Opens a log. What the log's signed summary covers is not read again, unless the settings ask for it or the
    /// summary does not hold; `visit` sees the entries that were read, in order, and once more from the first one when
    /// only they showed that the summary does not hold. Must be called within a Tokio runtime, whose tasks will learn of
    /// appends.
    ///
    /// # Errors
    /// When there is no log, another process has it, or it is not the whole log that was written.
    pub fn open(
        folder: &Path,
        key: Arc<SigningKey>,
        settings: &Settings,
        visit: &mut dyn FnMut(u64, &Entry),
    ) -> Result<Self, AuditError> {
        Self::resume(folder, key, settings, visit).map(|(audit, _)| audit)
    }

    /// The same, with what all entries add up to, those that were not read among them. It is for a start to go on from
    /// and then to let go of: of ten thousand agreements it takes 2 MB.
    ///
    /// # Errors
    /// As [`Audit::open`].
    pub fn resume(
        folder: &Path,
        key: Arc<SigningKey>,
        settings: &Settings,
        visit: &mut dyn FnMut(u64, &Entry),
    ) -> Result<(Self, Summary), AuditError> {
        let description =
            Description::read(folder)?.ok_or_else(|| AuditError::Missing(folder.to_owned()))?;
        file::medium::warn_of(folder);
        let (disk, size): (Arc<dyn Disk>, _) = (Arc::new(Local), settings.file_bytes());
        let witness = settings.witness.as_deref();
        let witness = witness.map(|path| Witness::new(Arc::clone(&disk), path));
        let store = FileStore::open(disk, folder, description.clone(), size)?;
        Self::start(Arc::new(store), &description, key, settings, witness.map(Arc::new), visit)
    }

    fn start(
        store: Arc<dyn Store>,
        description: &Description,
        key: Arc<SigningKey>,
        settings: &Settings,
        witness: Option<Arc<Witness>>,
        visit: &mut dyn FnMut(u64, &Entry),
    ) -> Result<(Self, Summary), AuditError> {
        let runtime = Handle::try_current().map_err(|_| AuditError::NoRuntime)?;
        let (reread, signer) = (settings.reread_at_start, Arc::clone(&key));
        let Opened { ledger, history, latest, derived } =
            Ledger::open(Arc::clone(&store), description, key, reread, visit)?;
        let (summary, keys) = (derived.summary.clone(), derived.keys.clone());
        let name = description.origin.clone();
        let cosigner = settings.cosigner.clone().map(|key| Cosigner { name, key });
        let size = latest.growth.after().size();
        let published = publisher::complete(&latest.checkpoint, size, cosigner.as_ref())?;
        let shared = Arc::new(Shared::new(store, history, latest, published));
        if let Some(witness) = &witness {
            shared.holds(witness, &keys)?;
        }
        let checkpoint = &shared.published().checkpoint;
        shared.store.publish(checkpoint)?;
        if let Some(witness) = &witness {
            witness.see(checkpoint);
        }

        let (to_writer, batches) = mpsc::sync_channel(CLERKS);
        let (ended, until) = mpsc::sync_channel(1);
        let room = settings.file_bytes() as usize - 2 * BLOCK;
        // A frame must fit into a segment, whatever the share of its two sections.
        let limits = BatchLimits {
            entries: MAX_ENTRIES,
            leaf_bytes: MAX_LEAF_BYTES.min(room / 2),
            private_bytes: MAX_PRIVATE_BYTES.min(room / 2),
        };
        let shared_by_writer = Arc::clone(&shared);
        let writer = Writer { ledger, batches, shared: shared_by_writer, limits };
        let every = settings.publish_every;
        let publisher = Publisher {
            shared: Arc::clone(&shared),
            derived,
            origin: description.origin.clone(),
            key: signer,
            cosigner,
            every,
            until,
            witness: witness.clone(),
        };
        let threads = vec![
            spawn("log-writer", move || {
                writer.run();
                drop(ended);
            })?,
            spawn("log-publisher", move || publisher.run())?,
        ];
        let waiters = TaskTracker::new();
        let mut clerks = Clerks::new(to_writer, settings.queue, &shared, &waiters);
        let messages = clerks.engage(&runtime).ok_or(AuditError::Stopped)?;
        let places = Arc::new(Semaphore::new(settings.queue));
        let (threads, clerks) = (Mutex::new(threads), Mutex::new(clerks));
        let inner = Inner { shared, clerks, places, threads, waiters, witness };
        Ok((Self { inner: Arc::new(inner), messages }, summary))
    }

    /// Another handle, for the tasks of this runtime: what it appends is gathered here, so that a batch costs one wake of
    /// this thread and none of another. Where there are too many clerks already, or the log was closed, it is as this one.
    ///
    /// # Panics
    /// Outside a runtime.
    #[must_use]
    pub fn on_this_runtime(&self) -> Self {
        let mut clerks = self.inner.clerks.lock().unwrap_or_else(PoisonError::into_inner);
        let messages = clerks.engage(&Handle::current());
        let messages = messages.unwrap_or_else(|| self.messages.clone());
        Self { inner: Arc::clone(&self.inner), messages }
    }

    /// Records the entry. Returns once it is durable; dropping the future does not take the entry back.
    ///
    /// An answer that an agency has given waits for a place in the queue, since refusing it would come too late; how
    /// many there can be is limited by the intents before them. Everything else is refused when the queue is full.
    ///
    /// # Errors
    /// [`AuditError::Overloaded`] when too many entries wait; [`AuditError::Stopped`] when the log has stopped, which
    /// leaves unknown whether the entry is stored; [`AuditError::Entry`], [`AuditError::Record`] and
    /// [`AuditError::Unsealed`] when it cannot be written at all.
    pub async fn append(&self, entry: Entry) -> Result<Recorded, AuditError> {
        self.append_with(entry, Private::default()).await
    }

    /// Records the entry and, beside the tree, its sealed record, both in one flush. Otherwise as [`Audit::append`].
    ///
    /// # Errors
    /// As [`Audit::append`].
    pub async fn append_with(
        &self,
        entry: Entry,
        private: Private,
    ) -> Result<Recorded, AuditError> {
        let is_answer =
            matches!(&entry.kind, Kind::Outcome(outcome) if outcome.source == Source::Agency);
        let place = if is_answer { self.wait_for_place().await? } else { self.reserve()? };
        self.append_at(place, entry, private).await
    }

    /// Takes a place in the queue for an entry that will come. Whoever takes it before numbering or asking anything
    /// is refused, if at all, while nothing has happened yet. Dropping it gives it back.
    ///
    /// # Errors
    /// [`AuditError::Overloaded`] when too many entries wait; [`AuditError::Stopped`].
    pub fn reserve(&self) -> Result<Place, AuditError> {
        if !self.inner.shared.is_open() {
            return Err(AuditError::Stopped);
        }
        let place = Arc::clone(&self.inner.places).try_acquire_owned();
        place.map(Place).map_err(|error| match error {
            TryAcquireError::NoPermits => AuditError::Overloaded,
            TryAcquireError::Closed => AuditError::Stopped,
        })
    }

    /// The same, once there is one: for those who have begun what must not end half-way.
    ///
    /// # Errors
    /// [`AuditError::Stopped`].
    pub async fn wait_for_place(&self) -> Result<Place, AuditError> {
        let places = Arc::clone(&self.inner.places);
        places.acquire_owned().await.map(Place).map_err(|_| AuditError::Stopped)
    }

    /// Records the entry in a place taken before. Returns once it is durable, like [`Audit::append`].
    ///
    /// # Errors
    /// As [`Audit::append`], but never that too many entries wait.
    pub async fn append_at(
        &self,
        place: Place,
        entry: Entry,
        private: Private,
    ) -> Result<Recorded, AuditError> {
        let bytes = Bytes::from(entry::encode(&entry)?);
        if private.bytes().len() > MAX_RECORD_BYTES {
            return Err(AuditError::Record(private.bytes().len()));
        }
        // What every later reader would call damage must not become a part of the log.
        if !private.is_named_by(entry.kind.sealed()) {
            return Err(AuditError::Unsealed);
        }
        let leaf = tree::leaf_hash(&bytes);
        if !self.inner.shared.is_open() {
            return Err(AuditError::Stopped);
        }
        let (waiter, recorded) = oneshot::channel();
        let content = Content { entry: bytes, private: private.into_bytes() };
        let request = Request { content, leaf, waiter, _place: place.0 };
        match self.messages.try_send(Message::Append(request)) {
            Ok(()) => recorded.await.map_err(|_| AuditError::Stopped),
            Err(TrySendError::Full(_)) => Err(AuditError::Overloaded),
            Err(TrySendError::Closed(_)) => Err(AuditError::Stopped),
        }
    }

    /// The newest checkpoint, over all that is durable.
    pub fn checkpoint(&self) -> String {
        self.inner.shared.latest().checkpoint.clone()
    }

    /// Leaf hashes from `first` on, at most `count`. Reads files.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn leaf_hashes(&self, first: u64, count: usize) -> Result<Vec<Digest>, AuditError> {
        self.inner.shared.leaves(first, count)
    }

    /// Hashes of complete subtrees of `1 << level` leaves, at most `count` from number `first` of that level on; nothing
    /// for a level from 1 to 7, which are not kept.
    pub fn level_hashes(&self, level: u32, first: u64, count: usize) -> Vec<Digest> {
        self.inner.shared.rows(level, first, count)
    }

    /// Number of durable entries.
    pub fn size(&self) -> u64 {
        self.inner.shared.size()
    }

    /// Entries as stored, from `start` on, at most `limit`. Reads files: call it where blocking is allowed.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn entries(&self, start: u64, limit: usize) -> Result<Vec<Bytes>, AuditError> {
        let durable = self.size().saturating_sub(start);
        let limit = usize::try_from(durable).unwrap_or(usize::MAX).min(limit);
        Ok(self.inner.shared.store.read(start, limit)?)
    }

    /// Proof that the entry is in the tree of `size` entries. Reads files.
    ///
    /// # Errors
    /// [`AuditError::OutOfRange`] when the log has no such entry or never had that size.
    pub fn prove_inclusion(&self, index: u64, size: u64) -> Result<Vec<Digest>, AuditError> {
        self.inner.shared.inclusion(index, size)
    }

    /// Proof that the tree of `from` entries is a prefix of the tree of `to`. Reads files.
    ///
    /// # Errors
    /// [`AuditError::OutOfRange`] when the log never had those sizes.
    pub fn prove_consistency(&self, from: u64, to: u64) -> Result<Vec<Digest>, AuditError> {
        self.inner.shared.consistency(from, to)
    }

    fn shared(&self) -> &Shared {
        &self.inner.shared
    }

    /// False once any write has failed; it never becomes true again.
    pub fn is_healthy(&self) -> bool {
        !self.inner.shared.has_stopped()
    }

    /// True while the witness file could not be brought up to date; false without one.
    pub fn is_witness_behind(&self) -> bool {
        self.inner.witness.as_ref().is_some_and(|witness| witness.is_behind())
    }

    /// Writes what waits, publishes the last checkpoint and gives the log back. Appends fail from then on.
    pub async fn close(self) {
        let inboxes = self.inner.clerks.lock().unwrap_or_else(PoisonError::into_inner).dismiss();
        for clerk in inboxes {
            // Full means that the writer is behind: the clerk must still be told, and this may wait.
            let _ = clerk.send(Message::Close).await;
        }
        let threads =
            std::mem::take(&mut *self.inner.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let ended = tokio::task::spawn_blocking(move || {
            threads.into_iter().for_each(|thread| drop(thread.join()));
        });
        let _ = ended.await;
        self.inner.waiters.close();
        self.inner.waiters.wait().await;
    }
}

/// Largest sealed record, in bytes: a request and an answer of 64 KiB each, with room to spare.
pub const MAX_RECORD_BYTES: usize = 256 << 10;

/// A place in the queue of entries that wait to be written.
#[derive(Debug)]
pub struct Place(OwnedSemaphorePermit);

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, AuditError> {
    thread::Builder::new().name(name.to_owned()).spawn(run).map_err(AuditError::Thread)
}

/// An entry that is durable.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Its index in the log.
    pub index: u64,
    entry: Bytes,
    batch: Arc<Batch>,
}

impl Recorded {
    /// The receipt: a tlog-proof over the batch's checkpoint, with the entry's bytes as its extra.
    pub fn receipt(&self) -> String {
        let receipt = Receipt {
            extra: Some(self.entry.to_vec()),
            index: self.index,
            // The batch holds its own entries: there is always a proof.
            hashes: self.batch.growth.inclusion(self.index).unwrap_or_default(),
            checkpoint: self.batch.checkpoint.clone(),
        };
        receipt.to_text()
    }

    /// The entry as stored.
    pub fn entry(&self) -> &Bytes {
        &self.entry
    }
}
