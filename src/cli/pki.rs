//! `heyan pki`: certificates and keys for trials.
