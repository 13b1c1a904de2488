//! A set that is made once and then only asked: its members in order, in one piece of memory.

use std::borrow::Borrow;
use std::sync::Arc;

/// A word that many agreements share: the name of an attribute, a role or a paper.
pub type Word = Arc<str>;

/// Members in ascending order, each once. Cloning shares them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Set<T>(Arc<[T]>);

impl<T> Set<T> {
    /// The members, ascending.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.iter()
    }

    /// True when it has no member.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True when it has this member.
    pub fn contains<Q: Ord + ?Sized>(&self, member: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        self.0.binary_search_by(|known| known.borrow().cmp(member)).is_ok()
    }
}

impl<T> Default for Set<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Ord> FromIterator<T> for Set<T> {
    fn from_iter<I: IntoIterator<Item = T>>(members: I) -> Self {
        let mut members: Vec<T> = members.into_iter().collect();
        members.sort_unstable();
        members.dedup();
        Self(members.into())
    }
}

impl<T: Ord, const N: usize> From<[T; N]> for Set<T> {
    fn from(members: [T; N]) -> Self {
        members.into_iter().collect()
    }
}

impl<'a, T> IntoIterator for &'a Set<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_what_it_was_made_of() {
        let set: Set<Word> = ["spouse", "person", "spouse"].map(Word::from).into();
        assert_eq!(set.iter().map(|word| &**word).collect::<Vec<_>>(), ["person", "spouse"]);
        assert!(set.contains("person") && set.contains("spouse") && !set.contains("owner"));
        assert!(!set.is_empty() && Set::<Word>::default().is_empty());
    }
}
