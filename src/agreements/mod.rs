//! Where agreements come from: drafts in TOML, signed documents, folders of them; and the orders of their parties.

pub mod terms;
pub mod document;
pub mod signatures;
pub mod directory;
pub mod order;
mod fit;
#[cfg(test)]
mod granted_tests;
mod json;
mod moment;
pub mod targets;

pub use fit::against_catalogue;
