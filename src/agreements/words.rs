//! What many agreements have in common, kept once: a hundred thousand of them name few organisations, facts and
//! attributes.

use std::collections::HashSet;
use std::hash::Hash;

use crate::decision::agreement::{Agreement, Clause, Ending};
use crate::decision::set::{Set, Word};
use crate::query::{FactCode, ItemCode, OrganisationId, SystemId};

/// The words and lists of words seen so far.
#[derive(Default)]
pub(super) struct Words {
    words: HashSet<Word>,
    lists: HashSet<Set<Word>>,
    organisations: HashSet<OrganisationId>,
    parties: HashSet<Set<OrganisationId>>,
    systems: HashSet<Set<SystemId>>,
    facts: HashSet<FactCode>,
    items: HashSet<Set<ItemCode>>,
}

impl Words {
    /// The same agreement, made of words that were seen before wherever there are such.
    pub(super) fn share(&mut self, agreement: Agreement) -> Agreement {
        let clauses = agreement.clauses.into_iter().map(|clause| self.clause(clause)).collect();
        let ending = |parties: &mut HashSet<_>, Ending { by, notice }| Ending {
            by: kept(parties, by),
            notice,
        };
        Agreement {
            consumer: kept(&mut self.organisations, agreement.consumer),
            provider: kept(&mut self.organisations, agreement.provider),
            platform: agreement.platform.map(|party| kept(&mut self.organisations, party)),
            systems: kept(&mut self.systems, agreement.systems),
            operator_units: kept(&mut self.lists, agreement.operator_units),
            notices: kept(&mut self.lists, agreement.notices),
            suspension: ending(&mut self.parties, agreement.suspension),
            termination: ending(&mut self.parties, agreement.termination),
            clauses,
            ..agreement
        }
    }

    fn clause(&mut self, mut clause: Clause) -> Clause {
        for (role, _) in &mut clause.relations {
            *role = kept(&mut self.words, role.clone());
        }
        for (attribute, _) in &mut clause.mask {
            *attribute = kept(&mut self.words, attribute.clone());
        }
        for limit in &mut clause.limits {
            limit.attribute = kept(&mut self.words, limit.attribute.clone());
        }
        Clause {
            fact: kept(&mut self.facts, clause.fact),
            items: kept(&mut self.items, clause.items),
            replaces: self.list(clause.replaces),
            roles: self.list(clause.roles),
            assert: self.list(clause.assert),
            disclose: self.list(clause.disclose),
            never: self.list(clause.never),
            ..clause
        }
    }

    /// Also a list that is new is made of known words.
    fn list(&mut self, list: Set<Word>) -> Set<Word> {
        if let Some(known) = self.lists.get(&list) {
            return known.clone();
        }
        let list: Set<Word> = list.iter().map(|word| kept(&mut self.words, word.clone())).collect();
        self.lists.insert(list.clone());
        list
    }
}

fn kept<T: Clone + Eq + Hash>(known: &mut HashSet<T>, one: T) -> T {
    if let Some(known) = known.get(&one) {
        return known.clone();
    }
    known.insert(one.clone());
    one
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::decision::sample;

    #[test]
    fn two_agreements_share_what_they_have_in_common_and_say_what_they_said() {
        let mut words = Words::default();
        let fresh = || Agreement {
            consumer: "fund-centre".into(),
            clauses: vec![Clause {
                assert: sample::words(&["married", "registered_on"]),
                ..sample::clause()
            }],
            ..sample::agreement()
        };
        let (first, second) = (words.share(fresh()), words.share(fresh()));
        assert_eq!((&first, &second), (&fresh(), &fresh()));
        let same = |a: &str, b: &str| std::ptr::eq(a.as_ptr(), b.as_ptr());
        assert!(same(first.consumer.as_str(), second.consumer.as_str()));
        let word = |agreement: &Agreement| agreement.clauses[0].assert.iter().next().cloned();
        assert!(Arc::ptr_eq(&word(&first).unwrap(), &word(&second).unwrap()));
    }
}
