//! What decides and answers now: parties, catalogue, agreements, adapters, read from their folders as one view.
//!
//! Nothing comes into force before the log says so. Agreements and party files enter the log with their bytes, so that
//! a replay needs nothing but the log and the trust anchors.

pub(super) mod changes;
mod ending;
mod found;
mod journal;
mod one_adapter;
mod turning;
pub(super) mod versions;

use std::path::PathBuf;
use std::sync::Arc;

pub use self::changes::Done;
pub(super) use self::changes::in_words;
pub use self::ending::Ending;
pub(super) use self::found::Found;
pub use self::found::Reading;
pub use self::journal::Journal;
pub use self::turning::Reloaded;
use super::orders::{Against, Ordered};
use super::turns::Turns;
use crate::adapters::{Adapters, Allowed};
use crate::agreements::directory::Adopted;
use crate::agreements::order::standing::Standing;
use crate::catalogue::Catalogue;
use crate::decision::PermitRef;
use crate::decision::agreements::{AgreementSet, State};
use crate::decision::freeze::Freezes;
use crate::finding::Finding;
use crate::parties::Register;
use crate::query::OrganisationId;
use crate::query::time::Timestamp;

/// The folders everything is read from.
#[derive(Clone, Debug)]
pub struct Sources {
    /// Party files.
    pub parties: PathBuf,
    /// Facts and items.
    pub catalogue: PathBuf,
    /// Signed agreements.
    pub agreements: PathBuf,
    /// Signed orders.
    pub orders: PathBuf,
    /// Adapter manifests.
    pub adapters: PathBuf,
    /// What they may have of this machine.
    pub allowed: Allowed,
}

/// One consistent view. Immutable: a change makes a new one.
#[derive(Default)]
pub struct InForce {
    /// Who is who.
    pub register: Arc<Register>,
    /// What can be asked.
    pub catalogue: Arc<Catalogue>,
    /// Who may ask it.
    pub agreements: AgreementSet,
    /// What agencies have stopped.
    pub freezes: Freezes,
    /// How agencies are asked.
    pub adapters: Arc<Adapters>,
    /// The agreements and where their documents lie, by id and version: the order in which clauses are tried; a replay
    /// has the same.
    documents: Arc<[Adopted]>,
    /// Orders that were new when this was read.
    orders: Vec<Ordered>,
    /// What has changed since the gateway started.
    pub(super) turns: Turns,
}

impl InForce {
    /// Reads the folders, finding everything that is wrong at once; see [`Found`]. Without a register or a catalogue there
    /// is nothing to return.
    pub fn read(reading: &Reading<'_>) -> (Option<Self>, Vec<Finding>) {
        let (found, mut findings) = Found::read(reading);
        let in_force = found.map(|found| found.weighed(reading.journal, reading.at, &mut findings));
        (in_force, findings)
    }

    /// Starts the programs of the adapters, so that they run before anybody asks. Those that do not start are named, and
    /// are started again and again.
    pub async fn begin(&mut self) -> Vec<Finding> {
        let (adapters, findings) = Adapters::clone(&self.adapters).begin(None).await;
        self.adapters = adapters.into();
        findings
    }

    /// The same under other orders. Shares everything else, however much that is.
    pub(super) fn under(&self, standing: &Standing) -> Self {
        Self {
            register: Arc::clone(&self.register),
            catalogue: Arc::clone(&self.catalogue),
            agreements: self.agreements.clone().halted_by(standing.halts()),
            freezes: standing.freezes(),
            adapters: Arc::clone(&self.adapters),
            documents: Arc::clone(&self.documents),
            orders: Vec::new(),
            turns: self.turns.clone(),
        }
    }

    /// What a new order is held against.
    pub(super) fn against(&self, at: Timestamp) -> Against<'_> {
        let (register, catalogue) = (&*self.register, &*self.catalogue);
        Against { register, catalogue, agreements: &self.documents, at }
    }

    /// Whether the agreement that is named here is in force at that moment.
    pub(super) fn stands(&self, granted: &PermitRef, at: Timestamp) -> bool {
        let mut versions = self.versions(&granted.agreement).iter();
        let agreement = versions.find(|known| known.agreement.version == granted.version);
        agreement.is_some_and(|known| self.agreements.state(&known.agreement, at) == State::InForce)
    }

    /// How the provider is told of a contested answer where it has no queue, as its agreement with the consumer says.
    pub(super) fn dispute_channel(
        &self,
        consumer: &OrganisationId,
        provider: &OrganisationId,
    ) -> String {
        let of_them =
            self.documents.iter().map(|known| &known.agreement).filter(|agreement| {
                agreement.consumer == *consumer && agreement.provider == *provider
            });
        let quality = of_them.rev().find_map(|agreement| agreement.quality.as_ref());
        quality.map(|quality| quality.dispute_channel.clone()).unwrap_or_default()
    }

    /// The versions of that agreement and where their documents lie, ascending.
    pub(super) fn versions(&self, id: &str) -> &[Adopted] {
        let first = self.documents.partition_point(|known| *known.agreement.id < *id);
        let from = self.documents.get(first..).unwrap_or_default();
        from.get(..from.partition_point(|known| known.agreement.id == id)).unwrap_or_default()
    }

    /// The same view with these versions of that agreement and no others of it. Shares everything else.
    pub(super) fn with_versions(&self, id: &str, mut versions: Vec<Adopted>) -> Self {
        versions.sort_by_key(|one| one.agreement.version);
        let agreements = versions.iter().map(|one| Arc::clone(&one.agreement)).collect();
        let agreements = self.agreements.with_versions(id, agreements);
        let first = self.documents.partition_point(|known| *known.agreement.id < *id);
        let (before, rest) = self.documents.split_at(first);
        let after = rest.get(self.versions(id).len()..).unwrap_or_default();
        Self {
            register: Arc::clone(&self.register),
            catalogue: Arc::clone(&self.catalogue),
            agreements,
            freezes: self.freezes.clone(),
            adapters: Arc::clone(&self.adapters),
            documents: before.iter().chain(&versions).chain(after).cloned().collect(),
            orders: Vec::new(),
            turns: self.turns.clone(),
        }
    }
}

/// The agreements as decisions look at them, under no orders.
fn set_of(documents: &[Adopted]) -> AgreementSet {
    AgreementSet::new(documents.iter().map(|adopted| Arc::clone(&adopted.agreement)))
}
