//! What an agency has stopped for the time being: a scope of questions to itself, and its name in facts.

use std::collections::BTreeSet;

use super::facts::Facts;
use crate::query::{FactCode, OrganisationId};

/// Questions to one agency: all, or those about one fact, by one caller, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The agency, which alone can freeze questions to itself.
    pub provider: OrganisationId,
    /// The fact; `None` is every fact.
    pub fact: Option<FactCode>,
    /// The organisation that asks; `None` is everyone.
    pub caller: Option<OrganisationId>,
}

impl Scope {
    /// As entries and facts call it: `provider:police`, `provider:police/fact:P1`,
    /// `provider:police/caller:fund-centre`, `provider:police/fact:P1/caller:fund-centre`.
    pub fn name(&self) -> String {
        name(
            self.provider.as_str(),
            self.fact.as_ref().map(FactCode::as_str),
            self.caller.as_ref().map(OrganisationId::as_str),
        )
    }

    /// The scope of this name; `None` when it is none.
    pub fn parse(name: &str) -> Option<Self> {
        let Named { provider, fact, caller } = Named::parse(name)?;
        Some(Self {
            provider: provider.into(),
            fact: fact.map(FactCode::from),
            caller: caller.map(OrganisationId::from),
        })
    }
}

/// A scope as its name says it, nothing copied: decisions look at it.
pub(super) struct Named<'a> {
    provider: &'a str,
    fact: Option<&'a str>,
    caller: Option<&'a str>,
}

impl<'a> Named<'a> {
    pub(super) fn parse(name: &'a str) -> Option<Self> {
        if name.split('/').any(|part| part.ends_with(':')) {
            return None;
        }
        let mut parts = name.split('/').peekable();
        let provider = parts.next()?.strip_prefix("provider:")?;
        let fact = parts.next_if(|part| part.starts_with("fact:"));
        let caller = parts.next_if(|part| part.starts_with("caller:"));
        let named = Self {
            provider,
            fact: fact.and_then(|part| part.strip_prefix("fact:")),
            caller: caller.and_then(|part| part.strip_prefix("caller:")),
        };
        parts.next().is_none().then_some(named)
    }

    /// Whether the question is one of these.
    pub(super) fn covers(&self, facts: &Facts) -> bool {
        let (provider, fact) = (facts.provider.as_ref(), facts.fact.as_ref());
        provider.is_some_and(|provider| provider.as_str() == self.provider)
            && self.fact.is_none_or(|named| fact.is_some_and(|fact| fact.as_str() == named))
            && self.caller.is_none_or(|named| facts.caller.organisation.as_str() == named)
    }
}

fn name(provider: &str, fact: Option<&str>, caller: Option<&str>) -> String {
    let mut name = format!("provider:{provider}");
    for (word, part) in [("fact", fact), ("caller", caller)] {
        if let Some(part) = part {
            name.push_str(&format!("/{word}:{part}"));
        }
    }
    name
}

/// The freezes in force, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Freezes(BTreeSet<String>);

impl Freezes {
    /// Those that stop this caller's questions about this fact to this agency, ascending: exactly what the facts of
    /// such a question must say. Without a fact there is nobody to ask, and nothing to stop.
    pub fn over(
        &self,
        provider: Option<&OrganisationId>,
        fact: Option<&FactCode>,
        caller: &OrganisationId,
    ) -> Vec<String> {
        let (Some(provider), Some(fact)) = (provider, fact) else { return Vec::new() };
        if self.0.is_empty() {
            return Vec::new();
        }
        let (provider, fact, caller) = (provider.as_str(), fact.as_str(), caller.as_str());
        let mut names = vec![
            name(provider, None, None),
            name(provider, Some(fact), None),
            name(provider, None, Some(caller)),
            name(provider, Some(fact), Some(caller)),
        ];
        names.retain(|name| self.0.contains(name));
        names.sort_unstable();
        names
    }
}

impl FromIterator<String> for Freezes {
    fn from_iter<I: IntoIterator<Item = String>>(names: I) -> Self {
        Self(names.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::sample;

    #[test]
    fn names_and_scopes_are_the_same_thing() {
        for (name, covers) in [
            ("provider:civil-affairs", true),
            ("provider:civil-affairs/fact:M2", true),
            ("provider:civil-affairs/caller:fund-centre", true),
            ("provider:civil-affairs/fact:M2/caller:fund-centre", true),
            ("provider:civil-affairs/fact:M1", false),
            ("provider:civil-affairs/caller:audit-office", false),
            ("provider:civil-affairs/fact:M2/caller:audit-office", false),
            ("provider:civil-affairs/fact:M1/caller:fund-centre", false),
            ("provider:police", false),
            ("provider:police/fact:M2", false),
        ] {
            let scope = Scope::parse(name).unwrap();
            assert_eq!(scope.name(), name);
            let facts = sample::facts();
            assert_eq!(Named::parse(name).unwrap().covers(&facts), covers, "{name}");
            let freezes: Freezes = [name.to_owned()].into_iter().collect();
            let over = freezes.over(
                facts.provider.as_ref(),
                facts.fact.as_ref(),
                &facts.caller.organisation,
            );
            assert_eq!(over.len(), usize::from(covers), "{name}");
        }
    }

    #[test]
    fn what_is_no_name_has_no_scope() {
        for name in [
            "",
            "police",
            "agreement:mz-1",
            "provider:police/item:W3",
            "provider:police/caller:fund-centre/fact:P1",
            "provider:police/fact:P1/fact:P2",
            "provider:police/",
            "provider:",
            "provider:police/fact:",
            "provider:police/caller:",
        ] {
            assert_eq!(Scope::parse(name), None, "{name}");
        }
    }

    #[test]
    fn a_question_about_nothing_known_has_no_freezes() {
        let freezes: Freezes = ["provider:police".to_owned()].into_iter().collect();
        assert!(freezes.over(None, None, &"fund-centre".into()).is_empty());
        assert!(freezes.over(Some(&"police".into()), None, &"fund-centre".into()).is_empty());
        let names = freezes.over(Some(&"police".into()), Some(&"P1".into()), &"x".into());
        assert_eq!(names, ["provider:police"]);
    }
}
