//! Which clause of the old terms became which of the new: by the fact, and then by the items, never by the place.

use std::collections::BTreeSet;

use super::super::form::{ClauseTerms, Terms};

/// A clause and its number, from 1.
pub(super) type Numbered<'a> = (usize, &'a ClauseTerms);

/// One clause, before and after.
pub(super) enum Pair<'a> {
    Kept(Numbered<'a>, Numbered<'a>),
    Added(Numbered<'a>),
    Removed(Numbered<'a>),
}

/// Every clause of both once: those of the new terms in their order, then those that are gone.
pub(super) fn pairs<'a>(old: &'a Terms, new: &'a Terms) -> Vec<Pair<'a>> {
    let mut left = numbered(old);
    let mut open: Vec<(Numbered<'a>, Option<Numbered<'a>>)> =
        numbered(new).into_iter().map(|clause| (clause, None)).collect();
    // The surest pairs first, so that a weak likeness does not take a clause from a strong one.
    for likeness in [same, same_items, common_items, same_fact] {
        for (clause, before) in open.iter_mut().filter(|(_, before)| before.is_none()) {
            let place = left.iter().position(|(_, old)| likeness(old, clause.1));
            *before = place.map(|place| left.remove(place));
        }
    }
    let pairs = open.into_iter().map(|(after, before)| match before {
        Some(before) => Pair::Kept(before, after),
        None => Pair::Added(after),
    });
    pairs.chain(left.into_iter().map(Pair::Removed)).collect()
}

fn numbered(terms: &Terms) -> Vec<Numbered<'_>> {
    terms.clauses.iter().enumerate().map(|(position, clause)| (position + 1, clause)).collect()
}

fn same(old: &ClauseTerms, new: &ClauseTerms) -> bool {
    old == new
}

fn same_items(old: &ClauseTerms, new: &ClauseTerms) -> bool {
    let items = |clause: &ClauseTerms| clause.items.iter().cloned().collect::<BTreeSet<_>>();
    same_fact(old, new) && items(old) == items(new)
}

fn common_items(old: &ClauseTerms, new: &ClauseTerms) -> bool {
    same_fact(old, new) && old.items.iter().any(|item| new.items.contains(item))
}

fn same_fact(old: &ClauseTerms, new: &ClauseTerms) -> bool {
    old.fact == new.fact
}
