//! The line to a folder into which an agency drops whole tables, each with a marker that holds its digest.
//!
//! A file counts when its marker is there and its digest is right, so a half-written one never does. The newest good one
//! answers; a bad one changes nothing, and the last good one answers until it is too old.

mod candidate;
mod reading;
mod table;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::{Instant, timeout_at};

use self::candidate::Candidate;
use self::table::Table;
use super::{Got, Line, Put, Putting, not_carried};
use crate::adapters::failed::Failed;
use crate::adapters::manifest::Folder;
use crate::query::record::Unavailable;
use crate::query::time::Timestamp;

/// What is looked up.
#[derive(Clone)]
pub(crate) struct Lookup {
    /// Value of the key column.
    pub(crate) key: String,
    /// The time of the question: older tables than the manifest allows do not answer it.
    pub(crate) now: Timestamp,
}

/// One folder.
pub(crate) struct DropFolder {
    shared: Arc<Shared>,
    /// Held by the one question that looks for a newer file.
    renewing: Arc<tokio::sync::Mutex<()>>,
}

struct Shared {
    folder: Folder,
    held: Mutex<Option<Arc<Table>>>,
    /// Files that were read and are bad: not read again until they change.
    refused: Mutex<BTreeSet<Candidate>>,
}

impl DropFolder {
    /// Looks at nothing yet.
    pub(crate) fn new(folder: &Folder) -> Self {
        let shared =
            Shared { folder: folder.clone(), held: Mutex::default(), refused: Mutex::default() };
        Self { shared: Arc::new(shared), renewing: Arc::default() }
    }

    async fn rows(&self, lookup: Lookup, deadline: Instant) -> Result<Got, Failed> {
        let late = || Failed::unanswered(Unavailable::Timeout, "the file was not read in time");
        // While one question reads a new file, the others are answered from the last good one.
        let turn = match Arc::clone(&self.renewing).try_lock_owned() {
            Ok(turn) => Some(turn),
            Err(_) if locked(&self.shared.held).is_some() => None,
            Err(_) => {
                let turn = timeout_at(deadline, Arc::clone(&self.renewing).lock_owned()).await;
                Some(turn.map_err(|_| late())?)
            }
        };
        let shared = Arc::clone(&self.shared);
        let reading = tokio::task::spawn_blocking(move || {
            if turn.is_some() {
                shared.renew(lookup.now);
            }
            drop(turn);
            shared.look_up(&lookup)
        });
        match timeout_at(deadline, reading).await {
            Ok(Ok(rows)) => rows,
            Ok(Err(_)) => Err(Failed::contract("the file cannot be read")),
            Err(_) => Err(late()),
        }
    }
}

impl Line for DropFolder {
    fn put(&self, put: Put, deadline: Instant) -> Putting<'_> {
        Box::pin(async move {
            let Put::Lookup(lookup) = put else { return Err(not_carried()) };
            self.rows(lookup, deadline).await
        })
    }
}

impl Shared {
    /// Reads the newest good file where it is not held already.
    fn renew(&self, now: Timestamp) {
        let candidates = self.folder.candidates();
        locked(&self.refused).retain(|one| candidates.contains(one));
        let is_past = |one: &Candidate| one.as_of.is_none_or(|as_of| as_of <= now.0);
        let (dated, undated): (Vec<Candidate>, Vec<Candidate>) =
            candidates.into_iter().filter(is_past).partition(|one| one.as_of.is_some());
        // Never used, but told.
        undated.iter().for_each(|candidate| drop(self.take(candidate)));
        for candidate in dated.iter().rev() {
            let held = locked(&self.held).clone();
            // An older file never takes the place of a newer one.
            if held.is_some_and(|held| held.of == *candidate || held.of.as_of > candidate.as_of) {
                return;
            }
            if let Some(table) = self.take(candidate) {
                *locked(&self.held) = Some(Arc::new(table));
                return;
            }
        }
    }

    /// Reads a file, unless it is known to be bad.
    fn take(&self, candidate: &Candidate) -> Option<Table> {
        if locked(&self.refused).contains(candidate) {
            return None;
        }
        let read = self.folder.read(candidate);
        if let Err(problem) = &read {
            tracing::warn!(file = candidate.name, problem, "a dropped file is not used");
            locked(&self.refused).insert(candidate.clone());
        }
        read.ok()
    }

    fn look_up(&self, lookup: &Lookup) -> Result<Got, Failed> {
        let held = locked(&self.held).clone();
        let Some(table) = held else {
            let detail = "the folder has no file that is good";
            return Err(Failed::unanswered(Unavailable::Unreachable, detail));
        };
        let as_of = Timestamp(table.as_of);
        if as_of.plus(self.folder.max_age) < lookup.now {
            let detail = "the newest good file is too old (max_age)";
            return Err(Failed::unanswered(Unavailable::Unreachable, detail));
        }
        let rows = table.find(&lookup.key, self.folder.max_rows + 1);
        let rows = rows.map_err(|_| Failed::contract("the table cannot be searched"))?;
        if rows.len() > self.folder.max_rows {
            let detail = format!("more than {} rows (max_rows)", self.folder.max_rows);
            return Err(Failed::contract(detail));
        }
        Ok(Got::Rows { rows, as_of: Some(as_of) })
    }
}

/// What a lock protects is whole at every step, so a panic elsewhere does not spoil it.
fn locked<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
