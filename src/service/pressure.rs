//! How many single questions the processors bear at once, found by how long whatever is ready to run has to wait.
//!
//! A fixed limit cannot be right for both: a thousand questions that wait for slow agencies cost nothing meanwhile, a
//! thousand that all want a processor make each other wait. So the limit falls while there is a standing queue, and grows
//! back when there is none.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use metrics::gauge;
use tokio::time::{Instant, sleep};
use tokio_util::task::TaskTracker;

use crate::telemetry;

/// The limit never falls below this: enough to keep eight processors busy while a flush takes a millisecond, so that a
/// machine whose clock or neighbours mislead us still answers.
const LEAST: usize = 64;

/// Looks of which the shortest wait counts: a burst passes, a standing queue is there at each look.
const LOOKS: u32 = 3;

/// Between looks while all is well: 200 a second cost less than a thousandth of a processor each.
const CALM: Duration = Duration::from_millis(5);

/// Between looks while the limit is lowered: as short as the runtime's timer can.
const PRESSED: Duration = Duration::from_millis(1);

/// The limit of this moment.
pub(super) struct Pressure {
    limit: AtomicUsize,
    most: usize,
    /// What may be waited for a processor.
    wait: Duration,
}

impl Pressure {
    pub(super) fn new(most: usize, wait: Duration) -> Self {
        Self { limit: AtomicUsize::new(most), most, wait }
    }

    /// The same for another thread, with a limit of its own.
    pub(super) fn afresh(&self) -> Self {
        Self::new(self.most, self.wait)
    }

    /// Single questions that may be under way now.
    pub(super) fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    /// Looks again and again at the runtime that this runs on, and moves the limit. `under_way` says how many single
    /// questions are.
    pub(super) async fn watch(&self, tasks: &TaskTracker, under_way: impl Fn() -> usize) {
        let thread = thread::current().name().unwrap_or_default().to_owned();
        let shown = gauge!(telemetry::IN_FLIGHT_LIMIT, "thread" => thread);
        loop {
            shown.set(self.limit() as f64);
            let between = if self.limit() < self.most { PRESSED } else { CALM };
            let mut shortest = Duration::MAX;
            for _ in 0..LOOKS {
                sleep(between).await;
                shortest = shortest.min(wait(tasks).await);
            }
            self.turn(shortest, under_way());
        }
    }

    /// Moves the limit after a wait of that length, with so many under way.
    fn turn(&self, waited: Duration, under_way: usize) {
        let now = self.limit();
        let next = if waited > self.wait {
            // Callers are kept to half of it, so what is far above twice their number limits nobody.
            let felt = now.min(under_way.saturating_mul(2));
            (felt - felt / 8).max(LEAST)
        } else {
            now + now / 16 + 1
        }
        .min(self.most);
        if next != now {
            self.limit.store(next, Ordering::Relaxed);
        }
    }
}

/// How long a task that is ready now waits until it runs.
async fn wait(tasks: &TaskTracker) -> Duration {
    let ready = Instant::now();
    let looking = tasks.spawn(async move { ready.elapsed() });
    // The runtime runs first what was made ready last; this takes that place, and the other one goes to the end of the queue.
    tasks.spawn(async {});
    looking.await.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: Duration = Duration::from_millis(2);
    const LONG: Duration = Duration::from_millis(3);

    #[test]
    fn a_standing_queue_lowers_the_limit_and_calm_brings_it_back() {
        let pressure = Pressure::new(1024, WAIT);
        pressure.turn(LONG, 300);
        assert_eq!(pressure.limit(), 525, "seven eighths of what is felt");
        for _ in 0..100 {
            pressure.turn(LONG, 300);
        }
        assert_eq!(pressure.limit(), LEAST);
        pressure.turn(WAIT, 30);
        assert_eq!(pressure.limit(), LEAST + LEAST / 16 + 1);
        for _ in 0..100 {
            pressure.turn(Duration::ZERO, 30);
        }
        assert_eq!(pressure.limit(), 1024);
    }

    #[test]
    fn a_limit_that_was_set_lower_is_kept() {
        let pressure = Pressure::new(8, WAIT);
        for wait in [LONG, Duration::ZERO, LONG] {
            pressure.turn(wait, 8);
            assert_eq!(pressure.limit(), 8);
        }
    }

    /// On one thread, so that nobody steals the task that looks: what stands before it runs before it.
    #[tokio::test]
    async fn whatever_stands_in_the_queue_is_waited_for() {
        let tasks = TaskTracker::new();
        let busy = Duration::from_millis(20);
        tasks.spawn(async move { std::thread::sleep(busy) });
        assert!(wait(&tasks).await >= busy);
    }
}
