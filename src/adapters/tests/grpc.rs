//! A program of its own.
