//! The steps of a question one by one, without sockets: how long each takes, and what it allocates.
//!
//! `cargo bench --bench micro`, or `-- decide` for one of them. The rows below each name are what the profiler of
//! allocations saw: a step without them allocates nothing.

#![expect(clippy::indexing_slicing, reason = "a measurement that goes wrong may end there")]
#![expect(clippy::expect_used, reason = "a measurement that goes wrong may end there")]

#[path = "../agreements/asked.rs"]
mod asked;
mod decide;
mod log;
#[path = "../log/made.rs"]
#[allow(dead_code, reason = "only the entries are made here")]
mod made;
mod mapping;
#[path = "../adapters/province.rs"]
#[allow(dead_code, reason = "not everything of it is needed here")]
mod province;
mod release;

use divan::AllocProfiler;
use mimalloc::MiMalloc;

/// The program's own, counted.
#[global_allocator]
static ALLOCATOR: AllocProfiler<MiMalloc> = AllocProfiler::new(MiMalloc);

fn main() {
    divan::main();
}
