//! A front-end database.
