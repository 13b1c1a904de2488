//! The question from the arguments, filled up from the catalogue: facts as a gateway would have gathered them.

use anyhow::{Context, anyhow, bail};
use clap::Args;

use super::caller;
use super::signed::Read;
use crate::catalogue::{Catalogue, Fact, Item};
use crate::cli::query::question;
use crate::decision::RULES;
use crate::decision::facts::{self, CallerFacts, Defect, Facts, QuotaUse, RoleFact, Standing};
use crate::parties::Register;
use crate::query::relation::Relation;
use crate::query::time::Timestamp;
use crate::query::value::Assertion;
use crate::query::{FactCode, ItemCode, Operator, OrganisationId, Purpose, Query, SystemId};
use crate::report::calendar;
use crate::wire;

#[derive(Debug, Args)]
pub(super) struct Asked {
    /// Who asks
    #[arg(long, value_name = "ORGANISATION/SYSTEM", required_unless_present = "log")]
    caller: Option<String>,
    /// What is asked: a fact of the catalogue
    #[arg(long, value_name = "FACT", required_unless_present = "log")]
    fact: Option<String>,
    /// The service item it is for; without a version, the one in effect
    #[arg(long, value_name = "ITEM[@VERSION]", required_unless_present = "log")]
    item: Option<String>,
    /// Roles of the subjects; left out, those that the fact needs
    #[arg(long, value_name = "ROLE")]
    role: Vec<String>,
    /// How a subject belongs to the case: spouse=verified:4711, with the entry that has shown it
    #[arg(long, value_name = "ROLE=RELATION[:INDEX]")]
    relation: Vec<String>,
    /// What is judged, such as 'months_last_12>=6'; left out, the fact's own confirmation
    #[arg(long = "assert", value_name = "ASSERTION")]
    assertions: Vec<String>,
    /// Attributes whose values are wanted
    #[arg(long, value_name = "ATTRIBUTE", value_delimiter = ',')]
    disclose: Vec<String>,
    /// Code of the paper that the answer replaces
    #[arg(long, value_name = "CODE", default_value = "", hide_default_value = true)]
    material: String,
    /// Unit of the operator
    #[arg(long, value_name = "UNIT", default_value = "counter-1")]
    unit: String,
    /// Code of the notice that the person was given
    #[arg(long, value_name = "CODE", default_value = "", hide_default_value = true)]
    notice: String,
    /// Reference of the person's consent
    #[arg(long, value_name = "REFERENCE", default_value = "", hide_default_value = true)]
    consent: String,
    /// Permits given before under each agreement: second=3,day=20000,month=…; left out, none
    #[arg(long, value_name = "PERIOD=COUNT", value_delimiter = ',')]
    used: Vec<String>,
}

impl Asked {
    /// What a decision would look at. What the catalogue does not know is a defect of the question, as at a gateway.
    pub(super) fn facts(
        &self,
        catalogue: &Catalogue,
        parties: &Register,
        read: &Read,
        at: Timestamp,
    ) -> anyhow::Result<Facts> {
        let text = |given: &Option<String>| given.clone().unwrap_or_default();
        let (named, fact) = (text(&self.caller), text(&self.fact));
        let (organisation, system) = caller(&named)?;
        let code = FactCode::new(fact);
        let fact = catalogue.fact(&code);
        let mut defects = Vec::new();
        let (item, item_version) = item(&text(&self.item), catalogue, at, &mut defects);
        let known = catalogue.item(&item, &item_version);
        let is_known = known.is_none_or(|item| item.materials.contains_key(&self.material));
        if !self.material.is_empty() && !is_known {
            defects.push(defect("purpose.replaced_material", "unknown_material"));
        }
        let roles = self.roles(fact, &mut defects)?;
        let query = self.query(code, fact, &mut defects)?;
        let caller = standing(organisation, system, parties);
        let clauses = read.agreements.clauses(&caller.organisation, &query.fact);
        let provider = fact.map(|fact| fact.agency.clone());
        let freezes =
            read.freezes.over(provider.as_ref(), fact.map(|fact| &fact.code), &caller.organisation);
        Ok(Facts {
            rules: RULES,
            request_id: [0; 16],
            caller_sequence: 1,
            received_at: at,
            deadline: None,
            quota: self.quota(clauses.iter().map(|placed| placed.agreement.id.as_str()))?,
            assertions: facts::assertions(&query, clauses),
            caller,
            fact: fact.map(|fact| fact.code.clone()),
            provider,
            item,
            item_version,
            case_number: "named".to_owned(),
            replaced_material: query.purpose.replaced_material,
            operator_unit: query.operator.unit,
            operator_present: true,
            notice: query.purpose.notice,
            consent: query.purpose.consent,
            roles,
            disclose: query.disclose,
            max_age: None,
            defects,
            freezes,
            catalogue_digest: *catalogue.digest(),
        })
    }

    fn query(
        &self,
        code: FactCode,
        fact: Option<&Fact>,
        defects: &mut Vec<Defect>,
    ) -> anyhow::Result<Query> {
        for (position, name) in self.disclose.iter().enumerate() {
            if fact.is_some_and(|fact| fact.attribute(name).is_none()) {
                defects.push(defect(format!("disclose[{position}]"), "unknown_attribute"));
            }
        }
        Ok(Query {
            request_id: [0; 16],
            fact: code,
            subjects: Vec::new(),
            relations: Vec::new(),
            assertions: self.assertions(fact, defects)?,
            disclose: self.disclose.clone(),
            purpose: Purpose {
                replaced_material: self.material.clone(),
                notice: self.notice.clone(),
                consent: self.consent.clone(),
                ..Purpose::default()
            },
            operator: Operator { unit: self.unit.clone(), ..Operator::default() },
            max_age: None,
            want_receipt: false,
        })
    }

    fn assertions(
        &self,
        fact: Option<&Fact>,
        defects: &mut Vec<Defect>,
    ) -> anyhow::Result<Vec<Assertion>> {
        let Some(fact) = fact else { return Ok(Vec::new()) };
        if self.assertions.is_empty() && self.disclose.is_empty() {
            return Ok(fact.confirms.iter().cloned().collect());
        }
        let mut read = Vec::new();
        for (position, text) in self.assertions.iter().enumerate() {
            let given = question::assertion(text)
                .with_context(|| format!("--assert '{text}' cannot be understood"))?;
            let assertion = Assertion {
                comparison: wire::read_comparison(given.comparison())
                    .ok_or_else(|| anyhow!("--assert '{text}' compares nothing"))?,
                values: given.values.iter().filter_map(wire::read_value).collect(),
                attribute: given.attribute,
            };
            if let Err((field, check)) = fact.check_assertion(&assertion) {
                defects.push(defect(format!("assertions[{position}].{field}"), check));
            }
            read.push(assertion);
        }
        Ok(read)
    }

    fn roles(
        &self,
        fact: Option<&Fact>,
        defects: &mut Vec<Defect>,
    ) -> anyhow::Result<Vec<RoleFact>> {
        let needed = fact.map(|fact| fact.roles.as_slice()).unwrap_or_default();
        let needed = || needed.iter().filter(|role| !role.optional).map(|role| &role.name);
        let mut names = self.role.clone();
        if names.is_empty() {
            names.extend(needed().cloned());
        }
        for missing in needed().filter(|name| !names.contains(name)) {
            defects.push(defect(format!("subjects.{missing}"), "missing"));
        }
        let mut roles = Vec::new();
        for (position, name) in names.into_iter().enumerate() {
            let known = fact.and_then(|fact| fact.role(&name));
            if fact.is_some() && known.is_none() {
                defects.push(defect(format!("subjects[{position}].role"), "unknown_role"));
            }
            let kind = known.map(|role| role.kind.clone()).unwrap_or_default();
            roles.push(RoleFact { role: name, kind, relation: None, shown_by: 0 });
        }
        for text in &self.relation {
            relate(text, &mut roles)?;
        }
        Ok(roles)
    }

    fn quota<'a>(
        &self,
        agreements: impl Iterator<Item = &'a str>,
    ) -> anyhow::Result<Vec<QuotaUse>> {
        let mut used = QuotaUse { agreement: String::new(), day: 0, second: 0, month: 0 };
        for text in &self.used {
            let (period, count) = text.split_once('=').unwrap_or((text, ""));
            let count = count.parse().ok().with_context(|| {
                format!("--used `{text}`: write second=3, day=20000 or month=400000")
            })?;
            match period {
                "second" => used.second = count,
                "day" => used.day = count,
                "month" => used.month = count,
                other => bail!("--used: `{other}` is none of second, day, month"),
            }
        }
        let mut all: Vec<QuotaUse> = Vec::new();
        for agreement in agreements {
            if all.iter().all(|known| known.agreement != agreement) {
                all.push(QuotaUse { agreement: agreement.to_owned(), ..used.clone() });
            }
        }
        Ok(all)
    }
}

/// `spouse=verified:4711`, said of every subject in that role.
fn relate(text: &str, roles: &mut [RoleFact]) -> anyhow::Result<()> {
    let form = || {
        let names: Vec<&str> = Relation::ALL.iter().map(|relation| relation.name()).collect();
        anyhow!(
            "--relation `{text}`: write ROLE=RELATION[:INDEX], RELATION one of {}",
            names.join(", ")
        )
    };
    let (role, rest) = text.split_once('=').ok_or_else(form)?;
    let (name, index) = rest.split_once(':').unwrap_or((rest, "0"));
    let relation = Relation::from_name(name).ok_or_else(form)?;
    let shown_by = index.parse().map_err(|_| form())?;
    let mut is_there = false;
    for subject in roles.iter_mut().filter(|subject| subject.role == role) {
        (subject.relation, subject.shown_by) = (Some(relation), shown_by);
        is_there = true;
    }
    if is_there { Ok(()) } else { bail!("--relation `{text}`: no subject is in the role `{role}`") }
}

/// The item and its version: the one named, or the one in effect that day; as given where the catalogue has none.
fn item(
    text: &str,
    catalogue: &Catalogue,
    at: Timestamp,
    defects: &mut Vec<Defect>,
) -> (ItemCode, String) {
    let (code, version) = text.split_once('@').unwrap_or((text, ""));
    let code = ItemCode::new(code);
    let found = if version.is_empty() {
        in_effect(catalogue, &code, &calendar::day(at.china_day()))
    } else {
        catalogue.item(&code, version)
    };
    if let Some(item) = found {
        return (item.code.clone(), item.version.clone());
    }
    defects.push(match catalogue.has_item(&code) {
        true => defect("purpose.item_version", "unknown_version"),
        false => defect("purpose.item", "unknown_item"),
    });
    (code, version.to_owned())
}

fn in_effect<'a>(catalogue: &'a Catalogue, code: &ItemCode, day: &str) -> Option<&'a Item> {
    let is_open = |item: &&Item| {
        item.effective_from.as_str() <= day
            && (item.effective_to.is_empty() || day < item.effective_to.as_str())
    };
    catalogue.items().filter(|item| item.code == *code).filter(is_open).last()
}

/// How the register knows the caller. Whose authority makes its certificate, files do not say: its own, it is taken.
fn standing(organisation: &str, system: &str, parties: &Register) -> CallerFacts {
    let (organisation, system) = (OrganisationId::new(organisation), SystemId::new(system));
    let standing = match parties.organisation(&organisation) {
        None => Standing::UnknownOrganisation,
        Some(known) => match known.systems.get(&system) {
            None => Standing::UnknownSystem,
            Some(rights) if rights.query => Standing::Registered,
            Some(_) => Standing::NoQueryRight,
        },
    };
    CallerFacts { organisation, system, certificate: [0; 32], standing }
}

fn defect(field: impl Into<String>, check: &str) -> Defect {
    Defect { field: field.into(), check: check.to_owned() }
}
