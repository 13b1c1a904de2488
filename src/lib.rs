//! heyan 核验: a gateway through which one public agency asks another a question, gets a small honest answer,
//! and leaves evidence that cannot be quietly changed.
//!
//! The modules below stand in the order a request passes them; then those of the auditors, the vocabulary, and what
//! it takes to run it. `docs/ARCHITECTURE.md` is the map.

// The request's path.
pub mod listener;
pub mod workers;
pub mod identity;
pub mod accounts;
pub mod service;
pub mod gateway;
pub mod decision;
pub mod agreements;
pub mod cache;
pub mod adapters;
pub mod audit;
pub mod vault;
pub mod disputes;

// The auditors.
pub mod replay;
pub mod rehearse;
pub mod report;
pub mod evidence;
pub mod readiness;

// The vocabulary.
pub mod catalogue;
pub mod cases;
pub mod parties;
pub mod query;
pub mod clock;
pub mod crypto;
pub mod finding;
pub mod proto;
pub mod wire;

// Running it.
pub mod settings;
pub mod telemetry;
pub mod admin;
pub mod client;
pub mod pki;
pub mod cli;

// A province to try it on, and an agency that does everything wrong.
pub mod simulate;
pub mod hostile;
