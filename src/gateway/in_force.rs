//! What decides and answers now: parties, catalogue, agreements, adapters, read from their folders as one view.
//!
//! Nothing comes into force before the log says so. Agreements and party files enter the log with their bytes, so that
//! a replay needs nothing but the log and the trust anchors.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use metrics::counter;

use super::Gateway;
use super::orders::{self, Against, Ordered};
use super::turns::Turns;
use crate::adapters::Adapters;
use crate::agreements::directory::{self, Adopted};
use crate::agreements::document;
use crate::agreements::order::standing::Standing;
use crate::audit::entry::{
    self, AdapterEvent, AdapterRef, AgreementEvent, CatalogueEvent, Entry, FreezeEvent, Kind,
    PartyEvent,
};
use crate::audit::{Audit, AuditError};
use crate::catalogue::Catalogue;
use crate::crypto::{Digest, sha256};
use crate::decision::agreements::AgreementSet;
use crate::decision::freeze::{Freezes, Scope};
use crate::finding::Finding;
use crate::parties::Register;
use crate::query::OrganisationId;
use crate::query::time::Timestamp;
use crate::telemetry;

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
}

/// What a reload did.
#[derive(Debug)]
pub struct Reloaded {
    /// Changes now in force, in words.
    pub changes: Vec<String>,
    /// What was refused, and why.
    pub findings: Vec<Finding>,
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
    /// The agreements' documents, for the log.
    pub(super) documents: Arc<[Adopted]>,
    /// Orders that were new when this was read.
    pub(super) orders: Vec<Ordered>,
    /// What has changed since the gateway started.
    pub(super) turns: Turns,
}

impl InForce {
    /// Reads the folders, finding everything that is wrong at once.
    ///
    /// Documents that `journal` knows are verified as of their adoption. A bad agreement or manifest is left out and
    /// named; the rest is returned. One that was good in `previous` stays as it was, unless the register no longer has
    /// the keys that signed it. Orders that `journal` knows stand, whatever has become of their files; new ones act in
    /// the order of their dates. Without a register or a catalogue there is nothing to return.
    pub fn read(
        sources: &Sources,
        at: Timestamp,
        journal: &Journal,
        previous: Option<&Self>,
    ) -> (Option<Self>, Vec<Finding>) {
        let mut findings = Vec::new();
        let register = Register::load(&sources.parties).map_err(|found| findings.extend(found));
        let catalogue = Catalogue::load(&sources.catalogue).map_err(|found| findings.extend(found));
        let (Ok(register), Ok(catalogue)) = (register, catalogue) else { return (None, findings) };

        let (mut documents, refused) =
            directory::load(&sources.agreements, &register, at, &|document| {
                journal.adopted_at(document)
            });
        // A file that went bad, or a folder that is away, must not withdraw what two parties signed: removing the file
        // does, and removing from the register the key that signed it.
        let went_bad = previous.iter().flat_map(|view| view.documents.iter()).filter(|known| {
            let is_refused = |finding: &Finding| {
                finding.file == known.file || finding.file == sources.agreements
            };
            refused.iter().any(is_refused)
                && !documents.iter().any(|adopted| adopted.agreement.id == known.agreement.id)
                && journal.vouches(known, &register, at)
        });
        let kept: Vec<Adopted> = went_bad.cloned().collect();
        documents.extend(kept);
        // The order in which clauses are tried; a replay has the same.
        documents.sort_by_key(|adopted| (adopted.agreement.id.clone(), adopted.agreement.version));
        findings.extend(refused);
        let (adapters, refused) =
            Adapters::load(&sources.adapters, &catalogue, previous.map(|view| &*view.adapters));
        findings.extend(refused);
        let mut standing = journal.standing.clone();
        let against =
            Against { register: &register, catalogue: &catalogue, agreements: &documents, at };
        let (orders, refused) = orders::read(&sources.orders, &against, &mut standing);
        findings.extend(refused);
        let agreements =
            AgreementSet::new(documents.iter().map(|adopted| Arc::clone(&adopted.agreement)))
                .halted_by(standing.halts());
        let freezes = standing.freezes();
        let in_force = Self {
            register: Arc::new(register),
            catalogue: Arc::new(catalogue),
            agreements,
            freezes,
            adapters: Arc::new(adapters),
            documents: documents.into(),
            orders,
            turns: Turns::default(),
        };
        (Some(in_force), findings)
    }
}

/// What the log says is in force, gathered entry by entry.
#[derive(Clone, Default)]
pub struct Journal {
    parties: BTreeMap<String, Digest>,
    /// Version, digest of the document, and when the log adopted it.
    agreements: BTreeMap<String, (u32, Digest, Timestamp)>,
    adapters: BTreeMap<String, Digest>,
    catalogue: Option<Digest>,
    standing: Standing,
    /// Entries that hold orders, by SHA-256 of the order's document.
    orders: BTreeMap<Digest, u64>,
}

impl Journal {
    /// What the log says now, from what its entries add up to. Reads those that hold orders.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn resume(audit: &Audit) -> Result<Self, AuditError> {
        let known = &audit.summary().in_force;
        let mut journal = Self {
            parties: known.parties.iter().map(|(id, party)| (id.clone(), party.digest)).collect(),
            adapters: known.adapters.clone(),
            catalogue: known.catalogue,
            ..Self::default()
        };
        for (id, versions) in &known.agreements {
            // The one adopted last speaks for its id; versions before it are on their way out.
            let last = versions.iter().max_by_key(|(_, document)| document.index);
            if let Some((version, document)) = last {
                journal.agreements.insert(id.clone(), (*version, document.digest, document.at));
            }
        }
        for &index in &known.orders {
            for stored in audit.entries(index, 1)? {
                journal.entered(index, &entry::decode(&stored)?);
            }
        }
        Ok(journal)
    }

    /// Takes one entry into account.
    pub fn visit(&mut self, entry: &Entry) {
        match &entry.kind {
            Kind::Party(PartyEvent::Entered { organisation, document }) => {
                self.parties.insert(organisation.clone(), sha256(document));
            }
            Kind::Party(PartyEvent::Removed { organisation }) => {
                self.parties.remove(organisation);
            }
            Kind::Agreement(AgreementEvent::Adopted { id, version, document }) => {
                self.agreements.insert(id.clone(), (*version, sha256(document), entry.at));
            }
            Kind::Agreement(AgreementEvent::Withdrawn { id, version }) => {
                // A version that another has replaced is withdrawn after the other was adopted.
                if self.agreements.get(id).is_some_and(|known| known.0 == *version) {
                    self.agreements.remove(id);
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
            | Kind::Freeze(FreezeEvent { document, .. }) => self.standing.follow(document),
            Kind::Intent(_)
            | Kind::Outcome(_)
            | Kind::Denial(_)
            | Kind::Node(_)
            | Kind::Key(_)
            | Kind::Erasure(_) => {}
        }
    }

    /// The same of an entry at this index.
    fn entered(&mut self, index: u64, entry: &Entry) {
        self.visit(entry);
        if let Kind::Agreement(AgreementEvent::Ordered { document, .. })
        | Kind::Freeze(FreezeEvent { document, .. }) = &entry.kind
        {
            self.orders.insert(sha256(document), index);
        }
    }

    /// What the recorded orders have come to.
    pub(super) fn standing(&self) -> &Standing {
        &self.standing
    }

    /// The entry that holds this order, byte for byte.
    pub(super) fn entry_of(&self, order: &[u8]) -> Option<u64> {
        self.orders.get(&sha256(order)).copied()
    }

    /// When a document with these bytes, still in force, was adopted.
    fn adopted_at(&self, document: &[u8]) -> Option<Timestamp> {
        let digest = sha256(document);
        let mut known = self.agreements.values();
        known.find(|(_, adopted, _)| *adopted == digest).map(|(.., at)| *at)
    }

    /// Whether the document still carries the signatures of its parties.
    fn vouches(&self, known: &Adopted, register: &Register, at: Timestamp) -> bool {
        let at = self.adopted_at(&known.document).unwrap_or(at);
        document::verify(&known.document, register, at).is_ok()
    }

    /// The entries that lead from what the log says to `next`: parties first, because agreements are checked with them,
    /// and orders after the agreements they are about.
    pub fn changes(&self, next: &InForce) -> Vec<Kind> {
        let mut changes = Vec::new();
        self.party_changes(next, &mut changes);
        if self.catalogue != Some(*next.catalogue.digest()) {
            let summary = format!(
                "{} facts, {} items",
                next.catalogue.facts().count(),
                next.catalogue.items().count()
            );
            changes.push(Kind::Catalogue(CatalogueEvent {
                digest: *next.catalogue.digest(),
                summary,
            }));
        }
        self.agreement_changes(next, &mut changes);
        let is_new = |ordered: &&Ordered| {
            let order = &ordered.given.order;
            self.standing.known(&order.by, &order.id).is_none()
        };
        changes.extend(next.orders.iter().filter(is_new).map(Ordered::kind));
        self.adapter_changes(next, &mut changes);
        changes
    }

    fn adapter_changes(&self, next: &InForce, changes: &mut Vec<Kind>) {
        for name in self.adapters.keys() {
            if !next.adapters.all().iter().any(|adapter| adapter.name() == name) {
                changes.push(Kind::Adapter(AdapterEvent::Removed { name: name.clone() }));
            }
        }
        for adapter in next.adapters.all() {
            if self.adapters.get(adapter.name()) != Some(adapter.digest()) {
                changes.push(Kind::Adapter(AdapterEvent::Placed {
                    adapter: AdapterRef {
                        name: adapter.name().to_owned(),
                        version: adapter.version().to_owned(),
                        digest: *adapter.digest(),
                    },
                    facts: adapter.facts().map(|fact| fact.as_str().to_owned()).collect(),
                }));
            }
        }
    }

    fn party_changes(&self, next: &InForce, changes: &mut Vec<Kind>) {
        for organisation in next.register.organisations() {
            let id = organisation.id.as_str();
            if self.parties.get(id) != Some(&sha256(&organisation.document)) {
                changes.push(Kind::Party(PartyEvent::Entered {
                    organisation: id.to_owned(),
                    document: organisation.document.clone(),
                }));
            }
        }
        for id in self.parties.keys() {
            if next.register.organisation(&id.as_str().into()).is_none() {
                changes.push(Kind::Party(PartyEvent::Removed { organisation: id.clone() }));
            }
        }
    }

    fn agreement_changes(&self, next: &InForce, changes: &mut Vec<Kind>) {
        for (id, (version, ..)) in &self.agreements {
            if !next.documents.iter().any(|adopted| adopted.agreement.id == *id) {
                changes.push(Kind::Agreement(AgreementEvent::Withdrawn {
                    id: id.clone(),
                    version: *version,
                }));
            }
        }
        for adopted in next.documents.iter() {
            let agreement = &adopted.agreement;
            let known = self.agreements.get(&agreement.id);
            let digest = sha256(&adopted.document);
            if known.is_some_and(|known| (known.0, known.1) == (agreement.version, digest)) {
                continue;
            }
            changes.push(Kind::Agreement(AgreementEvent::Adopted {
                id: agreement.id.clone(),
                version: agreement.version,
                document: adopted.document.clone(),
            }));
            if let Some((replaced, ..)) = known.filter(|known| known.0 != agreement.version) {
                changes.push(Kind::Agreement(AgreementEvent::Withdrawn {
                    id: agreement.id.clone(),
                    version: *replaced,
                }));
            }
        }
    }

    /// Records the changes, each durable, and returns them in words.
    ///
    /// # Errors
    /// When the log cannot record; then nothing may come into force.
    pub async fn record(
        &mut self,
        audit: &Audit,
        next: &InForce,
        at: Timestamp,
    ) -> Result<Vec<String>, AuditError> {
        let mut words = Vec::new();
        for kind in self.changes(next) {
            words.push(in_words(&kind));
            self.enter(audit, Entry { at, kind }).await?;
        }
        Ok(words)
    }

    /// Records one change; its index.
    ///
    /// # Errors
    /// When the log cannot record; then it may not come into force.
    pub(super) async fn enter(&mut self, audit: &Audit, entry: Entry) -> Result<u64, AuditError> {
        // Known only once it is durable: a change that failed is tried again by the next reload, and never takes effect
        // without its entry.
        let index = audit.append(entry.clone()).await?.index;
        self.entered(index, &entry);
        Ok(index)
    }
}

pub(super) fn in_words(change: &Kind) -> String {
    match change {
        Kind::Party(PartyEvent::Entered { organisation, .. }) => {
            format!("party `{organisation}` entered")
        }
        Kind::Party(PartyEvent::Removed { organisation }) => {
            format!("party `{organisation}` removed")
        }
        Kind::Agreement(AgreementEvent::Adopted { id, version, .. }) => {
            format!("agreement `{id}` version {version} adopted")
        }
        Kind::Agreement(AgreementEvent::Withdrawn { id, version }) => {
            format!("agreement `{id}` version {version} withdrawn")
        }
        Kind::Catalogue(event) => format!("catalogue: {}", event.summary),
        Kind::Adapter(AdapterEvent::Placed { adapter, .. }) => {
            format!("adapter `{}` version {}", adapter.name, adapter.version)
        }
        Kind::Adapter(AdapterEvent::Removed { name }) => format!("adapter `{name}` removed"),
        Kind::Agreement(AgreementEvent::Ordered { id, version, effect, document }) => {
            orders::agreement_in_words(id, *version, *effect, document)
        }
        Kind::Freeze(event) => orders::freeze_in_words(event),
        Kind::Intent(_)
        | Kind::Outcome(_)
        | Kind::Denial(_)
        | Kind::Node(_)
        | Kind::Key(_)
        | Kind::Erasure(_) => String::new(),
    }
}

impl Gateway {
    /// Reads the folders again and brings what is good into force, once its changes are durable.
    ///
    /// Questions under way keep the view they began with. Kept answers under agreements and adapters that changed, and
    /// recent replies, are forgotten.
    pub async fn reload(&self, at: Timestamp) -> Reloaded {
        let mut journal = self.journal.lock().await;
        let before = self.in_force();
        let (sources, known, previous) =
            (self.sources.clone(), journal.clone(), Arc::clone(&before));
        // Reads files and checks signatures, for which no question should wait.
        let reading = tokio::task::spawn_blocking(move || {
            InForce::read(&sources, at, &known, Some(&previous))
        });
        let (next, mut findings) = reading.await.unwrap_or_else(|_| {
            let problem =
                "nothing was changed, because reading failed; this is a fault of the gateway";
            (None, vec![Finding::new(&self.sources.agreements, problem)])
        });
        let Some(next) = next else {
            counter!(telemetry::RELOADS, "result" => "refused").increment(1);
            return Reloaded { changes: Vec::new(), findings };
        };
        let kinds = journal.changes(&next);
        let changes = match journal.record(&self.audit, &next, at).await {
            Ok(changes) => changes,
            Err(error) => {
                let problem =
                    format!("nothing was changed, because the log cannot record: {error}");
                findings.push(Finding::new(&self.sources.agreements, problem));
                return Reloaded { changes: Vec::new(), findings };
            }
        };
        let result = match (changes.is_empty(), findings.is_empty()) {
            (_, false) => "refused",
            (true, true) => "unchanged",
            (false, true) => "changed",
        };
        counter!(telemetry::RELOADS, "result" => result).increment(1);
        self.turn_over(&before, next, &kinds);
        self.turned_over.notify_one();
        Reloaded { changes, findings }
    }

    /// Brings `next` into force in place of `before`, whose recorded difference is `kinds`.
    pub(super) fn turn_over(&self, before: &InForce, mut next: InForce, kinds: &[Kind]) {
        let agencies = |adapter: &str| agencies_of([before, &next], adapter);
        next.turns = before.turns.after(kinds, agencies);
        let next = Arc::new(next);
        self.in_force.store(Arc::clone(&next));
        self.window.forget();
        for kind in kinds {
            match kind {
                // Of a resumption or a lifting too: an answer that was under way when the order came was kept after it.
                Kind::Agreement(
                    AgreementEvent::Adopted { id, .. }
                    | AgreementEvent::Withdrawn { id, .. }
                    | AgreementEvent::Ordered { id, .. },
                ) => self.cache.drop_agreement(id),
                Kind::Freeze(event) => {
                    if let Some(scope) = Scope::parse(&event.name) {
                        self.cache.drop_scope(scope);
                    }
                }
                Kind::Adapter(event) => {
                    let agencies = agencies_of([before, &next], event.name());
                    agencies.iter().for_each(|agency| self.cache.drop_agency(agency));
                }
                _ => {}
            }
        }
    }
}

/// The agencies that an adapter of this name asks, before a change and after it.
fn agencies_of(views: [&InForce; 2], adapter: &str) -> Vec<OrganisationId> {
    let adapters = views.into_iter().flat_map(|view| view.adapters.all());
    adapters.filter(|known| known.name() == adapter).map(|known| known.agency().clone()).collect()
}
