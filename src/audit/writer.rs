//! The one thread that appends: it takes whatever waits, makes it durable with one flush, signs once, and hands the
//! whole batch of waiters back to the runtime in one go.
//!
//! Nothing is acknowledged before it is durable, and in index order. The first error ends the writer for ever: after
//! it nobody knows what is stored, and only reading the log again can tell.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvError};
use std::time::{SystemTime, UNIX_EPOCH};

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
    /// Its place in the queue, given back when the writer takes it.
    pub(super) _place: OwnedSemaphorePermit,
}

/// What the writer is told.
pub(super) enum Message {
    /// Write this.
    Append(Request),
    /// Write what waits, then end.
    Close,
}

/// Those of one batch who wait, with what they wait for.
pub(super) type Acknowledgements = Vec<(oneshot::Sender<Recorded>, Recorded)>;

/// What the writer works with.
pub(super) struct Writer {
    pub(super) ledger: Ledger,
    pub(super) messages: Receiver<Message>,
    pub(super) acknowledge: mpsc::Sender<Acknowledgements>,
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

impl Writer {
    /// Runs until closed, until nobody is left who could append, or until the first error.
    pub(super) fn run(mut self) {
        let _guard = StopOnPanic(Arc::clone(&self.shared));
        let mut left_over = None;
        let mut is_open = true;
        while is_open {
            let batch = self.collect(&mut left_over, &mut is_open);
            if !batch.is_empty() && !self.write(batch) {
                return;
            }
        }
        // Healthy to the end, but nothing more will be written.
        self.shared.close();
    }

    /// Waits for the first entry, then takes what else is there, up to the limits. No artificial delay: while one
    /// batch is being flushed the next one gathers by itself.
    fn collect(&self, left_over: &mut Option<Request>, is_open: &mut bool) -> Vec<Request> {
        let mut batch = Vec::new();
        let (mut leaf_bytes, mut private_bytes) = (0, 0);
        loop {
            let next = match left_over.take() {
                Some(request) => Ok(Message::Append(request)),
                None if batch.is_empty() => self.messages.recv(),
                None => match self.messages.try_recv() {
                    Ok(message) => Ok(message),
                    Err(std::sync::mpsc::TryRecvError::Empty) => return batch,
                    Err(std::sync::mpsc::TryRecvError::Disconnected) => Err(RecvError),
                },
            };
            let Ok(Message::Append(request)) = next else {
                *is_open = false;
                return batch;
            };
            leaf_bytes += request.content.leaf_bytes();
            private_bytes += request.content.private_bytes();
            let is_full = leaf_bytes > self.limits.leaf_bytes
                || private_bytes > self.limits.private_bytes
                || batch.len() == self.limits.entries;
            if is_full && !batch.is_empty() {
                *left_over = Some(request);
                return batch;
            }
            batch.push(request);
        }
    }

    /// Writes one batch. False when the log has to stop; the waiters then learn it from their channels' end.
    fn write(&mut self, requests: Vec<Request>) -> bool {
        if !self.shared.is_open() {
            return false;
        }
        let leaves = requests.iter().map(|request| request.leaf).collect();
        // Taking a request apart gives its place in the queue back.
        let (contents, waiters): (Vec<Content>, Vec<_>) =
            requests.into_iter().map(|request| (request.content, request.waiter)).unzip();
        match self.ledger.commit(&contents, leaves, now()) {
            Ok(batch) => {
                self.acknowledge(Arc::new(batch), contents, waiters);
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
        waiters: Vec<oneshot::Sender<Recorded>>,
    ) {
        self.shared.publish(Arc::clone(&batch));
        let acknowledgements = (batch.growth.before().size()..)
            .zip(contents)
            .zip(waiters)
            .map(|((index, content), waiter)| {
                let entry = content.entry;
                (waiter, Recorded { index, entry, batch: Arc::clone(&batch) })
            })
            .collect();
        // Without a runtime nobody waits any more; the entries stand all the same.
        let _ = self.acknowledge.blocking_send(acknowledgements);
    }
}

/// Completes the waiters, in index order, inside the runtime.
pub(super) async fn acknowledge(mut batches: mpsc::Receiver<Acknowledgements>) {
    while let Some(batch) = batches.recv().await {
        for (waiter, recorded) in batch {
            // A caller that hung up loses its answer, not its entry.
            let _ = waiter.send(recorded);
        }
    }
}

/// When a batch is written. The chain keeps it from going backwards.
#[expect(clippy::disallowed_methods, reason = "the other reading that clippy.toml names")]
fn now() -> Timestamp {
    Timestamp(0).plus(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}
