//! How far an attribute may be asserted about: with which comparisons, against which values.
//!
//! Whoever may ask "at least?" with any number learns the number by asking often enough. A limit to a few values, or to
//! coarse steps, keeps an assertion what it is meant to be: one bit about a rule of an item.

use super::set::Word;
use crate::query::value::{Assertion, Comparison, Value};

/// The limit of one attribute in one clause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The attribute.
    pub attribute: Word,
    /// The only comparisons that may be used; empty is every one.
    pub comparisons: Vec<Comparison>,
    /// The only values that may be compared with; empty is every one.
    pub values: Vec<Value>,
    /// Numbers compared with must be whole multiples of this.
    pub multiple_of: Option<i64>,
}

impl Limit {
    /// True when it says something about values, and so something that [`Limit::admits`] must have looked at.
    pub fn is_about_values(&self) -> bool {
        !self.values.is_empty() || self.multiple_of.is_some()
    }

    /// True when every value of the assertion is one that may be compared with.
    pub fn admits(&self, assertion: &Assertion) -> bool {
        assertion.values.iter().all(|value| {
            let is_listed = self.values.is_empty() || self.values.contains(value);
            let is_step = match (self.multiple_of, value) {
                (None, _) => true,
                (Some(step), Value::Integer(number)) => number.checked_rem(step) == Some(0),
                (Some(_), _) => false,
            };
            is_listed && is_step
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(values: &[i64], multiple_of: Option<i64>) -> Limit {
        let values = values.iter().copied().map(Value::Integer).collect();
        Limit { attribute: "months".into(), comparisons: vec![], values, multiple_of }
    }

    fn with(values: &[i64]) -> Assertion {
        Assertion {
            attribute: "months".to_owned(),
            comparison: Comparison::Ge,
            values: values.iter().copied().map(Value::Integer).collect(),
        }
    }

    #[test]
    fn values_and_steps_are_kept_to() {
        let listed = limit(&[6, 12], None);
        assert!(listed.is_about_values() && listed.admits(&with(&[6])));
        assert!(listed.admits(&with(&[6, 12])) && !listed.admits(&with(&[6, 7])));
        let stepped = limit(&[], Some(100));
        assert!(stepped.admits(&with(&[300])) && !stepped.admits(&with(&[350])));
        assert!(!limit(&[], Some(0)).admits(&with(&[0])));
        let text = Assertion { values: vec![Value::Text("100".into())], ..with(&[]) };
        assert!(!stepped.admits(&text));
        assert!(!limit(&[], None).is_about_values() && limit(&[], None).admits(&with(&[7])));
    }
}
