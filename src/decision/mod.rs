//! May they? A pure function of recorded facts and agreements in force, shared with replay.
//!
//! No async, no clock, no I/O, no randomness, no logging: whatever a decision looks at is a field of [`Facts`].

pub mod facts;
pub mod agreement;
pub mod freeze;
mod checks;
pub mod denial;
pub mod release;
#[cfg(test)]
mod corpus_tests;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
pub(crate) mod sample;

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use self::agreement::{Agreement, AgreementSet, CacheTerms, Clause};
use self::denial::Denial;
use self::facts::Facts;
use crate::query::FactCode;

/// Version of the rules below, recorded with every decision. Raise it when any check changes what it decides.
pub const RULES: u32 = 1;

/// What a decision yields.
#[derive(Clone, Debug)]
pub enum Decision {
    /// The question may be put, on these terms.
    Permit(Permit),
    /// It may not, for this reason.
    Deny(Denial),
}

/// Leave to ask one question and to release what one clause grants. Only [`decide`] makes one.
#[derive(Clone, Debug)]
pub struct Permit {
    agreement: Arc<Agreement>,
    /// Position in `agreement.clauses`.
    clause: usize,
}

/// The clause that permitted, as entries name it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PermitRef {
    /// Identifier of the agreement.
    pub agreement: String,
    /// Its version.
    pub version: u32,
    /// Number of the clause, from 1.
    pub clause: u32,
}

/// Decides one question under the rules of version [`RULES`]. Deny is the default: only a clause that passes every
/// check permits. Where several could apply the first that permits does; when none does, the denial that got furthest
/// is given, since it is the one the caller is closest to curing.
///
/// Whoever replays an old entry compares `facts.rules` with [`RULES`] first.
pub fn decide(facts: &Facts, agreements: &AgreementSet) -> Decision {
    match checks::permitting_clause(facts, agreements) {
        Ok((agreement, clause)) => {
            Decision::Permit(Permit { agreement: Arc::clone(agreement), clause })
        }
        Err(denial) => Decision::Deny(denial),
    }
}

/// What a permit would grant if its position pointed nowhere, which [`decide`] does not let happen.
static NOTHING: LazyLock<Clause> = LazyLock::new(|| Clause {
    fact: FactCode::default(),
    items: BTreeSet::new(),
    roles: BTreeSet::new(),
    assert: BTreeSet::new(),
    disclose: BTreeSet::new(),
    max_age: Duration::ZERO,
    cache: None,
});

impl Permit {
    /// The agreement that grants it.
    pub fn agreement(&self) -> &Agreement {
        &self.agreement
    }

    /// The clause that grants it.
    pub fn clause(&self) -> &Clause {
        self.agreement.clauses.get(self.clause).unwrap_or(&NOTHING)
    }

    /// Number of the clause, from 1.
    pub fn clause_number(&self) -> u32 {
        u32::try_from(self.clause).map_or(u32::MAX, |position| position.saturating_add(1))
    }

    /// True when the attribute may be looked at: asserted about or disclosed. What is not granted is dropped at the
    /// adapter's edge.
    pub fn grants(&self, attribute: &str) -> bool {
        let clause = self.clause();
        clause.assert.contains(attribute) || clause.disclose.contains(attribute)
    }

    /// How the answer may be kept; `None` forbids keeping it.
    pub fn cache(&self) -> Option<&CacheTerms> {
        self.clause().cache.as_ref()
    }

    /// Oldest answer that may be given.
    pub fn max_age(&self) -> Duration {
        self.clause().max_age
    }

    /// True when entries name it so.
    pub fn is(&self, reference: &PermitRef) -> bool {
        self.agreement.id == reference.agreement
            && self.agreement.version == reference.version
            && self.clause_number() == reference.clause
    }

    /// Its name in entries.
    pub fn reference(&self) -> PermitRef {
        PermitRef {
            agreement: self.agreement.id.clone(),
            version: self.agreement.version,
            clause: self.clause_number(),
        }
    }
}
