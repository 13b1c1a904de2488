//! How orders come into force: out of their folder, weighed against those before, as entries of the log.

use std::path::Path;

use crate::agreements::directory::Adopted;
use crate::agreements::order::directory::{self, Given};
use crate::agreements::order::standing::{Effect, OrderRefused, Standing};
use crate::agreements::order::{self, Act};
use crate::audit::entry::{AgreementEvent, FreezeChange, FreezeEvent, Kind, OrderEffect};
use crate::catalogue::Catalogue;
use crate::finding::Finding;
use crate::parties::Register;
use crate::query::FactCode;
use crate::query::time::Timestamp;

/// An order to be followed, and what it does.
pub(super) struct Ordered {
    pub(super) given: Given,
    effect: Effect,
}

/// What there is to hold orders against.
pub(super) struct Against<'a> {
    pub(super) register: &'a Register,
    pub(super) catalogue: &'a Catalogue,
    pub(super) agreements: &'a [Adopted],
    pub(super) at: Timestamp,
}

/// The new orders of the folder that are to be followed; `standing` then has them. The others are named.
pub(super) fn read(
    folder: &Path,
    against: &Against<'_>,
    standing: &mut Standing,
) -> (Vec<Ordered>, Vec<Finding>) {
    let (given, mut findings) = directory::load(folder, against.register, against.at, standing);
    let mut orders = Vec::new();
    for given in given {
        let file = given.file.clone();
        match Ordered::weighed(given, against, standing) {
            Ok(ordered) => {
                standing.take(&ordered.given.order, ordered.given.digest);
                orders.push(ordered);
            }
            Err(refused) => findings.push(Finding::new(&file, format!("refused: {refused}"))),
        }
    }
    (orders, findings)
}

impl Ordered {
    /// An order whose signature holds, once it is sure that it is to be followed.
    ///
    /// # Errors
    /// Why it is not.
    pub(super) fn weighed(
        given: Given,
        against: &Against<'_>,
        standing: &Standing,
    ) -> Result<Self, OrderRefused> {
        let order = &given.order;
        let agreement = match order.act() {
            Ok(Act::Suspend(about) | Act::Resume(about) | Act::Revoke(about)) => {
                let mut known = against.agreements.iter().map(|adopted| &*adopted.agreement);
                known.find(|known| known.id == about.agreement && known.version == about.version)
            }
            Ok(Act::Freeze(scope)) => {
                let answers = |fact: &FactCode| {
                    let known = against.catalogue.fact(fact);
                    known.is_some_and(|known| known.agency == scope.provider)
                };
                if let Some(fact) = scope.fact.filter(|fact| !answers(fact)) {
                    return Err(OrderRefused::NoFact { by: scope.provider, fact });
                }
                let is_nobody = |caller: &_| against.register.organisation(caller).is_none();
                if let Some(caller) = scope.caller.filter(is_nobody) {
                    return Err(OrderRefused::NoCaller(caller));
                }
                None
            }
            Ok(Act::Unfreeze(_)) | Err(_) => None,
        };
        let effect = standing.admit(order, agreement, against.at)?;
        Ok(Self { given, effect })
    }

    /// The entry that it becomes.
    pub(super) fn kind(&self) -> Kind {
        let document = self.given.document.clone();
        let agreement = |about: &order::Version, effect| {
            let (id, version) = (about.agreement.clone(), about.version);
            let document = document.clone();
            Kind::Agreement(AgreementEvent::Ordered { id, version, effect, document })
        };
        let freeze = |name: &str, change| {
            let (name, document) = (name.to_owned(), document.clone());
            Kind::Freeze(FreezeEvent { change, name, document })
        };
        match &self.effect {
            Effect::Suspended(about) => agreement(about, OrderEffect::Suspended),
            Effect::Resumed(about) => agreement(about, OrderEffect::Resumed),
            Effect::Revoked(about) => agreement(about, OrderEffect::Revoked),
            Effect::Frozen(name) => freeze(name, FreezeChange::Frozen),
            Effect::Lifted(name) => freeze(name, FreezeChange::Lifted),
        }
    }
}

/// What an order's entry says, in words.
pub(super) fn agreement_in_words(
    id: &str,
    version: u32,
    effect: OrderEffect,
    document: &[u8],
) -> String {
    let done = match effect {
        OrderEffect::Suspended => "suspended",
        OrderEffect::Resumed => "resumed",
        OrderEffect::Revoked => "revoked",
    };
    let order = order::peek(document).ok();
    let by = order.as_ref().map(|order| format!(" by `{}`", order.by)).unwrap_or_default();
    let from = order.and_then(|order| order.beginning_in_words());
    let from = from.map(|from| format!(" from {from}")).unwrap_or_default();
    format!("agreement `{id}` version {version} {done}{by}{from}")
}

/// What a freeze's entry says, in words.
pub(super) fn freeze_in_words(event: &FreezeEvent) -> String {
    match event.change {
        FreezeChange::Frozen => format!("freeze `{}` in force", event.name),
        FreezeChange::Lifted => format!("freeze `{}` lifted", event.name),
    }
}
