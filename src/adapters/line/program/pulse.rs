//! Whether a program that runs still answers. Questions without a word arouse a suspicion; a probe, which asks about
//! nobody, settles it.
//!
//! A question alone proves nothing: it is the agency behind the program that may be slow.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// Questions in a row without a word that arouse the suspicion. Fewer than open the breaker by default: once that is
/// open, hardly a question is put.
const SUSPICIOUS: u32 = 3;
/// A question that was given up sooner was its caller's hurry.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is heard of one life of a program.
pub(super) struct Pulse {
    /// A question that waited for less says nothing.
    patience: Duration,
    /// Questions without a word since the last one.
    unanswered: AtomicU32,
    /// Whatever it said, counted.
    words: AtomicU64,
    suspicion: Notify,
}

/// A question on its way. Dropped without a word, it was given up.
pub(super) struct Asked<'a> {
    pulse: &'a Pulse,
    began: Instant,
    is_heard: bool,
}

impl Pulse {
    /// Of a program whose questions may take so long.
    pub(super) fn new(timeout: Duration) -> Self {
        Self {
            patience: PATIENCE.min(timeout / 2),
            unanswered: AtomicU32::new(0),
            words: AtomicU64::new(0),
            suspicion: Notify::new(),
        }
    }

    /// A question is put.
    pub(super) fn asked(&self) -> Asked<'_> {
        Asked { pulse: self, began: Instant::now(), is_heard: false }
    }

    /// Waits until the program hangs: until a probe brings no word, and nothing else does meanwhile.
    pub(super) async fn stops<F: Future<Output = bool>>(&self, probe: impl Fn() -> F) {
        loop {
            self.suspicion.notified().await;
            // The word may have come before this looks.
            if self.unanswered.load(Ordering::Acquire) < SUSPICIOUS {
                continue;
            }
            let words = self.words.load(Ordering::Acquire);
            if !probe().await && self.words.load(Ordering::Acquire) == words {
                return;
            }
            self.unanswered.store(0, Ordering::Release);
        }
    }

    fn word(&self) {
        self.words.fetch_add(1, Ordering::AcqRel);
        self.unanswered.store(0, Ordering::Release);
    }

    fn no_word(&self) {
        if self.unanswered.fetch_add(1, Ordering::AcqRel) + 1 >= SUSPICIOUS {
            self.suspicion.notify_one();
        }
    }
}

impl Asked<'_> {
    /// The program said something, whatever it was.
    pub(super) fn heard(mut self) {
        self.is_heard = true;
        self.pulse.word();
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if !self.is_heard && self.began.elapsed() >= self.pulse.patience {
            self.pulse.no_word();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::time::{sleep, timeout};

    use super::*;

    const MOMENT: Duration = Duration::from_millis(100);

    async fn asks(pulse: &Pulse, waits: Duration, is_heard: bool) {
        let asked = pulse.asked();
        sleep(waits).await;
        if is_heard {
            asked.heard();
        }
    }

    /// Whether it is found to hang, and how often it was probed.
    async fn found(
        pulse: &Pulse,
        answers: bool,
        questions: impl Future<Output = ()>,
    ) -> (bool, u32) {
        let probes = Cell::new(0);
        let probe = || async {
            probes.set(probes.get() + 1);
            sleep(MOMENT).await;
            answers
        };
        let watching = async { timeout(60 * PATIENCE, pulse.stops(probe)).await.is_ok() };
        let (hangs, ()) = tokio::join!(watching, questions);
        (hangs, probes.get())
    }

    #[tokio::test(start_paused = true)]
    async fn three_in_a_row_and_a_probe_without_a_word() {
        for (questions, answers, expected) in [
            (&[false, false][..], false, (false, 0)),
            (&[false, false, true, false, false], false, (false, 0)),
            (&[true, false, false, false], false, (true, 1)),
            // A slow agency: the program itself is well, however long that goes on.
            (&[false, false, false], true, (false, 1)),
            (&[false, false, false, false, false, false], true, (false, 2)),
        ] {
            let pulse = Pulse::new(8 * PATIENCE);
            let asking = async {
                for is_heard in questions {
                    asks(&pulse, PATIENCE, *is_heard).await;
                }
            };
            assert_eq!(found(&pulse, answers, asking).await, expected, "{questions:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_word_while_it_is_probed_clears_it() {
        let pulse = Pulse::new(8 * PATIENCE);
        let asking = async {
            let slow = asks(&pulse, PATIENCE + MOMENT / 2, true);
            let silent = || asks(&pulse, PATIENCE, false);
            tokio::join!(silent(), silent(), silent(), slow);
        };
        assert_eq!(found(&pulse, false, asking).await, (false, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_hurried_caller_arouses_no_suspicion() {
        for (timeout, waits, expected) in [
            (8 * PATIENCE, PATIENCE - MOMENT, (false, 0)),
            (8 * PATIENCE, PATIENCE, (true, 1)),
            // Where questions have little time, little is enough.
            (PATIENCE / 2, PATIENCE / 4, (true, 1)),
        ] {
            let pulse = Pulse::new(timeout);
            let asking = async {
                for _ in 0..3 {
                    asks(&pulse, waits, false).await;
                }
            };
            assert_eq!(found(&pulse, false, asking).await, expected, "{timeout:?} {waits:?}");
        }
    }
}
