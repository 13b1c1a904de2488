//! Between those who append and the writer: gathers what waits, hands it over in one go, and wakes those who waited.
//!
//! A wake across threads costs more than an entry does, so there are two for a batch and none for an entry. A clerk is
//! a task of the runtime whose tasks append; each runtime has its own. While the writer is at work, and while others are
//! ready to run, the next batch gathers by itself: under load it grows, and without load nobody waits for anybody. There
//! is no timer.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio_util::task::TaskTracker;

use super::shared::{Shared, StopOnPanic};
use super::writer::{Acknowledgements, HandedOver, Request};

/// Frames of one batch whose waiters the clerk has not got to: enough that the writer never waits for it in practice.
const FRAMES: usize = 64;

/// What the clerk is told.
pub(super) enum Message {
    /// Have this written.
    Append(Request),
    /// Have written what waits, then end.
    Close,
}

/// To a clerk.
pub(super) type Inbox = mpsc::Sender<Message>;

/// The most clerks: one for each processor of a large machine.
pub(super) const CLERKS: usize = 256;

/// The clerks of a log that is not closed.
pub(super) struct Clerks {
    /// To the writer; `None` when the log is closed.
    writer: Option<SyncSender<HandedOver>>,
    inboxes: Vec<Inbox>,
    /// Places in the queue, of all clerks together.
    queue: usize,
    shared: Arc<Shared>,
    tasks: TaskTracker,
}

impl Clerks {
    /// None yet.
    pub(super) fn new(
        writer: SyncSender<HandedOver>,
        queue: usize,
        shared: &Arc<Shared>,
        tasks: &TaskTracker,
    ) -> Self {
        let (shared, tasks) = (Arc::clone(shared), tasks.clone());
        Self { writer: Some(writer), inboxes: Vec::new(), queue, shared, tasks }
    }

    /// A new clerk on that runtime; `None` when there can be no more.
    pub(super) fn engage(&mut self, runtime: &Handle) -> Option<Inbox> {
        let writer = self.writer.clone().filter(|_| self.inboxes.len() < CLERKS)?;
        // One place more than there are permits, for the message to close.
        let (inbox, messages) = mpsc::channel(self.queue + 1);
        let shared = Arc::clone(&self.shared);
        self.tasks.spawn_on(Clerk { messages, writer, shared }.run(), runtime);
        self.inboxes.push(inbox.clone());
        Some(inbox)
    }

    /// Nobody is engaged from here on. Those who are here are to be told to close.
    pub(super) fn dismiss(&mut self) -> Vec<Inbox> {
        self.writer = None;
        std::mem::take(&mut self.inboxes)
    }
}

/// What a clerk works with.
struct Clerk {
    /// Never more than there are places in the queue, and the message to close.
    messages: mpsc::Receiver<Message>,
    /// Has room for one batch of each clerk, which is all that is ever on the way: the writer gets the next when it has
    /// written the last.
    writer: SyncSender<HandedOver>,
    shared: Arc<Shared>,
}

impl Clerk {
    /// Runs until closed, until nobody is left who could append, or until the writer has ended. Whoever waits then learns
    /// it from the end of its channel.
    async fn run(mut self) {
        let _guard = StopOnPanic(Arc::clone(&self.shared));
        let mut waiting = Vec::new();
        while self.gather(&mut waiting).await {
            let mut unwritten = waiting.len();
            // Its other end goes with the batch, so that it is closed when the writer has ended.
            let (back, mut frames) = mpsc::channel(FRAMES);
            let requests = std::mem::take(&mut waiting);
            if self.writer.try_send(HandedOver { requests, back }).is_err() {
                return;
            }
            while unwritten > 0 {
                let Some(written) = frames.recv().await else { return };
                unwritten = unwritten.saturating_sub(written.len());
                acknowledge(written);
            }
        }
    }

    /// Waits for something to write. False when there will be no more.
    async fn gather(&mut self, waiting: &mut Vec<Request>) -> bool {
        let Some(Message::Append(first)) = self.messages.recv().await else { return false };
        waiting.push(first);
        // Everybody who can run now runs first: what they append comes along in the same flush.
        yield_now().await;
        loop {
            match self.messages.try_recv() {
                Ok(Message::Append(request)) => waiting.push(request),
                // Told again by the channel's end.
                Ok(Message::Close) => self.messages.close(),
                Err(_) => return true,
            }
        }
    }
}

/// Completes the waiters, in index order, inside the runtime.
fn acknowledge(written: Acknowledgements) {
    for (waiter, recorded) in written {
        // A caller that hung up loses its answer, not its entry.
        let _ = waiter.send(recorded);
    }
}
