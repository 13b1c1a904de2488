//! Values that leave in part only.

use serde::{Deserialize, Serialize};

use crate::query::value::Value;

/// What is left of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mask {
    /// Of a name its first character, and a `*` for each other: 张* for 张伟.
    Name,
    /// Of a number its last four characters, and a `*` for each other. One of up to eight characters is hidden whole.
    Number,
    /// Of a date its year.
    Year,
    /// Of a date its month.
    Month,
}

impl Mask {
    /// Stable name, as agreements write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Number => "number",
            Self::Year => "year",
            Self::Month => "month",
        }
    }

    /// The mask of that stable name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Name, Self::Number, Self::Year, Self::Month]
            .into_iter()
            .find(|mask| mask.name() == name)
    }

    /// What is left of the value; `None` when the mask does not fit it, and then nothing may leave.
    pub fn of(self, value: &Value) -> Option<Value> {
        match (self, value) {
            (Self::Name, Value::Text(text)) => Some(Value::Text(starred(text, 1, 0))),
            (Self::Number, Value::Text(text)) => {
                let kept = if text.chars().count() > 8 { 4 } else { 0 };
                Some(Value::Text(starred(text, 0, kept)))
            }
            (Self::Year, Value::Date(date)) => Some(Value::Date(date.get(..4)?.to_owned())),
            (Self::Month, Value::Date(date)) => Some(Value::Date(date.get(..7)?.to_owned())),
            _ => None,
        }
    }
}

/// The text with a `*` for every character but the first and the last few.
fn starred(text: &str, first: usize, last: usize) -> String {
    let count = text.chars().count();
    // A text as short as what is kept of it would leave whole.
    let (first, last) = if first + last < count { (first, last) } else { (0, 0) };
    text.chars()
        .enumerate()
        .map(|(at, character)| if at < first || at + last >= count { character } else { '*' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_masked_cannot_be_read() {
        let text = |text: &str| Value::Text(text.to_owned());
        let date = |date: &str| Value::Date(date.to_owned());
        for (mask, value, left) in [
            (Mask::Name, text("张伟"), Some(text("张*"))),
            (Mask::Name, text("欧阳娜娜"), Some(text("欧***"))),
            (Mask::Name, text("张"), Some(text("*"))),
            (Mask::Name, text(""), Some(text(""))),
            (Mask::Number, text("430102199003070017"), Some(text("**************0017"))),
            (Mask::Number, text("12345678"), Some(text("********"))),
            (Mask::Year, date("2018-05-20"), Some(date("2018"))),
            (Mask::Month, date("2018-05-20"), Some(date("2018-05"))),
            (Mask::Month, date("2018"), None),
            (Mask::Year, text("2018-05-20"), None),
            (Mask::Name, Value::Integer(7), None),
        ] {
            assert_eq!(mask.of(&value), left, "{}", mask.name());
        }
    }

    #[test]
    fn names_are_stable() {
        for mask in [Mask::Name, Mask::Number, Mask::Year, Mask::Month] {
            assert_eq!(Mask::from_name(mask.name()), Some(mask));
        }
        assert_eq!(Mask::from_name("hash"), None);
    }
}
