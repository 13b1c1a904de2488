//! Room for the parser of expressions, which takes more stack than a usual thread has. What needs it often is done as a
//! whole on a thread that has it: one is made sooner than an expression is compiled, but not by much.

use std::cell::Cell;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Scope, ScopedJoinHandle};

/// Bytes of stack: the parser takes about 100 KiB for each bracket in a debug build.
const STACK: usize = 32 * 1024 * 1024;

thread_local! {
    static HAS_ROOM: Cell<bool> = const { Cell::new(false) };
}

/// Does the work on this thread if it has room, else on one made for it. `None` when the work panicked, or when there is
/// no thread to be had.
pub(crate) fn with_room<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    if HAS_ROOM.get() {
        return catch_unwind(AssertUnwindSafe(work)).ok();
    }
    thread::scope(|scope| begin(scope, work)?.join().ok())
}

/// What the work makes of each, in their order, on threads with room: one for each core. `None` where it panicked.
pub(crate) fn each_with_room<T: Sync, R: Send>(
    all: &[T],
    work: impl Fn(&T) -> R + Sync,
) -> Vec<Option<R>> {
    let next = AtomicUsize::new(0);
    let share = || {
        let mut done = Vec::new();
        loop {
            let position = next.fetch_add(1, Ordering::Relaxed);
            let Some(one) = all.get(position) else { return done };
            done.push((position, with_room(|| work(one))));
        }
    };
    let cores = thread::available_parallelism().map_or(1, NonZero::get).min(all.len());
    let mut outcomes: Vec<Option<R>> = all.iter().map(|_| None).collect();
    thread::scope(|scope| {
        let shares: Vec<_> = (0..cores).filter_map(|_| begin(scope, share)).collect();
        for (position, outcome) in shares.into_iter().flat_map(|share| share.join()).flatten() {
            if let Some(place) = outcomes.get_mut(position) {
                *place = outcome;
            }
        }
    });
    outcomes
}

fn begin<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Option<ScopedJoinHandle<'scope, T>> {
    let work = || {
        HAS_ROOM.set(true);
        work()
    };
    thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_done_once_and_in_order_whatever_panics() {
        let all: Vec<usize> = (0..100).collect();
        let outcomes = each_with_room(&all, |one| {
            assert_ne!(*one, 7);
            (*one * 2, thread::current().id())
        });
        assert_eq!(outcomes.len(), 100);
        for (one, outcome) in outcomes.iter().enumerate() {
            assert_eq!(outcome.map(|(twice, _)| twice), (one != 7).then_some(one * 2));
        }
        assert!(each_with_room(&[0; 0], |one| *one).is_empty());
    }

    #[test]
    fn a_thread_with_room_is_used_again() {
        let threads = with_room(|| {
            let inside = with_room(|| thread::current().id());
            (Some(thread::current().id()), inside)
        });
        let (outer, inner) = threads.unwrap();
        assert_eq!(outer, inner);
        assert_ne!(outer, Some(thread::current().id()));
        assert_eq!(with_room(|| with_room(|| panic!("it is caught"))), Some(None::<()>));
    }
}
