//! What surrounds a question besides agreements: who asks, and how an agency is reached.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::adapters::{Adapters, Health};
use crate::decision::facts::Standing;
use crate::parties::Register;
use crate::query::time::Timestamp;
use crate::query::{FactCode, OrganisationId, SystemId};

/// The adapter in front of an agency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reached {
    /// Its name.
    pub adapter: String,
    /// `serving`, `trying`, `failing`, `maintenance`, `down`, or `untried` where no gateway runs to know it.
    pub health: String,
    /// True when a question would reach the agency.
    pub is_serving: bool,
}

/// How each fact is reached at that moment. `is_live` says whether these adapters are those of a running gateway; of others nobody
/// knows how their agencies do, but their maintenance windows are known.
pub fn adapters(adapters: &Adapters, at: Timestamp, is_live: bool) -> BTreeMap<FactCode, Reached> {
    let reached = |adapter: &crate::adapters::Adapter| {
        let health = adapter.health(at);
        let is_untried = !is_live && health != Health::Maintenance;
        Reached {
            adapter: adapter.name().to_owned(),
            health: if is_untried { "untried" } else { health.name() }.to_owned(),
            is_serving: is_untried || health.is_serving(),
        }
    };
    let each = adapters.all().iter();
    each.flat_map(|adapter| adapter.facts().map(move |fact| (fact.clone(), reached(adapter))))
        .collect()
}

/// What the register says of a system, as of one that comes with a certificate of its organisation's authority.
pub fn standing(register: &Register, organisation: &OrganisationId, system: &SystemId) -> Standing {
    let Some(known) = register.organisation(organisation) else {
        return Standing::UnknownOrganisation;
    };
    match known.systems.get(system) {
        None => Standing::UnknownSystem,
        Some(rights) if rights.query => Standing::Registered,
        Some(_) => Standing::NoQueryRight,
    }
}
