//! A value of TOML as JSON.

use serde_json::Value as Json;
use toml::de::DeValue;

/// Text, numbers, truths, tables and arrays; `None` for a date, or a number that JSON cannot hold.
pub(super) fn constant(value: &DeValue<'_>) -> Option<Json> {
    Some(match value {
        DeValue::String(text) => Json::from(text.as_ref()),
        DeValue::Integer(digits) => {
            Json::from(i64::from_str_radix(digits.as_str(), digits.radix()).ok()?)
        }
        DeValue::Float(digits) => {
            Json::from(digits.as_str().parse::<f64>().ok().filter(|f| f.is_finite())?)
        }
        DeValue::Boolean(truth) => Json::from(*truth),
        DeValue::Array(items) => {
            Json::Array(items.iter().map(|item| constant(item.get_ref())).collect::<Option<_>>()?)
        }
        DeValue::Table(table) => Json::Object(
            table
                .iter()
                .map(|(key, value)| Some((key.get_ref().to_string(), constant(value.get_ref())?)))
                .collect::<Option<_>>()?,
        ),
        DeValue::Datetime(_) => return None,
    })
}
