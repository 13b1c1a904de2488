//! What two parties signed, as a value: who may ask what, for which item, and how the answer may be used.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use crate::crypto::Digest;
use crate::query::time::Timestamp;
use crate::query::{FactCode, ItemCode, OrganisationId, SystemId};

/// A sharing agreement whose signatures have been checked. Look-up needs no parsing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// Identifier, such as `hn-gjj-mz-2018-001`.
    pub id: String,
    /// Version, from 1.
    pub version: u32,
    /// SHA-256 of the signed payload.
    pub digest: Digest,
    /// Title for people.
    pub title: String,
    /// The organisation that asks.
    pub consumer: OrganisationId,
    /// The organisation that answers.
    pub provider: OrganisationId,
    /// Systems of the consumer that may ask.
    pub systems: BTreeSet<SystemId>,
    /// First moment of validity.
    pub effective_from: Timestamp,
    /// First moment after validity.
    pub effective_to: Timestamp,
    /// When questions are served, China time; `None` is always.
    pub hours: Option<Hours>,
    /// How many questions.
    pub quota: Quota,
    /// What may be asked; clause numbers are positions from 1.
    pub clauses: Vec<Clause>,
}

/// One fact that may be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// The fact.
    pub fact: FactCode,
    /// For which items (purposes).
    pub items: BTreeSet<ItemCode>,
    /// About subjects in which roles.
    pub roles: BTreeSet<String>,
    /// Attributes that may be asserted about.
    pub assert: BTreeSet<String>,
    /// Attributes whose values may leave.
    pub disclose: BTreeSet<String>,
    /// Oldest answer that may be given under this clause.
    pub max_age: Duration,
    /// Whether and how answers may be kept; `None` forbids keeping.
    pub cache: Option<CacheTerms>,
}

/// How answers may be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheTerms {
    /// How long a found record.
    pub found: Duration,
    /// How long the news that there is none.
    pub not_found: Duration,
    /// How much older an answer may be when the agency cannot be reached; zero forbids it. The verdict is then STALE.
    pub stale: Duration,
}

/// Serving hours, China time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hours {
    /// Monday = 0.
    pub days: BTreeSet<u32>,
    /// First minute of the day.
    pub from_minute: u32,
    /// First minute after.
    pub to_minute: u32,
}

/// How many questions may be permitted. `None` is without limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// In one second.
    pub per_second: Option<u64>,
    /// In one day, China time.
    pub per_day: Option<u64>,
}

/// Why an agreement that both parties signed grants nothing, by the order of one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// Until that party resumes it.
    Suspended(OrganisationId),
    /// For good.
    Revoked(OrganisationId),
}

/// A clause by its agreement and its position in it.
type Placed = (Arc<Agreement>, usize);

/// Every agreement that could matter, by (consumer, fact). Immutable: a change makes a new set.
#[derive(Clone, Debug, Default)]
pub struct AgreementSet {
    all: Vec<Arc<Agreement>>,
    /// By consumer, then fact.
    by_fact: HashMap<OrganisationId, HashMap<FactCode, Vec<Placed>>>,
    /// Of each consumer, the providers that it has an agreement with.
    pairs: HashMap<OrganisationId, HashSet<OrganisationId>>,
    /// Versions and their beginnings, for ids that have more than one version.
    versions: HashMap<String, Vec<(u32, Timestamp)>>,
    /// Versions that grant nothing by order, for the ids that have any.
    halted: HashMap<String, Vec<(u32, Halt)>>,
}

impl AgreementSet {
    /// Indexes the agreements.
    pub fn new(agreements: impl IntoIterator<Item = Arc<Agreement>>) -> Self {
        let mut set = Self::default();
        for agreement in agreements {
            for (position, clause) in agreement.clauses.iter().enumerate() {
                set.by_fact
                    .entry(agreement.consumer.clone())
                    .or_default()
                    .entry(clause.fact.clone())
                    .or_default()
                    .push((Arc::clone(&agreement), position));
            }
            set.pairs
                .entry(agreement.consumer.clone())
                .or_default()
                .insert(agreement.provider.clone());
            set.versions
                .entry(agreement.id.clone())
                .or_default()
                .push((agreement.version, agreement.effective_from));
            set.all.push(agreement);
        }
        set.versions.retain(|_, versions| versions.len() > 1);
        set
    }

    /// The same agreements, of which those for which `halt` gives a reason grant nothing.
    pub fn halted_by(mut self, halt: impl Fn(&Agreement) -> Option<Halt>) -> Self {
        self.halted.clear();
        for agreement in &self.all {
            if let Some(halt) = halt(agreement) {
                let versions = self.halted.entry(agreement.id.clone()).or_default();
                versions.push((agreement.version, halt));
            }
        }
        self
    }

    /// Why the agreement grants nothing; `None` when no order stands against it.
    pub fn halt(&self, agreement: &Agreement) -> Option<&Halt> {
        let versions = self.halted.get(&agreement.id)?;
        versions.iter().find(|(version, _)| *version == agreement.version).map(|(_, halt)| halt)
    }

    /// Every agreement, in the order it was given.
    pub fn all(&self) -> &[Arc<Agreement>] {
        &self.all
    }

    /// Clauses under which `consumer` might ask `fact`, whoever the provider is.
    pub fn clauses(
        &self,
        consumer: &OrganisationId,
        fact: &FactCode,
    ) -> &[(Arc<Agreement>, usize)] {
        let facts = self.by_fact.get(consumer);
        facts.and_then(|facts| facts.get(fact)).map_or(&[], Vec::as_slice)
    }

    /// True when the two have any agreement, in force or not.
    pub fn has_pair(&self, consumer: &OrganisationId, provider: &OrganisationId) -> bool {
        self.pairs.get(consumer).is_some_and(|providers| providers.contains(provider))
    }

    /// True when a higher version of the same agreement had begun by `at`. Whether it has ended since does not matter:
    /// an old version never comes back.
    pub fn is_superseded(&self, agreement: &Agreement, at: Timestamp) -> bool {
        self.versions.get(&agreement.id).is_some_and(|versions| {
            versions.iter().any(|&(version, from)| version > agreement.version && from <= at)
        })
    }
}
