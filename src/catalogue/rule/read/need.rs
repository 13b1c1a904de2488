//! Needs: what shows each, and what to bring.

use std::collections::BTreeSet;

use toml::Spanned;

use super::super::form::{NeedRecord, RuleRecord};
use super::super::{By, Need, Rule};
use super::Reading;

impl Reading<'_, '_> {
    pub(super) fn need(&mut self, record: &NeedRecord) -> Option<Need> {
        let names = |names: &Vec<Spanned<String>>| {
            names.iter().map(|name| name.get_ref().clone()).collect::<Vec<_>>()
        };
        let ways = [
            record.question.is_some(),
            record.given.is_some(),
            record.external.is_some(),
            record.complete.is_some(),
            record.any.is_some(),
            record.all.is_some(),
        ];
        if ways.into_iter().filter(|&way| way).count() != 1 {
            self.page.flaw(
                &record.name,
                "a need has one of `question`, `given`, `external`, `complete`, `any`, `all`"
                    .to_owned(),
            );
            return None;
        }
        if [&record.any, &record.all].into_iter().flatten().any(Vec::is_empty) {
            self.page
                .flaw(&record.name, "a need made of no other needs would always hold".to_owned());
        }
        let mut named = BTreeSet::new();
        for part in [&record.any, &record.all].into_iter().flatten().flatten() {
            if !named.insert(part.get_ref()) {
                self.page.flaw(part, format!("the need `{}` is named twice", part.get_ref()));
            }
        }
        let by = if let Some(question) = &record.question {
            By::Question(question.get_ref().clone())
        } else if let Some(given) = &record.given {
            self.stated(record, given)?
        } else if let Some(external) = &record.external {
            By::External(external.get_ref().clone())
        } else if let Some(group) = &record.complete {
            By::Complete(group.get_ref().clone())
        } else if let Some(any) = &record.any {
            By::Any(names(any))
        } else {
            By::All(record.all.as_ref().map(names).unwrap_or_default())
        };
        self.bring(record);
        Some(Need {
            name: record.name.get_ref().clone(),
            title: record.title.clone(),
            title_zh: record.title_zh.clone(),
            by,
            when: record.when.iter().filter_map(|condition| self.condition(condition)).collect(),
            bring: names(&record.bring),
        })
    }

    pub(super) fn stated(&mut self, record: &NeedRecord, given: &Spanned<String>) -> Option<By> {
        let kind = self.rule.given(given.get_ref()).map(|given| given.kind.clone());
        let (Some(kind), Some(comparison), Some(value)) = (kind, record.comparison, &record.value)
        else {
            self.page.flaw(
                given,
                "a need by `given` names a stated value, a `comparison` and a `value`".to_owned(),
            );
            return None;
        };
        let value = self.operand(value, Some(&kind), given)?;
        if value.party().is_some() {
            let problem = "a need by `given` takes no `number_of`: let a question assert it";
            self.page.flaw(given, problem.to_owned());
        }
        if !kind.compares(comparison) || !kind.admits(&self.example(&value, Some(&kind))) {
            self.page.flaw(
                given,
                format!("the comparison does not fit values of the type {}", kind.name()),
            );
        }
        Some(By::Given { name: given.get_ref().clone(), comparison, value })
    }

    pub(super) fn bring(&mut self, record: &NeedRecord) {
        for code in &record.bring {
            let known = self.rule.external(code.get_ref()).is_some()
                || self
                    .around
                    .is_none_or(|around| around.item.materials.contains_key(code.get_ref()));
            if !known {
                self.page.flaw(
                    code,
                    format!(
                        "`{}` is neither a material of the item nor evidence of the rule",
                        code.get_ref()
                    ),
                );
            }
        }
    }

    /// Needs refer to questions, evidence, groups and each other; conditions to questions.
    pub(super) fn needs_named(&mut self, record: &RuleRecord) {
        for need in &record.need {
            let mut look = |name: &Option<Spanned<String>>,
                            known: &dyn Fn(&Rule, &str) -> bool,
                            what: &str| {
                if let Some(name) = name
                    && !known(&self.rule, name.get_ref())
                {
                    self.page.flaw(name, format!("there is no {what} `{}`", name.get_ref()));
                }
            };
            look(&need.question, &|rule, name| rule.question(name).is_some(), "question");
            look(&need.external, &|rule, name| rule.external(name).is_some(), "evidence");
            look(&need.complete, &|rule, name| rule.group(name).is_some(), "group");
            for name in need.any.iter().chain(&need.all).flatten() {
                if self.rule.need(name.get_ref()).is_none() {
                    self.page.flaw(name, format!("there is no need `{}`", name.get_ref()));
                }
            }
        }
        let asked = record.question.iter().flat_map(|question| &question.when);
        for condition in asked.chain(record.need.iter().flat_map(|need| &need.when)) {
            if let Some(name) = &condition.get_ref().question
                && self.rule.question(name).is_none()
            {
                self.page.flaw(condition, format!("there is no question `{name}`"));
            }
        }
    }
}
