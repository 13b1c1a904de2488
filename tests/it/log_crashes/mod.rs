//! The log against the machine: killed at random, its disk shut off, its flushes failing, its disk full.
//!
//! A small process, this very program started again, appends as fast as it can and prints every receipt. What it has
//! printed was promised, and must be in the log afterwards, byte for byte and provably.
//!
//! Every run says what ran and what the machine did not permit. `HEYAN_CRASH_ROUNDS` makes all of it longer; 1000 and
//! more try every fault there is.

use std::io::Write;

mod appender;
mod client;
mod killed;
mod machine;
mod privileged;

/// Rounds of killing, unless `HEYAN_CRASH_ROUNDS` says otherwise; everything else is scaled with them.
const ROUNDS: usize = 200;

fn rounds() -> usize {
    std::env::var("HEYAN_CRASH_ROUNDS").map_or(ROUNDS, |text| text.parse().unwrap())
}

/// So many of a thing in a run of the usual length; never none.
fn scaled(usual: usize) -> usize {
    (usual * rounds()).div_ceil(ROUNDS).max(1)
}

/// Says it to whoever runs the tests, past the capture of the test runner, which shows nothing of a test that passes.
fn say(lines: &str) {
    std::io::stderr().write_all(format!("\n{lines}\n").as_bytes()).unwrap();
}
