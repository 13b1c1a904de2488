//! What an adapter has done since it was loaded, for operators. No personal data.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::failed::Failed;
use super::line::program::ProgramState;
use crate::query::record::Unavailable;
use crate::query::time::Timestamp;

/// An adapter's state at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// Reason of the last failure.
    pub last_failure: Option<&'static str>,
    /// Questions under way.
    pub in_flight: u32,
    /// `closed`, `open` or `half_open`.
    pub breaker: &'static str,
    /// The program that the gateway runs in front of the agency, if there is one.
    pub program: Option<ProgramState>,
}

/// Counters since the adapter was loaded.
#[derive(Default)]
pub(crate) struct Counters {
    answered: AtomicU64,
    unavailable: AtomicU64,
    contract_errors: AtomicU64,
    dropped_attributes: AtomicU64,
    last: Mutex<(Option<Timestamp>, Option<&'static str>)>,
}

impl Counters {
    /// A question was answered.
    pub(crate) fn answered(&self, at: Timestamp, dropped: u32) {
        self.answered.fetch_add(1, Ordering::Relaxed);
        self.dropped_attributes.fetch_add(dropped.into(), Ordering::Relaxed);
        self.last.lock().unwrap_or_else(PoisonError::into_inner).0 = Some(at);
    }

    /// A question was not answered.
    pub(crate) fn failed(&self, failed: &Failed) {
        let counter = match failed.reason {
            Unavailable::ContractError => &self.contract_errors,
            _ => &self.unavailable,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        self.last.lock().unwrap_or_else(PoisonError::into_inner).1 = Some(failed.reason.code());
    }

    /// The counters, with what is not counted here.
    pub(crate) fn state(&self, in_flight: usize, breaker: &'static str) -> State {
        let (last_answer, last_failure) = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        State {
            answered: self.answered.load(Ordering::Relaxed),
            unavailable: self.unavailable.load(Ordering::Relaxed),
            contract_errors: self.contract_errors.load(Ordering::Relaxed),
            dropped_attributes: self.dropped_attributes.load(Ordering::Relaxed),
            last_answer,
            last_failure,
            in_flight: u32::try_from(in_flight).unwrap_or(u32::MAX),
            breaker,
            program: None,
        }
    }
}
