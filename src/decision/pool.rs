//! What many agreements say alike is kept once.
//!
//! Offices sign from few templates: the same items, roles, attributes and systems stand in thousands of agreements.
//! Sharing them takes a fraction of the memory, and a decision finds them in the processor's cache.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

use super::agreement::{Agreement, CacheTerms, Clause, Details};
use super::set::{Set, Word};
use crate::query::{FactCode, ItemCode, OrganisationId, SystemId};

/// What has been said so far. Needed while agreements are read, and not afterwards.
#[derive(Debug, Default)]
pub struct Pool {
    facts: HashSet<FactCode>,
    cache: HashSet<Arc<CacheTerms>>,
    no_details: Arc<Details>,
    organisations: Sets<OrganisationId>,
    systems: Sets<SystemId>,
    items: Sets<ItemCode>,
    words: Sets<Word>,
}

impl Pool {
    /// The same agreement, which shares with those before it what they say alike.
    #[must_use]
    pub fn share(&mut self, mut agreement: Agreement) -> Agreement {
        let Self { organisations, words, systems, .. } = self;
        once(&mut organisations.members, &mut agreement.consumer);
        once(&mut organisations.members, &mut agreement.provider);
        if let Some(platform) = &mut agreement.platform {
            once(&mut organisations.members, platform);
        }
        systems.share(&mut agreement.systems);
        words.share(&mut agreement.operator_units);
        words.share(&mut agreement.notices);
        organisations.share(&mut agreement.suspension.by);
        organisations.share(&mut agreement.termination.by);
        for clause in &mut agreement.clauses {
            self.share_clause(clause);
        }
        agreement
    }

    fn share_clause(&mut self, clause: &mut Clause) {
        once(&mut self.facts, &mut clause.fact);
        self.items.share(&mut clause.items);
        if let Some(terms) = &mut clause.cache {
            once(&mut self.cache, terms);
        }
        let Clause { replaces, roles, assert, disclose, .. } = clause;
        for words in [replaces, roles, assert, disclose] {
            self.words.share(words);
        }
        if clause.details == self.no_details {
            clause.details = Arc::clone(&self.no_details);
        } else {
            self.words.share(&mut Arc::make_mut(&mut clause.details).never);
        }
    }
}

/// Sets, and what stands in them: of a word that many different sets have, there is one.
#[derive(Debug)]
struct Sets<T> {
    whole: HashSet<Set<T>>,
    members: HashSet<T>,
}

impl<T> Default for Sets<T> {
    fn default() -> Self {
        Self { whole: HashSet::default(), members: HashSet::default() }
    }
}

impl<T: Clone + Ord + Hash> Sets<T> {
    fn share(&mut self, set: &mut Set<T>) {
        if let Some(known) = self.whole.get(set) {
            *set = known.clone();
            return;
        }
        let members = set.iter().cloned().map(|mut member| {
            once(&mut self.members, &mut member);
            member
        });
        *set = members.collect();
        self.whole.insert(set.clone());
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

    #[test]
    fn clauses_that_say_nothing_besides_share_that() {
        let mut pool = Pool::default();
        let mut shared = |never: &[&str]| {
            let mut agreement = sample::agreement();
            let never = sample::words(never);
            agreement.clauses[0].details = Arc::new(Details { never, ..Details::default() });
            pool.share(agreement).clauses.swap_remove(0).details
        };
        let (first, second, third) = (shared(&[]), shared(&["photo"]), shared(&[]));
        assert!(Arc::ptr_eq(&first, &third));
        assert!(second.never.contains("photo") && first.never.is_empty());
    }

    #[test]
    fn words_are_shared_between_sets_that_differ() {
        let mut pool = Pool::default();
        let mut shared = |words: &[&str]| {
            let mut agreement = sample::agreement();
            agreement.clauses[0].assert = sample::words(words);
            pool.share(agreement).clauses.swap_remove(0).assert
        };
        let (first, second) = (shared(&["married"]), shared(&["divorced", "married"]));
        let married = |set: &Set<Word>| set.iter().find(|word| &***word == "married").cloned();
        let (Some(first), Some(second)) = (married(&first), married(&second)) else {
            panic!("it is gone")
        };
        assert!(Arc::ptr_eq(&first, &second));
    }
}
