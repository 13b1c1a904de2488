//! The JSON Schema of a rule's file: what editors complete and check it with.

/// JSON Schema, draft-07, which editors of TOML know. It sees flaws of form; whether a name stands for anything it cannot.
pub const JSON_SCHEMA: &str = include_str!("../../../config-example/catalogue/rule.schema.json");

#[cfg(test)]
mod tests;
