//! What one entry says, and its stored bytes. The bytes are what is hashed; nobody re-encodes them later.

mod case;
mod dispute;
pub mod skim;
mod wire;

use prost::Message;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use self::case::{CaseClosed, RuleEvent};
pub use self::dispute::{
    Dispute, DisputeAnswered, DisputeDelivery, DisputeOpened, DisputeRechecked, DisputeStep,
    Ground, Looked, Way,
};
use super::commitment::Field;
use crate::crypto::Digest;
use crate::decision::PermitRef;
use crate::decision::facts::Facts;
use crate::proto::audit::v1 as stored;
use crate::query::record::Unavailable;
use crate::query::time::Timestamp;
use crate::query::value::Verdict;

/// Version of the stored form that this program writes and reads.
pub const FORMAT: u32 = 1;

/// Largest stored entry in bytes: tlog-tiles counts an entry's length in 16 bits.
pub const MAX_BYTES: usize = 65_535;

/// One record of the log. Holds no personal data: persons appear as commitments only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When the request it records came in, or when the event happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: Kind,
}

/// The kinds of entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An agency is about to be asked.
    Intent(Box<Intent>),
    /// A question was answered.
    Outcome(Box<Outcome>),
    /// A question was denied.
    Denial(Box<Denied>),
    /// An agreement came into force or went out of it.
    Agreement(AgreementEvent),
    /// The party register changed.
    Party(PartyEvent),
    /// The gateway itself: created, started, stopped.
    Node(NodeEvent),
    /// The catalogue in use changed.
    Catalogue(CatalogueEvent),
    /// The rule of an item, before the catalogue that holds it.
    Rule(RuleEvent),
    /// An application was run to its end.
    Case(Box<CaseClosed>),
    /// A verdict is contested, or something came of that.
    Dispute(Dispute),
    /// An adapter came into use.
    Adapter(AdapterEvent),
    /// An agency stopped questions to itself, or lets them pass again.
    Freeze(FreezeEvent),
    /// A key of the log or of its vault came into use or went out of it.
    Key(KeyEvent),
    /// Sealed records were made unreadable for good.
    Erasure(Erasure),
}

impl Kind {
    /// What the decision looked at; `None` of what records no question.
    pub fn facts(&self) -> Option<&Facts> {
        match self {
            Self::Intent(intent) => Some(&intent.facts),
            Self::Outcome(outcome) => Some(&outcome.facts),
            Self::Denial(denied) => Some(&denied.facts),
            Self::Agreement(_)
            | Self::Party(_)
            | Self::Node(_)
            | Self::Catalogue(_)
            | Self::Rule(_)
            | Self::Case(_)
            | Self::Dispute(_)
            | Self::Adapter(_)
            | Self::Freeze(_)
            | Self::Key(_)
            | Self::Erasure(_) => None,
        }
    }

    /// What it commits to; `None` of what hides nothing.
    pub fn commitments(&self) -> Option<&Commitments> {
        match self {
            Self::Intent(intent) => Some(&intent.commitments),
            Self::Outcome(outcome) => Some(&outcome.commitments),
            Self::Denial(denied) => Some(&denied.commitments),
            Self::Dispute(dispute) => dispute.commitments(),
            Self::Case(closed) => closed.commitments.as_ref(),
            Self::Agreement(_)
            | Self::Party(_)
            | Self::Node(_)
            | Self::Catalogue(_)
            | Self::Rule(_)
            | Self::Adapter(_)
            | Self::Freeze(_)
            | Self::Key(_)
            | Self::Erasure(_) => None,
        }
    }

    /// SHA-256 of the sealed record beside the entry; empty where it has none.
    pub fn sealed(&self) -> &[u8] {
        let sealed = self.commitments().and_then(|commitments| commitments.sealed.as_ref());
        sealed.map_or(&[], |digest| digest)
    }
}

impl Commitments {
    /// The commitment to that field.
    pub fn of(&self, field: Field) -> Option<Digest> {
        match field {
            Field::Subject => self.subject,
            Field::Operator => self.operator,
            Field::Request => self.request,
            Field::Answer => self.answer,
        }
    }
}

/// The gateway is about to ask an agency. Durable before the question leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// What the decision looked at.
    pub facts: Facts,
    /// The clause that allows it.
    pub permit: PermitRef,
    /// Who and what, hidden.
    pub commitments: Commitments,
    /// Whom the gateway will ask through.
    pub adapter: AdapterRef,
}

/// What was answered. Durable before the answer leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What the decision looked at.
    pub facts: Facts,
    /// The clause that allows it.
    pub permit: PermitRef,
    /// Who and what, hidden.
    pub commitments: Commitments,
    /// The intent under which the agency was asked, for a cached answer the one that filled the cache; `None` when no
    /// agency was asked. Never index 0, which is the log's creation.
    pub intent: Option<u64>,
    /// Where the answer came from.
    pub source: Source,
    /// The whole answer's verdict.
    pub verdict: Verdict,
    /// When the agency's data was true; `None` when there is none.
    pub as_of: Option<Timestamp>,
    /// Names of the attributes whose values left.
    pub disclosed: Vec<String>,
    /// Those of them whose values left in part only.
    pub masked: Vec<String>,
    /// Attributes that the adapter returned beyond the permit and that were dropped.
    pub dropped: u32,
    /// Why there is no answer; present exactly when the verdict is UNAVAILABLE.
    pub unavailable: Option<Unavailable>,
    /// Positions of the subjects really checked.
    pub subjects_checked: Vec<u32>,
}

/// A question was denied. Durable before the denial leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// What the decision looked at.
    pub facts: Facts,
    /// Stable code of the denial.
    pub code: String,
    /// Who and what, hidden.
    pub commitments: Commitments,
}

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Asked for this question, or for an equal one at the same moment.
    Agency,
    /// Kept from an earlier question.
    Cache,
}

/// Hiding commitments (see [`super::commitment`]); `None` where there is nothing to commit to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commitments {
    /// The subjects.
    pub subject: Option<Digest>,
    /// The person at the caller's desk.
    pub operator: Option<Digest>,
    /// The whole request.
    pub request: Option<Digest>,
    /// The whole answer.
    pub answer: Option<Digest>,
    /// SHA-256 of the sealed record beside the tree.
    pub sealed: Option<Digest>,
}

/// An adapter, exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdapterRef {
    /// Name of its manifest.
    pub name: String,
    /// Version the manifest gives itself.
    pub version: String,
    /// SHA-256 of the manifest.
    pub digest: Digest,
}

/// A change of the agreements in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgreementEvent {
    /// In force from here on, beside other versions of the same id: a version goes out of force only by its own event.
    Adopted {
        /// Identifier.
        id: String,
        /// Version, from 1.
        version: u32,
        /// The signed document, byte for byte.
        document: Vec<u8>,
    },
    /// Out of force from here on, because the operator took the document away.
    Withdrawn {
        /// Identifier.
        id: String,
        /// Version, from 1.
        version: u32,
    },
    /// A party's signed order acts from here on.
    Ordered {
        /// Identifier.
        id: String,
        /// Version, from 1.
        version: u32,
        /// What the order does.
        effect: OrderEffect,
        /// The signed order, byte for byte.
        document: Vec<u8>,
    },
}

/// What one party's order does to an agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderEffect {
    /// Out of force until it is resumed.
    Suspended,
    /// In force again.
    Resumed,
    /// Out of force for good.
    Revoked,
}

/// An agency's order to stop questions to itself, or its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreezeEvent {
    /// What changed.
    pub change: FreezeChange,
    /// As it stands in the facts of decisions.
    pub name: String,
    /// The signed order, byte for byte.
    pub document: Vec<u8>,
}

/// What an order did to a freeze.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FreezeChange {
    /// Questions stop.
    Frozen,
    /// Questions pass again.
    Lifted,
}

/// A key of the log or of its vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyEvent {
    /// What the key is for.
    pub purpose: KeyPurpose,
    /// What happened to it.
    pub change: KeyChange,
    /// The log's verifier key, or the vault's day and version, such as `2026-11-23.1`.
    pub name: String,
    /// Of a new log key its announcement, signed by the key before it; otherwise empty.
    pub document: Vec<u8>,
}

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPurpose {
    /// Signs checkpoints.
    Log,
    /// Wraps the seeds of one day's sealed records.
    VaultDay,
}

/// What happened to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyChange {
    /// In use from here on.
    Begun,
    /// Out of use from here on; a vault's key is destroyed.
    Ended,
}

/// Which sealed records were made unreadable for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// What was erased.
    pub erased: Erased,
    /// Code of the legal ground. Never personal data.
    pub ground: String,
}

/// What was erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Erased {
    /// The records of single entries, ascending, at least one.
    Entries(Vec<u64>),
    /// A whole day's, China time, such as `2026-11-23`.
    Day(String),
}

/// A change of the party register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartyEvent {
    /// Entered, or replaced.
    Entered {
        /// The organisation's id.
        organisation: String,
        /// The register file, byte for byte.
        document: Vec<u8>,
    },
    /// Struck off.
    Removed {
        /// The organisation's id.
        organisation: String,
    },
}

/// The gateway itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeEvent {
    /// What it did.
    pub change: NodeChange,
    /// Version of the program.
    pub version: String,
}

/// What the gateway did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeChange {
    /// Made the log; entry 0 and no other.
    Created,
    /// Began to serve.
    Started,
    /// Ended in good order.
    Stopped,
}

/// The catalogue in use from here on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueEvent {
    /// SHA-256 over its files.
    pub digest: Digest,
    /// For people: how many facts and items.
    pub summary: String,
}

/// A change of how agencies are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdapterEvent {
    /// An adapter in use from here on.
    Placed {
        /// The adapter.
        adapter: AdapterRef,
        /// Codes of the facts it answers.
        facts: Vec<String>,
    },
    /// An adapter that is in use no more.
    Removed {
        /// Its name.
        name: String,
    },
}

impl AdapterEvent {
    /// The adapter's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Placed { adapter, .. } => &adapter.name,
            Self::Removed { name } => name,
        }
    }
}

/// Why bytes are no entry, or an entry no bytes.
#[derive(Debug, Error)]
pub enum EntryError {
    /// Larger than tlog-tiles allows.
    #[error("the entry takes {0} bytes; the log holds at most 65535 of one entry")]
    TooLarge(usize),
    /// Not the message at all.
    #[error("the bytes are no entry")]
    Undecodable(#[from] prost::DecodeError),
    /// Written by a newer program.
    #[error("the entry has format {0}; this program reads format 1")]
    Format(u32),
    /// A required part is absent.
    #[error("the entry lacks `{0}`")]
    Missing(&'static str),
    /// A part has a length or value that is not among those known.
    #[error("the entry's `{0}` has an unknown value")]
    Unknown(&'static str),
    /// Two parts contradict each other.
    #[error("the entry's `{0}` contradicts its other parts")]
    Contradiction(&'static str),
    /// Decoding and encoding again gives other bytes.
    #[error("the entry is not in its one canonical form")]
    NotCanonical,
}

/// The entry's stored bytes.
///
/// # Errors
/// When it would take more than [`MAX_BYTES`].
pub fn encode(entry: &Entry) -> Result<Vec<u8>, EntryError> {
    let bytes = wire::to_bytes(entry);
    if bytes.len() > MAX_BYTES { Err(EntryError::TooLarge(bytes.len())) } else { Ok(bytes) }
}

/// The entry of these stored bytes. Strict: an entry has exactly one byte form, so that two readers never disagree.
///
/// # Errors
/// When the bytes are anything but what [`encode`] makes.
pub fn decode(bytes: &[u8]) -> Result<Entry, EntryError> {
    if bytes.len() > MAX_BYTES {
        return Err(EntryError::TooLarge(bytes.len()));
    }
    let message = stored::Entry::decode(bytes)?;
    // Each message has one entry and each entry one form, so that these are the bytes `encode` makes.
    if message.encoded_len() != bytes.len() || message.encode_to_vec() != bytes {
        return Err(match wire::from_stored(message) {
            Ok(_) => EntryError::NotCanonical,
            Err(error) => error,
        });
    }
    wire::from_stored(message)
}

#[cfg(test)]
mod by_chance;
#[cfg(test)]
mod tests;
