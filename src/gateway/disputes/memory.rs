//! What is known of disputes without a look at the log or a disk: the log's book, what waits to be tried again, who asks again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use super::locks::locked;
use crate::audit::entry::{Dispute, Entry, Kind};
use crate::decision::PermitRef;
use crate::disputes::{Book, Course, DisputeId};

/// The longest wait between two deliveries of one dispute.
const WAIT_MOST: Duration = Duration::from_secs(600);

/// Behind one short lock, never held across an await.
#[derive(Default)]
pub(super) struct Memory {
    /// What the log says.
    pub(super) book: Book,
    /// Deliveries that failed or are held up, and when they are tried again.
    waits: BTreeMap<DisputeId, Wait>,
    /// The agreement under which the contested answer was given, of those that wait.
    granted: BTreeMap<DisputeId, PermitRef>,
}

/// How long a delivery waits, and why.
struct Wait {
    until: Instant,
    length: Duration,
    reason: String,
}

impl Memory {
    /// Over what the log says.
    pub(super) fn of(book: Book) -> Self {
        Self { book, ..Self::default() }
    }

    /// Takes an entry into account that has just become durable.
    pub(super) fn took(&mut self, index: u64, entry: &Entry) {
        self.book.visit(index, entry);
        let Kind::Dispute(Dispute { id, .. }) = &entry.kind else { return };
        // What need not be delivered any more has nothing to wait for.
        if !self.is_waiting(id) {
            self.waits.remove(id);
            self.granted.remove(id);
        }
    }

    /// Whether an agency must still be told of it.
    pub(super) fn is_waiting(&self, id: &DisputeId) -> bool {
        self.book.get(id).is_some_and(Course::is_waiting)
    }

    /// Whether it may be tried now.
    pub(super) fn is_due(&self, id: &DisputeId) -> bool {
        self.waits.get(id).is_none_or(|wait| wait.until <= Instant::now())
    }

    /// Why it was not delivered when that was last tried or looked at, be it in the log or not.
    pub(super) fn reason(&self, id: &DisputeId) -> Option<&str> {
        self.waits.get(id).map(|wait| wait.reason.as_str())
    }

    /// It is tried again, after twice the wait each time.
    pub(super) fn failed(&mut self, id: DisputeId, reason: &str, first: Duration) {
        let last = self.waits.get(&id).map(|wait| wait.length * 2);
        self.wait(id, reason, last.unwrap_or(first).min(WAIT_MOST));
    }

    /// It is looked at again after so long.
    pub(super) fn wait(&mut self, id: DisputeId, reason: &str, length: Duration) {
        if self.is_waiting(&id) {
            let until = Instant::now() + length;
            self.waits.insert(id, Wait { until, length, reason: reason.to_owned() });
        }
    }

    /// The agreement under which the contested answer was given, where that was looked up.
    pub(super) fn granted(&self, id: &DisputeId) -> Option<PermitRef> {
        self.granted.get(id).cloned()
    }

    /// Keeps that while it waits.
    pub(super) fn keep_granted(&mut self, id: DisputeId, granted: PermitRef) {
        if self.is_waiting(&id) {
            self.granted.insert(id, granted);
        }
    }
}

/// Disputes being asked again just now.
pub(super) type AllAsked = Arc<Mutex<BTreeSet<DisputeId>>>;

/// One of them. It is over when this is dropped: also where the caller has hung up, or a task ended in a panic.
pub(super) struct Asking {
    id: DisputeId,
    all: AllAsked,
}

impl Asking {
    /// `None` while somebody else asks it.
    pub(super) fn begin(all: &AllAsked, id: DisputeId) -> Option<Self> {
        let all = Arc::clone(all);
        let is_new = locked(&all).insert(id);
        is_new.then_some(Self { id, all })
    }

    /// Which it is.
    pub(super) fn id(&self) -> DisputeId {
        self.id
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        locked(&self.all).remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_asks_again_leaves_it_to_others_however_that_ends() {
        let all = AllAsked::default();
        let asking = Asking::begin(&all, [1; 16]).unwrap();
        assert!(Asking::begin(&all, [1; 16]).is_none() && Asking::begin(&all, [2; 16]).is_some());
        let panicked = std::thread::spawn(move || {
            let _asking = asking;
            panic!("in the middle");
        });
        assert!(panicked.join().is_err());
        assert!(Asking::begin(&all, [1; 16]).is_some());
    }
}
