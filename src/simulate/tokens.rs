//! Short-lived secrets that an agency hands out: the newest few, each with its end.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::clock::Clock;
use crate::crypto;

/// Most secrets alive at once: several gateways, each with one or two.
const MOST: usize = 64;

/// Secrets of one agency. Clones share them.
#[derive(Clone)]
pub(super) struct Tokens {
    life: Duration,
    clock: Clock,
    issued: Arc<Mutex<VecDeque<(String, i64)>>>,
}

impl Tokens {
    /// Every secret lives that long by the agency's clock.
    pub(super) fn new(life: Duration, clock: Clock) -> Self {
        Self { life, clock, issued: Arc::default() }
    }

    /// A new secret and its end, milliseconds since 1970; `None` when the machine has no randomness left.
    pub(super) fn issue(&self) -> Option<(String, i64)> {
        let random = crypto::random().ok()?;
        let secret = crypto::hex(random.get(..16)?);
        let life = i64::try_from(self.life.as_millis()).ok()?;
        let issued = (secret, self.clock.now_ms() + life);
        let mut list = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        list.push_back(issued.clone());
        if list.len() > MOST {
            list.pop_front();
        }
        Some(issued)
    }

    /// Whether a secret that has not ended satisfies the test.
    pub(super) fn any(&self, test: impl Fn(&str) -> bool) -> bool {
        let now = self.clock.now_ms();
        let list = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        list.iter().any(|(secret, ends)| *ends > now && test(secret))
    }
}
