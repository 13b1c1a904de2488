//! The JSON Schema of the form: what editors complete and check a draft with.

/// JSON Schema, draft 2020-12. It sees flaws of form; flaws of sense, such as an end before the beginning, it cannot.
pub const JSON_SCHEMA: &str =
    include_str!("../../../config-example/agreements/agreement.schema.json");

#[cfg(test)]
mod tests;
