//! Assertions and the values in them, which may be computed.

use toml::Spanned;

use super::super::form::{AssertedRecord, ComputedRecord, OperandRecord, Threshold};
use super::super::{Asserted, Operand, Round, Scale};
use super::Reading;
use crate::catalogue::{AttributeKind, Fact};
use crate::query::value::{Assertion, Value};

impl Reading<'_, '_> {
    pub(super) fn asserted(
        &mut self,
        record: &Spanned<AssertedRecord>,
        fact: Option<&Fact>,
    ) -> Asserted {
        let kind = fact
            .and_then(|fact| fact.attribute(&record.get_ref().attribute))
            .map(|attribute| attribute.kind.clone());
        let values: Vec<Operand> = record
            .get_ref()
            .values
            .iter()
            .filter_map(|value| self.operand(value, kind.as_ref(), record))
            .collect();
        let asserted = Asserted {
            attribute: record.get_ref().attribute.clone(),
            comparison: record.get_ref().comparison,
            values,
            is_month: kind == Some(AttributeKind::Month),
        };
        if let Some(fact) = fact {
            let tried = Assertion {
                attribute: asserted.attribute.clone(),
                comparison: asserted.comparison,
                values: asserted
                    .values
                    .iter()
                    .map(|value| self.example(value, kind.as_ref()))
                    .collect(),
            };
            if let Err((field, check)) = fact.check_assertion(&tried) {
                self.page.flaw(
                    record,
                    format!(
                        "`{field}` does not fit the attribute `{}` of `{}` ({check})",
                        asserted.attribute, fact.code
                    ),
                );
            }
        }
        asserted
    }

    /// A value of the operand's type, to hold against the attribute's.
    pub(super) fn example(&self, operand: &Operand, kind: Option<&AttributeKind>) -> Value {
        match operand {
            Operand::Literal(value) => value.clone(),
            Operand::NumberOf(_) => Value::Text(String::new()),
            Operand::Parameter(_) | Operand::Scaled(..) => Value::Integer(0),
            Operand::MonthsAgo(_) if kind == Some(&AttributeKind::Month) => {
                Value::Date("2026-09".to_owned())
            }
            Operand::MonthsAgo(_) | Operand::DaysAgo(_) => Value::Date("2026-09-20".to_owned()),
            Operand::Given(name) => match self.rule.given(name).map(|given| &given.kind) {
                Some(AttributeKind::Truth) => Value::Truth(true),
                Some(AttributeKind::Integer) => Value::Integer(0),
                Some(AttributeKind::Date) => Value::Date("2026-09-20".to_owned()),
                Some(AttributeKind::Month) => Value::Date("2026-09".to_owned()),
                Some(AttributeKind::Code(codes)) => {
                    Value::Text(codes.first().cloned().unwrap_or_default())
                }
                _ => Value::Text(String::new()),
            },
        }
    }

    pub(super) fn operand<T>(
        &mut self,
        record: &OperandRecord,
        kind: Option<&AttributeKind>,
        at: &Spanned<T>,
    ) -> Option<Operand> {
        match record {
            OperandRecord::Literal(literal) => Some(Operand::Literal(literal.value(kind))),
            OperandRecord::Computed(computed) => {
                let operand = self.computed(computed);
                if operand.is_none() {
                    self.page.flaw(at, "a computed value is one of `parameter`, `given`, `number_of` (one property or paper), `months_ago`, `days_ago`, and names what the rule has; `times`, `over` and `step` are for whole numbers, with `round` where there can be a rest".to_owned());
                }
                operand
            }
        }
    }

    fn computed(&self, record: &ComputedRecord) -> Option<Operand> {
        let number = |threshold: &Threshold| match threshold {
            Threshold::Number(number) => Some(*number),
            Threshold::Parameter(name) => self.rule.parameters.get(name).copied(),
        };
        let ways = [
            record.parameter.as_ref().map(|name| {
                self.rule.parameters.get(name).map(|_| Operand::Parameter(name.clone()))
            }),
            record
                .given
                .as_ref()
                .map(|name| self.rule.given(name).map(|_| Operand::Given(name.clone()))),
            record.number_of.as_ref().map(|name| self.number_of(name)),
            record.months_ago.as_ref().map(|months| number(months).map(Operand::MonthsAgo)),
            record.days_ago.as_ref().map(|days| number(days).map(Operand::DaysAgo)),
        ];
        let mut ways = ways.into_iter().flatten();
        let (Some(operand), None) = (ways.next()?, ways.next()) else { return None };
        let factors = [&record.times, &record.over, &record.step];
        if factors.iter().all(|factor| factor.is_none()) && record.round.is_none() {
            return Some(operand);
        }
        let positive = |factor: &Option<Threshold>| match factor {
            None => Some(1),
            Some(threshold) => number(threshold).filter(|&number| number > 0),
        };
        let is_whole = match &operand {
            Operand::Parameter(_) => true,
            Operand::Given(name) => {
                self.rule.given(name).is_some_and(|given| given.kind == AttributeKind::Integer)
            }
            _ => false,
        };
        let leaves_a_rest = record.over.is_some() || record.step.is_some();
        if !is_whole || leaves_a_rest != record.round.is_some() {
            return None;
        }
        let scale = Scale {
            times: positive(&record.times)?,
            over: positive(&record.over)?,
            step: positive(&record.step)?,
            round: record.round.unwrap_or(Round::Down),
        };
        Some(Operand::Scaled(Box::new(operand), scale))
    }

    /// Of one property or paper. A person's number is asked about, never held against a record's.
    fn number_of(&self, name: &str) -> Option<Operand> {
        let party = self.rule.party(name)?;
        let has_one = matches!(party.kind.as_str(), "property" | "document") && !party.many;
        has_one.then(|| Operand::NumberOf(name.to_owned()))
    }
}
