//! What is counted of every question, looked up once: finding a metric by name and labels costs more than counting.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use metrics::{Counter, Histogram, counter, histogram};

use crate::query::FactCode;
use crate::query::value::Verdict;
use crate::telemetry;

/// The metrics of one gateway.
pub(super) struct Meters {
    pub(super) hits: Counter,
    pub(super) misses: Counter,
    pub(super) stale: Counter,
    pub(super) permits: Counter,
    pub(super) append_seconds: Histogram,
    /// As many as the catalogue has facts, and each has verdicts.
    verdicts: RwLock<HashMap<(FactCode, Verdict), Counter>>,
}

impl Meters {
    /// Of the recorder that is installed by now.
    pub(super) fn new() -> Self {
        Self {
            hits: counter!(telemetry::CACHE, "result" => "hit"),
            misses: counter!(telemetry::CACHE, "result" => "miss"),
            stale: counter!(telemetry::CACHE, "result" => "stale"),
            permits: counter!(telemetry::DECISIONS, "code" => "permit"),
            append_seconds: histogram!(telemetry::LOG_APPEND_SECONDS),
            verdicts: RwLock::default(),
        }
    }

    /// Counts one answer.
    pub(super) fn answered(&self, fact: &FactCode, verdict: Verdict) {
        let key = (fact.clone(), verdict);
        if let Some(known) = self.verdicts.read().unwrap_or_else(PoisonError::into_inner).get(&key)
        {
            known.increment(1);
            return;
        }
        let labels = [("fact", fact.as_str().to_owned()), ("verdict", verdict.name().to_owned())];
        let counter = counter!(telemetry::VERDICTS, &labels);
        counter.increment(1);
        self.verdicts.write().unwrap_or_else(PoisonError::into_inner).insert(key, counter);
    }
}
