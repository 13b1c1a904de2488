//! Names of people and employers, folded for comparison only.
