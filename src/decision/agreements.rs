//! Every agreement that could matter to a decision, found by who asks and what.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::agreement::Agreement;
use crate::query::time::Timestamp;
use crate::query::{FactCode, OrganisationId};

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
