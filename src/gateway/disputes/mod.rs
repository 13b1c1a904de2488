//! Contested verdicts: opened on the caller's word, carried to the agency, answered, asked again.
//!
//! What is contested lies in the gateway's own folder before the log has the dispute, and the log has it before the agency or
//! the caller hears of it. Delivery and answers have a task of their own for each agency: no question waits for them, and no
//! agency for another.

mod answered;
mod contest;
mod delivery;
mod desk;
mod held;
mod locks;
mod memory;
mod recheck;
mod seen;
mod tour;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use thiserror::Error;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

pub use self::contest::Contest;
use self::locks::{Held, Locks, locked};
use self::memory::{AllAsked, Memory};
pub use self::recheck::{Again, NotAgain, TakenUp};
pub use self::seen::{Page, Seen};
use super::exchange::Refusal;
use super::{Gateway, unrecorded};
use crate::audit::beside::Private;
use crate::audit::entry::{self, Dispute, DisputeStep, Entry, Kind};
use crate::audit::{Audit, AuditError};
use crate::decision::facts::Defect;
use crate::disputes::kept::{Kept, Shelf};
use crate::disputes::{Book, Course, DisputeId};
use crate::query::OrganisationId;
use crate::query::time::Timestamp;

/// Where contested questions lie, how often agencies are looked after, and how many disputes there may be.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder.
    pub folder: PathBuf,
    /// Time between two looks, and the first wait after a failed delivery.
    pub look_every: Duration,
    /// Disputes that one organisation may open in a day.
    pub opened_per_day: usize,
}

/// The disputes of a running gateway.
pub struct Disputes {
    memory: Arc<Mutex<Memory>>,
    shelf: Shelf,
    look_every: Duration,
    opened_per_day: usize,
    /// Organisations that contest: each of them one thing at a time, so that what it has opened can be counted.
    callers: Locks<OrganisationId>,
    /// Disputes that a step is being taken of: held from the look at one until its entry is in the book. Taken after the
    /// caller's.
    steps: Locks<DisputeId>,
    asking: AllAsked,
    /// One for each agency, told of every new dispute about its data.
    bells: Mutex<BTreeMap<OrganisationId, Arc<Notify>>>,
    /// Steps being recorded, which go on where whoever waits for them has gone.
    recording: TaskTracker,
}

/// Why disputes cannot be gone on with.
#[derive(Debug, Error)]
pub enum ResumeError {
    /// The log's entries about them cannot be read.
    #[error("the log's disputes cannot be read")]
    Log(#[from] AuditError),
    /// One of them is no entry.
    #[error("entry {0} of the log cannot be read")]
    Entry(u64, #[source] entry::EntryError),
    /// The folder cannot be used.
    #[error("the folder of disputes `{0}` cannot be used")]
    Folder(PathBuf, #[source] io::Error),
}

/// Why a dispute was not taken, or an answer to one. Nothing was recorded.
#[derive(Debug, Error)]
pub enum NotTaken {
    /// What is wrong with the message.
    #[error("the message has flaws")]
    Flaws(Vec<Defect>),
    /// There is no such outcome, or no such dispute, or it is another organisation's: which, is not told.
    #[error("your organisation has no {0} of that number")]
    NotYours(&'static str),
    /// The outcome says nothing.
    #[error("the agency said nothing: ask again instead")]
    SaysNothing,
    /// It is contested already.
    #[error("it is contested already, by dispute {}", uuid::Uuid::from_bytes(*.0))]
    Contested(DisputeId),
    /// The agency has answered already, otherwise.
    #[error("it was answered already")]
    Answered,
    /// The caller's organisation has opened as many today as it may.
    #[error("your organisation has opened {0} disputes today, as many as it may: go on tomorrow")]
    TooMany(usize),
    /// The gateway's folder does not take it.
    #[error("the gateway's folder of disputes cannot be used")]
    Folder(#[source] io::Error),
    /// The log cannot record it.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl Disputes {
    /// What the log says of disputes in these entries, all that are about any, and the folder beside it, cleared of what
    /// the log does not have.
    ///
    /// # Errors
    /// When log or folder cannot be read.
    pub fn resume(
        settings: &Settings,
        audit: &Audit,
        entries: &[u64],
    ) -> Result<Self, ResumeError> {
        let mut book = Book::default();
        for &index in entries {
            for stored in audit.entries(index, 1)? {
                let entry = entry::decode(&stored);
                book.visit(index, &entry.map_err(|error| ResumeError::Entry(index, error))?);
            }
        }
        let failed = |error| ResumeError::Folder(settings.folder.clone(), error);
        let shelf = Shelf::open(&settings.folder).map_err(failed)?;
        let is_wanted = |id: &_| book.get(id).is_some_and(|course| course.rechecked.is_none());
        shelf.clear(is_wanted).map_err(failed)?;
        Ok(Self {
            memory: Arc::new(Mutex::new(Memory::of(book))),
            shelf,
            look_every: settings.look_every,
            opened_per_day: settings.opened_per_day,
            callers: Locks::default(),
            steps: Locks::default(),
            asking: AllAsked::default(),
            bells: Mutex::default(),
            recording: TaskTracker::new(),
        })
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        locked(&self.memory)
    }

    /// What the log says of it.
    fn course(&self, id: &DisputeId) -> Option<Course> {
        self.memory().book.get(id).cloned()
    }

    /// What tells of new disputes about this agency's data.
    fn bell(&self, agency: &OrganisationId) -> Arc<Notify> {
        Arc::clone(locked(&self.bells).entry(agency.clone()).or_default())
    }
}

impl Gateway {
    /// Records one step of a dispute, durably, and takes it into account: both or neither, also where whoever waits for it has
    /// gone.
    async fn step(
        &self,
        held: Held<DisputeId>,
        at: Timestamp,
        step: DisputeStep,
        private: Private,
    ) -> Result<(), Refusal> {
        let entry = Entry { at, kind: Kind::Dispute(Dispute { id: *held.key(), step }) };
        let (audit, memory) = (self.audit.clone(), Arc::clone(&self.disputes.memory));
        let began = Instant::now();
        let recording = self.disputes.recording.spawn(async move {
            let recorded = audit.append_with(entry.clone(), private).await?;
            locked(&memory).took(recorded.index, &entry);
            drop(held);
            Ok(())
        });
        let recorded = recording.await;
        self.meters.append_seconds.record(began.elapsed());
        match recorded {
            Ok(recorded) => recorded.map_err(|error| unrecorded(&error)),
            Err(_) => Err(Refusal::Unrecorded),
        }
    }

    async fn kept(&self, id: DisputeId) -> io::Result<Option<Kept>> {
        let shelf = self.disputes.shelf.clone();
        on_disk(move || shelf.get(&id)).await
    }

    async fn keep(&self, id: DisputeId, kept: Kept) -> io::Result<()> {
        let shelf = self.disputes.shelf.clone();
        on_disk(move || shelf.put(&id, &kept)).await
    }

    async fn forget(&self, id: DisputeId) {
        let shelf = self.disputes.shelf.clone();
        if let Err(error) = on_disk(move || shelf.remove(&id)).await {
            // The next start clears it away.
            tracing::warn!(%error, "what was contested could not be removed");
        }
    }

    /// The outcome at this index; `None` when there is none.
    async fn outcome(&self, index: u64) -> Option<entry::Outcome> {
        let audit = self.audit.clone();
        let reading = tokio::task::spawn_blocking(move || audit.entries(index, 1));
        let stored = reading.await.ok()?.ok()?;
        match entry::decode(stored.first()?).ok()?.kind {
            Kind::Outcome(outcome) => Some(*outcome),
            _ => None,
        }
    }
}

/// Does something with the gateway's own files where it keeps nobody waiting.
async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
}
