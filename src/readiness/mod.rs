//! Readiness: which service items could be done without a visit, from the agreements in force and the adapters there are.
//!
//! Pure. Whether a question may be put is asked of [`decide`](crate::decision::decide) itself, so this cannot say otherwise than
//! the gateway would.

mod around;
mod gain;
mod judge;
pub mod page;
mod probe;
pub mod words;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Serialize, Serializer};

pub use self::around::{Reached, adapters, standing};
use crate::catalogue::Catalogue;
use crate::decision::agreements::AgreementSet;
use crate::decision::facts::Standing;
use crate::decision::freeze::Freezes;
use crate::query::time::Timestamp;
use crate::query::{FactCode, ItemCode, OrganisationId, SystemId};
use crate::report::calendar;

/// What there is to look at: one consistent view, for one system of one organisation at one moment.
pub struct View<'a> {
    /// What can be asked, and the rules of the items.
    pub catalogue: &'a Catalogue,
    /// Who may ask it.
    pub agreements: &'a AgreementSet,
    /// What agencies have stopped.
    pub freezes: &'a Freezes,
    /// How each fact is reached; facts that are not here have no adapter.
    pub adapters: BTreeMap<FactCode, Reached>,
    /// The organisation that asks.
    pub organisation: OrganisationId,
    /// Its system.
    pub system: SystemId,
    /// What the register says of the two.
    pub standing: Standing,
    /// The moment.
    pub at: Timestamp,
    /// How far to look ahead for what lapses.
    pub ahead: Duration,
}

/// How ready every item is that holds on that day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// The organisation that asks.
    pub organisation: OrganisationId,
    /// Its system.
    pub system: SystemId,
    /// The moment.
    #[serde(serialize_with = "moment")]
    pub at: Timestamp,
    /// Days looked ahead for what lapses.
    pub ahead_days: u64,
    /// By code.
    pub items: Vec<ItemState>,
    /// What one more agreement would bring, the greatest gain first.
    pub gains: Vec<Gain>,
    /// In which order to sign, each time the greatest gain, and what it comes to.
    pub road: Vec<Step>,
    /// What grants nothing any more within the days looked ahead.
    pub lapses: Vec<Lapse>,
}

/// One item version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ItemState {
    /// Code.
    pub item: ItemCode,
    /// Version that holds on that day.
    pub version: String,
    /// English title.
    pub title: String,
    /// Chinese title.
    pub title_zh: String,
    /// How far it is done without a visit today, as the catalogue says: `online`, `pre-application`, `offline`.
    pub channel: String,
    /// False where no rule is written: then it is judged by its list of facts.
    pub has_rule: bool,
    /// How far it could be.
    pub reach: Reach,
    /// Why a person always decides; `None` where the rule leaves it to the answers.
    pub person_decides: Option<String>,
    /// Every question of its rule, in the rule's order; without a rule one for each fact.
    pub questions: Vec<QuestionState>,
    /// Evidence from outside the agencies that its rule knows.
    pub evidence: Vec<Evidence>,
}

/// How far an item can be done without a visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// None of its questions is covered.
    NotAtAll,
    /// Some are, and something that must be shown cannot be.
    Partly,
    /// Everything can be shown, and a person decides all the same, or looks at evidence of some applications.
    PersonDecides,
    /// Everything that agencies are asked can be shown; some or all applications need evidence from outside besides.
    ButForEvidence,
    /// Everything can be shown by answers and the centre's own books.
    EndToEnd,
}

impl Reach {
    /// All of them, the farthest first.
    pub const ALL: [Self; 5] =
        [Self::EndToEnd, Self::ButForEvidence, Self::PersonDecides, Self::Partly, Self::NotAtAll];

    /// Stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotAtAll => "not_at_all",
            Self::Partly => "partly",
            Self::PersonDecides => "person_decides",
            Self::ButForEvidence => "but_for_evidence",
            Self::EndToEnd => "end_to_end",
        }
    }

    /// The one of that stable name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reach| reach.name() == name)
    }

    /// True when no answer of an agency is wanting.
    pub fn is_through(self) -> bool {
        self >= Self::PersonDecides
    }
}

/// One question of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QuestionState {
    /// Its name in the rule; without a rule the fact's code.
    pub name: String,
    /// What is asked.
    pub fact: FactCode,
    /// Chinese title of the fact.
    pub fact_zh: String,
    /// Who answers it.
    pub agency: OrganisationId,
    /// True when not every application leads to it.
    pub sometimes: bool,
    /// The clause that opens it; `None` when none does.
    pub grant: Option<Granted>,
    /// What the clause demands of whoever asks, beyond case and operator.
    pub demands: Vec<Demand>,
    /// How it is reached; `None` without an adapter.
    pub adapter: Option<Reached>,
    /// Why it is not covered; `None` when it is.
    pub missing: Option<Missing>,
}

impl QuestionState {
    /// True when the gateway would permit it, and an agency would be asked.
    pub fn is_covered(&self) -> bool {
        self.missing.is_none()
    }
}

/// The clause that opens a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Granted {
    /// Identifier of the agreement.
    pub agreement: String,
    /// Its version.
    pub version: u32,
    /// Number of the clause, from 1.
    pub clause: u32,
    /// First moment at which nothing opens the question any more, as things stand.
    #[serde(serialize_with = "moment_if_any")]
    pub until: Option<Timestamp>,
}

/// Something a clause demands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Demand {
    /// `notice`, `consent`, `operator_unit`, `hours`, `relation` or `values`.
    pub kind: String,
    /// Which: a notice's code, a unit, a role or an attribute; several separated by commas; empty when it is plain.
    pub of: String,
}

/// Why a question is not covered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// Code of the denial, such as `NO_AGREEMENT`; `NO_ADAPTER`, `ADAPTER_DOWN` and the like when only the way there is wanting.
    pub code: String,
    /// What to change.
    pub advice: String,
    /// The same in Chinese.
    pub advice_zh: String,
}

/// Evidence from outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// Name in the rule.
    pub name: String,
    /// Chinese title.
    pub title_zh: String,
    /// Who issues it.
    pub issuer: String,
    /// True when some applications cannot do without; false of what may stand in for an answer.
    pub is_needed: bool,
    /// True when no application can do without.
    pub always: bool,
    /// True when having it is enough; else a person must look at it.
    pub suffices: bool,
}

/// What an agreement with one agency would bring, if it granted every question of the rules to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gain {
    /// The agency.
    pub agency: OrganisationId,
    /// True when an agreement with it exists, in force or not, which grants too little.
    pub has_agreement: bool,
    /// Facts that it would have to grant.
    pub facts: Vec<FactCode>,
    /// Questions that would be covered.
    pub questions: usize,
    /// Items that would get farther.
    pub rises: Vec<Rise>,
    /// Facts of these for which there is no adapter yet.
    pub needs_adapter: Vec<FactCode>,
}

impl Gain {
    /// Items that it alone would let run end to end.
    pub fn unlocked(&self) -> impl Iterator<Item = &ItemCode> {
        self.rises.iter().filter(|rise| rise.to == Reach::EndToEnd).map(|rise| &rise.item)
    }
}

/// An item that gets farther.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rise {
    /// The item.
    pub item: ItemCode,
    /// How far it is.
    pub from: Reach,
    /// How far it would be.
    pub to: Reach,
}

/// One more agreement on the way to all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// With whom.
    pub agency: OrganisationId,
    /// Items that run end to end then.
    pub end_to_end: usize,
    /// Items that lack no answer then.
    pub through: usize,
}

/// What ends within the days looked ahead, with nothing to take its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lapse {
    /// The agreement.
    pub agreement: String,
    /// Its version.
    pub version: u32,
    /// First moment at which it opens these questions no more.
    #[serde(serialize_with = "moment")]
    pub on: Timestamp,
    /// Questions that lapse.
    pub questions: usize,
    /// Items that fall behind.
    pub items: Vec<ItemCode>,
}

impl Readiness {
    /// How far each item is by then.
    pub fn count(&self, reach: Reach) -> usize {
        self.items.iter().filter(|item| item.reach == reach).count()
    }

    /// Facts that any item asks, by agency, in the order of their codes.
    pub fn facts(&self) -> BTreeMap<&OrganisationId, BTreeSet<&FactCode>> {
        let mut facts: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for question in self.items.iter().flat_map(|item| &item.questions) {
            facts.entry(&question.agency).or_default().insert(&question.fact);
        }
        facts
    }
}

impl ItemState {
    /// Covered questions, and all of them.
    pub fn covered(&self) -> (usize, usize) {
        let covered = self.questions.iter().filter(|question| question.is_covered()).count();
        (covered, self.questions.len())
    }

    /// How one fact stands in it.
    pub fn cell(&self, fact: &FactCode) -> Cell {
        let asked: Vec<_> = self.questions.iter().filter(|one| one.fact == *fact).collect();
        let covered = asked.iter().filter(|one| one.is_covered()).count();
        match asked.len() {
            0 => Cell::NotAsked,
            all if covered == all => Cell::Covered,
            _ if covered > 0 => Cell::InPart,
            _ if asked.iter().all(|one| one.grant.is_some()) => Cell::Unreached,
            _ => Cell::Missing,
        }
    }
}

/// How a fact stands in an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// The item does not ask it.
    NotAsked,
    /// Every question is covered.
    Covered,
    /// Some are.
    InPart,
    /// Granted, but no agency can be asked.
    Unreached,
    /// Not granted.
    Missing,
}

impl Cell {
    /// One character that needs no colour.
    pub fn sign(self) -> char {
        match self {
            Self::NotAsked => '.',
            Self::Covered => '+',
            Self::InPart => '~',
            Self::Unreached => '!',
            Self::Missing => '-',
        }
    }
}

/// How ready every item is that holds on the day of the view.
pub fn readiness(view: &View<'_>) -> Readiness {
    let day = calendar::day(view.at.china_day());
    let held: Vec<_> = view.catalogue.items().filter(|item| item.holds_on(&day)).collect();
    let items: Vec<ItemState> = held.iter().map(|item| judge::item(view, item)).collect();
    let examined: Vec<gain::Examined<'_>> =
        held.into_iter().zip(&items).map(|(item, state)| gain::Examined { item, state }).collect();
    let gains = gain::gains(view, &examined);
    let road = gain::road(&examined);
    let lapses = gain::lapses(view, &examined);
    Readiness {
        organisation: view.organisation.clone(),
        system: view.system.clone(),
        at: view.at,
        ahead_days: view.ahead.as_secs() / 86_400,
        gains,
        road,
        lapses,
        items,
    }
}

fn moment<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&calendar::exact(*at))
}

fn moment_if_any<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    at.map(calendar::exact).serialize(serializer)
}
