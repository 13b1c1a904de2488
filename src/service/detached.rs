//! An answer in the making that comes to its end whatever becomes of the caller, and has a task of its own only then.
//!
//! A task for each question costs its memory, a copy of all that the question may ever come to, and two turns of the
//! runtime. So the call's own task does the work while it lasts; tonic drops that when the caller hangs up, and what is
//! dropped half done goes on here.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// Work that came to no end of its own.
#[derive(Debug)]
pub(super) struct Panicked;

/// Work that goes on when nobody waits for it any more. A drain waits for it in either case.
pub(super) struct Detached<T: Send + 'static> {
    /// `None` when it has ended.
    work: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
    counted: TaskTrackerToken,
    runtime: Handle,
}

impl<T: Send + 'static> Detached<T> {
    /// Must be called within the runtime in which the work is to go on. Nothing is done before it is waited for once.
    pub(super) fn new(tasks: &TaskTracker, work: impl Future<Output = T> + Send + 'static) -> Self {
        let (counted, runtime) = (tasks.token(), Handle::current());
        Self { work: Some(Box::pin(work)), counted, runtime }
    }
}

impl<T: Send + 'static> Future for Detached<T> {
    type Output = Result<T, Panicked>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(work) = &mut self.work else { return Poll::Ready(Err(Panicked)) };
        // What a panic leaves behind is dropped and never looked at again.
        let ended = match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(told)) => Ok(told),
            Err(_) => Err(Panicked),
        };
        self.work = None;
        Poll::Ready(ended)
    }
}

impl<T: Send + 'static> Drop for Detached<T> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            self.counted.task_tracker().spawn_on(work, &self.runtime);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn what_is_dropped_half_done_comes_to_its_end_and_is_waited_for() {
        let tasks = TaskTracker::new();
        let (go_on, wait) = oneshot::channel::<()>();
        let (tell, told) = oneshot::channel();
        let mut work = Detached::new(&tasks, async move {
            wait.await.unwrap();
            tell.send("done").unwrap();
        });
        tasks.close();
        assert!((&mut work).now_or_never().is_none());
        assert!(tasks.wait().now_or_never().is_none(), "a drain would not wait for it");
        drop(work);
        assert!(tasks.wait().now_or_never().is_none(), "a drain would not wait for what goes on");
        go_on.send(()).unwrap();
        assert_eq!(told.await, Ok("done"));
        tasks.wait().await;
    }

    #[tokio::test]
    async fn a_panic_is_told_and_goes_no_further() {
        let tasks = TaskTracker::new();
        let work = Detached::new(&tasks, async { panic!("as a bug would") });
        assert!(matches!(work.await, Err::<(), _>(Panicked)));
        tasks.close();
        tasks.wait().await;
    }

    #[tokio::test]
    async fn without_a_hang_up_there_is_no_task() {
        let tasks = TaskTracker::new();
        let here = tokio::task::try_id();
        let work = Detached::new(&tasks, async { tokio::task::try_id() });
        assert_eq!(work.await.unwrap(), here);
        assert!(tasks.is_empty());
    }
}
