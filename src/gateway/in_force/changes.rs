//! What leads from what the log says to a new view, entry by entry, each durable before anything comes into force.
//!
//! Many entries share a flush: they are put into the log's queue in their order, and waited for in their order.

use std::collections::{BTreeSet, VecDeque};
use std::task::Poll;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use futures_util::poll;

use super::journal::Journal;
use super::{InForce, set_of};
use crate::agreements::directory::{Adopted, key};
use crate::audit::beside::Private;
use crate::audit::entry::{
    AdapterEvent, AdapterRef, AgreementEvent, CatalogueEvent, Entry, Kind, PartyEvent, RuleEvent,
};
use crate::audit::{Audit, AuditError, Place, Recorded};
use crate::catalogue::Item;
use crate::crypto::sha256;
use crate::finding::Finding;
use crate::gateway::orders::{self, Ordered};
use crate::gateway::turns::Touched;
use crate::query::time::Timestamp;

/// Entries on their way to the disk at once. Enough that a first start with a hundred thousand agreements waits for few
/// flushes, few enough that their documents take no memory to speak of.
const UNDER_WAY: usize = 256;

/// One step from what the log says to a new view.
pub(in crate::gateway) enum Change {
    /// An entry that is whole. Elsewhere, because a first start has an adoption of each agreement, and an entry has room
    /// for all that a question may say.
    Whole(Box<Kind>),
    /// The adoption of an agreement, whose document is read when its turn comes.
    Adoption(Adopted),
}

/// What became of the changes.
#[derive(Debug, Default)]
pub struct Done {
    /// The changes, in words.
    pub words: Vec<String>,
    /// Documents that could not be read again for their entry; they are not in force.
    pub findings: Vec<Finding>,
    /// What is no longer as it was.
    pub(in crate::gateway) touched: Vec<Touched>,
}

impl Change {
    /// The change that this entry makes.
    pub(in crate::gateway) fn whole(kind: Kind) -> Self {
        Self::Whole(Box::new(kind))
    }

    fn in_words(&self) -> String {
        match self {
            Self::Adoption(adopted) => {
                let (id, version) = key(adopted);
                format!("agreement `{id}` version {version} adopted")
            }
            Self::Whole(kind) => in_words(kind),
        }
    }

    fn touched(&self) -> Option<Touched> {
        match self {
            Self::Adoption(adopted) => Some(Touched::Agreement(adopted.agreement.id.clone())),
            Self::Whole(kind) => Touched::by(kind),
        }
    }

    fn kind(&self) -> Result<Kind, Finding> {
        match self {
            Self::Whole(kind) => Ok(Kind::clone(kind)),
            Self::Adoption(adopted) => {
                let (id, version) = key(adopted);
                let (id, document) = (id.to_owned(), adopted.read_again()?);
                Ok(Kind::Agreement(AgreementEvent::Adopted { id, version, document }))
            }
        }
    }
}

/// A change whose entry is on its way.
type UnderWay<'a> = (Change, BoxFuture<'a, Result<Recorded, AuditError>>);

impl Journal {
    /// The entries that lead from what the log says to `next`: parties first, because agreements are checked with them,
    /// and orders after the agreements they are about.
    pub(in crate::gateway) fn changes(&self, next: &InForce) -> Vec<Change> {
        let mut changes = Vec::new();
        self.party_changes(next, &mut changes);
        if self.catalogue != Some(*next.catalogue.digest()) {
            let (facts, items) = (next.catalogue.facts().count(), next.catalogue.items().count());
            let summary = format!("{facts} facts, {items} items");
            let digest = *next.catalogue.digest();
            changes.extend(next.catalogue.items().filter_map(rule));
            changes.push(Kind::Catalogue(CatalogueEvent { digest, summary }));
        }
        let mut changes: Vec<Change> = changes.into_iter().map(Change::whole).collect();
        self.agreement_changes(next, &mut changes);
        let is_new = |ordered: &&Ordered| {
            let order = &ordered.given.order;
            self.standing.known(&order.by, &order.id).is_none()
        };
        let mut later: Vec<Kind> = next.orders.iter().filter(is_new).map(Ordered::kind).collect();
        self.adapter_changes(next, &mut later);
        changes.extend(later.into_iter().map(Change::whole));
        changes
    }

    pub(super) fn adapter_changes(&self, next: &InForce, changes: &mut Vec<Kind>) {
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

    /// Adoptions before withdrawals: where one version takes the place of another there is no gap between them.
    fn agreement_changes(&self, next: &InForce, changes: &mut Vec<Change>) {
        let is_new = |adopted: &&Adopted| {
            let (id, version) = key(adopted);
            let known = self.versions(id).and_then(|versions| versions.adopted(version));
            known.is_none_or(|known| known.document != adopted.document)
        };
        changes.extend(next.documents.iter().filter(is_new).cloned().map(Change::Adoption));
        for (id, versions) in self.agreements.iter() {
            for known in &versions.adopted {
                let wanted = (id.as_str(), known.version);
                if next.documents.binary_search_by(|adopted| key(adopted).cmp(&wanted)).is_err() {
                    changes.push(Change::whole(withdrawal(id, known.version)));
                }
            }
        }
    }

    /// Records the changes, each durable, and says what they were. A document that can no longer be read has no entry
    /// and is taken out of `next`.
    ///
    /// # Errors
    /// When the log cannot record; then nothing may come into force.
    pub async fn record(
        &mut self,
        audit: &Audit,
        next: &mut InForce,
        at: Timestamp,
    ) -> Result<Done, AuditError> {
        let changes = self.changes(next);
        let (done, lost) = self.append(audit, changes, at).await?;
        if !lost.is_empty() {
            let is_left = |adopted: &&Adopted| {
                let (id, version) = key(adopted);
                !lost.contains(&(id.to_owned(), version))
            };
            next.documents = next.documents.iter().filter(is_left).cloned().collect();
            next.agreements = set_of(&next.documents).halted_by(self.standing.halts());
        }
        Ok(done)
    }

    /// The same of these changes. Comes with the agreements whose documents can no longer be read; what they were to
    /// replace is withdrawn.
    pub(in crate::gateway) async fn append(
        &mut self,
        audit: &Audit,
        changes: Vec<Change>,
        at: Timestamp,
    ) -> Result<(Done, BTreeSet<(String, u32)>), AuditError> {
        let (mut done, mut lost) = (Done::default(), BTreeSet::new());
        let mut under_way = VecDeque::new();
        let mut failed = None;
        for change in changes {
            let (change, kind) = match (change.kind(), change) {
                (Ok(kind), change) => (change, kind),
                (Err(finding), Change::Whole(_)) => {
                    done.findings.push(finding);
                    continue;
                }
                (Err(finding), Change::Adoption(adopted)) => {
                    done.findings.push(finding);
                    let (id, version) = key(&adopted);
                    lost.insert((id.to_owned(), version));
                    if self.versions(id).is_none_or(|known| known.adopted(version).is_none()) {
                        continue;
                    }
                    let kind = withdrawal(id, version);
                    (Change::whole(kind.clone()), kind)
                }
            };
            match self.place(audit, &mut under_way, &mut done, at).await {
                Ok(place) => under_way.push_back((change, queued(audit, place, at, kind).await)),
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        // What is on its way becomes durable whatever happened after it, and must be known to be.
        while !under_way.is_empty() {
            if let Err(error) = self.settle(&mut under_way, &mut done, at).await {
                failed = failed.or(Some(error));
            }
        }
        failed.map_or(Ok((done, lost)), Err)
    }

    /// A place in the log's queue, for which entries before may have to become durable.
    async fn place(
        &mut self,
        audit: &Audit,
        under_way: &mut VecDeque<UnderWay<'_>>,
        done: &mut Done,
        at: Timestamp,
    ) -> Result<Place, AuditError> {
        loop {
            if under_way.len() < UNDER_WAY {
                match audit.reserve() {
                    // Others fill the queue. What was recorded so far must not wait for another reload to be in force.
                    Err(AuditError::Overloaded) if under_way.is_empty() => {
                        return audit.wait_for_place().await;
                    }
                    Err(AuditError::Overloaded) => {}
                    outcome => return outcome,
                }
            }
            self.settle(under_way, done, at).await?;
        }
    }

    /// Waits for the oldest entry on its way. Known only once it is durable: a change that failed is tried again by the
    /// next reload, and never takes effect without its entry.
    async fn settle(
        &mut self,
        under_way: &mut VecDeque<UnderWay<'_>>,
        done: &mut Done,
        at: Timestamp,
    ) -> Result<(), AuditError> {
        let Some((change, recorded)) = under_way.pop_front() else { return Ok(()) };
        let index = recorded.await?.index;
        done.words.push(change.in_words());
        done.touched.extend(change.touched());
        match change {
            Change::Adoption(adopted) => self.adopted(&adopted, index, at),
            Change::Whole(kind) => self.visit(index, &Entry { at, kind: *kind }),
        }
        Ok(())
    }
}

/// The entry in the log's queue, where it stands from the first poll on: so entries keep their order.
async fn queued(
    audit: &Audit,
    place: Place,
    at: Timestamp,
    kind: Kind,
) -> BoxFuture<'_, Result<Recorded, AuditError>> {
    let mut recorded = audit.append_at(place, Entry { at, kind }, Private::default()).boxed();
    match poll!(&mut recorded) {
        Poll::Ready(outcome) => ready(outcome).boxed(),
        Poll::Pending => recorded,
    }
}

/// The end of one version.
pub(in crate::gateway) fn withdrawal(id: &str, version: u32) -> Kind {
    Kind::Agreement(AgreementEvent::Withdrawn { id: id.to_owned(), version })
}

/// The rule of an item, for those who conclude its cases again.
fn rule(item: &Item) -> Option<Kind> {
    let rule = item.rule.as_ref()?;
    Some(Kind::Rule(RuleEvent {
        item: item.code.as_str().to_owned(),
        version: item.version.clone(),
        document: rule.text.as_bytes().to_vec(),
        effective_from: item.effective_from.clone(),
        effective_to: item.effective_to.clone(),
    }))
}

/// What a change's entry says, in words.
pub(in crate::gateway) fn in_words(change: &Kind) -> String {
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
        Kind::Rule(event) => format!("rule of `{}` version {}", event.item, event.version),
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
        | Kind::Case(_)
        | Kind::Dispute(_)
        | Kind::Node(_)
        | Kind::Key(_)
        | Kind::Erasure(_) => String::new(),
    }
}
