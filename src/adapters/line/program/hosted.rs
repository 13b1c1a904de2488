//! A program that the gateway runs itself, over a Unix socket that nobody else can open.
//!
//! It is started before the first question and kept running. While it does not run, questions are answered at once
//! with that: they were not put, so they say nothing about the agency behind it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::supervisor::{Connected, ProgramState, Seen, Stage, Supervisor};
use crate::adapters::failed::Failed;
use crate::adapters::line::{Beginning, Ending, Got, Line, Put, Putting, not_carried};
use crate::adapters::manifest::{Here, Program};
use crate::query::record::Unavailable;

/// One program and the task that keeps it running. Dropped, it tells the program to end.
pub(super) struct Hosted {
    name: String,
    here: Arc<Here>,
    timeout: Duration,
    seen: watch::Sender<Seen>,
    /// The task was begun.
    begun: AtomicBool,
    stop: CancellationToken,
    tasks: TaskTracker,
    _stop_when_dropped: DropGuard,
}

impl Hosted {
    /// Describes the program; nothing is started yet.
    pub(super) fn new(program: &Program, here: &Here) -> Self {
        let stop = CancellationToken::new();
        Self {
            name: program.name.clone(),
            here: Arc::new(here.clone()),
            timeout: program.timeout,
            seen: watch::Sender::new(Seen::default()),
            begun: AtomicBool::new(false),
            tasks: TaskTracker::new(),
            _stop_when_dropped: stop.clone().drop_guard(),
            stop,
        }
    }

    /// Begins to keep it running. Returns true the first time.
    fn keep_running(&self) -> bool {
        if self.begun.swap(true, Ordering::AcqRel) {
            return false;
        }
        let supervisor = Supervisor {
            name: self.name.clone(),
            here: Arc::clone(&self.here),
            timeout: self.timeout,
            seen: self.seen.clone(),
            stop: self.stop.clone(),
        };
        self.tasks.spawn(supervisor.run());
        true
    }

    /// The program once it has started, or why it has not.
    async fn connected(&self) -> Result<Arc<Connected>, Failed> {
        let mut seen = self.seen.subscribe();
        let settled = seen.wait_for(|seen| !matches!(seen.stage, Stage::Starting)).await;
        match settled.map(|seen| seen.stage.clone()) {
            Ok(Stage::Up(connected)) => Ok(connected),
            Ok(Stage::Down(failed)) => Err(Failed { is_repeated: true, ..failed }),
            // The sender lives in `self`, so it cannot have gone.
            Ok(Stage::Starting | Stage::Stopped) | Err(_) => Err(not_put("the program has ended")),
        }
    }

    async fn ask(&self, put: Put, deadline: Instant) -> Result<Got, Failed> {
        let Put::Fetch(question) = put else { return Err(not_carried()) };
        let deadline = deadline.min(Instant::now() + self.timeout);
        self.keep_running();
        let Ok(connected) = timeout_at(deadline, self.connected()).await else {
            return Err(not_put("the program is still starting"));
        };
        let Connected { conversation, facts, .. } = &*connected?;
        conversation.fetch(facts, question, deadline).await.map(Got::Fetched)
    }
}

/// A question that could not be put, for which no agency is to blame.
fn not_put(detail: &str) -> Failed {
    Failed { is_repeated: true, ..Failed::unanswered(Unavailable::Unreachable, detail) }
}

impl Line for Hosted {
    fn put(&self, put: Put, deadline: Instant) -> Putting<'_> {
        Box::pin(self.ask(put, deadline))
    }

    fn is_up(&self) -> bool {
        !matches!(self.seen.borrow().stage, Stage::Down(_) | Stage::Stopped)
    }

    fn begin(&self, facts: Vec<String>) -> Beginning<'_> {
        Box::pin(async move {
            // One that ran before is not judged again: what became of it since is in its state.
            if !self.keep_running() {
                return Ok(());
            }
            let connected = self.connected().await.map_err(|failed| failed.detail)?;
            let is_missing = |fact: &&String| !connected.facts.contains(fact);
            let missing: Vec<&str> = facts.iter().filter(is_missing).map(String::as_str).collect();
            match missing.is_empty() {
                true => Ok(()),
                false => Err(format!("the program does not answer `{}`", missing.join("`, `"))),
            }
        })
    }

    fn end(&self) -> Ending<'_> {
        Box::pin(async move {
            // It is not to begin after this.
            if !self.begun.swap(true, Ordering::AcqRel) {
                self.seen.send_modify(|seen| seen.stage = Stage::Stopped);
            }
            self.stop.cancel();
            self.tasks.close();
            self.tasks.wait().await;
        })
    }

    fn program(&self) -> Option<ProgramState> {
        Some(self.seen.borrow().state())
    }
}
