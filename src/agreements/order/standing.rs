//! What the orders so far have come to: which agreements are halted by whom, which freezes are in force.
//!
//! One fold, used by a running gateway over what it records and by a replay over what it reads.

use std::collections::BTreeMap;
use std::time::Duration;

use thiserror::Error;

use super::page::in_china;
use super::{Act, Order, Version, peek, written};
use crate::crypto::{Digest, sha256};
use crate::decision::agreement::{Agreement, Ending};
use crate::decision::freeze::{Freezes, Scope};
use crate::decision::halts::{Halt, Halts};
use crate::query::time::Timestamp;
use crate::query::{FactCode, OrganisationId};

/// How far an order's date may lie ahead of our clock: clocks of agencies differ by seconds, a minute at the worst. And how
/// long it may be on its way before notice counts from its arrival, and no longer from its date.
const AHEAD: Duration = Duration::from_secs(60);

/// Why a good document is not followed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OrderRefused {
    /// The id was used before.
    #[error(
        "`{by}` has given an order the id `{id}` already: if it is this one, it is recorded; if not, give this one its own"
    )]
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
    #[error("agreement `{agreement}` version {version} is not in force here: check its id and version, or publish it first", agreement = .0.agreement, version = .0.version)]
    NoAgreement(Version),
    /// Only its parties may.
    #[error("`{by}` is no party to the agreement `{agreement}`")]
    NoParty {
        /// Who gave the order.
        by: OrganisationId,
        /// About which agreement.
        agreement: String,
    },
    /// The terms list others, or nobody.
    #[error("the terms let {} {what} it alone, and not `{by}`", listed(allowed))]
    NotAlone {
        /// Who gave the order.
        by: OrganisationId,
        /// `suspend` or `revoke`.
        what: &'static str,
        /// Who may; empty is nobody.
        allowed: Vec<OrganisationId>,
    },
    /// It acts before the notice that the terms ask for is over.
    #[error(
        "the terms ask for notice of {}: not before {}; say from when with `from`",
        span(*notice), in_china(written(*earliest))
    )]
    TooSoon {
        /// Time between an order and its beginning.
        notice: Duration,
        /// From when it could act.
        earliest: Timestamp,
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
    /// A freeze of what the agency does not answer would stop nothing, silently.
    #[error("the catalogue has no fact `{fact}` of `{by}`")]
    NoFact {
        /// Who gave the order.
        by: OrganisationId,
        /// The fact.
        fact: FactCode,
    },
    /// Nor would one of a caller that nobody is.
    #[error(
        "the party register has no organisation `{0}`, so that a freeze of its questions would stop none"
    )]
    NoCaller(OrganisationId),
}

impl OrderRefused {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::SameId { .. } => "ORDER_ID_USED",
            Self::Ahead => "ORDER_AHEAD",
            Self::NoAgreement(_) => "AGREEMENT_NOT_IN_FORCE",
            Self::NoParty { .. } => "NO_PARTY",
            Self::NotAlone { .. } => "NOT_ALONE",
            Self::TooSoon { .. } => "NOTICE_TOO_SHORT",
            Self::Older(_) => "ORDER_OUT_OF_DATE",
            Self::Revoked(_) => "AGREEMENT_REVOKED",
            Self::NotSuspended(_) => "NOT_SUSPENDED",
            Self::NoFreeze { .. } => "NO_FREEZE",
            Self::NoFact { .. } => "UNKNOWN_FACT",
            Self::NoCaller(_) => "UNKNOWN_CALLER",
        }
    }

    /// True when this organisation may not give such an order, whenever and however it does.
    pub fn is_about_rights(&self) -> bool {
        matches!(self, Self::NoParty { .. } | Self::NotAlone { .. })
    }
}

/// `30 days`, `12h`.
fn span(time: Duration) -> String {
    match (time.as_secs() / 86_400, time.as_secs() % 86_400) {
        (1, 0) => "1 day".to_owned(),
        (days, 0) => format!("{days} days"),
        _ => humantime::format_duration(time).to_string(),
    }
}

fn listed(parties: &[OrganisationId]) -> String {
    let names: Vec<String> = parties.iter().map(|party| format!("`{party}`")).collect();
    if names.is_empty() { "nobody".to_owned() } else { names.join(" and ") }
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

/// What the parties of one agreement have ordered about it. Beginnings are 0 where an order acts since it was recorded.
#[derive(Clone, Debug, Default)]
struct Said {
    /// Date of each party's latest order.
    latest: BTreeMap<OrganisationId, Timestamp>,
    /// From when each party's suspension acts.
    suspended: BTreeMap<OrganisationId, Timestamp>,
    /// Who has revoked it, and from when it is over.
    revoked: Option<(OrganisationId, Timestamp)>,
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
                let agreement = of_party(order, &about, agreement)?;
                self.may_go_on(order, &about, at)?;
                may_end(order, "suspend", &agreement.suspension, at)?;
                Ok(Effect::Suspended(about))
            }
            Act::Resume(about) => {
                of_party(order, &about, agreement)?;
                let said = self.may_go_on(order, &about, at)?;
                if said.is_none_or(|said| !said.suspended.contains_key(&order.by)) {
                    return Err(OrderRefused::NotSuspended(order.by.clone()));
                }
                Ok(Effect::Resumed(about))
            }
            Act::Revoke(about) => {
                let agreement = of_party(order, &about, agreement)?;
                let said = self.may_go_on(order, &about, at)?;
                // Nobody can put an end off that was declared; an earlier one is another matter.
                if let Some((by, from)) = said.and_then(|said| said.revoked.as_ref())
                    && *from <= begins(order, at)
                {
                    return Err(OrderRefused::Revoked(by.clone()));
                }
                may_end(order, "revoke", &agreement.termination, at)?;
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
    fn may_go_on(
        &self,
        order: &Order,
        about: &Version,
        at: Timestamp,
    ) -> Result<Option<&Said>, OrderRefused> {
        let Some(said) = self.agreements.get(about) else { return Ok(None) };
        if let Some((by, from)) = &said.revoked
            && *from <= at
        {
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
        let from = order.acts_from().unwrap_or_default();
        match order.act() {
            Ok(Act::Suspend(about)) => {
                let suspended = &mut self.word(order, about).suspended;
                // A suspension is ended by resuming, never by another that begins later.
                let begins = suspended.entry(order.by.clone()).or_insert(from);
                *begins = from.min(*begins);
            }
            Ok(Act::Resume(about)) => {
                self.word(order, about).suspended.remove(&order.by);
            }
            Ok(Act::Revoke(about)) => {
                let revoked = &mut self.word(order, about).revoked;
                if revoked.as_ref().is_none_or(|(_, known)| from < *known) {
                    *revoked = Some((order.by.clone(), from));
                }
            }
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

    /// Every order that stands against an agreement, begun or not. As many as there are; agreements are not looked at.
    pub fn halts(&self) -> Halts {
        let halts = self.agreements.iter().flat_map(|(about, said)| {
            let revoked = said.revoked.clone().map(|(by, from)| Halt::Revoked { by, from });
            let suspended = said.suspended.iter();
            let suspended =
                suspended.map(|(by, from)| Halt::Suspended { by: by.clone(), from: *from });
            let all = revoked.into_iter().chain(suspended);
            all.map(|halt| (about.agreement.clone(), about.version, halt))
        });
        halts.collect()
    }

    /// The freezes in force.
    pub fn freezes(&self) -> Freezes {
        self.freezes.values().map(Scope::name).collect()
    }
}

/// The agreement that is meant, once it is sure that the order is of a party to it.
fn of_party<'a>(
    order: &Order,
    about: &Version,
    agreement: Option<&'a Agreement>,
) -> Result<&'a Agreement, OrderRefused> {
    let is_meant = |known: &&Agreement| {
        (known.id.as_str(), known.version) == (about.agreement.as_str(), about.version)
    };
    let Some(agreement) = agreement.filter(is_meant) else {
        return Err(OrderRefused::NoAgreement(about.clone()));
    };
    let mut parties =
        [&agreement.consumer, &agreement.provider].into_iter().chain(&agreement.platform);
    if parties.all(|party| *party != order.by) {
        let (by, agreement) = (order.by.clone(), about.agreement.clone());
        return Err(OrderRefused::NoParty { by, agreement });
    }
    Ok(agreement)
}

/// From when an order acts that is recorded at `at`: no order acts before that.
fn begins(order: &Order, at: Timestamp) -> Timestamp {
    order.acts_from().map_or(at, |from| from.max(at))
}

/// The terms may keep a party from ending the agreement alone, or ask for notice.
///
/// Notice counts from the order's date when it arrives within a minute of it, and from its arrival when it comes later:
/// a party could write any date, but until the order is recorded nobody has been given notice.
fn may_end(
    order: &Order,
    what: &'static str,
    ending: &Ending,
    at: Timestamp,
) -> Result<(), OrderRefused> {
    if !ending.by.contains(&order.by) {
        let (by, allowed) = (order.by.clone(), ending.by.iter().cloned().collect());
        return Err(OrderRefused::NotAlone { by, what, allowed });
    }
    let a_minute_ago = Timestamp(at.0.saturating_sub(Timestamp::default().plus(AHEAD).0));
    let earliest = order.at().max(a_minute_ago).plus(ending.notice);
    if !ending.notice.is_zero() && begins(order, at) < earliest {
        return Err(OrderRefused::TooSoon { notice: ending.notice, earliest });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
