//! Write it down, then answer.
pub mod entry;
pub mod commitment;
pub mod tree;
pub mod note;
pub mod checkpoint;
pub mod receipt;
#[cfg(test)]
pub(crate) mod testing;
