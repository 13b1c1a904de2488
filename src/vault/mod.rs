//! The vault: what was asked and answered, sealed beside the tree; opened one field at a time, erased for good.
//!
//! A sealed record lies in the log's frames, outside the tree: the tree holds its digest only. Each field is encrypted
//! with a key of its own; those keys come from the entry's seed, the seed is wrapped under the key of its day, and the
//! day's keys lie in a folder apart from the log. Destroying a day's key closes its records for ever, wherever copies
//! of the log may be; to erase one entry, the day's other seeds are wrapped anew first. `docs/vault.md` has the formats.
//!
//! Two powers, two master keys: one opens, one only finds. Whoever searches by subject needs
//! [`subject::Identifier::parse`], [`find::Finder`] and, for entries with their records, [`crate::audit::records`]:
//!
//! ```no_run
//! # fn f() -> Result<(), Box<dyn std::error::Error>> {
//! use std::path::Path;
//! use heyan::audit::{entry, records};
//! use heyan::vault::{find::{Finder, Match}, master::{Master, Power}, subject::Identifier};
//!
//! let log = Path::new("log");
//! let master = Master::read(Path::new("keys/vault-subject.key"), Power::Find)?;
//! let mut finder = Finder::new(log, Path::new("/mnt/vault"), master)?;
//! let wanted = [Identifier::parse("citizen_id:110101199003070011")?];
//! records::each(log, 0, &mut |index, bytes, private| {
//!     let entry = entry::decode(bytes).map_err(std::io::Error::other)?;
//!     if finder.is_about(index, &entry, private, &wanted).map_err(std::io::Error::other)? == Match::Yes {
//!         println!("{index}");
//!     }
//!     Ok::<(), std::io::Error>(())
//! })??;
//! # Ok(()) }
//! ```

mod error;
pub mod record;
pub mod subject;
mod seal;
pub mod master;
mod keys;
mod tables;
mod live;
pub mod open;
pub mod find;
pub mod erase;

#[cfg(test)]
mod tests;

pub use crate::audit::{day, vaulting as history};

pub use self::error::VaultError;
pub use self::keys::KeyFolder;
pub use self::live::{Keys, Sealed, Vault};
pub use self::seal::{Place, Stage};
