//! How orders come into force: out of their folder, weighed against those before, as entries of the log.

use std::path::Path;

use crate::agreements::directory::Adopted;
use crate::agreements::order::directory::{self, Given};
use crate::agreements::order::standing::{Effect, Standing};
use crate::agreements::order::{self, Act};
use crate::audit::entry::{AgreementEvent, FreezeChange, FreezeEvent, Kind, OrderEffect};
use crate::catalogue::Catalogue;
use crate::finding::Finding;
use crate::parties::Register;
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
        match weigh(&given, against, standing) {
            Ok(effect) => {
                standing.take(&given.order, given.digest);
                orders.push(Ordered { given, effect });
            }
            Err(problem) => {
                findings.push(Finding::new(&given.file, format!("refused: {problem}")));
            }
        }
    }
    (orders, findings)
}

fn weigh(given: &Given, against: &Against<'_>, standing: &Standing) -> Result<Effect, String> {
    let act = given.order.act().map_err(|error| error.to_string())?;
    let about = match &act {
        Act::Suspend(about) | Act::Resume(about) | Act::Revoke(about) => Some(about),
        Act::Freeze(_) | Act::Unfreeze(_) => None,
    };
    let agreement = about.and_then(|about| {
        let known = against.agreements.iter().map(|adopted| &*adopted.agreement);
        known
            .into_iter()
            .find(|known| known.id == about.agreement && known.version == about.version)
    });
    // A freeze of what the agency does not answer would stop nothing, silently.
    if let Act::Freeze(scope) = &act
        && let Some(fact) = &scope.fact
        && against.catalogue.fact(fact).is_none_or(|known| known.agency != scope.provider)
    {
        return Err(format!("the catalogue has no fact `{fact}` of `{}`", scope.provider));
    }
    standing.admit(&given.order, agreement, against.at).map_err(|refused| refused.to_string())
}

impl Ordered {
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
    let by = order::peek(document).map(|order| format!(" by `{}`", order.by)).unwrap_or_default();
    format!("agreement `{id}` version {version} {done}{by}")
}

/// What a freeze's entry says, in words.
pub(super) fn freeze_in_words(event: &FreezeEvent) -> String {
    match event.change {
        FreezeChange::Frozen => format!("freeze `{}` in force", event.name),
        FreezeChange::Lifted => format!("freeze `{}` lifted", event.name),
    }
}
