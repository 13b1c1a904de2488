//! The vault over real files.
