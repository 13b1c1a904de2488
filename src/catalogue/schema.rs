//! The JSON Schemas of the catalogue's files of facts and items; that of rules is [`super::rule::schema`].

/// JSON Schema, draft-07, of a file of facts.
pub const FACTS: &str = include_str!("../../config-example/catalogue/facts.schema.json");

/// JSON Schema, draft-07, of a file of items.
pub const ITEMS: &str = include_str!("../../config-example/catalogue/items.schema.json");
