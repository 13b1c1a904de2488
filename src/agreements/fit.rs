//! Whether an agreement's words mean anything in the catalogue. A word that does not grants nothing, silently: better
//! said before it is signed.

use std::collections::BTreeSet;

use super::terms::Terms;
use crate::catalogue::{AttributeKind, Catalogue, Fact};
use crate::decision::agreement::Clause;
use crate::decision::mask::Mask;
use crate::query::value::Value;

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
        let masked = clause.details.mask.iter().map(|(name, _)| name);
        let never = &clause.details.never;
        let named = clause.assert.iter().chain(&clause.disclose).chain(masked).chain(never);
        for name in named.collect::<BTreeSet<_>>() {
            if fact.attribute(name).is_none() {
                problems
                    .push(format!("clause {number}: `{}` has no attribute `{name}`", fact.code));
            }
        }
        let unfit = unfit(clause, fact);
        problems.extend(unfit.into_iter().map(|problem| format!("clause {number}: {problem}")));
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

/// Masks and limits that can never fit what the attribute holds: nothing would leave, and nothing could be asked.
fn unfit(clause: &Clause, fact: &Fact) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, mask) in &clause.details.mask {
        let fits = match fact.attribute(name).map(|attribute| &attribute.kind) {
            Some(AttributeKind::Text) => matches!(mask, Mask::Name | Mask::Number),
            Some(AttributeKind::Date) => matches!(mask, Mask::Year | Mask::Month),
            Some(AttributeKind::Month) => *mask == Mask::Year,
            Some(_) => false,
            None => continue,
        };
        if !fits {
            let mask = mask.name();
            problems.push(format!("the mask `{mask}` does not fit the values of `{name}`"));
        }
    }
    for limit in &clause.details.limits {
        let name = &limit.attribute;
        let Some(attribute) = fact.attribute(name) else { continue };
        for comparison in limit.comparisons.iter().filter(|it| !attribute.kind.compares(**it)) {
            let comparison = comparison.name();
            problems.push(format!("`{name}` is of no kind that `{comparison}` compares"));
        }
        if limit.multiple_of.is_some() && attribute.kind != AttributeKind::Integer {
            problems.push(format!("`multiple_of` is for whole numbers, which `{name}` is not"));
        }
        // A text stands for itself and for a date: one of the two must fit.
        let is_dated = matches!(attribute.kind, AttributeKind::Date | AttributeKind::Month);
        let is_other = |value: &&Value| match value {
            Value::Date(_) => is_dated,
            Value::Text(_) => !is_dated,
            Value::Truth(_) | Value::Integer(_) | Value::People(_) => true,
        };
        let values = limit.values.iter().filter(is_other);
        let wrong = values.filter(|value| !attribute.kind.admits(value)).count();
        if wrong > 0 {
            problems
                .push(format!("{wrong} of the values that limit `{name}` are none it can have"));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::super::terms::tests::DRAFT;
    use super::*;
    use crate::finding;

    /// A line of the draft to which another is added.
    const GRANTS: &str = "assert = [\"married\"]";
    const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config-example");

    fn catalogue() -> Catalogue {
        Catalogue::load(&Path::new(SAMPLES).join("catalogue")).unwrap()
    }

    #[test]
    fn the_sample_drafts_fit_the_sample_catalogue() {
        let catalogue = catalogue();
        let mut granted = BTreeSet::new();
        let drafts = finding::files_in(&Path::new(SAMPLES).join("agreements"), "toml").unwrap();
        assert_eq!(drafts.len(), 6);
        for file in drafts {
            let terms = Terms::parse(&file, &fs::read_to_string(&file).unwrap()).unwrap();
            assert_eq!(against_catalogue(&terms, &catalogue), Vec::<String>::new(), "{file:?}");
            assert_eq!(file.file_stem().unwrap().to_str(), Some(terms.provider().as_str()));
            for clause in terms.agreement(&[]).unwrap().clauses {
                granted.extend(clause.items.iter().map(|item| (item.clone(), clause.fact.clone())));
            }
        }
        // With all six signed, every item can ask for every fact it names, but for the one that the draft of 2018 says
        // it leaves out.
        for item in catalogue.items() {
            for fact in item.facts.iter().filter(|fact| fact.as_str() != "M5") {
                assert!(
                    granted.contains(&(item.code.clone(), fact.clone())),
                    "{} {fact}",
                    item.code
                );
            }
        }
    }

    #[test]
    fn words_without_meaning_are_named() {
        let catalogue = catalogue();
        for (good, bad, problem) in [
            ("fact = \"M2\"", "fact = \"M9\"", "no fact `M9`"),
            ("fact = \"M2\"", "fact = \"P1\"", "is answered by `police`"),
            ("\"spouse\"", "\"wife\"", "no role `wife`"),
            ("\"married\"", "\"wed\"", "no attribute `wed`"),
            (GRANTS, "mask = { registered_on = \"name\" }", "mask `name` does not fit"),
            (
                GRANTS,
                "limits = { married = { comparisons = [\"ge\"] } }",
                "no kind that `ge` compares",
            ),
            (GRANTS, "limits = { married = { multiple_of = 5 } }", "for whole numbers"),
            (GRANTS, "limits = { married = { values = [\"yes\"] } }", "1 of the values that limit"),
            ("\"W3\"", "\"W9\"", "no item `W9`"),
            ("\"W3\"", "\"W4\"", "does not use the fact `M2`"),
            ("\"marriage_certificate\"", "\"passport\"", "asks for `passport`"),
        ] {
            assert!(DRAFT.contains(good), "{good}");
            let bad = if good == GRANTS { format!("{GRANTS}\n{bad}") } else { bad.to_owned() };
            let terms = Terms::parse(Path::new("d"), &DRAFT.replacen(good, &bad, 1)).unwrap();
            let problems = against_catalogue(&terms, &catalogue);
            assert!(problems.iter().any(|found| found.contains(problem)), "{bad}: {problems:?}");
        }
    }
}
