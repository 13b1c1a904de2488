//! What two parties signed, as a value: who may ask what, for which item, and how the answer may be used.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::limit::Limit;
use super::mask::Mask;
use super::set::{Set, Word};
use crate::crypto::Digest;
use crate::query::relation::Relation;
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
    /// The organisation that asks.
    pub consumer: OrganisationId,
    /// The organisation that answers.
    pub provider: OrganisationId,
    /// The organisation that must have signed beside the two, where the terms name one: the data authority.
    pub platform: Option<OrganisationId>,
    /// Systems of the consumer that may ask.
    pub systems: Set<SystemId>,
    /// First moment of validity.
    pub effective_from: Timestamp,
    /// First moment after validity.
    pub effective_to: Timestamp,
    /// For how long after its beginning the versions before it may still be asked under.
    pub overlap: Duration,
    /// When questions are served, China time; `None` is always.
    pub hours: Option<Hours>,
    /// How many questions.
    pub quota: Quota,
    /// Units of the consumer whose operators may ask; empty is every unit.
    pub operator_units: Set<Word>,
    /// Texts of notice (告知) of which one must have been given to the person; empty when none need be.
    pub notices: Set<Word>,
    /// How long the consumer may keep values.
    pub keep_for: Duration,
    /// What holds when an answer is contested, where the terms say it.
    pub quality: Option<Quality>,
    /// Which party may suspend it alone.
    pub suspension: Ending,
    /// Which party may revoke it alone.
    pub termination: Ending,
    /// What may be asked; clause numbers are positions from 1.
    pub clauses: Vec<Clause>,
}

impl Agreement {
    /// From when on the versions before this one may no longer be asked under.
    pub fn takes_over(&self) -> Timestamp {
        self.effective_from.plus(self.overlap)
    }

    /// True when any clause says of some attribute of the fact that nothing of it may leave.
    pub fn withholds_any(&self, fact: &FactCode) -> bool {
        self.clauses.iter().any(|clause| clause.fact == *fact && !clause.details.never.is_empty())
    }

    /// True when any clause says that nothing of this attribute of the fact may leave.
    pub fn withholds(&self, fact: &FactCode, attribute: &str) -> bool {
        let withholding =
            |clause: &&Clause| !clause.details.never.is_empty() && clause.fact == *fact;
        self.clauses
            .iter()
            .filter(withholding)
            .any(|clause| clause.details.never.contains(attribute))
    }
}

/// What holds when an answer is contested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quality {
    /// How the provider is told where it has no queue at the gateway: an office, never a person.
    pub dispute_channel: String,
    /// Working days for its answer.
    pub response_workdays: u32,
}

/// One fact that may be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// The fact.
    pub fact: FactCode,
    /// For which items (purposes).
    pub items: Set<ItemCode>,
    /// Papers that the answer replaces.
    pub replaces: Set<Word>,
    /// About subjects in which roles.
    pub roles: Set<Word>,
    /// Attributes that may be asserted about.
    pub assert: Set<Word>,
    /// Attributes whose values may leave.
    pub disclose: Set<Word>,
    /// What few clauses say besides. Those that say nothing share one.
    pub details: Arc<Details>,
    /// Whether the person's consent must be referred to.
    pub consent: bool,
    /// Oldest answer that may be given under this clause.
    pub max_age: Duration,
    /// Whether and how answers may be kept; `None` forbids keeping. Few terms stand in many clauses.
    pub cache: Option<Arc<CacheTerms>>,
}

/// What few clauses say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// For roles that need proof of the subject's relation to the case: which proofs will do.
    pub relations: Vec<(Word, Vec<Relation>)>,
    /// How far some of the attributes that may be asserted about may be.
    pub limits: Vec<Limit>,
    /// Attributes whose values may leave in part.
    pub mask: Vec<(Word, Mask)>,
    /// Attributes of which nothing may leave, under whichever clause of the agreement.
    pub never: Set<Word>,
}

impl Clause {
    /// The limit of that attribute.
    pub fn limit(&self, attribute: &str) -> Option<&Limit> {
        self.details.limits.iter().find(|limit| &*limit.attribute == attribute)
    }

    /// What may be left of that attribute's value, where it leaves in part.
    pub fn mask(&self, attribute: &str) -> Option<Mask> {
        let mut masks = self.details.mask.iter();
        masks.find(|(name, _)| &**name == attribute).map(|(_, mask)| *mask)
    }

    /// Proofs of relation of which subjects in that role need one; `None` when they need none.
    pub fn relations(&self, role: &str) -> Option<&[Relation]> {
        let mut relations = self.details.relations.iter();
        relations.find(|(name, _)| &**name == role).map(|(_, kinds)| kinds.as_slice())
    }
}

/// Who may halt an agreement alone, and how long before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The parties that may.
    pub by: Set<OrganisationId>,
    /// Time between the order and the moment from which it acts, at the least.
    pub notice: Duration,
}

/// How answers may be kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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
    /// In one month, China time.
    pub per_month: Option<u64>,
}
