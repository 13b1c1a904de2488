//! What a hostile agency was given that nobody may give: a password in the clear, a file of ours.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How often it was.
#[derive(Clone, Debug, Default)]
pub(super) struct Betrayals(Arc<AtomicU64>);

impl Betrayals {
    pub(super) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn seen(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
