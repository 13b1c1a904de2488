//! Where agreements come from: drafts in TOML, signed documents, folders of them; and the orders of their parties.

pub mod terms;
pub mod document;
pub mod directory;
pub mod order;
mod fit;
mod words;

pub use fit::against_catalogue;
