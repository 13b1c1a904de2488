//! What one evaluation may take. Everything that takes time or memory in the size of what it is given is paid for out
//! of one budget, by the interpreter's guarded operators and by our own functions; what cannot pay, fails.
//!
//! An evaluation is done on one thread from its beginning to its end, so the budget is the thread's.

use std::cell::Cell;

/// Units one evaluation may spend: about as many bytes built, copied or compared. A pass over a reply of 1 MiB with
/// 10,000 values costs under two million.
const UNITS: u64 = 64 * 1024 * 1024;
/// Units of one value, and of one step of a macro (`map`, `all`, …): a text costs its bytes besides.
pub(super) const NODE: u64 = 64;
/// The budget is spent.
pub(super) const SPENT: &str = "more than one evaluation may take";

thread_local! {
    /// Outside evaluations there is no limit.
    static LEFT: Cell<u64> = const { Cell::new(u64::MAX) };
    /// What an evaluation begun on this thread has: less in tests, which need not wait for so many.
    static WHOLE: Cell<u64> = const { Cell::new(UNITS) };
}

/// Does the work on a budget of its own.
pub(super) fn within<T>(work: impl FnOnce() -> T) -> T {
    struct Before(u64);
    impl Drop for Before {
        fn drop(&mut self) {
            LEFT.set(self.0);
        }
    }
    let _before = Before(LEFT.replace(WHOLE.get()));
    work()
}

/// Pays.
///
/// # Errors
/// There is not enough left. Then there is nothing left for anybody else either.
pub(super) fn spend(units: u64) -> Result<(), &'static str> {
    let left = LEFT.get().checked_sub(units);
    LEFT.set(left.unwrap_or(0));
    left.map(|_| ()).ok_or(SPENT)
}

/// Pays for a text, or for bytes.
///
/// # Errors
/// As [`spend`].
pub(super) fn spend_text(length: usize) -> Result<(), &'static str> {
    spend(NODE.saturating_add(u64::try_from(length).unwrap_or(u64::MAX)))
}

/// Makes the budget of what is begun on this thread from now on smaller.
#[cfg(test)]
pub(super) fn shrink(units: u64) {
    WHOLE.set(units);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_ends_with_its_work_whatever_becomes_of_it() {
        assert_eq!(spend(UNITS * 2), Ok(()));
        within(|| {
            assert_eq!(spend(UNITS), Ok(()));
            assert_eq!(spend(1), Err(SPENT));
            within(|| assert_eq!(spend(UNITS - 1), Ok(()), "an inner one is another's"));
            assert_eq!(spend(1), Err(SPENT));
        });
        let panicked = std::panic::catch_unwind(|| within(|| panic!("it is caught")));
        assert!(panicked.is_err());
        assert_eq!(spend(UNITS * 2), Ok(()));
    }

    #[test]
    fn who_could_not_pay_leaves_nothing() {
        within(|| {
            assert_eq!(spend(UNITS + 1), Err(SPENT));
            assert_eq!(spend_text(0), Err(SPENT));
        });
    }
}
