//! Work on an agency's folder, one thing at a time and not for long: a share that hangs keeps nobody else.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

/// The longest that one thing may take. A share that is slow takes seconds; one that is away may take for ever.
const MOST: Duration = Duration::from_secs(10);

/// Where one agency's folder is worked on.
pub(super) struct Desk(Arc<Semaphore>);

/// What was begun has not ended, or what was begun before it: it may still do its work.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Hangs;

impl Default for Desk {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl Desk {
    /// Does it on a thread of its own. While something hangs there nothing else is begun, so that one share never holds more
    /// than one thread.
    pub(super) async fn at<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Hangs> {
        let place = Arc::clone(&self.0).try_acquire_owned().map_err(|_| Hangs)?;
        let doing = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(place);
            done
        });
        match timeout(MOST, doing).await {
            Ok(Ok(done)) => Ok(done),
            _ => Err(Hangs),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures_util::FutureExt as _;

    use super::*;

    /// With time that passes when it is told to, so that nobody waits.
    #[tokio::test(start_paused = true)]
    async fn what_hangs_is_given_up_and_nothing_is_begun_beside_it() {
        let desk = Desk::default();
        let (release, hanging) = mpsc::channel::<()>();
        let mut hung = Box::pin(desk.at(move || hanging.recv()));
        assert!((&mut hung).now_or_never().is_none());
        tokio::time::advance(2 * MOST).await;
        assert_eq!(hung.await.unwrap_err(), Hangs);
        assert_eq!(desk.at(|| 1).await, Err(Hangs));
        release.send(()).unwrap();
        let ended = async {
            while desk.at(|| 2).await != Ok(2) {
                tokio::task::yield_now().await;
            }
        };
        ended.await;
        assert_eq!(desk.at(|| 3).await, Ok(3));
    }
}
