//! The one thread that appends: it takes what one flush can carry, makes it durable, signs once, and gives the whole
//! batch of waiters back to their clerks.
//!
//! Nothing is acknowledged before it is durable, and in index order. The first error ends the writer for ever: after
//! it nobody knows what is stored, and only reading the log again can tell.

use std::iter::Peekable;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{SystemTime, UNIX_EPOCH};
use std::vec::IntoIter;

use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::Recorded;
use super::frame::Content;
use super::ledger::{Batch, Ledger};
use super::shared::{Shared, StopOnPanic};
use crate::crypto::Digest;
use crate::query::time::Timestamp;

/// One entry that waits to be written, and who waits for it.
pub(super) struct Request {
    pub(super) content: Content,
    pub(super) leaf: Digest,
    pub(super) waiter: oneshot::Sender<Recorded>,
    /// Its place in the queue, given back when the writer writes it.
    pub(super) _place: OwnedSemaphorePermit,
}

/// Those of one batch who wait, with what they wait for.
pub(super) type Acknowledgements = Vec<(oneshot::Sender<Recorded>, Recorded)>;

/// What a clerk hands over, and where it waits for what was made durable of it, a frame at a time and in order.
pub(super) struct HandedOver {
    pub(super) requests: Vec<Request>,
    pub(super) back: mpsc::Sender<Acknowledgements>,
}

/// What the writer works with.
pub(super) struct Writer {
    pub(super) ledger: Ledger,
    /// What waits, as clerks hand it over.
    pub(super) batches: Receiver<HandedOver>,
    pub(super) shared: Arc<Shared>,
    pub(super) limits: BatchLimits,
}

/// How much one flush carries.
#[derive(Clone, Copy, Debug)]
pub(super) struct BatchLimits {
    pub(super) entries: usize,
    /// Of the leaf section.
    pub(super) leaf_bytes: usize,
    /// Of the private section.
    pub(super) private_bytes: usize,
}

impl BatchLimits {
    /// As many of the requests as one flush carries, at least one.
    fn fill(&self, requests: &mut Peekable<IntoIter<Placed>>) -> Vec<Placed> {
        let (mut entries, mut leaf_bytes, mut private_bytes) = (0, 0, 0);
        let mut fits = |(_, request): &Placed| {
            entries += 1;
            leaf_bytes += request.content.leaf_bytes();
            private_bytes += request.content.private_bytes();
            entries == 1
                || entries <= self.entries
                    && leaf_bytes <= self.leaf_bytes
                    && private_bytes <= self.private_bytes
        };
        std::iter::from_fn(|| requests.next_if(&mut fits)).collect()
    }
}

/// A request, and which of the batches that are written together it came with.
type Placed = (usize, Request);

impl Writer {
    /// Runs until closed, until nobody is left who could append, or until the first error.
    pub(super) fn run(mut self) {
        let _guard = StopOnPanic(Arc::clone(&self.shared));
        while let Ok(first) = self.batches.recv() {
            // What other clerks have handed over meanwhile comes along in the same flush.
            let (mut requests, mut backs) = (Vec::with_capacity(first.requests.len()), Vec::new());
            for handed in std::iter::once(first).chain(self.batches.try_iter()) {
                requests.extend(handed.requests.into_iter().map(|request| (backs.len(), request)));
                backs.push(handed.back);
            }
            let mut rest = requests.into_iter().peekable();
            while rest.peek().is_some() {
                let frame = self.limits.fill(&mut rest);
                if !self.write(frame, &backs) {
                    return;
                }
            }
        }
        // Healthy to the end, but nothing more will be written.
        self.shared.close();
    }

    /// Writes one batch. False when the log has to stop; the waiters then learn it from their channels' end.
    fn write(&mut self, requests: Vec<Placed>, backs: &[mpsc::Sender<Acknowledgements>]) -> bool {
        if !self.shared.is_open() {
            return false;
        }
        let leaves = requests.iter().map(|(_, request)| request.leaf).collect();
        // Taking a request apart gives its place in the queue back.
        let (contents, waiters): (Vec<Content>, Vec<Waiting>) = requests
            .into_iter()
            .map(|(clerk, request)| (request.content, (clerk, request.waiter)))
            .unzip();
        match self.ledger.commit(&contents, leaves, now()) {
            Ok(batch) => {
                self.acknowledge(Arc::new(batch), contents, waiters, backs);
                true
            }
            Err(error) => {
                // Before any waiter learns of it, so that nobody who was refused sees a healthy log.
                self.shared.stop();
                tracing::error!(error = &error as &dyn std::error::Error, "the log has stopped");
                false
            }
        }
    }

    fn acknowledge(
        &self,
        batch: Arc<Batch>,
        contents: Vec<Content>,
        waiters: Vec<Waiting>,
        backs: &[mpsc::Sender<Acknowledgements>],
    ) {
        self.shared.publish(Arc::clone(&batch));
        let mut acknowledgements = (batch.growth.before().size()..)
            .zip(contents)
            .zip(waiters)
            .map(|((index, content), (clerk, waiter))| {
                let entry = content.entry;
                (clerk, (waiter, Recorded { index, entry, batch: Arc::clone(&batch) }))
            })
            .peekable();
        // Those of one clerk stand together.
        while let Some((clerk, first)) = acknowledgements.next() {
            let others = std::iter::from_fn(|| acknowledgements.next_if(|(of, _)| *of == clerk));
            let of_clerk = std::iter::once(first).chain(others.map(|(_, one)| one)).collect();
            // Without its runtime nobody waits any more; the entries stand all the same.
            let _ = backs.get(clerk).map(|back| back.blocking_send(of_clerk));
        }
    }
}

/// Who waits, and by which of the clerks.
type Waiting = (usize, oneshot::Sender<Recorded>);

/// When a batch is written. The chain keeps it from going backwards.
#[expect(clippy::disallowed_methods, reason = "the other reading that clippy.toml names")]
fn now() -> Timestamp {
    Timestamp(0).plus(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}
