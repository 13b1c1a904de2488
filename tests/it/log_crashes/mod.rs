//! The log against the machine: killed at random, its disk shut off, its flushes failing, its disk full.
//!
//! A small process, this very program started again, appends as fast as it can and prints every receipt. What it has
//! printed was promised, and must be in the log afterwards, byte for byte and provably.

mod appender;
mod client;
mod killed;
mod machine;
mod privileged;
