//! The facts of a decision, from their message. Nothing is rounded: replay must see what the decision saw.

use std::time::Duration;

use super::digest;
use crate::audit::entry::EntryError;
use crate::decision::facts::{
    AssertionFact, CallerFacts, Defect, Facts, QuotaUse, RoleFact, Standing,
};
use crate::proto::audit::v1 as stored;
use crate::query::relation::Relation;
use crate::query::time::Timestamp;
use crate::query::value::Comparison;
use crate::query::{FactCode, ItemCode, OrganisationId, SystemId};

pub(super) fn caller_out(caller: &CallerFacts) -> stored::Caller {
    stored::Caller {
        organisation: caller.organisation.as_str().to_owned(),
        system: caller.system.as_str().to_owned(),
        certificate: caller.certificate.to_vec(),
        standing: standing_out(caller.standing).into(),
    }
}

pub(super) fn caller_in(caller: Option<stored::Caller>) -> Result<CallerFacts, EntryError> {
    let caller = caller.ok_or(EntryError::Missing("facts.caller"))?;
    Ok(CallerFacts {
        organisation: OrganisationId::new(caller.organisation),
        system: SystemId::new(caller.system),
        certificate: digest(&caller.certificate, "facts.caller.certificate")?,
        standing: standing_in(caller.standing)?,
    })
}

pub(super) fn facts_in(facts: Option<stored::Facts>) -> Result<Facts, EntryError> {
    let facts = facts.ok_or(EntryError::Missing("facts"))?;
    let nonempty = |code: String| (!code.is_empty()).then_some(code);
    if facts.rules == 0 {
        return Err(EntryError::Missing("facts.rules"));
    }
    Ok(Facts {
        rules: facts.rules,
        request_id: facts
            .request_id
            .try_into()
            .map_err(|_| EntryError::Unknown("facts.request_id"))?,
        caller_sequence: facts.caller_sequence,
        received_at: Timestamp(facts.received_us),
        deadline: facts.deadline_us.map(Duration::from_micros),
        caller: caller_in(facts.caller)?,
        fact: nonempty(facts.fact).map(FactCode::new),
        provider: nonempty(facts.provider).map(OrganisationId::new),
        item: ItemCode::new(facts.item),
        item_version: facts.item_version,
        case_number: facts.case_number,
        replaced_material: facts.replaced_material,
        operator_unit: facts.operator_unit,
        operator_present: facts.operator_present,
        notice: facts.notice,
        consent: facts.consent,
        roles: facts.roles.into_iter().map(role_in).collect::<Result<_, _>>()?,
        assertions: facts.assertions.into_iter().map(assertion_in).collect::<Result<_, _>>()?,
        disclose: facts.disclose,
        max_age: facts.max_age_us.map(Duration::from_micros),
        defects: facts
            .defects
            .into_iter()
            .map(|defect| Defect { field: defect.field, check: defect.check })
            .collect(),
        quota: facts
            .quota
            .into_iter()
            .map(|used| QuotaUse {
                agreement: used.agreement,
                day: used.day,
                second: used.second,
                month: used.month,
            })
            .collect(),
        freezes: facts.freezes,
        catalogue_digest: digest(&facts.catalogue_digest, "facts.catalogue_digest")?,
    })
}

fn role_in(role: stored::Role) -> Result<RoleFact, EntryError> {
    let relation = match role.relation.as_str() {
        "" => None,
        name => Some(Relation::from_name(name).ok_or(EntryError::Unknown("facts.roles.relation"))?),
    };
    Ok(RoleFact { role: role.name, kind: role.kind, relation, shown_by: role.shown_by })
}

fn assertion_in(shape: stored::AssertionShape) -> Result<AssertionFact, EntryError> {
    let comparison = Comparison::from_name(&shape.comparison)
        .ok_or(EntryError::Unknown("facts.assertions.comparison"))?;
    let within = shape.within.into_iter().map(|kept| super::permit_in(Some(kept)));
    let within = within.collect::<Result<_, _>>()?;
    Ok(AssertionFact { attribute: shape.attribute, comparison, within })
}

pub(super) fn standing_out(standing: Standing) -> stored::Standing {
    match standing {
        Standing::Registered => stored::Standing::Registered,
        Standing::UnknownOrganisation => stored::Standing::UnknownOrganisation,
        Standing::UnknownSystem => stored::Standing::UnknownSystem,
        Standing::ForeignAuthority => stored::Standing::ForeignAuthority,
        Standing::Unnamed => stored::Standing::Unnamed,
        Standing::NoQueryRight => stored::Standing::NoQueryRight,
    }
}

pub(in crate::audit::entry) fn standing_in(standing: i32) -> Result<Standing, EntryError> {
    match stored::Standing::try_from(standing) {
        Ok(stored::Standing::Registered) => Ok(Standing::Registered),
        Ok(stored::Standing::UnknownOrganisation) => Ok(Standing::UnknownOrganisation),
        Ok(stored::Standing::UnknownSystem) => Ok(Standing::UnknownSystem),
        Ok(stored::Standing::ForeignAuthority) => Ok(Standing::ForeignAuthority),
        Ok(stored::Standing::Unnamed) => Ok(Standing::Unnamed),
        Ok(stored::Standing::NoQueryRight) => Ok(Standing::NoQueryRight),
        Ok(stored::Standing::Unspecified) | Err(_) => {
            Err(EntryError::Unknown("facts.caller.standing"))
        }
    }
}
