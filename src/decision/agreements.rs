//! Every agreement that could matter to a decision, found by who asks and what.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::agreement::Agreement;
use super::halts::{Halt, Halts};
use crate::query::time::Timestamp;
use crate::query::{FactCode, OrganisationId};

/// A clause by its agreement and its position in it.
type Placed = (Arc<Agreement>, usize);

/// Every agreement that could matter, by (consumer, fact). Immutable: a change makes a new set. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct AgreementSet {
    index: Arc<Index>,
    /// Orders that stand against them; these change without the index.
    halts: Halts,
}

#[derive(Debug, Default)]
struct Index {
    all: Vec<Arc<Agreement>>,
    /// By consumer, then fact.
    by_fact: HashMap<OrganisationId, HashMap<FactCode, Vec<Placed>>>,
    /// Of each consumer, the providers that it has an agreement with.
    pairs: HashMap<OrganisationId, HashSet<OrganisationId>>,
    /// Versions and their beginnings, for ids that have more than one version.
    versions: HashMap<String, Vec<(u32, Timestamp)>>,
}

/// What has become of an agreement by some moment: the first thing that would stop a question under it then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It grants what its clauses say.
    InForce,
    /// Its time has not come.
    NotYetBegun,
    /// Its time is over.
    Expired,
    /// A higher version has taken its place.
    Superseded,
    /// By the order of one party, until that party resumes it.
    Suspended(OrganisationId),
    /// By the order of one party, for good.
    Revoked(OrganisationId),
}

impl AgreementSet {
    /// Indexes the agreements.
    pub fn new(agreements: impl IntoIterator<Item = Arc<Agreement>>) -> Self {
        let mut set = Index::default();
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
        Self { index: Arc::new(set), halts: Halts::default() }
    }

    /// The same agreements under these orders and no others. Costs nothing per agreement.
    pub fn halted_by(self, halts: Halts) -> Self {
        Self { halts, ..self }
    }

    /// Every order that stands against any of them.
    pub fn halts(&self) -> &Halts {
        &self.halts
    }

    /// What has become of one of them by then.
    pub fn state(&self, agreement: &Agreement, at: Timestamp) -> State {
        if at < agreement.effective_from {
            return State::NotYetBegun;
        }
        if agreement.effective_to <= at {
            return State::Expired;
        }
        if self.is_superseded(agreement, at) {
            return State::Superseded;
        }
        match self.halts.on(agreement, at) {
            None => State::InForce,
            Some(Halt::Suspended { by, .. }) => State::Suspended(by.clone()),
            Some(Halt::Revoked { by, .. }) => State::Revoked(by.clone()),
        }
    }

    /// Every agreement, in the order it was given.
    pub fn all(&self) -> &[Arc<Agreement>] {
        &self.index.all
    }

    /// Clauses under which `consumer` might ask `fact`, whoever the provider is.
    pub fn clauses(
        &self,
        consumer: &OrganisationId,
        fact: &FactCode,
    ) -> &[(Arc<Agreement>, usize)] {
        let facts = self.index.by_fact.get(consumer);
        facts.and_then(|facts| facts.get(fact)).map_or(&[], Vec::as_slice)
    }

    /// True when the two have any agreement, in force or not.
    pub fn has_pair(&self, consumer: &OrganisationId, provider: &OrganisationId) -> bool {
        self.index.pairs.get(consumer).is_some_and(|providers| providers.contains(provider))
    }

    /// True when a higher version of the same agreement had begun by `at`. Whether it has ended since does not matter:
    /// an old version never comes back.
    pub fn is_superseded(&self, agreement: &Agreement, at: Timestamp) -> bool {
        self.index.versions.get(&agreement.id).is_some_and(|versions| {
            versions.iter().any(|&(version, from)| version > agreement.version && from <= at)
        })
    }
}
