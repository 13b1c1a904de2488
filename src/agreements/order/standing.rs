//! What the orders so far have come to: which agreements are halted by whom, which freezes are in force.
//!
//! One fold, used by a running gateway over what it records and by a replay over what it reads.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use thiserror::Error;

use super::{Act, Order, Version, peek};
use crate::crypto::{Digest, sha256};
use crate::decision::agreement::Agreement;
use crate::decision::agreements::Halt;
use crate::decision::freeze::{Freezes, Scope};
use crate::query::OrganisationId;
use crate::query::time::Timestamp;

/// How far an order's date may lie ahead of our clock: clocks of agencies differ by seconds, a minute at the worst.
const AHEAD: Duration = Duration::from_secs(60);

/// Why a good document is not followed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OrderRefused {
    /// The id was used before.
    #[error("`{by}` has given another order the id `{id}`; give this one its own")]
    SameId {
        /// Whose orders they are.
        by: OrganisationId,
        /// The id.
        id: String,
    },
    /// Dated in the future: it might be meant to be kept for later.
    #[error("it is dated later than now")]
    Ahead,
    /// There is nothing it could act on.
    #[error("agreement `{agreement}` version {version} is not in force here", agreement = .0.agreement, version = .0.version)]
    NoAgreement(Version),
    /// Only the two parties may.
    #[error("`{by}` is no party to the agreement `{agreement}`")]
    NoParty {
        /// Who gave the order.
        by: OrganisationId,
        /// About which agreement.
        agreement: String,
    },
    /// The same party has said something later about the same agreement.
    #[error("`{0}` has given a later order about the same agreement")]
    Older(OrganisationId),
    /// Revoked is revoked.
    #[error("`{0}` has revoked the agreement, which is final")]
    Revoked(OrganisationId),
    /// Nothing of that party's to resume.
    #[error("`{0}` has not suspended the agreement; only who suspended can resume")]
    NotSuspended(OrganisationId),
    /// Nothing of that agency's to lift.
    #[error("`{by}` has no freeze `{id}` in force; only who froze can lift")]
    NoFreeze {
        /// Who gave the order.
        by: OrganisationId,
        /// Id of the order that is to be lifted.
        id: String,
    },
}

/// What an order does, as entries say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The agreement grants nothing for now.
    Suspended(Version),
    /// One party's suspension has ended.
    Resumed(Version),
    /// The agreement grants nothing any more.
    Revoked(Version),
    /// The freeze of this name is in force.
    Frozen(String),
    /// One freeze of this name has ended.
    Lifted(String),
}

/// An organisation and its own id for an order: nobody can use up another's.
type OrderId = (OrganisationId, String);

/// What the orders so far have come to. Starts empty; orders are taken in the order of the log.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// Every order so far: SHA-256 of its document.
    known: BTreeMap<OrderId, Digest>,
    agreements: BTreeMap<Version, Said>,
    /// Freezes in force, by the order that began them.
    freezes: BTreeMap<OrderId, Scope>,
}

/// What the parties of one agreement have ordered about it.
#[derive(Clone, Debug, Default)]
struct Said {
    /// Date of each party's latest order.
    latest: BTreeMap<OrganisationId, Timestamp>,
    suspended: BTreeSet<OrganisationId>,
    revoked: Option<OrganisationId>,
}

impl Standing {
    /// SHA-256 of the order that this organisation gave under this id, once it is recorded.
    pub fn known(&self, by: &OrganisationId, id: &str) -> Option<&Digest> {
        self.known.get(&(by.clone(), id.to_owned()))
    }

    /// What the order would do at `at`. `agreement` is the one it is about, when that is in force.
    ///
    /// # Errors
    /// Why it is not to be followed; [`Standing::take`] must then not be called with it.
    pub fn admit(
        &self,
        order: &Order,
        agreement: Option<&Agreement>,
        at: Timestamp,
    ) -> Result<Effect, OrderRefused> {
        if self.known(&order.by, &order.id).is_some() {
            return Err(OrderRefused::SameId { by: order.by.clone(), id: order.id.clone() });
        }
        if order.at() > at.plus(AHEAD) {
            return Err(OrderRefused::Ahead);
        }
        // An order that exists makes sense; one that does not is about nothing.
        match order.act().unwrap_or_else(|_| Act::Unfreeze(String::new())) {
            Act::Suspend(about) => {
                self.said(order, &about, agreement)?;
                Ok(Effect::Suspended(about))
            }
            Act::Resume(about) => {
                let said = self.said(order, &about, agreement)?;
                if said.is_none_or(|said| !said.suspended.contains(&order.by)) {
                    return Err(OrderRefused::NotSuspended(order.by.clone()));
                }
                Ok(Effect::Resumed(about))
            }
            Act::Revoke(about) => {
                self.said(order, &about, agreement)?;
                Ok(Effect::Revoked(about))
            }
            Act::Freeze(scope) => Ok(Effect::Frozen(scope.name())),
            Act::Unfreeze(id) => match self.freezes.get(&(order.by.clone(), id.clone())) {
                Some(scope) => Ok(Effect::Lifted(scope.name())),
                None => Err(OrderRefused::NoFreeze { by: order.by.clone(), id }),
            },
        }
    }

    /// What has been said about the agreement, once it is sure that this party may say more.
    fn said(
        &self,
        order: &Order,
        about: &Version,
        agreement: Option<&Agreement>,
    ) -> Result<Option<&Said>, OrderRefused> {
        let is_meant = |known: &&Agreement| {
            (known.id.as_str(), known.version) == (about.agreement.as_str(), about.version)
        };
        let Some(agreement) = agreement.filter(is_meant) else {
            return Err(OrderRefused::NoAgreement(about.clone()));
        };
        if ![&agreement.consumer, &agreement.provider].contains(&&order.by) {
            let (by, agreement) = (order.by.clone(), about.agreement.clone());
            return Err(OrderRefused::NoParty { by, agreement });
        }
        let Some(said) = self.agreements.get(about) else { return Ok(None) };
        if let Some(by) = &said.revoked {
            return Err(OrderRefused::Revoked(by.clone()));
        }
        // Somebody may hold back a resumption and bring it after the next suspension.
        if said.latest.get(&order.by).is_some_and(|latest| order.at() < *latest) {
            return Err(OrderRefused::Older(order.by.clone()));
        }
        Ok(Some(said))
    }

    /// Takes the document of an order from the log, which holds those alone that were admitted.
    pub fn follow(&mut self, document: &[u8]) {
        if let Ok(order) = peek(document) {
            self.take(&order, sha256(document));
        }
    }

    /// Takes an order into account that was admitted; `document` is SHA-256 of its bytes.
    pub fn take(&mut self, order: &Order, document: Digest) {
        self.known.insert((order.by.clone(), order.id.clone()), document);
        match order.act() {
            Ok(Act::Suspend(about)) => {
                self.word(order, about).suspended.insert(order.by.clone());
            }
            Ok(Act::Resume(about)) => {
                self.word(order, about).suspended.remove(&order.by);
            }
            Ok(Act::Revoke(about)) => self.word(order, about).revoked = Some(order.by.clone()),
            Ok(Act::Freeze(scope)) => {
                self.freezes.insert((order.by.clone(), order.id.clone()), scope);
            }
            Ok(Act::Unfreeze(freeze)) => {
                self.freezes.remove(&(order.by.clone(), freeze));
            }
            Err(_) => {}
        }
    }

    fn word(&mut self, order: &Order, about: Version) -> &mut Said {
        let said = self.agreements.entry(about).or_default();
        said.latest.insert(order.by.clone(), order.at());
        said
    }

    /// Why the agreement grants nothing; `None` when no order stands against it.
    pub fn halt(&self, agreement: &Agreement) -> Option<Halt> {
        let about = Version { agreement: agreement.id.clone(), version: agreement.version };
        let said = self.agreements.get(&about)?;
        let suspended = || said.suspended.first().cloned().map(Halt::Suspended);
        said.revoked.clone().map(Halt::Revoked).or_else(suspended)
    }

    /// The freezes in force.
    pub fn freezes(&self) -> Freezes {
        self.freezes.values().map(Scope::name).collect()
    }
}

#[cfg(test)]
mod tests;
