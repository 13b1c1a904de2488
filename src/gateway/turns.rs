//! Which change of what is in force came last, for each thing that stands behind an answer.
//!
//! Changes drop the answers kept before them. But an answer may be under way meanwhile, asked for under what was in
//! force before; it must not be kept for questions that come under what is in force after. So the number of the last
//! change that concerns an answer is part of what it is kept under: then it is never found again.

use std::collections::BTreeMap;

use crate::audit::entry::{AgreementEvent, Kind};
use crate::decision::Permit;
use crate::decision::freeze::Scope;
use crate::query::OrganisationId;

/// The turn-overs of one gateway since it started.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns {
    count: u64,
    /// By what changed: the turn-over at which it last did.
    last: BTreeMap<Changed, u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Changed {
    Agreement(String),
    /// Freezes of this name.
    Scope(String),
    /// How this agency is asked.
    Agency(OrganisationId),
}

/// What a change is about, as its entry names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Touched {
    /// The agreement of this id.
    Agreement(String),
    /// Freezes of this name.
    Freeze(String),
    /// The adapter of this name.
    Adapter(String),
}

impl Touched {
    /// What the entry is about; `None` when nothing that was answered before stands behind it.
    pub(super) fn by(change: &Kind) -> Option<Self> {
        match change {
            // A resumption and a lifting too: what was under way when the order came may end after it.
            Kind::Agreement(
                AgreementEvent::Adopted { id, .. }
                | AgreementEvent::Withdrawn { id, .. }
                | AgreementEvent::Ordered { id, .. },
            ) => Some(Self::Agreement(id.clone())),
            Kind::Freeze(event) => Some(Self::Freeze(event.name.clone())),
            Kind::Adapter(event) => Some(Self::Adapter(event.name().to_owned())),
            _ => None,
        }
    }
}

impl Turns {
    /// Turn-overs that changed anything. An answer decided at one count is not repeated at another.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The same after one more turn-over; `agencies` are those that an adapter of a name asks.
    pub(super) fn after(
        &self,
        touched: &[Touched],
        agencies: impl Fn(&str) -> Vec<OrganisationId>,
    ) -> Self {
        let mut next = self.clone();
        next.count += u64::from(!touched.is_empty());
        for touched in touched {
            let changed = match touched {
                Touched::Agreement(id) => vec![Changed::Agreement(id.clone())],
                Touched::Freeze(name) => vec![Changed::Scope(name.clone())],
                Touched::Adapter(name) => agencies(name).into_iter().map(Changed::Agency).collect(),
            };
            next.last.extend(changed.into_iter().map(|changed| (changed, next.count)));
        }
        next
    }

    /// The turn-over that last changed anything behind an answer given under this permit; 0 when none has.
    pub(super) fn since(&self, permit: &Permit) -> u64 {
        if self.last.is_empty() {
            return 0;
        }
        let agreement = permit.agreement();
        let (provider, consumer) = (&agreement.provider, &agreement.consumer);
        let fact = &permit.clause().fact;
        let scope = |fact, caller| {
            Changed::Scope(Scope { provider: provider.clone(), fact, caller }.name())
        };
        [
            Changed::Agreement(agreement.id.clone()),
            Changed::Agency(provider.clone()),
            scope(None, None),
            scope(Some(fact.clone()), None),
            scope(None, Some(consumer.clone())),
            scope(Some(fact.clone()), Some(consumer.clone())),
        ]
        .iter()
        .filter_map(|changed| self.last.get(changed).copied())
        .max()
        .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::audit::entry::{AdapterEvent, FreezeChange, FreezeEvent};
    use crate::decision::agreements::AgreementSet;
    use crate::decision::{Decision, decide, sample};

    fn permit() -> Permit {
        let agreement = Arc::new(sample::agreement());
        match decide(&sample::facts(), &AgreementSet::new([agreement])) {
            Decision::Permit(permit) => permit,
            Decision::Deny(denial) => panic!("{}", denial.code()),
        }
    }

    #[test]
    fn what_concerns_an_answer_gives_it_a_new_number_and_nothing_else_does() {
        let permit = permit();
        let withdrawn =
            |id: &str| Kind::Agreement(AgreementEvent::Withdrawn { id: id.to_owned(), version: 1 });
        let frozen = |name: &str| {
            let (name, document) = (name.to_owned(), vec![1]);
            Kind::Freeze(FreezeEvent { change: FreezeChange::Frozen, name, document })
        };
        let removed = |name: &str| Kind::Adapter(AdapterEvent::Removed { name: name.to_owned() });
        let agencies = |name: &str| vec![OrganisationId::new(name)];
        let cases = [
            (withdrawn(&permit.agreement().id), true),
            (withdrawn("another"), false),
            (frozen("provider:civil-affairs"), true),
            (frozen("provider:civil-affairs/fact:M2"), true),
            (frozen("provider:civil-affairs/fact:M2/caller:fund-centre"), true),
            (frozen("provider:civil-affairs/fact:M1"), false),
            (frozen("provider:civil-affairs/caller:audit-office"), false),
            (removed("civil-affairs"), true),
            (removed("police"), false),
        ];
        let mut turns =
            Turns::default().after(&[Touched::Agreement("another".to_owned())], agencies);
        for (number, (change, concerns)) in (2..).zip(cases) {
            let before = turns.since(&permit);
            turns = turns.after(&[Touched::by(&change).unwrap()], agencies);
            let expected = if concerns { number } else { before };
            assert_eq!((turns.since(&permit), turns.count()), (expected, number));
        }
        let unchanged = turns.after(&[], agencies);
        assert_eq!((unchanged.since(&permit), unchanged.count()), (turns.since(&permit), 10));
    }
}
