//! Signing outside: with keys that this program never sees.
