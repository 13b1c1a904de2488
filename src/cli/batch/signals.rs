//! Being told to stop: once to end what is under way, twice to end at once.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// What has been said.
pub(super) struct Stop {
    /// No new rows.
    pub(super) soon: CancellationToken,
    /// Nothing more at all.
    pub(super) now: CancellationToken,
    _listening: DropGuard,
}

/// Listens for SIGINT and SIGTERM from here on.
pub(super) fn stop() -> io::Result<Stop> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (soon, now, end) =
        (CancellationToken::new(), CancellationToken::new(), CancellationToken::new());
    let (first, second, ended) = (soon.clone(), now.clone(), end.clone());
    TaskTracker::new().spawn(async move {
        for token in [first, second] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                () = ended.cancelled() => return,
            }
            eprintln!("stopping: no new rows; once more to leave those under way behind");
            token.cancel();
        }
    });
    Ok(Stop { soon, now, _listening: end.drop_guard() })
}
