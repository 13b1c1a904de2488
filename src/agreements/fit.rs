//! Whether an agreement's words mean anything in the catalogue. A word that does not grants nothing, silently: better
//! said before it is signed.

use super::terms::Terms;
use crate::catalogue::Catalogue;

/// Everything in the terms that the catalogue does not know, one sentence each.
pub fn against_catalogue(terms: &Terms, catalogue: &Catalogue) -> Vec<String> {
    let Ok(agreement) = terms.agreement(&[]) else { return Vec::new() };
    let mut problems = Vec::new();
    for (position, clause) in agreement.clauses.iter().enumerate() {
        let number = position + 1;
        let Some(fact) = catalogue.fact(&clause.fact) else {
            problems.push(format!("clause {number}: the catalogue has no fact `{}`", clause.fact));
            continue;
        };
        if fact.agency != agreement.provider {
            problems.push(format!(
                "clause {number}: `{}` is answered by `{}`, not by `{}`",
                fact.code, fact.agency, agreement.provider
            ));
        }
        for role in clause.roles.iter().filter(|role| fact.role(role).is_none()) {
            problems.push(format!("clause {number}: `{}` has no role `{role}`", fact.code));
        }
        for name in clause.assert.union(&clause.disclose) {
            if fact.attribute(name).is_none() {
                problems
                    .push(format!("clause {number}: `{}` has no attribute `{name}`", fact.code));
            }
        }
        for item in &clause.items {
            let versions: Vec<_> = catalogue.items().filter(|known| known.code == *item).collect();
            if versions.is_empty() {
                problems.push(format!("clause {number}: the catalogue has no item `{item}`"));
            } else if !versions.iter().any(|version| version.facts.contains(&fact.code)) {
                problems.push(format!(
                    "clause {number}: the item `{item}` does not use the fact `{}`",
                    fact.code
                ));
            }
        }
    }
    for (fact, items, materials) in terms.replaced() {
        let known = |material: &String| {
            catalogue
                .items()
                .any(|item| items.contains(&item.code) && item.materials.contains_key(material))
        };
        for material in materials.iter().filter(|material| !known(material)) {
            problems
                .push(format!("the clause of `{fact}`: none of its items asks for `{material}`"));
        }
    }
    problems
}
