//! Between those who append and the writer: gathers what waits, hands it over in one go, and wakes those who waited.
//!
//! A wake across threads costs more than an entry does, so there are two for a batch and none for an entry. The clerk is
//! a task of the runtime. While the writer is at work, and while others are ready to run, the next batch gathers by
//! itself: under load it grows, and without load nobody waits for anybody. There is no timer.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use tokio::sync::mpsc;
use tokio::task::yield_now;

use super::shared::{Shared, StopOnPanic};
use super::writer::{Acknowledgements, Request};

/// What the clerk is told.
pub(super) enum Message {
    /// Have this written.
    Append(Request),
    /// Have written what waits, then end.
    Close,
}

/// What the clerk works with.
pub(super) struct Clerk {
    /// Never more than there are places in the queue, and the message to close.
    pub(super) messages: mpsc::Receiver<Message>,
    /// Holds one batch, which is all that is ever on the way: the writer gets the next when it has written the last.
    pub(super) writer: SyncSender<Vec<Request>>,
    /// What the writer has made durable, a frame at a time.
    pub(super) written: mpsc::Receiver<Acknowledgements>,
    pub(super) shared: Arc<Shared>,
}

impl Clerk {
    /// Runs until closed, until nobody is left who could append, or until the writer has ended. Whoever waits then learns
    /// it from the end of its channel.
    pub(super) async fn run(mut self) {
        let _guard = StopOnPanic(Arc::clone(&self.shared));
        let mut waiting = Vec::new();
        while self.gather(&mut waiting).await {
            let mut unwritten = waiting.len();
            if self.writer.try_send(std::mem::take(&mut waiting)).is_err() {
                return;
            }
            while unwritten > 0 {
                let Some(written) = self.written.recv().await else { return };
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
