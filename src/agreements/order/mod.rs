//! Orders: what one party alone may say about an agreement, and an agency about questions to itself. Pure.
//!
//! An order is signed like an agreement (see [`super::document`]), by the one organisation whose word it is. What
//! comes of it depends on what was ordered before: see [`standing`].

pub mod directory;
mod page;
pub mod standing;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::document::{self, DocumentError, Signed, Signer};
use super::json;
use crate::decision::freeze::Scope;
use crate::parties::Register;
use crate::query::time::Timestamp;
use crate::query::{FactCode, OrganisationId, identifier};

/// The media type in the protected header.
pub const TYPE: &str = "heyan-order+jws";

/// Version of the form of an order.
pub const SCHEMA: u32 = 1;

/// Longest reason, in characters: some sentences. What needs more has a file number.
const REASON_CHARS: usize = 500;

/// Why a document is no order.
#[derive(Debug, Error)]
pub enum OrderError {
    /// It is not a document whose signatures hold.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The payload is not the JSON of an order.
    #[error("the payload is not the JSON of an order")]
    Json(#[source] serde_json::Error),
    /// What it says makes no sense.
    #[error("{}", .0.join("; "))]
    Terms(Vec<String>),
    /// It is the word of one organisation, and of that one alone.
    #[error("it is an order of `{by}` and signed by {signers}", signers = signers.join(" and "))]
    Signers {
        /// Whose order it says it is.
        by: OrganisationId,
        /// Who has signed, in back-quotes.
        signers: Vec<String>,
    },
}

impl OrderError {
    /// The error and its causes in one line.
    pub fn in_full(&self) -> String {
        document::in_full(self)
    }
}

/// One order. The same keys as in the signed JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    schema: u32,
    kind: Kind,
    /// Unique among the orders of its organisation: each acts once.
    pub id: String,
    /// Whose order it is.
    pub by: OrganisationId,
    #[serde(deserialize_with = "super::moment::read")]
    at: jiff::Timestamp,
    #[serde(
        default,
        deserialize_with = "super::moment::read_some",
        skip_serializing_if = "Option::is_none"
    )]
    from: Option<jiff::Timestamp>,
    /// Why, for people. Never personal data.
    pub reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    agreement: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fact: Option<FactCode>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    caller: Option<OrganisationId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    freeze: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Suspend,
    Resume,
    Revoke,
    Freeze,
    Unfreeze,
}

/// What is ordered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// The agreement grants nothing until the same party resumes it.
    Suspend(Version),
    /// Ends the same party's suspension.
    Resume(Version),
    /// The agreement grants nothing any more.
    Revoke(Version),
    /// Questions of the scope are not put.
    Freeze(Scope),
    /// Ends the freeze that the same organisation ordered under this id.
    Unfreeze(String),
}

/// One version of one agreement.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// The agreement.
    pub agreement: String,
    /// From 1.
    pub version: u32,
}

impl Order {
    /// An order of this moment; its form is checked when it is signed.
    pub fn new(id: &str, by: &OrganisationId, at: Timestamp, reason: &str, act: &Act) -> Self {
        let mut order = Self {
            schema: SCHEMA,
            kind: Kind::Freeze,
            id: id.to_owned(),
            by: by.clone(),
            at: written(at),
            from: None,
            reason: reason.to_owned(),
            agreement: None,
            version: None,
            fact: None,
            caller: None,
            freeze: None,
        };
        let about = match act {
            Act::Suspend(about) => Some((Kind::Suspend, about)),
            Act::Resume(about) => Some((Kind::Resume, about)),
            Act::Revoke(about) => Some((Kind::Revoke, about)),
            Act::Freeze(scope) => {
                (order.fact, order.caller) = (scope.fact.clone(), scope.caller.clone());
                None
            }
            Act::Unfreeze(freeze) => {
                (order.kind, order.freeze) = (Kind::Unfreeze, Some(freeze.clone()));
                None
            }
        };
        if let Some((kind, Version { agreement, version })) = about {
            order.kind = kind;
            (order.agreement, order.version) = (Some(agreement.clone()), Some(*version));
        }
        order
    }

    /// The same order, which acts from that moment on and not at once.
    pub fn acting_from(self, from: Timestamp) -> Self {
        Self { from: Some(written(from)), ..self }
    }

    /// When it was given.
    pub fn at(&self) -> Timestamp {
        as_value(self.at)
    }

    /// From when it acts; `None` is from the moment it is recorded.
    pub fn acts_from(&self) -> Option<Timestamp> {
        self.from.map(as_value)
    }

    /// What it orders.
    ///
    /// # Errors
    /// Everything in it that makes no sense.
    pub fn act(&self) -> Result<Act, OrderError> {
        let mut flaws = self.flaws();
        let given = [
            ("agreement", self.agreement.is_some()),
            ("version", self.version.is_some()),
            ("fact", self.fact.is_some()),
            ("caller", self.caller.is_some()),
            ("freeze", self.freeze.is_some()),
            ("from", self.from.is_some()),
        ];
        let (needed, allowed): (&[&str], &[&str]) = match self.kind {
            Kind::Suspend | Kind::Revoke => (&["agreement", "version"], &["from"]),
            Kind::Resume => (&["agreement", "version"], &[]),
            Kind::Freeze => (&[], &["fact", "caller"]),
            Kind::Unfreeze => (&["freeze"], &[]),
        };
        for (key, is_given) in given {
            match (is_given, needed.contains(&key), allowed.contains(&key)) {
                (false, true, _) => flaws.push(format!("`{key}` is missing")),
                (true, false, false) => flaws.push(format!("`{key}` has no place in it")),
                _ => {}
            }
        }
        if !flaws.is_empty() {
            return Err(OrderError::Terms(flaws));
        }
        let version = || Version {
            agreement: self.agreement.clone().unwrap_or_default(),
            version: self.version.unwrap_or_default(),
        };
        Ok(match self.kind {
            Kind::Suspend => Act::Suspend(version()),
            Kind::Resume => Act::Resume(version()),
            Kind::Revoke => Act::Revoke(version()),
            Kind::Freeze => Act::Freeze(Scope {
                provider: self.by.clone(),
                fact: self.fact.clone(),
                caller: self.caller.clone(),
            }),
            Kind::Unfreeze => Act::Unfreeze(self.freeze.clone().unwrap_or_default()),
        })
    }

    fn flaws(&self) -> Vec<String> {
        let mut flaws = Vec::new();
        let mut unless = |holds: bool, flaw: &str| {
            if !holds {
                flaws.push(flaw.to_owned());
            }
        };
        unless(self.schema == SCHEMA, "`schema` is not 1, which is all this program reads");
        unless(is_id(&self.id), "`id` must be 3 to 64 lower-case letters, digits or `-`");
        // These go into the names of freezes, where `/` and `:` part them.
        unless(is_word(self.by.as_str()), "`by` is no organisation's id");
        let caller = self.caller.as_ref().map(OrganisationId::as_str);
        unless(caller.is_none_or(is_word), "`caller` is no organisation's id");
        let fact = self.fact.as_ref().map(FactCode::as_str);
        unless(fact.is_none_or(is_word), "`fact` is no code of a fact");
        unless(self.version != Some(0), "`version` counts from 1");
        unless(self.at >= jiff::Timestamp::UNIX_EPOCH, "`at` is before 1970");
        unless(self.from.is_none_or(|from| self.at <= from), "`from` is earlier than `at`");
        let length = self.reason.trim().chars().count();
        unless((1..=REASON_CHARS).contains(&length), "`reason` must have 1 to 500 characters");
        // The log keeps the document for ever.
        let is_personal = identifier::contains_identity_number(&self.reason);
        unless(!is_personal, "`reason` contains an identity number; name nobody in it");
        flaws
    }
}

/// As orders write it.
fn written(at: Timestamp) -> jiff::Timestamp {
    let at = i64::try_from(at.0).ok().and_then(|at| jiff::Timestamp::from_microsecond(at).ok());
    at.unwrap_or_default()
}

fn as_value(at: jiff::Timestamp) -> Timestamp {
    Timestamp(u64::try_from(at.as_microsecond()).unwrap_or_default())
}

/// As an agreement's id.
fn is_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (3..=64).contains(&text.len()) && text.bytes().all(allowed)
}

fn is_word(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=64).contains(&text.len()) && text.bytes().all(allowed)
}

/// The document of an order that nobody has signed yet, for a key that lies elsewhere: see [`document::to_sign`].
///
/// # Errors
/// When the order makes no sense.
pub fn unsigned(order: &Order) -> Result<Vec<u8>, OrderError> {
    Ok(document::unsigned(&payload(order)?)?)
}

/// The signed document of an order.
///
/// # Errors
/// When the order makes no sense or the key cannot sign.
pub fn sign(order: &Order, signer: Signer<'_>) -> Result<Vec<u8>, OrderError> {
    Ok(document::sign_as(TYPE, &payload(order)?, &[signer])?)
}

fn payload(order: &Order) -> Result<Vec<u8>, OrderError> {
    order.act()?;
    serde_json::to_vec_pretty(order).map_err(OrderError::Json)
}

/// Checks form, signature and terms, with the keys that are valid at `at`, which is when the order is recorded.
///
/// # Errors
/// The first check that fails; nothing of the order may then be done.
pub fn verify(document: &[u8], parties: &Register, at: Timestamp) -> Result<Order, OrderError> {
    let Signed { payload, signed_by } = document::signed(TYPE, document, parties, at)?;
    let order = read(&payload)?;
    match signed_by.as_slice() {
        [(signer, _)] if *signer == order.by => Ok(order),
        _ => {
            let signers = signed_by.iter().map(|(signer, _)| format!("`{signer}`")).collect();
            Err(OrderError::Signers { by: order.by, signers })
        }
    }
}

/// What a document orders, whoever signed it: for showing, and for documents that were verified when the log took them.
///
/// # Errors
/// When it is no such document or makes no sense.
pub fn peek(document: &[u8]) -> Result<Order, OrderError> {
    read(&document::payload(document)?)
}

fn read(payload: &[u8]) -> Result<Order, OrderError> {
    let order: Order = json::read(payload).map_err(OrderError::Json)?;
    order.act()?;
    Ok(order)
}

#[cfg(test)]
pub(super) mod tests;
