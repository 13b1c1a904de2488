//! The schemas and the readers are two writings of one thing.
