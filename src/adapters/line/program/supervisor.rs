//! One life of a program after another, with longer and longer pauses while it does not live long.

use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::conversation::Conversation;
use super::life::Life;
use crate::adapters::failed::Failed;
use crate::adapters::manifest::Here;
use crate::query::record::Unavailable;

/// Before the first new start: about what an interpreter takes to start.
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);
/// Doubled at the most by chance, so that programs which failed together do not start together.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// After so long the next end is a new misfortune, not the same one.
const RAN_WELL: Duration = Duration::from_secs(60);

/// Why a program that has not ended is ended.
const HUNG: &str = "the program hung: neither questions nor a probe brought a word";

/// What is known of a program that the gateway runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProgramState {
    /// Its process, while there is one that answers.
    pub process: Option<u32>,
    /// For how long it has answered.
    pub running_for: Option<Duration>,
    /// How often it was started again.
    pub restarts: u64,
    /// How it ended the last time, such as `exit status: 1`.
    pub last_exit: Option<String>,
}

/// What is seen of the program now.
#[derive(Clone, Default)]
pub(super) struct Seen {
    pub(super) stage: Stage,
    restarts: u64,
    last_exit: Option<String>,
}

/// Where it is in its life.
#[derive(Clone, Default)]
pub(super) enum Stage {
    /// It was started, or is about to be, and has not said yet what it is.
    #[default]
    Starting,
    /// It answers.
    Up(Arc<Connected>),
    /// It is not there, and will be started again.
    Down(Failed),
    /// It ended and is not started again.
    Stopped,
}

/// A program that answers.
pub(super) struct Connected {
    pub(super) conversation: Conversation,
    /// What it says it answers.
    pub(super) facts: Vec<String>,
    process: u32,
    since: Instant,
}

impl Seen {
    /// The same for operators.
    pub(super) fn state(&self) -> ProgramState {
        let connected = match &self.stage {
            Stage::Up(connected) => Some(connected),
            Stage::Starting | Stage::Down(_) | Stage::Stopped => None,
        };
        ProgramState {
            process: connected.map(|connected| connected.process),
            running_for: connected.map(|connected| connected.since.elapsed()),
            restarts: self.restarts,
            last_exit: self.last_exit.clone(),
        }
    }
}

/// Keeps one program running until it is told to stop.
pub(super) struct Supervisor {
    /// Name of the adapter.
    pub(super) name: String,
    pub(super) here: Arc<Here>,
    /// For one question, and for a probe.
    pub(super) timeout: Duration,
    pub(super) seen: watch::Sender<Seen>,
    pub(super) stop: CancellationToken,
}

/// How a life ended of itself.
struct Ended {
    failed: Failed,
    answered_for: Duration,
}

impl Supervisor {
    /// Runs until it is told to stop; then the program has ended.
    pub(super) async fn run(self) {
        let mut pauses = pauses();
        while let Some(ended) = self.live().await {
            if ended.answered_for >= RAN_WELL {
                pauses = self::pauses();
            }
            let pause = pauses.next().unwrap_or(LONGEST_PAUSE);
            let (adapter, why) = (self.name.as_str(), ended.failed.detail.as_str());
            tracing::warn!(adapter, why, ?pause, "the program is started again after a pause");
            if self.stop.run_until_cancelled(sleep(pause)).await.is_none() {
                break;
            }
            self.seen.send_modify(|seen| {
                seen.stage = Stage::Starting;
                seen.restarts += 1;
            });
        }
        self.seen.send_modify(|seen| seen.stage = Stage::Stopped);
    }

    /// One life. `None` when it was told to end.
    async fn live(&self) -> Option<Ended> {
        let mut answered_for = Duration::ZERO;
        let mut life = match Life::begin(&self.name, &self.here) {
            Ok(life) => life,
            Err(problem) => {
                let failed = Failed::unanswered(Unavailable::Unreachable, problem);
                self.is_down(&failed);
                return Some(Ended { failed, answered_for });
            }
        };
        let failed = match self.stop.run_until_cancelled(self.meet(&mut life)).await {
            Some(Err(failed)) => Some(failed),
            Some(Ok(connected)) => {
                let connected = Arc::new(connected);
                tracing::info!(adapter = self.name, process = connected.process, "program started");
                self.seen.send_modify(|seen| seen.stage = Stage::Up(Arc::clone(&connected)));
                let lives = lives(&mut life, &connected);
                let failed = self.stop.run_until_cancelled(lives).await;
                answered_for = connected.since.elapsed();
                failed
            }
            None => None,
        };
        // At once: what is asked meanwhile must not be put to what is gone.
        failed.iter().for_each(|failed| self.is_down(failed));
        let mut exit = life.end(self.here.stop_within).await;
        if failed.as_ref().is_some_and(|failed| failed.detail == HUNG) {
            exit.push_str(", ended because it hung");
        }
        self.seen.send_modify(|seen| seen.last_exit = Some(exit));
        failed.map(|failed| Ended { failed, answered_for })
    }

    fn is_down(&self, failed: &Failed) {
        self.seen.send_modify(|seen| seen.stage = Stage::Down(failed.clone()));
    }

    /// Waits until the program listens and has said what it is.
    async fn meet(&self, life: &mut Life) -> Result<Connected, Failed> {
        let deadline = Instant::now() + self.here.start_within;
        let (process, channel) = (life.process(), life.channel());
        let listening = life.listening();
        let meeting = async {
            if tokio::time::timeout_at(deadline, listening).await.is_err() {
                let within = self.here.start_within;
                let detail = format!("the program did not listen on its socket within {within:?}");
                return Err(Failed::unanswered(Unavailable::Unreachable, detail));
            }
            let conversation = Conversation::over(channel, self.name.clone(), self.timeout);
            let facts = conversation.describe(deadline).await.map_err(|failed| Failed {
                detail: format!("asked what it is: {}", failed.detail),
                ..failed
            })?;
            Ok(Connected { conversation, facts, process, since: Instant::now() })
        };
        tokio::select! {
            // What it said before it ended counts.
            biased;
            met = meeting => met,
            exit = life.ended() => Err(gone(&exit)),
        }
    }
}

/// Waits until it ends or hangs.
async fn lives(life: &mut Life, connected: &Connected) -> Failed {
    tokio::select! {
        biased;
        exit = life.ended() => gone(&exit),
        () = connected.conversation.hangs() => Failed::unanswered(Unavailable::Unreachable, HUNG),
    }
}

fn gone(exit: &str) -> Failed {
    Failed::unanswered(Unavailable::Unreachable, format!("the program ended ({exit})"))
}

fn pauses() -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(SHORTEST_PAUSE)
        .with_max_delay(LONGEST_PAUSE)
        .with_jitter()
        .without_max_times()
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_do_not_end() {
        let taken: Vec<Duration> = pauses().take(100).collect();
        assert_eq!(taken.len(), 100);
        assert!(taken.iter().all(|pause| (SHORTEST_PAUSE..=2 * LONGEST_PAUSE).contains(pause)));
        assert!(taken[0] <= 2 * SHORTEST_PAUSE && taken[99] >= LONGEST_PAUSE, "{taken:?}");
    }
}
