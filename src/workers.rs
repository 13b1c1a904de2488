//! The threads that answer. Each has a runtime of its own: what begins on one ends on it, and hands nothing to another.
//!
//! A call is small, so what dearest is about it is waking a thread for it. On a runtime of one thread nobody is woken while
//! there is anything to do, and what several calls wait for comes to all of them in one turn. What may take long (reading
//! agreements, whatever else a reload does) has the program's other runtime.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::sync::CancellationToken;

/// The most threads: as many processors as a large machine has. The log has room for a clerk of each.
pub const MOST: usize = 128;

/// Threads that answer until this is dropped.
pub struct Workers {
    all: Vec<Worker>,
    stop: CancellationToken,
}

/// One of them.
#[derive(Clone)]
pub struct Worker {
    runtime: Handle,
    connections: Arc<AtomicUsize>,
}

/// A connection that belongs to a thread; counted until this is dropped.
pub struct Belongs(Arc<AtomicUsize>);

impl Workers {
    /// So many threads, at least one.
    ///
    /// # Errors
    /// When the system gives no thread, or none that can wait for sockets.
    pub fn start(count: usize) -> io::Result<Self> {
        let mut workers = Self { all: Vec::new(), stop: CancellationToken::new() };
        for number in 0..count.max(1) {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let worker = Worker { runtime: runtime.handle().clone(), connections: Arc::default() };
            workers.all.push(worker);
            let stop = workers.stop.clone();
            thread::Builder::new()
                .name(format!("answers-{number}"))
                .spawn(move || run(runtime, &stop))?;
        }
        Ok(workers)
    }

    /// All of them.
    pub fn all(&self) -> &[Worker] {
        &self.all
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn run(runtime: Runtime, stop: &CancellationToken) {
    runtime.block_on(stop.cancelled());
    // Whoever still reads a file for a question that is gone keeps nobody.
    runtime.shutdown_background();
}

impl Worker {
    /// Its runtime.
    pub fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// How many connections belong to it.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// One more.
    pub fn engage(&self) -> Belongs {
        self.connections.fetch_add(1, Ordering::Relaxed);
        Belongs(Arc::clone(&self.connections))
    }
}

impl Drop for Belongs {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_thread_is_one_and_keeps_what_begins_on_it() {
        let workers = Workers::start(2).unwrap();
        let mut seen = Vec::new();
        for worker in workers.all() {
            let here = || thread::current().name().map(str::to_owned);
            let outer = worker.runtime().spawn(async move {
                let inner = Handle::current().spawn(async move { here() });
                (here(), inner.await.unwrap())
            });
            let (outer, inner) = outer.await.unwrap();
            assert_eq!(outer, inner);
            seen.push(outer.unwrap());
        }
        assert_eq!(seen, ["answers-0", "answers-1"]);
    }

    #[test]
    fn connections_are_counted_until_they_end() {
        let workers = Workers::start(0).unwrap();
        let [worker] = workers.all() else { panic!("one at least") };
        let (first, second) = (worker.engage(), worker.engage());
        assert_eq!(worker.connections(), 2);
        drop((first, second));
        assert_eq!(worker.connections(), 0);
    }
}
