//! Identity numbers and their checks.
