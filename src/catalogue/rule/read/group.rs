//! Groups: who belongs to one, and which question tells.

use toml::Spanned;

use super::super::form::{GroupRecord, RuleRecord, Threshold};
use super::super::{Found, From, Group, ToldBy};
use super::Reading;
use crate::catalogue::AttributeKind;
use crate::query::value::Verdict;

impl Reading<'_, '_> {
    pub(super) fn group(&mut self, record: &GroupRecord) -> Option<Group> {
        let from = match (&record.found_by, record.of.is_empty()) {
            (None, false) => {
                From::Together(record.of.iter().map(|name| name.get_ref().clone()).collect())
            }
            (Some(question), true) => self.found(record, question)?,
            _ => {
                self.page.flaw(&record.name, "a group has either `of` or `found_by`".to_owned());
                return None;
            }
        };
        Some(Group { name: record.name.get_ref().clone(), title_zh: record.title_zh.clone(), from })
    }

    pub(super) fn found(
        &mut self,
        record: &GroupRecord,
        question: &Spanned<String>,
    ) -> Option<From> {
        let told_by = match (&record.person, &record.people) {
            (Some(person), None) => ToldBy::Person {
                name: person.get_ref().name.clone(),
                number: person.get_ref().number.clone(),
            },
            (None, Some(attribute)) => ToldBy::People(attribute.get_ref().clone()),
            _ => {
                self.page.flaw(
                    &record.name,
                    "what is found needs either `person` or `people`: the attributes that say who"
                        .to_owned(),
                );
                return None;
            }
        };
        if let Some(declared) = &record.declared {
            let is_person =
                self.rule.party(declared.get_ref()).is_some_and(|party| party.kind == "person");
            if !is_person {
                self.page
                    .flaw(declared, format!("`{}` is no party of persons", declared.get_ref()));
            }
        }
        if let Some(evidence) = &record.nobody_with
            && self.rule.external(evidence.get_ref()).is_none()
        {
            self.page.flaw(evidence, format!("there is no evidence `{}`", evidence.get_ref()));
        }
        // That nobody is married means: no spouse. That a household has no member does not mean: no children.
        let nobody_when = match (&record.nobody_when, &told_by) {
            (Some(verdicts), _) => verdicts.clone(),
            (None, ToldBy::Person { .. }) => vec![Verdict::Refuted],
            (None, ToldBy::People(_)) => Vec::new(),
        };
        if nobody_when
            .iter()
            .any(|verdict| !matches!(verdict, Verdict::Refuted | Verdict::Confirmed))
        {
            self.page.flaw(&record.name, "`nobody_when` can hold CONFIRMED and REFUTED only: silence is no answer; see `nobody_with`".to_owned());
        }
        Some(From::Found(Found {
            question: question.get_ref().clone(),
            told_by,
            declared: record.declared.as_ref().map(|name| name.get_ref().clone()),
            shown_by: record.shown_by.as_ref().map(|name| name.get_ref().clone()),
            nobody_when,
            nobody_with: record.nobody_with.as_ref().map(|name| name.get_ref().clone()),
            younger_than: record.younger_than.as_ref().and_then(|years| self.threshold(years)),
        }))
    }

    /// The number, or the parameter's.
    pub(super) fn threshold(&mut self, threshold: &Spanned<Threshold>) -> Option<i64> {
        let number = match threshold.get_ref() {
            Threshold::Number(number) => Some(*number),
            Threshold::Parameter(name) => self.rule.parameters.get(name).copied(),
        };
        if number.is_none_or(|number| !(0..=36_500).contains(&number)) {
            self.page.flaw(
                threshold,
                "this is neither a sensible number nor a name of `parameters`".to_owned(),
            );
        }
        number
    }

    /// Groups refer to questions, which are read after them.
    pub(super) fn groups_told(&mut self, record: &RuleRecord) {
        for group in &record.group {
            for of in &group.of {
                let name = of.get_ref();
                let persons = self.rule.party(name).is_some_and(|party| party.kind == "person");
                if !persons && self.rule.group(name).is_none() {
                    self.page
                        .flaw(of, format!("`{name}` is neither a party of persons nor a group"));
                }
            }
            for named in [&group.found_by, &group.shown_by].into_iter().flatten() {
                if self.rule.question(named.get_ref()).is_none() {
                    self.page.flaw(named, format!("there is no question `{}`", named.get_ref()));
                }
            }
            self.told(group);
        }
    }

    /// The attributes that say who must be asked for.
    pub(super) fn told(&mut self, group: &GroupRecord) {
        let question = group.found_by.as_ref().and_then(|name| self.rule.question(name.get_ref()));
        let Some(question) = question else { return };
        let mut missing = Vec::new();
        let wanted: Vec<(&str, bool)> = match (&group.person, &group.people) {
            (Some(person), _) => {
                vec![
                    (person.get_ref().name.as_str(), false),
                    (person.get_ref().number.as_str(), false),
                ]
            }
            (None, Some(people)) => vec![(people.get_ref().as_str(), true)],
            (None, None) => Vec::new(),
        };
        for (attribute, people) in wanted {
            let fact = self.around.and_then(|around| around.facts.get(&question.fact));
            let fits = fact
                .and_then(|fact| fact.attribute(attribute))
                .is_none_or(|attribute| (attribute.kind == AttributeKind::People) == people);
            if !question.disclose.iter().any(|name| name == attribute) {
                missing.push(format!(
                    "`{}` must `disclose` the attribute `{attribute}`",
                    question.name
                ));
            } else if !fits {
                missing.push(format!("the attribute `{attribute}` does not say who it is"));
            }
        }
        for problem in missing {
            self.page.flaw(&group.name, problem);
        }
    }
}
