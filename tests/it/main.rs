//! The one binary of integration tests: linking the crate once costs less than linking it per file.

#[cfg(test)]
mod tidy;
