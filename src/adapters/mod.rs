//! Asking the agencies: one manifest each, five transports, one way of asking.
//!
//! An agency that is down, slow or answers nonsense yields a [`Failure`] with a reason; there is no path from there to
//! a "no". `docs/adapters.md` describes the manifests.

mod manifest;
mod language;
mod variables;
mod transport;
mod line;
mod mapping;
mod failed;
mod fixture;
mod limits;
mod latency;
mod state;
mod adapter;
mod dispute;
mod queue;
mod once;
mod claims;
mod load;
mod reload;
mod begin;
pub mod portrait;
pub mod comparison;
pub mod live;
pub mod cost;
pub mod scaffold;
pub mod schema;
pub mod workbench;
pub mod trial;
pub mod targets;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::finding::Finding;
use crate::query::FactCode;

pub use self::adapter::{Adapter, Answer};
pub use self::failed::Failure;
pub use self::fixture::{Coverage, Difference, Missed, Played, Rehearsal};
pub use self::latency::Latency;
pub use self::limits::{Breaker, FairPlace, FairPlaces, Lane, Pace, RateLeft, Span, Turn, Waiter};
pub use self::line::program::ProgramState;
pub use self::load::{Checked, check, rehearse};
pub use self::manifest::{Allowed, Depth};
pub use self::queue::{Queue, Undelivered};
pub use self::state::{Health, LastFailure, State};

/// Every adapter in force. Immutable: a change makes another set.
#[derive(Clone, Default)]
pub struct Adapters {
    all: Vec<Arc<Adapter>>,
    by_fact: BTreeMap<FactCode, Arc<Adapter>>,
}

impl Adapters {
    fn of(all: Vec<Arc<Adapter>>) -> Self {
        let by_fact = all
            .iter()
            .flat_map(|adapter| adapter.facts().map(|fact| (fact.clone(), Arc::clone(adapter))))
            .collect();
        Self { all, by_fact }
    }

    /// The adapter that answers the fact.
    pub fn for_fact(&self, fact: &FactCode) -> Option<&Arc<Adapter>> {
        self.by_fact.get(fact)
    }

    /// True when these are the very same adapters, connections and counters included.
    pub fn is_same(&self, other: &Self) -> bool {
        self.all.len() == other.all.len()
            && self.all.iter().zip(&other.all).all(|(one, other)| Arc::ptr_eq(one, other))
    }

    /// What their manifests should be mended for in time, with places; it keeps none out of force.
    pub fn warnings(&self) -> impl Iterator<Item = &Finding> {
        self.all.iter().flat_map(|adapter| adapter.warnings())
    }

    /// Every adapter, by name.
    pub fn all(&self) -> &[Arc<Adapter>] {
        &self.all
    }
}

#[cfg(test)]
mod tests;
