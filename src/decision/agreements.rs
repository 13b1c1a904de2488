//! Every agreement that could matter to a decision, found by who asks and what.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::slice;
use std::sync::Arc;

use super::agreement::Agreement;
use super::halts::{Halt, Halts};
use crate::query::time::Timestamp;
use crate::query::{FactCode, OrganisationId};

/// Parts of the index. A change makes one of them again, of a hundred thousand agreements some fifteen hundred.
const PARTS: usize = 64;

/// A moment that does not come.
const NEVER: Timestamp = Timestamp(u64::MAX);

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

/// A clause in its place.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Its agreement.
    pub agreement: Arc<Agreement>,
    /// Its position in the agreement, from 0.
    pub position: usize,
    /// From when on a newer version has taken the agreement's place.
    pub superseded: Timestamp,
    /// Whether any clause of the agreement withholds anything of the fact: told here, so that a decision need not look
    /// at the other clauses, which lie elsewhere in memory.
    pub withholds: bool,
}

/// The clauses under which one organisation might ask one fact, in the order they are tried. Most questions have one,
/// which is found without a further look into memory.
#[derive(Debug)]
enum Route {
    One(Placed),
    Several(Box<[Placed]>),
}

impl Route {
    fn of(clauses: Vec<Placed>) -> Self {
        match <[Placed; 1]>::try_from(clauses) {
            Ok([one]) => Self::One(one),
            Err(several) => Self::Several(several.into()),
        }
    }

    fn clauses(&self) -> &[Placed] {
        match self {
            Self::One(one) => slice::from_ref(one),
            Self::Several(several) => several,
        }
    }
}

/// An agreement, and from when on a newer version has taken its place.
type Dated = (Arc<Agreement>, Timestamp);

/// The agreements of some consumers, by what is asked.
#[derive(Debug, Default)]
struct Part {
    /// In the order they are tried.
    agreements: Box<[Dated]>,
    routes: HashMap<(OrganisationId, FactCode), Route>,
    /// Consumer and provider of each.
    pairs: HashSet<(OrganisationId, OrganisationId)>,
}

impl Part {
    /// Of agreements in the order they are tried.
    fn of(agreements: Vec<Dated>) -> Self {
        let mut routes: HashMap<_, Vec<Placed>> = HashMap::new();
        for (agreement, superseded) in &agreements {
            for (position, clause) in agreement.clauses.iter().enumerate() {
                let withholds = agreement.withholds_any(&clause.fact);
                let (agreement, superseded) = (Arc::clone(agreement), *superseded);
                let route = routes.entry((agreement.consumer.clone(), clause.fact.clone()));
                route.or_default().push(Placed { agreement, position, superseded, withholds });
            }
        }
        let routes = routes.into_iter().map(|(key, clauses)| (key, Route::of(clauses))).collect();
        let pair = |(it, _): &Dated| (it.consumer.clone(), it.provider.clone());
        let pairs = agreements.iter().map(pair).collect();
        Self { agreements: agreements.into(), routes, pairs }
    }
}

/// Every agreement that could matter, by (consumer, fact). Immutable: a change makes a new set, which shares what it can.
///
/// Whatever order the agreements came in, they are tried in one: by id, then the newest version first, then as the
/// clauses stand. So no decision depends on the order of files or entries: gateway and replay would else name different
/// clauses.
#[derive(Clone, Debug)]
pub struct AgreementSet {
    /// In the order they are tried. No two have one id and version.
    all: Arc<Vec<Arc<Agreement>>>,
    /// By the hash of the consumer.
    parts: Vec<Arc<Part>>,
    /// Orders that stand against them; these change without the rest.
    halts: Halts,
}

impl Default for AgreementSet {
    fn default() -> Self {
        let parts = vec![Arc::default(); PARTS];
        Self { all: Arc::default(), parts, halts: Halts::default() }
    }
}

impl AgreementSet {
    /// Indexes the agreements. Of two with one id and version, which nobody should have given, the one of the smaller
    /// digest is taken.
    pub fn new(agreements: impl IntoIterator<Item = Arc<Agreement>>) -> Self {
        let mut all: Vec<Arc<Agreement>> = agreements.into_iter().collect();
        all.sort_unstable_by(|a, b| order(a, b).then(a.digest.cmp(&b.digest)));
        all.dedup_by(|a, b| order(a, b).is_eq());
        let mut of_parts: HashMap<usize, Vec<Dated>> = HashMap::new();
        for dated in dated(&all) {
            of_parts.entry(part_of(&dated.0.consumer)).or_default().push(dated);
        }
        let mut set = Self { all: Arc::new(all), ..Self::default() };
        for (at, agreements) in of_parts {
            set.put(at, agreements);
        }
        set
    }

    /// This set with these versions of that agreement and no others of it. Orders stand as they did.
    #[must_use]
    pub fn with_versions(&self, id: &str, mut versions: Vec<Arc<Agreement>>) -> Self {
        versions.sort_unstable_by(|a, b| order(a, b));
        let now = dated(&versions);
        let (mut next, known) = (self.clone(), self.versions(id));
        let parts: BTreeSet<usize> =
            known.iter().chain(&versions).map(|it| part_of(&it.consumer)).collect();
        for at in parts {
            let others = self.parts.get(at).into_iter().flat_map(|part| part.agreements.iter());
            let others = others.filter(|(it, _)| it.id != id);
            let here = now.iter().filter(|(it, _)| part_of(&it.consumer) == at);
            let mut agreements: Vec<Dated> = others.chain(here).cloned().collect();
            agreements.sort_by(|(a, _), (b, _)| order(a, b));
            next.put(at, agreements);
        }
        let [before, _, after] = around(&self.all, id);
        next.all = Arc::new(before.iter().chain(&versions).chain(after).cloned().collect());
        next
    }

    /// Makes a part anew.
    fn put(&mut self, at: usize, agreements: Vec<Dated>) {
        if let Some(part) = self.parts.get_mut(at) {
            *part = Arc::new(Part::of(agreements));
        }
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
    pub fn all(&self) -> &[Arc<Agreement>] {
        &self.all
    }

    /// Clauses under which `consumer` might ask `fact`, whoever the provider is, in the order they are tried.
    pub fn clauses(&self, consumer: &OrganisationId, fact: &FactCode) -> &[Placed] {
        let key = (consumer.clone(), fact.clone());
        let route = self.part(consumer).and_then(|part| part.routes.get(&key));
        route.map_or(&[], Route::clauses)
    }

    /// True when the two have any agreement, in force or not.
    pub fn has_pair(&self, consumer: &OrganisationId, provider: &OrganisationId) -> bool {
        let pair = (consumer.clone(), provider.clone());
        self.part(consumer).is_some_and(|part| part.pairs.contains(&pair))
    }

    /// True when a higher version of the same agreement had begun by `at` and its overlap was over. Whether it has ended
    /// since does not matter: an old version never comes back.
    pub fn is_superseded(&self, agreement: &Agreement, at: Timestamp) -> bool {
        let newer = self.versions(&agreement.id).iter();
        let mut newer = newer.take_while(|newer| newer.version > agreement.version);
        newer.any(|newer| newer.takes_over() <= at)
    }

    fn part(&self, consumer: &OrganisationId) -> Option<&Part> {
        self.parts.get(part_of(consumer)).map(|part| &**part)
    }

    /// The versions of one agreement, newest first.
    fn versions(&self, id: &str) -> &[Arc<Agreement>] {
        let [_, versions, _] = around(&self.all, id);
        versions
    }
}

/// By id, of one id the newest version first.
fn order(a: &Agreement, b: &Agreement) -> Ordering {
    a.id.cmp(&b.id).then(b.version.cmp(&a.version))
}

/// What comes before the versions of that agreement, these, and what comes after.
fn around<'a>(all: &'a [Arc<Agreement>], id: &str) -> [&'a [Arc<Agreement>]; 3] {
    let (before, rest) = all.split_at(all.partition_point(|known| *known.id < *id));
    let (versions, after) = rest.split_at(rest.partition_point(|known| *known.id == *id));
    [before, versions, after]
}

/// In which part the agreements of that consumer are.
fn part_of(consumer: &OrganisationId) -> usize {
    let mut hasher = DefaultHasher::new();
    consumer.hash(&mut hasher);
    hasher.finish() as usize % PARTS
}

/// Agreements in their order, each with the moment from which a newer version has taken its place.
fn dated<'a>(agreements: &'a [Arc<Agreement>]) -> Vec<Dated> {
    let mut newer: Option<(&Agreement, Timestamp)> = None;
    let date = |agreement: &'a Arc<Agreement>| {
        let same = newer.filter(|(newer, _)| newer.id == agreement.id);
        let superseded = same.map_or(NEVER, |(newer, moment)| moment.min(newer.takes_over()));
        newer = Some((agreement, superseded));
        (Arc::clone(agreement), superseded)
    };
    agreements.iter().map(date).collect()
}
