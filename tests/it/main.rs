//! The one binary of integration tests: linking the crate once costs less than linking it per file.
//!
//! All but `tidy` look at a gateway from outside: real sockets, real certificates, six simulated agencies; each test holds
//! the reply against what it must be, and the entry too.

#[cfg(test)]
mod tidy;

#[cfg(test)]
mod support;

#[cfg(test)]
mod request_path;
#[cfg(test)]
mod recorded;
#[cfg(test)]
mod renewed;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod denials;
#[cfg(test)]
mod quotas;
#[cfg(test)]
mod agreed;
#[cfg(test)]
mod receipts;
#[cfg(test)]
mod trouble;
#[cfg(test)]
mod vault;
#[cfg(test)]
mod privacy;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod door;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod agreements;
#[cfg(test)]
mod agreement_pages;
#[cfg(test)]
mod catalogue_commands;
#[cfg(test)]
mod signing_keys;
#[cfg(test)]
mod orders;
#[cfg(test)]
mod given;
#[cfg(test)]
mod publish;
#[cfg(test)]
mod reloading;
#[cfg(test)]
mod one_adapter;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod overload;
#[cfg(test)]
mod under_way;
#[cfg(test)]
mod replayed;
#[cfg(test)]
mod batch;
#[cfg(test)]
mod strangers;
#[cfg(test)]
mod whole;
#[cfg(test)]
mod cases;
#[cfg(test)]
mod disputes;
#[cfg(test)]
mod tutorial;
#[cfg(test)]
mod rehearse;
#[cfg(test)]
mod rotation;
#[cfg(test)]
mod hangup;
#[cfg(test)]
mod log;
#[cfg(test)]
mod second_verifier;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod jose;
#[cfg(test)]
mod mutations;
#[cfg(test)]
mod audit_commands;
#[cfg(test)]
mod log_crashes;
#[cfg(test)]
mod wire;
#[cfg(test)]
mod adapters;
#[cfg(test)]
mod workbench;
#[cfg(test)]
mod live;
#[cfg(test)]
mod adapter_pages;
#[cfg(test)]
mod programs;
#[cfg(test)]
mod readiness;
#[cfg(test)]
mod people;
#[cfg(test)]
mod cli;
