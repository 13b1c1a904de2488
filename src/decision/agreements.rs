//! Every agreement that could matter to a decision, found by who asks and what.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::agreement::Agreement;
use super::halts::{Halt, Halts};
use super::sorted::Sorted;
use super::table::{Table, hash};
use crate::query::time::Timestamp;
use crate::query::{FactCode, OrganisationId};

/// How an agreement stands at one moment, for lists. Where several hold, the first that decisions look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It grants what its clauses say.
    InForce,
    /// It begins later.
    NotYetBegun,
    /// It has ended.
    Expired,
    /// A newer version has taken its place.
    Superseded,
    /// That party has suspended it.
    Suspended(OrganisationId),
    /// That party has revoked it.
    Revoked(OrganisationId),
}

/// A clause by its agreement and its position in it.
type Placed = (Arc<Agreement>, usize);

/// A moment that does not come.
const NEVER: Timestamp = Timestamp(u64::MAX);

/// The clauses under which one organisation might ask one fact, in the order they are tried.
#[derive(Clone, Debug)]
struct Route {
    clauses: Arc<[Placed]>,
    /// From when on a newer version has taken the place of each; left out while none ever does.
    superseded: Option<Arc<[Timestamp]>>,
}

impl Route {
    /// Of clauses, each with the moment from which it is superseded.
    fn new(clauses: Vec<(Placed, Timestamp)>) -> Self {
        let (clauses, moments): (Vec<Placed>, Vec<Timestamp>) = clauses.into_iter().unzip();
        let superseded = moments.iter().any(|moment| *moment != NEVER).then(|| moments.into());
        Self { clauses: clauses.into(), superseded }
    }

    /// Its clauses are all of one consumer and one fact; two of those may have one hash.
    fn is_of(&self, consumer: &OrganisationId, fact: &FactCode) -> bool {
        self.clauses.first().is_some_and(|(agreement, position)| {
            agreement.clauses.get(*position).is_some_and(|clause| clause.fact == *fact)
                && agreement.consumer == *consumer
        })
    }

    fn superseded(&self, place: usize) -> Timestamp {
        let moments = self.superseded.as_ref();
        moments.and_then(|moments| moments.get(place)).copied().unwrap_or(NEVER)
    }

    /// Each clause with the moment from which it is superseded.
    fn iter(&self) -> impl Iterator<Item = (&Placed, Timestamp)> {
        self.clauses.iter().enumerate().map(|(place, placed)| (placed, self.superseded(place)))
    }
}

/// Every agreement that could matter, by (consumer, fact). Immutable: a change makes a new set, which shares what it can.
///
/// Whatever order the agreements came in, they are tried in one: by id, then the newest version first, then as the
/// clauses stand. So no decision depends on the order of files or entries.
#[derive(Clone, Debug, Default)]
pub struct AgreementSet {
    all: Sorted,
    /// By consumer and fact.
    routes: Table<Route>,
    /// By consumer and provider.
    pairs: Table<Arc<Agreement>>,
    /// Orders that stand against them; these change without the rest.
    halts: Halts,
}

impl AgreementSet {
    /// Indexes the agreements.
    pub fn new(agreements: impl IntoIterator<Item = Arc<Agreement>>) -> Self {
        let all = Sorted::new(agreements);
        let mut routes: HashMap<_, Vec<(Placed, Timestamp)>> = HashMap::new();
        for (agreement, superseded) in with_ends(all.iter()) {
            for (position, clause) in agreement.clauses.iter().enumerate() {
                let placed = (Arc::clone(agreement), position);
                let route = routes.entry((&agreement.consumer, &clause.fact)).or_default();
                route.push((placed, superseded));
            }
        }
        let routes = routes.into_iter().map(|(key, clauses)| (hash(key), Route::new(clauses)));
        let routes = Table::new(routes);
        let pairs = all.iter().map(|it| (hash((&it.consumer, &it.provider)), Arc::clone(it)));
        let pairs = Table::new(pairs);
        Self { all, routes, pairs, halts: Halts::default() }
    }

    /// This set and one agreement more, in place of the one with its id and version. Orders stand as they did.
    #[must_use]
    pub fn with(&self, agreement: Arc<Agreement>) -> Self {
        let id = agreement.id.clone();
        self.changed(&id, |all| all.put(agreement))
    }

    /// This set without that version of that agreement. Orders stand as they did.
    #[must_use]
    pub fn without(&self, id: &str, version: u32) -> Self {
        self.changed(id, |all| all.remove(id, version))
    }

    /// A set of which one agreement has other versions: only the routes of that agreement are made again.
    fn changed(&self, id: &str, change: impl FnOnce(&mut Sorted)) -> Self {
        let mut next = self.clone();
        change(&mut next.all);
        let mut affected = BTreeSet::new();
        for agreement in self.all.versions(id).chain(next.all.versions(id)) {
            affected.extend(agreement.clauses.iter().map(|it| (&agreement.consumer, &it.fact)));
        }
        for (consumer, fact) in affected {
            let (is_it, hash) = (|it: &Route| it.is_of(consumer, fact), hash((consumer, fact)));
            let known = self.routes.get(hash).find(|route| is_it(route));
            let others = known.into_iter().flat_map(Route::iter);
            let others = others.filter(|((agreement, _), _)| agreement.id != id);
            let mut clauses: Vec<(Placed, Timestamp)> =
                others.map(|(placed, superseded)| (placed.clone(), superseded)).collect();
            for (agreement, superseded) in with_ends(next.all.versions(id)) {
                let here = agreement.clauses.iter().enumerate();
                let here =
                    here.filter(|(_, it)| it.fact == *fact && agreement.consumer == *consumer);
                let placed = here.map(|(at, _)| ((Arc::clone(agreement), at), superseded));
                clauses.extend(placed);
            }
            // Those of one agreement came in their order and stay in it.
            clauses.sort_by(|((a, _), _), ((b, _), _)| a.id.cmp(&b.id));
            let route = (!clauses.is_empty()).then(|| Route::new(clauses));
            next.routes.put(hash, route, is_it);
        }
        let pair = |it: &Agreement| hash((&it.consumer, &it.provider));
        for gone in self.all.versions(id) {
            next.pairs.put(pair(gone), None, |known| known.id == id);
        }
        for agreement in next.all.versions(id) {
            let version = agreement.version;
            let is_it = |known: &Arc<Agreement>| known.id == id && known.version == version;
            next.pairs.put(pair(agreement), Some(Arc::clone(agreement)), is_it);
        }
        next
    }

    /// The same agreements under these orders and no others. Costs nothing per agreement.
    #[must_use]
    pub fn halted_by(self, halts: Halts) -> Self {
        Self { halts, ..self }
    }

    /// Every order that stands against any of them.
    pub fn halts(&self) -> &Halts {
        &self.halts
    }

    /// How the agreement stands at that moment.
    pub fn state(&self, agreement: &Agreement, at: Timestamp) -> State {
        if at < agreement.effective_from {
            State::NotYetBegun
        } else if at >= agreement.effective_to {
            State::Expired
        } else if self.is_superseded(agreement, at) {
            State::Superseded
        } else {
            match self.halts.on(agreement, at) {
                None => State::InForce,
                Some(Halt::Suspended { by, .. }) => State::Suspended(by.clone()),
                Some(Halt::Revoked { by, .. }) => State::Revoked(by.clone()),
            }
        }
    }

    /// Every agreement, in the order they are tried.
    pub fn all(&self) -> &Sorted {
        &self.all
    }

    /// Clauses under which `consumer` might ask `fact`, whoever the provider is, in the order they are tried.
    pub fn clauses(
        &self,
        consumer: &OrganisationId,
        fact: &FactCode,
    ) -> &[(Arc<Agreement>, usize)] {
        self.route(consumer, fact).map_or(&[], |route| &route.clauses)
    }

    /// The same, each with the moment from which a newer version has taken its place.
    pub(super) fn tried(
        &self,
        consumer: &OrganisationId,
        fact: &FactCode,
    ) -> impl Iterator<Item = (&Arc<Agreement>, usize, Timestamp)> {
        let clauses = self.route(consumer, fact).into_iter().flat_map(Route::iter);
        clauses.map(|((agreement, position), superseded)| (agreement, *position, superseded))
    }

    fn route(&self, consumer: &OrganisationId, fact: &FactCode) -> Option<&Route> {
        self.routes.get(hash((consumer, fact))).find(|route| route.is_of(consumer, fact))
    }

    /// True when the two have any agreement, in force or not.
    pub fn has_pair(&self, consumer: &OrganisationId, provider: &OrganisationId) -> bool {
        let mut known = self.pairs.get(hash((consumer, provider)));
        known.any(|known| known.consumer == *consumer && known.provider == *provider)
    }

    /// True when a higher version of the same agreement had begun by `at` and its overlap was over. Whether it has ended
    /// since does not matter: an old version never comes back.
    pub fn is_superseded(&self, agreement: &Agreement, at: Timestamp) -> bool {
        let newer = self.all.versions(&agreement.id);
        let mut newer = newer.take_while(|newer| newer.version > agreement.version);
        newer.any(|newer| takes_over(newer) <= at)
    }
}

/// From when on the versions before this one may no longer be asked under.
fn takes_over(newer: &Agreement) -> Timestamp {
    newer.effective_from.plus(newer.overlap)
}

/// Agreements in their order, each with the moment from which a newer version has taken its place.
fn with_ends<'a>(
    agreements: impl Iterator<Item = &'a Arc<Agreement>>,
) -> impl Iterator<Item = (&'a Arc<Agreement>, Timestamp)> {
    let mut newer: Option<(&Agreement, Timestamp)> = None;
    agreements.map(move |agreement| {
        let same = newer.filter(|(newer, _)| newer.id == agreement.id);
        let superseded = same.map_or(NEVER, |(newer, moment)| moment.min(takes_over(newer)));
        newer = Some((agreement, superseded));
        (agreement, superseded)
    })
}
