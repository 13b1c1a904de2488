//! The JSON Schemas of manifests and fixtures: what editors complete and check them with, and what their reference is made of.
//!
//! They see flaws of form. What an expression says, whether the catalogue has a fact, or a secret its name, only
//! `heyan adapter check` sees.

mod node;
mod reference;
mod tables;

pub use self::reference::reference;

/// JSON Schema (draft-07, which editors of TOML know) of a manifest.
pub const MANIFEST: &str = include_str!("../../../config-example/adapters/manifest.schema.json");

/// JSON Schema (draft-07) of a file of fixtures.
pub const FIXTURE: &str = include_str!("../../../config-example/adapters/fixture.schema.json");

#[cfg(test)]
mod tests;
