//! `heyan agreement`: sign, verify and show agreements.
