//! What an adapter has done since it was loaded, for operators. No personal data.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::failed::Failure;
use super::latency::Latency;
use super::limits::{Breaker, Limits, RateLeft};
use super::line::program::ProgramState;
use crate::query::record::Unavailable;
use crate::query::time::Timestamp;

/// An adapter's state at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Questions answered.
    pub answered: u64,
    /// Questions that could not be answered, contract errors not among them.
    pub unavailable: u64,
    /// Replies that did not fit the manifest.
    pub contract_errors: u64,
    /// Attributes that came without being granted, and were dropped.
    pub dropped_attributes: u64,
    /// Time of the last question that was answered.
    pub last_answer: Option<Timestamp>,
    /// The last failure.
    pub last_failure: Option<LastFailure>,
    /// Questions under way.
    pub in_flight: u32,
    /// Questions that may be under way at once.
    pub max_in_flight: u32,
    /// What is left of its rate, where it has one.
    pub rate: Option<RateLeft>,
    /// How long attempts took lately; `None` before the first.
    pub latency: Option<Latency>,
    /// What the breaker lets pass.
    pub breaker: Breaker,
    /// The program that the gateway runs in front of the agency, if there is one.
    pub program: Option<ProgramState>,
}

/// The last question that was not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastFailure {
    /// Stable code.
    pub reason: &'static str,
    /// When it was given up.
    pub at: Timestamp,
    /// Manifest, line where one is known, fact, expression; no value of a reply.
    pub detail: String,
}

/// Whether an agency is worth asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It is.
    Serving,
    /// It failed, and the next questions try it.
    Trying,
    /// It failed, and nobody asks for a while.
    Failing,
    /// A maintenance window.
    Maintenance,
    /// The program in front of it does not run.
    Down,
}

impl Health {
    /// Stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Serving => "serving",
            Self::Trying => "trying",
            Self::Failing => "failing",
            Self::Maintenance => "maintenance",
            Self::Down => "down",
        }
    }

    /// True when a question would reach it. Of one that is tried too: if nobody asked, nobody would find out.
    pub fn is_serving(self) -> bool {
        matches!(self, Self::Serving | Self::Trying)
    }
}

/// Counters since the gateway began to ask the agency, over all versions of the manifest. Only failures take a lock.
#[derive(Default)]
pub(crate) struct Counters {
    answered: AtomicU64,
    unavailable: AtomicU64,
    contract_errors: AtomicU64,
    dropped_attributes: AtomicU64,
    /// Microseconds since 1970; 0 when there was none.
    last_answer: AtomicU64,
    last_failure: Mutex<Option<LastFailure>>,
}

impl Counters {
    /// A question was answered.
    pub(crate) fn answered(&self, at: Timestamp, dropped: u32) {
        self.answered.fetch_add(1, Ordering::Relaxed);
        self.dropped_attributes.fetch_add(dropped.into(), Ordering::Relaxed);
        self.last_answer.fetch_max(at.0, Ordering::Relaxed);
    }

    /// A question was not answered.
    pub(crate) fn failed(&self, failure: &Failure, at: Timestamp) {
        let counter = match failure.reason {
            Unavailable::ContractError => &self.contract_errors,
            _ => &self.unavailable,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        let (reason, detail) = (failure.reason.code(), failure.detail.clone());
        let last = Some(LastFailure { reason, at, detail });
        *self.last_failure.lock().unwrap_or_else(PoisonError::into_inner) = last;
    }

    /// The counters, with what the limits know.
    pub(crate) fn state(&self, limits: &Limits) -> State {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let few = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let last_failure = self.last_failure.lock().unwrap_or_else(PoisonError::into_inner);
        State {
            answered: count(&self.answered),
            unavailable: count(&self.unavailable),
            contract_errors: count(&self.contract_errors),
            dropped_attributes: count(&self.dropped_attributes),
            last_answer: Some(count(&self.last_answer)).filter(|at| *at > 0).map(Timestamp),
            last_failure: last_failure.clone(),
            in_flight: few(limits.in_flight()),
            max_in_flight: few(limits.max_in_flight()),
            rate: limits.rate_left(),
            latency: limits.latency(),
            breaker: limits.breaker(),
            program: None,
        }
    }
}
