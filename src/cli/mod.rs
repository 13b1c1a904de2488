//! The commands.

pub mod agreement;
pub mod pki;
