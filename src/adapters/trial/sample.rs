//! An answer of an agency to be damaged, with the question that it answers: out of the manifest's fixtures.
//!
//! A fault proves something only where the same reply without it is an answer.

use std::collections::BTreeMap;

use prost::Message;
use serde_json::{Map, Value as Json};

use super::{PEOPLE, Trial};
use crate::adapters::fixture::{self, Fixture, FixtureFile, Script};
use crate::adapters::line::Got;
use crate::adapters::manifest::{Access, Manifest, Operation};
use crate::hostile::{Column, Good};
use crate::query::time::Timestamp;
use crate::query::{FactCode, Query};

/// Outcomes whose replies are damaged.
const ANSWERS: [&str; 2] = ["found", "not_found"];

/// One answer to be damaged.
#[derive(Clone)]
pub struct Sample {
    /// The fact asked about.
    pub fact: FactCode,
    /// `found` or `not_found`: what comes of it while nothing is wrong. `None` where it is no answer at all.
    pub outcome: Option<&'static str>,
    /// The fixture's name; empty where there is none.
    pub name: String,
    /// The reply.
    pub good: Good,
    /// Time of the question.
    pub at: Timestamp,
    pub(super) told: Option<Told>,
}

/// What is asked.
#[derive(Clone)]
pub(super) struct Told {
    pub(super) query: Query,
    /// Invented ones by name.
    pub(super) secrets: BTreeMap<String, String>,
}

impl Trial {
    /// What the fixtures of the fact hold of answers, at most one "found" and one "not found" for each way to say it that
    /// a hostile agency can take. Whether they are answers to this manifest still has to be tried.
    pub fn samples(&self, fact: &FactCode) -> Vec<Sample> {
        let find = |code: &FactCode| self.catalogue.iter().find(|fact| fact.code == *code).cloned();
        let file = fixture::folder_of(&self.file).join(format!("{fact}.toml"));
        let Ok(manifest) = self.manifest() else { return Vec::new() };
        let Ok(read) = fixture::read(&file, &find) else { return Vec::new() };
        let operation = manifest.operations.iter().find(|operation| operation.fact == *fact);
        let Some(operation) = operation else { return Vec::new() };
        let all = ANSWERS.iter().flat_map(|outcome| {
            let fixtures = read.fixtures.iter().filter(|one| one.expect.outcome == **outcome);
            fixtures.filter_map(|one| self.sample(&manifest, operation, &read, one, outcome))
        });
        all.collect()
    }

    /// A reply that is no answer, to a question about nobody: where there is nothing better.
    pub fn no_sample(&self, fact: &FactCode, at: Timestamp) -> Sample {
        let (fact, good) = (fact.clone(), self.good(at));
        Sample { fact, outcome: None, name: String::new(), good, at, told: None }
    }

    fn sample(
        &self,
        manifest: &Manifest,
        operation: &Operation,
        read: &FixtureFile,
        fixture: &Fixture,
        outcome: &'static str,
    ) -> Option<Sample> {
        let charset = match &manifest.access {
            Access::Http(site) | Access::Soap(site, _) => site.charset,
            _ => crate::adapters::language::charset::Charset::Utf8,
        };
        let script = Script::new(Vec::new(), charset, operation.catalogue.clone(), fixture.line);
        let got = script.reply(&fixture.exchanges.last()?.reply).ok()?;
        let secrets = read.secrets_for(manifest);
        Some(Sample {
            fact: operation.fact.clone(),
            outcome: Some(outcome),
            name: fixture.name.clone(),
            good: self.damageable(got, fixture.at)?,
            at: fixture.at,
            told: Some(Told { query: fixture::query(operation, fixture), secrets }),
        })
    }

    /// The reply, where a hostile agency can say it while nothing is wrong.
    fn damageable(&self, got: Got, at: Timestamp) -> Option<Good> {
        Some(match got {
            Got::Http(incoming) if incoming.status == 200 => {
                Good { body: incoming.body, ..Good::default() }
            }
            Got::Http(_) => return None,
            Got::Rows { rows, .. } => match (self.folder.as_ref(), rows.as_slice()) {
                // A table always has a row: where nobody is found, somebody else's.
                (Some(folder), []) => {
                    let row = [(folder.key.clone(), PEOPLE[1].0.to_owned())];
                    Good { table: Some(self.table(at, &row)?), ..Good::default() }
                }
                (Some(_), [row, ..]) => {
                    let row: Vec<(String, String)> = row
                        .as_object()?
                        .iter()
                        .map(|(name, value)| {
                            (name.clone(), value.as_str().unwrap_or_default().to_owned())
                        })
                        .collect();
                    Good { table: Some(self.table(at, &row)?), ..Good::default() }
                }
                (None, [row]) => Good { row: columns(row.as_object()?)?, ..Good::default() },
                (None, _) => return None,
            },
            Got::Fetched(message) => Good { message: message.encode_to_vec(), ..Good::default() },
        })
    }
}

/// A row as a database sends it; `None` where it holds what the hostile one cannot say.
fn columns(row: &Map<String, Json>) -> Option<Vec<Column>> {
    let column = |(name, value): (&String, &Json)| match value {
        Json::String(text) => Some(Column::text(name, text)),
        Json::Bool(truth) => Some(Column::truth(name, *truth)),
        _ => None,
    };
    row.iter().map(column).collect()
}
