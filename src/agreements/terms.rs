//! What an agreement says, as its authors write it: the same keys in a TOML draft and in the signed JSON payload.
