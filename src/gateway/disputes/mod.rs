//! Contested verdicts: opened on the caller's word, carried to the agency, answered, asked again.
//!
//! What is contested lies in the gateway's own folder before the log has the dispute, and the log has it before the agency or
//! the caller hears of it. Delivery and answers have a task of their own: no question waits for them.

mod contest;
mod delivery;
mod recheck;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::{Mutex, Notify};
use tokio::time::Instant;

pub use self::contest::Contest;
pub use self::recheck::{Again, NotAgain};
use super::Gateway;
use super::exchange::Refusal;
use crate::audit::beside::Private;
use crate::audit::entry::{self, Dispute, DisputeStep, Entry, Kind, Looked};
use crate::audit::{Audit, AuditError};
use crate::decision::facts::{CallerFacts, Defect};
use crate::decision::freeze::Scope;
use crate::disputes::kept::{Kept, Shelf};
use crate::disputes::{Book, Course, DisputeId};
use crate::query::OrganisationId;
use crate::query::time::Timestamp;

/// Where contested questions lie, and how often agencies are looked after.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder.
    pub folder: PathBuf,
    /// Time between two looks, and the first wait after a failed delivery.
    pub look_every: Duration,
}

/// The disputes of a running gateway.
pub struct Disputes {
    /// What the log says; held from the look at it until the next entry is in it.
    book: Mutex<Book>,
    shelf: Shelf,
    look_every: Duration,
    /// Deliveries that failed, and when they are tried again.
    waits: Mutex<BTreeMap<DisputeId, Wait>>,
    /// Those being asked again just now.
    asking: Mutex<BTreeSet<DisputeId>>,
    /// Told of every new dispute.
    opened: Notify,
}

/// How long a failed delivery waits.
struct Wait {
    until: Instant,
    length: Duration,
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
    /// The gateway's folder does not take it.
    #[error("the gateway's folder of disputes cannot be used")]
    Folder(#[source] io::Error),
    /// The log cannot record it.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// One dispute as its own people may see it.
pub struct Seen {
    /// What the log says.
    pub course: Course,
    /// Whether its agency has a queue at this gateway.
    pub has_queue: bool,
    /// How the agency is told otherwise, as the agreement says; empty when it says nothing.
    pub channel: String,
    /// The agency's words.
    pub answer: Option<String>,
    /// Whether its day is over without an answer.
    pub is_overdue: bool,
}

impl Disputes {
    /// What the log says of disputes, and the folder beside it, cleared of what the log does not have.
    ///
    /// # Errors
    /// When log or folder cannot be read.
    pub fn resume(settings: &Settings, audit: &Audit) -> Result<Self, ResumeError> {
        let mut book = Book::default();
        for &index in &audit.summary().disputes {
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
            book: Mutex::new(book),
            shelf,
            look_every: settings.look_every,
            waits: Mutex::default(),
            asking: Mutex::default(),
            opened: Notify::new(),
        })
    }
}

impl Gateway {
    /// Disputes that `may_see` lets through, the newest first, at most so many.
    pub async fn disputes(
        &self,
        may_see: impl Fn(&Course) -> bool,
        most: usize,
        at: Timestamp,
    ) -> Vec<Seen> {
        let book = self.disputes.book.lock().await;
        let courses = book.all().rev().filter(|course| may_see(course)).take(most);
        let courses: Vec<Course> = courses.cloned().collect();
        drop(book);
        let mut seen = Vec::with_capacity(courses.len());
        for course in courses {
            seen.push(self.seen(course, at).await);
        }
        seen
    }

    async fn seen(&self, course: Course, at: Timestamp) -> Seen {
        let in_force = self.in_force();
        let adapter = in_force.adapters.for_fact(&course.opened.fact.as_str().into());
        let provider = OrganisationId::new(course.opened.provider.as_str());
        let answer = match course.answered {
            Some(_) => self.kept(course.id).await.ok().flatten().and_then(|kept| kept.answer),
            None => None,
        };
        Seen {
            has_queue: adapter
                .is_some_and(|adapter| adapter.takes_disputes() && *adapter.agency() == provider),
            channel: in_force.dispute_channel(&course.opened.caller.organisation, &provider),
            answer,
            is_overdue: course.is_overdue(at),
            course,
        }
    }

    /// Records one step of a dispute, durably, and takes it into account.
    async fn step(
        &self,
        book: &mut Book,
        at: Timestamp,
        dispute: Dispute,
        private: Private,
    ) -> Result<(), Refusal> {
        let entry = Entry { at, kind: Kind::Dispute(dispute) };
        let recorded = self.append(at, entry.kind.clone(), private).await?;
        book.visit(recorded.index, &entry);
        Ok(())
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

    /// Records what the agency found, once.
    ///
    /// # Errors
    /// Why it was not taken.
    pub async fn dispute_answered(
        &self,
        id: DisputeId,
        found: crate::disputes::paper::Finding,
        by: (OrganisationId, Option<CallerFacts>),
        at: Timestamp,
    ) -> Result<Seen, NotTaken> {
        self.evidence.ready(at, &self.audit).await?;
        let mut book = self.disputes.book.lock().await;
        let course = book.get(&id).filter(|course| course.opened.provider == by.0.as_str());
        let course = course.ok_or(NotTaken::NotYours("dispute"))?;
        if let Some(answered) = &course.answered {
            let is_same = (answered.finding, answered.on) == (found.looked, found.on);
            return if is_same {
                Ok(self.seen(course.clone(), at).await)
            } else {
                Err(NotTaken::Answered)
            };
        }
        let kept = self.kept(id).await.map_err(NotTaken::Folder)?;
        let subjects = kept.as_ref().and_then(|kept| kept.document.get("subjects"));
        let subjects =
            subjects.map_or_else(|| b"[]".to_vec(), |known| known.to_string().into_bytes());
        let sealed = self.evidence.seal_answer(at, &id, (subjects, &found.text))?;
        if let Some(mut kept) = kept {
            kept.answer = Some(found.text);
            self.keep(id, kept).await.map_err(NotTaken::Folder)?;
        }
        let step = DisputeStep::Answered(Box::new(entry::DisputeAnswered {
            finding: found.looked,
            on: found.on,
            caller: by.1,
            commitments: sealed.commitments,
        }));
        self.step(&mut book, at, Dispute { id, step }, sealed.private).await?;
        let course = book.get(&id).cloned().ok_or(NotTaken::NotYours("dispute"))?;
        drop(book);
        if found.looked == Looked::Corrected {
            // Whoever asked: what was kept of it is known to be wrong.
            let (provider, fact) = (by.0, Some(course.opened.fact.as_str().into()));
            self.cache.drop_scope(Scope { provider, fact, caller: None });
        }
        tracing::info!(
            dispute = %uuid::Uuid::from_bytes(id),
            finding = found.looked.name(),
            "the agency answered a dispute"
        );
        Ok(self.seen(course, at).await)
    }
}

/// Does something with files where it keeps nobody waiting.
async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
}
