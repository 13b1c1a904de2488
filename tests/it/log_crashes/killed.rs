//! SIGKILL at random moments, many times over on one log.

use std::time::Duration;

use super::client::Log;
use super::{rounds, say};

/// What a run can be repeated with: `HEYAN_CRASH_SEED`.
fn seed() -> u64 {
    let given = std::env::var("HEYAN_CRASH_SEED").ok().and_then(|text| text.parse().ok());
    given.unwrap_or_else(|| u64::from(std::process::id()))
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_it_keeps_every_promise() {
    let rounds = rounds() as u64;
    let seed = seed();
    println!("{rounds} rounds, HEYAN_CRASH_SEED={seed}");
    let mut random = Random(seed);
    let mut log = Log::new(tempfile::tempdir().unwrap());
    let (mut opened, mut since) = (0, 0);
    for round in 0..rounds {
        let appender = log.appender();
        // One in four dies while it starts, which is while it recovers; the others while they append.
        let told = if random.below(4) == 0 {
            appender.run_for(Duration::from_micros(random.below(40_000))).kill()
        } else {
            let acknowledged = 1 + random.below(12) as usize;
            let appender = appender.run_until_acknowledged(acknowledged);
            appender.run_for(Duration::from_micros(random.below(2000))).kill()
        };
        opened += u64::from(told.is_opened);
        let first = told.receipts.iter().map(|receipt| receipt.index).min();
        assert!(!told.is_stopped, "round {round}: {}", told.errors);
        log.keep(told);
        since = first.unwrap_or(since);
        // The proofs of all are looked at in the end, those of this round now; the bytes always.
        if round % 10 == 9 || round + 1 == rounds {
            log.hold(if round + 1 == rounds { 0 } else { since }).await;
        }
    }
    say(&format!(
        "The log against SIGKILL: ran, {opened} of {rounds} rounds while appending, {} receipts hold",
        log.count()
    ));
    assert!(opened > rounds / 2 && log.count() as u64 > rounds);
}
