//! What many agreements say alike is kept once.
//!
//! Offices sign from few templates: the same items, roles, attributes and systems stand in thousands of agreements.
//! Sharing them takes a fraction of the memory, and a decision finds them in the processor's cache.

use std::collections::HashSet;
use std::hash::Hash;

use super::agreement::{Agreement, Clause};
use super::set::{Set, Word};
use crate::query::{FactCode, ItemCode, OrganisationId, SystemId};

/// What has been said so far. Needed while agreements are read, and not afterwards.
#[derive(Debug, Default)]
pub struct Pool {
    organisations: HashSet<OrganisationId>,
    facts: HashSet<FactCode>,
    words: HashSet<Set<Word>>,
    systems: HashSet<Set<SystemId>>,
    items: HashSet<Set<ItemCode>>,
    parties: HashSet<Set<OrganisationId>>,
}

impl Pool {
    /// The same agreement, which shares with those before it what they say alike.
    #[must_use]
    pub fn share(&mut self, mut agreement: Agreement) -> Agreement {
        let Self { organisations, words, systems, parties, .. } = self;
        once(organisations, &mut agreement.consumer);
        once(organisations, &mut agreement.provider);
        if let Some(platform) = &mut agreement.platform {
            once(organisations, platform);
        }
        once(systems, &mut agreement.systems);
        once(words, &mut agreement.operator_units);
        once(words, &mut agreement.notices);
        once(parties, &mut agreement.suspension.by);
        once(parties, &mut agreement.termination.by);
        for clause in &mut agreement.clauses {
            self.share_clause(clause);
        }
        agreement
    }

    fn share_clause(&mut self, clause: &mut Clause) {
        once(&mut self.facts, &mut clause.fact);
        once(&mut self.items, &mut clause.items);
        let Clause { replaces, roles, assert, disclose, never, .. } = clause;
        for words in [replaces, roles, assert, disclose, never] {
            once(&mut self.words, words);
        }
    }
}

/// What was said before in place of what is said again.
fn once<T: Clone + Eq + Hash>(said: &mut HashSet<T>, it: &mut T) {
    match said.get(it) {
        Some(known) => *it = known.clone(),
        None => drop(said.insert(it.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::sample;

    #[test]
    fn what_is_shared_says_the_same() {
        let mut pool = Pool::default();
        let other = || Agreement { id: "mz-2".to_owned(), ..sample::agreement() };
        let (first, second) = (pool.share(sample::agreement()), pool.share(other()));
        assert!(first == sample::agreement() && second == other());
        let at = |agreement: &Agreement| {
            std::ptr::from_ref(agreement.clauses[0].items.iter().as_slice())
        };
        assert_eq!(at(&first), at(&second));
        assert_ne!(at(&first), at(&other()));
    }
}
