//! Where agreements come from: drafts in TOML, signed documents, folders of them.

pub mod terms;
pub mod document;
pub mod directory;
mod fit;

pub use fit::against_catalogue;
