//! A question of the command line about people and facts, as `try` and `record` take it.

use std::collections::BTreeSet;

use anyhow::{Context, bail};
use clap::Args;

use crate::catalogue::{Catalogue, Fact};
use crate::cli::query::question;
use crate::query::{FactCode, ItemCode, Operator, Purpose, Query};
use crate::wire;

/// What is asked.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// Fact of the catalogue, such as P1
    #[arg(long, value_name = "FACT")]
    fact: Option<String>,
    /// About whom: ROLE=KIND:VALUE as in `heyan query`; without a role, the fact's first role of that kind. A person is
    /// person:NAME:NUMBER or person:NAME/NUMBER
    #[arg(long, value_name = "[ROLE=]KIND:VALUE")]
    subject: Vec<String>,
    /// Attributes that the permit would grant; all of the fact when none is named
    #[arg(long, value_name = "ATTRIBUTE", value_delimiter = ',')]
    attribute: Vec<String>,
    /// The service item the question is for
    #[arg(long, value_name = "ITEM@VERSION", default_value = "W1@2026.1")]
    item: String,
    /// Case number (办件编号)
    #[arg(long, value_name = "NUMBER", default_value = "TRY-000001")]
    case: String,
    /// Who asks, and their unit
    #[arg(long, value_name = "ID/UNIT", default_value = "try/workbench")]
    operator: String,
}

impl Asked {
    /// The question, and the attributes that a permit would grant.
    ///
    /// # Errors
    /// What is missing or wrong; never a value.
    pub(super) fn read(&self, catalogue: &Catalogue) -> anyhow::Result<(Query, BTreeSet<String>)> {
        let name = self.fact.as_deref().context("--fact: name a fact of the catalogue")?;
        let fact = catalogue
            .fact(&FactCode::new(name))
            .with_context(|| format!("the catalogue has no fact `{name}`"))?;
        Ok((query(self, fact)?, granted(self, fact)?))
    }
}

fn granted(command: &Asked, fact: &Fact) -> anyhow::Result<BTreeSet<String>> {
    if let Some(name) = command.attribute.iter().find(|name| fact.attribute(name).is_none()) {
        bail!("--attribute: `{}` has no attribute `{name}`", fact.code);
    }
    if command.attribute.is_empty() {
        return Ok(fact.attributes.iter().map(|attribute| attribute.name.clone()).collect());
    }
    Ok(command.attribute.iter().cloned().collect())
}

fn query(command: &Asked, fact: &Fact) -> anyhow::Result<Query> {
    let (item, item_version) =
        command.item.split_once('@').context("--item: write ITEM@VERSION")?;
    let (operator, unit) =
        command.operator.rsplit_once('/').context("--operator: write ID/UNIT")?;
    let mut subjects = Vec::new();
    for text in &command.subject {
        let message = subject(text, fact)?;
        let role = message.role.clone();
        subjects.push(wire::read_subject(&message).with_context(|| {
            format!(
                "--subject {role}: a gateway would refuse its number (length, date or check digit)"
            )
        })?);
    }
    for role in fact.roles.iter().filter(|role| !role.optional) {
        if subjects.iter().all(|subject| subject.role != role.name) {
            bail!("`{}` asks about the role `{}`: add --subject", fact.code, role.name);
        }
    }
    Ok(Query {
        request_id: *uuid::Uuid::new_v4().as_bytes(),
        fact: fact.code.clone(),
        relations: vec![None; subjects.len()],
        subjects,
        assertions: Vec::new(),
        disclose: Vec::new(),
        purpose: Purpose {
            item: ItemCode::new(item),
            item_version: item_version.to_owned(),
            case_number: command.case.clone(),
            ..Purpose::default()
        },
        operator: Operator { id: operator.to_owned(), unit: unit.to_owned() },
        max_age: None,
        want_receipt: false,
    })
}

/// Errors never repeat the value: it is personal data.
fn subject(text: &str, fact: &Fact) -> anyhow::Result<crate::proto::gateway::v1::Subject> {
    let (before, value) =
        text.split_once(':').context("--subject: write ROLE=KIND:VALUE or KIND:VALUE")?;
    let (role, kind) = match before.split_once('=') {
        Some((role, kind)) => (role, kind),
        None => {
            let role = fact.roles.iter().find(|role| role.kind == before).with_context(|| {
                format!("--subject: `{}` has no role for a `{before}`", fact.code)
            })?;
            (role.name.as_str(), before)
        }
    };
    if fact.role(role).is_none_or(|known| known.kind != kind) {
        bail!("--subject: `{}` has no role `{role}` for a `{kind}`", fact.code);
    }
    let value = match value.rsplit_once(':') {
        Some((name, number)) if kind == "person" && !value.contains('/') => {
            format!("{name}/{number}")
        }
        _ => value.to_owned(),
    };
    let kind = question::kind(kind, &value).with_context(|| format!("--subject {role}"))?;
    Ok(question::subject(role, kind))
}
