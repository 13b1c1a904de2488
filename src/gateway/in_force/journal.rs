//! What the log says is in force, gathered entry by entry.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::agreements::directory::Adopted;
use crate::agreements::document;
use crate::agreements::order::standing::Standing;
use crate::audit::entry::{
    self, AdapterEvent, AgreementEvent, Entry, FreezeEvent, Kind, PartyEvent,
};
use crate::audit::summary::Summary;
use crate::audit::{Audit, AuditError};
use crate::crypto::{Digest, sha256};
use crate::query::time::Timestamp;

/// What the log says is in force. Cloning is cheap: a reload reads beside a clone while orders go on being recorded.
#[derive(Clone, Default)]
pub struct Journal {
    pub(super) parties: BTreeMap<String, Digest>,
    pub(super) agreements: Arc<BTreeMap<String, Versions>>,
    pub(super) adapters: BTreeMap<String, Digest>,
    pub(super) catalogue: Option<Digest>,
    pub(super) standing: Standing,
    /// Entries that hold orders, by SHA-256 of the order's document.
    orders: BTreeMap<Digest, u64>,
}

/// The versions of one agreement.
#[derive(Clone, Default)]
pub(in crate::gateway) struct Versions {
    /// The highest one ever adopted.
    pub(in crate::gateway) highest: u32,
    /// Those adopted and not withdrawn, ascending.
    pub(in crate::gateway) adopted: Vec<Version>,
}

/// One version that the log has adopted.
#[derive(Clone, Copy)]
pub(in crate::gateway) struct Version {
    pub(in crate::gateway) version: u32,
    /// SHA-256 of its document.
    pub(in crate::gateway) document: Digest,
    /// When it was adopted.
    pub(in crate::gateway) at: Timestamp,
    /// The entry that holds the document.
    pub(in crate::gateway) index: u64,
    /// First moment of its validity. Known where it matters: where there is a version before it.
    pub(in crate::gateway) begins: Timestamp,
}

impl Versions {
    /// The version, while it is adopted.
    pub(in crate::gateway) fn adopted(&self, version: u32) -> Option<&Version> {
        self.adopted.iter().find(|known| known.version == version)
    }

    fn adopt(&mut self, version: Version) {
        self.highest = self.highest.max(version.version);
        self.adopted.retain(|known| known.version != version.version);
        let place = self.adopted.partition_point(|known| known.version < version.version);
        self.adopted.reserve_exact(1);
        self.adopted.insert(place, version);
    }
}

impl Journal {
    /// What the log says now, from what its entries added up to when it was opened. Reads those that hold orders, and agreements of which
    /// several versions stand beside each other.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn resume(audit: &Audit, summary: &Summary) -> Result<Self, AuditError> {
        let known = &summary.in_force;
        let mut journal = Self {
            parties: known.parties.iter().map(|(id, party)| (id.clone(), party.digest)).collect(),
            adapters: known.adapters.clone(),
            catalogue: known.catalogue,
            ..Self::default()
        };
        let mut agreements = BTreeMap::new();
        for (id, known) in &known.agreements {
            let mut versions = Versions { highest: known.highest, adopted: Vec::new() };
            for (version, stored) in &known.adopted {
                let begins = match versions.adopted.is_empty() {
                    true => Timestamp::default(),
                    false => begins(&document_in(audit, stored.index)?),
                };
                let (at, index, document) = (stored.at, stored.index, stored.digest);
                versions.adopt(Version { version: *version, document, at, index, begins });
            }
            agreements.insert(id.clone(), versions);
        }
        journal.agreements = agreements.into();
        for &index in &known.orders {
            for stored in audit.entries(index, 1)? {
                journal.visit(index, &entry::decode(&stored)?);
            }
        }
        Ok(journal)
    }

    /// Takes one entry into account.
    pub fn visit(&mut self, index: u64, entry: &Entry) {
        match &entry.kind {
            Kind::Party(PartyEvent::Entered { organisation, document }) => {
                self.parties.insert(organisation.clone(), sha256(document));
            }
            Kind::Party(PartyEvent::Removed { organisation }) => {
                self.parties.remove(organisation);
            }
            Kind::Agreement(AgreementEvent::Adopted { id, version, document }) => {
                let versions = self.versions_mut(id);
                let begins = match versions.adopted.is_empty() {
                    true => Timestamp::default(),
                    false => begins(document),
                };
                let (version, at, document) = (*version, entry.at, sha256(document));
                versions.adopt(Version { version, document, at, index, begins });
            }
            Kind::Agreement(AgreementEvent::Withdrawn { id, version }) => {
                if let Some(versions) = Arc::make_mut(&mut self.agreements).get_mut(id) {
                    versions.adopted.retain(|known| known.version != *version);
                }
            }
            Kind::Adapter(AdapterEvent::Placed { adapter, .. }) => {
                self.adapters.insert(adapter.name.clone(), adapter.digest);
            }
            Kind::Adapter(AdapterEvent::Removed { name }) => {
                self.adapters.remove(name);
            }
            Kind::Catalogue(event) => self.catalogue = Some(event.digest),
            Kind::Agreement(AgreementEvent::Ordered { document, .. })
            | Kind::Freeze(FreezeEvent { document, .. }) => {
                self.standing.follow(document);
                self.orders.insert(sha256(document), index);
            }
            Kind::Intent(_)
            | Kind::Outcome(_)
            | Kind::Denial(_)
            | Kind::Rule(_)
            | Kind::Case(_)
            | Kind::Dispute(_)
            | Kind::Node(_)
            | Kind::Key(_)
            | Kind::Erasure(_) => {}
        }
    }

    /// Records one change; its index.
    ///
    /// # Errors
    /// When the log cannot record; then it may not come into force.
    pub(in crate::gateway) async fn enter(
        &mut self,
        audit: &Audit,
        entry: Entry,
    ) -> Result<u64, AuditError> {
        let index = audit.append(entry.clone()).await?.index;
        self.visit(index, &entry);
        Ok(index)
    }

    /// What the recorded orders have come to.
    pub(in crate::gateway) fn standing(&self) -> &Standing {
        &self.standing
    }

    /// The entry that holds this order, byte for byte.
    pub(in crate::gateway) fn entry_of(&self, order: &[u8]) -> Option<u64> {
        self.orders.get(&sha256(order)).copied()
    }

    /// The same of an adoption, whose document need not be at hand any more.
    pub(in crate::gateway) fn adopted(&mut self, adopted: &Adopted, index: u64, at: Timestamp) {
        let agreement = &adopted.agreement;
        let (version, begins) = (agreement.version, agreement.effective_from);
        let document = adopted.document;
        let versions = self.versions_mut(&agreement.id);
        versions.adopt(Version { version, document, at, index, begins });
    }

    /// The versions of that agreement; `None` when the log never adopted any.
    pub(in crate::gateway) fn versions(&self, id: &str) -> Option<&Versions> {
        self.agreements.get(id)
    }

    /// Copies all of them when a clone of the journal is about: let go of clones before agreements change.
    fn versions_mut(&mut self, id: &str) -> &mut Versions {
        Arc::make_mut(&mut self.agreements).entry(id.to_owned()).or_default()
    }

    /// When each document that is adopted was, by its digest.
    pub(super) fn by_document(&self) -> HashMap<Digest, Timestamp> {
        let versions = self.agreements.values().flat_map(|known| &known.adopted);
        versions.map(|version| (version.document, version.at)).collect()
    }
}

/// The agreement's document that an entry holds; nothing when it holds none.
pub(super) fn document_in(audit: &Audit, index: u64) -> Result<Vec<u8>, AuditError> {
    let Some(stored) = audit.entries(index, 1)?.pop() else { return Ok(Vec::new()) };
    Ok(match entry::decode(&stored)?.kind {
        Kind::Agreement(AgreementEvent::Adopted { document, .. }) => document,
        _ => Vec::new(),
    })
}

/// First moment of validity. Of what cannot be read, long ago: then the versions before it are over, which refuses.
fn begins(document: &[u8]) -> Timestamp {
    let terms = document::peek(document).ok();
    let agreement = terms.and_then(|terms| terms.agreement(&[]).ok());
    agreement.map(|agreement| agreement.effective_from).unwrap_or_default()
}
