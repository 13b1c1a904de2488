//! Conditions: when a question or a need applies.

use toml::Spanned;

use super::super::form::ConditionRecord;
use super::super::{Condition, On};
use super::Reading;
use crate::catalogue::load::Literal;
use crate::query::subject::IdentityDocument;
use crate::query::value::{Value, Verdict};

impl Reading<'_, '_> {
    pub(super) fn condition(&mut self, record: &Spanned<ConditionRecord>) -> Option<Condition> {
        let condition = record.get_ref();
        let named = [&condition.question, &condition.given, &condition.party, &condition.external];
        let on = if named.iter().filter(|name| name.is_some()).count() == 1 {
            self.on(condition)
        } else {
            Err("a condition has one of `question`, `given`, `party`, `external`".to_owned())
        };
        match on {
            Ok(on) => Some(Condition { on, not: condition.not }),
            Err(problem) => {
                self.page.flaw(record, problem);
                None
            }
        }
    }

    pub(super) fn on(&self, record: &ConditionRecord) -> Result<On, String> {
        if let Some(name) = &record.question {
            let verdicts: Option<Vec<Verdict>> = record.is.iter().map(Literal::verdict).collect();
            return match verdicts {
                Some(verdicts) if !verdicts.is_empty() => Ok(On::Question(name.clone(), verdicts)),
                _ => Err("`is` lists verdicts, such as \"CONFIRMED\"".to_owned()),
            };
        }
        if let Some(name) = &record.given {
            let given = self
                .rule
                .given(name)
                .ok_or_else(|| format!("there is no stated value `{name}`"))?;
            if given.optional {
                return Err(format!(
                    "`{name}` may be left out, and what hangs on it would fall away unseen"
                ));
            }
            let values: Vec<Value> =
                record.is.iter().map(|literal| literal.value(Some(&given.kind))).collect();
            return if !values.is_empty() && values.iter().all(|value| given.kind.admits(value)) {
                Ok(On::Given(name.clone(), values))
            } else {
                Err(format!("`is` lists values of the type {}", given.kind.name()))
            };
        }
        if let Some(name) = &record.external {
            return match self.rule.external(name) {
                Some(_) => Ok(On::External(name.clone())),
                None => Err(format!("there is no evidence `{name}`")),
            };
        }
        let name = record.party.clone().unwrap_or_default();
        let party = self.rule.party(&name).ok_or_else(|| format!("there is no party `{name}`"))?;
        match (record.document.is_empty(), record.registrar.is_empty(), party.kind.as_str()) {
            (true, true, _) => Ok(On::Party(name)),
            (false, true, "person") => {
                let kinds: Option<Vec<IdentityDocument>> =
                    record.document.iter().map(|kind| IdentityDocument::from_name(kind)).collect();
                kinds.map(|kinds| On::Document(name, kinds)).ok_or_else(|| {
                    "`document` lists kinds of identity document, such as \"citizen_id\"".to_owned()
                })
            }
            (true, false, "employer") => Ok(On::Registrar(name, record.registrar.clone())),
            _ => Err("`document` belongs to persons, `registrar` to employers".to_owned()),
        }
    }
}
