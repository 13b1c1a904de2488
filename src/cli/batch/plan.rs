//! What is asked about every row: from a form, and from arguments, which have the last word.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use serde::{Deserialize, Serialize};

use crate::cli::query::question;
use crate::crypto::{Digest, sha256};
use crate::finding;
use crate::proto::gateway::v1 as wire;

/// Column that a case number may come from, row by row.
pub(super) const CASE: &str = "purpose.case_number";
/// Column that a consent may come from.
pub(super) const CONSENT: &str = "purpose.consent";

/// What is asked about every row.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// A form, as `heyan batch form FACT` prints one; other arguments go before what it says
    #[arg(long = "form", value_name = "TOML")]
    file: Option<PathBuf>,
    /// Fact of the catalogue, such as P1
    #[arg(long)]
    fact: Option<String>,
    /// Which column holds what, such as person.document_number=身份证号
    #[arg(long = "column", value_name = "FIELD=COLUMN")]
    columns: Vec<String>,
    /// What to judge, such as 'months_last_12>=6'; without one, the fact's own confirmation
    #[arg(long = "assert", value_name = "ASSERTION")]
    assertions: Vec<String>,
    /// The service item this is for, with the version of its rule
    #[arg(long, value_name = "ITEM@VERSION")]
    item: Option<String>,
    /// Case number (办件编号) of the whole list; a column may give one for each row
    #[arg(long, value_name = "NUMBER")]
    case: Option<String>,
    /// Code of the paper that the answer replaces
    #[arg(long, value_name = "CODE")]
    material: Option<String>,
    /// Code of the text of notice (告知) that the persons were given
    #[arg(long, value_name = "CODE")]
    notice: Option<String>,
    /// Where consent (授权) is kept, by its number
    #[arg(long, value_name = "NUMBER")]
    consent: Option<String>,
    /// Who asks, and their unit
    #[arg(long, value_name = "ID/UNIT")]
    operator: Option<String>,
    /// How the subjects belong to the case, such as case_party
    #[arg(long, value_name = "KIND")]
    relation: Option<String>,
    /// Oldest acceptable answer, such as 1d
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    max_age: Option<Duration>,
}

/// The same as a file.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Form {
    fact: String,
    item: String,
    case: String,
    material: String,
    notice: String,
    consent: String,
    operator: String,
    relation: String,
    assert: Vec<String>,
    max_age: String,
    columns: BTreeMap<String, String>,
}

/// The question of a row, less what is in the row.
pub(super) struct Plan {
    columns: BTreeMap<String, String>,
    question: wire::VerifyRequest,
    relation: wire::Relation,
    digest: Digest,
}

impl Plan {
    /// Reads the form and puts the arguments over it.
    pub(super) fn new(asked: &Asked) -> anyhow::Result<Self> {
        let mut form = match &asked.file {
            None => Form::default(),
            Some(file) => {
                let text = finding::read_text(file).map_err(told)?;
                finding::parse_toml(file, &text).map_err(told)?
            }
        };
        for (key, given) in [
            (&mut form.fact, &asked.fact),
            (&mut form.item, &asked.item),
            (&mut form.case, &asked.case),
            (&mut form.material, &asked.material),
            (&mut form.notice, &asked.notice),
            (&mut form.consent, &asked.consent),
            (&mut form.operator, &asked.operator),
            (&mut form.relation, &asked.relation),
        ] {
            if let Some(given) = given {
                given.clone_into(key);
            }
        }
        if !asked.assertions.is_empty() {
            form.assert.clone_from(&asked.assertions);
        }
        if let Some(age) = asked.max_age {
            form.max_age = humantime::format_duration(age).to_string();
        }
        for text in &asked.columns {
            let form_of = "--column: write FIELD=COLUMN, such as person.name=姓名";
            let (field, column) = text.split_once('=').context(form_of)?;
            form.columns.insert(field.to_owned(), column.to_owned());
        }
        Self::of(form)
    }

    fn of(form: Form) -> anyhow::Result<Self> {
        // What decides whether a list is gone on with: the same question, however it was given.
        let digest = sha256(toml::to_string(&form)?.as_bytes());
        if form.fact.is_empty() {
            bail!("which fact? give --fact, or `fact` in a form");
        }
        let parted =
            |text: &str| text.rsplit_once('/').map(|(id, unit)| (id.to_owned(), unit.to_owned()));
        let (id, unit) = parted(&form.operator).context(
            "who asks? give --operator ID/UNIT, such as 0042/batch, or `operator` in a form",
        )?;
        let (item, item_version) = form.item.split_once('@').context(
            "what for? give --item ITEM@VERSION, such as D2@2026.1, or `item` in a form",
        )?;
        if form.case.is_empty() && !form.columns.contains_key(CASE) {
            bail!("which case? give --case, or a column for `{CASE}`");
        }
        let assertions = form.assert.iter().map(|text| {
            let understood = question::assertion(text);
            understood.with_context(|| format!("the assertion '{text}' cannot be understood"))
        });
        let max_age = match form.max_age.as_str() {
            "" => None,
            text => Some(humantime::parse_duration(text).context("max_age")?),
        };
        let question = wire::VerifyRequest {
            fact: form.fact,
            assertions: assertions.collect::<anyhow::Result<_>>()?,
            purpose: Some(wire::Purpose {
                item: item.to_owned(),
                item_version: item_version.to_owned(),
                case_number: form.case,
                replaced_material: form.material,
                notice: form.notice,
                consent: form.consent,
            }),
            operator: Some(wire::Operator { id, unit }),
            max_age: max_age.map(crate::wire::duration),
            ..wire::VerifyRequest::default()
        };
        let relation = match form.relation.as_str() {
            "" => wire::Relation::Unspecified,
            name => {
                let known = crate::query::relation::Relation::from_name(name);
                crate::wire::relation(
                    known.with_context(|| format!("no relation is called `{name}`"))?,
                )
            }
        };
        Ok(Self { columns: form.columns, question, relation, digest })
    }

    /// The fact's code.
    pub(super) fn fact(&self) -> &str {
        &self.question.fact
    }

    /// Column by field.
    pub(super) fn columns(&self) -> &BTreeMap<String, String> {
        &self.columns
    }

    /// The question, less subjects and id.
    pub(super) fn question(&self) -> &wire::VerifyRequest {
        &self.question
    }

    /// How every subject belongs to the case.
    pub(super) fn relation(&self) -> wire::Relation {
        self.relation
    }

    /// Of everything that is asked.
    pub(super) fn digest(&self) -> Digest {
        self.digest
    }
}

fn told(finding: finding::Finding) -> anyhow::Error {
    anyhow::anyhow!("{finding}")
}
