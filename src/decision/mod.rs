//! May they? A pure function of recorded facts and agreements in force, shared with replay.
//!
//! No async, no clock, no I/O, no randomness, no logging: whatever a decision looks at is a field of [`Facts`].

pub mod facts;
pub mod agreement;
pub mod agreements;
pub mod freeze;
pub mod halts;
pub mod limit;
pub mod mask;
pub mod pool;
pub mod set;
mod checks;
mod why;
pub mod denial;
pub mod examine;
pub mod release;
#[cfg(test)]
mod agreements_tests;
#[cfg(test)]
mod corpus_tests;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
pub(crate) mod sample;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use self::agreement::{Agreement, CacheTerms, Clause};
use self::agreements::AgreementSet;
use self::denial::Denial;
use self::facts::Facts;
use self::mask::Mask;
use self::set::Set;
use crate::query::FactCode;

/// Version of the rules below, recorded with every decision. Raise it when any check changes what it decides.
///
/// 1: the first.
/// 2: relations, limits of predicates, masks, `never`, notice, consent, units of operators, the month's quota, overlap
///    of versions, and whether the paper named is one that the clause replaces. Only the last of these can decide
///    otherwise under agreements of the time of rules 1, and it looks at questions of rules 2 alone.
pub const RULES: u32 = 2;

/// True when [`decide`] decides as the rules of that version did.
pub const fn knows(rules: u32) -> bool {
    matches!(rules, 1..=RULES)
}

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

impl PermitRef {
    /// The clause at that position of the agreement.
    pub fn to(agreement: &Agreement, position: usize) -> Self {
        let (id, version) = (agreement.id.clone(), agreement.version);
        Self { agreement: id, version, clause: number(position) }
    }

    /// True when this is the clause at that position of the agreement.
    pub fn names(&self, agreement: &Agreement, position: usize) -> bool {
        self.clause == number(position)
            && self.version == agreement.version
            && self.agreement == agreement.id
    }
}

/// Clauses count from 1.
fn number(position: usize) -> u32 {
    u32::try_from(position).map_or(u32::MAX, |position| position.saturating_add(1))
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

/// The names of the checks, in the order they run: first those of the question, then those against one clause.
pub fn checks() -> impl Iterator<Item = &'static str> {
    let of_question = checks::QUESTION.iter().map(|check| check.name);
    of_question.chain(checks::CLAUSE.iter().map(|check| check.name))
}

/// What a permit would grant if its position pointed nowhere, which [`decide`] does not let happen.
static NOTHING: LazyLock<Clause> = LazyLock::new(|| Clause {
    fact: FactCode::default(),
    items: Set::default(),
    replaces: Set::default(),
    roles: Set::default(),
    assert: Set::default(),
    disclose: Set::default(),
    details: Arc::default(),
    consent: false,
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
        number(self.clause)
    }

    /// True when the attribute may be looked at: asserted about or disclosed, whole or in part. What is not granted is
    /// dropped at the adapter's edge.
    pub fn grants(&self, attribute: &str) -> bool {
        self.judges(attribute) || self.discloses(attribute)
    }

    /// True when the attribute may be asserted about.
    pub fn judges(&self, attribute: &str) -> bool {
        self.clause().assert.contains(attribute) && !self.withholds(attribute)
    }

    /// True when the attribute's value may leave, whole or in part.
    pub fn discloses(&self, attribute: &str) -> bool {
        let clause = self.clause();
        (clause.disclose.contains(attribute) || clause.mask(attribute).is_some())
            && !self.withholds(attribute)
    }

    /// What is left of the attribute's value when it leaves; `None` leaves it whole.
    pub fn mask(&self, attribute: &str) -> Option<Mask> {
        self.clause().mask(attribute)
    }

    /// True when the agreement says that nothing of the attribute may ever leave.
    fn withholds(&self, attribute: &str) -> bool {
        self.agreement.withholds(&self.clause().fact, attribute)
    }

    /// How the answer may be kept; `None` forbids keeping it.
    pub fn cache(&self) -> Option<&CacheTerms> {
        self.clause().cache.as_deref()
    }

    /// Oldest answer that may be given.
    pub fn max_age(&self) -> Duration {
        self.clause().max_age
    }

    /// True when entries name it so.
    pub fn is(&self, reference: &PermitRef) -> bool {
        reference.names(&self.agreement, self.clause)
    }

    /// Its name in entries.
    pub fn reference(&self) -> PermitRef {
        PermitRef::to(&self.agreement, self.clause)
    }
}
