//! Memory that nobody needs any more goes back to the system when the gateway is at rest, too.
//!
//! The allocator offers a page to the system a second after it was freed, but only when some thread frees another page by
//! then, or ends. A gateway at rest does neither, and would keep for good what its start, a reload or a flood of questions
//! needed for a moment. So now and then a thread ends.

use std::hint::black_box;
use std::io;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// How often. A thread costs some 50 microseconds, and the allocator waits for half as long by itself.
const EVERY: Duration = Duration::from_secs(2);

/// Gives back what can be now and then, until told to stop.
pub(super) async fn give_back_often(stop: CancellationToken) {
    let mut turn = tokio::time::interval(EVERY);
    while stop.run_until_cancelled(turn.tick()).await.is_some() {
        // Where there is no thread to be had, another time will do.
        let _ = ending();
    }
}

/// Gives back what was freed more than a second ago: between the steps of a start, so that what the next one makes to
/// stay does not lie scattered over what the one before has left. Takes as long as a thread that does nothing.
pub(super) fn give_back() {
    if let Ok(thread) = ending() {
        let _ = thread.join();
    }
}

/// The allocator notices the end of those threads only that have allocated.
fn ending() -> io::Result<JoinHandle<()>> {
    Builder::new().name("spare-memory".to_owned()).spawn(|| drop(black_box(Box::new(0_u64))))
}
